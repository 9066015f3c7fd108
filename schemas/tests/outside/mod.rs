//! The reader in another language (`tests/outside/message.py`).

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Python with lxml: `SHIKAKU_PYTHON`, or the one that `make setup` brings.
fn python() -> PathBuf {
    std::env::var_os("SHIKAKU_PYTHON")
        .map_or_else(|| in_repository(".tools/venv/bin/python"), PathBuf::from)
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// What it sees in each file.
pub fn seen(paths: &[PathBuf]) -> Vec<Value> {
    let output = Command::new(python())
        .arg(in_repository("tests/outside/message.py"))
        .args(paths)
        .output()
        .unwrap_or_else(|error| panic!("python is missing ({error}); run `make setup`"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let seen: Vec<_> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(seen.len(), paths.len());
    seen
}
