//! Answers to outside consumers: `state` and `replay`. The subject tells who asks, for the broker alone
//! writes it. Every look is logged before its answer; when it can't be, nothing is shown.

use std::collections::HashMap;

use futures::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use shikaku_broker::{Broker, Heard};
use shikaku_schemas::feed::{FeedVariant, state};
use shikaku_schemas::group::{Consumer, Facility, Group};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::topology::feed_stream;
use shikaku_schemas::value::{Position, RecordId};
use tokio_util::sync::CancellationToken;

use crate::access::{AccessLog, Look};
use crate::keys::{KeyRing, RecordKey};
use crate::run::{Cause, ModelsError};
use crate::sealed::{lookup, open_view};
use crate::store::{Page, Store, Which};

const REQUESTS: &str = "shikaku.svc-of.*.*";
const QUEUE: &str = "projections";
/// Records of one page, and bytes after which it ends early: a message holds 1 MiB.
const PAGE: u32 = 100;
const PAGE_BYTES: usize = 512 * 1024;

/// Answers `state` and `replay`.
pub(crate) struct Responder {
    pub(crate) broker: Broker,
    pub(crate) group: Group,
    pub(crate) stores: HashMap<FeedVariant, Store>,
    pub(crate) keys: KeyRing,
    pub(crate) lookup_key: SealKey,
    pub(crate) access: AccessLog,
}

/// Why a request gets no answer but this.
enum Refusal {
    /// The request can't be read or names something that is not there.
    Request(&'static str),
    /// Something is away; ask again.
    Unavailable(Cause),
}

impl<E: Into<Cause>> From<E> for Refusal {
    fn from(cause: E) -> Self {
        Self::Unavailable(cause.into())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateRequest {
    #[serde(default)]
    patient: Option<Value>,
    #[serde(default)]
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayRequest {
    #[serde(default)]
    from_sequence: Option<u64>,
    #[serde(default)]
    from: Option<Timestamp>,
}

/// Who asks, and what the asker's feed is made from.
struct Asker<'a> {
    consumer: &'a Consumer,
    facility: &'a Facility,
    variant: FeedVariant,
    store: &'a Store,
}

impl Responder {
    /// Answers until `cancel`.
    pub(crate) async fn run(self, cancel: CancellationToken) -> Result<(), ModelsError> {
        let mut requests = self
            .broker
            .queue_subscribe(REQUESTS, QUEUE)
            .await
            .map_err(|error| ModelsError::Broker(error.into()))?;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                request = requests.next() => match request {
                    Some(request) => self.answer(request).await,
                    None => return Err(ModelsError::Ended { task: "responder".to_owned() }),
                },
            }
        }
    }

    async fn answer(&self, request: Heard) {
        let Some(reply) = request.reply.clone() else {
            return;
        };
        let answer = match self.decide(&request).await {
            Ok(answer) => answer,
            Err(Refusal::Request(reason)) => json!({ "error": "request", "message": reason }),
            Err(Refusal::Unavailable(cause)) => {
                tracing::error!(%cause, "a request of a consumer could not be answered");
                metrics::counter!("shikaku_service_failures_total").increment(1);
                json!({ "error": "unavailable", "message": "いま応答できません / can't answer now, ask again" })
            }
        };
        if let Err(error) = self.broker.publish(reply, answer.to_string()).await {
            tracing::warn!(%error, "an answer could not be sent");
        }
    }

    async fn decide(&self, request: &Heard) -> Result<Value, Refusal> {
        let mut tokens = request.subject.rsplit('.');
        let what = tokens.next().unwrap_or_default();
        let name = tokens.next().unwrap_or_default();
        let asker = self.asker(name)?;
        match what {
            "state" => {
                let question: StateRequest = read(&request.payload)?;
                match question.patient {
                    Some(patient) => self.one(&asker, &patient_number(&patient)?).await,
                    None => self.page(&asker, question.after.as_deref()).await,
                }
            }
            "replay" => self.replay(&asker, read(&request.payload)?).await,
            _ => Err(Refusal::Request("only state and replay are served")),
        }
    }

    fn asker<'a>(&'a self, name: &str) -> Result<Asker<'a>, Refusal> {
        let consumer = self
            .group
            .consumers
            .iter()
            .find(|consumer| consumer.name == name)
            .ok_or(Refusal::Request("no such consumer"))?;
        let facility = self
            .group
            .facility(&consumer.facility)
            .ok_or(Refusal::Request("no such facility"))?;
        let variant = FeedVariant::of(consumer.audience, consumer.insurance_fields);
        let store = self
            .stores
            .get(&variant)
            .ok_or(Refusal::Request("no such feed"))?;
        Ok(Asker {
            consumer,
            facility,
            variant,
            store,
        })
    }

    /// The state of one chart number.
    async fn one(&self, asker: &Asker<'_>, patient: &str) -> Result<Value, Refusal> {
        let digest = lookup(&self.lookup_key, &asker.facility.code, patient);
        let page = asker.page(Which::Lookup(digest)).await?;
        let states = self.states(asker, &page.rows).await?;
        let shown: Vec<_> = states.iter().map(|(record, _)| Some(*record)).collect();
        let looked: &[Option<RecordId>] = if shown.is_empty() { &[None] } else { &shown };
        self.log(asker, "state", looked).await?;
        // Two records of one chart number are an identity case; the one opened last is the present one.
        let state = states.into_iter().next_back().map(|(_, state)| state);
        let mut answer = head(&page, page.feed_sequence);
        answer["state"] = state.unwrap_or(Value::Null);
        Ok(answer)
    }

    /// One page of the snapshot. Its cursor remembers the feed sequence of the first page: what changed
    /// while paging comes again in the feed from there.
    async fn page(&self, asker: &Asker<'_>, after: Option<&str>) -> Result<Value, Refusal> {
        let cursor = Cursor::parse(after)?;
        let which = Which::After(cursor.as_ref().map(|cursor| cursor.record), PAGE);
        let page = asker.page(which).await?;
        let epoch = page.identity.map_or(0, |identity| identity.epoch);
        if cursor.as_ref().is_some_and(|cursor| cursor.epoch != epoch) {
            return Err(Refusal::Request(
                "the ledger was put back: page from the beginning",
            ));
        }
        let since = cursor.map_or(page.feed_sequence, |cursor| cursor.feed_sequence);
        let mut told = Vec::new();
        let mut looked = Vec::new();
        let mut bytes = 0;
        let mut last = None;
        let full = page.rows.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
        let mut more = full;
        let states = self.states(asker, &page.rows).await?;
        let end = page.rows.last().map(|(record, _)| *record);
        for (record, state) in states {
            if bytes > PAGE_BYTES {
                more = true;
                break;
            }
            bytes += state.to_string().len();
            last = Some(record);
            looked.push(Some(record));
            told.push(state);
        }
        if bytes <= PAGE_BYTES {
            last = end.or(last);
        }
        self.log(asker, "snapshot", &looked).await?;
        let mut answer = head(&page, since);
        answer["states"] = Value::Array(told);
        answer["next"] = match last {
            Some(record) if more => Value::String(format!("{epoch}.{since}.{record}")),
            _ => Value::Null,
        };
        Ok(answer)
    }

    /// Re-delivers on the asker's own durable, with the same ids.
    async fn replay(&self, asker: &Asker<'_>, from: ReplayRequest) -> Result<Value, Refusal> {
        let facility = &asker.facility.code;
        let sequence = match (from.from_sequence, from.from) {
            (Some(sequence), None) => sequence.max(1),
            (None, Some(since)) => {
                asker
                    .store
                    .sequence_since(facility, since.as_microsecond())
                    .await?
            }
            _ => return Err(Refusal::Request("give from_sequence or from")),
        };
        let page = asker.page(Which::After(None, 0)).await?;
        if sequence > page.feed_sequence + 1 {
            return Err(Refusal::Request("from_sequence lies behind the feed's end"));
        }
        self.log(asker, "replay", &[None]).await?;
        let stream = feed_stream(asker.variant.audience);
        let last = self.broker.stream(stream).await?.last_sequence;
        let place = if sequence > page.feed_sequence {
            last + 1
        } else {
            let known = asker.store.stream_place(facility, sequence).await?;
            known.unwrap_or(1).max(1)
        };
        self.broker
            .reset_consumer(stream, &asker.consumer.name, place)
            .await?;
        let mut answer = head(&page, page.feed_sequence);
        answer["from_sequence"] = Value::from(sequence);
        Ok(answer)
    }

    /// What the asker may know of each record, opened. Erased records and those of which nothing may be known
    /// are left out.
    async fn states(
        &self,
        asker: &Asker<'_>,
        rows: &[(RecordId, Vec<u8>)],
    ) -> Result<Vec<(RecordId, Value)>, Refusal> {
        let records: Vec<RecordId> = rows.iter().map(|(record, _)| *record).collect();
        let keys = self.keys.keys(&records).await?;
        let mut states = Vec::with_capacity(rows.len());
        for (record, sealed) in rows {
            let Some(RecordKey::Open(key)) = keys.get(record) else {
                continue;
            };
            let view = open_view(key, asker.variant, *record, sealed)?;
            if let Some(state) = state(asker.variant, asker.facility, *record, &view) {
                states.push((*record, state));
            }
        }
        Ok(states)
    }

    async fn log(
        &self,
        asker: &Asker<'_>,
        kind: &str,
        records: &[Option<RecordId>],
    ) -> Result<(), Refusal> {
        let looks: Vec<Look> = records
            .iter()
            .map(|record| Look {
                who: asker.consumer.name.clone(),
                kind: kind.to_owned(),
                facility: Some(asker.facility.code.clone()),
                record: *record,
                purpose: format!("consumer of {}", asker.variant),
            })
            .collect();
        Ok(self.access.record(&looks).await?)
    }
}

impl Asker<'_> {
    /// Never from half of the rows: they would say of many that nothing is known.
    async fn page(&self, which: Which) -> Result<Page, Refusal> {
        let page = self.store.page(&self.facility.code, which).await?;
        match page.is_whole {
            true => Ok(page),
            false => Err(Refusal::Unavailable("rows are being made".into())),
        }
    }
}

/// A place in the snapshot.
struct Cursor {
    epoch: u32,
    feed_sequence: u64,
    record: RecordId,
}

impl Cursor {
    fn parse(text: Option<&str>) -> Result<Option<Self>, Refusal> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let mut words = text.splitn(3, '.');
        let mut read = || {
            Some(Self {
                epoch: words.next()?.parse().ok()?,
                feed_sequence: words.next()?.parse().ok()?,
                record: words.next()?.parse().ok()?,
            })
        };
        let no_cursor = Refusal::Request("after is no cursor of a former answer");
        read().map(Some).ok_or(no_cursor)
    }
}

fn head(page: &Page, feed_sequence: u64) -> Value {
    let Position(position) = page.position;
    json!({
        "store": page.identity.map(|identity| identity.store_id.to_string()),
        "epoch": page.identity.map(|identity| identity.epoch),
        "position": position,
        "feed_sequence": feed_sequence,
    })
}

fn read<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Refusal> {
    let payload = if payload.is_empty() { b"{}" } else { payload };
    serde_json::from_slice(payload)
        .map_err(|_| Refusal::Request("the request is not one that the contract knows"))
}

/// Chart numbers are text; a bare number is taken as its digits.
fn patient_number(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Refusal::Request("patient is a chart number")),
    }
}
