//! `face/`: every way a file may lie there.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Place, Scene, answer, body, facility, identifier, sample};
use shikaku_kit::suite::{Answering, eventually};
use shikaku_schemas::group::FaceMode;
use shikaku_terminal::quarantine;

const NAME: &str = "OQSsiquc01res_face_1319912349_1.xml";

async fn observed(scene: &Scene, count: usize) {
    eventually(&format!("{count} observations"), async || {
        (scene.hub.observed() == count).then_some(())
    })
    .await;
}

async fn set_aside(scene: &Scene, count: usize) -> Vec<quarantine::QuarantinedFile> {
    eventually(&format!("{count} files set aside"), async || {
        let files = quarantine::list(&scene.place.data_dir()).expect("a list");
        (files.len() == count && scene.hub.dead_letters().len() == count).then_some(files)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn utf8_and_cp932_files_become_observations_with_their_bytes_as_evidence() {
    let scene = Scene::new(FaceMode::Copy).await;
    for (name, file) in [
        (NAME, "face-assistance-only-utf8.xml"),
        ("oqsSIQUC01RES_FACE_2.XML", "face-assistance-only-cp932.xml"),
    ] {
        scene.place.drop_face(name, &sample(file));
    }
    observed(&scene, 2).await;
    for observation in scene.hub.observations() {
        let answer = body(&observation).unwrap();
        assert_eq!(answer.records.len(), 1);
        assert_eq!(observation.facility, facility());
        assert_eq!(
            (observation.source.as_str(), observation.device.as_str()),
            ("terminal", "t1")
        );
        assert_eq!(observation.as_of, answer.executed_at);
        let evidence = scene
            .hub
            .evidence(&observation.evidence.unwrap().id)
            .unwrap();
        assert!(
            [
                sample("face-assistance-only-utf8.xml"),
                sample("face-assistance-only-cp932.xml")
            ]
            .contains(&evidence)
        );
    }
    assert!(scene.place.face(NAME).exists(), "copy only reads");
    scene.running.stop().await;
}

/// T17: half-written, replaced, empty, huge, wrongly encoded, locked files are all accounted for.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_under_another_name_add_nothing_also_after_a_restart() {
    let mut scene = Scene::new(FaceMode::Take).await;
    scene.place.drop_face("a.xml", &answer(1));
    observed(&scene, 1).await;
    for name in ["b.xml", "c.xml"] {
        scene.place.drop_face(name, &answer(1));
        eventually("the duplicate is taken", async || {
            (!scene.place.face(name).exists()).then_some(())
        })
        .await;
        scene = scene.restart().await;
    }
    scene.place.drop_face("d.xml", &answer(2));
    observed(&scene, 2).await;
    let first = scene.hub.observations()[0].observation_id;
    assert_eq!(
        scene.hub.deliveries(&first),
        1,
        "a duplicate is not even published"
    );
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_lay_there_before_a_restart_are_not_read_again() {
    let mut scene = Scene::new(FaceMode::Copy).await;
    scene.place.drop_face("a.xml", &answer(1));
    observed(&scene, 1).await;
    scene = scene.restart().await;
    scene.place.drop_face("b.xml", &answer(2));
    observed(&scene, 2).await;
    let first = scene.hub.observations()[0].observation_id;
    assert_eq!(scene.hub.deliveries(&first), 1);
    scene.running.stop().await;
}

/// T17: half-written, replaced, empty, huge, wrongly encoded, locked files are all accounted for.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_replaced_under_its_name_is_a_new_one() {
    let scene = Scene::new(FaceMode::Copy).await;
    for n in 1..=3 {
        // In place and of equal length: only the content tells.
        fs::write(scene.place.face(NAME), answer(n)).unwrap();
        observed(&scene, n as usize).await;
    }
    scene.running.stop().await;
}

/// T17: half-written, replaced, empty, huge, wrongly encoded, locked files are all accounted for.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_written_slowly_is_read_once_it_is_whole() {
    let scene = Scene::new(FaceMode::Take).await;
    let bytes = answer(1);
    let mut file = fs::File::create(scene.place.face(NAME)).unwrap();
    for part in bytes.chunks(bytes.len() / 12 + 1) {
        file.write_all(part).unwrap();
        // The pace of the slow writer, not a condition.
        tokio::time::sleep(Duration::from_millis(80)).await;
        if scene.hub.observations().is_empty() {
            assert!(
                scene.place.face(NAME).exists(),
                "an unfinished file is never taken"
            );
        }
    }
    observed(&scene, 1).await;
    assert!(
        quarantine::list(&scene.place.data_dir())
            .unwrap()
            .is_empty()
    );
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_broken_file_is_set_aside_with_its_reason_and_the_hub_goes_on() {
    let scene = Scene::new(FaceMode::Take).await;
    let whole = answer(1);
    let deep = format!("<XmlMsg>{}", "<a>".repeat(500));
    let dtd = [
        b"<!DOCTYPE XmlMsg [<!ENTITY a \"x\">]>".as_slice(),
        b"<XmlMsg/>",
    ]
    .concat();
    let utf16 = [0xff, 0xfe, b'<', 0, b'X', 0];
    let broken: [(&str, &[u8], &[&str]); 8] = [
        ("truncated.xml", &whole[..whole.len() / 2], &["incomplete"]),
        ("empty.xml", b"", &["empty"]),
        ("large.xml", &vec![b' '; 50 << 20], &["too-large"]),
        (
            "deep.xml",
            deep.as_bytes(),
            &["too-deep", "incomplete", "not-a-message"],
        ),
        ("dtd.xml", &dtd, &["dtd"]),
        (
            "image.xml",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            &["not-xml", "wrong-encoding", "forbidden-character"],
        ),
        ("text.xml", b"hello", &["not-xml"]),
        (
            "utf16.xml",
            &utf16,
            &[
                "wrong-encoding",
                "unsupported-encoding",
                "not-xml",
                "forbidden-character",
            ],
        ),
    ];
    for (name, bytes, _) in broken {
        scene.place.drop_face(name, bytes);
    }
    scene.place.drop_face("good.xml", &answer(2));
    observed(&scene, 1).await;
    let files = set_aside(&scene, broken.len()).await;
    for (name, _, reasons) in broken {
        assert!(
            files
                .iter()
                .any(|file| reasons.contains(&file.reason.as_str())),
            "{name}: {:?}",
            files.iter().map(|file| &file.reason).collect::<Vec<_>>()
        );
        assert!(!scene.place.face(name).exists(), "take takes {name} too");
    }
    let large = files
        .iter()
        .find(|file| file.reason == "too-large")
        .unwrap();
    assert_eq!((large.size, large.kept_bytes), (50 << 20, 4 << 20));
    assert!(!large.is_whole());
    for letter in scene.hub.dead_letters() {
        assert!(files.iter().any(|file| file.id.to_string() == letter.id));
    }
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_readable_of_a_patient_lies_in_the_adapters_directory() {
    let scene = Scene::new(FaceMode::Take).await;
    scene.hub.answer(Answering::Silently);
    scene.place.drop_face("a.xml", &answer(1));
    scene.place.drop_face("試料一郎.xml", &answer(2)[..900]);
    observed(&scene, 1).await;
    set_aside(&scene, 1).await;
    let mut folders = vec![scene.place.data_dir()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            for canary in ["試料", "12997151", "3100013"] {
                let found = bytes
                    .windows(canary.len())
                    .any(|window| window == canary.as_bytes());
                assert!(
                    !found && !path.to_string_lossy().contains(canary),
                    "{canary} in {path:?}"
                );
            }
        }
    }
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_set_aside_can_be_read_again_or_given_up() {
    let mut place = Place::new(FaceMode::Take);
    // Patient for ever: what is set aside here is whole but can't be judged.
    place.incomplete = Duration::from_secs(3600);
    let scene = Scene::of(place).await;
    let unknown = String::from_utf8(answer(1)).unwrap();
    let unknown = unknown.replace(
        "<QualificationValidity>1</QualificationValidity>",
        "<QualificationValidity>77</QualificationValidity>",
    );
    scene.place.drop_face("a.xml", unknown.as_bytes());
    let file = set_aside(&scene, 1).await.remove(0);
    assert_eq!(file.reason, "unknown-code");
    let data_dir = scene.place.data_dir();
    assert!(quarantine::retry(&data_dir, file.id).unwrap());
    eventually("the wish is taken", async || {
        (!data_dir
            .join(format!("quarantine/{}.retry", file.id))
            .exists())
        .then_some(())
    })
    .await;
    assert!(
        quarantine::show(&data_dir, file.id).unwrap().is_some(),
        "still not readable"
    );
    assert!(quarantine::discard(&data_dir, file.id).unwrap());
    assert!(!quarantine::discard(&data_dir, file.id).unwrap());
    assert!(quarantine::list(&data_dir).unwrap().is_empty());
    let mut left = fs::read_dir(data_dir.join("quarantine")).unwrap();
    assert!(left.all(|entry| entry.unwrap().file_name() == "lock"));
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_foreign_files_and_temporary_names_are_left_alone() {
    let scene = Scene::new(FaceMode::Take).await;
    let outside = scene.place.directory.path().join("outside.xml");
    fs::write(&outside, answer(9)).unwrap();
    std::os::unix::fs::symlink(&outside, scene.place.face("link.xml")).unwrap();
    fs::create_dir(scene.place.face("folder.xml")).unwrap();
    let nobodys = ["reading.pdf", "x.xml.tmp", ".hidden.xml", "~$x.xml"];
    for name in nobodys {
        fs::write(scene.place.face(name), answer(8)).unwrap();
    }
    let foreign = scene
        .place
        .root()
        .join("res/OQSsiquc01res_202605110001.xml");
    fs::write(&foreign, answer(7)).unwrap();
    scene.place.drop_face("a.xml", &answer(1));
    observed(&scene, 1).await;
    scene.place.drop_face("b.xml", &answer(2));
    observed(&scene, 2).await;
    assert!(foreign.exists() && scene.place.face("link.xml").exists());
    assert!(nobodys.iter().all(|name| scene.place.face(name).exists()));
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_vanishes_and_returns_is_read_again() {
    let scene = Scene::new(FaceMode::Take).await;
    scene.place.drop_face("a.xml", &answer(1));
    observed(&scene, 1).await;
    let away = scene.place.directory.path().join("away");
    fs::rename(scene.place.root(), &away).unwrap();
    fs::write(away.join("face/b.xml"), answer(2)).unwrap();
    fs::rename(&away, scene.place.root()).unwrap();
    observed(&scene, 2).await;
    fs::remove_dir_all(scene.place.root().join("face")).unwrap();
    fs::create_dir(scene.place.root().join("face")).unwrap();
    scene.place.drop_face("c.xml", &answer(3));
    observed(&scene, 3).await;
    scene.running.stop().await;
}

/// Holds a write lease, so that every other open of the file fails, until its input ends.
const LOCK: &str = "
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, 1024, fcntl.F_WRLCK)
print('locked', flush=True)
sys.stdin.read()
";

/// T17: half-written, replaced, empty, huge, wrongly encoded, locked files are all accounted for.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_waits_and_is_read_when_it_is_free() {
    let place = Place::new(FaceMode::Take);
    fs::write(place.face("a.xml"), answer(1)).unwrap();
    let mut holder = Command::new("python3")
        .args(["-c", LOCK])
        .arg(place.face("a.xml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(said, "locked\n");
    let scene = Scene::of(place).await;
    scene.place.drop_face("b.xml", &answer(2));
    observed(&scene, 1).await;
    assert_eq!(
        identifier(&scene.hub.observations()[0]).as_deref(),
        Some("n2")
    );
    drop(holder.stdin.take());
    holder.wait().unwrap();
    observed(&scene, 2).await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_thousands_goes_through_whole() {
    const FILES: u32 = 1000;
    let mut place = Place::new(FaceMode::Take);
    place.again = Duration::from_secs(10);
    for n in 0..FILES {
        fs::write(place.face(&format!("{n}.xml")), answer(n)).unwrap();
    }
    let scene = Scene::of(place).await;
    observed(&scene, FILES as usize).await;
    let mut identifiers: Vec<_> = scene.hub.observations().iter().map(identifier).collect();
    identifiers.sort();
    identifiers.dedup();
    assert_eq!(identifiers.len(), FILES as usize);
    eventually("an empty folder", async || {
        (fs::read_dir(scene.place.root().join("face"))
            .unwrap()
            .count()
            == 0)
            .then_some(())
    })
    .await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantined_files_are_announced_again_to_a_broker_that_lost_its_store() {
    let mut scene = Scene::new(FaceMode::Take).await;
    scene.place.drop_face("a.xml", b"hello");
    set_aside(&scene, 1).await;
    scene.hub.stop().await;
    scene.broker.wipe();
    scene.broker.restart();
    let hub = shikaku_kit::suite::TestHub::start(&scene.broker.url(), &crate::support::key()).await;
    eventually("the dead letter again", async || {
        (hub.dead_letters().len() == 1).then_some(())
    })
    .await;
    scene.running.stop().await;
}
