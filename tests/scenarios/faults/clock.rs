//! The machine's clock jumps while files arrive.

use shikaku_tests::clock::WallClock;
use shikaku_tests::{checker, until};

use super::scene::{Scene, settings};

/// T20: a clock that jumps moves no position, and is told.
#[test]
fn that_jumps_is_told_and_moves_no_position_and_no_time_of_record_goes_back() {
    let mut scene = Scene::prepare(&settings());
    let clock = WallClock::beside(&scene.hub.folder().join("clock"));
    for (name, value) in clock.environment() {
        scene.hub.set(&name, &value);
    }
    scene.begin();
    // Half a year on, back before the beginning, over a midnight, over the end of a month.
    for jump in ["+0", "+180d", "-400d", "+12h", "-1d", "+9h", "+0"] {
        clock.shift(jump);
        scene.drop_faces(6);
        scene.await_recorded(scene.people as usize);
    }
    let log = scene.hub.log();
    checker::every_file_once(&log, scene.people as usize);
    let times: Vec<String> = log
        .iter()
        .map(|event| to_the_microsecond(event["recorded_at"].as_str().unwrap()))
        .collect();
    assert!(times.is_sorted(), "recorded_at goes back: {times:?}");
    let months = times.iter().map(|time| &time[..7]);
    assert!(
        months.collect::<std::collections::BTreeSet<_>>().len() > 1,
        "the clock did not jump"
    );
    for direction in ["forward", "back"] {
        until(&format!("a jump {direction} is told"), || {
            let jumps = scene.hub.metric("shikaku_clock_jumps_total", direction);
            (jumps > 0.0).then_some(())
        });
    }
    scene.check();
}

/// Times of one width sort as texts.
fn to_the_microsecond(time: &str) -> String {
    let (second, fraction) = time
        .trim_end_matches('Z')
        .split_once('.')
        .unwrap_or((time.trim_end_matches('Z'), ""));
    format!("{second}.{fraction:0<6}")
}
