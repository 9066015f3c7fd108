//! The four trials. An adapter's test implements [`Specimen`] and calls each.

use std::future::Future;

use shikaku_schemas::seal::SealKey;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Answering, TestBroker, TestHub, eventually};

/// An adapter that runs inside the test.
#[derive(Debug)]
pub struct Running {
    /// Ends it in good order.
    pub cancel: CancellationToken,
    /// Its task.
    pub task: JoinHandle<()>,
}

impl Running {
    /// Ends it in good order.
    ///
    /// # Panics
    /// When it ended with a panic.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.expect("the adapter ends in good order");
    }

    /// Ends it in the middle, as far as a task of the same process can be.
    pub async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// An adapter with its peer, under trial.
pub trait Specimen {
    /// Observations that one thing makes.
    const PER_THING: usize = 1;
    /// Observations that something broken makes, besides its dead letter.
    const PER_BROKEN: usize = 0;

    /// The group key it was given.
    fn group_key(&self) -> SealKey;
    /// Starts the adapter on the broker at `url`, on the same data directory each time.
    fn start(&self, url: &str) -> impl Future<Output = Running>;
    /// Lets the peer show the `n`-th thing; different for each `n`, [`Specimen::PER_THING`] observations each.
    fn present(&self, n: u32);
    /// Lets the peer show something broken.
    fn present_malformed(&self);
    /// Takes the peer away.
    fn peer_goes(&self);
    /// Brings it back.
    fn peer_returns(&self);
}

/// An answer that was lost: the observation is said again, under its id, until answered, and then no more.
///
/// # Panics
/// When the adapter fails the trial; so do all trials.
pub async fn redelivery<S: Specimen>(specimen: &S) {
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &specimen.group_key()).await;
    hub.answer(Answering::Silently);
    let running = specimen.start(&broker.url()).await;
    specimen.present(1);
    let id = eventually("a second delivery", async || {
        let first = hub.observations().first()?.observation_id;
        (hub.deliveries(&first) >= 2).then_some(first)
    })
    .await;
    hub.answer(Answering::Commits);
    let answered_at = hub.deliveries(&id);
    eventually("a delivery that is answered", async || {
        (hub.deliveries(&id) > answered_at).then_some(())
    })
    .await;
    specimen.present(2);
    eventually("the next thing", async || {
        (hub.observed() == 2 * S::PER_THING).then_some(())
    })
    .await;
    running.stop().await;
    assert_eq!(hub.observations()[0].observation_id, id);
}

/// A crash between publishing and the hub's answer: nothing is lost, nothing counts twice.
pub async fn crash_before_ack<S: Specimen>(specimen: &S) {
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &specimen.group_key()).await;
    hub.answer(Answering::Silently);
    let running = specimen.start(&broker.url()).await;
    specimen.present(1);
    let first = eventually("a delivery", async || hub.observations().first().cloned()).await;
    running.crash().await;
    hub.answer(Answering::Commits);
    let before = hub.deliveries(&first.observation_id);
    let running = specimen.start(&broker.url()).await;
    eventually("the same again after the crash", async || {
        (hub.deliveries(&first.observation_id) > before).then_some(())
    })
    .await;
    specimen.present(2);
    eventually("the next thing", async || {
        (hub.observed() == 2 * S::PER_THING).then_some(())
    })
    .await;
    running.stop().await;
}

/// Something broken: set aside with a reason, and the next good thing goes through.
pub async fn malformed_input<S: Specimen>(specimen: &S) {
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &specimen.group_key()).await;
    let running = specimen.start(&broker.url()).await;
    specimen.present_malformed();
    let letter = eventually("a dead letter", async || {
        hub.dead_letters().first().cloned()
    })
    .await;
    assert!(!letter.reason.is_empty() && !letter.message.is_empty());
    specimen.present(1);
    eventually("the good thing", async || {
        (hub.observed() == S::PER_BROKEN + S::PER_THING).then_some(())
    })
    .await;
    running.stop().await;
    assert_eq!(hub.dead_letters().len(), 1, "set aside once");
}

/// The peer goes, then the broker with its store: the adapter stays, and loses nothing.
pub async fn peer_down<S: Specimen>(specimen: &S) {
    let mut broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &specimen.group_key()).await;
    let running = specimen.start(&broker.url()).await;
    specimen.present(1);
    eventually("the first thing", async || {
        (hub.observed() == S::PER_THING).then_some(())
    })
    .await;
    specimen.peer_goes();
    specimen.peer_returns();
    specimen.present(2);
    eventually("a thing after the peer was away", async || {
        (hub.observed() == 2 * S::PER_THING).then_some(())
    })
    .await;
    broker.wipe();
    specimen.present(3);
    broker.restart();
    eventually("a thing after the broker was away", async || {
        (hub.observed() == 3 * S::PER_THING).then_some(())
    })
    .await;
    running.stop().await;
}
