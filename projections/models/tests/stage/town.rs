//! A small invented town: a group, records with keys, and a log of their events.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::{Value, json};
use shikaku_schemas::event::{Event, EventHead, SealedEvent, event_aad};
use shikaku_schemas::feed::Audience;
use shikaku_schemas::group::{Consumer, Facility, Group};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::subject;
use shikaku_schemas::topology::{STORE_EPOCH, STORE_ID};
use shikaku_schemas::value::{EventId, FacilityCode, Position, RecordId, StreamId};
use uuid::Uuid;

use super::broker::TestBroker;

pub const HOSPITAL: &str = "1319912349";

pub struct Town {
    pub group: Group,
    pub store: Uuid,
    pub epoch: u32,
    keys: Arc<Mutex<BTreeMap<RecordId, Option<SealKey>>>>,
    versions: HashMap<RecordId, u64>,
    pub log: Vec<SealedEvent>,
}

pub fn record(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(n))
}

impl Town {
    pub fn new() -> Self {
        let facility: Facility =
            serde_json::from_value(json!({ "code": HOSPITAL, "name": "見本病院" })).unwrap();
        let consumer = |name: &str, audience, insurance_fields| Consumer {
            name: name.to_owned(),
            audience,
            facility: FacilityCode::from(HOSPITAL),
            insurance_fields,
        };
        Self {
            group: Group {
                facilities: vec![facility],
                consumers: vec![
                    consumer("receipt-1", Audience::Receipt, false),
                    consumer("ward-3", Audience::Department, false),
                    consumer("chart", Audience::Ehr, true),
                ],
                ..Group::default()
            },
            store: Uuid::from_u128(77),
            epoch: 1,
            keys: Arc::default(),
            versions: HashMap::new(),
            log: Vec::new(),
        }
    }

    pub fn key(&self, record: RecordId) -> SealKey {
        self.keys.lock().unwrap()[&record].clone().unwrap()
    }

    /// Destroys a record's key and says so in the log.
    pub fn erase(&mut self, record: RecordId) {
        let data = json!({ "ordered_by": "x", "reason": "y" });
        self.add(record, "record-erased", &data);
        self.keys.lock().unwrap().insert(record, None);
    }

    /// Answers requests for record keys as the hub does.
    pub async fn serve_keys(&self, broker: &TestBroker) {
        let mut requests = broker.client.subscribe(subject::KEYS_OPEN).await.unwrap();
        broker.client.flush().await.unwrap();
        let (client, keys) = (broker.client.clone(), self.keys.clone());
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                let question: Value = serde_json::from_slice(&request.payload).unwrap();
                let asked: Vec<RecordId> =
                    serde_json::from_value(question["records"].clone()).unwrap();
                let answer = {
                    let keys = keys.lock().unwrap();
                    let of = |record: &RecordId| keys.get(record).cloned().flatten();
                    let open: BTreeMap<_, _> = asked
                        .iter()
                        .filter_map(|record| {
                            Some((record, STANDARD.encode(of(record)?.as_bytes())))
                        })
                        .collect();
                    let erased: Vec<_> = asked
                        .iter()
                        .filter(|record| keys.get(record) == Some(&None))
                        .collect();
                    json!({ "keys": open, "erased": erased })
                };
                let reply = request.reply.unwrap();
                client
                    .publish(reply, answer.to_string().into())
                    .await
                    .unwrap();
            }
        });
    }

    /// Adds a raw payload of a type to a record's stream.
    pub fn add(&mut self, record: RecordId, kind: &str, data: &Value) {
        let key = self
            .keys
            .lock()
            .unwrap()
            .entry(record)
            .or_insert_with(|| Some(SealKey::random()))
            .clone()
            .expect("an erased record gets no events");
        let version = self.versions.entry(record).or_default();
        *version += 1;
        let position = self.log.len() as u64 + 1;
        let event_id = EventId(Uuid::from_u128(
            (u128::from(self.epoch) << 96) | u128::from(position),
        ));
        let stream = StreamId::patient(record);
        let place = event_aad(event_id, &stream, *version, kind, 1);
        let sealed = key.seal(&place, data.to_string().as_bytes());
        let head = EventHead {
            position: Position(position),
            event_id,
            stream,
            stream_version: *version,
            kind: kind.to_owned(),
            schema_version: 1,
            recorded_at: Timestamp::from_second(1_778_000_000 + i64::try_from(position).unwrap())
                .unwrap(),
            facility: Some(FacilityCode::from(HOSPITAL)),
            patient: Some(record),
            observation_id: None,
            evidence: None,
            as_of: None,
        };
        self.log.push(SealedEvent::new(head, &sealed));
    }

    /// Adds an event to a record's stream.
    pub fn tell(&mut self, record: RecordId, event: &Event) {
        let data = serde_json::from_slice(&event.data().unwrap()).unwrap();
        self.add(record, event.kind(), &data);
    }

    /// A person on 医療扶助 with a ticket, from first sight to the answer. Six events.
    pub fn newcomer(&mut self, n: u128) -> RecordId {
        let record = record(n);
        let person = json!({
            "name": format!("見本　{n}"), "name_kana": "ﾐﾎﾝ", "birth_date": "1950-04-01", "sex": "female",
        });
        let qualification = Uuid::from_u128(n << 8);
        let mut seen = person.clone();
        seen["provisional"] = json!(false);
        self.add(record, "patient-first-seen", &seen);
        self.add(
            record,
            "patient-numbered",
            &json!({ "patient_number": format!("{n:08}") }),
        );
        let mut held = person.clone();
        for (name, value) in [
            ("qualification_id", json!(qualification)),
            ("scheme", json!("12")),
            ("payer_number", json!("12997011")),
            ("recipient_number", json!(format!("{n:07}"))),
            ("welfare_office", json!("見本市福祉事務所")),
            ("valid_from", json!("2026-04-01")),
            ("confirmed_on", json!(date(2026, 5, 11))),
            ("method", json!("card")),
        ] {
            held[name] = value;
        }
        self.add(record, "qualification-granted", &held);
        let ticket = json!({
            "qualification_id": qualification, "payer_number": "12997011",
            "recipient_number": format!("{n:07}"), "welfare_office": "見本市福祉事務所",
            "confirmed_on": "2026-05-11", "method": "card",
            "ticket": {
                "kind": "medical", "issue_number": "1", "treatment_month": "2026-05",
                "valid_from": "2026-05-01", "valid_to": "2026-05-31", "institution_code": HOSPITAL,
                "institution_matches": true, "prescriber_code": null, "treatment_type": "outpatient",
                "self_pay_yen": 0, "use": "sole", "social_insurance": false, "inconsistent": false,
                "infectious_disease_37_2": null, "elderly_medical_care": null, "prefectural_expenses": null,
            },
        });
        self.add(record, "commissioned-ticket-arrived", &ticket);
        let mut verified = person;
        for (name, value) in [
            ("confirmed_on", json!("2026-05-11")),
            ("method", json!("card")),
            ("validity", json!("valid")),
            ("coverage", json!("assistance-only")),
            (
                "qualifications",
                json!([{ "qualification_id": qualification, "scheme": "12", "validity": "valid" }]),
            ),
            ("reference_number", json!(format!("{n:08}"))),
            ("other_institution", json!(false)),
            ("without_ticket", json!(false)),
            ("inconsistent", json!(false)),
            ("late", json!(false)),
        ] {
            verified[name] = value;
        }
        self.add(record, "verified", &verified);
        let consent =
            json!({ "scope": "drug", "source": "card", "given_at": null, "available_until": null });
        self.add(record, "consent-recorded", &consent);
        record
    }

    /// Puts events of the log from `from` (counted from 1) on `LOG`.
    pub async fn publish(&self, broker: &TestBroker, from: usize) {
        let jetstream = broker.jetstream();
        for event in &self.log[from - 1..] {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert(STORE_ID, self.store.to_string());
            headers.insert(STORE_EPOCH, self.epoch.to_string());
            jetstream
                .publish_with_headers(
                    subject::log(&event.head.kind),
                    headers,
                    serde_json::to_vec(event).unwrap().into(),
                )
                .await
                .unwrap()
                .await
                .unwrap();
        }
    }
}
