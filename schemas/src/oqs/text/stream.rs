//! The same decoding for files too large to hold: a `Read` that gives UTF-8 in bounded memory.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, SHIFT_JIS, UTF_8};

use super::{DECLARATION, Encoding, TextError, sniff};

const CHUNK: usize = 64 * 1024;
/// One byte becomes three at most (half-width kana), and a character may be left over from the chunk before.
const OUTPUT: usize = CHUNK * 3 + 16;

/// Reads bytes in any encoding of this interface and gives UTF-8 without BOM.
///
/// Where nothing is declared, the first chunk with a character beyond ASCII decides; after that the
/// encoding is strict. A declaration of Shift_JIS over UTF-8 shows at the end only: who can't wait for it reads
/// twice. Errors come as [`io::ErrorKind::InvalidData`]
/// with a [`TextError`] inside.
pub struct Decoder<R> {
    inner: R,
    raw: Box<[u8]>,
    /// Bytes of `raw` that are filled.
    raw_end: usize,
    /// Bytes of `raw` consumed so far.
    raw_at: usize,
    /// File offset of `raw[0]`.
    base: u64,
    out: Box<[u8]>,
    /// Bytes of `out` that are filled.
    out_end: usize,
    /// Bytes of `out` given away.
    out_at: usize,
    state: State,
    ended: bool,
    /// Where Shift_JIS is declared: whether the bytes are UTF-8 all the same.
    watch: Option<Watch>,
}

enum State {
    /// Nothing read yet.
    Start,
    /// Nothing declared and only ASCII seen.
    Undecided,
    Decided(Encoding, encoding_rs::Decoder),
}

impl<R: Read> Decoder<R> {
    /// Wraps a source.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            raw: vec![0; CHUNK].into(),
            raw_end: 0,
            raw_at: 0,
            base: 0,
            out: vec![0; OUTPUT].into(),
            out_end: 0,
            out_at: 0,
            state: State::Start,
            ended: false,
            watch: None,
        }
    }

    /// The encoding, once it is decided.
    pub fn encoding(&self) -> Option<Encoding> {
        match self.state {
            State::Decided(encoding, _) => Some(encoding),
            State::Start | State::Undecided => None,
        }
    }

    fn decide(&mut self, encoding: Encoding) {
        let decoder = match encoding {
            Encoding::Utf8 => UTF_8.new_decoder_without_bom_handling(),
            Encoding::Cp932 => SHIFT_JIS.new_decoder_without_bom_handling(),
        };
        self.state = State::Decided(encoding, decoder);
    }

    /// Replaces the consumed chunk by the next one.
    fn fill(&mut self, at_least: usize) -> io::Result<()> {
        self.base += self.raw_end as u64;
        (self.raw_at, self.raw_end) = (0, 0);
        while self.raw_end < at_least && !self.ended {
            match self.inner.read(&mut self.raw[self.raw_end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(got) => {
                    self.raw_end += got;
                    self.ended = got == 0;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        self.fill(DECLARATION)?;
        let sniffed = sniff(&self.raw[..self.raw_end]).map_err(invalid)?;
        self.raw_at = sniffed.skip;
        match sniffed.encoding {
            Some(encoding) => self.decide(encoding),
            None => self.state = State::Undecided,
        }
        if sniffed.encoding == Some(Encoding::Cp932) {
            let mut watch = Watch::default();
            watch.feed(&self.raw[..self.raw_end]);
            self.watch = Some(watch);
        }
        Ok(())
    }

    fn step(&mut self) -> io::Result<()> {
        if matches!(self.state, State::Start) {
            self.start()?;
        } else if self.raw_at == self.raw_end && !self.ended {
            self.fill(1)?;
            if let Some(watch) = &mut self.watch {
                watch.feed(&self.raw[..self.raw_end]);
            }
        }
        if self.ended && self.watch.as_ref().is_some_and(Watch::is_utf8_beyond_doubt) {
            return Err(invalid(TextError::Contradicted));
        }
        (self.out_at, self.out_end) = (0, 0);
        if matches!(self.state, State::Undecided) {
            self.step_undecided();
        }
        if matches!(self.state, State::Decided(..)) {
            self.step_decided()?;
        }
        Ok(())
    }

    fn step_undecided(&mut self) {
        let rest = &self.raw[self.raw_at..self.raw_end];
        if rest.is_ascii() {
            self.out[..rest.len()].copy_from_slice(rest);
            self.out_end = rest.len();
            self.raw_at = self.raw_end;
            return;
        }
        // A character cut by the end of the chunk is no sign against UTF-8.
        let encoding = match std::str::from_utf8(rest) {
            Err(error) if error.error_len().is_some() => Encoding::Cp932,
            _ => Encoding::Utf8,
        };
        self.decide(encoding);
    }

    fn step_decided(&mut self) -> io::Result<()> {
        let State::Decided(encoding, decoder) = &mut self.state else {
            return Ok(());
        };
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(
            &self.raw[self.raw_at..self.raw_end],
            &mut self.out,
            self.ended,
        );
        self.raw_at += read;
        self.out_end = written;
        match result {
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
            DecoderResult::Malformed(length, beyond) => {
                let back = u64::from(length) + u64::from(beyond);
                let at = (self.base + self.raw_at as u64).saturating_sub(back);
                let cut = self.ended && self.raw_at == self.raw_end && beyond == 0;
                Err(invalid(if cut {
                    TextError::Cut { at }
                } else {
                    TextError::Invalid {
                        encoding: *encoding,
                        at,
                    }
                }))
            }
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.out_at == self.out_end {
            if self.ended && self.raw_at == self.raw_end && !matches!(self.state, State::Start) {
                return Ok(0);
            }
            self.step()?;
        }
        let count = buffer.len().min(self.out_end - self.out_at);
        buffer[..count].copy_from_slice(&self.out[self.out_at..self.out_at + count]);
        self.out_at += count;
        Ok(count)
    }
}

/// Follows bytes for as long as they are UTF-8.
#[derive(Default)]
struct Watch {
    /// A character that the last chunk cut.
    cut: Vec<u8>,
    /// They are not.
    broken: bool,
    /// A character of three or more bytes was among them.
    wide: bool,
}

impl Watch {
    fn feed(&mut self, chunk: &[u8]) {
        if self.broken {
            return;
        }
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(chunk);
        let valid = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            Err(error) => {
                self.broken = error.error_len().is_some();
                error.valid_up_to()
            }
        };
        self.wide |= bytes[..valid].iter().any(|byte| *byte >= 0xE0);
        self.cut = bytes.split_off(valid);
    }

    /// Real CP932 text does not fall into UTF-8 by chance.
    fn is_utf8_beyond_doubt(&self) -> bool {
        !self.broken && self.cut.is_empty() && self.wide
    }
}

fn invalid(error: TextError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
