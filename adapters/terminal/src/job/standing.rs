//! Which results have become stable. They may be larger than memory, so they are digested as a stream: two equal
//! readings, `stable` apart, of a file whose size and times do not move.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use shikaku_disk::{Disk, Reader};
use shikaku_schemas::seal::SealKey;
use tokio::time::Instant;

use crate::config::Timing;
use crate::folder::{Signature, digest_of, open_regular, signature_of};

/// A stable file, open from its start.
pub(super) struct Stable {
    pub(super) file: Reader,
    pub(super) signature: Signature,
    pub(super) digest: [u8; 32],
    /// How long it has stood so.
    pub(super) unchanged: Duration,
    /// Whether it was handed out before without an end that could be kept.
    pub(super) counted: bool,
}

struct Standing {
    signature: Signature,
    since: Instant,
    digest: Option<[u8; 32]>,
    due: Instant,
    counted: bool,
}

/// The results of one folder.
pub(super) struct Standings {
    key: SealKey,
    timing: Timing,
    found: BTreeMap<OsString, Standing>,
}

impl Standings {
    pub(super) fn new(timing: &Timing, group_key: &SealKey) -> Self {
        Self {
            key: group_key.derive("evidence-digest"),
            timing: *timing,
            found: BTreeMap::new(),
        }
    }

    /// Forgets what lies there no more; gives what vanished before it had an end.
    pub(super) fn retain(&mut self, names: &[OsString]) -> Vec<OsString> {
        let present: HashSet<&OsString> = names.iter().collect();
        self.found
            .extract_if(.., |name, _| !present.contains(name))
            .map(|(name, _)| name)
            .collect()
    }

    /// One look at one file.
    pub(super) fn look(&mut self, disk: &dyn Disk, name: &OsStr, path: &Path) -> Option<Stable> {
        let signature = signature_of(disk, path).ok()??;
        let now = Instant::now();
        let standing = match self.found.get_mut(name) {
            Some(standing) if standing.signature == signature => standing,
            before => {
                let standing = Standing {
                    signature,
                    since: now,
                    digest: None,
                    due: now + self.timing.stable,
                    counted: before.is_some_and(|before| before.counted),
                };
                self.found.insert(name.to_owned(), standing);
                return None;
            }
        };
        if now < standing.due {
            return None;
        }
        // Locked, or the share had a hiccup: the next look tries again.
        let (file, opened) = open_regular(disk, path).ok()??;
        let digest = digest_of(&self.key, &mut file.clone()).ok()?;
        if opened != signature || standing.digest != Some(digest) {
            // A share may tell of a growing file's size and times late.
            if standing.digest.replace(digest).is_some() {
                standing.since = now;
            }
            standing.due = now + self.timing.stable;
            return None;
        }
        Some(Stable {
            file,
            signature,
            digest,
            unchanged: now - standing.since,
            counted: std::mem::replace(&mut standing.counted, true),
        })
    }

    /// It has no end yet: look again after a pause, or when it changes.
    pub(super) fn keep(&mut self, name: &OsStr) {
        if let Some(standing) = self.found.get_mut(name) {
            let now = Instant::now();
            standing.due = now + self.timing.look_again(now - standing.since);
        }
    }

    /// It has its end.
    pub(super) fn settle(&mut self, name: &OsStr) {
        self.found.remove(name);
    }
}
