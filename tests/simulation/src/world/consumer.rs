//! An outside subscriber, as its own program would do it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shikaku_schemas::topology;
use tokio::time::sleep;

use crate::checker::{Taken, Told};
use crate::server::{Next, Server, header_of};

/// One of them.
pub(super) struct Consumer {
    pub(super) away: Arc<AtomicBool>,
    pub(super) taken: Arc<Mutex<Taken>>,
}

/// What it has.
pub(super) fn taken(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what its durable gives, in order, once; whatever else comes is wrong.
pub(super) async fn consume(
    server: Server,
    stream: &'static str,
    name: &'static str,
    away: Arc<AtomicBool>,
    shared: Arc<Mutex<Taken>>,
) {
    let sky = server.sky.clone();
    loop {
        sleep(Duration::from_millis(sky.dice.from_to(1, 50))).await;
        let Some(born) = server.born(stream).filter(|_| server.is_up()) else {
            sleep(Duration::from_millis(500)).await;
            continue;
        };
        if away.load(Ordering::SeqCst) {
            continue;
        }
        match server.next(stream, name, born) {
            Next::Gone => sleep(Duration::from_millis(500)).await,
            Next::Wait(changed, _) => {
                let _ = tokio::time::timeout(Duration::from_secs(5), changed.notified()).await;
            }
            Next::Message(kept, ..) => {
                let number = header_of(&kept.headers, "feed-sequence");
                let number: u64 = number
                    .and_then(|text| text.parse().ok())
                    .unwrap_or_default();
                let told = Told {
                    ce_id: header_of(&kept.headers, "ce-id").unwrap_or_default(),
                    body: serde_json::from_slice(&kept.payload).unwrap_or_default(),
                };
                let epoch = header_of(&kept.headers, topology::STORE_EPOCH);
                let epoch: u32 = epoch.and_then(|text| text.parse().ok()).unwrap_or_default();
                let mut all = taken(&shared);
                if epoch > all.epoch {
                    *all = Taken {
                        epoch,
                        ..Taken::default()
                    };
                }
                let last = all.messages.last_key_value();
                let last = last.map_or(0, |(number, _)| *number);
                let known = all.messages.get(&number).cloned();
                let lawful =
                    epoch < all.epoch || number == last + 1 || known.as_ref() == Some(&told);
                if epoch == all.epoch {
                    all.messages.insert(number, told);
                }
                drop(all);
                if !lawful {
                    let what = format!("consumer {name} got number {number} after {last}");
                    sky.story.broken(sky.millis(), what);
                }
                // An acknowledgement may be lost: then it comes again.
                if !sky.dice.per_mille(30) {
                    server.settle(stream, name, born, kept.sequence, None);
                }
            }
        }
    }
}
