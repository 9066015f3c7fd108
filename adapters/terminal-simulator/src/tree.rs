//! Requests as a small tree.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::decode::QuestionError;

/// An element: its text, or the elements inside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub name: String,
    pub text: String,
    pub children: Vec<Node>,
}

impl Node {
    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every child of that name.
    pub(crate) fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The trimmed text of a child; blank is absent.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let text = self.child(name)?.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Reads a whole document.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, QuestionError> {
        let text = decode(bytes)?;
        let mut reader = Reader::from_str(&text);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        loop {
            match reader.read_event().map_err(QuestionError::Xml)? {
                Event::Start(tag) => open.push(Self::named(tag.local_name().as_ref())),
                Event::Empty(tag) => {
                    let leaf = Self::named(tag.local_name().as_ref());
                    match open.last_mut() {
                        Some(parent) => parent.children.push(leaf),
                        None => root = Some(leaf),
                    }
                }
                Event::Text(piece) => add(&mut open, &piece),
                Event::GeneralRef(entity) => match entity.as_ref() {
                    "amp" => add(&mut open, "&"),
                    "lt" => add(&mut open, "<"),
                    "gt" => add(&mut open, ">"),
                    _ => return Err(QuestionError::Shape),
                },
                Event::End(_) => {
                    let closed = open.pop().ok_or(QuestionError::Shape)?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => root = Some(closed),
                    }
                }
                Event::DocType(_) => return Err(QuestionError::Shape),
                Event::Eof if open.is_empty() => break,
                Event::Eof => return Err(QuestionError::Shape),
                _ => {}
            }
        }
        root.filter(|root| root.name == "XmlMsg")
            .ok_or(QuestionError::Shape)
    }

    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

fn add(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}

/// UTF-8 or Shift_JIS, as the declaration says.
fn decode(bytes: &[u8]) -> Result<String, QuestionError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).to_lowercase();
    let (encoding, name) = if head.contains("encoding=\"shift_jis\"") {
        (encoding_rs::SHIFT_JIS, "Shift_JIS")
    } else {
        (encoding_rs::UTF_8, "UTF-8")
    };
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
        .ok_or(QuestionError::Encoding(name))
}
