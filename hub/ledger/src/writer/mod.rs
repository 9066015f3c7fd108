//! The one writer: the fence, group commit, and the proof's keeper.

mod prepare;

use std::sync::Arc;
use std::time::Instant;

use metrics::{counter, histogram};
use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::mutant::{Mutant, planted};

use crate::keys::PersistError;
use crate::model::{Appended, Batch, Head};
use crate::proof::{self, Keeper, ProofState};
use crate::store::{CommitError, HeadRow, Prepared, RecoverError, Session};
use crate::{AppendError, Ledger, LedgerError};
use prepare::{Knowledge, prepare};

/// How often a batch is prepared anew when keys turn out to exist.
const ATTEMPTS: u32 = 3;

/// The one writer of a ledger. While it lives no other commits; when it is fenced it never commits again.
pub struct Writer {
    ledger: Ledger,
    session: Session,
    head: HeadRow,
    keeper: Keeper,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    is_fenced: bool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("term", &self.head.term)
            .field("position", &self.head.position())
            .field("is_fenced", &self.is_fenced)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Waits as standby until no other writer is alive, then begins a new term. Safe to drop while it waits.
    ///
    /// # Errors
    /// [`LedgerError::Proof`] when the database is not what was signed: nothing is written over a broken
    /// history. No answer from the database.
    pub async fn acquire(
        ledger: &Ledger,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, LedgerError> {
        let inner = &ledger.inner;
        let signer = match &inner.signer {
            Some(signer) if !inner.is_read_only => signer.clone(),
            _ => return Err(LedgerError::ReadOnly),
        };
        let mut session = Session::stand_by(&inner.store).await?;
        let head = session.claim().await?;
        ledger.still_present().await?;
        inner.versions().clear();
        let is_signed = proof::reconcile(inner, &head).await?;
        let heads = Arc::clone(&inner.heads);
        let keeper = Keeper::start(inner.identity, signer, heads, proof_of(&head), is_signed);
        inner.committed.send_replace(head.position());
        tracing::info!(
            term = head.term,
            position = head.position().0,
            "writer has the fence"
        );
        Ok(Self {
            ledger: ledger.clone(),
            session,
            head,
            keeper,
            clock,
            randomness,
            is_fenced: false,
        })
    }

    /// The end of the ledger as this writer left it. The next batch's first event gets the position after it.
    pub fn head(&self) -> Head {
        Head {
            position: self.head.position(),
            recorded_at: self.head.recorded_at,
            term: self.head.term,
        }
    }

    /// Commits a batch: all of it durable, or nothing. Events get gapless positions in the order given.
    ///
    /// Safe to drop half-way: the next call finds out first what became of it.
    ///
    /// # Errors
    /// See [`AppendError`]. Only `Fenced` is for good.
    pub async fn append(&mut self, batch: Batch) -> Result<Appended, AppendError> {
        let begun = Instant::now();
        if !self.is_fenced && !self.session.is_whole().await {
            self.recover().await?;
        }
        let outcome = self.append_now(batch).await;
        histogram!("shikaku_ledger_append_seconds").record(begun.elapsed());
        if let Err(error) = &outcome {
            counter!("shikaku_ledger_refused_total", "why" => word(error)).increment(1);
        }
        outcome
    }

    async fn append_now(&mut self, mut batch: Batch) -> Result<Appended, AppendError> {
        let mut knowledge = Knowledge::Likely;
        for _ in 0..ATTEMPTS {
            if self.is_fenced {
                return Err(AppendError::Fenced);
            }
            let now = self.clock.now();
            let randomness = self.randomness.as_ref();
            let inner = &self.ledger.inner;
            let (prepared, new) =
                prepare(inner, &self.head, &batch, now, randomness, knowledge).await?;
            match self.session.commit(&prepared, &inner.keys, &new).await {
                Ok(()) => return Ok(self.advance(prepared)),
                Err(CommitError::Fenced) => self.is_fenced = true,
                Err(CommitError::StreamTaken) => return Err(self.conflict(&batch).await),
                Err(CommitError::AlreadyAnswered) => return Err(AppendError::AlreadyAnswered),
                Err(CommitError::Refused) => {
                    return Err(AppendError::Unlawful("the database refused a row"));
                }
                Err(CommitError::KeyTaken) => self.leave_out_known_keys(&mut batch).await?,
                Err(CommitError::Keys(PersistError::Stale)) => knowledge = Knowledge::Sure,
                Err(CommitError::Keys(PersistError::Failed(error))) => {
                    return Err(AppendError::unavailable(error));
                }
                Err(CommitError::Lost(error)) => return self.settle(prepared, error).await,
            }
        }
        Err(AppendError::Unavailable(Box::new(LedgerError::Busy)))
    }

    /// After a broken line: connects again under the same term, and learns what was committed. Call it after
    /// [`AppendError::Ambiguous`] until it succeeds; the inbox tells the truth from then on.
    ///
    /// # Errors
    /// `Fenced` for good, `Unavailable` to try again.
    pub async fn recover(&mut self) -> Result<Head, AppendError> {
        if self.is_fenced {
            return Err(AppendError::Fenced);
        }
        match self.session.recover(self.head.term).await {
            Ok(head) if head.term != self.head.term && !planted(Mutant::ForgetTheFence) => {
                self.is_fenced = true;
                Err(AppendError::Fenced)
            }
            // Behind what this writer committed: the database was put back.
            Ok(head) if head.commits < self.head.commits => {
                self.is_fenced = true;
                Err(AppendError::Fenced)
            }
            Ok(head) => {
                self.ledger.inner.versions().clear();
                self.stand_at(head);
                Ok(self.head())
            }
            Err(RecoverError::Fenced) => {
                self.is_fenced = true;
                Err(AppendError::Fenced)
            }
            Err(RecoverError::NotYet(error)) => Err(AppendError::unavailable(error)),
        }
    }

    /// Ends the term: the last head is signed and synced when this returns.
    ///
    /// # Errors
    /// The proof could not be written.
    pub async fn close(self) -> Result<(), LedgerError> {
        let closed = self.keeper.close().await;
        self.session.close().await;
        closed
    }

    /// The line broke during a commit. The head, read under our own lock, tells what happened.
    async fn settle(
        &mut self,
        prepared: Prepared,
        error: LedgerError,
    ) -> Result<Appended, AppendError> {
        counter!("shikaku_ledger_writer_lost_total").increment(1);
        match self.recover().await {
            Ok(_) if self.head.commits == prepared.after.commits => Ok(appended(&prepared)),
            Ok(_) => Err(AppendError::unavailable(error)),
            Err(AppendError::Fenced) => Err(AppendError::Fenced),
            Err(_) => Err(AppendError::Ambiguous(Box::new(error))),
        }
    }

    fn advance(&mut self, prepared: Prepared) -> Appended {
        let done = appended(&prepared);
        let inner = &self.ledger.inner;
        for event in &prepared.events {
            inner.note_version(event.head.stream.clone(), event.head.stream_version);
        }
        counter!("shikaku_ledger_commits_total").increment(1);
        counter!("shikaku_ledger_fsyncs_total", "of" => "ledger").increment(1);
        counter!("shikaku_ledger_events_total").increment(prepared.events.len() as u64);
        self.stand_at(prepared.after);
        done
    }

    fn stand_at(&mut self, head: HeadRow) {
        if head.tree != self.head.tree {
            self.keeper.committed(proof_of(&head));
        }
        self.head = head;
        self.ledger
            .inner
            .committed
            .send_replace(self.head.position());
    }

    /// The primary key refused: finds the stream that moved on.
    async fn conflict(&self, batch: &Batch) -> AppendError {
        let inner = &self.ledger.inner;
        inner.versions().clear();
        match prepare::check_versions(inner, &batch.events, Knowledge::Sure).await {
            Err(conflict) => conflict,
            Ok(_) => AppendError::Unavailable(Box::new(LedgerError::Busy)),
        }
    }

    /// A key exists already. That is harmless when it leads to the same record.
    async fn leave_out_known_keys(&self, batch: &mut Batch) -> Result<(), AppendError> {
        let asked: Vec<_> = batch
            .identity_keys
            .iter()
            .map(|(key, _)| key.clone())
            .collect();
        let known = self.ledger.resolve(&asked).await;
        let mut known = known.map_err(AppendError::unavailable)?;
        known.retain(|key, _| !batch.released_keys.contains(key));
        let leads_elsewhere =
            |(key, record): &(_, _)| known.get(key).is_some_and(|other| other != record);
        if batch.identity_keys.iter().any(leads_elsewhere) {
            return Err(AppendError::IdentityTaken);
        }
        batch
            .identity_keys
            .retain(|(key, _)| !known.contains_key(key));
        Ok(())
    }
}

fn proof_of(head: &HeadRow) -> ProofState {
    ProofState {
        recorded_at: head.recorded_at,
        chain: head.chain,
        tree: head.tree.clone(),
    }
}

fn appended(prepared: &Prepared) -> Appended {
    Appended {
        first: prepared.before.position().next(),
        last: prepared.after.position(),
        recorded_at: prepared.after.recorded_at,
    }
}

/// The label of a refusal.
fn word(error: &AppendError) -> &'static str {
    match error {
        AppendError::Fenced => "fenced",
        AppendError::Conflict { .. } => "conflict",
        AppendError::IdentityTaken => "identity-taken",
        AppendError::AlreadyAnswered => "already-answered",
        AppendError::Erased { .. } => "erased",
        AppendError::Unlawful(_) => "unlawful",
        AppendError::Unavailable(_) => "unavailable",
        AppendError::Ambiguous(_) => "ambiguous",
    }
}
