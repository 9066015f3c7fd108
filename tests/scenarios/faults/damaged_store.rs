//! Bits that flip in the broker's own files while it is down.

use std::path::{Path, PathBuf};
use std::time::Duration;

use shikaku_tests::checker;
use shikaku_tests::folder::files_below;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{asked, user};
use shikaku_tests::until_within;

use super::scene::Scene;

/// How long it may take until the damage is noticed and mended.
const REST: Duration = Duration::from_secs(120);

/// Where in a record of a block file a bit is turned, and what nats-server makes of it.
#[derive(Debug, Clone, Copy)]
enum Bit {
    /// Of its length: the server cuts the stream there, and after an orderly end takes nothing more in order.
    Length,
    /// Of its sequence: after an orderly end the server does not come up.
    Sequence,
    /// Of its body: found when it is read.
    Body,
}

impl Bit {
    const fn offset(self) -> usize {
        match self {
            Self::Length => 1,
            Self::Sequence => 4,
            Self::Body => 60,
        }
    }
}

/// Where a stream's second record begins in its first block: behind the first, whose parts the broker tells. The store
/// is encrypted byte by byte.
fn second_record(hub: &Hub, stream: &str) -> usize {
    let subject = format!("$JS.API.STREAM.MSG.GET.{stream}");
    let first = &asked(&user(hub, "hub"), &subject, r#"{"seq":1}"#)["message"];
    let decoded = |part: &str| {
        let text = first[part].as_str().unwrap_or_default();
        text.len() / 4 * 3 - text.bytes().filter(|byte| *byte == b'=').count()
    };
    let headers = match decoded("hdrs") {
        0 => 0,
        headers => 4 + headers,
    };
    22 + first["subject"].as_str().expect("a subject").len() + headers + decoded("data") + 8
}

/// Turns one bit of a stream's first block.
fn damage(store: &Path, stream: &str, place: usize) {
    let messages = format!("/streams/{stream}/msgs");
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u32>().ok();
    let path = files_below(store)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "blk"))
        .filter(|path| {
            path.parent()
                .is_some_and(|parent| parent.to_string_lossy().ends_with(&messages))
        })
        .min_by_key(number)
        .unwrap_or_else(|| panic!("{stream} has no block"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

/// Whether the broker gives the message whose record was damaged.
fn readable(hub: &Hub, stream: &str) -> bool {
    let subject = format!("$JS.API.STREAM.MSG.GET.{stream}");
    asked(&user(hub, "hub"), &subject, r#"{"seq":2}"#)["message"].is_object()
}

/// T15: a damaged store of the broker is noticed and filled again.
#[test]
fn is_noticed_and_filled_again_from_the_ledger() {
    let mut scene = Scene::start();
    scene.drop_faces(60);
    scene.check();
    let ends = [
        (Bit::Length, false),
        (Bit::Body, false),
        (Bit::Sequence, false),
        (Bit::Length, true),
        (Bit::Body, true),
    ];
    for (bit, killed) in ends {
        let places = ["LOG", "FEED_RECEIPT", "FEED_DEPARTMENT"]
            .map(|stream| (stream, second_record(&scene.hub, stream) + bit.offset()));
        if killed {
            let broker = scene.hub.broker().unwrap();
            scene.hub.kill();
            broker.kill();
            shikaku_tests::until("the broker is gone", || (!broker.runs()).then_some(()));
        } else {
            scene.hub.process().interrupt();
            assert_eq!(scene.hub.ended(), 0);
        }
        let store = scene.hub.store();
        for (stream, place) in places {
            damage(&store, stream, place);
        }
        scene.hub.resume();
        scene.drop_faces(20);
        for (stream, _) in places {
            until_within(REST, &format!("{stream} is whole after {bit:?}"), || {
                readable(&scene.hub, stream).then_some(())
            });
        }
        scene.check();
        let projections = user(&scene.hub, "projections");
        checker::copy(&projections, &scene.hub.log());
    }
}
