//! The program under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package lies in the workspace")
}

/// The path of `shikaku`: `SHIKAKU_BIN`, or built from the present sources, once.
pub fn shikaku() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os("SHIKAKU_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    // The pinned one, by the toolchain file, without what cargo tells this test about itself: build scripts
    // that read it would run anew, and most of the program be built again.
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(workspace())
        .args(["build", "--bin", "shikaku", "--message-format=json"])
        .env_remove("LD_LIBRARY_PATH");
    for (name, _) in std::env::vars() {
        let told = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_CRATE_",
            "CARGO_BIN_",
        ];
        if name == "CARGO" || told.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cargo runs the tests, so it is here");
    assert!(
        output.status.success(),
        "the program can't be built:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| {
            (message["target"]["name"] == "shikaku")
                .then(|| message["executable"].as_str().map(PathBuf::from))
                .flatten()
        })
        .expect("cargo tells where it put the program")
}

/// Python of `make setup`, with nats-py and lxml; `SHIKAKU_PYTHON` names another.
pub fn python() -> Command {
    let python = std::env::var_os("SHIKAKU_PYTHON")
        .map_or_else(|| workspace().join(".tools/venv/bin/python"), PathBuf::from);
    assert!(
        python.exists(),
        "{} is missing; run `make setup`",
        python.display()
    );
    Command::new(python)
}

/// A file of `tests/outside`.
pub fn outside(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("outside")
        .join(script)
}

/// The bytes of a sample answer, written by someone else.
pub fn sample(name: &str) -> Vec<u8> {
    let path = workspace().join("schemas/samples/oqs").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
