//! What the program says and how it exits, without a running hub.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::path::Path;
use std::process::{Command, Output};

fn shikaku(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shikaku"))
        .args(words)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_printed_defaults_are_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let printed = shikaku(folder.path(), &["doctor", "--defaults"]);
    assert_eq!(printed.status.code(), Some(0));
    std::fs::write(folder.path().join("shikaku.toml"), &printed.stdout).unwrap();
    let again = shikaku(folder.path(), &["nats", "config"]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
}

#[test]
fn a_wrong_file_is_64_and_names_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shikaku.toml");
    std::fs::write(&file, "[timing]\nscan = 1\n").unwrap();
    for words in [&["up"][..], &["doctor"], &["log"], &["nats", "config"]] {
        let ended = shikaku(folder.path(), words);
        assert_eq!(ended.status.code(), Some(64), "{words:?}");
        assert!(text(&ended.stderr).contains("timing.scan"), "{ended:?}");
    }
    let absent = shikaku(folder.path(), &["log", "--config", "nowhere.toml"]);
    assert_eq!(absent.status.code(), Some(64));
}

#[test]
fn questions_before_the_first_start_are_told_so() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        &["log"][..],
        &["audit", "verify"],
        &["parked", "list"],
        &["identity", "list"],
        &["inquire", "list"],
        &["history", "--facility", "1319912349", "--patient", "1"],
    ] {
        let ended = shikaku(folder.path(), words);
        assert_eq!(ended.status.code(), Some(1), "{words:?}");
        assert!(text(&ended.stderr).contains("shikaku up"), "{ended:?}");
    }
    assert!(
        !folder.path().join("var").exists(),
        "a question makes nothing"
    );
}

#[test]
fn commands_without_a_hub_are_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let id = "0197c000-0000-7000-8000-000000000000";
    for words in [
        &[
            "inquire",
            "ticket",
            "--facility",
            "1319912349",
            "--patient",
            "1",
        ][..],
        &["inquire", "resolve", id],
        &["identity", "unlink", id],
        &["parked", "retry", id],
    ] {
        let ended = shikaku(folder.path(), words);
        assert_eq!(ended.status.code(), Some(1), "{words:?}");
        assert!(
            text(&ended.stderr).contains("no hub is running"),
            "{ended:?}"
        );
    }
}

#[test]
fn what_comes_later_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&["identity", "merge"][..], &["identity", "undo"]] {
        assert_eq!(shikaku(folder.path(), words).status.code(), Some(1));
    }
    assert_eq!(shikaku(folder.path(), &["tickets"]).status.code(), Some(2));
}

#[test]
fn schemas_are_json() {
    let folder = tempfile::tempdir().unwrap();
    for what in ["events", "observations", "openapi"] {
        let printed = shikaku(folder.path(), &["schema", what]);
        assert_eq!(printed.status.code(), Some(0));
        serde_json::from_slice::<serde_json::Value>(&printed.stdout).unwrap();
    }
}

#[test]
fn doctor_tells_a_missing_folder_and_how_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[[facility]]\ncode = \"1319912349\"\nname = \"見本病院\"\n\
                  [[facility.terminal]]\nid = \"t1\"\nroot = \"./nowhere\"\n";
    std::fs::write(folder.path().join("shikaku.toml"), config).unwrap();
    let printed = shikaku(folder.path(), &["doctor", "--json"]);
    assert_eq!(printed.status.code(), Some(1), "{printed:?}");
    let answer: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let missing = answer["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["state"] == "bad")
        .unwrap();
    assert!(missing["detail"].as_str().unwrap().contains("nowhere"));
    assert!(missing["mend"].is_string());
}
