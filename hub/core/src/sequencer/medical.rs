//! Consents that staff entered, medical information that came, and requests that may not go out any more.

use shikaku_domain::inquiry::InquiryCommand;
use shikaku_domain::patient::{self, PatientCommand};
use shikaku_ledger::Draft;
use shikaku_schemas::event::{ConsentRecorded, MedicalInformationReceived};
use shikaku_schemas::observation::{CommitOutcome, ConsentEntered, MedicalAnswer, Observation};
use shikaku_schemas::oqs::medical::Overview;
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{ConsentScope, ConsentSource, EvidenceId, InquiryId, Month, StreamId};

use super::context::{Context, patient_draft};
use super::observation::{Judged, on_record};
use super::registration::{answered, asked_by, concluded};
use super::verdict::Verdict;
use super::working_set::{Effects, WorkingSet};

impl Context {
    pub(super) fn consent_entered(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        entered: &ConsentEntered,
    ) -> Judged {
        let Some(facts) = self.facts(&seen.facility) else {
            return Judged::Parked("facility-unknown");
        };
        let Some(record) = set.record_of(&self.digests.chart(facts, &entered.patient)) else {
            return Judged::Parked("record-unknown");
        };
        let command = PatientCommand::EnterConsent {
            facility: seen.facility.clone(),
            consent: ConsentRecorded {
                scope: entered.scope,
                source: ConsentSource::Entered,
                given_at: entered.given_at,
                available_until: entered.available_until,
            },
        };
        on_record(set, seen, record, command)
    }
}

/// The record of the inquiry holds it from now on; what it says stays in the evidence.
pub(super) fn medical_answer(
    set: &mut WorkingSet,
    seen: &Observation,
    told: &MedicalAnswer,
) -> Judged {
    let asked = told.inquiry.zip(asked_by(set, told.inquiry));
    let Some((inquiry, (question, record))) = asked else {
        return Judged::Parked("inquiry-unknown");
    };
    let mut effects = Effects::default();
    let refusal = told.overview.as_ref().and_then(|seen| seen.refusal.clone());
    if let Some(refusal) = refusal {
        let command = InquiryCommand::RecordRejection {
            inquiry: Some(inquiry),
            code: refusal.code,
            message: refusal.message,
            lapsed: false,
            part_of: None,
        };
        effects.drafts = concluded(set, seen, Some(inquiry), None, command);
        return Judged::Effects(effects);
    }
    let (Some(record), Some(evidence)) = (record, &seen.evidence) else {
        if is_of_program(set, inquiry) {
            // It went to the program that asked; here the inquiry keeps it as evidence.
            effects.drafts = answered(set, seen, inquiry, None);
            return Judged::Effects(effects);
        }
        return Judged::Parked("record-unknown");
    };
    let command = PatientCommand::ReceiveMedicalInformation {
        facility: seen.facility.clone(),
        received: held(told, &question, &evidence.id),
    };
    let events = match patient::decide(set.patient(record), command) {
        Ok(events) => events,
        Err(rejection) => return Judged::Parked(rejection.rule()),
    };
    let as_of = told.overview.as_ref().and_then(|seen| seen.executed_at);
    effects.drafts = events
        .into_iter()
        .map(|event| Draft {
            as_of: as_of.or(seen.as_of),
            ..patient_draft(seen, record, event)
        })
        .collect();
    let answer = answered(set, seen, inquiry, Some(record));
    effects.drafts.extend(answer);
    Judged::Effects(effects)
}

/// Whether a program of the facility's own asked it.
fn is_of_program(set: &mut WorkingSet, inquiry: InquiryId) -> bool {
    let asked = set.stream(&StreamId::inquiry(inquiry)).inquiry().requested;
    asked.is_some_and(|asked| asked.program.is_some())
}

/// One fact a scope. Months are those asked for; check-ups tell theirs themselves.
fn held(
    told: &MedicalAnswer,
    question: &TaskBody,
    evidence: &EvidenceId,
) -> Vec<MedicalInformationReceived> {
    let asked = match question {
        TaskBody::DrugInfo(asked) => (Some(asked.from), Some(asked.to)),
        _ => {
            let days = told.overview.as_ref().map(|seen| &seen.checked_on);
            let month = |day: Option<&_>| day.map(|day| Month::of(*day));
            (
                days.and_then(|days| month(days.first())),
                days.and_then(|days| month(days.last())),
            )
        }
    };
    told.scopes
        .iter()
        .map(|scope| MedicalInformationReceived {
            scope: *scope,
            from_month: asked.0,
            to_month: asked.1,
            evidence: evidence.clone(),
            empty: told
                .overview
                .as_ref()
                .is_some_and(|seen| is_empty(seen, *scope)),
        })
        .collect()
}

fn is_empty(seen: &Overview, scope: ConsentScope) -> bool {
    match scope {
        ConsentScope::Drug => seen.drugs == 0,
        ConsentScope::Treatment => seen.treatments == 0,
        _ => seen.is_empty(),
    }
}

/// A request that no terminal may be given any more, by the rule that forbids it.
pub(super) fn withdraw(set: &mut WorkingSet, inquiry: InquiryId, rule: &str) -> Verdict {
    let stream = StreamId::inquiry(inquiry);
    let process = set.stream(&stream).inquiry();
    let facility = set.stream(&stream).facility();
    let command = InquiryCommand::RecordRejection {
        inquiry: Some(inquiry),
        code: Some(rule.to_owned()),
        message: Some(crate::parked::message(rule).to_owned()),
        lapsed: false,
        part_of: None,
    };
    let events = shikaku_domain::inquiry::decide(&process, command).unwrap_or_default();
    let outcome = match events.is_empty() {
        true => CommitOutcome::NothingNew,
        false => CommitOutcome::Recorded,
    };
    set.apply(Effects {
        drafts: events
            .into_iter()
            .map(|event| Draft {
                facility: facility.clone(),
                key_of: process.requested.as_ref().and_then(|asked| asked.record),
                ..Draft::new(event, stream.clone(), 0)
            })
            .collect(),
        ..Effects::default()
    });
    Verdict::committed(outcome, None)
}
