//! Three facilities with two terminals each: one hub, six simulated terminals as processes of their own before one
//! centre, and a wall clock for all of them that is put from day to day. Waiting and pausing go by the true time.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;
use shikaku_tests::{clock, until, until_within};

use super::expected::{Day, Month, Shown};
use super::told::Told;
use super::town::{Person, TicketKey, Town, visits};

pub(super) const FACILITIES: [&str; 3] = ["1319912349", "1345077885", "1319988778"];
/// Welfare offices of the simulator's people, and when they register.
const OFFICES: [(&str, &[&str], &str); 4] = [
    ("町中第一福祉事務所", &["12998019", "12997011"], "20"),
    ("町中第二福祉事務所", &["12998027"], "weekly"),
    ("町中第三福祉事務所", &["12998035", "12997151"], "1"),
    ("町中第四福祉事務所", &["12998043"], "15"),
];

/// One request that a simulated terminal took.
pub(super) struct Asked {
    pub(super) facility: usize,
    pub(super) terminal: String,
    pub(super) file: String,
    pub(super) day: Day,
    pub(super) month: Option<Month>,
}

pub(super) struct Site {
    pub(super) hub: Hub,
    clock: clock::WallClock,
    patients: u32,
    terminals: Vec<Option<Child>>,
    log: Vec<Value>,
    told: Told,
    /// How many events there were at the last look, and when they were read last.
    counted: (u64, u64),
}

/// The name of a facility's terminal.
fn name(facility: usize, terminal: usize) -> String {
    format!("f{facility}t{terminal}")
}

impl Site {
    #[track_caller]
    pub(super) fn start(patients: u32, days: &[Day]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = clock::WallClock::beside(&folder.path().join("clock"));
        let names: Vec<String> = (0..6).map(|at| name(at / 2, at % 2)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let settings = Settings::default().terminals(&names);
        let hub = Hub::prepare(folder, "hub", &["up"], &settings);
        let mut site = Self {
            hub,
            clock,
            patients,
            terminals: (0..6).map(|_| None).collect(),
            log: Vec::new(),
            told: Told::default(),
            counted: (0, 0),
        };
        let config = site.hub.folder().join("hub.toml");
        std::fs::write(config, site.config()).unwrap();
        site.put_clock(Day::new(5, 1), "03:00");
        for (name, value) in site.clock.environment() {
            site.hub.set(&name, &value);
        }
        let town = site.town(days);
        for facility in 0..FACILITIES.len() {
            for terminal in 0..2 {
                let script = site.script(facility, terminal, &town);
                std::fs::write(site.scenario(facility, terminal), script).unwrap();
            }
            site.restart_terminals(facility, &[]);
        }
        site.hub.resume();
        site
    }

    fn config(&self) -> String {
        let mut text = format!(
            "data_dir = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[identity]\nauto_link = true\n\
             [timing]\nscan_ms = 100\nstable_ms = 40\nbulk_poll_s = {}\nincomplete_s = 5\nanswer_timeout_s = 300\n",
            self.hub.data_dir(),
            // A terminal that takes in many people is not silent.
            (self.patients / 100).max(1),
        );
        for (name, numbers, registers) in OFFICES {
            let _ = write!(
                text,
                "[[welfare_office]]\nname = {name:?}\npayer_numbers = {numbers:?}\nregisters = {registers:?}\n"
            );
        }
        for (facility, code) in FACILITIES.iter().enumerate() {
            let _ = write!(
                text,
                "[[facility]]\ncode = {code:?}\nname = \"見本病院{}\"\n",
                facility + 1
            );
            for terminal in 0..2 {
                let id = name(facility, terminal);
                let _ = write!(
                    text,
                    "[[facility.terminal]]\nid = {id:?}\nroot = {:?}\nenvironment = \"verification\"\n",
                    self.hub.terminal(&id).root
                );
            }
        }
        text
    }

    fn scenario(&self, facility: usize, terminal: usize) -> PathBuf {
        let name = name(facility, terminal);
        self.hub.folder().join(format!("{name}.scenario.toml"))
    }

    /// What `sim terminal` plays at one terminal.
    fn script(&self, facility: usize, terminal: usize, town: &Town) -> String {
        let mut text = self.town_of(FACILITIES[facility]);
        let here = |it: &&super::town::Visit| (it.facility, it.terminal) == (facility, terminal);
        for visit in town.visits.iter().filter(here) {
            let _ = write!(
                text,
                "[[step]]\ndate = \"{}\"\nat = \"{}\"\nperson = {:?}\n{}",
                visit.day,
                visit.time,
                town.people[visit.person].id,
                if visit.late {
                    "on = \"last-month\"\n"
                } else {
                    ""
                }
            );
        }
        text
    }

    /// The same town for everybody.
    fn town_of(&self, institution: &str) -> String {
        format!(
            "institution = {institution:?}\ninstitutions = {FACILITIES:?}\n\
             knobs = [\"people={}\", \"seed=7\", \"calendar=mixed\", \"latency-ms=20\", \"bulk-insurance=with\"]\n",
            self.patients
        )
    }

    /// Who lives in the town, as the simulator says.
    #[track_caller]
    pub(super) fn town(&self, days: &[Day]) -> Town {
        let file = self.hub.folder().join("town.toml");
        std::fs::write(&file, self.town_of(FACILITIES[0])).unwrap();
        let months = [4, 5, 6].map(Month::new);
        let lists = months.map(|month| {
            let scenario = file.to_string_lossy();
            let words = [
                "sim",
                "people",
                "--scenario",
                &scenario,
                "--month",
                &month.to_string(),
            ];
            self.hub.ok(&words).json()
        });
        let count = lists[0].as_array().unwrap().len();
        let people: Vec<Person> = (0..count)
            .map(|at| Person::of(&[0, 1, 2].map(|of| (months[of], &lists[of][at]))))
            .collect();
        let visits = visits(&people, days);
        Town { people, visits }
    }

    /// Everybody's clock shows this time of Japan now.
    pub(super) fn put_clock(&self, day: Day, time: &str) {
        self.clock.put(&format!("{day}T{time}:00+09:00"));
    }

    /// Ends both terminals of a facility, where they run, and starts them with these knobs.
    #[track_caller]
    pub(super) fn restart_terminals(&mut self, facility: usize, knobs: &[&str]) {
        for terminal in 0..2 {
            self.end(facility * 2 + terminal);
            let mut program = self.hub.program(&["sim", "terminal"]);
            let root = self.hub.terminal(&name(facility, terminal)).root;
            program.arg("--root").arg(root);
            program
                .arg("--scenario")
                .arg(self.scenario(facility, terminal));
            program
                .arg("--centre")
                .arg(self.hub.folder().join("centre"));
            for knob in knobs {
                program.args(["--knob", knob]);
            }
            // It says so once it looks at the clock and at its folders.
            let said = self.hub.folder().join("terminal.said");
            let started = program
                .envs(self.clock.environment())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(&said).unwrap())
                .spawn();
            self.terminals[facility * 2 + terminal] = Some(started.unwrap());
            until("the terminal is there", || {
                (said.metadata().unwrap().len() > 0).then_some(())
            });
        }
    }

    fn end(&mut self, at: usize) {
        if let Some(mut child) = self.terminals[at].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The terminal that took the request of a run dies once the run has its 受付番号.
    #[track_caller]
    pub(super) fn kill_terminal_of(&mut self, facility: usize, day: Day, month: Month) {
        let run = self.await_run(day, (facility, month), "inquiry-accepted");
        let ended = self
            .log
            .iter()
            .any(|event| event["type"] == "inquiry-answered" && event["data"]["inquiry"] == *run);
        assert!(!ended, "the job was over too soon");
        let asked = self.requests();
        let asked = asked.iter().rfind(|it| {
            it.file.starts_with("OQSmutic01req")
                && (it.facility, it.day, it.month) == (facility, day, Some(month))
        });
        let terminal = &asked.expect("the run was asked for").terminal;
        let at = (0..6).find(|at| name(at / 2, at % 2) == *terminal).unwrap();
        until("the result is asked for", || {
            self.terminals_asking(facility, day)
                .contains(terminal)
                .then_some(())
        });
        self.end(at);
    }

    /// How long the work of a morning or an afternoon may take.
    fn work(&self) -> Duration {
        Duration::from_secs(90 + u64::from(self.patients) / 5)
    }

    fn read(&mut self) {
        let more = self.hub.log_after(self.last());
        for event in &more {
            self.told.take(event);
        }
        self.log.extend(more);
    }

    /// Reads what is new once the hub pauses: `shikaku log` costs more than a look at its counter.
    fn read_in_a_pause(&mut self) {
        let events = self.hub.metric("shikaku_hub_events_total", "") as u64;
        let pauses = std::mem::replace(&mut self.counted.0, events) == events;
        if pauses && self.counted.1 != events {
            self.counted.1 = events;
            self.read();
        }
    }

    /// The last position.
    pub(super) fn last(&self) -> u64 {
        self.log
            .last()
            .map_or(0, |event| event["position"].as_u64().unwrap())
    }

    /// Every event so far.
    pub(super) fn log(&mut self) -> &[Value] {
        self.read();
        &self.log
    }

    /// Waits until the run that was asked for on a day got so far; its inquiry.
    #[track_caller]
    fn await_run(&mut self, day: Day, (facility, month): (usize, Month), kind: &str) -> String {
        let what = format!("the run of {month} at facility {facility} on {day} is {kind}");
        let work = self.work();
        until_within(work, &what, || {
            self.read_in_a_pause();
            let run = self
                .told
                .runs
                .get(&(facility, month.to_string(), day.to_string()))?;
            let got = (kind.to_owned(), run.clone());
            self.told.steps.contains(&got).then(|| run.clone())
        })
    }

    /// Waits until all of a day's runs are settled, or answered where they come empty.
    #[track_caller]
    pub(super) fn await_runs(&mut self, day: Day, runs: &[(usize, Month)], empty: Option<usize>) {
        for run in runs {
            let settles = empty != Some(run.0);
            let kind = if settles {
                "month-settled"
            } else {
                "inquiry-answered"
            };
            self.await_run(day, *run, kind);
        }
    }

    /// Waits until so many cards are recorded.
    #[track_caller]
    pub(super) fn await_visits(&mut self, count: usize) {
        let work = self.work();
        until_within(work, &format!("{count} cards are recorded"), || {
            self.read_in_a_pause();
            (self.told.cards >= count).then_some(())
        });
    }

    /// What `shikaku tickets` shows.
    #[track_caller]
    pub(super) fn calendar(&self, facility: usize, month: Month) -> Shown {
        let month = month.to_string();
        let words = [
            "tickets",
            "--facility",
            FACILITIES[facility],
            "--month",
            &month,
            "--json",
        ];
        let shown = self.hub.ok(&words).last_object();
        let mut calendar = Shown::default();
        for row in shown["people"]
            .as_array()
            .unwrap_or_else(|| panic!("{shown}"))
        {
            let name = row["name"].as_str().unwrap().to_owned();
            let tickets = row["tickets"].as_array().unwrap();
            let again = match row["state"].as_str().unwrap() {
                "waiting" => !calendar.0.insert(name.clone()),
                "arrived" => calendar.1.insert(name.clone(), tickets.len()).is_some(),
                state => panic!("{state}: {row}"),
            };
            assert!(!again, "{name} stands there twice");
        }
        calendar
    }

    /// The terminals of a facility that asked for a result on a day.
    #[track_caller]
    pub(super) fn terminals_asking(&self, facility: usize, day: Day) -> BTreeSet<String> {
        let asked = self.requests().into_iter();
        let of = |it: &Asked| {
            (it.facility, it.day) == (facility, day) && it.file.starts_with("OQSmutic02req")
        };
        asked.filter(of).map(|it| it.terminal).collect()
    }

    /// The simulator's record of the requests it took.
    #[track_caller]
    pub(super) fn requests(&self) -> Vec<Asked> {
        let path = self.hub.folder().join("centre/requests.jsonl");
        let text = until("something was asked", || {
            std::fs::read_to_string(&path).ok()
        });
        let read = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let month = line["month"].as_str();
            Asked {
                facility: FACILITIES
                    .iter()
                    .position(|it| line["institution"] == *it)
                    .unwrap(),
                terminal: text("terminal"),
                file: text("file"),
                day: Day::read(&text("at")),
                month: month.map(|month| Month::new(month[4..].parse().unwrap())),
            }
        };
        text.lines().map(read).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for child in self.terminals.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Which ticket a `commissioned-ticket-arrived` tells of.
pub(super) fn ticket_of(event: &Value) -> TicketKey {
    let data = &event["data"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let month = text(&data["ticket"]["treatment_month"]);
    (
        FACILITIES
            .iter()
            .position(|it| event["facility"] == *it)
            .unwrap(),
        Month::new(month[5..].parse().unwrap()),
        text(&data["payer_number"]),
        text(&data["recipient_number"]),
        text(&data["ticket"]["issue_number"]),
    )
}
