//! Known with numbers in April, 未委託 in May: what speaks of May carries no number; April still does.

use serde_json::Value;
use shikaku_tests::face::Face;
use shikaku_tests::feed::{Message, Subscriber};
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{Client, credentials};
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::until;
use shikaku_tests::words::{holds, objects, speaks_of};

#[test]
fn while_may_has_none() {
    let audiences = ["receipt", "ehr", "dispensing", "department"];
    let consumers: Vec<_> = audiences
        .iter()
        .map(|audience| (*audience, *audience))
        .collect();
    let hub = Hub::start(&Settings::default().consumers(&consumers));
    let subscribers: Vec<Subscriber> = audiences
        .iter()
        .map(|audience| Subscriber::of(&hub, audience))
        .collect();
    let april = Face {
        at: "20260415100000".to_owned(),
        ..Face::assistance_only(900)
    };
    let may = Face {
        at: "20260511100000".to_owned(),
        ..Face::not_commissioned(900)
    };
    let hidden = [april.payer.clone(), april.recipient.clone()];

    hub.terminal("t1").drop_face(&april.utf8());
    let before = hub.await_events("verified", 1);
    let ward = &subscribers[3];
    ward.await_messages(1);
    let heard = until("April's ticket reached the receipt computer", || {
        let messages = subscribers[0].messages();
        messages
            .iter()
            .any(|message| holds(&message.body, &april.recipient))
            .then_some(messages)
    });
    assert!(!heard.is_empty());

    hub.terminal("t1").drop_face(&may.utf8());
    let log = hub.await_events("verified", 2);
    let words: Vec<Value> = ward
        .await_messages(2)
        .into_iter()
        .map(|message| message.body["assistance"].clone())
        .collect();
    assert_eq!(words, ["yes", "pending"]);
    assert_eq!(
        count(&log, "patient-first-seen"),
        1,
        "it is the same record"
    );
    for event in &log[before.len()..] {
        free_of(&hidden, "the events of May's answer", event);
    }
    assert_eq!(log.last().unwrap()["patient"], before[0]["patient"]);

    feeds_of_may(&subscribers, &hidden);
    states(&hub, &audiences, &hidden);
    answers_of_the_command_line(&hub, &may.reference, &hidden);
    let words = format!("{}{}", hub.said(), hub.get("/metrics"));
    assert!(!hidden.iter().any(|number| words.contains(number)));
}

fn count(log: &[Value], kind: &str) -> usize {
    log.iter().filter(|event| event["type"] == kind).count()
}

#[track_caller]
fn free_of(hidden: &[String], place: &str, value: &Value) {
    for number in hidden {
        assert!(!holds(value, number), "{number} stands in {place}: {value}");
    }
}

fn feeds_of_may(subscribers: &[Subscriber], hidden: &[String]) {
    until("May's answer reached the receipt computer", || {
        let messages = subscribers[0].messages();
        messages
            .iter()
            .any(|message| speaks_of(&message.body, "2026-05"))
            .then_some(())
    });
    for subscriber in subscribers {
        let of_may = subscriber
            .messages()
            .into_iter()
            .filter(|message: &Message| {
                !objects(&message.body, &|object| speaks_of(object, "2026-05")).is_empty()
            });
        for message in of_may {
            free_of(hidden, "a feed message of May", &message.body);
        }
    }
}

/// `state` is asked for the record as it is: what in it is of May holds no number.
fn states(hub: &Hub, audiences: &[&str], hidden: &[String]) {
    for audience in audiences {
        let subject = format!("shikaku.svc.{audience}.{FACILITY}.state");
        let answer = Client::start(
            "request.py",
            &credentials(hub, audience),
            &[&subject, "{\"patient\":\"K000900\"}"],
        )
        .finish()
        .remove(0);
        for object in objects(&answer, &|object| speaks_of(object, "2026-05")) {
            free_of(hidden, &subject, object);
        }
    }
}

fn answers_of_the_command_line(hub: &Hub, patient: &str, hidden: &[String]) {
    let ask = |words: &[&str]| {
        let known = ["--facility", FACILITY, "--patient", patient, "--json"];
        hub.ok(&[words, &known].concat()).json()
    };
    for words in [
        &["display", "--method", "card", "--valid-on", "2026-05-11"][..],
        &["display", "--method", "ticket", "--valid-on", "2026-05-11"],
        &["history", "--valid-on", "2026-05-11"],
    ] {
        free_of(hidden, &words.join(" "), &ask(words));
    }
    for words in [
        &["display", "--method", "card", "--valid-on", "2026-04-15"][..],
        &["history", "--valid-on", "2026-04-15"],
        &["history"],
    ] {
        let answer = ask(words);
        for number in hidden {
            assert!(
                holds(&answer, number),
                "{number} is missing from {words:?}: {answer}"
            );
        }
    }
    for object in objects(&ask(&["history"]), &|object| speaks_of(object, "2026-05")) {
        free_of(hidden, "what the whole history says of May", object);
    }
}
