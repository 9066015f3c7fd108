//! The other side of the terminals: takes requests or leaves them, and answers soon, late, twice, with something
//! unreadable or not at all. It shares no code with the program or its simulated terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::face::Face;
use crate::folder::Terminal;
use crate::town::{Answer, Town};

/// Between two looks.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// What it puts into `res/`.
#[derive(Clone)]
enum Content {
    Answer(Answer),
    Garbage,
}

/// The centre behind two terminals.
pub struct Centre<'a> {
    town: &'a Town,
    terminals: [Terminal; 2],
    /// Where what it took lies: a rename either gets a request or does not.
    taken: PathBuf,
    late: Duration,
    state: Mutex<State>,
    over: AtomicBool,
}

#[derive(Default)]
struct State {
    /// How often each inquiry was asked.
    asked: BTreeMap<String, usize>,
    /// Requests that it never looks at.
    left: BTreeSet<PathBuf>,
    later: Vec<(Instant, PathBuf, Content)>,
}

impl<'a> Centre<'a> {
    /// Behind these terminals. `late` is longer than anybody waits for an answer; `taken` is made.
    pub fn behind(
        terminals: &[Terminal; 2],
        town: &'a Town,
        taken: PathBuf,
        late: Duration,
    ) -> Self {
        fs::create_dir_all(&taken).unwrap();
        Self {
            town,
            terminals: terminals.clone(),
            taken,
            late,
            state: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until the guard of [`Centre::until_dropped`] is gone.
    pub fn work(&self) {
        while !self.over.load(Ordering::Acquire) {
            for terminal in &self.terminals {
                self.takes(terminal);
            }
            self.answers();
            std::thread::park_timeout(LOOKS_EVERY);
        }
    }

    /// Ends it when the guard goes, also where a test fails in between.
    pub fn until_dropped(&self) -> Open<'_> {
        Open(&self.over)
    }

    /// Whether every answer that it will ever give is given.
    pub fn is_quiet(&self) -> bool {
        self.state().later.is_empty()
    }

    /// How often each inquiry was asked.
    pub fn asked(&self) -> BTreeMap<String, usize> {
        self.state().asked.clone()
    }

    fn takes(&self, terminal: &Terminal) {
        let folder = terminal.root.join("req");
        // The hub writes under other names first.
        let entries = fs::read_dir(folder).unwrap().flatten();
        let requests = entries.map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("OQSsiquc01req_") && name.ends_with(".xml")
        });
        for path in requests {
            if self.state().left.contains(&path) {
                continue;
            }
            match self.town.chance(10) {
                0 => drop(self.state().left.insert(path)),
                1..5 => {}
                _ => self.take(terminal, &path),
            }
        }
    }

    fn take(&self, terminal: &Terminal, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        let mut place = terminal.root.file_name().unwrap_or_default().to_owned();
        place.push("-");
        place.push(name);
        let taken = self.taken.join(place);
        // Withdrawn just now.
        if fs::rename(path, &taken).is_err() {
            return;
        }
        // What is asked for by is digits and letters in any encoding.
        let bytes = fs::read(&taken).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let inquiry = element(&text, "ArbitraryFileIdentifier").to_owned();
        let person = person(element(&text, "InsuredIdentificationNumber"));
        *self.state().asked.entry(inquiry.clone()).or_default() += 1;
        let answer = terminal
            .root
            .join("res")
            .join(name.to_string_lossy().replacen("req_", "res_", 1));
        let content = Content::Answer(self.town.answer(person, Some(inquiry)));
        let soon = Duration::from_millis(self.town.chance(500));
        let kind = self.town.chance(10);
        let give = |pause, content| {
            let due = Instant::now() + pause;
            self.state().later.push((due, answer.clone(), content));
        };
        match kind {
            0 => {}
            1 => give(soon, Content::Garbage),
            2 => {
                give(soon, content.clone());
                give(soon + Duration::from_secs(2), content);
            }
            3 => give(self.late, content),
            _ => give(soon, content),
        }
    }

    fn answers(&self) {
        let now = Instant::now();
        let due: Vec<_> = {
            let state = &mut *self.state();
            let due = state.later.iter().filter(|(due, ..)| *due <= now);
            due.cloned().collect()
        };
        for (_, path, content) in &due {
            let bytes = match content {
                Content::Answer(answer) => answer.bytes(),
                Content::Garbage => self.town.garbage_bytes(),
            };
            let temporary = path.with_extension("tmp");
            fs::write(&temporary, bytes).unwrap();
            fs::rename(temporary, path).unwrap();
            if let Content::Answer(answer) = content {
                self.town.lies_there(answer.clone());
            }
        }
        // Only now, or it would seem quiet too early.
        self.state().later.retain(|(due, ..)| *due > now);
    }
}

/// As long as it is there, the centre works.
pub struct Open<'a>(&'a AtomicBool);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The text of an element that stands in `text` once.
#[track_caller]
fn element<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, behind) = text
        .split_once(&format!("<{name}>"))
        .unwrap_or_else(|| panic!("no {name} in {text}"));
    behind.split_once("</").map_or("", |(within, _)| within)
}

/// Whose number it is.
fn person(recipient: &str) -> u32 {
    let known = recipient[..6].parse::<u32>().unwrap() - 700_000;
    assert_eq!(Face::assistance_only(known).recipient, recipient);
    known
}
