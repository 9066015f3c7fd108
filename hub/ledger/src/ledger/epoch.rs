//! Epochs: how often the history was begun anew, and which signed heads still speak of it.

use shikaku_schemas::clock::Clock;

use super::Ledger;
use crate::model::StoreIdentity;
use crate::proof::{self, SignedHead};
use crate::store::{Epoch, Session, Store};
use crate::{LedgerError, LedgerOptions};

/// The epochs of one store, the first first; never empty.
#[derive(Debug, Clone)]
pub(crate) struct Epochs {
    present: StoreIdentity,
    all: Vec<Epoch>,
}

impl Epochs {
    /// Reads them.
    pub(crate) async fn read(store: &Store) -> Result<Self, LedgerError> {
        let all = store.epochs().await?;
        let present = all.last().ok_or(LedgerError::Missing)?.identity;
        Ok(Self { present, all })
    }

    /// The history as it is now.
    pub(crate) fn identity(&self) -> StoreIdentity {
        self.present
    }

    /// Whether a signed head is of this store, in this epoch or an earlier one.
    pub(crate) fn know(&self, head: &SignedHead) -> bool {
        head.store == self.present.store_id && head.epoch <= self.present.epoch
    }

    /// Whether a signed head speaks of events that a later epoch began without.
    pub(crate) fn voids(&self, head: &SignedHead) -> bool {
        let is_left_out =
            |later: &Epoch| later.identity.epoch > head.epoch && later.after < head.position;
        let is_known = self
            .all
            .iter()
            .any(|epoch| epoch.identity.epoch == head.epoch);
        let is_past = self.know(head) && head.epoch < self.present.epoch;
        is_past && (!is_known || self.all.iter().any(is_left_out))
    }

    fn with(&self, epoch: Epoch) -> Self {
        let mut all = self.all.clone();
        all.push(epoch);
        Self {
            present: epoch.identity,
            all,
        }
    }
}

impl Ledger {
    /// Begins a new epoch at the present end, after the database was put back from a backup or a standby that lacks
    /// the last events was promoted. Waits until no writer is alive; whoever opened the ledger before is fenced.
    ///
    /// Everything there is verified first. What was signed of the events that are gone no longer counts, and
    /// [`Ledger::verify`] tells how many such heads there are.
    ///
    /// # Errors
    /// [`LedgerError::Proof`] when what was put back is no whole history of this store; else as [`Ledger::open`].
    pub async fn begin_epoch(
        options: &LedgerOptions,
        clock: &dyn Clock,
    ) -> Result<StoreIdentity, LedgerError> {
        let ledger = Self::open(options).await?;
        let inner = &ledger.inner;
        let mut session = Session::stand_by(&inner.store).await?;
        let after = session.claim().await?.position();
        let StoreIdentity { store_id, epoch } = inner.identity;
        // A backup may be older than an epoch that was begun since.
        let signed = inner.heads.last(|head| head.store == store_id)?;
        let epoch = signed.map_or(epoch, |head| head.epoch.max(epoch)) + 1;
        let identity = StoreIdentity { store_id, epoch };
        let begun = Epoch { identity, after };
        let report = proof::verify(inner, &inner.epochs.with(begun), |_| {}).await?;
        if let Some(bad) = report.first_bad {
            tracing::error!(
                position = bad.position.0,
                reason = bad.reason,
                "not a whole history"
            );
            let reason = "what was put back is not a whole history of this store";
            return Err(LedgerError::Proof {
                position: bad.position,
                reason,
            });
        }
        inner.store.begin_epoch(begun, clock.now()).await?;
        session.close().await;
        tracing::warn!(
            epoch,
            after = after.0,
            voided = report.voided,
            "a new epoch has begun"
        );
        Ok(identity)
    }

    /// Whether the epoch in which this ledger was opened still is the present one.
    ///
    /// # Errors
    /// [`LedgerError::OtherEpoch`] when it is not; no answer from the database.
    pub async fn still_present(&self) -> Result<(), LedgerError> {
        let found = Epochs::read(&self.inner.store).await?.identity().epoch;
        let known = self.inner.identity.epoch;
        match found == known {
            true => Ok(()),
            false => Err(LedgerError::OtherEpoch { found, known }),
        }
    }
}
