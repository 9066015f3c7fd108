//! Lines that break: between the hub and its database, between a consumer and the broker, and a consumer that is away.

use std::time::Duration;

use shikaku_tests::chance::Moments;
use shikaku_tests::checker;
use shikaku_tests::face::Face;
use shikaku_tests::feed::{Subscriber, each_once};
use shikaku_tests::hub::Hub;
use shikaku_tests::line::Line;
use shikaku_tests::outside::credentials;
use shikaku_tests::postgres::Postgres;

use super::scene::{Scene, settings};

const CUTS: u32 = 8;
const FILES: u32 = 120;

/// T1: no acknowledged event is lost.
#[test]
fn to_the_database_lose_nothing_and_repeat_nothing() {
    let postgres = Postgres::start();
    postgres.database("ledger");
    let line = Line::to_socket(&postgres.socket());
    let mut settings = settings();
    settings.database = Some(format!(
        "postgres://postgres@{}/ledger?sslmode=disable",
        line.address
    ));
    let mut scene = Scene::prepare(&settings);
    scene.begin();
    scene.drop_faces(4);
    scene.check();
    let mut moments = Moments::seeded();
    for cut in 0..CUTS {
        scene.drop_faces(FILES / CUTS);
        // The moment of the cut, not a condition.
        std::thread::park_timeout(Duration::from_millis(moments.next(300)));
        match cut % 4 {
            0 | 1 => line.tear(),
            2 => {
                line.cut();
                std::thread::park_timeout(Duration::from_millis(200 + moments.next(1500)));
                line.mend();
            }
            _ => {
                line.silence();
                std::thread::park_timeout(Duration::from_millis(200 + moments.next(1500)));
                line.mend();
            }
        }
    }
    scene.check();
    assert!(scene.hub.runs(), "nobody had to start it again");
}

/// T2: no reader skips.
/// T34: a consumer cut off finds its backlog in order.
#[test]
fn to_a_consumer_cost_it_nothing() {
    let mut hub = Hub::start(&settings());
    let line = Line::to(hub.nats());
    let mut away = credentials(&hub, "ward-3");
    away["url"] = format!("nats://{}", line.address).into();
    let ward = Subscriber::with(&away);
    let mut moments = Moments::seeded();
    for n in 0..FILES {
        let face = Face::assistance_only(n).utf8();
        hub.terminal("t1").drop_face(&face);
        match n % 30 {
            10 => line.tear(),
            15 => line.silence(),
            20 => line.mend(),
            22 => line.cut(),
            29 => line.mend(),
            _ => std::thread::park_timeout(Duration::from_millis(moments.next(30))),
        }
    }
    let told = checker::all(&ward, &[], "assistance-changed", FILES as usize);
    assert_eq!(each_once(&told).len(), FILES as usize);
    checker::recorded(&hub, FILES as usize);
    assert!(hub.runs());
}

/// T34: a consumer cut off finds its backlog in order.
/// It was away for everything: what waited comes in order, once, and so does what arrives meanwhile.
#[test]
fn to_a_consumer_long_gone_leave_a_backlog_that_drains_in_order() {
    let mut scene = Scene::prepare(&settings());
    scene.hub.resume();
    scene.drop_faces(FILES);
    scene.await_recorded(FILES as usize);
    let people = FILES as usize;
    let ward = Subscriber::of(&scene.hub, "ward-3");
    scene.drop_faces(20);
    let told = checker::all(&ward, &[], "assistance-changed", people + 20);
    let numbers: Vec<u64> = told
        .iter()
        .map(shikaku_tests::feed::Message::sequence)
        .collect();
    assert!(numbers.is_sorted(), "in order: {numbers:?}");
    assert_eq!(each_once(&told).len(), people + 20);
    scene.check();
}
