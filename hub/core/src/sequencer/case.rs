//! Cases that need a person, and links between records of one human.

use shikaku_domain::identity::WaitingPerson;
use shikaku_domain::identity::case::{self, CaseCommand, CaseDecision, CaseState};
use shikaku_domain::identity::person::{self, PersonCommand};
use shikaku_ledger::{CaseChange, Draft};
use shikaku_schemas::command::CommandEnvelope;
use shikaku_schemas::event::{CaseReason, Event, IdentityCaseOpened, PersonLinked, PersonUnlinked};
use shikaku_schemas::observation::{Observation, ObservationBody};
use shikaku_schemas::value::{CaseId, FacilityCode, ObservationId, PersonId, RecordId, StreamId};

use super::answer::waiting_keys;
use super::context::{Context, draft};
use super::verdict::{Place, Verdict};
use super::working_set::{Effects, WorkingSet};

/// Who decided, when config did.
const RULE: &str = "rule:equal-not-commissioned-person";

impl Context {
    /// A case in which `seen` waits.
    pub(super) fn open_case(
        &self,
        seen: &Observation,
        reason: CaseReason,
        candidates: Vec<RecordId>,
    ) -> (CaseId, Effects) {
        let case = CaseId(self.id());
        let opened = IdentityCaseOpened {
            case,
            reason,
            facility: seen.facility.clone(),
            observation_id: Some(seen.observation_id),
            candidates,
        };
        (case, opened_case(seen, opened))
    }

    /// A case in which nothing waits: one click joins the records.
    pub(super) fn offer_link(&self, seen: &Observation, candidates: Vec<RecordId>) -> Effects {
        opened_case(
            seen,
            IdentityCaseOpened {
                case: CaseId(self.id()),
                reason: CaseReason::LinkOffered,
                facility: seen.facility.clone(),
                observation_id: None,
                candidates,
            },
        )
    }

    /// The same, taken without asking.
    pub(super) fn link_by_rule(&self, set: &mut WorkingSet, records: [RecordId; 2]) -> Effects {
        self.link(set, &records, RULE, "").unwrap_or_default()
    }

    /// Closes a case, and judges in order what waited in it.
    pub(super) fn decide_case(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        case: CaseId,
        (record, gone): (Option<RecordId>, bool),
    ) -> Result<Verdict, &'static str> {
        let stream = StreamId::case(case);
        let state = set.stream(&stream).case();
        let CaseState::Open {
            observation_id,
            candidates,
            ..
        } = &state
        else {
            return Err("case-not-open");
        };
        let decision = match (record, observation_id) {
            (Some(_), _) if gone => return Err("gone-or-record"),
            _ if gone => CaseDecision::Gone,
            (Some(record), _) => CaseDecision::Candidate(record),
            (None, Some(_)) => CaseDecision::New(RecordId(self.id())),
            (None, None) => CaseDecision::Declined,
        };
        let command = CaseCommand::Close {
            decision,
            by: envelope.by.clone(),
        };
        let events = case::decide(&state, command).map_err(|rejection| rejection.rule())?;
        let facility = set.stream(&stream).facility();
        let mut effects = match (decision, observation_id) {
            (CaseDecision::Candidate(_), None) => self
                .link(set, candidates, &envelope.by, "link-offered")
                .unwrap_or_default(),
            _ => Effects::default(),
        };
        let closed = events.into_iter().map(|event| Draft {
            facility: facility.clone(),
            ..Draft::new(event, stream.clone(), 0)
        });
        effects.drafts.splice(0..0, closed);
        effects.cases.push(CaseChange::Closed { case });
        let waiting = set.waiting.remove(&case).unwrap_or_default();
        for seen in &waiting {
            effects
                .released
                .extend(self.waiting_rows_of(set, seen, case));
        }
        effects
            .inbox
            .push(super::command::done_row(envelope, facility));
        let place = Place::Batch(set.apply(effects).end);
        self.settle_waiting(set, &waiting, *observation_id, decision);
        Ok(Verdict::done(place, Some(case.0)))
    }

    /// What was asked about comes first, and the others follow it by the keys that it takes. One that came from another
    /// case may have arrived before it, and may have numbers that lead elsewhere by a decision of their own.
    fn settle_waiting(
        &self,
        set: &mut WorkingSet,
        waiting: &[Observation],
        asked_about: Option<ObservationId>,
        decision: CaseDecision,
    ) {
        let decided = match decision {
            CaseDecision::Candidate(record) | CaseDecision::New(record) => Some(record),
            CaseDecision::Declined | CaseDecision::Gone => None,
        };
        let (first, others): (Vec<_>, Vec<_>) = waiting
            .iter()
            .partition(|seen| Some(seen.observation_id) == asked_about);
        for seen in first {
            self.settle(set, seen, decided);
        }
        for seen in others {
            self.settle(set, seen, None);
        }
    }

    fn waiting_rows_of(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        case: CaseId,
    ) -> Vec<shikaku_ledger::IdentityKey> {
        let (ObservationBody::OqsAnswer(answer) | ObservationBody::OqsAnswerUnit(answer)) =
            &seen.body
        else {
            return Vec::new();
        };
        let Some(facts) = self.facts(&seen.facility) else {
            return Vec::new();
        };
        let named = set.named(self, seen, answer, facts);
        waiting_keys(&named, case)
            .filter(|(key, of)| set.record_of(key) == Some(*of))
            .map(|(key, _)| key)
            .collect()
    }

    /// Joins records that somebody names to one person.
    pub(super) fn link_named(
        &self,
        set: &mut WorkingSet,
        records: &[RecordId],
        by: &str,
        reason: &str,
    ) -> Result<Effects, &'static str> {
        for record in records {
            let known = set.patient(*record);
            if !known.seen || known.erased {
                return Err("record-unknown");
            }
        }
        self.link(set, records, by, reason)
    }

    /// Joins records to one person: the one that any of them belongs to, else a new one.
    fn link(
        &self,
        set: &mut WorkingSet,
        records: &[RecordId],
        by: &str,
        reason: &str,
    ) -> Result<Effects, &'static str> {
        let mut persons: Vec<PersonId> = records
            .iter()
            .filter_map(|record| set.person_of(self, *record))
            .collect();
        persons.sort_unstable();
        persons.dedup();
        let person = match persons[..] {
            [] => PersonId(self.id()),
            [person] => person,
            _ => return Err("linked-otherwise"),
        };
        let stream = StreamId::person(person);
        let state = set.stream(&stream).person();
        let mut effects = Effects::default();
        for record in records {
            let link = PersonCommand::Link(PersonLinked {
                person,
                record: *record,
                by: by.to_owned(),
                reason: reason.to_owned(),
            });
            if let Ok(events) = person::decide(&state, link) {
                effects.person(&stream, events);
                effects
                    .taken
                    .push((self.digests.person(*record), RecordId(person.0)));
            }
        }
        match effects.drafts.is_empty() {
            true => Err("already-linked"),
            false => Ok(effects),
        }
    }

    /// Takes a record from its person.
    pub(super) fn unlink(
        &self,
        set: &mut WorkingSet,
        record: RecordId,
        by: &str,
        reason: &str,
    ) -> Result<Effects, &'static str> {
        let person = set.person_of(self, record).ok_or("not-linked")?;
        let stream = StreamId::person(person);
        let state = set.stream(&stream).person();
        let unlink = PersonCommand::Unlink(PersonUnlinked {
            person,
            record,
            by: by.to_owned(),
            reason: reason.to_owned(),
        });
        let events = person::decide(&state, unlink).map_err(|rejection| rejection.rule())?;
        let mut effects = Effects::default();
        effects.person(&stream, events);
        effects.released.push(self.digests.person(record));
        Ok(effects)
    }
}

impl Effects {
    fn person(&mut self, stream: &StreamId, events: Vec<Event>) {
        let drafts = events
            .into_iter()
            .map(|event| Draft::new(event, stream.clone(), 0));
        self.drafts.extend(drafts);
    }
}

impl WorkingSet {
    /// The person a record is linked to.
    pub(super) fn person_of(&self, context: &Context, record: RecordId) -> Option<PersonId> {
        self.record_of(&context.digests.person(record))
            .map(|person| PersonId(person.0))
    }

    /// Whether two records already are one human.
    pub(super) fn same_person(&self, context: &Context, one: RecordId, other: RecordId) -> bool {
        let person = self.person_of(context, one);
        person.is_some() && person == self.person_of(context, other)
    }

    /// The months for which a record is 未委託 of whom no public assistance is known: a ticket teaches its numbers to a
    /// record of their own. A chart number or insurance of the one who waits changes nothing of that.
    pub(super) fn open_months(
        &mut self,
        record: RecordId,
        facility: &FacilityCode,
    ) -> Vec<WaitingPerson> {
        let loaded = self.stream(&StreamId::patient(record));
        let Some(state) = loaded.as_patient().filter(|state| !state.has_assistance()) else {
            return Vec::new();
        };
        state
            .months
            .iter()
            .filter(|known| known.facility.as_ref() == Some(facility) && known.is_waiting())
            .map(|known| WaitingPerson {
                record,
                facility: facility.clone(),
                month: known.month,
                person: state.person.clone(),
                welfare_office: known
                    .notice
                    .as_ref()
                    .and_then(|notice| notice.welfare_office.clone()),
            })
            .collect()
    }
}

fn opened_case(seen: &Observation, opened: IdentityCaseOpened) -> Effects {
    let change = CaseChange::Opened {
        case: opened.case,
        facility: opened.facility.clone(),
        reason: opened.reason,
        observation_id: opened.observation_id,
        candidates: opened.candidates.clone(),
    };
    let stream = StreamId::case(opened.case);
    Effects {
        drafts: vec![draft(seen, stream, Event::IdentityCaseOpened(opened))],
        cases: vec![change],
        ..Effects::default()
    }
}
