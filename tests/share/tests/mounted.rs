//! What near sees of what far does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use shikaku_share::Share;

struct Scene {
    share: Share,
    far: PathBuf,
    near: PathBuf,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (far, near) = (folder.path().join("far"), folder.path().join("near"));
    Scene {
        share: Share::mount(&far, &near, 3),
        far,
        near,
        _folder: folder,
    }
}

/// Asks again until there is an answer; how long that took.
#[track_caller]
fn until(what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
    begin.elapsed()
}

impl Scene {
    fn is_listed(&self, name: &str) -> Option<bool> {
        let names: Result<Vec<_>, _> = fs::read_dir(&self.near).ok()?.collect();
        Some(names.ok()?.iter().any(|entry| entry.file_name() == name))
    }
}

#[test]
fn names_come_and_go_late_and_times_are_coarse() {
    let scene = scene();
    until("an empty folder is listed", || {
        scene.is_listed("a.xml") == Some(false)
    });
    fs::write(scene.far.join("a.xml"), b"bytes").unwrap();
    until("it is listed", || scene.is_listed("a.xml") == Some(true));
    until("it is read", || {
        fs::read(scene.near.join("a.xml")).is_ok_and(|bytes| bytes == b"bytes")
    });
    let told = until("its time is told", || {
        fs::metadata(scene.near.join("a.xml")).is_ok_and(|told| told.mtime() % 2 == 0)
    });
    assert!(told < Duration::from_secs(1));
    let mut late = Duration::ZERO;
    for n in 0..10 {
        let name = format!("{n}.xml");
        until("the folder is listed", || {
            scene.is_listed(&name) == Some(false)
        });
        fs::write(scene.far.join(&name), b"x").unwrap();
        late += until("it is listed", || scene.is_listed(&name) == Some(true));
        fs::remove_file(scene.far.join(&name)).unwrap();
        late += until("it is gone", || scene.is_listed(&name) == Some(false));
    }
    assert!(late > Duration::from_secs(1), "{late:?}");
}

#[test]
fn what_far_writes_is_locked_and_a_cut_line_tells_nothing() {
    let scene = scene();
    let path = scene.far.join("a.xml");
    fs::write(&path, b"half").unwrap();
    let lock = scene.share.lock(&path);
    let opened = (0..50).filter(|_| fs::read(scene.near.join("a.xml")).is_ok());
    assert_eq!(opened.count(), 0);
    drop(lock);
    until("it is free", || fs::read(scene.near.join("a.xml")).is_ok());
    scene.share.cut(true);
    assert!(fs::read_dir(&scene.near).is_err());
    scene.share.cut(false);
    until("it is back", || scene.is_listed("a.xml") == Some(true));
    assert!(scene.share.tally().failed["open-locked"] > 0);
}

#[test]
fn what_near_renames_is_there_whatever_near_heard() {
    let scene = scene();
    for n in 0..40 {
        let (from, to) = (format!("{n}.tmp"), format!("{n}.xml"));
        until("it is written", || {
            fs::write(scene.near.join(&from), b"request").is_ok()
        });
        until("it is renamed", || {
            let renamed = fs::rename(scene.near.join(&from), scene.near.join(&to));
            renamed.is_ok() || scene.far.join(&to).exists()
        });
        assert_eq!(fs::read(scene.far.join(&to)).unwrap(), b"request");
    }
    let tally = scene.share.tally();
    assert_eq!(tally.renamed.len(), 40);
    assert!(tally.failed["unheard"] > 0, "{:?}", tally.failed);
}
