//! Ctrl-C ends the hub and its broker cleanly, and what was recorded is there afterwards.

use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::process::below;
use shikaku_tests::settings::Settings;
use shikaku_tests::until;

#[test]
fn and_ends_with_0() {
    let mut hub = Hub::start(&Settings::default());
    hub.terminal("t1")
        .drop_face(&Face::assistance_only(1).utf8());
    let log = hub.await_events("verified", 1);
    assert!(hub.broker().is_some(), "a supervised broker runs");
    hub.process().interrupt();
    assert_eq!(hub.ended(), 0);
    until("nothing of it runs any more", || {
        below(hub.data_dir()).is_empty().then_some(())
    });

    assert_eq!(hub.log(), log, "the log can be read without a running hub");
    assert_eq!(hub.run(&["audit", "verify"]).code, 0);

    hub.resume();
    assert_eq!(hub.log(), log, "a new start adds nothing");
    hub.terminal("t1")
        .drop_face(&Face::assistance_only(2).utf8());
    hub.await_events("verified", 2);
}

#[test]
fn a_second_hub_in_the_same_folder_is_refused() {
    let hub = Hub::start(&Settings::default());
    let second = hub.run(&["up"]);
    assert_eq!(second.code, 1, "{second:?}");
    hub.terminal("t1")
        .drop_face(&Face::assistance_only(1).utf8());
    hub.await_events("verified", 1);
}
