//! The same command again and again, and many answers about one person at once.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::{Value, json};
use shikaku_tests::checker;
use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{asked, operator};
use shikaku_tests::settings::{FACILITY, Settings};

const CALLERS: usize = 50;
const TIMES: usize = 20;

fn command() -> Value {
    json!({
        "command_id": "01978f00-0000-7000-8000-000000000001",
        "by": "desk",
        "command": "inquire-ticket",
        "arguments": {
            "facility": FACILITY, "payer_number": "12997011", "recipient_number": "4001012",
            "birth_date": "1962-07-19", "purpose": "visit",
        },
    })
}

/// One caller at the hub's socket; its answers.
fn ask(socket: &PathBuf, times: usize) -> Vec<String> {
    let mut line = UnixStream::connect(socket).unwrap();
    let mut answers = BufReader::new(line.try_clone().unwrap());
    (0..times)
        .map(|_| {
            writeln!(line, "{}", command()).unwrap();
            let mut answer = String::new();
            answers.read_line(&mut answer).unwrap();
            answer
        })
        .collect()
}

/// T5: a command has one effect and one answer.
#[test]
fn given_a_thousand_times_at_once_have_one_effect_and_one_answer() {
    let mut hub = Hub::start(&Settings::default());
    let socket = hub.data_dir().join("hub.sock");
    let mut answers: BTreeSet<String> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| scope.spawn(|| ask(&socket, TIMES)))
            .collect();
        callers
            .into_iter()
            .flat_map(|caller| caller.join().unwrap())
            .collect()
    });
    let subject = format!("shikaku.cmd.{FACILITY}.inquire-ticket");
    let over_the_broker = asked(&operator(&hub), &subject, &command().to_string());
    hub.kill();
    hub.resume();
    answers.extend(ask(&socket, 1));
    assert_eq!(answers.len(), 1, "{answers:?}");
    let answer: Value = serde_json::from_str(answers.first().unwrap()).unwrap();
    assert_eq!(answer["result"], "done");
    assert_eq!(over_the_broker, answer);
    let log = hub.log();
    let requested: Vec<_> = log
        .iter()
        .filter(|event| event["type"] == "inquiry-requested")
        .collect();
    assert_eq!(requested.len(), 1);
    assert_eq!(requested[0]["position"], answer["position"]);
}

/// T6: of many at once about one patient none is dropped.
#[test]
fn of_twenty_answers_about_one_person_at_once_none_is_dropped() {
    let hub = Hub::start(&Settings::default().terminals(&["t1", "t2"]));
    let terminals = [hub.terminal("t1"), hub.terminal("t2")];
    std::thread::scope(|scope| {
        for n in 0..20 {
            let face = Face {
                identifier: format!("answer{n}"),
                at: format!("202605110915{n:02}"),
                ..Face::assistance_only(1)
            };
            let terminal = &terminals[n % 2];
            scope.spawn(move || terminal.drop_face(&face.utf8()));
        }
    });
    let log = hub.await_events("verified", 20);
    let records: BTreeSet<_> = log
        .iter()
        .filter_map(|event| event["patient"].as_str())
        .collect();
    assert_eq!(records.len(), 1);
    let count = |kind| log.iter().filter(|event| event["type"] == kind).count();
    assert_eq!((count("verified"), count("patient-first-seen")), (20, 1));
    for (event, position) in log.iter().zip(1u64..) {
        assert_eq!(event["position"], position);
    }
    checker::folder_equation(&hub);
    assert_eq!(hub.run(&["audit", "verify"]).code, 0);
}
