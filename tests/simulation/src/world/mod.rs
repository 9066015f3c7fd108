//! The world: machines with their processes, the people, and everything that goes wrong.

mod cases;
mod consumer;
mod desk;
mod ends;
mod faces;
mod faults;
mod folders;
mod people;
mod process;
mod quiet;
mod restore;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shikaku_broker::BrokerAt;
use shikaku_ledger::{Backup, MemoryDatabase, StoreIdentity};
use shikaku_models::MemoryDatabases;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::checker::{Checker, Questions};
use crate::disk::SimulatedDisk;
use crate::line::Connection;
use crate::meters::Meters;
use crate::node::{Death, Node, Sky, Weather, now};
use crate::panics;
use crate::platter::Platter;
use crate::server::Server;
use crate::terminal::{Seconds, Terminal};
use crate::town::{CONSUMERS, Model, TERMINALS};
use crate::weather::Fine;
use consumer::{Consumer, consume};
use desk::Desks;
pub use faces::Faces;
use process::{hub, projections, terminal};

/// What a machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Hub,
    Projections,
    Terminal(usize),
}

pub const ROLES: [(&str, Role); 6] = [
    ("hub-1", Role::Hub),
    ("hub-2", Role::Hub),
    ("projections", Role::Projections),
    ("terminal-1", Role::Terminal(0)),
    ("terminal-2", Role::Terminal(1)),
    ("terminal-3", Role::Terminal(2)),
];

/// One machine with the process that runs on it now.
struct Machine {
    role: Role,
    node: Arc<Node>,
    platter: Platter,
    /// The share of its terminal.
    share: Option<Platter>,
    task: Option<JoinHandle<()>>,
    /// When it is started again.
    back_at: Option<Instant>,
    wakes_at: Option<Instant>,
    mended_at: Option<Instant>,
    skew_ms: i64,
    /// The disk lied since it was last sound.
    lied: bool,
}

impl Machine {
    /// Its disk has room, and its share is there.
    fn is_sound(&self) {
        self.platter.is_full(false);
        if let Some(share) = &self.share {
            share.is_away(false);
        }
    }
}

/// Everything.
pub struct World {
    pub sky: Arc<Sky>,
    database: MemoryDatabase,
    models: MemoryDatabases,
    server: Server,
    checker: Arc<Checker>,
    machines: Vec<Machine>,
    consumers: Vec<Consumer>,
    terminals: Vec<Terminal>,
    meters: Meters,
    desks: Desks,
    /// How far a clock was ever ahead: deadlines may lie as far away since.
    furthest_ms: i64,
    /// Which faces of the dice are left out, and which were drawn.
    without: Faces,
    drawn: Faces,
    model: Model,
    seconds: Seconds,
    /// Whether the ledger's database is put back from older backups, too.
    restores: bool,
    /// The last backup of the ledger's database.
    backup: Option<Backup>,
    broker_back_at: Option<Instant>,
    calm_at: Option<Instant>,
    consumers_back_at: Option<Instant>,
    /// Days that went by at once.
    days: u64,
    /// How many of them are still to come while consumers stay away and the site works.
    days_away: u64,
    /// Programs are of the later release.
    is_later: bool,
    /// They were once: then there is no other way to the end than to upgrade again.
    was_later: bool,
    crashes: u64,
    faults: u64,
}

impl World {
    pub fn new(seed: u64, meters: Meters, without: Faces) -> Self {
        let sky = Arc::new(Sky::new(seed));
        let identity = StoreIdentity {
            store_id: uuid::Uuid::from_u128(7),
            epoch: 1,
        };
        let database = MemoryDatabase::new(identity, now(&sky));
        let checker = Checker::new(&sky, database.clone());
        let server = Server::new(&sky, checker.clone());
        let mut world = Self {
            database,
            models: MemoryDatabases::new(Arc::new(Fine)),
            server,
            checker,
            machines: Vec::new(),
            consumers: Vec::new(),
            terminals: Vec::new(),
            meters,
            desks: Desks::default(),
            furthest_ms: 0,
            without,
            drawn: Faces::default(),
            model: Model::default(),
            seconds: Seconds::default(),
            // Not in each: after one, what it took is missed by nobody.
            restores: sky.dice.per_mille(400),
            backup: None,
            broker_back_at: None,
            calm_at: None,
            consumers_back_at: None,
            days: 0,
            days_away: 0,
            is_later: false,
            was_later: false,
            crashes: 0,
            faults: 0,
            sky,
        };
        let devices = (0..TERMINALS.len()).map(|place| Terminal::new(place, &world.sky));
        world.terminals = devices.collect();
        for (name, role) in ROLES {
            let share = match role {
                Role::Terminal(place) => Some(world.terminals[place].share.clone()),
                Role::Hub | Role::Projections => None,
            };
            world.machines.push(Machine {
                role,
                node: Node::new(name, &world.sky, 0),
                platter: Platter::default(),
                share,
                task: None,
                back_at: None,
                wakes_at: None,
                mended_at: None,
                skew_ms: 0,
                lied: false,
            });
        }
        for at in 0..world.machines.len() {
            world.start(at);
        }
        for at in 0..CONSUMERS.len() {
            let consumer = world.subscribe(at);
            world.consumers.push(consumer);
        }
        world
    }

    fn start(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        let (name, role) = ROLES[at];
        let node = Node::new(name, &self.sky, machine.skew_ms);
        node.line_is(self.server.is_up());
        machine.node = node.clone();
        let disk = Arc::new(SimulatedDisk {
            node: node.clone(),
            platter: machine.platter.clone(),
            share: machine.share.clone(),
        });
        let broker: BrokerAt = BrokerAt::Port(Arc::new(Connection {
            node: node.clone(),
            server: self.server.clone(),
        }));
        self.sky.tell(format!("{name} starts"));
        let task = match role {
            Role::Hub => tokio::spawn(hub(node, disk, broker, self.database.clone())),
            Role::Projections => tokio::spawn(projections(node, broker, self.models.clone())),
            Role::Terminal(place) => {
                self.meters.forget(TERMINALS[place].1);
                tokio::spawn(terminal(node, disk, broker, place))
            }
        };
        self.machines[at].task = Some(task);
    }

    /// Ends a process that is dead, and says when it comes back.
    async fn bury(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        let Some(death) = machine.node.death() else {
            return;
        };
        if let Some(task) = machine.task.take() {
            task.abort();
            // That it panicked is heard of in `tick`.
            let _ = task.await;
        }
        let (node, platter) = (machine.node.clone(), machine.platter.clone());
        self.crashes += 1;
        self.server.forget(&node);
        platter.after(death, &self.sky.dice);
        if death == Death::PowerCut {
            if machine.role == Role::Projections {
                let dice = &self.sky.dice;
                self.models
                    .cut_power(|_| usize::try_from(dice.below(4)).unwrap_or_default());
            }
            let lied = std::mem::take(&mut machine.lied);
            platter.lies(false);
            if let (Role::Terminal(place), true) = (machine.role, lied) {
                self.betray(place);
            }
        }
        let pause = self.sky.dice.from_to(100, 8000);
        let machine = &mut self.machines[at];
        machine.back_at = Some(Instant::now() + Duration::from_millis(pause));
        machine.wakes_at = None;
    }

    fn subscribe(&self, at: usize) -> Consumer {
        let (name, audience, ..) = CONSUMERS[at];
        let stream = shikaku_schemas::topology::feed_stream(audience);
        let consumer = Consumer {
            away: Arc::default(),
            taken: Arc::default(),
        };
        let (away, taken) = (consumer.away.clone(), consumer.taken.clone());
        tokio::spawn(consume(self.server.clone(), stream, name, away, taken));
        consumer
    }

    /// One step of the story: some time, then something happens.
    pub async fn step(&mut self, mends: bool) {
        let dice = &self.sky.dice;
        let longest = *dice.pick(&[20, 20, 200, 1000, 4000]);
        let pause = Duration::from_millis(dice.from_to(1, longest));
        sleep(pause).await;
        self.tick().await;
        self.day_away().await;
        if mends {
            self.ordinary();
        } else {
            self.something().await;
        }
    }

    /// Lets time do its work: processes come back, lines are mended.
    async fn tick(&mut self) {
        let now = Instant::now();
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        if due(&mut self.broker_back_at) {
            self.server.set_up(true);
            self.sky.tell("the broker is back");
        }
        if due(&mut self.calm_at) {
            self.sky.set_weather(Weather::default());
            for machine in &self.machines {
                machine.is_sound();
            }
            self.sky.tell("the storm is over");
        }
        if due(&mut self.consumers_back_at) {
            for consumer in &self.consumers {
                consumer.away.store(false, Ordering::SeqCst);
            }
        }
        self.no_panic();
        self.write_on();
        for at in 0..self.machines.len() {
            let machine = &mut self.machines[at];
            if due(&mut machine.wakes_at) {
                machine.node.pause(false);
                self.sky.tell(format!("{} wakes", machine.node.name));
            }
            if due(&mut machine.mended_at) {
                machine.node.cut(false);
            }
            let ended = machine.task.as_ref().is_some_and(JoinHandle::is_finished);
            if ended && machine.node.is_alive() {
                // A role that ended by itself: its supervisor starts it again.
                machine.node.die(Death::Killed);
            }
            let buried = machine.task.is_none();
            if !machine.node.is_alive() && !buried {
                self.bury(at).await;
            }
            if due(&mut self.machines[at].back_at) {
                self.start(at);
            }
        }
        let up = self.server.is_up();
        for machine in &self.machines {
            machine.node.line_is(up && !machine.node.is_cut());
        }
    }

    /// A panic is a bug, whoever catches it.
    fn no_panic(&self) {
        if let Some(what) = panics::first() {
            let millis = self.sky.millis();
            self.sky.story.broken(millis, format!("a panic: {what}"));
        }
    }

    /// What it came to.
    pub fn outcome(&self) -> Outcome {
        self.no_panic();
        Outcome {
            crashes: self.crashes,
            faults: self.faults,
            events: self.database.position(),
            digest: self.sky.story.digest(),
            broken: self.sky.story.verdict(),
            lines: self.sky.story.lines(),
            asked: self.checker.all_asked(),
            drawn: self.drawn,
        }
    }
}

/// Facts about a run that are no part of its story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub crashes: u64,
    pub faults: u64,
    pub events: u64,
    pub digest: String,
    pub broken: Option<String>,
    pub lines: Vec<String>,
    /// How often each promise was looked at.
    pub asked: Questions,
    /// Which faces the dice showed.
    pub drawn: Faces,
}
