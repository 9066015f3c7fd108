//! The files of this repository.

use std::path::PathBuf;
use std::process::Command;

use shikaku_tests::program::workspace;

/// Paths, below the workspace, of everything that git knows.
pub(crate) fn files() -> Vec<String> {
    let output = Command::new("git")
        .current_dir(workspace())
        .arg("ls-files")
        .output()
        .expect("the repository is a git clone");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|path| absolute(path).is_file())
        .map(str::to_owned)
        .collect()
}

/// Rust sources that are built into the program: no tests, benches or fuzz targets.
pub(crate) fn program_sources() -> Vec<String> {
    files()
        .into_iter()
        .filter(|path| path.ends_with(".rs") && !is_test(path))
        .collect()
}

pub(crate) fn is_test(path: &str) -> bool {
    ["tests/", "bench/", "fuzz/"]
        .iter()
        .any(|folder| path.starts_with(folder))
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_test.rs")
}

pub(crate) fn absolute(path: &str) -> PathBuf {
    workspace().join(path)
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(absolute(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A source without its test module, line by line with numbers.
pub(crate) fn code_lines(path: &str) -> Vec<(usize, String)> {
    read(path)
        .lines()
        .map(str::to_owned)
        .zip(1..)
        .take_while(|(line, _)| !line.trim_start().starts_with("#[cfg(test)]"))
        .map(|(line, number)| (number, line))
        .collect()
}
