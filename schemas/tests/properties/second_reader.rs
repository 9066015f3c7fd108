//! Generated medical answers through the reader in another language: it sees every text that our chart has.

#[path = "../outside/mod.rs"]
mod reader;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shikaku_schemas::oqs::medical::MedicalChart;

use super::medical::meant::{checkup_days, months};
use super::medical::written::{write_checkups, write_drugs};
use super::pen::manner;

/// The same answers in every run.
fn some<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let trees = std::iter::repeat_with(|| strategy.new_tree(&mut runner).unwrap());
    trees.map(|tree| tree.current()).take(count).collect()
}

#[test]
fn every_text_is_read_by_both() {
    let drugs = some(&(months(), manner()), 100);
    let drugs = drugs
        .iter()
        .map(|(meant, manner)| write_drugs(meant, manner));
    let checkups = some(&(checkup_days(), manner()), 100);
    let checkups = checkups
        .iter()
        .map(|(meant, manner)| write_checkups(meant, manner));
    let folder = tempfile::tempdir().unwrap();
    let mut written = Vec::new();
    for (place, bytes) in drugs.chain(checkups).enumerate() {
        let system = if place < 100 { "YZK" } else { "TKK" };
        let path = folder
            .path()
            .join(format!("{system}siquc01res_{place}.xml"));
        std::fs::write(&path, &bytes).unwrap();
        written.push((path, bytes));
    }
    let paths: Vec<_> = written.iter().map(|(path, _)| path.clone()).collect();
    for ((path, bytes), theirs) in written.iter().zip(reader::seen(&paths)) {
        let ours = MedicalChart::read(bytes).unwrap();
        let ours = serde_json::to_value(ours).unwrap();
        assert_eq!(ours, theirs["medical"]["chart"], "{}", path.display());
    }
}
