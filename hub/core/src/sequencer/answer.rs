//! An answer of the centre: whose it is, what it changes, and whom it may be linked with.

use shikaku_domain::identity;
use shikaku_domain::identity::{self as naming, CandidateKey, Resolution, resolve};
use shikaku_domain::inquiry::{self, InquiryCommand};
use shikaku_domain::patient::{self, PatientCommand, RecordVerification};
use shikaku_ledger::{Draft, IdentityKey};
use shikaku_schemas::event::{CaseReason, Event, PartOf};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::observation::{AnswerValidity, Observation, ObservationBody, OqsAnswer};
use shikaku_schemas::value::{AsOf, CaseId, FacilityCode, InquiryId, RecordId, StreamId, Validity};

use super::context::{Context, draft, patient_draft};
use super::observation::Judged;
use super::working_set::{Effects, WorkingSet};
use crate::identity::{Named, NamedKey};

/// Whether an answer is about its inquiry alone.
pub(super) fn names_nobody(answer: &OqsAnswer) -> bool {
    answer.rejected || answer.records.is_empty()
}

/// Whose answer it is.
pub(super) enum Whose {
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
        if names_nobody(answer) {
            return Judged::Effects(Effects {
                drafts: of_nobody(set, seen, answer),
                ..Effects::default()
            });
        }
        let Some(facts) = self.facts(&seen.facility) else {
            return Judged::Parked("facility-unknown");
        };
        let named = set.named(self, seen, answer, facts);
        let row = set.row_asked(seen, answer, facts).cloned();
        match whose(set, &named, answer, decided)
            .or_else(|| self.differs(set, answer, &named, row.as_ref()))
            .unwrap_or_else(|| self.resolved(set, &seen.facility, answer, &named))
        {
            Whose::Record(record, keys) => {
                let listed = row.and_then(|row| row.patient);
                let verified = self.verification(set, seen, answer, &named, (record, keys));
                self.numbered_by_list(set, seen, verified, (record, listed))
            }
            Whose::WaitsBehind(case) => Judged::Waits {
                case,
                effects: Effects {
                    taken: free_waiting_keys(set, &named, case),
                    ..Effects::default()
                },
            },
            Whose::Unsure(reason, candidates) => {
                let (case, mut effects) = self.open_case(seen, reason, candidates);
                effects.taken = waiting_keys(&named, case).collect();
                Judged::Waits { case, effects }
            }
            Whose::Erased => Judged::Parked("record-erased"),
        }
    }

    fn resolved(
        &self,
        set: &WorkingSet,
        facility: &FacilityCode,
        answer: &OqsAnswer,
        named: &Named,
    ) -> Whose {
        let mut found = Vec::with_capacity(named.keys.len());
        for NamedKey { key, row, .. } in &named.keys {
            let record = set.record_of(row);
            let known = record.map(|record| (record, set.patient(record)));
            if known.is_some_and(|(_, state)| state.erased) {
                return Whose::Erased;
            }
            let known = known.map(|(record, state)| (record, state.person.clone()));
            found.push((key.clone(), known));
        }
        let taken = |keys: Vec<CandidateKey>, record| {
            let named = named.keys.iter().filter(|named| keys.contains(&named.key));
            let learnt = named.map(|named| (named.row.clone(), record));
            match planted(Mutant::LearnOneKey) {
                true => learnt.take(1).collect(),
                false => learnt.collect(),
            }
        };
        match resolve(answer, &found) {
            Resolution::Existing { record, new_keys } => {
                Whose::Record(record, taken(new_keys, record))
            }
            Resolution::New { keys, .. } => {
                let record = RecordId(self.id());
                Whose::Record(record, taken(keys, record))
            }
            Resolution::Case {
                reason: CaseReason::KeysDisagree,
                ..
            } if let Some(record) = self.one_human(set, facility, named) => {
                Whose::Record(record, unclaimed(set, answer, named, record))
            }
            Resolution::Case { reason, candidates } => Whose::Unsure(reason, candidates),
        }
    }

    /// Where all keys lead to records of one human: the one that goes for all of them. Numbers go before the chart, which
    /// is shared: so the record that knows a qualification hears of its end, and the one with a ticket sees it again.
    fn one_human(
        &self,
        set: &WorkingSet,
        facility: &FacilityCode,
        named: &Named,
    ) -> Option<RecordId> {
        let mut found: Vec<(bool, RecordId)> = named
            .keys
            .iter()
            .filter_map(|named| {
                let record = set.record_of(&named.row)?;
                Some((named.key.kind == naming::KeyKind::Chart, record))
            })
            .collect();
        found.sort_by_key(|(is_chart, _)| *is_chart);
        let first = found.first()?.1;
        let mut records = found.iter().map(|(_, record)| *record);
        records
            .all(|other| other == first || self.same_human(set, facility, first, other))
            .then_some(first)
    }

    fn verification(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        answer: &OqsAnswer,
        named: &Named,
        (record, taken): (RecordId, Vec<(IdentityKey, RecordId)>),
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
        let decision = patient::decide(
            set.patient(record),
            PatientCommand::RecordVerification(Box::new(command)),
        );
        let events = match decision {
            Ok(events) => events,
            Err(rejection) => return Judged::Parked(rejection.rule()),
        };
        let mut effects = self.links(set, seen, named, record, &events);
        effects.taken.extend(taken);
        // A unit never answers its job: only the close of the result does.
        let single = matches!(seen.body, ObservationBody::OqsAnswer(_));
        let answered = answer
            .inquiry
            .filter(|_| single)
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
        named: &Named,
        record: RecordId,
        events: &[Event],
    ) -> Effects {
        let arrivals = identity::arrivals(record, &seen.facility, events);
        let twin = named
            .twin
            .as_ref()
            .filter(|_| !arrivals.is_empty())
            .and_then(|twin| set.record_of(twin));
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

/// Whose the answer is, where a person decided, or who waits already.
fn whose(
    set: &WorkingSet,
    named: &Named,
    answer: &OqsAnswer,
    decided: Option<RecordId>,
) -> Option<Whose> {
    if let Some(record) = decided {
        let mut taken = unclaimed(set, answer, named, record);
        taken.extend(named.keys.iter().map(|key| (key.decided.clone(), record)));
        return Some(Whose::Record(record, taken));
    }
    let waits = |key: &NamedKey| set.record_of(&key.waiting);
    if let Some(case) = named.keys.iter().find_map(waits) {
        return Some(Whose::WaitsBehind(CaseId(case.0)));
    }
    let by_person = |key: &NamedKey| set.record_of(&key.decided);
    let record = named.keys.iter().find_map(by_person)?;
    let taken = unclaimed(set, answer, named, record);
    Some(Whose::Record(record, taken))
}

/// Keys of the answer that lead nowhere yet. A local copy teaches no number.
fn unclaimed(
    set: &WorkingSet,
    answer: &OqsAnswer,
    named: &Named,
    record: RecordId,
) -> Vec<(IdentityKey, RecordId)> {
    let copy = answer.method == shikaku_schemas::value::Method::LocalCopy;
    let keys = named.keys.iter();
    keys.filter(|named| !copy || named.key.kind == naming::KeyKind::Provisional)
        .map(|named| &named.row)
        .filter(|row| set.record_of(row).is_none())
        .map(|row| (row.clone(), record))
        .collect()
}

/// The waiting keys of an answer that joins a case. Those that lead to another open case stay with it: who is decided
/// on there is looked at again here. Whom a person decided on already, nobody waits for.
fn free_waiting_keys(
    set: &WorkingSet,
    named: &Named,
    case: CaseId,
) -> Vec<(IdentityKey, RecordId)> {
    let is_free = |key: &&NamedKey| {
        set.record_of(&key.waiting).is_none() && set.record_of(&key.decided).is_none()
    };
    let keys = named.keys.iter().filter(is_free);
    keys.map(|named| (named.waiting.clone(), RecordId(case.0)))
        .collect()
}

/// By these the person's later answers queue behind.
pub(super) fn waiting_keys(
    named: &Named,
    case: CaseId,
) -> impl Iterator<Item = (IdentityKey, RecordId)> {
    let keys = named.keys.iter();
    keys.map(move |named| (named.waiting.clone(), RecordId(case.0)))
}

/// An answer that names nobody belongs to its inquiry, or to a stream of its own, so that each file is told.
fn of_nobody(set: &mut WorkingSet, seen: &Observation, answer: &OqsAnswer) -> Vec<Draft> {
    let own = InquiryId(seen.observation_id.0);
    let part_of = part_of(seen, answer);
    let asked = answer.inquiry.filter(|_| part_of.is_none());
    let tries = asked
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
                lapsed: false,
                part_of: part_of.clone(),
            },
            false => InquiryCommand::RecordAnswer {
                inquiry,
                validity: Some(validity(answer)),
                record: None,
                part_of: part_of.clone(),
            },
        };
        if let Ok(events) = inquiry::decide(&process, command) {
            let as_of = seen.as_of.or(answer.executed_at);
            return on_inquiry(seen, &stream, None, as_of, events);
        }
    }
    Vec::new()
}

/// The row of the job that a unit is about: kept, so that it can be asked again.
fn part_of(seen: &Observation, answer: &OqsAnswer) -> Option<PartOf> {
    let inquiry = answer.inquiry?;
    let is_unit = matches!(seen.body, ObservationBody::OqsAnswerUnit(_));
    is_unit.then(|| PartOf {
        inquiry,
        row: answer
            .search
            .as_ref()
            .and_then(|echo| echo.arbitrary_identifier.clone()),
    })
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
        validity: Some(validity),
        record: Some(record),
        part_of: None,
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
