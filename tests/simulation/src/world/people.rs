//! What people do at the terminals.

use super::World;
use crate::node::now;
use crate::terminal::Content;
use crate::town::{Says, Seen, TERMINALS};

impl World {
    /// A card is read at a terminal; sometimes the same answer comes again under another name, or nothing readable.
    pub(super) fn ordinary(&mut self) {
        let place = usize::try_from(self.sky.dice.below(TERMINALS.len() as u64));
        let place = place.unwrap_or_default();
        let count = *self.sky.dice.pick(&[1, 1, 1, 2, 5]);
        let again = self.sky.dice.per_mille(150);
        for _ in 0..count {
            let known: Vec<&Seen> = self
                .model
                .kept
                .values()
                .filter(|seen| seen.terminal == place && seen.folder == "face")
                .collect();
            let content = if again && !known.is_empty() {
                let at = usize::try_from(self.sky.dice.below(known.len() as u64));
                Content::Answer(known[at.unwrap_or_default()].clone())
            } else if self.sky.dice.per_mille(40) {
                Content::Garbage
            } else {
                Content::Answer(self.answer(place))
            };
            if let Some(whole) = self.terminals[place].face(content) {
                self.lies_there(place, whole);
            }
        }
        self.sky
            .tell(format!("{} answers at {}", count, TERMINALS[place].1));
    }

    /// One person is asked about at two counters of one facility at once, and the answers tell different numbers.
    pub(super) fn at_two_counters(&mut self) {
        let person = self.sky.dice.below(5);
        for place in [0, 1] {
            let seen = Seen {
                person,
                ..self.answer(place)
            };
            if let Some(whole) = self.terminals[place].face(Content::Answer(seen)) {
                self.lies_there(place, whole);
            }
        }
        self.sky
            .tell(format!("person {person} is asked about at two counters"));
    }

    pub(super) fn answer(&mut self, terminal: usize) -> Seen {
        let dice = &self.sky.dice;
        // Some answers were long on their way.
        let late = match dice.below(4) {
            0 => i64::try_from(dice.below(100)).unwrap_or_default(),
            _ => 0,
        };
        let second = self.seconds.take(now(&self.sky).as_second() - late);
        Seen {
            terminal,
            folder: "face",
            inquiry: None,
            person: dice.below(5),
            says: *dice.pick(&Says::ALL),
            is_registered: dice.per_mille(600),
            executed_at: jiff::Timestamp::from_second(second)
                .unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        }
    }
}
