//! `ARCHITECTURE.md` names paths that exist, and every package.

use shikaku_tests::program::workspace;

use crate::sources::{absolute, files, read};

/// What stands in backticks and looks like a path of this repository.
fn paths(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(|word| {
            word.trim_end_matches('/')
                .split("::")
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|word| word.contains('/') && first_part_exists(word))
        .filter(|word| !word.contains(['<', '*', ' ', '{', '…']))
        .collect()
}

/// Backticks also hold subjects, folders of a terminal and addresses; a path of ours begins with a folder of ours.
fn first_part_exists(word: &str) -> bool {
    let first = word.split('/').next().unwrap_or_default();
    !first.is_empty() && workspace().join(first).is_dir()
}

#[test]
fn its_paths_exist() {
    let named = paths(&read("ARCHITECTURE.md"));
    assert!(named.len() > 10, "only {} paths were found", named.len());
    let missing: Vec<_> = named
        .into_iter()
        .filter(|path| !absolute(path).exists())
        .collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names {missing:?}");
}

#[test]
fn it_names_every_package() {
    let text = read("ARCHITECTURE.md");
    let outside = |path: &str| path.starts_with("bench/") || path.starts_with("fuzz/");
    for manifest in files()
        .iter()
        .filter(|path| path.ends_with("/Cargo.toml") && !outside(path))
    {
        let folder = manifest.trim_end_matches("/Cargo.toml");
        assert!(
            text.contains(&format!("`{folder}")),
            "ARCHITECTURE.md does not name `{folder}/`"
        );
    }
}

#[test]
fn its_invariants_are_numbered() {
    let text = read("ARCHITECTURE.md");
    let (_, rest) = text.split_once("## Invariants").expect("invariants");
    let (invariants, _) = rest.split_once("\n## ").expect("something behind them");
    let numbers: Vec<usize> = invariants
        .lines()
        .filter_map(|line| line.split_once(". ")?.0.parse().ok())
        .collect();
    assert!(numbers.len() >= 5);
    assert_eq!(numbers, Vec::from_iter(1..=numbers.len()));
}
