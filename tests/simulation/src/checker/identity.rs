//! Whose is an answer? By the rules of one line each: a number leads to one record for ever, a name only where no number
//! was told, and where two numbers lead to two records a person decides.

use std::collections::{BTreeMap, BTreeSet};

use shikaku_schemas::value::{FacilityCode, RecordId};

use super::Checker;
use crate::town::{Key, Model, Seen};

/// One person at one facility.
type Whom = (FacilityCode, u64);

/// Where the numbers of everybody lead.
#[derive(Default)]
struct Register {
    leads_to: BTreeMap<(Whom, Key), RecordId>,
    /// What somebody decided goes before it.
    decided: BTreeMap<(Whom, Key), RecordId>,
    decisions: u64,
    of: BTreeMap<RecordId, Whom>,
}

impl Register {
    /// Takes an answer that was recorded on `record`; says what is wrong with that.
    fn take(&mut self, seen: &Seen, record: RecordId) -> Result<(), &'static str> {
        let whom = (seen.facility(), seen.person);
        let keys: Vec<(Whom, Key)> = seen.keys().iter().map(|key| (whom.clone(), *key)).collect();
        let is_known = self.of.contains_key(&record);
        if self.of.entry(record).or_insert_with(|| whom.clone()) != &whom {
            return Err("two people share a record");
        }
        let led: BTreeSet<RecordId> = keys
            .iter()
            .filter_map(|key| self.leads_to.get(key).copied())
            .collect();
        let decided = keys.iter().find_map(|key| self.decided.get(key)).copied();
        let is_whose = match decided {
            Some(decided) => decided == record,
            None if led.is_empty() => !is_known,
            None => led.contains(&record),
        };
        if !is_whose {
            return Err("one person was split into two records");
        }
        if decided.is_none() && led.len() > 1 {
            self.decisions += 1;
            self.decided
                .extend(keys.iter().map(|key| (key.clone(), record)));
        }
        for key in keys {
            self.leads_to.entry(key).or_insert(record);
        }
        Ok(())
    }
}

/// One person at one facility is one record as far as numbers tell, opened once, and nobody else is it.
pub(super) fn identity(checker: &Checker, model: &Model) {
    let mut register = Register::default();
    let mut first_seen: BTreeMap<RecordId, u64> = BTreeMap::new();
    let mut closed = 0;
    for event in checker.database.events() {
        let head = &event.head;
        closed += u64::from(head.kind == "identity-case-closed");
        let Some(record) = head.patient else {
            continue;
        };
        if head.kind == "patient-first-seen" {
            *first_seen.entry(record).or_default() += 1;
        }
        let seen = head.observation_id.and_then(|id| model.seen(&id));
        if let Some(seen) = seen.filter(|_| head.kind == "verified")
            && let Err(wrong) = register.take(seen, record)
        {
            checker.broken(format!("identity: {wrong}"));
        }
    }
    if register.decisions != closed {
        let decisions = register.decisions;
        checker.broken(format!(
            "identity: {closed} cases were decided where numbers differ {decisions} times"
        ));
    }
    if first_seen.values().any(|times| *times != 1) {
        checker.broken("identity: a record was opened twice");
    }
}
