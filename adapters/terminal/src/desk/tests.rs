//! The folder equation under any story of writers, deleters and crashes of the adapter.

mod programs;
mod requests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;
use shikaku_disk::SystemDisk;
use shikaku_kit::backoff::Backoff;
use shikaku_kit::broker::BrokerOptions;
use shikaku_kit::spool::{Spool, SpoolOptions};
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::group::{Facility, Terminal};
use shikaku_schemas::seal::SealKey;

use super::*;
use crate::config::Timing;
use crate::folder::signature_of;
use crate::quarantine::list;
use crate::request::{Folders, Journal};

fn options(directory: &Path, face: FaceMode) -> TerminalOptions {
    TerminalOptions {
        facility: Facility {
            code: "1319912349".into(),
            name: String::new(),
            kind: Default::default(),
            patient_numbers: None,
            reference_number: Default::default(),
            designated: true,
            register_references: false,
            terminals: Vec::new(),
            virtual_terminals: Vec::new(),
            desks: Vec::new(),
            card_rules: Vec::new(),
        },
        terminal: Terminal {
            id: "t1".to_owned(),
            root: directory.join("oqs"),
            face,
            environment: Default::default(),
            zip_password_file: None,
            encrypted: Vec::new(),
        },
        schemes: Vec::new(),
        timing: Timing {
            scan: Duration::from_millis(1),
            stable: Duration::ZERO,
            incomplete: Duration::ZERO,
            bulk_poll: Duration::from_secs(60),
            again: Backoff {
                first: Duration::from_secs(1),
                cap: Duration::from_secs(1),
            },
        },
        data_dir: directory.join("data"),
        group_key: SealKey::from_bytes([9; 32]),
        broker: BrokerOptions {
            url: String::new(),
            user: String::new(),
            password: String::new(),
            ca_file: None,
        }
        .into(),
        disk: Arc::new(SystemDisk),
        clock: Arc::new(SystemClock),
        spool_bytes: 1 << 20,
        zip_password: None,
    }
}

fn desk(options: &TerminalOptions, spool: &Arc<Spool>) -> Desk {
    let directory = options.data_dir.join("terminal");
    std::fs::create_dir_all(&directory).unwrap();
    let inquiries = Inquiries {
        facility: options.facility.code.clone(),
        terminal: "t1".to_owned(),
        folders: Folders::new(&options.disk, &options.terminal.root),
        encrypted: Default::default(),
        spool: spool.clone(),
        clock: options.clock.clone(),
        journal: Mutex::new(Journal::open(&options.disk, &directory, options.clock.now()).unwrap()),
        answer_patience: SignedDuration::ZERO,
        pulse: Default::default(),
        is_swept: Default::default(),
    };
    let quarantine = Quarantine::open(&options.disk, &options.data_dir, &options.group_key, |_| {
        true
    })
    .unwrap();
    Desk::open(
        options,
        &directory,
        spool.clone(),
        Arc::new(inquiries),
        quarantine,
    )
    .unwrap()
}

fn answer(n: u8) -> Vec<u8> {
    let sample = include_str!("../../../../schemas/samples/oqs/face-assistance-only-utf8.xml");
    sample.replace("Zk3uQm1x", &format!("n{n}")).into_bytes()
}

#[derive(Debug, Clone)]
enum Deed {
    Good { name: u8, content: u8 },
    Broken { name: u8, content: u8 },
    Rename { from: u8, to: u8 },
    Vanish { name: u8 },
    Pass,
    Crash,
}

fn deed() -> impl Strategy<Value = Deed> {
    let few = 0..6_u8;
    prop_oneof![
        4 => (few.clone(), few.clone()).prop_map(|(name, content)| Deed::Good { name, content }),
        2 => (few.clone(), few.clone()).prop_map(|(name, content)| Deed::Broken { name, content }),
        1 => (few.clone(), few.clone()).prop_map(|(from, to)| Deed::Rename { from, to }),
        1 => few.prop_map(|name| Deed::Vanish { name }),
        6 => Just(Deed::Pass),
        1 => Just(Deed::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// T18: seen = events + duplicates + quarantined.
    #[test]
    fn the_folder_equation_holds_at_every_quiet_moment(
        deeds in proptest::collection::vec(deed(), 1..60),
        takes in any::<bool>(),
    ) {
        let place = tempfile::tempdir().unwrap();
        let face = place.path().join("oqs/face");
        std::fs::create_dir_all(&face).unwrap();
        std::fs::create_dir_all(place.path().join("oqs/res")).unwrap();
        let mode = if takes { FaceMode::Take } else { FaceMode::Copy };
        let options = options(place.path(), mode);
        let spool_options = SpoolOptions::new(place.path().join("data/spool"), options.group_key.clone());
        let spool = Arc::new(Spool::open(spool_options).unwrap());
        let mut desk_now = desk(&options, &spool);
        let name = |name: u8| face.join(format!("{name}.xml"));
        for deed in deeds {
            match deed {
                Deed::Good { name: at, content } => std::fs::write(name(at), answer(content)).unwrap(),
                Deed::Broken { name: at, content } => std::fs::write(name(at), format!("no {content}")).unwrap(),
                Deed::Rename { from, to } => { let _ = std::fs::rename(name(from), name(to)); }
                Deed::Vanish { name: at } => { let _ = std::fs::remove_file(name(at)); }
                Deed::Pass => { desk_now.pass(); }
                Deed::Crash => desk_now = desk(&options, &spool),
            }
            if desk_now.pending() == 0 {
                prop_assert!(desk_now.tally.holds());
            }
        }
        // What still lies there is taken to its end.
        let left: Vec<_> = std::fs::read_dir(&face).unwrap()
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect();
        for _ in 0..4 {
            desk_now.pass();
        }
        prop_assert_eq!(desk_now.pending(), 0);
        prop_assert!(desk_now.tally.holds());
        let events: BTreeSet<Vec<u8>> = spool.pending_after(0, 1000).iter()
            .map(|entry| spool.read(&entry.id).unwrap().unwrap().evidence.unwrap())
            .collect();
        let set_aside = list(&options.data_dir).unwrap();
        for bytes in left {
            if bytes.starts_with(b"no ") {
                prop_assert!(set_aside.iter().any(|file| file.size == bytes.len() as u64));
            } else {
                prop_assert!(events.contains(&bytes));
            }
        }
        if takes {
            prop_assert_eq!(std::fs::read_dir(&face).unwrap().count(), 0);
        }
    }
}

#[test]
fn what_could_not_be_removed_before_a_restart_is_removed_after_it() {
    let place = tempfile::tempdir().unwrap();
    let face = place.path().join("oqs/face");
    std::fs::create_dir_all(&face).unwrap();
    std::fs::write(face.join("1.xml"), answer(1)).unwrap();
    let directory = place.path().join("data/spool");
    let key = SealKey::from_bytes([9; 32]);
    let spool = Arc::new(Spool::open(SpoolOptions::new(directory, key)).unwrap());
    let mut before = desk(&options(place.path(), FaceMode::Copy), &spool);
    before.pass();
    before.pass();
    let signature = signature_of(&SystemDisk, &face.join("1.xml"))
        .unwrap()
        .unwrap();
    let mark = file_mark(&before.seen, "face", b"1.xml", &signature);
    before.seen.note(&[mark], SystemClock.now()).unwrap();
    drop(before);
    let mut after = desk(&options(place.path(), FaceMode::Take), &spool);
    after.pass();
    after.pass();
    assert_eq!(std::fs::read_dir(&face).unwrap().count(), 0);
    assert_eq!((after.tally.duplicates, after.tally.events), (1, 0));
    assert_eq!(spool.status().pending, 1);
}

#[test]
fn a_spool_without_room_leaves_every_file_where_it_is() {
    let place = tempfile::tempdir().unwrap();
    let face = place.path().join("oqs/face");
    std::fs::create_dir_all(&face).unwrap();
    let options = options(place.path(), FaceMode::Take);
    let spool = |max_bytes| {
        let directory = place.path().join("data/spool");
        let spool_options = SpoolOptions {
            max_bytes,
            ..SpoolOptions::new(directory, options.group_key.clone())
        };
        Arc::new(Spool::open(spool_options).unwrap())
    };
    for n in 0..5 {
        std::fs::write(face.join(format!("{n}.xml")), answer(n)).unwrap();
    }
    let full = spool(100);
    let mut desk_full = desk(&options, &full);
    for _ in 0..3 {
        desk_full.pass();
    }
    assert_eq!(std::fs::read_dir(&face).unwrap().count(), 5);
    assert_eq!((desk_full.tally.seen, desk_full.tally.events), (5, 0));
    assert_eq!(desk_full.pending(), 5);
    drop((desk_full, full));
    let roomy = spool(1 << 20);
    let mut desk_roomy = desk(&options, &roomy);
    for _ in 0..3 {
        desk_roomy.pass();
    }
    assert_eq!(std::fs::read_dir(&face).unwrap().count(), 0);
    assert_eq!(roomy.status().pending, 5);
    assert!(desk_roomy.tally.holds());
}
