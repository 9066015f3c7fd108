//! The file that holds a job's result: plain or packed, walked as often as needed, never held.

use std::io::{BufReader, Read, Seek as _};

use shikaku_disk::Reader;
use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits};
use shikaku_schemas::oqs::job::{BulkLimits, Survey, survey};
use shikaku_schemas::oqs::{Direction, Family, Form, Message, OqsError, Phase};

/// A result, open.
pub(super) struct ResultFile {
    pub(super) family: Family,
    bytes: Bytes,
}

enum Bytes {
    Plain(Reader),
    Packed(Box<Archive<BufReader<Reader>>>),
}

const HEAD: u64 = 8;

impl ResultFile {
    /// Tells the form by the first bytes; reads a pack's directory.
    pub(super) fn open(
        name: &str,
        mut file: Reader,
        password: Option<&[u8]>,
    ) -> Result<Self, OqsError> {
        let mut head = Vec::new();
        let peeked = file.rewind().and_then(|()| {
            let read = file.by_ref().take(HEAD).read_to_end(&mut head)?;
            file.rewind().map(|()| read)
        });
        peeked.map_err(|error| OqsError::Source(error.kind()))?;
        let message = Message::recognise(name, &head)
            .ok_or(OqsError::Source(std::io::ErrorKind::InvalidInput))?;
        let bytes = match message.form {
            Form::Zip => {
                let source = BufReader::new(file);
                Bytes::Packed(Box::new(Archive::open(
                    source,
                    &ArchiveLimits::DEFAULT,
                    password,
                )?))
            }
            Form::Xml | Form::Pdf => Bytes::Plain(file),
        };
        Ok(Self {
            family: message.family,
            bytes,
        })
    }

    /// Walks it from its start.
    pub(super) fn walk<T>(&mut self, walk: impl FnOnce(&mut dyn Read) -> T) -> Result<T, OqsError> {
        match &mut self.bytes {
            Bytes::Plain(file) => {
                let back = file.rewind();
                back.map_err(|error| OqsError::Source(error.kind()))?;
                Ok(walk(file))
            }
            Bytes::Packed(archive) => {
                let message = Message {
                    family: self.family,
                    phase: Phase::Second,
                    direction: Direction::Answer,
                    form: Form::Xml,
                };
                Ok(walk(&mut archive.message(&message.prefix())?))
            }
        }
    }

    /// The first walk: is it whole, how did it go, how much is there.
    pub(super) fn survey(&mut self) -> Result<Survey, OqsError> {
        self.walk(|bytes| survey(bytes, &BulkLimits::DEFAULT))?
    }
}
