//! File events, only as a hint that a scan may be worth while now. Shares lose events, queues overflow:
//! nothing depends on them.

use std::path::Path;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use shikaku_disk::Disk;
use tokio::sync::Notify;

/// Wakes the scan early.
pub(crate) struct Hint {
    wake: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
}

impl Hint {
    /// Watches `folders`; where that is not possible the scan alone goes on.
    pub(crate) fn new(disk: &dyn Disk, folders: &[&Path]) -> Self {
        let wake = Arc::new(Notify::new());
        let told = wake.clone();
        let tell = move |event: notify::Result<Event>| {
            // An error or an overflow says at least that something happened.
            if event.map_or(true, |event| event.need_rescan() || is_arrival(event.kind)) {
                told.notify_one();
            }
        };
        let watcher = match disk.blocks() {
            true => notify::recommended_watcher(tell).ok(),
            false => None,
        };
        let mut hint = Self { wake, watcher };
        for folder in folders {
            hint.watch(folder);
        }
        hint
    }

    /// Watches a folder, again after it was away.
    pub(crate) fn watch(&mut self, folder: &Path) {
        if let Some(watcher) = &mut self.watcher {
            let _ = watcher.unwatch(folder);
            if watcher.watch(folder, RecursiveMode::NonRecursive).is_err() {
                tracing::debug!("a folder gives no file events; it is only scanned");
            }
        }
    }

    /// Returns at the next hint.
    pub(crate) async fn given(&self) {
        self.wake.notified().await;
    }
}

/// Our own reading and removing gives events too, and must not wake us again.
fn is_arrival(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Create(_)
        | EventKind::Any
        | EventKind::Other => true,
        EventKind::Modify(change) => !matches!(change, ModifyKind::Metadata(_)),
        EventKind::Access(_) | EventKind::Remove(_) => false,
    }
}
