//! From what the thread saw to observations in the spool, in order, each exactly once over any crash.
//!
//! The journal is written before a presence goes into the spool and cleared after its end is there. Whatever stands
//! in it at a start is said again under the same ids, which spool and hub know for ever, and ended.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_kit::backoff::Backoff;
use shikaku_kit::dead_letter::DeadLetter;
use shikaku_kit::spool::{Entry, Spool};
use shikaku_schemas::observation::{
    CardEnd, CardKind, CardPresented, CardRemoved, CardUnread, Observation, ObservationBody,
};
use shikaku_schemas::value::{FacilityCode, ObservationId, PatientNumber};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::decode::Reading;
use crate::journal::Journal;
use crate::reader::Sighting;

/// The source in subjects and observations.
pub(crate) const SOURCE: &str = "card-reader";
/// A full disk: until then the channel, and then the thread, wait.
const KEEP_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(200),
    cap: Duration::from_secs(10),
};

/// Keeps what one reader's thread saw.
pub(crate) struct Keeper {
    pub(crate) facility: FacilityCode,
    pub(crate) desk: String,
    pub(crate) reader: String,
    pub(crate) journal: Arc<Journal>,
    pub(crate) spool: Arc<Spool>,
    /// For a person to look at.
    pub(crate) letters: mpsc::Sender<DeadLetter>,
}

impl Keeper {
    /// Works until the thread has ended. `now` dates the end of a presence that nobody watched.
    pub(crate) async fn run(self, mut sightings: mpsc::Receiver<Sighting>, now: Timestamp) {
        let journal = Arc::clone(&self.journal);
        let left = tokio::task::spawn_blocking(move || journal.read()).await;
        let mut lying = match left {
            Ok(Ok(left)) => left,
            _ => None,
        };
        if let Some(presented) = lying.take() {
            self.keep(presented.clone()).await;
            self.end(&presented, now, CardEnd::Unwatched).await;
        }
        while let Some(sighting) = sightings.recv().await {
            match sighting {
                Sighting::Presented {
                    at,
                    presence,
                    reading,
                } => {
                    let presented = self.presented(at, presence, reading);
                    self.note(&presented).await;
                    self.keep(presented.clone()).await;
                    self.report(&presented);
                    lying = Some(presented);
                }
                Sighting::Removed { at, reason } => {
                    if let Some(presented) = lying.take() {
                        self.end(&presented, at, reason).await;
                    }
                }
            }
        }
    }

    fn presented(&self, at: Timestamp, (session, nth): (Uuid, u32), read: Reading) -> Observation {
        let (patient, staff) = match read.card {
            CardKind::Hospital => (read.number.map(PatientNumber), None),
            CardKind::Staff => (None, read.number),
            _ => (None, None),
        };
        let body = ObservationBody::CardPresented(CardPresented {
            desk: self.desk.clone(),
            card: read.card,
            patient,
            staff,
            unread: read.unread,
        });
        self.observation(&format!("{session}/{nth}/presented"), at, body)
    }

    fn removed(&self, presented: &Observation, at: Timestamp, reason: CardEnd) -> Observation {
        let card = match &presented.body {
            ObservationBody::CardPresented(card) => card.card,
            _ => CardKind::Unknown,
        };
        let body = ObservationBody::CardRemoved(CardRemoved {
            desk: self.desk.clone(),
            card,
            presented: presented.observation_id,
            reason,
        });
        self.observation(&format!("{}/removed", presented.observation_id), at, body)
    }

    fn observation(&self, fact: &str, at: Timestamp, body: ObservationBody) -> Observation {
        let place = format!("{SOURCE}/{}", self.reader);
        Observation {
            observation_id: ObservationId::of_fact(&self.facility, &place, fact),
            facility: self.facility.clone(),
            source: SOURCE.to_owned(),
            device: self.reader.clone(),
            sequence: 0,
            seen_at: at,
            as_of: None,
            evidence: None,
            body,
        }
    }

    async fn end(&self, presented: &Observation, at: Timestamp, reason: CardEnd) {
        self.keep(self.removed(presented, at, reason)).await;
        let journal = Arc::clone(&self.journal);
        let cleared = tokio::task::spawn_blocking(move || journal.clear()).await;
        if !matches!(cleared, Ok(Ok(()))) {
            tracing::warn!(
                reader.id = self.reader,
                "the ended presence is ended again at the next start"
            );
        }
    }

    async fn note(&self, presented: &Observation) {
        self.until_done("journal", || {
            let (journal, presented) = (Arc::clone(&self.journal), presented.clone());
            move || journal.write(&presented).map_err(|error| error.to_string())
        })
        .await;
    }

    async fn keep(&self, observation: Observation) {
        self.until_done("spool", || {
            let (spool, observation) = (Arc::clone(&self.spool), observation.clone());
            let entry = Entry {
                observation,
                evidence: None,
            };
            move || {
                spool
                    .append(vec![entry])
                    .map(drop)
                    .map_err(|error| error.to_string())
            }
        })
        .await;
    }

    /// Nothing is passed over: what is not durable is tried for ever, and the thread waits meanwhile.
    async fn until_done<W>(&self, what: &'static str, work: impl Fn() -> W)
    where
        W: FnOnce() -> Result<(), String> + Send + 'static,
    {
        for failures in 1.. {
            match tokio::task::spawn_blocking(work()).await {
                Ok(Ok(())) => return,
                Ok(Err(reason)) => {
                    tracing::error!(
                        reader.id = self.reader,
                        what,
                        reason,
                        "not durable yet; tried again"
                    );
                }
                Err(_) => return,
            }
            tokio::time::sleep(KEEP_AGAIN.pause(failures)).await;
        }
    }

    /// A card that a rule fits, and whose number is none: somebody should look at card or rule. The observation
    /// stands for itself; a letter that is lost in a crash is not written again.
    fn report(&self, presented: &Observation) {
        let ObservationBody::CardPresented(card) = &presented.body else {
            return;
        };
        if card.unread != Some(CardUnread::NumberUnreadable) {
            return;
        }
        let letter = DeadLetter {
            id: presented.observation_id.to_string(),
            kind: "card".to_owned(),
            role: SOURCE.to_owned(),
            facility: Some(self.facility.clone()),
            device: Some(self.reader.clone()),
            reason: "number-unreadable".to_owned(),
            message: "カードの番号を規則どおりに読めません。カードか [[facility.card_rule]] を確かめてください / \
                      the card's number can't be read as its rule says: look at the card or at the rule"
                .to_owned(),
            at: presented.seen_at,
        };
        if self.letters.try_send(letter).is_err() {
            tracing::warn!(
                reader.id = self.reader,
                "a card that can't be read is not announced"
            );
        }
    }
}
