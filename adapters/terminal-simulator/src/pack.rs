//! What files are packed into: a result plain or as a ZIP in one of its kinds, and messages of encrypted interfaces.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use zip::AesMode;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::knobs::BulkForm;

/// The password of encrypted ones.
const PASSWORD: &str = "himitsu";

/// A whole message under the password, as an encrypted interface sends it.
pub(crate) fn encrypted(message: &[u8], entry: &str) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default().with_aes_encryption(AesMode::Aes256, PASSWORD);
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file(entry, options)?;
    zip.write_all(message)?;
    Ok(zip.finish()?.into_inner())
}

/// The message of a request: of a ZIP its only entry, which an encrypted interface packs under the password.
pub(crate) fn opened(request: Vec<u8>) -> io::Result<Vec<u8>> {
    if !request.starts_with(b"PK") {
        return Ok(request);
    }
    let mut zip = zip::ZipArchive::new(io::Cursor::new(request))?;
    let mut entry = zip.by_index_decrypt(0, PASSWORD.as_bytes())?;
    let mut message = Vec::new();
    entry.read_to_end(&mut message)?;
    Ok(message)
}

/// An open file.
pub(crate) enum Pack {
    Plain(File),
    Zip(Box<ZipWriter<File>>),
}

impl Pack {
    /// Begins `file`; `entry` is the result's own name without extension.
    pub(crate) fn create(file: &Path, form: BulkForm, entry: &str) -> io::Result<Self> {
        let file = File::create(file)?;
        let options = SimpleFileOptions::default();
        let mut zip = match form {
            BulkForm::Xml => return Ok(Self::Plain(file)),
            _ => ZipWriter::new(file),
        };
        let name = format!("{entry}.xml");
        match form {
            BulkForm::ZipEncrypted => {
                let options = options.with_aes_encryption(AesMode::Aes256, PASSWORD);
                zip.start_file(name, options)?;
            }
            BulkForm::ZipOdd => {
                for odd in [
                    "readme.txt",
                    "../outside.xml",
                    "OQSmuquc02res_of-another.pdf",
                ] {
                    zip.start_file(odd, options)?;
                    zip.write_all(b"nobody asked for this")?;
                }
                zip.start_file(name, options)?;
            }
            BulkForm::Xml | BulkForm::Zip => zip.start_file(name, options)?,
        }
        Ok(Self::Zip(Box::new(zip)))
    }

    /// Ends it.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(mut file) => file.flush(),
            Self::Zip(zip) => zip.finish()?.flush(),
        }
    }
}

impl Write for Pack {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Zip(zip) => zip.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Zip(zip) => zip.flush(),
        }
    }
}
