//! Packets that vanish one way between two machines, without an error to either: each process has a network of its own,
//! and nftables between them drops. `SHIKAKU_CUTS=all` plays every cut; otherwise the first alone.

use std::time::{Duration, Instant};

use shikaku_tests::broker::Broker;
use shikaku_tests::hub::Hub;
use shikaku_tests::network::{self, Machine};
use shikaku_tests::postgres::Postgres;
use shikaku_tests::site::Site;
use shikaku_tests::until_within;

const FILES: u32 = 20;
/// The server forgets a writer that it has not heard of for 5 s; the hub that stands by asks four times a second, and
/// begins its work. The rest is for a busy machine.
const DATABASE_LIMIT: Duration = Duration::from_secs(5 + 10);
/// A client of the broker asks every 5 s and gives up at the third question without an answer.
const BROKER_LIMIT: Duration = Duration::from_secs(20 + 5);
const DOWN: &str = "the line to the broker is down";
const READY: &str = "ready ";

/// Who no longer hears whom.
#[derive(Debug, Clone, Copy)]
enum Cut {
    HubToDatabase,
    DatabaseToHub,
    HubToBroker,
    BrokerToHub,
    TerminalToBroker,
    BrokerToTerminal,
}

const ALL: [Cut; 6] = [
    Cut::HubToDatabase,
    Cut::DatabaseToHub,
    Cut::HubToBroker,
    Cut::BrokerToHub,
    Cut::TerminalToBroker,
    Cut::BrokerToTerminal,
];

/// T4: a paused writer that wakes commits nothing.
#[test]
fn of_one_direction_are_noticed_in_bounded_time_and_lose_nothing() {
    let name = "faults::partitions::of_one_direction_are_noticed_in_bounded_time_and_lose_nothing";
    if network::ran_apart(name) {
        return;
    }
    let hospital = Hospital::build();
    let mut site = hospital.start();
    let all = std::env::var("SHIKAKU_CUTS").is_ok_and(|cuts| cuts == "all");
    let cuts = if all { &ALL[..] } else { &ALL[..1] };
    site.drop_faces(FILES);
    site.await_recorded();
    // By now the first one is active.
    let mut active = 0;
    for cut in cuts {
        hospital.cut(*cut, active);
        let begin = Instant::now();
        let noticed = notices(*cut, &mut site, active);
        println!("{cut:?}: noticed after {noticed:.1?}");
        if matches!(cut, Cut::HubToDatabase | Cut::DatabaseToHub) {
            // The other one goes on while the first is cut off.
            site.await_recorded();
            println!(
                "  the other hub has recorded everything after {:.1?}",
                begin.elapsed()
            );
            active = 1 - active;
        }
        network::mend();
        site.drop_faces(FILES);
        site.await_recorded();
        println!("  everything is recorded after {:.1?}", begin.elapsed());
        for hub in &mut site.hubs {
            hub.resume_if_ended();
        }
    }
    let counts = site.check();
    println!("cuts={} files={} {counts}", cuts.len(), site.people);
}

/// A machine for each.
struct Hospital {
    postgres: Postgres,
    database: Machine,
    broker: Machine,
    hubs: [Machine; 2],
    desk: Machine,
    office: Machine,
}

impl Hospital {
    fn build() -> Self {
        let database = Machine::new(1);
        let postgres = Postgres::start_at(&database.words(), &database.address());
        postgres.database("ledger");
        Self {
            postgres,
            database,
            broker: Machine::new(2),
            hubs: [Machine::new(3), Machine::new(4)],
            desk: Machine::new(5),
            office: Machine::new(6),
        }
    }

    fn start(&self) -> Site {
        let url = format!(
            "postgres://postgres@{}/ledger?sslmode=disable",
            self.database.address()
        );
        let mut site = Site::prepare(&url, |planner, folder| {
            Broker::at(
                planner,
                folder,
                &self.broker.words(),
                &self.broker.address(),
            )
        });
        for (hub, machine) in site.hubs.iter_mut().zip(&self.hubs) {
            hub.place(&machine.words());
        }
        site.terminal.place(&self.desk.words());
        site.projections.place(&self.office.words());
        site.begin();
        assert_eq!(self.postgres.ask("ledger", "SHOW synchronous_commit"), "on");
        site
    }

    fn cut(&self, cut: Cut, active: usize) {
        let hub = &self.hubs[active];
        let (from, to) = match cut {
            Cut::HubToDatabase => (hub, &self.database),
            Cut::DatabaseToHub => (&self.database, hub),
            Cut::HubToBroker => (hub, &self.broker),
            Cut::BrokerToHub => (&self.broker, hub),
            Cut::TerminalToBroker => (&self.desk, &self.broker),
            Cut::BrokerToTerminal => (&self.broker, &self.desk),
        };
        from.loses_to(to);
    }
}

/// Files arrive; how long until somebody does something about the silence.
fn notices(cut: Cut, site: &mut Site, active: usize) -> Duration {
    let (limit, words) = match cut {
        Cut::HubToDatabase | Cut::DatabaseToHub => (DATABASE_LIMIT, READY),
        _ => (BROKER_LIMIT, DOWN),
    };
    let times = |site: &Site| -> usize {
        let who: &Hub = match cut {
            Cut::HubToDatabase | Cut::DatabaseToHub => &site.hubs[1 - active],
            Cut::HubToBroker | Cut::BrokerToHub => &site.hubs[active],
            Cut::TerminalToBroker | Cut::BrokerToTerminal => &site.terminal,
        };
        who.said_times(words)
    };
    let before = times(site);
    let begin = Instant::now();
    site.drop_faces(FILES);
    until_within(limit, &format!("{cut:?} is noticed"), || {
        (times(site) > before).then_some(())
    });
    begin.elapsed()
}
