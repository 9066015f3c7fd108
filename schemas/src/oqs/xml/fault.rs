//! What can be wrong with a text that should be a message. Faults carry nothing of the content.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The root's end tag has not come yet.
    #[error("書きかけです (the end tag has not come yet)")]
    Incomplete,
    /// Nothing at all, or only blanks.
    #[error("空のファイルです (empty file)")]
    Empty,
    /// No markup where markup must be.
    #[error("XMLではありません (not XML)")]
    NotXml,
    /// Tags don't fit, or a markup is unknown.
    #[error("XMLの形が壊れています (not well-formed)")]
    NotWellFormed,
    /// Another root than the message's.
    #[error("資格確認のメッセージではありません (root element is not XmlMsg)")]
    NotAMessage,
    /// `<!DOCTYPE`.
    #[error("DTDは受け付けません (a DTD is refused)")]
    Doctype,
    /// A reference to anything but the five entities and characters.
    #[error("実体参照は受け付けません (an entity is refused)")]
    Entity,
    /// A character that XML forbids.
    #[error("使えない文字があります (a character that XML forbids)")]
    Character,
    /// Text beside elements.
    #[error("要素の間に文字があります (text between elements)")]
    Mixed,
    /// An element that must occur once, twice.
    #[error("要素{0}が重複しています (element {0} occurs twice)")]
    Duplicate(&'static str),
    /// Something after the root.
    #[error("終了タグの後に続きがあります (content after the end tag)")]
    Trailing,
    /// Larger than the limit.
    #[error("大きすぎます (larger than the limit)")]
    Size,
    /// Deeper than the limit.
    #[error("入れ子が深すぎます (nested too deeply)")]
    Depth,
    /// More elements than the limit.
    #[error("要素が多すぎます (too many elements)")]
    Elements,
    /// A longer text than the limit.
    #[error("文字列が長すぎます (text too long)")]
    Text,
}

/// What is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: line {line}, byte {byte}")]
pub struct XmlError {
    /// What.
    pub fault: Fault,
    /// Line, from 1; 0 where no line is to be told.
    pub line: u64,
    /// Byte of the UTF-8 text, from 0.
    pub byte: u64,
}

impl XmlError {
    /// Whether more bytes may still come.
    pub fn is_incomplete(&self) -> bool {
        matches!(self.fault, Fault::Incomplete | Fault::Empty)
    }

    /// Stable word.
    pub fn reason(&self) -> &'static str {
        match self.fault {
            Fault::Incomplete => "incomplete",
            Fault::Empty => "empty",
            Fault::NotXml => "not-xml",
            Fault::NotWellFormed | Fault::Mixed | Fault::Trailing => "not-well-formed",
            Fault::NotAMessage => "not-a-message",
            Fault::Doctype => "dtd",
            Fault::Entity => "entity",
            Fault::Character => "forbidden-character",
            Fault::Duplicate(_) => "duplicate-element",
            Fault::Size => "too-large",
            Fault::Depth => "too-deep",
            Fault::Elements => "too-many-elements",
            Fault::Text => "text-too-long",
        }
    }
}
