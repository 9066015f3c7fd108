//! The fuzz targets on a stable compiler: the whole corpus, and mutations of it.
//!
//! `SHIKAKU_FUZZ_SECONDS=120` mutates for that long in each target, `SHIKAKU_FUZZ_SEED` changes the story.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "../../fuzz/targets.rs"]
mod targets;

use targets::{TARGETS, Target};

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn gather(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}

/// Samples of messages and observations, and what was found by fuzzing.
fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in [
        "schemas/samples/oqs",
        "schemas/samples/observations",
        "fuzz/corpus",
    ] {
        gather(&in_repository(folder), &mut found);
    }
    found.sort();
    assert!(found.len() > 100);
    found
}

#[test]
fn the_corpus_breaks_no_reader() {
    for (path, bytes) in corpus() {
        for (name, target) in TARGETS {
            let broke = catch_unwind(|| target(&bytes)).is_err();
            assert!(!broke, "{name} breaks on {}", path.display());
        }
    }
}

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % sides.max(1)
    }
}

/// Pieces that mean something to one reader or another.
const WORDS: [&[u8]; 33] = [
    b"<",
    b">",
    b"</",
    b"/>",
    b"&amp;",
    b"&#x20;",
    b"&#0;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<?xml version=\"1.0\" encoding=\"Shift_JIS\"?>",
    b"<!DOCTYPE x>",
    b"\xef\xbb\xbf",
    b"\x81",
    b"\xe3\x81",
    b"\0",
    b"<XmlMsg>",
    b"</XmlMsg>",
    b"<BulkConfirmUnit>",
    b"</BulkConfirmUnit>",
    b"<BulkRegistrationUnit/>",
    b"<SegmentOfResult>2</SegmentOfResult>",
    b"<InsurerNumber/>",
    b"<DrugInf>",
    b"</DrugInf>",
    b"<MeTrMonthInf><MeTrMonth>202604</MeTrMonth>",
    b"</MeTrMonthInf>",
    b"<CzDrugN>x</CzDrugN>",
    b"<EffectiveTime>20260401</EffectiveTime>",
    b"<HealthCheckupResultAndQuestionInfo>",
    b"PK\x05\x06",
    b"99999999999999999999",
];

fn mutate(dice: &mut Dice, inputs: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = inputs[dice.throw(inputs.len())].1.clone();
    for _ in 0..=dice.throw(6) {
        let length = bytes.len();
        let at = dice.throw(length + 1);
        let end = at + dice.throw((length - at).min(64) + 1);
        match dice.throw(8) {
            0 if at < length => bytes[at] ^= 1 << dice.throw(8),
            1 if at < length => bytes[at] = u8::try_from(dice.throw(256)).unwrap_or(0),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => {
                let word = WORDS[dice.throw(WORDS.len())];
                bytes.splice(at..end, word.iter().copied());
            }
            6 => {
                let word = WORDS[dice.throw(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            _ => {
                let other = &inputs[dice.throw(inputs.len())].1;
                let from = dice.throw(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.truncate(64 << 10);
    bytes
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

/// Keeps what broke something, for ever after.
fn keep(name: &str, bytes: &[u8]) -> PathBuf {
    let digest = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let path = in_repository(&format!("fuzz/corpus/{name}-{digest:016x}"));
    fs::write(&path, bytes).unwrap();
    path
}

fn try_out(name: &str) {
    let target: Target = TARGETS.iter().find(|(known, _)| *known == name).unwrap().1;
    let inputs = corpus();
    let seconds = number("SHIKAKU_FUZZ_SECONDS");
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut dice = Dice(number("SHIKAKU_FUZZ_SEED").unwrap_or(0x5eed) | 1);
    let mut tried = 0_u64;
    while end.map_or(tried < 1500, |end| Instant::now() < end) {
        let bytes = mutate(&mut dice, &inputs);
        tried += 1;
        if catch_unwind(|| target(&bytes)).is_err() {
            panic!("{name} breaks on {}", keep(name, &bytes).display());
        }
    }
    println!("{name}: {tried} inputs");
}

macro_rules! mutations {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { try_out(stringify!($name)); })+

        #[test]
        fn every_target_is_tried() {
            let known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(known, [$(stringify!($name)),+]);
        }
    };
}

mutations!(
    names,
    text,
    answer,
    requests,
    accepted,
    bulk,
    registration,
    medical,
    chart,
    archive,
    wire,
);
