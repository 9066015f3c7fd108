//! A consumer reaches its own durable and its own state, and is refused everything else.

use shikaku_tests::feed::Subscriber;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{Client, credentials};
use shikaku_tests::program::sample;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::until;

struct Consumer {
    name: &'static str,
    audience: &'static str,
    stream: &'static str,
}

const RECEIPT: Consumer = Consumer {
    name: "receipt-a",
    audience: "receipt",
    stream: "FEED_RECEIPT",
};
const WARD: Consumer = Consumer {
    name: "ward-3",
    audience: "department",
    stream: "FEED_DEPARTMENT",
};

#[test]
fn from_each_other_and_from_the_hub() {
    let hub = Hub::start(&Settings::default().consumers(&[
        (RECEIPT.name, RECEIPT.audience),
        (WARD.name, WARD.audience),
        ("ward-4", WARD.audience),
    ]));
    the_ward_hears_nothing_of_the_receipt_computer(&hub);
    for (own, other) in [(&RECEIPT, &WARD), (&WARD, &RECEIPT)] {
        everything_else_is_refused(&hub, own, other);
    }
    two_wards_do_not_steal_from_each_other(&hub);
}

fn the_ward_hears_nothing_of_the_receipt_computer(hub: &Hub) {
    let spy = Client::start("eavesdrop.py", &credentials(hub, WARD.name), &["_INBOX.>"]);
    let receipt = Subscriber::of(hub, RECEIPT.name);
    hub.terminal("t1")
        .drop_face(&sample("face-assistance-only-utf8.xml"));
    until("the receipt computer has its ticket", || {
        receipt
            .messages()
            .iter()
            .any(|message| message.kind() == "commissioned-ticket-arrived")
            .then_some(())
    });
    let heard = spy.finish();
    assert_eq!(heard[0]["heard"], serde_json::json!([]));
}

fn everything_else_is_refused(hub: &Hub, own: &Consumer, other: &Consumer) {
    let credentials = credentials(hub, own.name);
    assert_eq!(credentials["stream"], own.stream);
    assert_eq!(credentials["durable"], own.name);
    let attempts = Client::start(
        "refused.py",
        &credentials,
        &[
            own.audience,
            FACILITY,
            other.audience,
            other.stream,
            other.name,
        ],
    )
    .finish();
    let allowed: Vec<_> = attempts
        .iter()
        .filter(|line| line["allowed"].is_string())
        .collect();
    assert_eq!(allowed.len(), 2);
    for line in allowed {
        assert!(
            line["answer"].is_object() && line["answer"]["error"].is_null(),
            "{line}"
        );
    }
    let tried: Vec<_> = attempts
        .iter()
        .filter(|line| line["attempt"].is_string())
        .collect();
    assert!(tried.len() > 150, "only {} attempts", tried.len());
    let got_through: Vec<_> = tried
        .into_iter()
        .filter(|line| line["refused"] != true || !line["answer"].is_null())
        .map(ToString::to_string)
        .collect();
    assert!(
        got_through.is_empty(),
        "{}:\n{}",
        own.name,
        got_through.join("\n")
    );
}

fn two_wards_do_not_steal_from_each_other(hub: &Hub) {
    for ward in [WARD.name, "ward-4"] {
        let messages = Subscriber::of(hub, ward).await_messages(1);
        assert_eq!(messages[0].body["assistance"], "yes");
    }
}
