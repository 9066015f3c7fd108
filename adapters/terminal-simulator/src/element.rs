//! A small tree of XML and how it becomes bytes.

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use crate::knobs::Encoding;

/// An element with text or children; this interface knows no attributes.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    name: &'static str,
    text: Option<String>,
    children: Vec<Element>,
}

impl Element {
    pub(crate) fn branch(name: &'static str, children: Vec<Element>) -> Self {
        Self {
            name,
            text: None,
            children,
        }
    }

    pub(crate) fn leaf(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            text: Some(text.into()),
            children: Vec::new(),
        }
    }

    /// `<name/>`, which some terminals write for what is absent.
    pub(crate) fn blank(name: &'static str) -> Self {
        Self::leaf(name, "")
    }

    /// Puts children in any order, as real answers do. Lists (children of one name) keep theirs.
    pub(crate) fn shuffle(&mut self, random: &mut SmallRng) {
        let first = self.children.first().map(|child| child.name);
        if self.children.iter().any(|child| Some(child.name) != first) {
            self.children.shuffle(random);
        }
        for child in &mut self.children {
            child.shuffle(random);
        }
    }

    /// Whether a child of that name has this text.
    pub(crate) fn says(&self, name: &str, text: &str) -> bool {
        self.children
            .iter()
            .any(|child| child.name == name && child.text.as_deref() == Some(text))
    }

    /// Appends itself, indented.
    pub(crate) fn write(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        match &self.text {
            Some(text) if text.is_empty() => {
                out.push_str(&format!("{indent}<{}/>\r\n", self.name));
            }
            Some(text) => {
                out.push_str(&format!("{indent}<{}>", self.name));
                escape(text, out);
                out.push_str(&format!("</{}>\r\n", self.name));
            }
            None => {
                out.push_str(&format!("{indent}<{}>\r\n", self.name));
                for child in &self.children {
                    child.write(depth + 1, out);
                }
                out.push_str(&format!("{indent}</{}>\r\n", self.name));
            }
        }
    }

    /// The whole document with its declaration.
    pub(crate) fn document(&self, encoding: Encoding) -> Vec<u8> {
        let mut text = declaration(encoding);
        self.write(0, &mut text);
        encoded(&text, encoding)
    }
}

/// The XML declaration, behind a byte order mark where there is one.
pub(crate) fn declaration(encoding: Encoding) -> String {
    let (mark, declared) = match encoding {
        Encoding::ShiftJis => ("", "Shift_JIS"),
        Encoding::Utf8 => ("", "UTF-8"),
        Encoding::Utf8Bom => ("\u{feff}", "UTF-8"),
    };
    format!("{mark}<?xml version=\"1.0\" encoding=\"{declared}\" standalone=\"no\"?>\r\n")
}

/// A text as bytes. Pieces of one document may be encoded one by one.
pub(crate) fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom => text.as_bytes().to_vec(),
        Encoding::ShiftJis => shift_jis(text),
    }
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}

/// CP932; what it lacks becomes ●, as it does at the centre.
fn shift_jis(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut utf8 = [0u8; 4];
    for character in text.chars() {
        let (encoded, _, lost) = encoding_rs::SHIFT_JIS.encode(character.encode_utf8(&mut utf8));
        if lost {
            bytes.extend_from_slice(&encoding_rs::SHIFT_JIS.encode("●").0);
        } else {
            bytes.extend_from_slice(&encoded);
        }
    }
    bytes
}
