//! Comparing the ledger with what was signed: all of it on demand, its end at every start.

use shikaku_schemas::value::Position;

use super::heads::HeadLines;
use super::{CompactRange, Hash, SignedHead, Signer, chain, genesis, leaf};
use crate::LedgerError;
use crate::keys::KeyState;
use crate::ledger::{Epochs, Inner, open_payload};
use crate::model::{BadPosition, KeyOwner, StoredEvent, VerifyProgress, VerifyReport};
use crate::store::HeadRow;

/// Rows held in memory at a time.
const PAGE: u32 = 1_000;

/// Why a verification ends early.
enum Stop {
    /// The proof breaks here.
    Bad(BadPosition),
    /// Something can't be read.
    Failed(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        let bad = |position, error: &LedgerError| {
            Self::Bad(BadPosition {
                position,
                reason: error.to_string(),
            })
        };
        match &error {
            LedgerError::MalformedRow { position, .. }
            | LedgerError::PayloadRefused { position } => bad(*position, &error),
            _ => Self::Failed(error),
        }
    }
}

fn bad<T>(position: Position, reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Bad(BadPosition {
        position,
        reason: reason.into(),
    }))
}

/// Reads everything. See `README.md` for what is compared with what.
pub(crate) async fn verify(
    ledger: &Inner,
    epochs: &Epochs,
    mut progress: impl FnMut(VerifyProgress) + Send,
) -> Result<VerifyReport, LedgerError> {
    // First what was signed, then the head: an honest head is never behind.
    let last_signed = ledger.heads.last(|head| !epochs.voids(head))?;
    let head = ledger.store.head().await?;
    let mut pass = Pass {
        ledger,
        epochs,
        tree: CompactRange::default(),
        chain: genesis(ledger.identity.store_id),
        erased: 0,
        heads: 0,
        voided: 0,
        agreed: Position(0),
        lines: ledger.heads.read()?,
        next: None,
    };
    let outcome = pass.run(&head, last_signed.as_ref(), &mut progress).await;
    let first_bad = match outcome {
        Ok(()) => None,
        Err(Stop::Bad(bad)) => Some(bad),
        Err(Stop::Failed(error)) => return Err(error),
    };
    Ok(VerifyReport {
        identity: ledger.identity,
        events: pass.tree.size(),
        erased: pass.erased,
        heads: pass.heads,
        voided: pass.voided,
        last_signed: last_signed.map_or(Position(0), |head| head.position),
        root: hex::encode(pass.tree.root()),
        first_bad,
    })
}

struct Pass<'l> {
    ledger: &'l Inner,
    epochs: &'l Epochs,
    tree: CompactRange,
    chain: Hash,
    erased: u64,
    heads: u64,
    voided: u64,
    /// Position of the last signed head that agreed.
    agreed: Position,
    lines: HeadLines,
    next: Option<SignedHead>,
}

impl Pass<'_> {
    async fn run(
        &mut self,
        head: &HeadRow,
        last_signed: Option<&SignedHead>,
        progress: &mut (impl FnMut(VerifyProgress) + Send),
    ) -> Result<(), Stop> {
        let end = head.position();
        self.compare_heads()?;
        while self.position() < end {
            let after = self.position();
            let page = self.ledger.store.read_page(after, PAGE).await?;
            let page: Vec<StoredEvent> = page
                .into_iter()
                .filter(|e| e.head.position <= end)
                .collect();
            let Some(last) = page.last().map(|event| event.head.position) else {
                return bad(after.next(), "the event is missing");
            };
            let unordered = self.ledger.store.first_out_of_stream(after, last).await?;
            self.take(&page, unordered).await?;
            progress(VerifyProgress {
                done: self.tree.size(),
                total: end.0,
            });
        }
        if head.chain != self.chain || head.tree != self.tree {
            return bad(
                self.agreed.next(),
                "the head row does not follow from the events",
            );
        }
        if let Some(signed) = last_signed {
            self.compare_last(signed, end)?;
        }
        self.nothing_beyond(end).await
    }

    fn position(&self) -> Position {
        Position(self.tree.size())
    }

    async fn take(
        &mut self,
        page: &[StoredEvent],
        unordered: Option<Position>,
    ) -> Result<(), Stop> {
        let mut owners: Vec<KeyOwner> = page.iter().map(|e| KeyOwner::of(&e.head)).collect();
        owners.sort_unstable();
        owners.dedup();
        let keys = self.ledger.keys.look_up(&owners).await?;
        for event in page {
            let position = self.position().next();
            if event.head.position != position {
                return bad(position, "the event is missing");
            }
            if leaf(&event.head, &event.sealed) != event.leaf {
                return bad(position, "the event was changed: its leaf hash differs");
            }
            if unordered == Some(position) {
                return bad(
                    position,
                    "the event does not follow its stream's previous one",
                );
            }
            match keys.get(&KeyOwner::of(&event.head)) {
                None | Some(KeyState::Absent) => {
                    return bad(position, "the key is missing and was never erased");
                }
                Some(_) if open_payload(&keys, event)?.is_none() => self.erased += 1,
                Some(_) => {}
            }
            self.chain = chain(&self.chain, &event.leaf);
            self.tree.push(event.leaf);
            self.compare_heads()?;
        }
        Ok(())
    }

    /// Compares every signed head of the position reached.
    fn compare_heads(&mut self) -> Result<(), Stop> {
        loop {
            if self.next.is_none() {
                self.next = match self.lines.next()? {
                    None => return Ok(()),
                    Some(Some(head)) => Some(head),
                    Some(None) => {
                        return bad(self.agreed.next(), "a line of heads.jsonl is damaged");
                    }
                };
            }
            match self.next.take() {
                Some(head) if self.epochs.voids(&head) => {
                    self.check_signature(&head)?;
                    self.voided += 1;
                }
                // Later, or by a writer that did not yet know it was fenced: the next line says more.
                Some(head) if self.epochs.know(&head) => {
                    if head.position > self.position() {
                        self.next = Some(head);
                        return Ok(());
                    }
                    self.check_signature(&head)?;
                    if head.position == self.position() {
                        self.compare(&head)?;
                    }
                }
                Some(head) => self.check_signature(&head)?,
                None => return Ok(()),
            }
        }
    }

    fn check_signature(&self, head: &SignedHead) -> Result<(), Stop> {
        let signer: Option<&Signer> = self.ledger.signer.as_ref();
        if signer.is_some_and(|signer| signer.vouches_for(head)) {
            return Ok(());
        }
        bad(head.position, "a signed head bears no signature of ours")
    }

    fn compare(&mut self, head: &SignedHead) -> Result<(), Stop> {
        let is_same =
            head.root == hex::encode(self.tree.root()) && head.chain == hex::encode(self.chain);
        if !is_same {
            let reason = format!(
                "history after position {} is not what was signed at position {}",
                self.agreed, head.position
            );
            return bad(self.agreed.next(), reason);
        }
        self.agreed = head.position;
        self.heads += 1;
        Ok(())
    }

    /// The last head may be the pending one, which no line repeats yet.
    fn compare_last(&mut self, signed: &SignedHead, end: Position) -> Result<(), Stop> {
        self.check_signature(signed)?;
        if !self.epochs.know(signed) {
            return bad(Position(1), "the signed heads are of another history");
        }
        if signed.position > end {
            let reason = format!("events up to position {} were signed", signed.position);
            return bad(end.next(), reason);
        }
        if signed.position == end && self.agreed < end {
            self.compare(signed)?;
        }
        Ok(())
    }

    /// A row behind the head: written by nobody of us, since rows and head are one commit.
    async fn nothing_beyond(&self, end: Position) -> Result<(), Stop> {
        let beyond = self.ledger.store.read_page(end, 1).await?;
        let Some(event) = beyond.first() else {
            return Ok(());
        };
        if self.ledger.store.head().await?.position() < event.head.position {
            return bad(
                event.head.position,
                "the event was not committed by a writer",
            );
        }
        Ok(())
    }
}

/// At a writer's start: what was signed last must be there, and what follows it must lead to the head. Says
/// whether the head itself is signed.
pub(crate) async fn reconcile(ledger: &Inner, head: &HeadRow) -> Result<bool, LedgerError> {
    let broken = |position, reason| Err(LedgerError::Proof { position, reason });
    let (mut chained, mut at) = (genesis(ledger.identity.store_id), Position(0));
    let last = ledger.heads.last(|head| !ledger.epochs.voids(head))?;
    if let Some(last) = &last {
        let signer = ledger.signer.as_ref();
        if !signer.is_some_and(|signer| signer.vouches_for(last)) {
            return broken(last.position, "the signature is not ours");
        }
        if !ledger.epochs.know(last) {
            return broken(last.position, "the signed heads are of another history");
        }
        if last.position > head.position() {
            return broken(
                head.position().next(),
                "events that were signed are missing",
            );
        }
        at = last.position;
        if hex::decode_to_slice(&last.chain, &mut chained).is_err() {
            return broken(at, "the chain is no digest");
        }
    }
    while at < head.position() {
        let page = ledger.store.read_page(at, PAGE).await?;
        for event in page.iter().filter(|e| e.head.position <= head.position()) {
            if event.head.position != at.next() {
                break;
            }
            at = event.head.position;
            chained = chain(&chained, &leaf(&event.head, &event.sealed));
        }
        if page.is_empty() || page[0].head.position > at {
            return broken(at.next(), "the event is missing");
        }
    }
    if chained != head.chain {
        return broken(
            at,
            "the events do not lead from the signed head to the present one",
        );
    }
    let present =
        |last: &SignedHead| last.position == head.position() && last.epoch == ledger.identity.epoch;
    let is_signed = last.as_ref().is_some_and(present);
    Ok(is_signed || head.position() == Position(0))
}
