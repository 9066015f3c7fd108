//! A safe walk over the elements of a message: no DTD, no entities but the five and character references,
//! bounded in size, depth, elements and text, attributes ignored.
//!
//! A document is whole only at the end tag of its root: before that a file is [`Fault::Incomplete`] and may
//! still be written. Everything else is wrong for good. Faults say what and where, never the content.

mod fault;

use std::borrow::Cow;

pub use fault::{Fault, XmlError};
use quick_xml::events::{BytesRef, Event};
use quick_xml::{Error as QuickError, errors::IllFormedError, errors::SyntaxError};

/// How large a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, before and after decoding each for itself.
    pub bytes: usize,
    /// Elements inside each other.
    pub depth: usize,
    /// Elements at all.
    pub elements: u32,
    /// Bytes of text in one element.
    pub text: usize,
}

impl Limits {
    /// For messages about one person: face files and single answers.
    pub const SINGLE: Self = Self {
        bytes: 4 << 20,
        depth: 32,
        elements: 50_000,
        text: 16 << 10,
    };

    /// Refuses a size before anything is read.
    ///
    /// # Errors
    /// [`Fault::Size`].
    pub fn check_size(&self, bytes: usize) -> Result<(), XmlError> {
        if bytes > self.bytes {
            return Err(XmlError {
                fault: Fault::Size,
                line: 0,
                byte: 0,
            });
        }
        Ok(())
    }
}

/// One step of the walk.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'t> {
    /// An element with elements inside.
    Open(&'t str),
    /// An element with text or nothing inside.
    Leaf(&'t str, Cow<'t, str>),
    /// The end of the last open element.
    Close,
    /// The end of the document.
    Done,
}

/// A start tag read ahead, to tell a leaf from a parent.
enum Ahead<'t> {
    Start(&'t str),
    Empty(&'t str),
}

/// Walks a text.
pub struct Reader<'t> {
    text: &'t str,
    inner: quick_xml::Reader<&'t [u8]>,
    limits: Limits,
    depth: usize,
    elements: u32,
    ahead: Option<Ahead<'t>>,
    closed: bool,
}

impl<'t> Reader<'t> {
    /// Begins at the start of `text`.
    ///
    /// # Errors
    /// [`Fault::Size`], [`Fault::Empty`], or [`Fault::Character`]; a tail of NUL bytes is a file still being filled.
    pub fn new(text: &'t str, limits: &Limits) -> Result<Self, XmlError> {
        limits.check_size(text.len())?;
        // quick-xml drops a BOM without counting it, and positions must fit.
        let text = text.trim_start_matches('\u{feff}');
        check_characters(text)?;
        if text.trim_ascii().is_empty() {
            return Err(at(text, 0, Fault::Empty));
        }
        Ok(Self {
            text,
            inner: quick_xml::Reader::from_str(text),
            limits: *limits,
            depth: 0,
            elements: 0,
            ahead: None,
            closed: false,
        })
    }

    /// An error at the present place.
    pub fn error(&self, fault: Fault) -> XmlError {
        at(self.text, self.position(), fault)
    }

    /// The next step.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn step(&mut self) -> Result<Step<'t>, XmlError> {
        match self.ahead.take() {
            Some(Ahead::Start(name)) => return self.element(name),
            Some(Ahead::Empty(name)) => return Ok(Step::Leaf(name, Cow::Borrowed(""))),
            None => {}
        }
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let name = self.name(start.name().0.len(), start.len() + 1)?;
                    return self.element(name);
                }
                Event::Empty(start) => {
                    let name = self.name(start.name().0.len(), start.len() + 2)?;
                    self.closed = self.depth == 0;
                    return Ok(Step::Leaf(name, Cow::Borrowed("")));
                }
                Event::End(_) => {
                    self.depth -= 1;
                    self.closed = self.depth == 0;
                    return Ok(Step::Close);
                }
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(self.stray_text());
                }
                Event::Eof if self.closed => return Ok(Step::Done),
                Event::Eof => return Err(self.error(Fault::Incomplete)),
                Event::DocType(_) => return Err(self.error(Fault::Doctype)),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
    }

    /// After the start tag of `name`: a leaf up to its end tag, or the opening of a parent.
    fn element(&mut self, name: &'t str) -> Result<Step<'t>, XmlError> {
        let mut content = Cow::Borrowed("");
        loop {
            match self.event()? {
                Event::Text(text) => join(&mut content, text.into_inner()),
                Event::CData(text) => join(&mut content, text.into_inner()),
                Event::GeneralRef(reference) => {
                    let character = self.resolve(&reference)?;
                    content.to_mut().push(character);
                }
                Event::End(_) => {
                    self.closed = self.depth == 0;
                    return Ok(Step::Leaf(name, content));
                }
                Event::Start(start) => {
                    self.enter(&content)?;
                    let child = self.name(start.name().0.len(), start.len() + 1)?;
                    self.ahead = Some(Ahead::Start(child));
                    return Ok(Step::Open(name));
                }
                Event::Empty(start) => {
                    self.enter(&content)?;
                    let child = self.name(start.name().0.len(), start.len() + 2)?;
                    self.ahead = Some(Ahead::Empty(child));
                    return Ok(Step::Open(name));
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(_) => return Err(self.error(Fault::NotWellFormed)),
                Event::DocType(_) => return Err(self.error(Fault::Doctype)),
                Event::Eof => return Err(self.error(Fault::Incomplete)),
            }
            if content.len() > self.limits.text {
                return Err(self.error(Fault::Text));
            }
        }
    }

    fn enter(&mut self, content: &str) -> Result<(), XmlError> {
        if !content.trim_ascii().is_empty() {
            return Err(self.error(Fault::Mixed));
        }
        self.depth += 1;
        Ok(())
    }

    /// The name of the start tag that ends here, borrowed from the text; `tag` is its length without `<`.
    fn name(&mut self, length: usize, tag: usize) -> Result<&'t str, XmlError> {
        if self.closed {
            return Err(self.error(Fault::Trailing));
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(self.error(Fault::Elements));
        }
        // The innermost tag itself is one level below the open ones.
        if self.depth >= self.limits.depth {
            return Err(self.error(Fault::Depth));
        }
        let begin = self.position().saturating_sub(tag);
        match self.text.get(begin..begin + length) {
            Some(name) if !name.is_empty() => Ok(name),
            _ => Err(self.error(Fault::NotWellFormed)),
        }
    }

    fn event(&mut self) -> Result<Event<'t>, XmlError> {
        self.inner
            .read_event()
            .map_err(|error| self.refused(&error))
    }

    fn position(&self) -> usize {
        usize::try_from(self.inner.buffer_position())
            .unwrap_or(usize::MAX)
            .min(self.text.len())
    }

    fn stray_text(&self) -> XmlError {
        self.error(match (self.closed, self.depth) {
            (true, _) => Fault::Trailing,
            (false, 0) => Fault::NotXml,
            _ => Fault::Mixed,
        })
    }

    fn resolve(&self, reference: &BytesRef<'_>) -> Result<char, XmlError> {
        let character = match &**reference {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "apos" => '\'',
            "quot" => '"',
            _ => match reference.resolve_char_ref() {
                Ok(Some(character)) => character,
                _ => return Err(self.error(Fault::Entity)),
            },
        };
        if is_forbidden(character) {
            return Err(self.error(Fault::Character));
        }
        Ok(character)
    }

    /// quick-xml's syntax errors nearly all mean that the input ended inside a markup.
    fn refused(&self, error: &QuickError) -> XmlError {
        let begin = usize::try_from(self.inner.error_position()).unwrap_or(usize::MAX);
        let rest = self.text.get(begin..).unwrap_or("");
        let ended = self.position() >= self.text.len();
        let fault = match error {
            QuickError::Syntax(syntax) => cut_or_wrong(*syntax, rest),
            QuickError::IllFormed(IllFormedError::UnclosedReference) if ended => Fault::Incomplete,
            QuickError::IllFormed(IllFormedError::MissingDoctypeName) => Fault::Doctype,
            _ => Fault::NotWellFormed,
        };
        at(self.text, begin, fault)
    }
}

fn cut_or_wrong(syntax: SyntaxError, rest: &str) -> Fault {
    let begins = |markup: &str| rest.starts_with(markup) || markup.starts_with(rest);
    match syntax {
        SyntaxError::UnclosedDoctype => Fault::Doctype,
        SyntaxError::InvalidBangMarkup
        | SyntaxError::UnclosedComment
        | SyntaxError::UnclosedCData
            if !begins("<!--") && !begins("<![CDATA[") && !begins("<!DOCTYPE") =>
        {
            Fault::NotWellFormed
        }
        _ => Fault::Incomplete,
    }
}

fn join<'t>(content: &mut Cow<'t, str>, more: Cow<'t, str>) {
    if content.is_empty() {
        *content = more;
    } else {
        content.to_mut().push_str(&more);
    }
}

fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn check_characters(text: &str) -> Result<(), XmlError> {
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let bytes = text.as_bytes();
    // Whole blocks first, without leaving early: that is what vectorises.
    let clean = bytes
        .chunks(256)
        .take_while(|block| !block.iter().fold(false, |any, byte| any | control(*byte)))
        .map(<[u8]>::len)
        .sum::<usize>();
    let Some(found) = bytes[clean..].iter().position(|byte| control(*byte)) else {
        return Ok(());
    };
    let begin = clean + found;
    let filling = bytes[begin..].iter().all(|byte| *byte == 0);
    let fault = if filling {
        Fault::Incomplete
    } else {
        Fault::Character
    };
    Err(at(text, begin, fault))
}

fn at(text: &str, byte: usize, fault: Fault) -> XmlError {
    let before = &text.as_bytes()[..byte.min(text.len())];
    XmlError {
        fault,
        line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64,
        byte: before.len() as u64,
    }
}

#[cfg(test)]
mod tests;
