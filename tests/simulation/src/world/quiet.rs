//! The end: everything is mended, comes to rest, and is checked.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shikaku_ledger::{Ledger, LedgerOptions, MemoryLine};
use shikaku_schemas::event::SealedEvent;
use shikaku_schemas::topology;
use tokio::time::{Instant, sleep};

use super::World;
use super::consumer::taken;
use super::process::options;
use crate::checker::{Taken, settled};
use crate::disk::SimulatedDisk;
use crate::node::{Death, Node, Weather};
use crate::town::CONSUMERS;
use crate::weather::Fine;

/// So long something may still fail of what was under way when all was mended.
const UNDER_WAY: Duration = Duration::from_secs(60);
/// After so long whoever still waits does so for a deadline that a wrong clock set.
const CLOCKS_GO_ON: Duration = Duration::from_secs(600);
/// Longer than any deadline of the program by a right clock, the longest silence included.
const LONGEST_DEADLINE_MS: i64 = 2 * 60 * 60 * 1000;

impl World {
    /// Mends everything, waits until all is quiet, and checks what must hold then.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        self.sky.tell("everything is mended");
        self.set_clocks(0);
        if self.was_later {
            self.release(true);
        }
        self.mend();
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(1800);
        let mut is_late = false;
        let mut waits_for = String::new();
        while Instant::now() < deadline {
            sleep(Duration::from_millis(500)).await;
            self.tick().await;
            self.mend();
            self.decide_the_rest();
            if self.sky.story.verdict().is_some() {
                return Ok(());
            }
            if begun.elapsed() > UNDER_WAY {
                self.sky.mended.store(true, Ordering::SeqCst);
            }
            if !is_late && begun.elapsed() > CLOCKS_GO_ON {
                is_late = true;
                self.time_passes();
            }
            match self.unquiet() {
                None => {
                    waits_for.clear();
                    break;
                }
                Some(what) => waits_for = what,
            }
        }
        if !waits_for.is_empty() {
            let millis = self.sky.millis();
            let what = format!("it never comes to rest: {waits_for}");
            self.sky.story.broken(millis, what);
        }
        let taken: Vec<Taken> = self
            .consumers
            .iter()
            .map(|consumer| taken(&consumer.taken).clone())
            .collect();
        let ledger = Ledger::open(&self.ledger_options()).await?;
        self.tell_ledger();
        self.log_is_the_ledger();
        self.folders_agree();
        self.desks_agree();
        settled(&self.checker, &ledger, &self.model, &taken).await
    }

    /// Every clock shows the right time, or as much more.
    fn set_clocks(&mut self, skew_ms: i64) {
        for machine in &mut self.machines {
            machine.node.jump_clock(skew_ms - machine.node.skew_ms());
            machine.skew_ms = skew_ms;
        }
    }

    /// A deadline that a wrong clock set lies as far away as that clock was ahead. So much time passes for everybody;
    /// nothing else happens in it.
    fn time_passes(&mut self) {
        let longest = self.furthest_ms.max(0) + LONGEST_DEADLINE_MS;
        self.sky.tell(format!("{longest} ms pass"));
        self.set_clocks(longest);
    }

    fn mend(&mut self) {
        let now = Instant::now();
        self.sky.set_weather(Weather::default());
        if !self.server.is_up() {
            self.broker_back_at = Some(now);
        }
        self.calm_at = None;
        for consumer in &self.consumers {
            consumer.away.store(false, Ordering::SeqCst);
        }
        for machine in &mut self.machines {
            machine.is_sound();
            machine.platter.lies(false);
            machine.node.cut(false);
            machine.node.pause(false);
            machine.node.dies_in(u64::MAX / 2, Death::Killed);
        }
    }

    /// What is not done yet.
    fn unquiet(&self) -> Option<String> {
        if let Some(what) = self
            .unread()
            .or_else(|| self.undecided())
            .or_else(|| self.unanswered())
        {
            return Some(what);
        }
        let head = self.database.position();
        let log = self.server.stream("LOG").map_or(0, |log| log.last_sequence);
        if log != head {
            return Some(format!("LOG at {log} of {head}"));
        }
        let positions = self.models.positions();
        let last = positions.values().min().copied().unwrap_or_default();
        if last != head {
            return Some(format!("projections at {last} of {head}"));
        }
        let epoch = self.database.identity().epoch;
        if self.models.unpublished() > 0 {
            return Some("the outbox".to_owned());
        }
        for ((name, audience, facility, insurance), consumer) in
            CONSUMERS.iter().zip(&self.consumers)
        {
            let variant = shikaku_schemas::feed::FeedVariant::of(*audience, *insurance);
            let told = self
                .checker
                .told(&(variant.to_string(), (*facility).to_owned(), epoch));
            if taken(&consumer.taken).of(epoch).len() != told.len() {
                return Some(format!("consumer {name}"));
            }
        }
        None
    }

    /// The ledger as an operator on the first hub's machine opens it.
    pub(super) fn ledger_options(&self) -> LedgerOptions {
        self.options_on(0)
    }

    pub(super) fn options_on(&self, hub: usize) -> LedgerOptions {
        let node = Node::new("auditor", &self.sky, 0);
        let hub = &self.machines[hub];
        let line = MemoryLine {
            database: self.database.clone(),
            weather: Arc::new(Fine),
            disk: Arc::new(SimulatedDisk {
                node,
                platter: hub.platter.clone(),
                share: None,
            }),
        };
        options(line)
    }

    /// Also after a restore, whoever filled it meanwhile.
    fn log_is_the_ledger(&self) {
        let identity = self.database.identity();
        let log = self.server.stream(topology::LOG);
        let epoch = log.and_then(|log| log.config.metadata.get(topology::STORE_EPOCH).cloned());
        let broken = |what: String| self.sky.story.broken(self.sky.millis(), what);
        if epoch != Some(identity.epoch.to_string()) {
            broken(format!(
                "LOG is of epoch {epoch:?}, the ledger of {}",
                identity.epoch
            ));
        }
        for event in self.database.events() {
            let sequence = event.head.position.0;
            let kept = self.server.message_at(topology::LOG, sequence);
            let copied =
                kept.and_then(|kept| serde_json::from_slice::<SealedEvent>(&kept.payload).ok());
            if copied.is_none_or(|copied| copied.head != event.head) {
                broken(format!(
                    "LOG holds another event than the ledger at {sequence}"
                ));
            }
        }
    }

    fn tell_ledger(&self) {
        for event in self.database.events() {
            let head = &event.head;
            self.sky.tell(format!(
                "ledger {} {} {} {}",
                head.position, head.kind, head.stream, head.stream_version
            ));
        }
    }
}
