//! The world: machines with their processes, the people, and everything that goes wrong.

mod consumer;
mod faults;
mod people;
mod process;
mod quiet;
mod restore;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shikaku_broker::BrokerAt;
use shikaku_kit::spool::Spool;
use shikaku_ledger::{Backup, MemoryDatabase, StoreIdentity};
use shikaku_models::MemoryDatabases;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::checker::Checker;
use crate::disk::{Platter, SimulatedDisk};
use crate::line::Connection;
use crate::node::{Death, Node, Sky, Weather, now};
use crate::server::Server;
use crate::town::{CONSUMERS, Model};
use crate::weather::Fine;
use consumer::{Consumer, consume};
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
    task: Option<JoinHandle<()>>,
    spool: Arc<Mutex<Option<Arc<Spool>>>>,
    /// When it is started again.
    back_at: Option<Instant>,
    wakes_at: Option<Instant>,
    mended_at: Option<Instant>,
    skew_ms: i64,
    /// The disk lied since it was last sound.
    lied: bool,
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
    model: Model,
    answers: u64,
    restores: bool,
    /// The last backup of the ledger's database.
    backup: Option<Backup>,
    broker_back_at: Option<Instant>,
    calm_at: Option<Instant>,
    consumers_back_at: Option<Instant>,
    pub crashes: u64,
    pub faults: u64,
}

impl World {
    pub fn new(seed: u64, restores: bool) -> Self {
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
            model: Model::default(),
            answers: 0,
            restores,
            backup: None,
            broker_back_at: None,
            calm_at: None,
            consumers_back_at: None,
            crashes: 0,
            faults: 0,
            sky,
        };
        for (name, role) in ROLES {
            world.machines.push(Machine {
                role,
                node: Node::new(name, &world.sky, 0),
                platter: Platter::default(),
                task: None,
                spool: Arc::default(),
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
                let spool = machine.spool.clone();
                tokio::spawn(terminal(node, disk, broker, place, spool))
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
            let _ = task.await;
        }
        *machine.spool.lock().await = None;
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
            machine.lied = false;
            platter.lies(false);
        }
        let pause = self.sky.dice.from_to(100, 8000);
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
        if mends {
            self.ordinary().await;
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
                machine.platter.is_full(false);
            }
            self.sky.tell("the storm is over");
        }
        if due(&mut self.consumers_back_at) {
            for consumer in &self.consumers {
                consumer.away.store(false, Ordering::SeqCst);
            }
        }
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

    pub fn events(&self) -> u64 {
        self.database.position()
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
}
