//! What lies in the terminals' folders, and what must become of it.

use std::path::Path;

use shikaku_schemas::group::FaceMode;
use shikaku_schemas::value::ObservationId;
use shikaku_terminal::quarantine;

use super::{Role, World};
use crate::disk::SimulatedDisk;
use crate::node::Node;
use crate::terminal::{Content, Request};
use crate::town::{Seen, TERMINALS, group};

impl World {
    /// The terminals write on.
    pub(super) fn write_on(&mut self) {
        for place in 0..self.terminals.len() {
            for whole in self.terminals[place].goes_on() {
                self.lies_there(place, whole);
            }
            for request in self.terminals[place].takes() {
                self.is_asked(place, &request);
            }
        }
    }

    /// The centre is asked: it answers late, twice, not at all, or what nobody can read.
    fn is_asked(&mut self, place: usize, request: &Request) {
        let id = TERMINALS[place].1;
        self.sky.tell(format!("{id} takes a request"));
        if request.times > 1 && !self.model.betrayed[place] {
            let what = format!("invariant 13: an inquiry was sent {} times", request.times);
            self.sky.story.broken(self.sky.millis(), what);
        }
        let seen = Seen {
            folder: "res",
            inquiry: Some(request.inquiry.clone()),
            person: request.person,
            ..self.answer(place)
        };
        let answer = Content::Answer(seen);
        let kind = self.sky.dice.below(10);
        let pause = self.sky.dice.below(20_000);
        let terminal = &mut self.terminals[place];
        match kind {
            0 => {}
            1 => terminal.answers(pause, &request.answer, Content::Garbage),
            2 => {
                terminal.answers(pause, &request.answer, answer.clone());
                terminal.answers(pause + 5000, &request.answer, answer);
            }
            _ => terminal.answers(pause, &request.answer, answer),
        }
    }

    /// A file lies whole in a folder: from now on it must be read, once.
    pub(super) fn lies_there(&mut self, place: usize, whole: Content) {
        match whole {
            Content::Garbage => self.model.garbage[place] += 1,
            Content::Answer(seen) => {
                let (id, evidence) = seen.observed();
                self.checker.rests_on(id, evidence);
                *self.model.copies.entry(id).or_default() += 1;
                self.model.stolen.remove(&id);
                // What a lying disk lost may be taken for known when it comes again.
                let is_forgotten = self.model.betrayed[place] && seen.folder == "res";
                match is_forgotten || self.model.doubtful.contains_key(&id) {
                    true => self.may_be_lost(id, seen),
                    false => drop(self.model.kept.insert(id, seen)),
                }
            }
        }
    }

    /// Another program takes a file away. What its adapter has not read is nobody's: it may be recorded or not.
    pub(super) fn thief(&mut self) {
        let place = usize::try_from(self.sky.dice.below(TERMINALS.len() as u64));
        let place = place.unwrap_or_default();
        let Some(stolen) = self.terminals[place].steals() else {
            return;
        };
        self.fault(format!("a thief at {}", TERMINALS[place].1));
        self.model.thefts[place] += 1;
        let Content::Answer(seen) = stolen else {
            self.model.stolen_garbage[place] += 1;
            return;
        };
        let (id, _) = seen.observed();
        let copies = self.model.copies.entry(id).or_default();
        // In `res` an answer has one name, however often it is written there.
        *copies = match seen.folder {
            "res" => 0,
            _ => copies.saturating_sub(1),
        };
        if *copies == 0 && !self.checker.was_answered(&id) {
            self.model.kept.remove(&id);
            self.model.stolen.insert(id, seen);
        }
    }

    /// A disk lied, and then lost its power: what nobody answered may be gone.
    pub(super) fn betray(&mut self, place: usize) {
        self.model.betrayed[place] = true;
        let checker = &self.checker;
        let lost = self.model.kept.extract_if(.., |id, seen| {
            seen.terminal == place && !checker.was_answered(id)
        });
        for (id, seen) in lost.collect::<Vec<_>>() {
            self.may_be_lost(id, seen);
        }
    }

    /// It may come to be recorded or not; and the answer to a request that its journal has forgotten is nobody's.
    fn may_be_lost(&mut self, id: ObservationId, seen: Seen) {
        let unasked = seen.observed_unasked();
        self.checker.rests_on(unasked, seen.observed().1);
        self.model.doubtful.insert(unasked, seen.clone());
        self.model.doubtful.insert(id, seen);
    }

    /// A file, or an entry of a spool, that has no end yet.
    pub(super) fn unread(&self) -> Option<String> {
        for (place, terminal) in self.terminals.iter().enumerate() {
            let id = TERMINALS[place].1;
            if terminal.is_writing() {
                return Some(format!("the writing of {id}"));
            }
            match self.meters.waiting(id) {
                Some(0) => {}
                Some(_) => return Some(format!("the spool of {id}")),
                None => return Some(format!("the start of {id}")),
            }
            let (seen, ended) = self.meters.equation(id);
            // What it read while its own disk refused, and a thief then took, is lost: the equation has to tell so.
            let lost = ended..=ended + self.model.thefts[place];
            if !lost.contains(&seen) {
                return Some(format!(
                    "the folder equation of {id}: {seen} seen, {ended} ended"
                ));
            }
            let garbage = self.model.garbage[place] - self.model.stolen_garbage[place];
            if self.set_aside(place) < garbage && !self.model.betrayed[place] {
                return Some(format!("the quarantine of {id}"));
            }
        }
        if let Some(what) = self.left_over() {
            return Some(what);
        }
        let mut kept = self.model.kept.iter();
        let unread = kept.find(|(id, _)| !self.checker.was_answered(id));
        unread.map(|(_, seen)| format!("an answer of {}: {seen:?}", TERMINALS[seen.terminal].1))
    }

    /// What lies in the folders though nobody needs it any more, or does not though nobody may touch it.
    fn left_over(&self) -> Option<String> {
        for (place, terminal) in self.terminals.iter().enumerate() {
            // A journal that a lying disk took knows nothing of its requests.
            let remembers = !self.model.betrayed[place];
            if let Some(what) = terminal.left_over(is_copying(place), remembers) {
                return Some(format!("{what} of {}", TERMINALS[place].1));
            }
        }
        None
    }

    /// Once all is quiet: nothing was set aside but what nobody can read.
    pub(super) fn folders_agree(&self) {
        for (place, (_, id)) in TERMINALS.iter().enumerate() {
            self.checker.asked("what lies in the folders", 1);
            let (aside, garbage) = (self.set_aside(place), self.model.garbage[place]);
            if aside > garbage {
                let what = format!("{aside} files of {id} were set aside, {garbage} can't be read");
                self.sky.story.broken(self.sky.millis(), what);
            }
        }
    }

    fn set_aside(&self, place: usize) -> usize {
        let of_it = |role: &Role| *role == Role::Terminal(place);
        let machine = self.machines.iter().find(|machine| of_it(&machine.role));
        let disk = machine.map(|machine| SimulatedDisk {
            node: Node::new("auditor", &self.sky, 0),
            platter: machine.platter.clone(),
            share: None,
        });
        let listed = disk.map(|disk| quarantine::list_on(&disk, Path::new("/data")));
        listed.and_then(Result::ok).map_or(0, |files| files.len())
    }
}

fn is_copying(place: usize) -> bool {
    let facilities = group().facilities;
    let mut terminals = facilities.iter().flat_map(|facility| &facility.terminals);
    let found = terminals.find(|terminal| terminal.id == TERMINALS[place].1);
    found.is_some_and(|terminal| terminal.face == FaceMode::Copy)
}
