//! What an answer about one person means, as generators make it up, and how it is written.

use proptest::prelude::*;
use shikaku_schemas::group::Facility;
use shikaku_schemas::observation::{OqsAnswer, OqsFolder};
use shikaku_schemas::oqs::{Limits, OqsError, Reading, read_answer};

use super::pen::{Leaf, Manner, Pen, day, maybe};

/// What a made-up terminal means to say.
#[derive(Debug, Clone)]
pub struct Meant {
    pub header: Vec<Leaf>,
    pub body: Vec<Leaf>,
    /// 任意の識別子, echoed.
    pub identifier: Option<String>,
    pub records: Vec<MeantRecord>,
}

#[derive(Debug, Clone)]
pub struct MeantRecord {
    pub leaves: Vec<Leaf>,
    pub tickets: Vec<Vec<Leaf>>,
}

fn record(pen: &mut Pen<'_>, record: &MeantRecord) -> String {
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
            |(name, value)| match assistance && pen.manner.second_placement {
                true => (renamed(name), value.clone()),
                false => (*name, value.clone()),
            },
        )
        .collect();
    let mut children = pen.leaves(&leaves);
    // Lists keep their order: it is the order of the tickets.
    let mut list = String::from("<PublicExpenseResultList>");
    for ticket in &record.tickets {
        let leaves = pen.leaves(ticket);
        list += &pen.parent("MedicalTicketInfo", leaves);
    }
    children.push(list + "</PublicExpenseResultList>");
    pen.parent("ResultOfQualificationConfirmation", children)
}

/// What stands in the body of a message, or in a unit of a bulk result.
pub fn body(pen: &mut Pen<'_>, meant: &Meant) -> Vec<String> {
    let mut children = pen.leaves(&meant.body);
    let echo = vec![pen.leaf("ArbitraryIdentifier", meant.identifier.as_deref())];
    children.push(pen.parent("QualificationConfirmSearchInfo", echo));
    let mut list = String::from("<ResultList>");
    for meant in &meant.records {
        list += &record(pen, meant);
    }
    children.push(list + "</ResultList>");
    children
}

pub fn write(meant: &Meant, manner: &Manner) -> Vec<u8> {
    let mut pen = Pen::new(manner);
    let header = pen.leaves(&meant.header);
    let body = body(&mut pen, meant);
    pen.message(header, body)
}

fn ticket() -> impl Strategy<Value = Vec<Leaf>> {
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

fn meant_record(classification: &'static str) -> impl Strategy<Value = MeantRecord> {
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

pub fn meant() -> impl Strategy<Value = Meant> {
    let records = prop_oneof![
        meant_record("A1").prop_map(|one| vec![one]),
        meant_record("01").prop_map(|one| vec![one]),
        (meant_record("02"), meant_record("A1"))
            .prop_map(|(insurance, assistance)| vec![insurance, assistance]),
    ];
    (
        records,
        maybe("[1236]"),
        maybe("[1278]"),
        maybe("[A-Za-z0-9]{8}"),
        day(),
        maybe("row-[0-9]{1,3}"),
    )
        .prop_map(
            |(records, validity, classification, file, confirmed, identifier)| Meant {
                header: vec![
                    ("ProcessExecutionTime", Some("20260511091500".to_owned())),
                    ("QualificationConfirmationDate", confirmed),
                    ("MedicalInstitutionCode", Some("1319912349".to_owned())),
                    ("ArbitraryFileIdentifier", file),
                    ("ReferenceClassification", classification),
                    ("SegmentOfResult", Some("1".to_owned())),
                ],
                body: vec![
                    ("ProcessingResultStatus", Some("1".to_owned())),
                    ("ProcessingResultMessage", None),
                    ("QualificationValidity", validity),
                ],
                identifier,
                records,
            },
        )
}

/// How readers of answers are asked here.
pub fn reading(facility: &Facility, folder: OqsFolder) -> Reading<'_> {
    Reading {
        folder,
        facility,
        schemes: &[],
        inquiry: None,
    }
}

pub fn facility() -> Facility {
    serde_json::from_value(serde_json::json!({ "code": "1319912349", "name": "見本病院" })).unwrap()
}

pub fn read(bytes: &[u8], folder: OqsFolder) -> Result<OqsAnswer, OqsError> {
    let facility = facility();
    read_answer(bytes, &Limits::SINGLE, &reading(&facility, folder))
}
