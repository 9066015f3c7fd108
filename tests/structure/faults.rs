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
        for (path, name) in named(columns[3]) {
            let doc = doc_of(&read(&path), &name);
            assert!(
                doc.contains(&format!("/// T{item}: ")),
                "{path}::{name} does not say that it holds T{item}:\n{doc}"
            );
        }
    }
}

/// The comment of a test: the lines of comments and attributes right before it.
fn doc_of(source: &str, name: &str) -> String {
    let (before, _) = source
        .split_once(&format!("fn {name}("))
        .expect("it is there");
    let (above, _) = before.rsplit_once('\n').unwrap_or_default();
    let above = above.lines().rev().map(str::trim);
    let of_it = above.take_while(|line| line.starts_with("///") || line.starts_with("#["));
    of_it.collect::<Vec<_>>().join("\n")
}
