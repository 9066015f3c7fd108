//! Habits of this house that a reader would otherwise have to ask for in every review.

use crate::sources::{code_lines, files, is_test, program_sources, read};

#[track_caller]
fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn no_source_is_longer_than_400_lines_without_its_tests() {
    let found = program_sources()
        .into_iter()
        .map(|path| (code_lines(&path).len(), path))
        .filter(|(lines, _)| *lines > 400)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none("split these", found);
}

#[test]
fn modules_are_named_for_what_they_are() {
    let vague = [
        "util", "utils", "common", "manager", "helper", "helpers", "misc", "stuff",
    ];
    let found = files()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .filter(|path| {
            path.trim_end_matches(".rs")
                .split('/')
                .any(|part| vague.contains(&part))
        })
        .collect();
    none("these names say nothing", found);
}

#[test]
fn unfinished_code_is_not_committed() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX"];
    let found = lines_with(&words, program_sources());
    none("finish these", found);
}

#[test]
fn no_test_is_switched_off() {
    none(
        "a test that does not run shows nothing",
        lines_with(&[concat!("#[ig", "nore")], tests()),
    );
}

/// Polling and choosing a moment are lawful; the line above says which it is.
#[test]
fn a_pause_in_a_test_says_why_it_is_no_condition() {
    let words = [concat!("thread::sl", "eep("), concat!("time::sl", "eep(")];
    let unexplained = lines_with(&words, tests()).into_iter().filter(|found| {
        let mut parts = found.splitn(3, ':');
        let (path, number) = (parts.next().unwrap(), parts.next().unwrap());
        let above = number.parse::<usize>().unwrap().saturating_sub(2);
        let text = read(path);
        !text
            .lines()
            .nth(above)
            .is_some_and(|line| line.trim_start().starts_with("//"))
    });
    none(
        "wait for a condition, or say why not on the line above",
        unexplained.collect(),
    );
}

fn tests() -> Vec<String> {
    files()
        .into_iter()
        .filter(|path| path.ends_with(".rs") && is_test(path))
        .collect()
}

#[test]
fn exceptions_from_lints_have_a_reason() {
    let sources: Vec<String> = files()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .collect();
    none(
        "say `#[expect(.., reason)]`",
        lines_with(
            &[concat!("#[al", "low("), concat!("#![al", "low(")],
            sources,
        ),
    );
}

fn lines_with(words: &[&str], sources: Vec<String>) -> Vec<String> {
    let mut found = Vec::new();
    for path in sources {
        let lines = if is_test(&path) {
            read(&path)
                .lines()
                .map(str::to_owned)
                .zip(1..)
                .map(|(line, number)| (number, line))
                .collect()
        } else {
            code_lines(&path)
        };
        for (number, line) in lines {
            let code = line.trim_start();
            // A process that another test starts is a test of its own only in name.
            let started_elsewhere = code.contains("= \"run by ");
            if !code.starts_with("//")
                && !started_elsewhere
                && words.iter().any(|word| code.contains(word))
            {
                found.push(format!("{path}:{number}: {code}"));
            }
        }
    }
    found
}
