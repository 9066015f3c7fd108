//! What goes wrong, by the dice.

use std::sync::atomic::Ordering;
use std::time::Duration;

use shikaku_schemas::later;
use tokio::time::{Instant, sleep};

use super::{Machine, Role, World};
use crate::node::{Death, Weather};

/// Less than the thirty days of a feed: what nobody took is there still.
const DAYS_AT_MOST: u64 = 28;

impl World {
    pub(super) async fn something(&mut self) {
        if self.restores && self.sky.dice.per_mille(80) {
            self.backup = Some(self.database.backup());
        }
        match self.drawn(100) {
            0..36 => self.ordinary(),
            36..42 => self.at_two_counters(),
            42..48 => self.at_a_desk(),
            48..50 => self.decide_cases(),
            50..62 => self.death(),
            62..66 => self.pause(),
            66..72 => self.cut(),
            72..74 => self.broker_away(),
            74..75 => self.thief(),
            75..77 => self.wipe(),
            77..80 => self.end_session(),
            80..90 => self.storm(),
            90..91 => self.jump_clock(),
            91..92 => match self.sky.dice.below(4) {
                0 => self.days_go_by(),
                1 => self.week_away(),
                _ => self.thief(),
            },
            92..93 if self.restores => self.put_back().await,
            92..93 => self.jump_clock(),
            93..96 => self.consumers_away(),
            96..97 => match self.sky.dice.below(4) {
                0 => self.lose_models(),
                1 => self.other_version(),
                _ => self.release(!self.is_later),
            },
            97..98 => self.lose_tail(),
            _ => self.bad_disk(),
        }
    }

    pub(super) fn fault(&mut self, text: String) {
        self.faults += 1;
        self.sky.tell(text);
    }

    fn any(&self) -> usize {
        let at = self.sky.dice.below(self.machines.len() as u64);
        usize::try_from(at).unwrap_or_default()
    }

    fn death(&mut self) {
        let at = self.any();
        let dice = &self.sky.dice;
        let how = *dice.pick(&[Death::Killed, Death::PowerCut]);
        let calls = dice.from_to(0, 120);
        let node = self.machines[at].node.clone();
        self.fault(format!(
            "{} will die {calls} calls from now: {how:?}",
            node.name
        ));
        match calls {
            0 => node.die(how),
            calls => node.dies_in(calls, how),
        }
    }

    fn pause(&mut self) {
        let at = self.any();
        let pause = self.sky.dice.from_to(500, 30_000);
        let machine = &mut self.machines[at];
        machine.node.pause(true);
        machine.wakes_at = Some(Instant::now() + Duration::from_millis(pause));
        let (name, is_hub) = (machine.node.name.clone(), machine.role == Role::Hub);
        self.fault(format!("{name} sleeps for {pause} ms"));
        // The server hears nothing of it and ends its session.
        if is_hub && pause > 5000 {
            self.database.end_session();
        }
    }

    fn cut(&mut self) {
        let at = self.any();
        let pause = self.sky.dice.from_to(100, 40_000);
        let machine = &mut self.machines[at];
        machine.node.cut(true);
        machine.node.line_is(false);
        machine.mended_at = Some(Instant::now() + Duration::from_millis(pause));
        let name = machine.node.name.clone();
        self.fault(format!("the line of {name} is cut for {pause} ms"));
    }

    fn broker_away(&mut self) {
        let pause = self.sky.dice.from_to(100, 40_000);
        self.server.set_up(false);
        for machine in &self.machines {
            machine.node.line_is(false);
        }
        self.broker_back_at = Some(Instant::now() + Duration::from_millis(pause));
        self.fault(format!("the broker is away for {pause} ms"));
    }

    fn wipe(&mut self) {
        self.broker_away();
        self.server.wipe();
        self.fault("the broker lost everything".to_owned());
    }

    fn lose_tail(&mut self) {
        self.broker_away();
        let messages = self.sky.dice.from_to(1, 5);
        for stream in self.server.names() {
            self.server.lose_tail(&stream, messages);
        }
        self.fault(format!("the broker lost its last {messages} messages"));
    }

    fn end_session(&mut self) {
        self.database.end_session();
        self.fault("the database ended the writer's session".to_owned());
    }

    fn storm(&mut self) {
        let dice = &self.sky.dice;
        let level = |most: u64| match dice.below(3) {
            0 => dice.below(most),
            _ => 0,
        };
        let weather = Weather {
            broker_lost: level(300),
            answer_lost: level(300),
            said_lost: level(600),
            said_twice: level(400),
            slow: level(300),
            database_lost: level(300),
            disk_fails: level(200),
        };
        let length = dice.from_to(500, 20_000);
        self.sky.set_weather(weather);
        self.calm_at = Some(Instant::now() + Duration::from_millis(length));
        self.fault(format!("a storm of {length} ms: {weather:?}"));
    }

    fn jump_clock(&mut self) {
        let at = self.any();
        let reach = *self.sky.dice.pick(&[500, 60_000, 3_600_000]);
        let by = i64::try_from(self.sky.dice.below(2 * reach)).unwrap_or_default()
            - i64::try_from(reach).unwrap_or_default();
        let machine = &mut self.machines[at];
        machine.node.jump_clock(by);
        machine.skew_ms += by;
        self.furthest_ms = self.furthest_ms.max(machine.skew_ms);
        let name = machine.node.name.clone();
        self.fault(format!("the clock of {name} jumps by {by} ms"));
    }

    fn consumers_away(&mut self) {
        if self.days_away > 0 {
            return;
        }
        for consumer in &self.consumers {
            let away = self.sky.dice.per_mille(500);
            consumer.away.store(away, Ordering::SeqCst);
        }
        let length = self.sky.dice.from_to(1000, 60_000);
        self.consumers_back_at = Some(Instant::now() + Duration::from_millis(length));
        self.fault(format!("consumers are away for {length} ms"));
    }

    /// Everything is switched off for days, and consumers stay away for some time more: within what feeds keep.
    fn days_go_by(&mut self) {
        let days = self.sky.dice.from_to(1, 8);
        if self.days + self.days_away + days > DAYS_AT_MOST {
            return;
        }
        self.pass(days);
        self.database.end_session();
        self.fault(format!("{days} days go by"));
        self.consumers_away();
    }

    fn pass(&mut self, days: u64) {
        self.days += days;
        self.sky.sleeps_for(days * 24 * 3_600_000);
        self.server.time_went_by();
    }

    /// Every consumer is away for a week, while the site works on.
    fn week_away(&mut self) {
        if self.days_away > 0 || self.days + 7 > DAYS_AT_MOST {
            return;
        }
        for consumer in &self.consumers {
            consumer.away.store(true, Ordering::SeqCst);
        }
        self.consumers_back_at = None;
        self.days_away = 7;
        self.fault("consumers are away for a week".to_owned());
    }

    /// One more day of that week, and some of its work.
    pub(super) async fn day_away(&mut self) {
        if self.days_away == 0 {
            return;
        }
        self.pass(1);
        self.sky.tell("a day goes by without consumers");
        self.ordinary();
        sleep(Duration::from_millis(self.sky.dice.from_to(500, 3000))).await;
        self.tick().await;
        self.days_away -= 1;
        if self.days_away == 0 {
            self.consumers_back_at = Some(Instant::now());
        }
    }

    /// Every program that reads or writes events is replaced by another release at once.
    pub(super) fn release(&mut self, is_later: bool) {
        for machine in &self.machines {
            if !matches!(machine.role, Role::Terminal(_)) {
                machine.node.die(Death::Killed);
            }
        }
        self.is_later = is_later;
        self.was_later |= is_later;
        later::play(is_later);
        self.fault(match is_later {
            true => "all is upgraded to a later release".to_owned(),
            false => "all is rolled back to the release before".to_owned(),
        });
    }

    fn lose_models(&mut self) {
        self.end_projections();
        self.models.drop_all();
        self.fault("the read models are lost".to_owned());
    }

    fn other_version(&mut self) {
        self.end_projections();
        self.models.other_version();
        self.fault("the projections are replaced by another version".to_owned());
    }

    fn end_projections(&self) {
        let of_models = |machine: &&Machine| machine.role == Role::Projections;
        if let Some(machine) = self.machines.iter().find(of_models) {
            machine.node.die(Death::Killed);
        }
    }

    fn bad_disk(&mut self) {
        let at = self.any();
        let kind = self.sky.dice.below(3);
        let machine = &mut self.machines[at];
        let how = match (kind, &machine.share) {
            (0, Some(share)) => {
                share.is_away(true);
                "can't reach its share"
            }
            (1, _) => {
                machine.lied = true;
                machine.platter.lies(true);
                "has a disk that lies"
            }
            _ => {
                machine.platter.is_full(true);
                "has a disk that is full"
            }
        };
        let name = machine.node.name.clone();
        self.calm_at
            .get_or_insert(Instant::now() + Duration::from_secs(5));
        self.fault(format!("{name} {how}"));
    }
}
