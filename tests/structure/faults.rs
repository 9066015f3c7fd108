//! `docs/faults.md` names tests that exist.

use crate::sources::{absolute, read};

/// Every `path.rs::name` in backticks.
fn named(text: &str) -> Vec<(String, String)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| word.split_once("::"))
        .filter(|(path, _)| path.ends_with(".rs"))
        .map(|(path, name)| (path.to_owned(), name.to_owned()))
        .collect()
}

#[test]
fn its_tests_exist() {
    let named = named(&read("docs/faults.md"));
    assert!(named.len() > 30, "only {} tests were found", named.len());
    for (path, name) in named {
        assert!(absolute(&path).is_file(), "{path} does not exist");
        let source = read(&path);
        assert!(
            source.contains(&format!("fn {name}(")),
            "{path} has no test {name}"
        );
    }
}

#[test]
fn each_item_has_a_row_that_says_what_holds_it_or_that_it_is_open() {
    let text = read("docs/faults.md");
    for item in (1..=8).chain(11..=20).chain(32..=36) {
        let begin = format!("| T{item} |");
        let row = text
            .lines()
            .find(|line| line.starts_with(&begin))
            .unwrap_or_else(|| panic!("T{item} has no row"));
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(columns.len(), 6, "{row}");
        assert!(
            !columns[3].is_empty() || columns[4].starts_with("open"),
            "T{item} is neither held nor open"
        );
    }
}
