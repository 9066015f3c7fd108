//! Epochs: how often the history was begun anew, and which signed heads still speak of it.

use shikaku_schemas::clock::Clock;

use super::{Inner, Ledger};
use crate::model::StoreIdentity;
use crate::proof::{self, HeadsFile, SignedHead};
use crate::store::{Epoch, HeadRow, Session, Store};
use crate::{LedgerError, LedgerOptions};

/// The epochs of one store, the first first; never empty.
#[derive(Debug, Clone)]
pub(crate) struct Epochs {
    present: StoreIdentity,
    all: Vec<Epoch>,
    /// The latest epoch of which a signed head lies here. What the database alone says of a later one voids nothing:
    /// else whoever can write there could cut off events and call it a restore.
    vouched: u32,
}

impl Epochs {
    /// Reads them.
    pub(crate) async fn read(store: &Store, heads: &HeadsFile) -> Result<Self, LedgerError> {
        let all = store.epochs().await?;
        let present = all.last().ok_or(LedgerError::Missing)?.identity;
        let signed = heads.last(|head| head.store == present.store_id)?;
        Ok(Self {
            present,
            all,
            vouched: signed.map_or(0, |head| head.epoch),
        })
    }

    /// The history as it is now.
    pub(crate) fn identity(&self) -> StoreIdentity {
        self.present
    }

    /// Whether a signed head is of this store, in this epoch or an earlier one.
    pub(crate) fn know(&self, head: &SignedHead) -> bool {
        head.store == self.present.store_id && head.epoch <= self.present.epoch
    }

    /// Whether a signed head speaks of events that a later epoch, signed here too, began without.
    pub(crate) fn voids(&self, head: &SignedHead) -> bool {
        let number = |epoch: &Epoch| epoch.identity.epoch;
        let is_known = self.all.iter().any(|epoch| number(epoch) == head.epoch);
        let later = |epoch: &&Epoch| (head.epoch + 1..=self.vouched).contains(&number(epoch));
        let leaves_out = |later: &Epoch| !is_known || later.after < head.position;
        self.know(head) && self.all.iter().filter(later).any(leaves_out)
    }

    /// As they are once `epoch` is begun and signed.
    fn with(&self, epoch: Epoch) -> Self {
        let mut all = self.all.clone();
        all.push(epoch);
        Self {
            present: epoch.identity,
            all,
            vouched: epoch.identity.epoch,
        }
    }

    /// As they are once the present one is signed.
    fn accepted(&self) -> Self {
        Self {
            vouched: self.present.epoch,
            ..self.clone()
        }
    }
}

impl Inner {
    /// Verifies everything, as it is to be believed.
    async fn prove(&self, epochs: &Epochs) -> Result<(), LedgerError> {
        let report = proof::verify(self, epochs, |_| {}).await?;
        let Some(bad) = report.first_bad else {
            return Ok(());
        };
        tracing::error!(
            position = bad.position.0,
            reason = bad.reason,
            "not a whole history"
        );
        let reason = "what was put back is not a whole history of this store";
        Err(LedgerError::Proof {
            position: bad.position,
            reason,
        })
    }

    fn sign_head(&self, identity: StoreIdentity, head: &HeadRow) -> Result<(), LedgerError> {
        let signer = self.signer.as_ref().ok_or(LedgerError::ReadOnly)?;
        let head = SignedHead::unsigned(identity, head.recorded_at, &head.chain, &head.tree);
        self.heads.append(&signer.sign(head))
    }
}

impl Ledger {
    /// Begins a new epoch at the present end, after the database was put back from a backup or a standby that lacks
    /// the last events was promoted. Waits until no writer is alive; whoever opened the ledger before is fenced.
    ///
    /// `told` is the latest epoch that anything outside tells of (`LOG`, a feed), 0 when nothing does: an epoch that
    /// began on a machine which is gone must not be begun again, or its feeds would count as told.
    ///
    /// Everything there is verified first. What was signed of the events that are gone no longer counts, and
    /// [`Ledger::verify`] tells how many such heads there are; because the new epoch is signed here. A machine with
    /// signed heads of its own refuses the ledger until [`Ledger::accept_epoch`] was called on it.
    ///
    /// # Errors
    /// [`LedgerError::Proof`] when what was put back is no whole history of this store; else as [`Ledger::open`].
    pub async fn begin_epoch(
        options: &LedgerOptions,
        told: u32,
        clock: &dyn Clock,
    ) -> Result<StoreIdentity, LedgerError> {
        let ledger = Self::open(options).await?;
        let inner = &ledger.inner;
        let mut session = Session::stand_by(&inner.store).await?;
        let head = session.claim().await?;
        let after = head.position();
        let StoreIdentity { store_id, epoch } = inner.identity;
        // A backup may be older than an epoch that was begun since.
        let signed = inner.heads.last(|head| head.store == store_id)?;
        let epoch = signed.map_or(epoch, |head| head.epoch.max(epoch)).max(told) + 1;
        let identity = StoreIdentity { store_id, epoch };
        let begun = Epoch { identity, after };
        inner.prove(&inner.epochs.with(begun)).await?;
        inner.store.begin_epoch(begun, clock.now()).await?;
        inner.sign_head(identity, &head)?;
        session.close().await;
        tracing::warn!(epoch, after = after.0, "a new epoch has begun");
        Ok(identity)
    }

    /// Believes, on a further machine with signed heads of its own, the epoch that was begun on another one. Verifies
    /// everything; a hub may be at work meanwhile.
    ///
    /// # Errors
    /// [`LedgerError::Proof`] when the ledger is no whole history, [`LedgerError::OtherEpoch`] when yet another one
    /// was begun meanwhile; else as [`Ledger::open`].
    pub async fn accept_epoch(options: &LedgerOptions) -> Result<StoreIdentity, LedgerError> {
        let ledger = Self::open(options).await?;
        let inner = &ledger.inner;
        let head = inner.store.head().await?;
        inner.prove(&inner.epochs.accepted()).await?;
        ledger.still_present().await?;
        inner.sign_head(inner.identity, &head)?;
        Ok(inner.identity)
    }

    /// Whether the epoch in which this ledger was opened still is the present one.
    ///
    /// # Errors
    /// [`LedgerError::OtherEpoch`] when it is not; no answer from the database.
    pub async fn still_present(&self) -> Result<(), LedgerError> {
        let all = self.inner.store.epochs().await?;
        let found = all.last().ok_or(LedgerError::Missing)?.identity.epoch;
        let known = self.inner.identity.epoch;
        match found == known {
            true => Ok(()),
            false => Err(LedgerError::OtherEpoch { found, known }),
        }
    }
}
