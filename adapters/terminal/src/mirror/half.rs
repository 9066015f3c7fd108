//! Answers that were given to a program and may not have been whole: what follows one takes its place, and nobody
//! else's file is touched. Beside the copies that wait stands a note of their digests, by the request that they answer.

use std::io;
use std::path::{Path, PathBuf};

use shikaku_disk::{Disk, How, read};
use shikaku_schemas::seal::SealKey;

use crate::folder::{digest_of, open_regular, remove_if_same};

const DIGEST: usize = 32;
/// Notes that are kept for one virtual terminal.
const NOTES: usize = 1000;

/// Where the note of one request stands.
pub(super) fn place(waiting: &Path) -> PathBuf {
    waiting.with_extension("half")
}

/// Whether it is a note.
pub(super) fn is_note(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "half")
}

/// Notes half an answer before it is given; durable when this returns.
pub(super) fn note(
    disk: &dyn Disk,
    key: &SealKey,
    waiting: &Path,
    mut half: impl io::Read,
) -> io::Result<()> {
    let digest = digest_of(key, &mut half)?;
    if has(disk, waiting, &digest)? {
        return Ok(());
    }
    let file = disk.open(&place(waiting), How::Append)?;
    file.append(&digest)?;
    file.sync()?;
    let Some(own) = waiting.parent() else {
        return Ok(());
    };
    disk.sync_directory(own)?;
    make_room(disk, own, &place(waiting))
}

/// Drops the oldest notes where there are too many: their programs have long done with those answers.
fn make_room(disk: &dyn Disk, own: &Path, newest: &Path) -> io::Result<()> {
    let mut notes = disk.list(own)?;
    notes.retain(|path| is_note(path) && path != newest);
    let too_many = (notes.len() + 1).saturating_sub(NOTES);
    if too_many > 0 {
        notes.sort_by_cached_key(|path| disk.stat(path).map_or(i128::MAX, |stat| stat.modified_ns));
    }
    for note in &notes[..too_many] {
        match disk.remove_file(note) {
            // Its answer came whole meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// Whether these bytes are noted as half an answer.
pub(super) fn is_noted(
    disk: &dyn Disk,
    key: &SealKey,
    waiting: &Path,
    mut bytes: impl io::Read,
) -> io::Result<bool> {
    has(disk, waiting, &digest_of(key, &mut bytes)?)
}

fn has(disk: &dyn Disk, waiting: &Path, digest: &[u8; DIGEST]) -> io::Result<bool> {
    let noted = read(disk, &place(waiting))?.unwrap_or_default();
    Ok(noted.chunks_exact(DIGEST).any(|half| half == digest))
}

/// Makes room where a noted half still stands under `visible`. `false`: what stands there is not ours to take.
pub(super) fn take_back(
    disk: &dyn Disk,
    key: &SealKey,
    waiting: &Path,
    visible: &Path,
) -> io::Result<bool> {
    if !disk.exists(&place(waiting)) {
        return Ok(false);
    }
    let Some((file, signature)) = open_regular(disk, visible)? else {
        return Ok(false);
    };
    if !is_noted(disk, key, waiting, file)? {
        return Ok(false);
    }
    remove_if_same(disk, visible, signature)?;
    Ok(true)
}

/// The whole answer is there: nothing is half any more.
pub(super) fn forget(disk: &dyn Disk, waiting: &Path) {
    let note = place(waiting);
    if disk.exists(&note)
        && let Err(error) = disk.remove_file(&note)
    {
        tracing::debug!(%error, "the note of half an answer stays");
    }
}
