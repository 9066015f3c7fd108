//! `data_dir` on a disk of its own that fills, frees and turns read-only.

use shikaku_tests::folder::files_below;
use shikaku_tests::until;
use shikaku_tests::volume::Volume;

use super::scene::{Scene, settings};

/// The broker wants 256 MiB of it free before it makes the stream of observations.
const MEBIBYTES: u32 = 600;

/// T19: a full, read-only or failing disk: nothing acknowledged falsely, recovery by itself.
#[test]
fn takes_no_file_it_cannot_keep_and_goes_on_by_itself_when_there_is_room() {
    let mut scene = Scene::prepare(&settings());
    let volume = Volume::mount(scene.hub.data_dir(), MEBIBYTES);
    scene.begin();
    scene.drop_faces(20);
    scene.check();

    volume.fill();
    scene.drop_faces(40);
    until("a spool said that it has no room", || {
        let refused = scene.hub.metric("shikaku_terminal_spool_refused_total", "");
        (refused > 0.0).then_some(())
    });
    let left = files_below(&scene.hub.terminal("t2").faces()).len();
    assert!(left > 0, "files without a place stay where they are");
    // Whatever was let go must be on the disk already.
    scene.hub.kill();
    volume.free();
    scene.hub.resume();
    scene.check();

    volume.fill();
    scene.drop_faces(40);
    until("a spool said that it has no room", || {
        let refused = scene.hub.metric("shikaku_terminal_spool_refused_total", "");
        (refused > 0.0).then_some(())
    });
    volume.free();
    scene.check();
    assert!(scene.hub.runs(), "nobody had to start it again");
    drop(scene);
}

/// T19: a full, read-only or failing disk: nothing acknowledged falsely, recovery by itself.
#[test]
fn a_read_only_one_is_refused_at_the_start() {
    let mut scene = Scene::prepare(&settings());
    let volume = Volume::mount(scene.hub.data_dir(), MEBIBYTES);
    scene.begin();
    scene.drop_faces(4);
    scene.check();
    scene.hub.process().interrupt();
    assert_eq!(scene.hub.ended(), 0);

    volume.read_only(true);
    scene.drop_faces(4);
    assert_eq!(scene.hub.fails(), 1);
    assert_eq!(files_below(&scene.hub.terminal("t2").faces()).len(), 2);

    volume.read_only(false);
    scene.hub.resume();
    scene.check();
    drop(scene);
}
