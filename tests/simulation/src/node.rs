//! One simulated process on one machine: alive, paused, cut off; and the place where it dies.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shikaku_broker::Line;
use shikaku_schemas::clock::{Clock, Randomness};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::dice::Dice;
use crate::story::Story;

/// How calls go at this moment, per thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    pub broker_lost: u64,
    pub answer_lost: u64,
    pub said_lost: u64,
    pub said_twice: u64,
    pub slow: u64,
    pub database_lost: u64,
    pub disk_fails: u64,
}

/// What every process shares.
#[derive(Debug)]
pub struct Sky {
    pub dice: Dice,
    pub story: Story,
    pub begun: Instant,
    /// Time that went by while nobody ran.
    slept_ms: AtomicU64,
    /// The ledger was put back, and not every hub's machine was told: it is rightly refused there.
    pub restoring: AtomicBool,
    /// Everything was made good: from here on nothing ends by itself.
    pub mended: AtomicBool,
    weather: Mutex<Weather>,
}

impl Sky {
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            story: Story::default(),
            begun: Instant::now(),
            slept_ms: AtomicU64::new(0),
            restoring: AtomicBool::new(false),
            mended: AtomicBool::new(false),
            weather: Mutex::default(),
        }
    }

    pub fn weather(&self) -> Weather {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_weather(&self, weather: Weather) {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    pub fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Milliseconds by the clocks on the wall, those included in which everything was switched off.
    pub fn wall_millis(&self) -> u64 {
        self.millis() + self.slept_ms.load(Ordering::SeqCst)
    }

    /// Everything is switched off for so long.
    pub fn sleeps_for(&self, millis: u64) {
        self.slept_ms.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn tell(&self, text: impl AsRef<str>) {
        self.story.tell(self.millis(), text.as_ref());
    }
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// `kill -9`: what was written stays.
    Killed,
    /// What was not synced may be gone or torn.
    PowerCut,
}

#[derive(Debug)]
struct State {
    alive: bool,
    paused: bool,
    cut: bool,
    calls: u64,
    dies_at: Option<(u64, Death)>,
    death: Option<Death>,
    skew_ms: i64,
}

/// One simulated process. Made anew for each life, except for what the machine keeps.
#[derive(Debug)]
pub struct Node {
    pub name: String,
    pub sky: Arc<Sky>,
    state: Mutex<State>,
    changed: Notify,
    /// Given once, when it dies by itself.
    pub died: Notify,
    line: watch::Sender<Line>,
    connections: watch::Sender<u64>,
}

impl Node {
    pub fn new(name: &str, sky: &Arc<Sky>, skew_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            sky: sky.clone(),
            state: Mutex::new(State {
                alive: true,
                paused: false,
                cut: false,
                calls: 0,
                dies_at: None,
                death: None,
                skew_ms,
            }),
            changed: Notify::new(),
            died: Notify::new(),
            line: watch::Sender::new(Line::default()),
            connections: watch::Sender::new(0),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_alive(&self) -> bool {
        self.state().alive
    }

    pub fn death(&self) -> Option<Death> {
        self.state().death
    }

    pub fn is_cut(&self) -> bool {
        self.state().cut
    }

    /// From the so-manieth call from now on nothing that it does has an effect.
    pub fn dies_in(&self, calls: u64, how: Death) {
        let mut state = self.state();
        state.dies_at = Some((state.calls + calls, how));
    }

    pub fn die(&self, how: Death) {
        let mut state = self.state();
        if state.alive {
            state.alive = false;
            state.death = Some(how);
            drop(state);
            self.died.notify_one();
            self.changed.notify_waiters();
        }
    }

    pub fn pause(&self, paused: bool) {
        self.state().paused = paused;
        self.changed.notify_waiters();
    }

    pub fn jump_clock(&self, millis: i64) {
        self.state().skew_ms += millis;
    }

    pub fn skew_ms(&self) -> i64 {
        self.state().skew_ms
    }

    /// Cuts the line to the broker, or mends it.
    pub fn cut(&self, cut: bool) {
        self.state().cut = cut;
    }

    /// Tells the process whether the broker is there.
    pub fn line_is(&self, up: bool) {
        let was = self.line.borrow().up;
        if was == up {
            return;
        }
        self.line.send_modify(|line| {
            line.up = up;
            line.generation += u64::from(up);
        });
        if up {
            self.connections.send_modify(|count| *count += 1);
        }
    }

    pub fn is_up(&self) -> bool {
        self.line.borrow().up
    }

    pub fn line(&self) -> watch::Receiver<Line> {
        self.line.subscribe()
    }

    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connections.subscribe()
    }

    /// Counts one call; false when the process is dead, or dies here.
    pub fn call(&self) -> bool {
        let mut state = self.state();
        state.calls += 1;
        let dies = state.dies_at.filter(|(at, _)| *at <= state.calls);
        match dies {
            Some((_, how)) if state.alive => {
                drop(state);
                self.sky
                    .tell(format!("{} dies in a call: {how:?}", self.name));
                self.die(how);
                false
            }
            _ => state.alive,
        }
    }

    /// Every call to a port begins and ends here: waits while paused, takes its time, and never comes back in
    /// a dead process.
    pub async fn pass(&self) {
        if !self.call() {
            std::future::pending::<()>().await;
        }
        let slow = self.sky.weather().slow;
        if self.sky.dice.per_mille(20 + slow) {
            let longest = if self.sky.dice.per_mille(slow) {
                3000
            } else {
                20
            };
            sleep(Duration::from_millis(self.sky.dice.from_to(1, longest))).await;
        }
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state();
                if state.alive && !state.paused {
                    return;
                }
            }
            changed.await;
        }
    }
}

/// What one process takes for the time, and its fresh ids.
#[derive(Debug, Clone)]
pub struct Wits(pub Arc<Node>);

/// 2026-05-11 00:00 UTC.
const BEGINNING: i64 = 1_778_457_600_000;

impl Clock for Wits {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.0.sky.wall_millis()).unwrap_or(i64::MAX);
        let millis = BEGINNING + elapsed + self.0.skew_ms();
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Randomness for Wits {
    fn id(&self, at: Timestamp) -> Uuid {
        let dice = &self.0.sky.dice;
        let mut bytes = [0u8; 10];
        bytes[..8].copy_from_slice(&dice.next().to_be_bytes());
        bytes[8..].copy_from_slice(&dice.next().to_be_bytes()[..2]);
        let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

/// The simulated time, for the world itself.
pub fn now(sky: &Sky) -> Timestamp {
    let elapsed = SignedDuration::from_millis(i64::try_from(sky.wall_millis()).unwrap_or(i64::MAX));
    Timestamp::from_millisecond(BEGINNING)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .checked_add(elapsed)
        .unwrap_or(Timestamp::MAX)
}
