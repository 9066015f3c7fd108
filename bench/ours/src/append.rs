//! Our own appends: load, match, decide, seal, chain, inbox and identity keys, through the real sequencer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use shikaku_core::{BrokerOptions, HubOptions, JobOptions, MonthOptions, SequencerAlone, Teller};
use shikaku_ledger::{Database, KeyStoreAt, KeysOptions, Ledger, LedgerOptions};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_schemas::event::{PersonDetails, Ticket};
use shikaku_schemas::group::{Facility, Group};
use shikaku_schemas::observation::{
    AnswerRecord, AnswerValidity, Observation, ObservationBody, OqsAnswer, OqsFolder, RecordNumbers,
};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{
    AsOf, EvidenceId, FacilityCode, InstitutionCode, Method, Month, ObservationId, PayerNumber, RecipientNumber,
    ReferenceNumber, SchemeCode, Sex, TicketKind,
};
use tokio_util::sync::CancellationToken;

const STREAMS: u64 = 300;
const FACILITY: &str = "1319912349";

/// Answers of 10 to 100 events (two each) that a record has before the clock starts.
fn answers_of(n: u64) -> u64 {
    (10 + (n * 37) % 91) / 2
}

/// A sequencer over a fresh store, without a broker.
pub struct Bench {
    sequencer: SequencerAlone,
    ledger: Ledger,
    cancel: CancellationToken,
    next: Arc<AtomicU64>,
}

impl Bench {
    /// Opens a store in `dir`, on Postgres when `url` is given.
    pub async fn open(dir: &Path, url: Option<String>) -> Result<Self> {
        let database = match url {
            Some(url) => Database::Postgres { url },
            None => Database::Sqlite { path: dir.join("ledger.db") },
        };
        let group_key = SealKey::random();
        let keys = KeysOptions {
            group_key: group_key.clone(),
            signing_key_file: dir.join("signing.key"),
            store: KeyStoreAt::beside(&database),
        };
        let ledger = Ledger::open(&LedgerOptions { database, keys, proof_dir: dir.join("proof") }).await?;
        let cancel = CancellationToken::new();
        let sequencer = SequencerAlone::start(ledger.clone(), &options(group_key)?, cancel.clone()).await?;
        Ok(Self { sequencer, ledger, cancel, next: Arc::new(AtomicU64::new(1)) })
    }

    /// Records 300 people with 10 to 100 events each.
    pub async fn fill(&self) -> Result<()> {
        let rounds = (0..STREAMS).map(answers_of).max().unwrap_or(0);
        let teller = self.sequencer.teller();
        for round in 0..rounds {
            let due = (0..STREAMS).filter(|person| answers_of(*person) > round);
            let all = due.map(|person| tell(&teller, known(person, self.next.fetch_add(1, Ordering::Relaxed))));
            for told in futures::future::join_all(all).await {
                told?;
            }
        }
        Ok(())
    }

    /// `callers` loops for `seconds`.
    pub async fn drive(&self, name: &str, callers: usize, seconds: u64) -> Result<Value> {
        let before = self.ledger.head().await?.position.0;
        let start = Instant::now();
        let until = start + Duration::from_secs(seconds);
        let loops = (0..callers).map(|_| {
            let (teller, next) = (self.sequencer.teller(), Arc::clone(&self.next));
            tokio::spawn(async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let observation = if n.is_multiple_of(3) { stranger(n) } else { known(spread(n), n) };
                    let begun = Instant::now();
                    tell(&teller, observation).await?;
                    took.push(begun.elapsed().as_micros() as u64);
                }
                anyhow::Ok(took)
            })
        });
        let mut took: Vec<u64> = Vec::new();
        for one in futures::future::join_all(loops).await {
            took.extend(one??);
        }
        let elapsed = start.elapsed().as_secs_f64();
        let events = self.ledger.head().await?.position.0 - before;
        took.sort_unstable();
        let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or(0);
        Ok(json!({ "name": name, "callers": callers, "commands": took.len(), "events": events,
            "events_per_command": events as f64 / took.len().max(1) as f64,
            "commands_per_second": took.len() as f64 / elapsed, "events_per_second": events as f64 / elapsed,
            "p50_us": at(0.5), "p99_us": at(0.99) }))
    }

    /// Checks that positions are gapless, and lets go.
    pub async fn close(self) -> Result<()> {
        self.cancel.cancel();
        self.sequencer.task.await??;
        let head = self.ledger.head().await?.position;
        let mut after = shikaku_schemas::value::Position(0);
        while after < head {
            for event in self.ledger.read_page(after, 2_000).await? {
                ensure!(event.head.position == after.next(), "a gap after {after}");
                after = event.head.position;
            }
        }
        Ok(())
    }
}

async fn tell(teller: &Teller, observation: Observation) -> Result<()> {
    teller.tell(observation).await.context("an observation was not committed")?;
    Ok(())
}

fn spread(n: u64) -> u64 {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % STREAMS
}

fn options(group_key: SealKey) -> Result<HubOptions> {
    let facility: Facility = serde_json::from_value(json!({ "code": FACILITY, "name": "見本病院" }))?;
    Ok(HubOptions {
        group: Group { facilities: vec![facility], ..Group::default() },
        group_key,
        nats: BrokerOptions { url: String::new(), user: "hub".into(), password: String::new(), ca_file: None }.into(),
        feed_days: 1,
        answer_timeout: Duration::from_secs(60),
        jobs: JobOptions::default(),
        months: MonthOptions::OFF,
        medical: Default::default(),
        auto_link: false,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    })
}

/// A known person's answer: the ticket's self-pay changed, so one revision and one verification.
fn known(person: u64, n: u64) -> Observation {
    observe(n, Method::Card, Some(person), n)
}

/// Somebody new, by a local program's copy: one first sight and one verification.
fn stranger(n: u64) -> Observation {
    observe(n, Method::LocalCopy, None, n)
}

fn observe(n: u64, method: Method, person: Option<u64>, self_pay: u64) -> Observation {
    let facility = FacilityCode::from(FACILITY);
    let who = person.unwrap_or(1_000_000 + n);
    let executed_at = AsOf(Timestamp::from_second(1_778_457_600 + n as i64).unwrap_or_default());
    let day = jiff::civil::date(2026, 5, 11);
    let name = format!("見本　{who}");
    let record = AnswerRecord {
        classification: Some("A1".into()),
        scheme: Some(SchemeCode::public_assistance()),
        numbers: RecordNumbers {
            payer_number: Some(PayerNumber::from("12999991")),
            recipient_number: Some(RecipientNumber(format!("{who:07}"))),
            ..RecordNumbers::default()
        },
        person: PersonDetails {
            name: Some(name),
            name_kana: Some("ﾐﾎﾝ".into()),
            birth_date: Some(jiff::civil::date(1980, 1, 1)),
            sex: Some(Sex::Male),
        },
        issuer_name: Some("見本市福祉事務所".into()),
        family: None,
        qualified_on: Some(jiff::civil::date(2025, 4, 1)),
        disqualified_on: None,
        valid_from: None,
        valid_to: None,
        reason_of_loss: None,
        copay_percent: None,
        limit_certificate: None,
        specific_diseases: vec![],
        elderly_certificate: None,
        tickets: vec![Ticket {
            kind: TicketKind::Medical,
            issue_number: Some("0001".into()),
            treatment_month: Month::of(day),
            valid_from: Some(jiff::civil::date(2026, 5, 1)),
            valid_to: Some(jiff::civil::date(2026, 5, 31)),
            institution_code: Some(InstitutionCode(FACILITY.into())),
            institution_matches: true,
            prescriber_code: None,
            treatment_type: None,
            self_pay_yen: Some(self_pay),
            usage: None,
            social_insurance: None,
            inconsistent: false,
            infectious_disease_37_2: None,
            elderly_medical_care: None,
            prefectural_expenses: None,
        }],
        consents: vec![],
        reference_number: Some(ReferenceNumber(format!("S{who:08}"))),
        extra: std::collections::BTreeMap::new(),
    };
    let answer = OqsAnswer {
        folder: OqsFolder::Face,
        method,
        reference_classification: Some("1".into()),
        executed_at: Some(executed_at),
        confirmed_on: day,
        institution_code: Some(InstitutionCode(FACILITY.into())),
        file_identifier: None,
        inquiry: None,
        rejected: false,
        code: None,
        message: None,
        validity: Some(AnswerValidity::Valid),
        records: vec![record],
        search: None,
        warnings: vec![],
    };
    Observation {
        observation_id: ObservationId::of_evidence(&facility, "t1/face", &EvidenceId(format!("{n:064x}")), 0),
        facility,
        source: "terminal".into(),
        device: "t1".into(),
        sequence: n,
        seen_at: executed_at.0,
        as_of: Some(executed_at),
        evidence: None,
        body: ObservationBody::OqsAnswer(Box::new(answer)),
    }
}
