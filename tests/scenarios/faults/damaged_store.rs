//! Bits that flip in the broker's own files while it is down.

use std::path::Path;

use shikaku_tests::checker;
use shikaku_tests::folder::files_below;
use shikaku_tests::outside::user;

use super::scene::Scene;

/// Turns one bit in the middle of every block file of a stream; how many there were.
fn damage(store: &Path, stream: &str) -> usize {
    let of_stream = format!("/streams/{stream}/");
    let mut damaged = 0;
    for path in files_below(store) {
        let name = path.to_string_lossy();
        if !name.contains(&of_stream) || !name.ends_with(".blk") {
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(byte) = bytes
            .len()
            .checked_div(2)
            .and_then(|half| bytes.get_mut(half))
        {
            *byte ^= 1;
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    damaged
}

#[test]
fn is_noticed_and_filled_again_from_the_ledger() {
    let mut scene = Scene::start();
    scene.drop_faces(60);
    scene.check();
    for killed in [false, true] {
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
        for stream in ["LOG", "FEED_RECEIPT", "FEED_DEPARTMENT"] {
            assert!(damage(&store, stream) > 0, "{stream} has a block");
        }
        scene.hub.resume();
        scene.drop_faces(20);
        scene.check();
        let projections = user(&scene.hub, "projections");
        checker::copy(&projections, &scene.hub.log());
    }
}
