//! Copies that can't be delivered hold up nobody but themselves.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use shikaku_disk::SystemDisk;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use tempfile::TempDir;

use super::*;
use crate::meddler::{Call, Meddler};

struct Place {
    directory: TempDir,
    mirror: Mirror,
    seen: Seen,
}

impl Place {
    fn new() -> Self {
        Self::on(Arc::new(SystemDisk))
    }

    fn on(disk: Arc<dyn Disk>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = SealKey::from_bytes([9; 32]);
        let terminals = ["a", "b"].map(|id| VirtualTerminal {
            id: id.to_owned(),
            root: directory.path().join(id),
            terminal: None,
        });
        let now = SystemClock.now();
        Self {
            mirror: Mirror::open(&disk, directory.path(), &terminals, &key, "desk").unwrap(),
            seen: Seen::open(&disk, directory.path(), &key, 100, now).unwrap(),
            directory,
        }
    }

    fn deliver(&mut self, n: u8) -> io::Result<()> {
        let name = format!("{n}.xml");
        let now = SystemClock.now();
        self.mirror
            .deliver(name.as_ref(), &[n], &[n; 32], &mut self.seen, now)
    }

    /// The answer to one request of `a`.
    fn give_back(&self, is_half: bool, bytes: &[u8]) {
        let answer = ProgramsAnswer {
            program: "a",
            name: "3.xml",
            key: &hex(&[3; 16]),
            is_half,
        };
        self.mirror.give_back(&answer, || Ok(bytes)).unwrap();
    }

    fn make(&self, id: &str) -> PathBuf {
        let face = self.directory.path().join(id).join("face");
        fs::create_dir_all(&face).unwrap();
        face
    }

    fn waiting(&self, id: &str) -> PathBuf {
        self.directory.path().join("mirror").join(id)
    }

    /// What waits, by its number.
    fn numbers(&self, id: &str) -> Vec<u8> {
        let waits = |n: &u8| self.waiting(id).join(hex(&[*n; 16])).exists();
        (0..10).filter(waits).collect()
    }
}

#[test]
fn a_copy_that_cannot_be_delivered_keeps_none_behind_it() {
    // Wherever it stands in the listing.
    for blocked in 0..4 {
        let mut place = Place::new();
        for n in 0..4 {
            place.deliver(n).unwrap();
        }
        let face = place.make("a");
        let theirs = face.join(format!("{blocked}.xml"));
        fs::write(&theirs, b"the program's own").unwrap();
        place.mirror.catch_up(Instant::now());
        assert_eq!(place.numbers("a"), [blocked]);
        assert_eq!(fs::read_dir(&face).unwrap().count(), 4);
        let told = |place: &Place| {
            let targets = place.mirror.targets.iter();
            targets.map(|target| target.told).collect::<Vec<_>>()
        };
        let (exists, away) = (io::ErrorKind::AlreadyExists, io::ErrorKind::NotFound);
        assert_eq!(told(&place), [Some(exists), Some(away)]);
        fs::remove_file(theirs).unwrap();
        place.make("b");
        place.mirror.catch_up(Instant::now() + TRY_AGAIN);
        assert_eq!(told(&place), [None, None]);
        assert!(place.numbers("a").is_empty() && place.numbers("b").is_empty());
    }
}

#[test]
fn a_folder_that_takes_nothing_is_tried_once_a_round() {
    let (tries, is_full) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(true)),
    );
    let (tried, full) = (tries.clone(), is_full.clone());
    let mut place = Place::on(Meddler::new(move |call, path| {
        let refuses = path.ends_with("a/face/1.xml") || full.load(Ordering::Relaxed);
        match call == Call::RenameNew && refuses {
            true => {
                tried.fetch_add(1, Ordering::Relaxed);
                Err(io::ErrorKind::StorageFull.into())
            }
            false => Ok(()),
        }
    }));
    for n in 0..4 {
        place.deliver(n).unwrap();
    }
    place.make("a");
    for round in 1..4_u32 {
        place.mirror.catch_up(Instant::now() + TRY_AGAIN * round);
        assert_eq!(tries.load(Ordering::Relaxed), round as usize);
    }
    // One of which the share says the same for ever has none behind it for long.
    is_full.store(false, Ordering::Relaxed);
    for round in 4..6 {
        place.mirror.catch_up(Instant::now() + TRY_AGAIN * round);
    }
    assert_eq!(place.numbers("a"), [1]);
}

#[test]
fn of_two_folders_that_refuse_something_neither_keeps_the_others_back() {
    // By their order in the directory: refused for ever, to be had, refused for now.
    let mut place = Place::on(Meddler::new(|call, path| {
        let refuses = path.ends_with("a/face/1.xml") || path.ends_with("a/res/3.xml");
        match call == Call::RenameNew && refuses {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => Ok(()),
        }
    }));
    for n in 1..3 {
        place.deliver(n).unwrap();
    }
    place.give_back(false, b"an answer");
    place.make("a");
    fs::create_dir(place.directory.path().join("a/res")).unwrap();
    for round in 1..4_u32 {
        place.mirror.catch_up(Instant::now() + TRY_AGAIN * round);
    }
    assert_eq!(place.numbers("a"), [1, 3]);
}

#[test]
fn a_whole_answer_takes_the_place_of_its_halves_whenever_the_program_can_be_reached() {
    let mut place = Place::new();
    let res = place.directory.path().join("a/res");
    let away = place.directory.path().join("away");
    let waiting = place.waiting("a");
    for half_waits in [false, true] {
        fs::create_dir_all(&res).unwrap();
        place.give_back(true, b"an");
        assert_eq!(fs::read(res.join("3.xml")).unwrap(), b"an");
        fs::rename(&res, &away).unwrap();
        if half_waits {
            place.give_back(true, b"an an");
        }
        place.give_back(false, b"an answer");
        fs::rename(&away, &res).unwrap();
        place.mirror.catch_up(Instant::now() + TRY_AGAIN);
        assert_eq!(fs::read(res.join("3.xml")).unwrap(), b"an answer");
        assert_eq!(fs::read_dir(&res).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&waiting).unwrap().count(), 0, "no note of it");
        // Whoever comes later under that name is somebody else.
        place.give_back(false, b"another");
        assert_eq!(fs::read(res.join("3.xml")).unwrap(), b"an answer");
        fs::remove_dir_all(&res).unwrap();
        fs::remove_file(waiting.join(hex(&[3; 16]))).unwrap();
    }
}

#[test]
fn one_program_that_gets_no_copy_keeps_none_from_the_others() {
    let mut place = Place::new();
    // Its copy can neither be delivered nor wait.
    fs::remove_dir(place.waiting("a")).unwrap();
    let face = place.make("b");
    place.deliver(1).unwrap_err();
    assert_eq!(fs::read(face.join("1.xml")).unwrap(), [1]);
    // The source stays, and once it goes well the other has had its copy.
    fs::remove_file(face.join("1.xml")).unwrap();
    let late = place.make("a");
    place.deliver(1).unwrap();
    assert!(late.join("1.xml").exists() && !face.join("1.xml").exists());
}

#[test]
fn the_oldest_copy_makes_room_where_too_many_wait() {
    let mut place = Place::new();
    place.mirror.most_waiting = 3;
    for n in 0..5 {
        place.deliver(n).unwrap();
        // The higher its number, the older it is.
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - u64::from(n));
        let path = place.waiting("a").join(hex(&[n; 16]));
        let file = fs::File::open(path).unwrap();
        file.set_modified(old).unwrap();
    }
    assert_eq!(place.numbers("a"), [0, 1, 4]);
}
