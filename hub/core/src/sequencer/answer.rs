//! An answer of the centre: whose it is, what it changes, and whom it may be linked with.

use shikaku_domain::identity::{self as naming, CandidateKey, Resolution, keys_of, resolve};
use shikaku_domain::inquiry::{self, InquiryCommand};
use shikaku_domain::patient::{self, PatientCommand, RecordVerification};
use shikaku_domain::{FacilityFacts, identity};
use shikaku_ledger::{Draft, IdentityKey};
use shikaku_schemas::event::{CaseReason, Event};
use shikaku_schemas::observation::{AnswerValidity, Observation, OqsAnswer};
use shikaku_schemas::value::{AsOf, CaseId, InquiryId, RecordId, StreamId, Validity};

use super::context::{Context, draft, patient_draft};
use super::observation::Judged;
use super::working_set::{Effects, WorkingSet};
use crate::identity::told;

/// Whose answer it is.
enum Whose {
    Record(RecordId, Vec<(IdentityKey, RecordId)>),
    WaitsBehind(CaseId),
    Unsure(CaseReason, Vec<RecordId>),
    Erased,
}

impl Context {
    /// Judges one answer. `decided` is the record that a person decided on.
    pub(super) fn answer(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        answer: &OqsAnswer,
        decided: Option<RecordId>,
    ) -> Judged {
        if answer.rejected || answer.records.is_empty() {
            return Judged::Effects(Effects {
                drafts: names_nobody(set, seen, answer),
                ..Effects::default()
            });
        }
        let Some(facts) = self.facts(&seen.facility) else {
            return Judged::Parked("facility-unknown");
        };
        match self.whose(set, facts, answer, decided) {
            Whose::Record(record, keys) => self.verification(set, seen, answer, record, keys),
            Whose::WaitsBehind(case) => Judged::Waits {
                case,
                effects: Effects {
                    taken: self.waiting_keys(facts, answer, case),
                    ..Effects::default()
                },
            },
            Whose::Unsure(reason, candidates) => {
                let (case, mut effects) = self.open_case(seen, reason, candidates);
                effects.taken = self.waiting_keys(facts, answer, case);
                Judged::Waits { case, effects }
            }
            Whose::Erased => Judged::Parked("record-erased"),
        }
    }

    fn whose(
        &self,
        set: &mut WorkingSet,
        facts: &FacilityFacts,
        answer: &OqsAnswer,
        decided: Option<RecordId>,
    ) -> Whose {
        let keys = keys_of(answer, facts);
        let told = told(answer);
        let by_person = |key: &CandidateKey| self.digests.decided(key, &told);
        if let Some(record) = decided {
            let mut taken = self.unclaimed(set, answer, &keys, record);
            taken.extend(keys.iter().map(|key| (by_person(key), record)));
            return Whose::Record(record, taken);
        }
        let waits = |key| set.record_of(&self.digests.waiting(key, &told));
        if let Some(case) = keys.iter().find_map(waits) {
            return Whose::WaitsBehind(CaseId(case.0));
        }
        if let Some(record) = keys.iter().find_map(|key| set.record_of(&by_person(key))) {
            let taken = self.unclaimed(set, answer, &keys, record);
            return Whose::Record(record, taken);
        }
        self.resolved(set, answer, keys)
    }

    fn resolved(&self, set: &mut WorkingSet, answer: &OqsAnswer, keys: Vec<CandidateKey>) -> Whose {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let record = set.record_of(&self.digests.key(&key));
            let known = record.map(|record| {
                let state = set.stream(&StreamId::patient(record)).patient();
                (record, state)
            });
            if known.as_ref().is_some_and(|(_, state)| state.erased) {
                return Whose::Erased;
            }
            found.push((key, known.map(|(record, state)| (record, state.person))));
        }
        let taken = |keys: Vec<CandidateKey>, record| {
            keys.iter()
                .map(|key| (self.digests.key(key), record))
                .collect()
        };
        match resolve(answer, &found) {
            Resolution::Existing { record, new_keys } => {
                Whose::Record(record, taken(new_keys, record))
            }
            Resolution::New { keys, .. } => {
                let record = RecordId(self.id());
                Whose::Record(record, taken(keys, record))
            }
            Resolution::Case { reason, candidates } => Whose::Unsure(reason, candidates),
        }
    }

    /// Keys of the answer that lead nowhere yet. A local copy teaches no number.
    fn unclaimed(
        &self,
        set: &WorkingSet,
        answer: &OqsAnswer,
        keys: &[CandidateKey],
        record: RecordId,
    ) -> Vec<(IdentityKey, RecordId)> {
        let copy = answer.method == shikaku_schemas::value::Method::LocalCopy;
        keys.iter()
            .filter(|key| !copy || key.kind == naming::KeyKind::Provisional)
            .map(|key| self.digests.key(key))
            .filter(|key| set.record_of(key).is_none())
            .map(|key| (key, record))
            .collect()
    }

    /// By these the person's later answers queue behind.
    pub(super) fn waiting_keys(
        &self,
        facts: &FacilityFacts,
        answer: &OqsAnswer,
        case: CaseId,
    ) -> Vec<(IdentityKey, RecordId)> {
        let told = told(answer);
        keys_of(answer, facts)
            .iter()
            .map(|key| (self.digests.waiting(key, &told), RecordId(case.0)))
            .collect()
    }

    fn verification(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        answer: &OqsAnswer,
        record: RecordId,
        taken: Vec<(IdentityKey, RecordId)>,
    ) -> Judged {
        let Some(facts) = self.facts(&seen.facility) else {
            return Judged::Parked("facility-unknown");
        };
        let as_of = seen.as_of.or(answer.executed_at);
        let command = RecordVerification {
            record,
            answer: answer.clone(),
            facility: facts.clone(),
            as_of,
            device: Some(seen.device.clone()),
            ids: self.qualifications.clone(),
        };
        let state = set.stream(&StreamId::patient(record)).patient();
        let decision = patient::decide(
            &state,
            PatientCommand::RecordVerification(Box::new(command)),
        );
        let events = match decision {
            Ok(events) => events,
            Err(rejection) => return Judged::Parked(rejection.rule()),
        };
        let mut effects = self.links(set, seen, answer, record, &events);
        effects.taken.extend(taken);
        let answered = answer
            .inquiry
            .and_then(|inquiry| inquiry_answered(set, seen, inquiry, record, &events));
        let mut drafts: Vec<Draft> = events
            .into_iter()
            .map(|event| Draft {
                as_of,
                ..patient_draft(seen, record, event)
            })
            .collect();
        drafts.extend(answered.into_iter().flatten());
        drafts.append(&mut effects.drafts);
        effects.drafts = drafts;
        Judged::Effects(effects)
    }

    /// A ticket that equals exactly one open 未委託 person of its facility and month.
    fn links(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        answer: &OqsAnswer,
        record: RecordId,
        events: &[Event],
    ) -> Effects {
        let arrivals = identity::arrivals(record, &seen.facility, events);
        let twin = self
            .facts(&seen.facility)
            .filter(|_| !arrivals.is_empty())
            .and_then(|facts| crate::identity::nameless_twin(answer, facts))
            .and_then(|key| set.record_of(&self.digests.key(&key)));
        let Some(twin) = twin.filter(|twin| *twin != record) else {
            return Effects::default();
        };
        let open = set.open_months(twin, &seen.facility);
        let offered = arrivals
            .iter()
            .find_map(|arrival| identity::offer(arrival, &open));
        match offered {
            Some(twin) if self.auto_link => self.link_by_rule(set, [twin, record]),
            Some(twin) if !set.same_person(self, twin, record) => {
                self.offer_link(seen, vec![twin, record])
            }
            _ => Effects::default(),
        }
    }
}

/// An answer that names nobody belongs to its inquiry, or to a stream of its own, so that each file is told.
fn names_nobody(set: &mut WorkingSet, seen: &Observation, answer: &OqsAnswer) -> Vec<Draft> {
    let own = InquiryId(seen.observation_id.0);
    let tries = answer
        .inquiry
        .map(|inquiry| (inquiry, Some(inquiry)))
        .into_iter()
        .chain([(own, None)]);
    for (stream, inquiry) in tries {
        let stream = StreamId::inquiry(stream);
        let process = set.stream(&stream).inquiry();
        let command = match answer.rejected {
            true => InquiryCommand::RecordRejection {
                inquiry,
                code: answer.code.clone(),
                message: answer.message.clone(),
            },
            false => InquiryCommand::RecordAnswer {
                inquiry,
                validity: validity(answer),
                record: None,
            },
        };
        if let Ok(events) = inquiry::decide(&process, command) {
            let as_of = seen.as_of.or(answer.executed_at);
            return on_inquiry(seen, &stream, None, as_of, events);
        }
    }
    Vec::new()
}

fn inquiry_answered(
    set: &mut WorkingSet,
    seen: &Observation,
    inquiry: InquiryId,
    record: RecordId,
    events: &[Event],
) -> Option<Vec<Draft>> {
    let validity = events.iter().rev().find_map(|event| match event {
        Event::Verified(verified) => Some(verified.validity),
        _ => None,
    })?;
    let stream = StreamId::inquiry(inquiry);
    let process = set.stream(&stream).inquiry();
    let command = InquiryCommand::RecordAnswer {
        inquiry: Some(inquiry),
        validity,
        record: Some(record),
    };
    // Answered before, or never asked here: what the answer says of the person is recorded all the same.
    let events = inquiry::decide(&process, command).ok()?;
    Some(on_inquiry(seen, &stream, Some(record), seen.as_of, events))
}

fn on_inquiry(
    seen: &Observation,
    stream: &StreamId,
    key_of: Option<RecordId>,
    as_of: Option<AsOf>,
    events: Vec<Event>,
) -> Vec<Draft> {
    events
        .into_iter()
        .map(|event| Draft {
            key_of,
            as_of,
            ..draft(seen, stream.clone(), event)
        })
        .collect()
}

fn validity(answer: &OqsAnswer) -> Validity {
    match answer.validity {
        Some(AnswerValidity::Multiple) => Validity::Multiple,
        Some(AnswerValidity::NotCommissioned) => Validity::NotCommissioned,
        Some(AnswerValidity::Lost) => Validity::Lost,
        Some(AnswerValidity::LostWithNewer) => Validity::LostWithNewer,
        // Valid without anybody it could be valid for.
        Some(AnswerValidity::Valid | AnswerValidity::NotFound) | None => Validity::NotFound,
    }
}
