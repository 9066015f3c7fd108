//! Messages in a ZIP: large results of bulk jobs, and anything of an interface that is set to be encrypted
//! (AES, by password). Other entries may lie beside the wanted one; nothing is ever unpacked to a folder.
//!
//! Limits hold against what is really read, not only against what the directory states.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write as _};

use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{AesMode, ZipArchive};

/// How large a pack may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Bytes of the pack itself.
    pub packed: u64,
    /// Bytes of the wanted entry, unpacked.
    pub unpacked: u64,
    /// Unpacked bytes for each packed one.
    pub ratio: u64,
    /// Entries in all.
    pub entries: u16,
    /// Bytes of the directory, which is held in memory.
    pub directory: u32,
}

impl ArchiveLimits {
    /// For results of bulk jobs.
    pub const DEFAULT: Self = Self {
        packed: 512 << 20,
        unpacked: 4 << 30,
        ratio: 200,
        entries: 64,
        directory: 256 << 10,
    };
}

/// Why a pack can't be opened. Carries nothing of the content, not even names of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The end of the pack has not come yet.
    #[error("書きかけのZIPです (the end of the ZIP has not come yet)")]
    Incomplete,
    /// No ZIP, or a broken one.
    #[error("ZIPが壊れています (a broken ZIP)")]
    Broken,
    /// A method of packing or encryption that this version does not know.
    #[error("この形式のZIPは扱いません (an unsupported kind of ZIP)")]
    Unsupported,
    /// Larger, or more densely packed, than the limit.
    #[error("ZIPが大きすぎます (the ZIP is larger than the limit)")]
    TooLarge,
    /// More entries than the limit.
    #[error("ZIPの項目が多すぎます (the ZIP has too many entries)")]
    TooMany,
    /// No entry of the wanted message.
    #[error("ZIPに目的の応答がありません (the ZIP lacks the wanted answer)")]
    Absent,
    /// Several entries of the wanted message.
    #[error("ZIPに目的の応答が複数あります (the ZIP has several such answers)")]
    Several,
    /// Encrypted, and no password is configured.
    #[error("暗号化ZIPのパスワードが未設定です (the ZIP is encrypted; no password is configured)")]
    PasswordNeeded,
    /// Encrypted under another password.
    #[error("暗号化ZIPのパスワードが違います (the ZIP's password is another)")]
    WrongPassword,
    /// The source can't be read.
    #[error("ZIPを読み込めません (the ZIP can't be read)")]
    Source,
}

impl ArchiveError {
    /// Whether more bytes may still come.
    pub fn is_incomplete(self) -> bool {
        matches!(self, Self::Incomplete)
    }

    /// Stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Broken => "zip-broken",
            Self::Unsupported => "zip-unsupported",
            Self::TooLarge => "too-large",
            Self::TooMany => "zip-too-many-entries",
            Self::Absent => "zip-without-answer",
            Self::Several => "zip-several-answers",
            Self::PasswordNeeded => "zip-password-needed",
            Self::WrongPassword => "zip-wrong-password",
            Self::Source => "unreadable",
        }
    }
}

impl From<ZipError> for ArchiveError {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::InvalidPassword => Self::WrongPassword,
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Self::PasswordNeeded,
            ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
                Self::Unsupported
            }
            ZipError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Broken,
            ZipError::Io(_) => Self::Source,
            _ => Self::Broken,
        }
    }
}

/// A message packed under a password, as an interface that is set to be encrypted takes it (AES-256).
///
/// # Errors
/// An `entry` that can't be a name in a ZIP.
pub fn pack(entry: &str, message: &[u8], password: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let options = SimpleFileOptions::default();
    let options = options.with_aes_encryption_bytes(AesMode::Aes256, password);
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(message.len() + 512)));
    zip.start_file(entry, options)?;
    zip.write_all(message).map_err(|_| ArchiveError::Source)?;
    Ok(zip.finish()?.into_inner())
}

/// An open pack.
pub struct Archive<R> {
    inner: ZipArchive<R>,
    limits: ArchiveLimits,
    password: Option<Vec<u8>>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory of a pack. A password that nothing needs does no harm.
    ///
    /// # Errors
    /// [`ArchiveError::Incomplete`] without the directory's end: the pack may still be written.
    pub fn open(
        mut source: R,
        limits: &ArchiveLimits,
        password: Option<&[u8]>,
    ) -> Result<Self, ArchiveError> {
        check_directory(&mut source, limits)?;
        let inner = ZipArchive::new(source)?;
        if inner.len() > usize::from(limits.entries) {
            return Err(ArchiveError::TooMany);
        }
        Ok(Self {
            inner,
            limits: *limits,
            password: password.map(<[u8]>::to_vec),
        })
    }

    /// The one XML entry whose own name begins with `prefix`, case and folders apart. May be called again to
    /// read it again from its start.
    ///
    /// # Errors
    /// See [`ArchiveError`]. While reading, [`ArchiveError::TooLarge`] stands inside an [`io::Error`].
    pub fn message(&mut self, prefix: &str) -> Result<impl Read + '_, ArchiveError> {
        let mut wanted = None;
        for index in 0..self.inner.len() {
            let entry = self.inner.by_index_raw(index)?;
            if !entry.name().is_ok_and(|name| is_wanted(&name, prefix)) {
                continue;
            }
            let found = (
                index,
                entry.size(),
                entry.compressed_size(),
                entry.encrypted(),
            );
            if wanted.replace(found).is_some() {
                return Err(ArchiveError::Several);
            }
        }
        let (index, size, packed, encrypted) = wanted.ok_or(ArchiveError::Absent)?;
        let most = self
            .limits
            .unpacked
            .min(packed.saturating_mul(self.limits.ratio));
        if size > most {
            return Err(ArchiveError::TooLarge);
        }
        let entry = match (encrypted, &self.password) {
            (true, Some(password)) => self.inner.by_index_decrypt(index, password)?,
            (true, None) => return Err(ArchiveError::PasswordNeeded),
            (false, _) => self.inner.by_index(index)?,
        };
        Ok(Guard { entry, left: most })
    }
}

fn is_wanted(name: &str, prefix: &str) -> bool {
    let own = name.rsplit(['/', '\\']).next().unwrap_or(name);
    super::file::has_prefix(own, prefix)
        && own
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("xml"))
}

/// Lets no more through than the limit, whatever the directory states.
struct Guard<E> {
    entry: E,
    left: u64,
}

impl<E: Read> Read for Guard<E> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.entry.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, ArchiveError::TooLarge))?;
        Ok(count)
    }
}

/// Length of the directory's end without its comment.
const END: usize = 22;

/// Looks at the directory's end before anything is held: how many entries, how large.
fn check_directory(
    source: &mut (impl Read + Seek),
    limits: &ArchiveLimits,
) -> Result<(), ArchiveError> {
    let failed = |_: io::Error| ArchiveError::Source;
    let length = source.seek(SeekFrom::End(0)).map_err(failed)?;
    if length > limits.packed {
        return Err(ArchiveError::TooLarge);
    }
    let reach = length.min((END + usize::from(u16::MAX)) as u64);
    source
        .seek(SeekFrom::Start(length - reach))
        .map_err(failed)?;
    let mut tail = Vec::new();
    source.take(reach).read_to_end(&mut tail).map_err(failed)?;
    source.rewind().map_err(failed)?;
    let at = tail
        .windows(END)
        .rposition(|window| window.starts_with(b"PK\x05\x06"))
        .ok_or(ArchiveError::Incomplete)?;
    let end = &tail[at..at + END];
    let entries = u16::from_le_bytes([end[10], end[11]]);
    let directory = u32::from_le_bytes([end[12], end[13], end[14], end[15]]);
    if entries > limits.entries {
        return Err(ArchiveError::TooMany);
    }
    if directory > limits.directory {
        return Err(ArchiveError::TooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
