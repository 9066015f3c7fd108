//! What the centre remembers: in memory alone, or in a folder that the terminals of a group share and that outlives
//! them. The folder also keeps a record of every request that a terminal took.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::centre::State;

/// State of a centre.
pub(crate) struct Memory {
    folder: Option<PathBuf>,
    state: Mutex<State>,
}

/// One request that a terminal took out of `req/`.
#[derive(Debug, Serialize)]
pub(crate) struct Taken<'a> {
    /// When, in Japan.
    pub at: String,
    pub institution: &'a str,
    /// The terminal's folder.
    pub terminal: &'a str,
    /// The request's name.
    pub file: &'a str,
    /// 診療年月 asked for.
    pub month: Option<String>,
    /// 受付番号 asked after.
    pub reception: Option<String>,
}

impl Memory {
    /// In memory alone.
    pub(crate) fn alone() -> Self {
        Self {
            folder: None,
            state: Mutex::default(),
        }
    }

    /// In a folder, made when it is missing.
    pub(crate) fn shared(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let memory = Self {
            folder: Some(folder.to_owned()),
            state: Mutex::default(),
        };
        // What can't be read is told now and not in the middle of a request.
        drop(memory.locked(folder)?);
        memory.load(folder, &mut memory.state())?;
        Ok(memory)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at it.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        let mut state = self.state();
        if let Some(folder) = &self.folder {
            complain(self.load(folder, &mut state));
        }
        look(&state)
    }

    /// Changes it, alone among all processes that share the folder.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let Some(folder) = &self.folder else {
            return change(&mut state);
        };
        let lock = self.locked(folder);
        complain(self.load(folder, &mut state));
        let changed = change(&mut state);
        complain(self.keep(folder, &state));
        complain(lock.map(drop));
        changed
    }

    /// Appends to the record of requests, when there is a folder.
    pub(crate) fn note(&self, taken: &Taken<'_>) {
        let Some(folder) = &self.folder else { return };
        let append = || {
            let mut line = serde_json::to_vec(taken)?;
            line.push(b'\n');
            let path = folder.join("requests.jsonl");
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(&line)
        };
        complain(append());
    }

    /// Held until it is dropped, or its process ends.
    fn locked(&self, folder: &Path) -> io::Result<File> {
        let path = folder.join("lock");
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.lock()?;
        Ok(file)
    }

    fn load(&self, folder: &Path, state: &mut State) -> io::Result<()> {
        match std::fs::read(folder.join("centre.json")) {
            Ok(bytes) => *state = serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Replaced at once, so that nobody reads half of it.
    fn keep(&self, folder: &Path, state: &State) -> io::Result<()> {
        let next = folder.join("centre.json.next");
        std::fs::write(&next, serde_json::to_vec(state)?)?;
        std::fs::rename(next, folder.join("centre.json"))
    }
}

/// The simulator goes on with what it has in memory.
fn complain(done: io::Result<()>) {
    if let Err(error) = done {
        tracing::error!(%error, "the centre's folder can't be used");
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use crate::bulk::Wanted;
    use crate::centre::{Centre, Place};
    use crate::function::Bulk;
    use crate::knobs::Knobs;
    use crate::scenario::Scenario;
    use crate::town::INSTITUTION;

    #[test]
    fn what_one_terminal_began_another_goes_on_with_also_after_both_ended() {
        let folder = tempfile::tempdir().unwrap();
        let knobs = Knobs::default();
        let centre = || Centre::shared(&Scenario::quiet(), &knobs, folder.path()).unwrap();
        let place = Place {
            institution: INSTITUTION,
            at: date(2026, 5, 16).at(6, 30, 0, 0),
            knobs: &knobs,
        };
        let (one, other) = (centre(), centre());
        let month = || Wanted::Month(date(2026, 5, 1));
        let first = one.accept(Bulk::Commissioned, month(), &place);
        let second = other.accept(Bulk::Commissioned, month(), &place);
        assert_ne!(first, second);
        let collected = |centre: &Centre| {
            let found = centre.collect(Bulk::Commissioned, &first, &place);
            found.unwrap().unwrap().collected
        };
        assert_eq!(collected(&other), 1);
        drop((one, other));
        assert_eq!(collected(&centre()), 2);
    }
}
