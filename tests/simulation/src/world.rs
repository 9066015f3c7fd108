//! The world: machines with their processes, the people, and everything that goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shikaku_broker::BrokerAt;
use shikaku_core::{HubError, HubOptions, JobOptions, MonthOptions};
use shikaku_disk::Disk;
use shikaku_kit::backoff::Backoff;
use shikaku_kit::publisher::{self, PublisherOptions};
use shikaku_kit::spool::{Placed, Spool, SpoolOptions};
use shikaku_ledger::{
    Database, KeyStoreAt, KeysOptions, Ledger, LedgerOptions, MemoryDatabase, MemoryLine,
    StoreIdentity,
};
use shikaku_models::{AccessAt, MemoryDatabases, ModelsOptions, StatusBoard};
use shikaku_schemas::clock::Clock;
use shikaku_schemas::value::FacilityCode;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::checker::{Checker, Taken, Told, settled};
use crate::disk::{Platter, SimulatedDisk};
use crate::line::Connection;
use crate::node::{Death, Node, Sky, Weather, Wits, now};
use crate::server::{Next, Server, header_of};
use crate::town::{CONSUMERS, Model, Says, Seen, TERMINALS, group, group_key};
use crate::weather::{DatabaseLine, Fine};

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

/// An outside subscriber, as its own program would do it.
struct Consumer {
    away: Arc<AtomicBool>,
    taken: Arc<std::sync::Mutex<Taken>>,
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
    broker_back_at: Option<Instant>,
    calm_at: Option<Instant>,
    consumers_back_at: Option<Instant>,
    pub crashes: u64,
    pub faults: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
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

    async fn something(&mut self) {
        match self.sky.dice.below(100) {
            0..50 => self.ordinary().await,
            50..62 => self.death(),
            62..66 => self.pause(),
            66..72 => self.cut(),
            72..75 => self.broker_away(),
            75..77 => self.wipe(),
            77..80 => self.end_session(),
            80..90 => self.storm(),
            90..93 => self.jump_clock(),
            93..96 => self.consumers_away(),
            96..97 => self.lose_models(),
            97..98 => self.lose_tail(),
            _ => self.bad_disk(),
        }
    }

    fn fault(&mut self, text: String) {
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
        for stream in ["OBSERVATIONS", "LOG"] {
            self.server.lose_tail(stream, messages);
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
        let name = machine.node.name.clone();
        self.fault(format!("the clock of {name} jumps by {by} ms"));
    }

    fn consumers_away(&mut self) {
        for consumer in &self.consumers {
            let away = self.sky.dice.per_mille(500);
            consumer.away.store(away, Ordering::SeqCst);
        }
        let length = self.sky.dice.from_to(1000, 60_000);
        self.consumers_back_at = Some(Instant::now() + Duration::from_millis(length));
        self.fault(format!("consumers are away for {length} ms"));
    }

    fn lose_models(&mut self) {
        let at = ROLES
            .iter()
            .position(|(_, role)| *role == Role::Projections);
        self.machines[at.unwrap_or_default()]
            .node
            .die(Death::Killed);
        self.models.drop_all();
        self.fault("the read models are lost".to_owned());
    }

    fn bad_disk(&mut self) {
        let at = self.any();
        let lies = self.sky.dice.per_mille(500);
        let machine = &mut self.machines[at];
        match lies {
            true => {
                machine.lied = true;
                machine.platter.lies(true);
            }
            false => machine.platter.is_full(true),
        }
        let name = machine.node.name.clone();
        self.calm_at
            .get_or_insert(Instant::now() + Duration::from_secs(5));
        self.fault(format!(
            "the disk of {name} {}",
            if lies { "lies" } else { "is full" }
        ));
    }

    /// A card is read at a terminal; sometimes the same file comes again.
    async fn ordinary(&mut self) {
        let dice = &self.sky.dice;
        let terminal = usize::try_from(dice.below(TERMINALS.len() as u64)).unwrap_or_default();
        let count = *dice.pick(&[1, 1, 1, 2, 5]);
        let again = dice.per_mille(150);
        let mut batch = Vec::new();
        for _ in 0..count {
            let known: Vec<&Seen> = self
                .model
                .kept
                .values()
                .filter(|seen| seen.terminal == terminal)
                .collect();
            if again && !known.is_empty() {
                let at = usize::try_from(self.sky.dice.below(known.len() as u64));
                batch.push(known[at.unwrap_or_default()].clone());
            } else {
                batch.push(self.answer(terminal));
            }
        }
        self.keep(terminal, batch).await;
    }

    fn answer(&mut self, terminal: usize) -> Seen {
        self.answers += 1;
        let dice = &self.sky.dice;
        // Some answers were long on their way.
        let late = match dice.below(4) {
            0 => i64::try_from(dice.below(100_000)).unwrap_or_default(),
            _ => 0,
        };
        let millis = now(&self.sky).as_millisecond() - late;
        let micros = millis * 1000 + i64::try_from(self.answers % 1000).unwrap_or_default();
        Seen {
            terminal,
            person: dice.below(5),
            says: *dice.pick(&Says::ALL),
            executed_at: jiff::Timestamp::from_microsecond(micros)
                .unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            inquiry: None,
        }
    }

    async fn keep(&mut self, terminal: usize, batch: Vec<Seen>) {
        let at = ROLES
            .iter()
            .position(|(_, role)| *role == Role::Terminal(terminal))
            .unwrap_or_default();
        let machine = &self.machines[at];
        let spool = machine.spool.lock().await.clone();
        let Some(spool) = spool.filter(|_| !machine.node.is_paused()) else {
            return;
        };
        let entries: Vec<_> = batch
            .iter()
            .map(|seen| seen.entry(now(&self.sky)))
            .collect();
        let ids: Vec<_> = entries
            .iter()
            .map(|entry| entry.observation.observation_id)
            .collect();
        for entry in &entries {
            if let Some(evidence) = &entry.observation.evidence {
                let id = entry.observation.observation_id;
                self.checker.rests_on(id, evidence.id.clone());
            }
        }
        let appended = spool.append(entries);
        let is_sure = appended.is_ok() && !machine.lied;
        self.sky.tell(format!(
            "{} sees {} answers: {}",
            machine.node.name,
            batch.len(),
            match &appended {
                Ok(placed) if placed.contains(&Placed::Fresh) => "kept",
                Ok(_) => "known",
                Err(_) => "refused",
            }
        ));
        for (id, seen) in ids.into_iter().zip(batch) {
            match is_sure {
                true => drop(self.model.kept.insert(id, seen)),
                false => drop(self.model.doubtful.insert(id, seen)),
            }
        }
    }

    /// Mends everything, waits until all is quiet, and checks what must hold then.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        self.sky.tell("everything is mended");
        self.mend();
        let deadline = Instant::now() + Duration::from_secs(1800);
        let mut waits_for = String::new();
        while Instant::now() < deadline {
            sleep(Duration::from_millis(500)).await;
            self.tick().await;
            self.mend();
            match self.unquiet().await {
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
        settled(&self.checker, &ledger, &self.model, &taken).await
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
            machine.platter.is_full(false);
            machine.platter.lies(false);
            machine.node.cut(false);
            machine.node.pause(false);
            machine.node.dies_in(u64::MAX / 2, Death::Killed);
        }
    }

    /// What is not done yet.
    async fn unquiet(&self) -> Option<String> {
        for machine in &self.machines {
            if matches!(machine.role, Role::Terminal(_)) {
                let spool = machine.spool.lock().await.clone();
                match spool {
                    Some(spool) if spool.status().pending == 0 => {}
                    Some(_) => return Some(format!("the spool of {}", machine.node.name)),
                    None => return Some(format!("the start of {}", machine.node.name)),
                }
            }
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
        if self.models.unpublished() > 0 {
            return Some("the outbox".to_owned());
        }
        for ((name, audience, facility, insurance), consumer) in
            CONSUMERS.iter().zip(&self.consumers)
        {
            let variant = shikaku_schemas::feed::FeedVariant::of(*audience, *insurance);
            let told = self
                .checker
                .told(&(variant.to_string(), (*facility).to_owned()));
            let end = told.last_key_value().map_or(0, |(number, _)| *number);
            let taken = taken(&consumer.taken);
            if taken.last_key_value().map_or(0, |(number, _)| *number) != end {
                return Some(format!("consumer {name}"));
            }
        }
        None
    }

    fn ledger_options(&self) -> LedgerOptions {
        let node = Node::new("auditor", &self.sky, 0);
        let hub = &self.machines[0];
        let line = MemoryLine {
            database: self.database.clone(),
            weather: Arc::new(Fine),
            disk: Arc::new(SimulatedDisk {
                node,
                platter: hub.platter.clone(),
            }),
        };
        options(line)
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

    pub fn events(&self) -> u64 {
        self.database.position()
    }
}

fn taken(taken: &std::sync::Mutex<Taken>) -> std::sync::MutexGuard<'_, Taken> {
    taken
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn options(line: MemoryLine) -> LedgerOptions {
    LedgerOptions {
        keys: KeysOptions {
            group_key: group_key(),
            signing_key_file: "/keys/signing.key".into(),
            store: KeyStoreAt::Memory(line.clone()),
        },
        database: Database::Memory(line),
        proof_dir: "/proof".into(),
    }
}

/// A hub, as its program runs it.
async fn hub(node: Arc<Node>, disk: Arc<dyn Disk>, broker: BrokerAt, database: MemoryDatabase) {
    let line = MemoryLine {
        database,
        weather: Arc::new(DatabaseLine(node.clone())),
        disk,
    };
    let wits = Arc::new(Wits(node.clone()));
    let options_of_hub = HubOptions {
        group: group(),
        group_key: group_key(),
        nats: broker,
        feed_days: 30,
        answer_timeout: Duration::from_secs(180),
        jobs: JobOptions::default(),
        months: MonthOptions::OFF,
        medical: Default::default(),
        auto_link: false,
        clock: wits.clone(),
        randomness: wits,
    };
    let ended = match Ledger::open(&options(line)).await {
        Ok(ledger) => {
            let (ready, _is_ready) = oneshot::channel();
            let cancel = CancellationToken::new();
            shikaku_core::run(ledger, options_of_hub, ready, cancel).await
        }
        Err(error) => Err(HubError::Ledger(error)),
    };
    if !node.is_alive() {
        return;
    }
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = ended
        .as_ref()
        .err()
        .map(|error| error as &dyn std::error::Error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    node.sky.tell(format!("{} ended{text}", node.name));
    if text.contains("does not match its signed head") {
        let millis = node.sky.millis();
        node.sky
            .story
            .broken(millis, format!("a sound ledger was refused{text}"));
    }
}

async fn projections(node: Arc<Node>, broker: BrokerAt, models: MemoryDatabases) {
    let models = models.over(Arc::new(DatabaseLine(node.clone())));
    let options = ModelsOptions {
        nats: broker,
        database: shikaku_models::Database::Memory(models.clone()),
        access: AccessAt::Memory(models),
        group: group(),
        lookup_key: group_key().derive("read-model"),
        feed_days: 30,
        clock: Arc::new(Wits(node.clone())),
        status: StatusBoard::default(),
    };
    let ended = shikaku_models::run(options, CancellationToken::new()).await;
    if node.is_alive() {
        let text = ended
            .err()
            .map_or_else(String::new, |error| error.to_string());
        node.sky.tell(format!("projections ended: {text}"));
        if text.contains("stopped:") {
            let millis = node.sky.millis();
            node.sky
                .story
                .broken(millis, format!("a projection {text}"));
        }
    }
}

async fn terminal(
    node: Arc<Node>,
    disk: Arc<dyn Disk>,
    broker: BrokerAt,
    place: usize,
    shared: Arc<Mutex<Option<Arc<Spool>>>>,
) {
    let (facility, device) = TERMINALS[place];
    let options = SpoolOptions {
        disk,
        segment_bytes: 40_000,
        ..SpoolOptions::new("/spool".into(), group_key())
    };
    let Ok(spool) = Spool::open(options) else {
        return node
            .sky
            .tell(format!("the spool of {device} does not open"));
    };
    let spool = Arc::new(spool);
    *shared.lock().await = Some(spool.clone());
    let Ok(broker) = shikaku_broker::Broker::connect(broker).await else {
        return;
    };
    let run = u64::try_from(Wits(node.clone()).now().as_millisecond()).unwrap_or_default();
    let publisher = PublisherOptions {
        again: Backoff {
            first: Duration::from_secs(5),
            cap: Duration::from_secs(60),
        },
        ..PublisherOptions::new(
            FacilityCode::from(facility),
            "terminal",
            device,
            group_key(),
            run,
        )
    };
    publisher::run(&broker, spool, &publisher, CancellationToken::new()).await;
}

/// Takes what its durable gives, in order, once; whatever else comes is wrong.
async fn consume(
    server: Server,
    stream: &'static str,
    name: &'static str,
    away: Arc<AtomicBool>,
    shared: Arc<std::sync::Mutex<Taken>>,
) {
    let sky = server.sky.clone();
    loop {
        sleep(Duration::from_millis(sky.dice.from_to(1, 50))).await;
        let Some(born) = server.born(stream).filter(|_| server.is_up()) else {
            sleep(Duration::from_millis(500)).await;
            continue;
        };
        if away.load(Ordering::SeqCst) {
            continue;
        }
        match server.next(stream, name, born) {
            Next::Gone => sleep(Duration::from_millis(500)).await,
            Next::Wait(changed, _) => {
                let _ = tokio::time::timeout(Duration::from_secs(5), changed.notified()).await;
            }
            Next::Message(kept, ..) => {
                let number = header_of(&kept.headers, "feed-sequence");
                let number: u64 = number
                    .and_then(|text| text.parse().ok())
                    .unwrap_or_default();
                let told = Told {
                    ce_id: header_of(&kept.headers, "ce-id").unwrap_or_default(),
                    body: serde_json::from_slice(&kept.payload).unwrap_or_default(),
                };
                let mut all = taken(&shared);
                let last = all.last_key_value().map_or(0, |(number, _)| *number);
                let known = all.get(&number).cloned();
                let lawful = number == last + 1 || known.as_ref() == Some(&told);
                all.insert(number, told);
                drop(all);
                if !lawful {
                    let what = format!("consumer {name} got number {number} after {last}");
                    sky.story.broken(sky.millis(), what);
                }
                // An acknowledgement may be lost: then it comes again.
                if !sky.dice.per_mille(30) {
                    server.settle(stream, name, born, kept.sequence, None);
                }
            }
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
}
