//! 照会番号: asking for what is missing, and what the centre made of it.

use shikaku_domain::inquiry::{self, InquiryCommand};
use shikaku_domain::patient::{self, PatientCommand, RecordRegistration, Registrable};
use shikaku_ledger::Draft;
use shikaku_schemas::event::{Event, InquiryRequested, PartOf};
use shikaku_schemas::observation::{CommitOutcome, Observation, RegistrationOutcome};
use shikaku_schemas::task::{
    BulkReferenceQuestion, QualificationNumbers, ReferenceQuestion, TaskBody,
};
use shikaku_schemas::value::{FacilityCode, InquiryId, InquiryKind, RecordId, StreamId, jst_day};

use super::context::{Context, draft, patient_draft};
use super::observation::Judged;
use super::verdict::Verdict;
use super::working_set::{Effects, WorkingSet};
use crate::reference::registers;

/// Who asks for registrations that nobody asked for.
const BY: &str = "hub";
const PURPOSE: &str = "照会番号の登録 / registration (4.1.1(4))";

/// Registrations to ask for.
#[derive(Debug, Clone)]
pub(crate) enum Registration {
    /// Whatever is missing of one record, because it was checked or got its chart number.
    Due {
        facility: FacilityCode,
        record: RecordId,
    },
    /// Whatever is missing of many, in one job.
    Bulk {
        inquiry: InquiryId,
        facility: FacilityCode,
        requested_by: String,
        purpose: String,
        records: Vec<RecordId>,
    },
}

/// Who asks, and what it is about.
pub(super) struct Asked<'a> {
    pub(super) inquiry: InquiryId,
    pub(super) facility: &'a FacilityCode,
    pub(super) requested_by: &'a str,
    pub(super) purpose: &'a str,
    pub(super) record: Option<RecordId>,
}

impl Context {
    /// What is to be registered of a record without anybody asking for it, under the ids that it always has.
    pub(super) fn due(
        &self,
        set: &WorkingSet,
        facility: &FacilityCode,
        record: RecordId,
    ) -> Vec<(InquiryId, Registrable)> {
        let (Some(place), Some(facts)) = (self.facility(facility), self.facts(facility)) else {
            return Vec::new();
        };
        let human = self.human(set, facility, record);
        if !registers(place) || !human.is_checked_at(facility) {
            return Vec::new();
        }
        patient::missing_registrations(&human, facts, jst_day(self.clock.now()))
            .into_iter()
            .map(|missing| (self.registration_of(facility, &missing), missing))
            .collect()
    }

    /// A registration is known again by facility, numbers, and how often one lapsed before it, whichever record of a
    /// human it is for. Keyed: seven digits could be guessed from a plain digest.
    fn registration_of(&self, facility: &FacilityCode, missing: &Registrable) -> InquiryId {
        let Registrable {
            lapses, question, ..
        } = missing;
        let numbers = &question.numbers;
        let symbol = numbers.symbol.as_deref().unwrap_or_default();
        let name = format!(
            "registration|{facility}|{}|{symbol}|{}|{}|{lapses}",
            numbers.insurer_number, numbers.number, question.reference_number
        );
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.qualifications.digest(name.as_bytes())[..16]);
        InquiryId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    pub(super) fn register(&self, set: &mut WorkingSet, registration: &Registration) -> Verdict {
        let drafts = match registration {
            Registration::Due { facility, record } => self.register_due(set, facility, *record),
            Registration::Bulk {
                inquiry,
                facility,
                requested_by,
                purpose,
                records,
            } => {
                let asked = Asked {
                    inquiry: *inquiry,
                    facility,
                    requested_by,
                    purpose,
                    record: None,
                };
                let rows = self.missing_of(set, facility, records);
                self.ask_bulk(set, &asked, rows)
            }
        };
        let outcome = match drafts.is_empty() {
            true => CommitOutcome::NothingNew,
            false => CommitOutcome::Recorded,
        };
        set.apply(Effects {
            drafts,
            ..Effects::default()
        });
        Verdict::committed(outcome, None)
    }

    fn register_due(
        &self,
        set: &mut WorkingSet,
        facility: &FacilityCode,
        record: RecordId,
    ) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (inquiry, missing) in self.due(set, facility, record) {
            // Not loaded: the record changed in this very batch, and will be considered again.
            if !set.streams.contains_key(&StreamId::inquiry(inquiry)) {
                continue;
            }
            let asked = Asked {
                inquiry,
                facility,
                requested_by: BY,
                purpose: PURPOSE,
                record: Some(record),
            };
            let body = TaskBody::Reference(missing.question);
            drafts.extend(self.ask(set, &asked, body).unwrap_or_default());
        }
        drafts
    }

    fn missing_of(
        &self,
        set: &WorkingSet,
        facility: &FacilityCode,
        records: &[RecordId],
    ) -> Vec<ReferenceQuestion> {
        let Some(facts) = self.facts(facility) else {
            return Vec::new();
        };
        let today = jst_day(self.clock.now());
        records
            .iter()
            .flat_map(|record| {
                let human = self.human(set, facility, *record);
                patient::missing_registrations(&human, facts, today)
            })
            .map(|missing| missing.question)
            .collect()
    }

    fn ask_bulk(
        &self,
        set: &mut WorkingSet,
        asked: &Asked<'_>,
        rows: Vec<ReferenceQuestion>,
    ) -> Vec<Draft> {
        if rows.is_empty() {
            return Vec::new();
        }
        let body = TaskBody::BulkReference(BulkReferenceQuestion { rows });
        self.ask(set, asked, body).unwrap_or_default()
    }

    /// The drafts that ask for `body`; the rule when it was asked before.
    pub(super) fn ask(
        &self,
        set: &mut WorkingSet,
        asked: &Asked<'_>,
        body: TaskBody,
    ) -> Result<Vec<Draft>, &'static str> {
        let request = InquiryRequested {
            inquiry: asked.inquiry,
            kind: kind(&body),
            requested_by: asked.requested_by.to_owned(),
            purpose: asked.purpose.to_owned(),
            payer_number: None,
            recipient_number: None,
            birth_date: None,
            on: jst_day(self.clock.now()),
            month: None,
            record: asked.record,
            question: Some(Box::new(body)),
            repeats: None,
            terminal: None,
            program: None,
        };
        Ok(self.requested(set, asked.facility, request)?.drafts)
    }

    /// What the centre says of a registration: of the record whose chart number it is.
    pub(super) fn registration_outcome(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        told: &RegistrationOutcome,
    ) -> Judged {
        let (question, asked_of) = asked_by(set, told.inquiry).unzip();
        let asked_of = asked_of.flatten();
        let Some(row) = row_of(question.as_ref(), told) else {
            return Judged::Parked("registration-differs");
        };
        let single = matches!(question, Some(TaskBody::Reference(_)));
        let by_chart = || {
            let facts = self.facts(&seen.facility)?;
            let number = facts.chart_number(&row.reference_number)?;
            set.record_of(&self.digests.chart(facts, &number))
        };
        let mut effects = Effects::default();
        if let Some(refusal) = &told.outcome.refusal {
            let command = InquiryCommand::RecordRejection {
                inquiry: told.inquiry.filter(|_| single),
                code: refusal.code.clone(),
                message: refusal.message.clone(),
                lapsed: false,
                part_of: told.inquiry.filter(|_| !single).map(|inquiry| PartOf {
                    inquiry,
                    row: Some(row.reference_number.to_string()),
                }),
            };
            let of = told.inquiry.filter(|_| single);
            effects.drafts = concluded(set, seen, of, asked_of.or_else(by_chart), command);
            return Judged::Effects(effects);
        }
        let Some(record) = asked_of.or_else(by_chart) else {
            return Judged::Parked("record-unknown");
        };
        let command = PatientCommand::RecordRegistration(RecordRegistration {
            facility: seen.facility.clone(),
            reference_number: row.reference_number,
            numbers: row.numbers,
        });
        let (record, events) = match self.registered(set, &seen.facility, record, &command) {
            Ok(decided) => decided,
            Err(rule) => return Judged::Parked(rule),
        };
        let as_of = told.outcome.executed_at.or(seen.as_of);
        effects.drafts = events
            .into_iter()
            .map(|event| Draft {
                as_of,
                ..patient_draft(seen, record, event)
            })
            .collect();
        if single && let Some(inquiry) = told.inquiry {
            effects
                .drafts
                .extend(answered(set, seen, inquiry, Some(record)));
        }
        Judged::Effects(effects)
    }

    /// Which of a human's records holds the qualification that a number was registered for, and what that makes of it.
    fn registered(
        &self,
        set: &WorkingSet,
        facility: &FacilityCode,
        record: RecordId,
        command: &PatientCommand,
    ) -> Result<(RecordId, Vec<Event>), &'static str> {
        let refused = match patient::decide(set.patient(record), command.clone()) {
            Ok(events) => return Ok((record, events)),
            Err(rejection) => rejection.rule(),
        };
        let linked = self.linked(set, facility, record).into_iter();
        let mut decided = linked.filter_map(|(other, state)| {
            let events = patient::decide(state, command.clone()).ok()?;
            Some((other, events))
        });
        decided.next().ok_or(refused)
    }
}

fn kind(body: &TaskBody) -> InquiryKind {
    match body {
        TaskBody::Ticket(_) => InquiryKind::Ticket,
        TaskBody::Bulk(_) => InquiryKind::Bulk,
        TaskBody::Commissioned(_) => InquiryKind::Commissioned,
        TaskBody::HomeVisit(_) => InquiryKind::HomeVisit,
        TaskBody::Online(_) => InquiryKind::Online,
        TaskBody::Reference(_) | TaskBody::BulkReference(_) => InquiryKind::Reference,
        TaskBody::DrugInfo(asked) if asked.with_treatments => InquiryKind::TreatmentInfo,
        TaskBody::DrugInfo(_) => InquiryKind::DrugInfo,
        TaskBody::CheckupInfo(_) => InquiryKind::CheckupInfo,
    }
}

/// All that an inquiry of ours asked, and of whom.
pub(super) fn asked_by(
    set: &mut WorkingSet,
    inquiry: Option<InquiryId>,
) -> Option<(TaskBody, Option<RecordId>)> {
    let stream = StreamId::inquiry(inquiry?);
    let requested = set.stream(&stream).inquiry().requested?;
    Some((*requested.question?, requested.record))
}

/// The row that an outcome is of. The centre echoes it; only the one row of a single request is known without.
fn row_of(question: Option<&TaskBody>, told: &RegistrationOutcome) -> Option<ReferenceQuestion> {
    let echoed = &told.outcome.registered;
    let echo = match (
        &echoed.reference_number,
        &echoed.insurer_number,
        &echoed.number,
    ) {
        (Some(reference_number), Some(insurer_number), Some(number)) => Some(ReferenceQuestion {
            reference_number: reference_number.clone(),
            numbers: QualificationNumbers {
                insurer_number: insurer_number.clone(),
                symbol: echoed.symbol.clone(),
                number: number.clone(),
                branch: echoed.branch.clone(),
            },
        }),
        _ => None,
    };
    let same = |row: &&ReferenceQuestion, echo: &ReferenceQuestion| {
        row.reference_number == echo.reference_number
            && row.numbers.insurer_number == echo.numbers.insurer_number
            && row.numbers.number == echo.numbers.number
    };
    match (question, echo) {
        (Some(TaskBody::Reference(asked)), None) => Some(asked.clone()),
        (Some(TaskBody::Reference(asked)), Some(echo)) => {
            same(&asked, &echo).then(|| asked.clone())
        }
        (Some(TaskBody::BulkReference(asked)), Some(echo)) => {
            asked.rows.iter().find(|row| same(row, &echo)).cloned()
        }
        // A program on a virtual terminal registered it.
        (None, Some(echo)) if told.inquiry.is_none() => Some(echo),
        _ => None,
    }
}

/// The answer of an inquiry that confirms no qualification.
pub(super) fn answered(
    set: &mut WorkingSet,
    seen: &Observation,
    inquiry: InquiryId,
    record: Option<RecordId>,
) -> Vec<Draft> {
    let command = InquiryCommand::RecordAnswer {
        inquiry: Some(inquiry),
        validity: None,
        record,
        part_of: None,
    };
    concluded(set, seen, Some(inquiry), record, command)
}

/// What ends an inquiry; without one, what nobody here asked for has a stream of its own.
pub(super) fn concluded(
    set: &mut WorkingSet,
    seen: &Observation,
    inquiry: Option<InquiryId>,
    record: Option<RecordId>,
    command: InquiryCommand,
) -> Vec<Draft> {
    let own = InquiryId(seen.observation_id.0);
    let stream = StreamId::inquiry(inquiry.unwrap_or(own));
    let process = set.stream(&stream).inquiry();
    let asked_of = process.requested.as_ref().and_then(|asked| asked.record);
    let events: Vec<Event> = inquiry::decide(&process, command).unwrap_or_default();
    events
        .into_iter()
        .map(|event| Draft {
            key_of: record.or(asked_of),
            as_of: seen.as_of,
            ..draft(seen, stream.clone(), event)
        })
        .collect()
}
