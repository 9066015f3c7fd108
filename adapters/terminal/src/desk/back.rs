//! Programs' own answers on their way back.

use std::io::{self, Read};

use jiff::Timestamp;

use super::Desk;
use super::conclude::{End, Ended};
use crate::decode::RES_BYTES;
use crate::ending::may_be_cut;
use crate::folder::{Ready, open_regular};
use crate::forward::expected_name;
use crate::mirror::ProgramsAnswer;
use crate::request::Forwarded;
use crate::seen::SeenMark;

impl Desk {
    /// Whatever we think of it: a program gets what the terminal answered, byte for byte and once. What may not have
    /// been whole is not the last word: what follows it takes its place.
    pub(super) fn give_back(&mut self, file: &Ended, now: Timestamp) -> io::Result<()> {
        let (Some(forwarded), ready) = (&file.back, &file.ready) else {
            return Ok(());
        };
        let whole = self.seen.mark(&[b"given-back", forwarded.mark.as_bytes()]);
        let these_bytes = self.bytes_mark(forwarded, &ready.digest);
        if self.seen.contains(&whole) || self.seen.contains(&these_bytes) {
            return Ok(());
        }
        let is_half = matches!(&file.end, End::Quarantined(fault) if !fault.whole)
            || may_be_cut(&ready.bytes);
        let key = self.options.group_key.derive("spool");
        if let Some(name) = expected_name(forwarded, &key, &ready.name.to_string_lossy()) {
            let program = &forwarded.program;
            let answer = ProgramsAnswer {
                program,
                name: &name,
                key: &forwarded.mark,
                is_half,
            };
            self.mirror.give_back(&answer, || self.whole(ready))?;
        }
        let mark = if is_half { these_bytes } else { whole };
        self.seen.note(&[mark], now)
    }

    fn bytes_mark(&self, forwarded: &Forwarded, digest: &[u8; 32]) -> SeenMark {
        let request = forwarded.mark.as_bytes();
        self.seen.mark(&[b"given-back-bytes", request, digest])
    }

    /// All of an answer: of one that is too large, only the start is in memory.
    fn whole<'a>(&self, ready: &'a Ready) -> io::Result<Box<dyn Read + 'a>> {
        if ready.bytes.len() <= RES_BYTES {
            return Ok(Box::new(&*ready.bytes));
        }
        match open_regular(&*self.options.disk, &ready.path)? {
            Some((file, signature)) if signature == ready.signature => Ok(Box::new(file)),
            // It changed since it was read: it is looked at anew.
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
