//! A message reads to the same answer however it is written: in any order, encoding, blank form and placement
//! of the numbers. No bytes make the reader panic.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

use encoding_rs::SHIFT_JIS;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use shikaku_schemas::group::Facility;
use shikaku_schemas::observation::{OqsAnswer, OqsFolder};
use shikaku_schemas::oqs::{Limits, OqsError, Reading, read_answer};

/// What a made-up terminal means to say. `None` is a value it does not have.
#[derive(Debug, Clone)]
struct Meant {
    header: Vec<(&'static str, Option<String>)>,
    body: Vec<(&'static str, Option<String>)>,
    records: Vec<MeantRecord>,
}

#[derive(Debug, Clone)]
struct MeantRecord {
    leaves: Vec<(&'static str, Option<String>)>,
    tickets: Vec<Vec<(&'static str, Option<String>)>>,
}

/// How it writes it down.
#[derive(Debug, Clone)]
struct Manner {
    /// Shuffles, blanks and additions follow these numbers in turn.
    dice: Vec<u8>,
    encoding: u8,
    second_placement: bool,
    line_end: &'static str,
}

struct Pen<'m> {
    manner: &'m Manner,
    thrown: usize,
}

impl Pen<'_> {
    fn throw(&mut self, sides: usize) -> usize {
        self.thrown += 1;
        usize::from(self.manner.dice[self.thrown % self.manner.dice.len()]) % sides
    }

    fn leaf(&mut self, name: &str, value: Option<&str>) -> String {
        match value {
            Some(value) => {
                let value = value.replace('&', "&amp;").replace('<', "&lt;");
                format!("<{name}>{value}</{name}>")
            }
            None => match self.throw(4) {
                0 => String::new(),
                1 => format!("<{name}/>"),
                2 => format!("<{name}></{name}>"),
                _ => format!("<{name}> \u{3000}</{name}>"),
            },
        }
    }

    /// Children in any order, with comments and unknown elements between them.
    fn parent(&mut self, name: &str, mut children: Vec<String>) -> String {
        let mut text = format!("<{name}>{}", self.manner.line_end);
        while !children.is_empty() {
            let next = self.throw(children.len());
            text += &children.swap_remove(next);
            text += match self.throw(6) {
                0 => "<!-- 注記 -->",
                1 => "<FutureElement>新<!-- -->しい</FutureElement>",
                2 => "<FutureList><FutureElement a=\"1\"/></FutureList>",
                3 => self.manner.line_end,
                _ => "",
            };
        }
        text + &format!("</{name} >")
    }

    fn leaves(&mut self, values: &[(&'static str, Option<String>)]) -> Vec<String> {
        values
            .iter()
            .map(|(name, value)| self.leaf(name, value.as_deref()))
            .collect()
    }

    fn record(&mut self, record: &MeantRecord) -> String {
        let assistance = record.leaves[0].1.as_deref() == Some("A1");
        let renamed = |name: &'static str| match name {
            "InsurerNumber" => "PublicExpenseNumber",
            "InsuredIdentificationNumber" => "BeneficiaryNumber",
            "InsurerName" => "WelfareOfficeName",
            name => name,
        };
        let leaves: Vec<_> = record
            .leaves
            .iter()
            .map(
                |(name, value)| match assistance && self.manner.second_placement {
                    true => (renamed(name), value.clone()),
                    false => (*name, value.clone()),
                },
            )
            .collect();
        let mut children = self.leaves(&leaves);
        // Lists keep their order: it is the order of the tickets.
        let mut list = String::from("<PublicExpenseResultList>");
        for ticket in &record.tickets {
            let leaves = self.leaves(ticket);
            list += &self.parent("MedicalTicketInfo", leaves);
        }
        children.push(list + "</PublicExpenseResultList>");
        self.parent("ResultOfQualificationConfirmation", children)
    }

    fn write(&mut self, meant: &Meant) -> Vec<u8> {
        let header = self.leaves(&meant.header);
        let header = self.parent("MessageHeader", header);
        let mut body = self.leaves(&meant.body);
        let mut list = String::from("<ResultList>");
        for record in &meant.records {
            list += &self.record(record);
        }
        body.push(list + "</ResultList>");
        let body = self.parent("MessageBody", body);
        let root = self.parent("XmlMsg", vec![header, body]);
        let end = self.manner.line_end;
        match self.manner.encoding {
            0 => format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>{end}{root}")
                .into_bytes(),
            1 => format!("\u{feff}<?xml version=\"1.0\"?>{root}{end}").into_bytes(),
            2 => SHIFT_JIS
                .encode(&format!(
                    "<?xml version='1.0' encoding='Shift_JIS'?>{end}{root}"
                ))
                .0
                .into_owned(),
            _ => SHIFT_JIS.encode(&root).0.into_owned(),
        }
    }
}

fn manner() -> impl Strategy<Value = Manner> {
    (
        prop::collection::vec(any::<u8>(), 7..60),
        0u8..4,
        any::<bool>(),
        prop_oneof![Just(""), Just("\n"), Just("\r\n  ")],
    )
        .prop_map(|(dice, encoding, second_placement, line_end)| Manner {
            dice,
            encoding,
            second_placement,
            line_end,
        })
}

/// Boxed, here and below: whole messages of unboxed strategies overflow a test's stack.
fn maybe(pattern: &'static str) -> BoxedStrategy<Option<String>> {
    prop::option::weighted(0.7, pattern).boxed()
}

fn day() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(
        0.7,
        (1930..2030, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y:04}{m:02}{d:02}")),
    )
}

fn ticket() -> impl Strategy<Value = Vec<(&'static str, Option<String>)>> {
    (
        maybe("0[1-5]"),
        maybe("[0-9]{1,7}"),
        maybe("0[12]"),
        maybe("[01]"),
        day(),
        maybe("[0-9A-Z]{1,10}"),
        maybe("0[12]"),
    )
        .prop_map(|(treatment, pay, usage, flag, end, issue, infection)| {
            vec![
                ("TicketType", Some("01".to_owned())),
                ("MedicalTreatmentMonth", Some("202605".to_owned())),
                ("MedicalTreatmentType", treatment),
                ("SelfPayAmount", pay),
                ("SingleOrCombinedUse", usage),
                ("DesignatedMedicalInstitutionFlag", flag),
                ("MedicalTicketExpirationDate", end),
                ("IssueNumber", issue),
                ("StatusOfInfecton", infection),
                ("InjuryName1", Some("高血圧症".to_owned())),
            ]
        })
}

fn record(classification: &'static str) -> impl Strategy<Value = MeantRecord> {
    (
        (
            maybe("[見本試料髙島①ー]{1,4}　[一二花子]{1,2}&?"),
            maybe("[ｱ-ﾝ]{2,5} [ｱ-ﾝ]{2}"),
            maybe("[123]"),
            maybe("[123]"),
            day(),
        ),
        (
            maybe("[0-9]{8}"),
            maybe("[0-9]{7}"),
            day(),
            day(),
            maybe("見本[市町]福祉事務所"),
            maybe("[0-9]{1,8}"),
        ),
        maybe("[01]"),
        prop::collection::vec(ticket(), 0..3),
    )
        .prop_map(
            move |(
                (name, kana, sex1, sex2, born),
                (payer, number, from, to, office, reference),
                consent,
                tickets,
            )| MeantRecord {
                leaves: vec![
                    ("InsuredCardClassification", Some(classification.to_owned())),
                    ("InsurerNumber", payer),
                    ("InsuredIdentificationNumber", number),
                    ("InsurerName", office),
                    ("Name", name),
                    ("NameKana", kana),
                    ("Sex1", sex1),
                    ("Sex2", sex2),
                    ("Birthdate", born),
                    ("QualificationDate", from),
                    ("DisqualificationDate", to),
                    ("ReferenceNumber", reference),
                    ("PharmacistsInfoConsFlg", consent),
                ],
                tickets: if classification == "A1" {
                    tickets
                } else {
                    Vec::new()
                },
            },
        )
}

fn meant() -> impl Strategy<Value = Meant> {
    let records = prop_oneof![
        record("A1").prop_map(|one| vec![one]),
        record("01").prop_map(|one| vec![one]),
        (record("02"), record("A1"))
            .prop_map(|(insurance, assistance)| vec![insurance, assistance]),
    ];
    (
        records,
        maybe("[1236]"),
        maybe("[1278]"),
        maybe("[A-Za-z0-9]{8}"),
        day(),
    )
        .prop_map(
            |(records, validity, classification, identifier, confirmed)| Meant {
                header: vec![
                    ("ProcessExecutionTime", Some("20260511091500".to_owned())),
                    ("QualificationConfirmationDate", confirmed),
                    ("MedicalInstitutionCode", Some("1319912349".to_owned())),
                    ("ArbitraryFileIdentifier", identifier),
                    ("ReferenceClassification", classification),
                    ("SegmentOfResult", Some("1".to_owned())),
                ],
                body: vec![
                    ("ProcessingResultStatus", Some("1".to_owned())),
                    ("ProcessingResultMessage", None),
                    ("QualificationValidity", validity),
                ],
                records,
            },
        )
}

fn read(bytes: &[u8]) -> Result<OqsAnswer, OqsError> {
    let facility: Facility =
        serde_json::from_value(serde_json::json!({ "code": "1319912349", "name": "見本病院" }))
            .unwrap();
    let reading = Reading {
        folder: OqsFolder::Face,
        facility: &facility,
        schemes: &[],
        inquiry: None,
    };
    read_answer(bytes, &Limits::SINGLE, &reading)
}

/// Written plainly, in the order meant.
fn plainly() -> Manner {
    Manner {
        dice: vec![0],
        encoding: 0,
        second_placement: false,
        line_end: "",
    }
}

fn write(meant: &Meant, manner: &Manner) -> Vec<u8> {
    Pen { manner, thrown: 0 }.write(meant)
}

fn value<'m>(leaves: &'m [(&'static str, Option<String>)], name: &str) -> Option<&'m str> {
    leaves.iter().find(|(n, _)| *n == name)?.1.as_deref()
}

/// What failed once is tried first ever after.
fn config() -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("tests/oqs_properties.regressions");
    ProptestConfig {
        cases: 300,
        failure_persistence: Some(Box::new(kept)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn however_it_is_written_it_reads_the_same(meant in meant(), manner in manner()) {
        let plain = read(&write(&meant, &plainly()));
        let other = read(&write(&meant, &manner));
        // Warnings follow the order of the records, not that of the elements.
        prop_assert_eq!(plain, other);
    }

    #[test]
    fn what_was_meant_is_what_is_read(meant in meant(), manner in manner()) {
        let Ok(answer) = read(&write(&meant, &manner)) else {
            return Ok(());
        };
        prop_assert_eq!(answer.records.len(), meant.records.len());
        for (record, meant_record) in answer.records.iter().zip(&meant.records) {
            let leaf = |name| value(&meant_record.leaves, name);
            prop_assert_eq!(record.person.name.as_deref(), leaf("Name"));
            prop_assert_eq!(record.reference_number.as_ref().map(|n| n.as_str()), leaf("ReferenceNumber"));
            let born = record.person.birth_date.map(|d| d.to_string().replace('-', ""));
            prop_assert_eq!(born.as_deref(), leaf("Birthdate"));
            let silent = value(&meant.body, "QualificationValidity") == Some("6")
                || leaf("InsurerNumber").or(leaf("InsuredIdentificationNumber")).is_none();
            let numbers = &record.numbers;
            if record.is_insurance() {
                prop_assert_eq!(numbers.insurer_number.as_deref(), leaf("InsurerNumber"));
            } else if silent {
                prop_assert!(numbers.payer_number.is_none() && numbers.recipient_number.is_none());
                prop_assert!(record.tickets.is_empty());
            } else {
                prop_assert_eq!(numbers.payer_number.as_ref().map(|n| n.as_str()), leaf("InsurerNumber"));
                prop_assert_eq!(record.tickets.len(), meant_record.tickets.len());
            }
        }
    }

    #[test]
    fn a_diagnosis_never_passes(meant in meant(), manner in manner()) {
        if let Ok(answer) = read(&write(&meant, &manner)) {
            let json = serde_json::to_string(&answer).unwrap();
            prop_assert!(!json.contains("高血圧") && !json.contains("しい"));
        }
    }

    #[test]
    fn cut_is_never_whole(meant in meant(), manner in manner(), at in any::<prop::sample::Index>()) {
        let bytes = write(&meant, &manner);
        let whole = bytes.trim_ascii_end().len();
        let error = read(&bytes[..at.index(whole)]).unwrap_err();
        prop_assert!(error.is_incomplete(), "{}", error);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read(&bytes).is_err());
    }

    /// Bytes changed inside a message go deeper into the reader than noise does.
    #[test]
    fn no_damage_makes_it_panic(
        meant in meant(),
        manner in manner(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = write(&meant, &manner);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Nothing of the content is in an error, not even damaged.
        if let Err(error) = read(&bytes) {
            prop_assert!(!error.to_string().contains("高血圧"));
        }
    }
}
