//! What people do at the terminals.

use shikaku_kit::spool::Placed;

use super::{ROLES, Role, World};
use crate::node::now;
use crate::town::{Says, Seen, TERMINALS};

impl World {
    /// A card is read at a terminal; sometimes the same file comes again.
    pub(super) async fn ordinary(&mut self) {
        let dice = &self.sky.dice;
        let terminal = usize::try_from(dice.below(TERMINALS.len() as u64)).unwrap_or_default();
        let count = *dice.pick(&[1, 1, 1, 2, 5]);
        let again = dice.per_mille(150);
        let mut batch = Vec::new();
        for _ in 0..count {
            let known: Vec<&Seen> = self
                .model
                .kept
                .values()
                .filter(|seen| seen.terminal == terminal)
                .collect();
            if again && !known.is_empty() {
                let at = usize::try_from(self.sky.dice.below(known.len() as u64));
                batch.push(known[at.unwrap_or_default()].clone());
            } else {
                batch.push(self.answer(terminal));
            }
        }
        self.keep(terminal, batch).await;
    }

    fn answer(&mut self, terminal: usize) -> Seen {
        self.answers += 1;
        let dice = &self.sky.dice;
        // Some answers were long on their way.
        let late = match dice.below(4) {
            0 => i64::try_from(dice.below(100_000)).unwrap_or_default(),
            _ => 0,
        };
        let millis = now(&self.sky).as_millisecond() - late;
        let micros = millis * 1000 + i64::try_from(self.answers % 1000).unwrap_or_default();
        Seen {
            terminal,
            person: dice.below(5),
            says: *dice.pick(&Says::ALL),
            executed_at: jiff::Timestamp::from_microsecond(micros)
                .unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            inquiry: None,
        }
    }

    async fn keep(&mut self, terminal: usize, batch: Vec<Seen>) {
        let at = ROLES
            .iter()
            .position(|(_, role)| *role == Role::Terminal(terminal))
            .unwrap_or_default();
        let machine = &self.machines[at];
        let spool = machine.spool.lock().await.clone();
        let Some(spool) = spool.filter(|_| !machine.node.is_paused()) else {
            return;
        };
        let entries: Vec<_> = batch
            .iter()
            .map(|seen| seen.entry(now(&self.sky)))
            .collect();
        let ids: Vec<_> = entries
            .iter()
            .map(|entry| entry.observation.observation_id)
            .collect();
        for entry in &entries {
            if let Some(evidence) = &entry.observation.evidence {
                let id = entry.observation.observation_id;
                self.checker.rests_on(id, evidence.id.clone());
            }
        }
        let appended = spool.append(entries);
        let is_sure = appended.is_ok() && !machine.lied;
        self.sky.tell(format!(
            "{} sees {} answers: {}",
            machine.node.name,
            batch.len(),
            match &appended {
                Ok(placed) if placed.contains(&Placed::Fresh) => "kept",
                Ok(_) => "known",
                Err(_) => "refused",
            }
        ));
        for (id, seen) in ids.into_iter().zip(batch) {
            match is_sure {
                true => drop(self.model.kept.insert(id, seen)),
                false => drop(self.model.doubtful.insert(id, seen)),
            }
        }
    }
}
