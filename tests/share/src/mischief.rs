//! Which call fails how, by a seed.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fuser::Errno;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

/// Of a hundred calls of a kind, so many fail.
const OF_A_HUNDRED: u32 = 6;
/// What a server says of a file that another program has open.
const VIOLATIONS: [Errno; 3] = [Errno::EACCES, Errno::EBUSY, Errno::ETXTBSY];
/// What a client says whose handle or line broke.
const BREAKS: [Errno; 2] = [Errno::ESTALE, Errno::EIO];

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// It is carried out.
    Well,
    /// It is refused.
    Refused(Errno),
    /// It is carried out, and near hears that it failed.
    Unheard(Errno),
}

/// What went wrong so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Failures by call.
    pub failed: BTreeMap<&'static str, u32>,
    /// Every name, below the share, that near gave a file by renaming it.
    pub renamed: Vec<PathBuf>,
}

#[derive(Debug)]
struct State {
    chance: SmallRng,
    cut: bool,
    locked: HashSet<PathBuf>,
    tally: Tally,
}

/// Decides for every call.
#[derive(Debug)]
pub(crate) struct Mischief(Mutex<State>);

impl Mischief {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(State {
            chance: SmallRng::seed_from_u64(seed),
            cut: false,
            locked: HashSet::new(),
            tally: Tally::default(),
        }))
    }

    /// How reading, listing or asking goes.
    pub(crate) fn looking(&self, call: &'static str) -> Result<(), Errno> {
        self.state().refusal(call, &BREAKS).map_or(Ok(()), Err)
    }

    /// How opening `far` goes.
    pub(crate) fn opening(&self, far: &Path) -> Result<(), Errno> {
        let mut state = self.state();
        if state.locked.contains(far) {
            let violation = state.one_of(&VIOLATIONS);
            return Err(state.failed("open-locked", violation));
        }
        let ways = [&VIOLATIONS[..], &BREAKS].concat();
        state.refusal("open", &ways).map_or(Ok(()), Err)
    }

    /// How a change of names or contents goes.
    pub(crate) fn changing(&self, call: &'static str) -> Course {
        let mut state = self.state();
        match state.refusal(call, &VIOLATIONS) {
            Some(errno) => Course::Refused(errno),
            None if !state.falls(OF_A_HUNDRED / 2) => Course::Well,
            None => {
                let errno = state.one_of(&BREAKS);
                Course::Unheard(state.failed("unheard", errno))
            }
        }
    }

    /// How long a belief of near's lasts.
    pub(crate) fn lag(&self) -> Duration {
        Duration::from_millis(self.state().chance.random_range(150..700))
    }

    /// How long a rename takes.
    pub(crate) fn slowness(&self) -> Duration {
        Duration::from_millis(self.state().chance.random_range(20..250))
    }

    pub(crate) fn renamed(&self, name: PathBuf) {
        self.state().tally.renamed.push(name);
    }

    pub(crate) fn lock(&self, far: &Path) {
        self.state().locked.insert(far.to_owned());
    }

    pub(crate) fn unlock(&self, far: &Path) {
        self.state().locked.remove(far);
    }

    pub(crate) fn cut(&self, yes: bool) {
        self.state().cut = yes;
    }

    pub(crate) fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refusal(&mut self, call: &'static str, ways: &[Errno]) -> Option<Errno> {
        if self.cut {
            return Some(self.failed("cut", Errno::EIO));
        }
        if !self.falls(OF_A_HUNDRED) {
            return None;
        }
        let errno = self.one_of(ways);
        Some(self.failed(call, errno))
    }

    fn falls(&mut self, of_a_hundred: u32) -> bool {
        self.chance.random_range(0..100) < of_a_hundred
    }

    fn one_of(&mut self, ways: &[Errno]) -> Errno {
        ways[self.chance.random_range(0..ways.len())]
    }

    fn failed(&mut self, call: &'static str, errno: Errno) -> Errno {
        *self.tally.failed.entry(call).or_default() += 1;
        errno
    }
}
