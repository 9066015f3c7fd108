//! Each test in a process of its own: libpcsclite learns from the environment, once, where its pcscd is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use shikaku_card_simulator::Pcscd;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

const FOLDER: &str = "SHIKAKU_CARD_TEST_FOLDER";
const DONE: &str = "done";

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Runs `scene` in a process that finds its pcscd in a folder of its own. `module` is `module_path!()`, `name` the test's.
#[track_caller]
pub fn alone(module: &str, name: &str, scene: impl AsyncFnOnce(&Path)) {
    match std::env::var_os(FOLDER) {
        Some(folder) => inside(&PathBuf::from(folder), scene),
        None => outside(module, name),
    }
}

#[track_caller]
fn outside(module: &str, name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, module) = module.split_once("::").expect("a module of this test");
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", &format!("{module}::{name}"), "--nocapture"])
        .env(FOLDER, folder.path())
        .env(Pcscd::VARIABLE, Pcscd::socket_in(folder.path()))
        .status()
        .expect("this test, again");
    assert!(status.success(), "{name} failed: see above");
    assert!(
        folder.path().join(DONE).exists(),
        "{module}::{name} is not the name of this test"
    );
}

fn inside(folder: &Path, scene: impl AsyncFnOnce(&Path)) {
    let everything = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(|| Log);
    // The NATS library traces whole messages; the program never lets it.
    let ours = filter_fn(|about| {
        !about.target().starts_with("async_nats") || *about.level() != tracing::Level::TRACE
    });
    tracing_subscriber::registry()
        .with(everything.with_filter(ours))
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(scene(folder));
    std::fs::write(folder.join(DONE), "").expect("done");
}

/// Every log line and trace of this process, of whatever level.
pub fn logged() -> Vec<u8> {
    LOGGED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        logged.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
