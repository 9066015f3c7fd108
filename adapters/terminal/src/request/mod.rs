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
pub(crate) use submit::{Sheet, Submission, prepare, present, remove_quietly, send};
pub(crate) use told::News;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shikaku_disk::Disk;

/// The folders of a terminal that requests pass through.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) req: PathBuf,
    pub(crate) res: PathBuf,
}

impl Folders {
    pub(crate) fn new(disk: &Arc<dyn Disk>, root: &Path) -> Self {
        Self {
            disk: disk.clone(),
            req: root.join("req"),
            res: root.join("res"),
        }
    }

    /// The request as the terminal takes it.
    pub(crate) fn request(&self, file: &str) -> PathBuf {
        self.req.join(file)
    }

    /// The request before it is visible; never ends in `.xml`.
    pub(crate) fn temporary(&self, file: &str) -> PathBuf {
        self.req.join(file).with_extension("tmp")
    }

    /// The request after we took it back.
    pub(crate) fn withdrawn(&self, file: &str) -> PathBuf {
        self.req.join(file).with_extension("withdrawn")
    }
}
