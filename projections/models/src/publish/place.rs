//! Where a feed's stream stands, and what it told last.

use std::collections::{BTreeSet, HashMap};

use shikaku_broker::Broker;
use shikaku_schemas::feed::FeedVariant;
use shikaku_schemas::subject;
use shikaku_schemas::topology::{FEED_SEQUENCE, STORE_EPOCH, STORE_ID, feed_stream};
use shikaku_schemas::value::FacilityCode;
use uuid::Uuid;

use crate::log::StoreIdentity;
use crate::run::Cause;
use crate::store::{Pending, Stored};

/// The last message of a feed.
pub(crate) struct LastTold {
    /// The history that it tells of.
    pub(super) identity: Option<StoreIdentity>,
    pub(crate) ce_id: Uuid,
    pub(crate) feed_sequence: u64,
    pub(crate) stream_sequence: u64,
}

/// A feed stream as it was left.
pub(super) struct StreamPlace {
    pub(super) born: String,
    pub(super) last: u64,
    /// The history that each variant told of.
    pub(super) of: HashMap<FeedVariant, StoreIdentity>,
    /// What was told of it last.
    pub(super) told: HashMap<(FeedVariant, FacilityCode), LastTold>,
}

impl StreamPlace {
    /// Where each facility's feed stands, of those in whose pending messages there is one that it told before.
    pub(super) fn told_of(&self, variant: FeedVariant, pending: &[Pending]) -> Vec<Stored> {
        let facilities: BTreeSet<_> = pending.iter().map(|message| &message.facility).collect();
        let last = |facility: &FacilityCode| {
            let told = self.told.get(&(variant, facility.clone()))?;
            let is_old = |message: &Pending| {
                message.facility == *facility && message.feed_sequence <= told.feed_sequence
            };
            let is_any = pending.iter().any(is_old);
            is_any.then(|| told.place(facility))
        };
        facilities.into_iter().filter_map(last).collect()
    }
}

impl LastTold {
    /// Whether it tells of a later epoch of the same ledger.
    pub(super) fn is_after(&self, of: StoreIdentity) -> bool {
        let later = |told: StoreIdentity| told.store_id == of.store_id && told.epoch > of.epoch;
        self.identity.is_some_and(later)
    }

    pub(super) fn place(&self, facility: &FacilityCode) -> Stored {
        (facility.clone(), self.feed_sequence, self.stream_sequence)
    }
}

/// What a feed's stream holds last for a facility.
pub(crate) async fn last_told(
    broker: &Broker,
    variant: FeedVariant,
    facility: &FacilityCode,
) -> Result<Option<LastTold>, Cause> {
    let stream = feed_stream(variant.audience);
    let subject = subject::feed(variant, facility, ">");
    let Some(message) = broker.last_message(stream, subject).await? else {
        return Ok(None);
    };
    let header = |name: &str| message.headers.get(name).map(|value| value.as_str());
    let told = || {
        Some(LastTold {
            identity: StoreIdentity::parse(header(STORE_ID), header(STORE_EPOCH)),
            ce_id: header("ce-id")?.parse().ok()?,
            feed_sequence: header(FEED_SEQUENCE)?.parse().ok()?,
            stream_sequence: message.sequence,
        })
    };
    told()
        .map(Some)
        .ok_or_else(|| "the last message of a feed has no feed-sequence".into())
}
