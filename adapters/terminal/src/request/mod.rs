//! Requests to the centre: each asked once, never by itself again.
//!
//! The journal holds a synced *intent* before a request becomes visible in `req/`. An intent whose outcome
//! nobody saw is *uncertain*: the centre may have been asked, and a second question could be seen there as
//! a second visit. Only asking for a job's result is repeated (`crate::job`).

mod asked;
mod encrypted;
mod follow;
mod forwarded;
mod inquiries;
mod journal;
pub(crate) mod letter;
mod submit;
mod thief;
mod told;

pub(crate) use asked::Asked;
pub(crate) use encrypted::Encrypted;
use follow::{Followed, clean_up, follow, recover, sweep};
pub(crate) use forwarded::{Forwarded, hex};
pub(crate) use inquiries::{Asking, Effect, Inquiries, StepError};
pub(crate) use journal::{Journal, Request, Step};
use submit::submit;
pub(crate) use submit::{Sheet, Submission, make_visible, prepare, present, send};
pub(crate) use told::News;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shikaku_disk::Disk;
use shikaku_schemas::mutant::{Mutant, planted};

/// How our temporary files end.
const TEMPORARY: &str = "shikaku.tmp";

/// Whether a file in `req/` is one of our temporary ones.
fn is_temporary(name: &str) -> bool {
    let before = name.strip_suffix(TEMPORARY);
    before.is_some_and(|before| before.ends_with('.'))
}

/// The folders of a terminal that requests pass through.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) req: PathBuf,
    pub(crate) res: PathBuf,
    /// Left-overs of ours that a share would not let go of; tried again.
    left: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Folders {
    pub(crate) fn new(disk: &Arc<dyn Disk>, root: &Path) -> Self {
        Self {
            disk: disk.clone(),
            req: root.join("req"),
            res: root.join("res"),
            left: Arc::default(),
        }
    }

    /// Removes a left-over of ours, which names a patient; where that fails it is tried again.
    pub(crate) fn remove_left(&self, path: &Path) {
        if planted(Mutant::LeaveLeftOvers) {
            return;
        }
        let is_gone = match self.disk.remove_file(path) {
            Ok(()) => true,
            // A share that is away shows nothing where its folder was.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.disk.directory(&self.req).is_ok()
            }
            Err(_) => false,
        };
        if !is_gone {
            self.left().insert(path.to_owned());
        }
    }

    /// Tries again what could not be removed.
    pub(crate) fn remove_what_is_left(&self) {
        let left = std::mem::take(&mut *self.left());
        left.iter().for_each(|path| self.remove_left(path));
    }

    fn left(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request as the terminal takes it.
    pub(crate) fn request(&self, file: &str) -> PathBuf {
        self.req.join(file)
    }

    /// The request before it is visible; never ends in `.xml`. By its name alone it is ours: a crash leaves it before the
    /// journal knows of it, and other programs write their own `.tmp` there.
    pub(crate) fn temporary(&self, file: &str) -> PathBuf {
        self.req.join(file).with_extension(TEMPORARY)
    }

    /// The request after we took it back.
    pub(crate) fn withdrawn(&self, file: &str) -> PathBuf {
        self.req.join(file).with_extension("withdrawn")
    }
}

#[cfg(test)]
mod tests {
    use shikaku_disk::SystemDisk;

    use super::*;

    #[test]
    fn a_left_over_in_a_folder_that_leads_nowhere_for_now_is_tried_again() {
        let place = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        let folders = Folders::new(&disk, place.path());
        let share = place.path().join("share");
        std::os::unix::fs::symlink(&share, &folders.req).unwrap();
        let path = folders.request("OQSsiquc01req_202605115001.xml");
        folders.remove_left(&path);
        assert!(folders.left().contains(&path), "the share is away");
        std::fs::create_dir(&share).unwrap();
        folders.remove_what_is_left();
        assert!(folders.left().is_empty());
    }
}
