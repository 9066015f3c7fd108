//! Cuts a message into its units and what is left of it, in bounded memory and without judging either.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::events::Event;
use quick_xml::{Error as QuickError, Reader, Writer, errors::IllFormedError, errors::SyntaxError};

use super::BulkLimits;
use crate::oqs::archive::ArchiveError;
use crate::oqs::error::OqsError;
use crate::oqs::text::{Decoder, TextError};
use crate::oqs::xml::{Fault, XmlError};

/// Elements that are units, wherever they stand.
const UNITS: [&str; 2] = ["BulkConfirmUnit", "BulkRegistrationUnit"];

/// Walks a message. What is no unit gathers in the frame, which is small and has to be.
pub(super) struct Splitter<R> {
    xml: Reader<Meter<BufReader<Decoder<R>>>>,
    buffer: Vec<u8>,
    unit: Writer<Vec<u8>>,
    frame: Writer<Vec<u8>>,
    /// Open elements of the present unit, itself included.
    depth: usize,
    limits: BulkLimits,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(source: R, limits: &BulkLimits) -> Self {
        let meter = Meter {
            inner: BufReader::new(Decoder::new(source)),
            since_event: 0,
            most_in_event: limits.unit.bytes.max(limits.frame.bytes) as u64,
            total: 0,
            most: limits.bytes,
            ended: false,
        };
        Self {
            xml: Reader::from_reader(meter),
            buffer: Vec::new(),
            unit: Writer::new(Vec::new()),
            frame: Writer::new(Vec::new()),
            depth: 0,
            limits: *limits,
        }
    }

    /// The text of the next unit; `None` at the end of the bytes, which need not be the end of a message.
    pub(super) fn next_unit(&mut self) -> Result<Option<String>, OqsError> {
        self.unit.get_mut().clear();
        loop {
            self.buffer.clear();
            self.xml.get_mut().since_event = 0;
            let event = match self.xml.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(refused(&error, &self.xml)),
            };
            let in_unit = self.depth > 0;
            match &event {
                Event::Eof if in_unit => return Err(fault(Fault::Incomplete, &self.xml)),
                Event::Eof => return Ok(None),
                Event::DocType(_) => return Err(fault(Fault::Doctype, &self.xml)),
                // Between units nothing but elements counts, and there are many gaps.
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) if !in_unit => continue,
                Event::Text(text) if !in_unit && text.trim_ascii().is_empty() => continue,
                Event::Start(tag) if in_unit || is_unit(tag.name().0) => self.depth += 1,
                Event::End(_) if in_unit => self.depth -= 1,
                _ => {}
            }
            let alone = matches!(&event, Event::Empty(tag) if is_unit(tag.name().0));
            let of_unit = in_unit || self.depth > 0 || alone;
            let (writer, most) = if of_unit {
                (&mut self.unit, self.limits.unit.bytes)
            } else {
                (&mut self.frame, self.limits.frame.bytes)
            };
            writer
                .write_event(event)
                .expect("a vector takes what is written");
            if writer.get_ref().len() > most {
                return Err(fault(Fault::Size, &self.xml));
            }
            if of_unit && self.depth == 0 {
                return Ok(Some(text(self.unit.get_ref())));
            }
        }
    }

    /// What stood outside the units so far.
    pub(super) fn into_frame(self) -> String {
        text(self.frame.get_ref())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_unit(name: &str) -> bool {
    UNITS.contains(&name)
}

fn fault<R>(fault: Fault, xml: &Reader<R>) -> OqsError {
    XmlError {
        fault,
        line: 0,
        byte: xml.buffer_position(),
    }
    .into()
}

/// Bytes that end too early look like broken markup: only where they end tells which it is.
fn refused<R>(error: &QuickError, xml: &Reader<Meter<R>>) -> OqsError {
    let ended = xml.get_ref().ended;
    match error {
        QuickError::Io(error) => refused_by_source(error, xml),
        QuickError::Syntax(SyntaxError::UnclosedDoctype) => fault(Fault::Doctype, xml),
        QuickError::Syntax(_) | QuickError::IllFormed(IllFormedError::UnclosedReference)
            if ended =>
        {
            fault(Fault::Incomplete, xml)
        }
        _ => fault(Fault::NotWellFormed, xml),
    }
}

fn refused_by_source<R>(error: &io::Error, xml: &Reader<Meter<R>>) -> OqsError {
    let inner = error.get_ref();
    if inner.is_some_and(|inner| inner.is::<TooMuch>()) {
        return fault(Fault::Size, xml);
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<ArchiveError>()) {
        return OqsError::Archive(*error);
    }
    match inner.and_then(|inner| inner.downcast_ref::<TextError>()) {
        Some(error) => OqsError::Text(*error),
        None => OqsError::Source(error.kind()),
    }
}

/// Counts what goes through, so that neither one markup nor the whole grows beyond its limit.
struct Meter<R> {
    inner: R,
    since_event: u64,
    most_in_event: u64,
    total: u64,
    most: u64,
    ended: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("larger than the limit")]
struct TooMuch;

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since_event > self.most_in_event || self.total > self.most {
            return Err(io::Error::other(TooMuch));
        }
        let available = self.inner.fill_buf()?;
        self.ended = available.is_empty();
        Ok(available)
    }

    fn consume(&mut self, count: usize) {
        self.since_event += count as u64;
        self.total += count as u64;
        self.inner.consume(count);
    }
}
