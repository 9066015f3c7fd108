//! Every message between the hub and a terminal: requests as our writers write them, answered by the simulator,
//! which shares no line with them, and read by our readers.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::date;
use shikaku_schemas::group::Facility;
use shikaku_schemas::observation::{AnswerValidity, OqsAnswer, OqsFolder};
use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits};
use shikaku_schemas::oqs::consented::{self, Basis, Service};
use shikaku_schemas::oqs::job::{Accepted, BulkLimits, Poll, Survey, Units, survey};
use shikaku_schemas::oqs::medical::{self, Overview, Wanted, pdf_is_whole};
use shikaku_schemas::oqs::registration::{self, Outcome, Registration};
use shikaku_schemas::oqs::request::Head;
use shikaku_schemas::oqs::single::{self, Search};
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{
    Family, Form, Limits, Message, Reading, Request, Verdict, bulk, commissioned, read_answer,
};
use shikaku_schemas::value::{InquiryId, Method, Month};
use shikaku_terminal_simulator::{
    Person, Scenario, Simulator, SimulatorOptions, StandingClock, town,
};
use tokio_util::sync::CancellationToken;

const INSTITUTION: &str = "1319912349";
/// The simulator's own password for packed answers.
const PASSWORD: &[u8] = b"himitsu";

/// A terminal, and the desk before it.
struct Desk {
    root: tempfile::TempDir,
    facility: Facility,
    cancel: CancellationToken,
    running: tokio::task::JoinHandle<()>,
    sequence: u32,
}

impl Desk {
    fn start(scenario: &str, knobs: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let scenario = Scenario::parse(scenario).unwrap();
        let mut words = vec!["latency-ms=1"];
        words.extend(knobs);
        let clock = StandingClock::new("2026-05-21T09:15:00+09:00".parse().unwrap());
        let simulator = Simulator::new(SimulatorOptions {
            root: root.path().to_owned(),
            knobs: scenario.turn(&words).unwrap(),
            scenario,
            centre: None,
            clock: clock.lend(),
            speed: Some(1e6),
            desk: None,
        })
        .unwrap();
        let cancel = CancellationToken::new();
        let until = cancel.clone();
        Self {
            root,
            facility: serde_json::from_value(
                serde_json::json!({ "code": INSTITUTION, "name": "見本病院" }),
            )
            .unwrap(),
            running: tokio::spawn(async move { simulator.run(until).await.unwrap() }),
            cancel,
            sequence: 0,
        }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.running.await.unwrap();
    }

    /// Sends a request and waits for the file that answers it.
    async fn ask(&mut self, message: Message, request: &impl Request) -> PathBuf {
        self.sequence += 1;
        let name = message.name(date(2026, 5, 21), self.sequence).unwrap();
        let bytes = request.write(Encoding::Cp932).unwrap();
        let hidden = self.root.path().join("hidden");
        fs::write(&hidden, bytes).unwrap();
        fs::rename(hidden, self.root.path().join("req").join(&name)).unwrap();
        let answers = self.root.path().join("res");
        let is_answer = |path: &Path| {
            let found = path.file_name().unwrap().to_str().unwrap();
            Message::recognise(found, b"").is_some()
                && shikaku_schemas::oqs::file::answers(found, &name)
        };
        let waiting = async {
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            loop {
                tick.tick().await;
                let mut paths = fs::read_dir(&answers).unwrap().map(|e| e.unwrap().path());
                if let Some(path) = paths.find(|path| is_answer(path)) {
                    return path;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(240), waiting)
            .await
            .expect("an answer")
    }

    async fn read(&mut self, message: Message, request: &impl Request) -> Vec<u8> {
        fs::read(self.ask(message, request).await).unwrap()
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            folder: OqsFolder::Res,
            facility: &self.facility,
            schemes: &[],
            inquiry: Some(InquiryId(uuid::Uuid::from_u128(7))),
        }
    }

    /// Submits a job, asks until it is done, and gives the file of its result.
    async fn job(&mut self, family: Family, request: &impl Request) -> (Survey, PathBuf) {
        let accepted = self.read(Message::request(family), request).await;
        let accepted = Accepted::read(&accepted, &Limits::SINGLE).unwrap().unwrap();
        let poll = Poll {
            institution_code: INSTITUTION.to_owned(),
            reception_number: accepted.reception_number.clone(),
        };
        loop {
            let path = self.ask(Message::poll(family), &poll).await;
            let survey = with_result(&path, |bytes| survey(bytes, &BulkLimits::DEFAULT)).unwrap();
            assert_eq!(survey.reception_number(), Some(&*accepted.reception_number));
            if survey.verdict != Verdict::Working {
                return (survey, path);
            }
        }
    }

    fn units(&self, family: Family, survey: &Survey, path: &Path) -> Vec<OqsAnswer> {
        with_result(path, |bytes| {
            Units::new(bytes, &BulkLimits::DEFAULT)
                .map(|unit| unit.unwrap().answer(survey, family, &self.reading()))
                .collect::<Result<_, _>>()
                .unwrap()
        })
    }
}

/// The bytes of a result, packed or plain, as a stream.
fn with_result<T>(path: &Path, take: impl FnOnce(&mut dyn std::io::Read) -> T) -> T {
    let name = path.file_name().unwrap().to_str().unwrap();
    let message = Message::recognise(name, &fs::read(path).unwrap()[..8]).unwrap();
    let file = File::open(path).unwrap();
    if message.form == Form::Zip {
        let mut pack = Archive::open(file, &ArchiveLimits::DEFAULT, Some(PASSWORD)).unwrap();
        let mut entry = pack.message(&message.prefix()).unwrap();
        take(&mut entry)
    } else {
        take(&mut &file)
    }
}

fn head() -> Head {
    Head::new(INSTITUTION, "inquiry-1")
}

fn person(id: &str) -> Person {
    town().into_iter().find(|person| person.id == id).unwrap()
}

fn search(id: &str) -> Search {
    let person = person(id);
    let half = person.assistance.unwrap();
    Search {
        insurer_number: half.payer_number,
        symbol: None,
        number: half.recipient_number,
        branch: None,
        birth_date: person.birth_date,
        limit_certificate_consent: false,
        arbitrary_identifier: Some(id.to_owned()),
    }
}

fn entry(id: &str, reference_number: &str) -> Registration {
    let search = search(id);
    Registration {
        reference_number: reference_number.to_owned(),
        insurer_number: search.insurer_number,
        symbol: None,
        number: search.number,
        branch: None,
    }
}

const TODAY: jiff::civil::Date = date(2026, 5, 21);
const MAY: Month = Month {
    year: 2026,
    month: 5,
};

/// The ways a terminal may write, turned through together.
const MANNERS: [&[&str]; 4] = [
    &["encoding=utf-8"],
    &[
        "encoding=shift-jis",
        "order=shuffled",
        "bulk-form=zip",
        "working-rounds=1",
    ],
    &[
        "encoding=utf-8-bom",
        "numbers=h2",
        "bulk-form=zip-encrypted",
        "reception-place=header",
    ],
    &[
        "numbers=both",
        "combined-order=a1-first",
        "spelling=infection",
        "bulk-form=zip-odd",
    ],
];

#[tokio::test]
async fn inquiries_single_and_many() {
    for knobs in MANNERS {
        let mut desk = Desk::start("", knobs);
        let request = single::Request {
            head: head(),
            confirmed_on: TODAY,
            search: search("one-ticket"),
        };
        let bytes = desk.read(Message::request(Family::Single), &request).await;
        let answer = read_answer(&bytes, &Limits::SINGLE, &desk.reading()).unwrap();
        assert_eq!(answer.method, Method::Ticket);
        assert_eq!(answer.records[0].tickets[0].treatment_month, MAY);

        let ids = [
            "one-ticket",
            "not-commissioned-known",
            "lost-with-newer",
            "not-found",
            "rejected",
        ];
        let request = bulk::Request {
            head: head(),
            confirmed_on: TODAY,
            searches: ids.iter().map(|id| search(id)).collect(),
        };
        let (survey, path) = desk.job(Family::Bulk, &request).await;
        assert_eq!((survey.units, survey.counts_agree()), (5, true));
        let answers = desk.units(Family::Bulk, &survey, &path);
        let seen: Vec<_> = answers
            .iter()
            .map(|answer| {
                let echo = answer.search.as_ref().unwrap();
                (
                    echo.arbitrary_identifier.as_deref(),
                    answer.validity,
                    answer.rejected,
                )
            })
            .collect();
        let expected = [
            (Some(AnswerValidity::Valid), false),
            (Some(AnswerValidity::NotCommissioned), false),
            (Some(AnswerValidity::LostWithNewer), false),
            (Some(AnswerValidity::NotFound), false),
            (None, true),
        ];
        let expected: Vec<_> = ids
            .iter()
            .zip(expected)
            .map(|(id, (validity, rejected))| (Some(*id), validity, rejected))
            .collect();
        assert_eq!(seen, expected);
        assert!(answers.iter().all(|answer| answer.method == Method::Bulk));
        assert_eq!(
            answers[0].records[0]
                .reference_number
                .as_ref()
                .unwrap()
                .as_str(),
            "T00002"
        );
        desk.stop().await;
    }
}

#[tokio::test]
async fn fetches_of_a_month_and_of_consents() {
    let remote = "[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"\nby = \"home-visit\"\n\
        [[step]]\nat = \"09:00:00\"\nperson = \"two-tickets\"\nby = \"online\"";
    for knobs in MANNERS {
        let mut desk = Desk::start(remote, knobs);
        let request = commissioned::Request {
            head: head(),
            month: MAY,
        };
        let (survey, path) = desk.job(Family::Commissioned, &request).await;
        assert!(survey.counts_agree());
        let answers = desk.units(Family::Commissioned, &survey, &path);
        let tickets: usize = answers
            .iter()
            .map(|answer| answer.records[0].tickets.len())
            .sum();
        assert_eq!((answers.len(), tickets), (5, 6));
        for answer in &answers {
            assert_eq!(answer.method, Method::Commissioned);
            assert!(answer.warnings.is_empty(), "{:?}", answer.warnings);
            assert!(answer.records[0].numbers.payer_number.is_some());
        }
        for (service, name) in [
            (Service::HomeVisit, "見本　一葉"),
            (Service::Online, "見本　双葉"),
        ] {
            let request = consented::Request {
                head: head(),
                service,
                basis: Basis::Consent,
                from: date(2026, 5, 1),
                to: TODAY,
            };
            // The simulator plays its steps beside us.
            let answers = loop {
                let (survey, path) = desk.job(service.family(), &request).await;
                if survey.units > 0 {
                    break desk.units(service.family(), &survey, &path);
                }
            };
            assert_eq!(answers[0].records[0].person.name.as_deref(), Some(name));
            assert_eq!(Some(answers[0].method), service.family().method());
        }
        desk.stop().await;
    }
}

#[tokio::test]
async fn registrations_single_and_many() {
    for knobs in MANNERS {
        let mut desk = Desk::start("", knobs);
        let request = registration::Request {
            head: head(),
            registration: entry("one-ticket", "カルテ-1"),
        };
        let bytes = desk
            .read(Message::request(Family::Registration), &request)
            .await;
        let outcome = Outcome::read(&bytes, &Limits::SINGLE).unwrap();
        assert_eq!(outcome.refusal, None);
        assert_eq!(
            outcome.registered.reference_number.unwrap().as_str(),
            "カルテ-1"
        );
        let request = registration::BulkRequest {
            head: head(),
            registrations: vec![
                entry("two-tickets", "2"),
                entry("not-commissioned-new", "3"),
            ],
        };
        let (survey, path) = desk.job(Family::BulkRegistration, &request).await;
        assert_eq!((survey.units, survey.counts_agree()), (2, true));
        let outcomes = with_result(&path, |bytes| {
            Units::new(bytes, &BulkLimits::DEFAULT)
                .map(|unit| unit.unwrap().registration().unwrap().refusal.is_none())
                .collect::<Vec<_>>()
        });
        assert_eq!(outcomes, [true, false]);
        desk.stop().await;
    }
}

#[tokio::test]
async fn medical_information_as_xml_and_as_pdf() {
    for knobs in MANNERS {
        let mut all = knobs.to_vec();
        all.push("consent-check=assumed");
        let mut desk = Desk::start("", &all);
        let about = search("one-ticket");
        let request = |wanted, form| medical::Request {
            head: head(),
            insurer_number: about.insurer_number.clone(),
            symbol: None,
            number: about.number.clone(),
            branch: None,
            wanted,
            form,
        };
        let drugs = Wanted::Drugs {
            from: Month {
                year: 2026,
                month: 3,
            },
            to: MAY,
            with_treatments: true,
        };
        for (wanted, family) in [(drugs, Family::Drugs), (Wanted::Checkups, Family::Checkups)] {
            let bytes = desk
                .read(Message::request(family), &request(wanted, Form::Xml))
                .await;
            let seen = Overview::read(&bytes, family, &Overview::LIMITS).unwrap();
            assert_eq!(seen.refusal, None);
            assert_eq!(seen.drugs > 0, family == Family::Drugs);
            assert!(
                seen.months
                    .iter()
                    .all(|month| (3..=5).contains(&month.month))
            );
            let bytes = desk
                .read(Message::request(family), &request(wanted, Form::Pdf))
                .await;
            pdf_is_whole(&bytes).unwrap();
        }
        desk.stop().await;
    }
}

#[tokio::test]
async fn refusals_are_read_as_refusals() {
    let mut desk = Desk::start("", &[]);
    let request = commissioned::Request {
        head: Head::new("1345077885", "inquiry-2"),
        month: MAY,
    };
    let bytes = desk
        .read(Message::request(Family::Commissioned), &request)
        .await;
    let refusal = Accepted::read(&bytes, &Limits::SINGLE)
        .unwrap()
        .unwrap_err();
    assert_eq!(refusal.code.as_deref(), Some("SIM0003"));
    let poll = Poll {
        institution_code: INSTITUTION.to_owned(),
        reception_number: "202605210000000099".to_owned(),
    };
    let path = desk.ask(Message::poll(Family::Commissioned), &poll).await;
    let survey = with_result(&path, |bytes| survey(bytes, &BulkLimits::DEFAULT)).unwrap();
    assert!(matches!(survey.verdict, Verdict::Refused(_)));
    let about = search("one-ticket");
    let request = medical::Request {
        head: head(),
        insurer_number: about.insurer_number,
        symbol: None,
        number: about.number,
        branch: None,
        wanted: Wanted::Checkups,
        form: Form::Xml,
    };
    let bytes = desk
        .read(Message::request(Family::Checkups), &request)
        .await;
    let seen = Overview::read(&bytes, Family::Checkups, &Overview::LIMITS).unwrap();
    assert!(seen.refusal.is_some() && seen.is_empty());
    desk.stop().await;
}

/// A whole town in one encrypted pack, taken unit by unit. `SHIKAKU_PEOPLE=100000` makes it a large one.
#[tokio::test]
async fn a_town_is_fetched_in_one_pack() {
    let people: u32 = std::env::var("SHIKAKU_PEOPLE").map_or(300, |people| people.parse().unwrap());
    let knob = format!("people={people}");
    let mut desk = Desk::start("", &[&knob, "bulk-form=zip-encrypted"]);
    let request = commissioned::Request {
        head: head(),
        month: MAY,
    };
    let (survey, path) = desk.job(Family::Commissioned, &request).await;
    assert!(survey.counts_agree());
    assert!(survey.units > people * 95 / 100, "{}", survey.units);
    let mut tickets = 0;
    with_result(&path, |bytes| {
        for unit in Units::new(bytes, &BulkLimits::DEFAULT) {
            let answer = unit
                .unwrap()
                .answer(&survey, Family::Commissioned, &desk.reading())
                .unwrap();
            tickets += answer.records[0].tickets.len();
        }
    });
    assert!(tickets > people as usize, "some have two");
    desk.stop().await;
}
