//! Results of bulk jobs, unit by unit.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, Cursor, Read};

use shikaku_schemas::group::Facility;
use shikaku_schemas::observation::{AnswerManifest, OqsAnswer, OqsFolder};
use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits};
use shikaku_schemas::oqs::job::{BulkLimits, Survey, Tally, Unit, Units, survey};
use shikaku_schemas::oqs::{Family, OqsError, Reading, Verdict};
use shikaku_schemas::value::{InquiryId, Method, Month};

use super::examples::{answer, in_crate};

/// What a hub would take in: each unit's answer or the word for why it has none, then the manifest.
struct Taken {
    units: Vec<Result<OqsAnswer, &'static str>>,
    manifest: AnswerManifest,
}

fn facility() -> Facility {
    serde_json::from_value(serde_json::json!({ "code": "1319912349", "name": "見本病院" })).unwrap()
}

fn take(bytes: &[u8], family: Family) -> Result<Taken, OqsError> {
    let facility = facility();
    let reading = Reading {
        folder: OqsFolder::Res,
        facility: &facility,
        schemes: &[],
        inquiry: Some(InquiryId(uuid::Uuid::from_u128(7))),
    };
    let survey = survey(bytes, &BulkLimits::DEFAULT)?;
    let mut tally = Tally::default();
    let mut units = Vec::new();
    for unit in Units::new(bytes, &BulkLimits::DEFAULT) {
        let unit = unit?;
        let answer = unit.answer(&survey, family, &reading);
        match &answer {
            Ok(_) => tally.units += 1,
            Err(_) => tally.unreadable += 1,
        }
        tally.repeated += u32::from(unit.repeats);
        units.push(answer.map_err(|error| error.reason()));
    }
    let month = (family == Family::Commissioned).then_some(Month {
        year: 2026,
        month: 5,
    });
    Ok(Taken {
        units,
        manifest: survey.manifest(reading.inquiry, month, tally),
    })
}

#[test]
fn a_mixed_result_is_taken_unit_by_unit() {
    let taken = take(&answer("OQSmuquc02res_mixed.xml"), Family::Bulk).unwrap();
    insta::assert_json_snapshot!("bulk-units", taken.units);
    insta::assert_json_snapshot!("bulk-manifest", taken.manifest);
}

/// Encoding and place of the header make no difference.
#[test]
fn the_header_may_stand_behind_the_units() {
    let first = take(&answer("OQSmuquc02res_mixed.xml"), Family::Bulk).unwrap();
    let second = take(
        &answer("OQSmuquc02res_mixed-cp932-body-first.xml"),
        Family::Bulk,
    )
    .unwrap();
    assert_eq!(first.units, second.units);
    assert_eq!(first.manifest, second.manifest);
}

#[test]
fn each_function_has_its_method() {
    for (name, family, method) in [
        (
            "OQSmutic02res_combined.xml",
            Family::Commissioned,
            Method::Commissioned,
        ),
        (
            "OQSmuhvq02res_one.xml",
            Family::HomeVisit,
            Method::HomeVisit,
        ),
        ("OQSmuonq02res_one.xml", Family::Online, Method::Online),
    ] {
        let taken = take(&answer(name), family).unwrap();
        let answer = taken.units[0].as_ref().unwrap();
        assert_eq!(answer.method, method);
        assert_eq!(taken.manifest.units, 1);
        assert!(taken.manifest.counts_agree);
    }
}

#[test]
fn the_shared_sample_reads_the_same_plain_and_packed() {
    let plain = std::fs::read(in_crate("samples/oqs/OQSmutic02res_202605160001.xml")).unwrap();
    let packed = std::fs::read(in_crate("samples/oqs/OQSmutic02res_202605160001.zip")).unwrap();
    let mut archive = Archive::open(Cursor::new(packed), &ArchiveLimits::DEFAULT, None).unwrap();
    let mut unpacked = Vec::new();
    archive
        .message("OQSmutic02res_")
        .unwrap()
        .read_to_end(&mut unpacked)
        .unwrap();
    let (plain, unpacked) = (
        take(&plain, Family::Commissioned).unwrap(),
        take(&unpacked, Family::Commissioned).unwrap(),
    );
    assert_eq!(plain.units, unpacked.units);
    assert_eq!(plain.manifest.units, 5);
    let first = plain.units[0].as_ref().unwrap();
    assert_eq!(first.records[0].tickets.len(), 1);
    assert_eq!(first.confirmed_on, jiff::civil::date(2026, 5, 16));
}

fn surveyed(name: &str) -> Survey {
    survey(&*answer(name), &BulkLimits::DEFAULT).unwrap()
}

#[test]
fn what_is_not_done_says_how_far_it_is() {
    for (family, code) in [
        (Family::Bulk, "SIM0007"),
        (Family::Commissioned, "SIM0007"),
        (Family::HomeVisit, "SIM0007"),
        (Family::Online, "SIM0008"),
        (Family::BulkRegistration, "SIM0008"),
    ] {
        let surveyed = |what| surveyed(&format!("{}02res_{what}.xml", family.prefix()));
        assert_eq!(surveyed("working").verdict, Verdict::Working, "{family:?}");
        let dead = surveyed("dead");
        assert!(matches!(dead.verdict, Verdict::Refused(_)), "{family:?}");
        let manifest = dead.manifest(None, None, Tally::default());
        assert_eq!(manifest.refusal.unwrap().code.as_deref(), Some(code));
    }
    let none = surveyed("OQSmutic02res_none.xml");
    assert_eq!((none.units, none.counts_agree()), (0, true));
}

/// Those that no other test looks into unit by unit.
#[test]
fn consents_at_home_and_online_are_taken_unit_by_unit() {
    for (name, family) in [
        ("OQSmuhvq02res_one", Family::HomeVisit),
        ("OQSmuonq02res_one", Family::Online),
    ] {
        let taken = take(&answer(&format!("{name}.xml")), family).unwrap();
        insta::assert_json_snapshot!(name, (taken.units, taken.manifest));
    }
}

#[test]
fn counts_that_disagree_are_told() {
    let survey = surveyed("OQSmuquc02res_miscounted.xml");
    assert_eq!(survey.units, 2);
    assert!(!survey.counts_agree());
}

#[test]
fn a_record_outside_the_units_is_not_passed_over() {
    let error = survey(&*answer("OQSmuquc02res_outside.xml"), &BulkLimits::DEFAULT).unwrap_err();
    assert_eq!(error.reason(), "record-outside-units");
}

/// UTF-8 read as Shift_JIS is often plausible rubbish: names of a whole town would be wrong for ever.
#[test]
fn a_declaration_that_the_bytes_contradict_is_refused() {
    let text = String::from_utf8(answer("OQSmuquc02res_mixed.xml")).unwrap();
    let declared = text.replacen("UTF-8", "Shift_JIS", 1);
    let error = survey(declared.as_bytes(), &BulkLimits::DEFAULT).unwrap_err();
    assert_eq!(error.reason(), "wrong-encoding");
    let long = declared.replace("</MessageBody>", &"<A>　</A>".repeat(60_000)) + "</MessageBody>";
    let mut text = String::new();
    let mut decoder = shikaku_schemas::oqs::text::Decoder::new(long.as_bytes());
    assert!(decoder.read_to_string(&mut text).is_err());
}

/// Cut anywhere, nothing of it may be taken in: the survey waits.
#[test]
fn an_answer_that_is_cut_short_is_waited_for() {
    for name in [
        "OQSmuquc02res_mixed.xml",
        "OQSmuquc02res_mixed-cp932-body-first.xml",
    ] {
        let bytes = answer(name);
        for length in (0..bytes.trim_ascii_end().len()).step_by(7) {
            let error = survey(&bytes[..length], &BulkLimits::DEFAULT).unwrap_err();
            assert!(error.is_incomplete(), "{name} cut at {length}: {error}");
        }
    }
}

#[test]
fn registrations_come_unit_by_unit() {
    let bytes = answer("OQSmuimm02res_mixed.xml");
    let survey = survey(&*bytes, &BulkLimits::DEFAULT).unwrap();
    assert_eq!((survey.units, survey.counts_agree()), (3, true));
    let outcomes: Vec<_> = Units::new(&*bytes, &BulkLimits::DEFAULT)
        .map(|unit| unit.unwrap().registration().unwrap())
        .collect();
    assert_eq!(outcomes[0].refusal, None);
    assert!(outcomes[1].refusal.is_some());
    assert_eq!(
        outcomes[2]
            .registered
            .reference_number
            .as_ref()
            .unwrap()
            .as_str(),
        "B00003"
    );
}

#[test]
fn units_beyond_their_limits_are_refused() {
    let bytes = answer("OQSmuquc02res_mixed.xml");
    let refused = |limits: &BulkLimits| survey(&*bytes, limits).unwrap_err().reason();
    let few = BulkLimits {
        units: 7,
        ..BulkLimits::DEFAULT
    };
    assert_eq!(refused(&few), "too-many-elements");
    let mut small = BulkLimits::DEFAULT;
    small.unit.bytes = 500;
    assert_eq!(refused(&small), "too-large");
    let short = BulkLimits {
        bytes: 4000,
        ..BulkLimits::DEFAULT
    };
    assert_eq!(refused(&short), "too-large");
}

#[test]
fn markup_that_no_message_has_is_refused() {
    let text = String::from_utf8(answer("OQSmutic02res_combined.xml")).unwrap();
    for (from, to, reason) in [
        (
            "<XmlMsg>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><XmlMsg>",
            "dtd",
        ),
        ("</BulkConfirmUnit>", "</Other>", "not-well-formed"),
        ("</XmlMsg>", "</XmlMsg><XmlMsg/>", "not-well-formed"),
        ("XmlMsg>", "Elsewhere>", "not-a-message"),
        ("<SegmentOfResult>1", "<SegmentOfResult>5", "unknown-code"),
        ("<MessageBody>", "<MessageBody>&other;", "entity"),
    ] {
        let wrong = text.replace(from, to);
        let error = survey(wrong.as_bytes(), &BulkLimits::DEFAULT).unwrap_err();
        assert_eq!(error.reason(), reason, "{to}: {error}");
    }
}

/// Only what this thread holds: other tests allocate beside it.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is ending has no counter any more.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        PEAK.with(|peak| peak.set(peak.get().max(held.get())));
    });
}

#[expect(unsafe_code, reason = "an allocator can be counted only from inside")]
// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A result of any length, made while it is read.
struct Made {
    next: u32,
    last: u32,
    ready: Cursor<Vec<u8>>,
}

impl Made {
    fn new(people: u32) -> Self {
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><XmlMsg><MessageHeader><ProcessExecutionTime>20260516020000</ProcessExecutionTime>\
             <ReceptionNumber>1</ReceptionNumber><SegmentOfResult>1</SegmentOfResult>\
             <NumberOfProcessingResult>{people}</NumberOfProcessingResult></MessageHeader><MessageBody>"
        );
        Self {
            next: 0,
            last: people,
            ready: Cursor::new(head.into_bytes()),
        }
    }
}

impl Read for Made {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.ready.read(buffer)?;
        if count > 0 || self.next > self.last {
            return Ok(count);
        }
        let text = if self.next == self.last {
            "</MessageBody></XmlMsg>".to_owned()
        } else {
            format!(
                "<BulkConfirmUnit><ProcessingResultStatus>1</ProcessingResultStatus><ResultOfQualificationConfirmation>\
                 <InsuredCardClassification>A1</InsuredCardClassification><InsurerNumber>12997151</InsurerNumber>\
                 <InsuredIdentificationNumber>{:07}</InsuredIdentificationNumber><Name>束見　{}</Name><Birthdate>19600101</Birthdate>{}\
                 </ResultOfQualificationConfirmation></BulkConfirmUnit>\n",
                self.next,
                self.next,
                "<PublicExpenseResultList><MedicalTicketInfo><TicketType>01</TicketType><MedicalTreatmentMonth>202605</MedicalTreatmentMonth><InjuryName1>高血圧症</InjuryName1></MedicalTicketInfo></PublicExpenseResultList>"
            )
        };
        self.next += 1;
        self.ready = Cursor::new(text.into_bytes());
        self.ready.read(buffer)
    }
}

/// Only the digests of units grow with their number. `SHIKAKU_UNITS=100000` shows it of more.
#[test]
fn many_units_need_a_few_mebibytes() {
    let people = std::env::var("SHIKAKU_UNITS").map_or(10_000, |units| units.parse().unwrap());
    let held_before = HELD.get();
    PEAK.set(held_before);
    let survey = survey(Made::new(people), &BulkLimits::DEFAULT).unwrap();
    assert_eq!(survey.units, people);
    assert!(survey.counts_agree());
    let facility = facility();
    let reading = Reading {
        folder: OqsFolder::Res,
        facility: &facility,
        schemes: &[],
        inquiry: None,
    };
    let mut last: Option<Unit> = None;
    for unit in Units::new(Made::new(people), &BulkLimits::DEFAULT) {
        let unit = unit.unwrap();
        assert!(!unit.repeats);
        // Judging each would only make the test slow.
        if unit.ordinal % 1000 == 1 {
            let answer = unit
                .answer(&survey, Family::Commissioned, &reading)
                .unwrap();
            assert_eq!(answer.records[0].tickets.len(), 1);
        }
        last = Some(unit);
    }
    assert_eq!(last.unwrap().ordinal, people);
    let peak = PEAK.get() - held_before;
    println!("{people} units, {peak} bytes at once");
    // A hash table of 16 bytes a unit doubles when it is full, and holds both while it moves.
    let digests = 16 * 5 * isize::try_from(people).unwrap();
    assert!(peak < (2 << 20) + digests, "{peak} bytes at once");
}
