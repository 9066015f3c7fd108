//! Check-ups of somebody whose office registered one, and of somebody whose office did not.
//!
//! The answers lie among the samples of `schemas`, byte for byte: there the hub's reader reads them, which this crate
//! shares nothing with. `UPDATE_SAMPLES=1` writes them anew.

use std::path::Path;

use serde_json::{Value, json};

use super::terminal::{Terminal, second_reader, valid};
use super::{AT, medical};

const KNOBS: &[&str] = &["encoding=utf-8", "consent-check=assumed"];

/// Asks, compares the answer with the sample of its name, and gives what the second reader sees.
async fn sample(person: &str, unique: &str, category: &str) -> Value {
    let terminal = Terminal::start(AT, "", KNOBS);
    let asked = medical(person, None, category);
    let path = terminal.ask("TKKsiquc01", unique, &asked).await;
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../schemas/samples/oqs/answers")
        .join(path.file_name().unwrap());
    if std::env::var_os("UPDATE_SAMPLES").is_some() {
        std::fs::copy(&path, &sample).unwrap();
    }
    let (ours, kept) = (std::fs::read(&path), std::fs::read(&sample));
    assert!(ours.unwrap() == kept.unwrap(), "{}", sample.display());
    if path.extension().is_some_and(|extension| extension == "xml") {
        valid(&path);
    }
    let seen = second_reader(&[path]).remove(0);
    terminal.stop().await;
    seen
}

#[tokio::test]
async fn results_are_told_with_value_and_unit() {
    let seen = sample("one-ticket", "simulated-results", "2").await;
    assert_eq!(seen["verdict"], "done");
    assert_eq!(seen["medical"]["checked_on"], json!(["20250610"]));
    let results = &seen["medical"]["chart"]["checkups"];
    let told = |place: usize| {
        ["on", "name", "value", "unit"].map(|member| results[place][member].as_str().unwrap())
    };
    assert_eq!(results.as_array().unwrap().len(), 2);
    assert_eq!(told(0), ["2025-06-10", "見本身長", "160.0", "cm"]);
    assert_eq!(told(1), ["2025-06-10", "見本体重", "55.0", "kg"]);
}

#[tokio::test]
async fn who_was_not_examined_has_an_answer_without_results() {
    let seen = sample("two-tickets", "simulated-none", "2").await;
    assert_eq!(seen["verdict"], "done");
    assert_eq!(seen["medical"]["checked_on"], json!([]));
    assert_eq!(seen["medical"]["chart"]["checkups"], json!([]));
}

#[tokio::test]
async fn a_pdf_has_its_one_page() {
    let seen = sample("one-ticket", "simulated", "1").await;
    let whole = json!({ "whole": true, "table": true, "pages": 1, "counted": 1 });
    assert_eq!(seen["pdf"], whole);
}
