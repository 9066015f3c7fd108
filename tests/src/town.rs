//! Invented people, what terminals were told about them, and what a simple mind would make of it: people × answers ×
//! order, a list and rules of one line each. It knows nothing of the program.
//!
//! The same model, for the same promises, as `tests/simulation/src/town.rs`, which has the program's own types.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chance::Moments;
use crate::face::Face;
use crate::folder::Terminal;

/// How many answers overtake each other: the centre's time of one may lie so many seconds behind that of another that
/// came before it.
const WINDOW: usize = 24;
/// Of May 2026: the centre's first answers.
const FIRST_DAY: u32 = 11;

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Entitled, with a ticket.
    Valid,
    /// No more.
    Lost,
    /// 未委託.
    NotCommissioned,
}

impl Says {
    const ALL: [Self; 3] = [Self::Valid, Self::Lost, Self::NotCommissioned];

    /// What a ward is told.
    pub fn ward(self) -> &'static str {
        match self {
            Self::Valid => "yes",
            Self::Lost => "no",
            Self::NotCommissioned => "pending",
        }
    }

    /// 資格有効性 as events name it.
    pub fn validity(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Lost => "lost",
            Self::NotCommissioned => "not-commissioned",
        }
    }
}

/// One answer of the centre.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// About whom.
    pub person: u32,
    /// What.
    pub says: Says,
    /// The inquiry that it repeats; by card, none.
    pub inquiry: Option<String>,
    /// The centre's time, in seconds from a day on. No two answers have the same.
    pub second: u32,
}

impl Answer {
    /// The centre's time as events tell it.
    pub fn as_of(&self) -> String {
        let [day, hour, minute, second] = self.clock();
        format!("2026-05-{day:02}T{hour:02}:{minute:02}:{second:02}+09:00")
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let whom = Face::assistance_only(self.person);
        let [day, hour, minute, second] = self.clock();
        let mut face = match self.says {
            Says::Valid => whom,
            Says::Lost => Face {
                validity: '2',
                ticket: false,
                extra: "<DisqualificationDate>20260501</DisqualificationDate>".to_owned(),
                ..whom
            },
            Says::NotCommissioned => Face::not_commissioned(self.person),
        };
        face.at = format!("202605{day:02}{hour:02}{minute:02}{second:02}");
        let Some(inquiry) = &self.inquiry else {
            return face.utf8();
        };
        face.identifier.clone_from(inquiry);
        let text = String::from_utf8(face.utf8()).expect("it is UTF-8");
        let card = "<ReferenceClassification>1<";
        text.replace(card, "<ReferenceClassification>2<")
            .into_bytes()
    }

    fn clock(&self) -> [u32; 4] {
        let day = FIRST_DAY + self.second / 86_400;
        assert!(day <= 31, "the month is over");
        [
            day,
            self.second / 3600 % 24,
            self.second / 60 % 60,
            self.second % 60,
        ]
    }
}

/// Everybody, and every file that lay whole in a folder.
pub struct Town {
    people: u32,
    known: Mutex<Known>,
}

struct Known {
    moments: Moments,
    /// By the centre's time.
    answers: BTreeMap<String, Answer>,
    /// Files of `face/` by terminal, to come again.
    faces: [Vec<Vec<u8>>; 2],
    garbage: usize,
    /// Seconds that no answer has yet.
    waiting: Vec<u32>,
    next: u32,
}

impl Town {
    /// So many people. `SHIKAKU_SEED` chooses.
    pub fn of(people: u32) -> Self {
        let known = Known {
            moments: Moments::seeded(),
            answers: BTreeMap::new(),
            faces: Default::default(),
            garbage: 0,
            waiting: Vec::new(),
            next: 0,
        };
        Self {
            people,
            known: Mutex::new(known),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number below a limit.
    pub fn chance(&self, below: u64) -> u64 {
        self.known().moments.next(below)
    }

    /// Somebody.
    pub fn somebody(&self) -> u32 {
        u32::try_from(self.chance(u64::from(self.people))).expect("below the number of people")
    }

    /// A card is read: a new answer, sometimes one that was there before under another name, or nothing readable.
    pub fn face(&self, terminals: &[Terminal; 2]) {
        let place = usize::from(self.chance(2) == 1);
        let terminal = &terminals[place];
        match self.chance(24) {
            0 => {
                terminal.drop_face(&self.garbage_bytes());
            }
            1..4 if !self.known().faces[place].is_empty() => {
                let count = self.known().faces[place].len() as u64;
                let at = usize::try_from(self.chance(count)).expect("an index");
                let again = self.known().faces[place][at].clone();
                terminal.drop_face(&again);
            }
            _ => {
                let answer = self.answer(self.somebody(), None);
                let bytes = answer.bytes();
                terminal.drop_face(&bytes);
                self.lies_there(answer);
                self.known().faces[place].push(bytes);
            }
        }
    }

    /// What the centre says next about somebody.
    pub fn answer(&self, person: u32, inquiry: Option<String>) -> Answer {
        let known = &mut *self.known();
        while known.waiting.len() < WINDOW {
            known.waiting.push(known.next);
            known.next += 1;
        }
        let mut pick = |below: usize| {
            let at = known.moments.next(below as u64);
            usize::try_from(at).expect("an index")
        };
        let says = Says::ALL[pick(Says::ALL.len())];
        let second = pick(WINDOW);
        Answer {
            person,
            says,
            inquiry,
            second: known.waiting.swap_remove(second),
        }
    }

    /// From now on it must be recorded, once.
    pub fn lies_there(&self, answer: Answer) {
        self.known().answers.insert(answer.as_of(), answer);
    }

    /// A file that nobody can read, counted.
    pub fn garbage_bytes(&self) -> Vec<u8> {
        let known = &mut *self.known();
        known.garbage += 1;
        format!("no answer {}", known.garbage).into_bytes()
    }

    /// Every answer that lay in a folder, by the centre's time.
    pub fn answers(&self) -> BTreeMap<String, Answer> {
        self.known().answers.clone()
    }

    /// How many files nobody can read.
    pub fn garbage(&self) -> usize {
        self.known().garbage
    }
}
