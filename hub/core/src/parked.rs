//! What the hub set aside: a row in the inbox, and a dead letter on `PARKED` for people to see.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use shikaku_broker::{Broker, HeaderMap, NATS_MESSAGE_ID, Outgoing};
use shikaku_ledger::Ledger;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::subject;
use shikaku_schemas::value::{FacilityCode, ObservationId};

use crate::error::Cause;

const ROLE: &str = "hub";
const PAGE: u32 = 500;

/// Tells `PARKED` about parked observations. The bytes stay in the inbox, sealed.
#[derive(Clone)]
pub(crate) struct Parked {
    pub(crate) broker: Broker,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A dead letter, in the shape that every role writes.
#[derive(Serialize)]
struct DeadLetter<'a> {
    id: ObservationId,
    kind: &'static str,
    role: &'static str,
    facility: &'a FacilityCode,
    device: Option<&'a str>,
    reason: &'a str,
    message: &'a str,
    at: Timestamp,
}

impl Parked {
    /// Publishes one letter and waits until it is stored. Repeats within two minutes are dropped by the broker.
    pub(crate) async fn tell(
        &self,
        id: ObservationId,
        facility: &FacilityCode,
        device: Option<&str>,
        reason: &str,
    ) -> Result<(), Cause> {
        let letter = serde_json::to_vec(&DeadLetter {
            id,
            kind: "observation",
            role: ROLE,
            facility,
            device,
            reason,
            message: message(reason),
            at: self.clock.now(),
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, format!("observation-{id}"));
        let message = Outgoing {
            subject: subject::parked(ROLE),
            headers,
            payload: letter.into(),
        };
        self.broker.store(message).await?;
        Ok(())
    }

    /// Publishes a letter for every parked row: after `PARKED` was lost.
    pub(crate) async fn refill(&self) -> Result<(), Cause> {
        let mut after = None;
        loop {
            let rows = self
                .ledger
                .inbox_by_outcome(CommitOutcome::Parked, after, PAGE)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.observation_id);
            for row in &rows {
                let reason = row.reason.as_deref().unwrap_or("unknown");
                self.tell(row.observation_id, &row.facility, None, reason)
                    .await?;
            }
        }
    }
}

/// What a reason means, for people.
pub(crate) fn message(reason: &str) -> &'static str {
    match reason {
        "unreadable" => "観測を読めません / the observation can't be read",
        "facility-unknown" => "設定にない施設です / the facility is not configured",
        "facility-differs" => {
            "件名と本文の施設が違います / subject and body name different facilities"
        }
        "source-differs" => {
            "件名と本文の送信元が違います / subject and body name different sources"
        }
        "kind-not-supported" => {
            "この版では扱えない種類です / this version does not judge this kind yet"
        }
        "contradicts-the-ledger" => {
            "台帳と食い違い、記録できません / it contradicts the ledger and can't be recorded"
        }
        "record-erased" => "消去済みの記録です / the record was erased",
        "evidence-unreadable" => "証拠の断片を開けません / an evidence chunk does not open",
        "inquiry-unknown" => "該当する照会がありません / no such inquiry",
        other => crate::rules::message(other),
    }
}
