//! From the outbox to the feed streams: in order, without a gap, whoever crashes when.
//!
//! One publisher per feed stream. Each message expects the stream's last sequence, so that when one is lost
//! on a broken connection all behind it are refused instead of overtaking it. After any trouble the stream is
//! asked what it holds: what was stored and not yet marked is marked, what was lost is sent again with the
//! same ids and numbers. In another epoch of the ledger everything is told anew, from one on.

mod message;
mod place;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use shikaku_broker::{Acknowledgement, Broker, NATS_EXPECTED_LAST_SEQUENCE, StreamInfo};
use shikaku_schemas::clock::Clock;
use shikaku_schemas::feed::{Audience, FeedVariant};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::topology::feed_stream;
use shikaku_schemas::value::FacilityCode;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use message::outgoing;
pub(crate) use place::last_told;
use place::{LastTold, StreamPlace};

use crate::keys::KeyRing;
use crate::letter;
use crate::log::StoreIdentity;
use crate::run::{Cause, ModelsError};
use crate::status::StatusBoard;
use crate::store::{Pending, Store};

const BATCH: u32 = 256;
const POLL: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(250);
const TRIM_EVERY: Duration = Duration::from_secs(600);

/// The publisher of one feed stream and its variants.
pub(crate) struct Publisher {
    pub(crate) audience: Audience,
    pub(crate) outboxes: Vec<(FeedVariant, Store)>,
    pub(crate) broker: Broker,
    pub(crate) keys: KeyRing,
    pub(crate) facilities: Vec<FacilityCode>,
    pub(crate) feed_days: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) status: StatusBoard,
    pub(crate) grown: Arc<Notify>,
}

impl Publisher {
    /// Publishes until `cancel`, then what is still due and quickly done.
    pub(crate) async fn run(self, cancel: CancellationToken) -> Result<(), ModelsError> {
        let mut trimmed: Option<tokio::time::Instant> = None;
        loop {
            if let Err(cause) = self.follow(&mut trimmed, &cancel).await {
                tracing::warn!(audience = self.audience.as_str(), %cause, "feed waits");
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Publishes until something goes wrong or `cancel`.
    async fn follow(
        &self,
        trimmed: &mut Option<tokio::time::Instant>,
        cancel: &CancellationToken,
    ) -> Result<(), Cause> {
        let mut place = self.compare().await?;
        while !cancel.is_cancelled() {
            let mut busy = false;
            for (variant, store) in &self.outboxes {
                busy |= self.publish(*variant, store, &mut place).await?;
                letter::send(&self.broker, *variant, store, self.clock.as_ref()).await?;
            }
            if trimmed.is_none_or(|at| at.elapsed() > TRIM_EVERY) {
                self.trim().await?;
                *trimmed = Some(tokio::time::Instant::now());
            }
            if !busy {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = self.grown.notified() => {}
                    () = tokio::time::sleep(POLL) => self.still_there(&place).await?,
                }
            }
        }
        Ok(())
    }

    /// Fails when the stream is not as it was left: born anew, or written by another.
    async fn still_there(&self, place: &StreamPlace) -> Result<(), Cause> {
        let info = self.stream().await?;
        if info.created == place.born && info.last_sequence == place.last {
            return Ok(());
        }
        Err("the feed's stream is not as it was left".into())
    }

    async fn stream(&self) -> Result<StreamInfo, Cause> {
        Ok(self.broker.stream(feed_stream(self.audience)).await?)
    }

    /// Brings the marks into line with what the stream holds.
    async fn compare(&self) -> Result<StreamPlace, Cause> {
        let info = self.stream().await?;
        let mut place = StreamPlace {
            born: info.created,
            last: info.last_sequence,
            of: HashMap::new(),
            told: HashMap::new(),
        };
        for (variant, store) in &self.outboxes {
            if let Some(of) = store.checkpoint().await?.identity {
                self.compare_one(*variant, store, of, &mut place).await?;
            }
        }
        Ok(place)
    }

    /// The same for one outbox and the history that it tells of.
    async fn compare_one(
        &self,
        variant: FeedVariant,
        store: &Store,
        of: StoreIdentity,
        place: &mut StreamPlace,
    ) -> Result<(), Cause> {
        let (known, highest) = store.feed_stream().await?;
        let lost = known.as_ref() != Some(&place.born) || place.last < highest;
        for facility in &self.facilities {
            let told = last_told(&self.broker, variant, facility).await?;
            if told.as_ref().is_some_and(|told| told.is_after(of)) {
                return Err("the feed tells of a later epoch than the outbox".into());
            }
            place.told.remove(&(variant, facility.clone()));
            let is_empty = told.is_none();
            if is_empty && !lost {
                continue;
            }
            let told = told.filter(|told| told.identity == Some(of));
            let through = told.as_ref().map_or(0, |told| told.feed_sequence);
            if let Some(told) = told {
                store.mark_through(of, &told.place(facility)).await?;
                place.told.insert((variant, facility.clone()), told);
            }
            let again = match planted(Mutant::ForgetToCompare) {
                true => 0,
                false => store.unmark_after(of, facility, through).await?,
            };
            note_refill(variant, again);
            // A stream that is new to this outbox is told everything, of whatever age.
            if is_empty && known.is_some() {
                store.expire(facility, self.oldest_us()).await?;
            }
        }
        if lost {
            if known.is_some() {
                store.unmark_letters().await?;
            }
            store.set_feed_stream(&place.born).await?;
        }
        place.of.insert(variant, of);
        Ok(())
    }

    /// Publishes the next messages of one outbox; false when there was none.
    async fn publish(
        &self,
        variant: FeedVariant,
        store: &Store,
        place: &mut StreamPlace,
    ) -> Result<bool, Cause> {
        let Some((of, pending)) = store.pending(BATCH).await? else {
            self.status
                .update(&variant.to_string(), |status| status.unpublished = 0);
            return Ok(false);
        };
        let waiting = if pending.len() < BATCH as usize {
            pending.len() as u64
        } else {
            store.pending_count().await?
        };
        self.status
            .update(&variant.to_string(), |status| status.unpublished = waiting);
        if place.of.get(&variant) != Some(&of) {
            self.compare_one(variant, store, of, place).await?;
            return Ok(true);
        }
        // An outbox made again from the log holds what the feed has told long since, if the feed still is what it was.
        let told = place.told_of(variant, &pending);
        if !told.is_empty() {
            self.still_there(place).await?;
            for last in &told {
                store.mark_through(of, last).await?;
            }
            return Ok(true);
        }
        let acknowledgements = self.send(variant, of, place.last, &pending).await?;
        if planted(Mutant::MarkBeforeTold) {
            for message in &pending {
                let place = (message.facility.clone(), message.feed_sequence, place.last);
                store.mark(of, &[place]).await?;
            }
        }
        let mut stored = Vec::with_capacity(pending.len());
        let mut failed = None;
        for (message, acknowledgement) in pending.iter().zip(acknowledgements) {
            match acknowledgement.await {
                Ok(ack) => stored.push((
                    message.facility.clone(),
                    message.feed_sequence,
                    ack.sequence,
                )),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        store.mark(of, &stored).await?;
        for (message, (facility, feed_sequence, stream_sequence)) in
            pending.iter().zip(stored.iter())
        {
            let told = LastTold {
                identity: Some(of),
                ce_id: message.ce_id,
                feed_sequence: *feed_sequence,
                stream_sequence: *stream_sequence,
            };
            place.told.insert((variant, facility.clone()), told);
        }
        let count = u64::try_from(stored.len())?;
        place.last += count;
        metrics::counter!("shikaku_feed_messages_total", "feed" => variant.to_string())
            .increment(count);
        failed.map_or(Ok(true), |error| Err(error.into()))
    }

    /// Sends all without waiting for the broker; each expects the one before it in the stream.
    async fn send(
        &self,
        variant: FeedVariant,
        of: StoreIdentity,
        mut expected: u64,
        pending: &[Pending],
    ) -> Result<Vec<Acknowledgement>, Cause> {
        let records: Vec<_> = pending.iter().map(|message| message.record).collect();
        let keys = self.keys.keys(&records).await?;
        let mut acknowledgements = Vec::with_capacity(pending.len());
        for message in pending {
            let mut outgoing = outgoing(variant, of, message, keys.get(&message.record))?;
            if !planted(Mutant::FeedExpectsNothing) {
                let headers = &mut outgoing.headers;
                headers.insert(NATS_EXPECTED_LAST_SEQUENCE, expected.to_string());
            }
            acknowledgements.push(self.broker.send(outgoing).await?);
            expected += 1;
        }
        Ok(acknowledgements)
    }

    async fn trim(&self) -> Result<(), Cause> {
        for (_, store) in &self.outboxes {
            store.trim(self.oldest_us()).await?;
        }
        Ok(())
    }

    /// What is older is no longer kept.
    fn oldest_us(&self) -> i64 {
        let hours = i64::from(self.feed_days) * 24;
        self.clock
            .now()
            .checked_sub(hours.hours())
            .unwrap_or(Timestamp::MIN)
            .as_microsecond()
    }
}

fn note_refill(variant: FeedVariant, messages: u64) {
    if messages > 0 {
        tracing::warn!(feed = %variant, messages, "the broker lost feed messages: refilling");
        metrics::counter!("shikaku_feed_refilled_messages_total", "feed" => variant.to_string())
            .increment(messages);
    }
}
