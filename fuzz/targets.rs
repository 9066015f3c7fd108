//! What is tried on every input: one function for each reader. None may panic, and what was read must hold together.
//!
//! Shared by the libFuzzer targets here and by the replay that runs with the tests (`schemas/tests/fuzz.rs`).

mod chart;

use std::io::{Cursor, Read as _};

pub use chart::medical_chart;

use shikaku_schemas::event::SealedEvent;
use shikaku_schemas::group::Facility;
use shikaku_schemas::observation::{Observation, OqsFolder};
use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits};
use shikaku_schemas::oqs::job::{Accepted, BulkLimits, Poll, Tally, Units, survey};
use shikaku_schemas::oqs::medical::{self, Overview, pdf_is_whole};
use shikaku_schemas::oqs::registration::{self, Outcome};
use shikaku_schemas::oqs::text::{Decoder, Encoding, decode};
use shikaku_schemas::oqs::{
    Family, Limits, Message, OqsError, Reading, Request, bulk, commissioned, consented,
    read_answer, single,
};

/// A reader under trial.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 11] = [
    ("names", names),
    ("text", text),
    ("answer", answer),
    ("requests", requests),
    ("accepted", accepted),
    ("bulk", bulk_result),
    ("registration", registration_outcome),
    ("medical", medical_answer),
    ("chart", medical_chart),
    ("archive", archive),
    ("wire", wire),
];

/// Names of files, and what their first bytes say.
pub fn names(bytes: &[u8]) {
    let (name, head) = bytes.split_at(bytes.len().min(60));
    let name = String::from_utf8_lossy(name);
    if let Some(message) = Message::recognise(&name, head) {
        assert!(
            name.to_lowercase()
                .starts_with(&message.prefix().to_lowercase())
        );
    }
}

/// Bytes to text: what is whole reads the same at once and as a stream.
pub fn text(bytes: &[u8]) {
    let mut streamed = String::new();
    let stream = Decoder::new(bytes).read_to_string(&mut streamed);
    if let Ok(whole) = decode(bytes) {
        assert!(stream.is_ok());
        assert_eq!(whole.text, streamed);
    }
}

/// An error is words of our own: short, and the same length whatever the content was.
fn tame(error: &OqsError) {
    assert!(error.to_string().len() < 400);
    assert!(!error.reason().is_empty());
}

fn facility() -> Facility {
    serde_json::from_str(r#"{"code":"1319912349","name":"見本病院"}"#).expect("a facility")
}

/// Answers about one person.
pub fn answer(bytes: &[u8]) {
    let facility = facility();
    let reading = Reading {
        folder: OqsFolder::Face,
        facility: &facility,
        schemes: &[],
        inquiry: None,
    };
    match read_answer(bytes, &Limits::SINGLE, &reading) {
        Ok(answer) => {
            let json = serde_json::to_string(&answer).expect("an answer is JSON");
            let again = serde_json::from_str(&json).expect("it reads back");
            assert_eq!(answer, again);
        }
        Err(error) => tame(&error),
    }
}

/// A request that can be read and written is the same request.
fn returns<R: Request + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    match R::read(bytes, &Limits::SINGLE) {
        Ok(request) => {
            if let Ok(written) = request.write(Encoding::Utf8) {
                let again = R::read(&written, &Limits::SINGLE);
                assert_eq!(again.as_ref(), Ok(&request));
            }
        }
        Err(error) => tame(&error),
    }
}

/// Requests of every function.
pub fn requests(bytes: &[u8]) {
    returns::<single::Request>(bytes);
    returns::<bulk::Request>(bytes);
    returns::<commissioned::Request>(bytes);
    returns::<consented::Request>(bytes);
    returns::<registration::Request>(bytes);
    returns::<registration::BulkRequest>(bytes);
    returns::<medical::Request>(bytes);
    returns::<Poll>(bytes);
}

/// 受付番号.
pub fn accepted(bytes: &[u8]) {
    if let Err(error) = Accepted::read(bytes, &Limits::SINGLE) {
        tame(&error);
    }
}

/// Results of bulk jobs: the second walk finds what the first one counted.
pub fn bulk_result(bytes: &[u8]) {
    let limits = BulkLimits {
        bytes: 1 << 20,
        units: 5000,
        ..BulkLimits::DEFAULT
    };
    let surveyed = survey(bytes, &limits);
    let units: Vec<_> = Units::new(bytes, &limits).collect();
    let Ok(survey) = surveyed else {
        return;
    };
    let facility = facility();
    let reading = Reading {
        folder: OqsFolder::Res,
        facility: &facility,
        schemes: &[],
        inquiry: None,
    };
    assert_eq!(units.len(), survey.units as usize);
    for unit in units {
        let unit = unit.expect("the survey found it whole");
        if let Err(error) = unit.answer(&survey, Family::Bulk, &reading) {
            tame(&error);
        }
        if let Err(error) = unit.registration() {
            tame(&error);
        }
    }
    let manifest = survey.manifest(None, None, Tally::default());
    serde_json::to_string(&manifest).expect("a manifest is JSON");
}

/// What became of a registration.
pub fn registration_outcome(bytes: &[u8]) {
    if let Err(error) = Outcome::read(bytes, &Limits::SINGLE) {
        tame(&error);
    }
}

/// What a medical answer is, without what it says.
pub fn medical_answer(bytes: &[u8]) {
    for family in [Family::Drugs, Family::Checkups] {
        if let Err(error) = Overview::read(bytes, family, &Overview::LIMITS) {
            tame(&error);
        }
    }
    let _ = pdf_is_whole(bytes);
}

/// Packs: never more than the limit comes out.
pub fn archive(bytes: &[u8]) {
    let limits = ArchiveLimits {
        unpacked: 1 << 20,
        ..ArchiveLimits::DEFAULT
    };
    for password in [None, Some(b"himitsu".as_slice())] {
        let Ok(mut archive) = Archive::open(Cursor::new(bytes), &limits, password) else {
            continue;
        };
        for prefix in ["OQSmutic02res_", "O"] {
            if let Ok(entry) = archive.message(prefix) {
                let mut unpacked = Vec::new();
                let _ = entry.take(4 << 20).read_to_end(&mut unpacked);
                assert!(unpacked.len() <= 1 << 20);
            }
        }
    }
}

/// Observations and sealed events as they travel.
pub fn wire(bytes: &[u8]) {
    if let Ok(observation) = serde_json::from_slice::<Observation>(bytes) {
        let json = serde_json::to_vec(&observation).expect("an observation is JSON");
        let again: Observation = serde_json::from_slice(&json).expect("it reads back");
        assert_eq!(observation, again);
    }
    let _ = serde_json::from_slice::<SealedEvent>(bytes);
}
