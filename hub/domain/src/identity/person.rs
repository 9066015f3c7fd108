//! One human, joining records of the group. Undo is re-assignment: a merge is remembered, not carried out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{Event, MergeUndone, PersonLinked, PersonUnlinked, PersonsMerged};
use shikaku_schemas::value::{PersonId, RecordId};

/// One person's own stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonState {
    /// The records linked to it directly.
    pub records: BTreeSet<RecordId>,
    /// Persons merged into it.
    pub merged: BTreeSet<PersonId>,
}

/// What to do with a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonCommand {
    /// Join a record. The caller makes sure that the record belongs to no other person.
    Link(PersonLinked),
    /// Take a record away.
    Unlink(PersonUnlinked),
    /// Make another person the same human.
    Merge(PersonsMerged),
    /// Take a merge back.
    UndoMerge(MergeUndone),
}

/// Why a person does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonRejection {
    /// The record is linked here already.
    #[error("the record is linked to this person already")]
    AlreadyLinked,
    /// The record is not linked here.
    #[error("the record is not linked to this person")]
    NotLinked,
    /// They are merged already.
    #[error("these persons are merged already")]
    AlreadyMerged,
    /// They are not merged.
    #[error("these persons are not merged")]
    NotMerged,
    /// A person cannot be merged with itself.
    #[error("a person cannot be merged with itself")]
    SamePerson,
}

impl PersonRejection {
    /// Stable name of the rule, for callers outside.
    pub fn rule(self) -> &'static str {
        match self {
            Self::AlreadyLinked => "already-linked",
            Self::NotLinked => "not-linked",
            Self::AlreadyMerged => "already-merged",
            Self::NotMerged => "not-merged",
            Self::SamePerson => "same-person",
        }
    }
}

/// What `command` makes of a person.
///
/// # Errors
/// The rule that forbids it.
pub fn decide(state: &PersonState, command: PersonCommand) -> Result<Vec<Event>, PersonRejection> {
    let refusal = match &command {
        PersonCommand::Link(link) => state
            .records
            .contains(&link.record)
            .then_some(PersonRejection::AlreadyLinked),
        PersonCommand::Unlink(unlink) => {
            (!state.records.contains(&unlink.record)).then_some(PersonRejection::NotLinked)
        }
        PersonCommand::Merge(merge) if merge.into == merge.from => {
            Some(PersonRejection::SamePerson)
        }
        PersonCommand::Merge(merge) => state
            .merged
            .contains(&merge.from)
            .then_some(PersonRejection::AlreadyMerged),
        PersonCommand::UndoMerge(undo) => {
            (!state.merged.contains(&undo.from)).then_some(PersonRejection::NotMerged)
        }
    };
    match refusal {
        Some(rejection) => Err(rejection),
        None => Ok(vec![match command {
            PersonCommand::Link(link) => Event::PersonLinked(link),
            PersonCommand::Unlink(unlink) => Event::PersonUnlinked(unlink),
            PersonCommand::Merge(merge) => Event::PersonsMerged(merge),
            PersonCommand::UndoMerge(undo) => Event::MergeUndone(undo),
        }]),
    }
}

/// Records one event. Events of other streams change nothing.
pub fn evolve(state: &mut PersonState, event: &Event) {
    match event {
        Event::PersonLinked(link) => {
            state.records.insert(link.record);
        }
        Event::PersonUnlinked(unlink) => {
            state.records.remove(&unlink.record);
        }
        Event::PersonsMerged(merge) => {
            state.merged.insert(merge.from);
        }
        Event::MergeUndone(undo) => {
            state.merged.remove(&undo.from);
        }
        _ => {}
    }
}

/// All persons of the group, for reading: who holds a record, and which records one human has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Persons {
    persons: BTreeMap<PersonId, PersonState>,
}

impl Persons {
    /// Records one event of any person's stream.
    pub fn evolve(&mut self, event: &Event) {
        let person = match event {
            Event::PersonLinked(link) => link.person,
            Event::PersonUnlinked(unlink) => unlink.person,
            Event::PersonsMerged(merge) => merge.into,
            Event::MergeUndone(undo) => undo.into,
            _ => return,
        };
        evolve(self.persons.entry(person).or_default(), event);
    }

    /// The person that a record is linked to directly.
    pub fn person_of(&self, record: RecordId) -> Option<PersonId> {
        self.persons
            .iter()
            .find(|(_, state)| state.records.contains(&record))
            .map(|(person, _)| *person)
    }

    /// Every record of the human that `record` belongs to, itself included: across merges, either way.
    pub fn records_with(&self, record: RecordId) -> BTreeSet<RecordId> {
        let mut records = BTreeSet::from([record]);
        let mut open: Vec<PersonId> = self.person_of(record).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(person) = open.pop() {
            if !seen.insert(person) {
                continue;
            }
            if let Some(state) = self.persons.get(&person) {
                records.extend(&state.records);
                open.extend(&state.merged);
            }
            let into = self
                .persons
                .iter()
                .filter(|(_, state)| state.merged.contains(&person));
            open.extend(into.map(|(into, _)| *into));
        }
        records
    }
}
