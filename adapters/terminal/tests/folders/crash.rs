//! `kill -9` of the adapter's process at any moment: every file is observed once, none is lost.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Place, answer, identifier, key};
use shikaku_kit::suite::{TestBroker, TestHub, eventually};
use shikaku_schemas::group::FaceMode;
use shikaku_terminal::{quarantine, run};
use tokio_util::sync::CancellationToken;

const FILES: u32 = 300;
const KILLS: u32 = 15;

/// The other half: an adapter in a process of its own, until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by no_moment_of_death_loses_or_repeats_a_file"]
async fn adapter_process() {
    let (Some(directory), Ok(url)) = (
        std::env::var_os("CRASH_DIRECTORY"),
        std::env::var("CRASH_URL"),
    ) else {
        return;
    };
    let options = Place::new(FaceMode::Take).options_in(Path::new(&directory), &url);
    run(options, CancellationToken::new()).await.unwrap();
}

/// A process that never outlives its test.
pub struct Adapter(pub Child);

impl Adapter {
    /// `kill -9`.
    pub fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn spawn(place: &Place, url: &str) -> Adapter {
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "crash::adapter_process", "--ignored"])
        .env("CRASH_DIRECTORY", place.directory.path())
        .env("CRASH_URL", url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the adapter's process");
    Adapter(child)
}

/// T16: a crash at any system call: each file ends once.
#[tokio::test(flavor = "multi_thread")]
async fn no_moment_of_death_loses_or_repeats_a_file() {
    let place = Place::new(FaceMode::Take);
    let mut broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &key()).await;
    let mut broken = 0;
    for round in 0..KILLS {
        let child = spawn(&place, &broker.url());
        for n in 0..FILES / KILLS {
            let n = round * (FILES / KILLS) + n;
            place.drop_face(&format!("{n}.xml"), &answer(n));
            if n.is_multiple_of(10) {
                place.drop_face(&format!("again-{n}.xml"), &answer(n));
            }
            if n.is_multiple_of(50) {
                place.drop_face(&format!("broken-{n}.xml"), format!("broken {n}").as_bytes());
                broken += 1;
            }
        }
        // The moment of death, not a condition: each round dies a little later.
        tokio::time::sleep(Duration::from_millis(u64::from(15 + round * 23))).await;
        child.kill();
        if round == KILLS / 2 {
            broker.kill();
            broker.restart();
        }
    }
    let child = spawn(&place, &broker.url());
    eventually("an empty folder", async || {
        (std::fs::read_dir(place.root().join("face"))
            .unwrap()
            .count()
            == 0)
            .then_some(())
    })
    .await;
    eventually("every file", async || {
        (hub.observed() >= FILES as usize).then_some(())
    })
    .await;
    eventually("every broken file", async || {
        (quarantine::list(&place.data_dir()).unwrap().len() == broken).then_some(())
    })
    .await;
    child.kill();
    let mut times: HashMap<_, u32> = HashMap::new();
    for observation in hub.observations() {
        *times.entry(identifier(&observation)).or_default() += 1;
        assert!(
            hub.evidence(&observation.evidence.unwrap().id).is_some(),
            "its bytes came too"
        );
    }
    assert_eq!(times.len(), FILES as usize);
    assert!(
        times.values().all(|times| *times == 1),
        "one observation id per file"
    );
}
