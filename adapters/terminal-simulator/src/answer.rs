//! What the centre answers, as a file.

use jiff::civil::{Date, DateTime};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::decode::Question;
use crate::element::Element;
use crate::knobs::{
    BulkInsurance, CharacterCode, CombinedOrder, Encoding, Knobs, Names, NotCommissionedForm, Order,
};
use crate::person::{Person, Standing};

mod record;

/// When an answer is given, where, and what it speaks of.
#[derive(Debug, Clone)]
pub struct Answered {
    /// 処理実行日時, Japan time.
    pub at: DateTime,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// The institution whose terminal this is.
    pub institution: String,
}

impl Answered {
    /// An answer about today.
    pub fn now(at: DateTime, institution: &str) -> Self {
        Self {
            at,
            confirmed_on: at.date(),
            institution: institution.to_owned(),
        }
    }
}

/// Whether a card lay on the reader, or somebody asked by numbers, or for everybody at once.
pub(crate) enum Asked<'a> {
    Card,
    Numbers(&'a Question),
    Everybody,
}

/// The file that a card reception leaves in `face/`.
pub fn render_face(person: &Person, answered: &Answered, knobs: &Knobs) -> Vec<u8> {
    render(Some(person), &Asked::Card, answered, knobs)
}

/// The file that answers a single inquiry in `res/`. `people` is everybody whom the centre knows.
pub fn render_answer(
    people: &[Person],
    question: &Question,
    answered: &Answered,
    knobs: &Knobs,
) -> Vec<u8> {
    let person = people.iter().find(|person| asks_for(question, person));
    answer_about(person, question, answered, knobs)
}

/// The same about somebody who was looked up already.
pub(crate) fn answer_about(
    person: Option<&Person>,
    question: &Question,
    answered: &Answered,
    knobs: &Knobs,
) -> Vec<u8> {
    let asked = Asked::Numbers(question);
    match refusal(question, answered) {
        Some(refused) => finish(
            header(answered, &asked, knobs, Some(refused)),
            Vec::new(),
            knobs,
        ),
        None => render(person, &asked, answered, knobs),
    }
}

/// One person's unit of 一括照会.
pub(crate) fn inquiry_unit(
    person: Option<&Person>,
    question: &Question,
    answered: &Answered,
    knobs: &Knobs,
) -> Element {
    let mut children = vec![echo(question)];
    let standing = person.map_or(Standing::NotFound, |person| person.standing);
    let refused = match (question.missing(), standing) {
        (Some(element), _) => Some(("SIM0001", format!("必須項目がありません: {element}"))),
        (None, Standing::Rejected) => Some(("SIM0009", "照会を受け付けられません".to_owned())),
        (None, _) => None,
    };
    if let Some((code, message)) = refused {
        children.push(Element::leaf("ProcessingResultStatus", "2"));
        children.push(Element::leaf("ProcessingResultCode", code));
        children.push(Element::leaf("ProcessingResultMessage", message));
        return Element::branch("BulkConfirmUnit", children);
    }
    children.push(Element::leaf("ProcessingResultStatus", "1"));
    children.push(Element::leaf(
        "QualificationValidity",
        validity(standing, knobs),
    ));
    children.extend(unit_records(
        person,
        &Asked::Numbers(question),
        answered,
        knobs,
    ));
    Element::branch("BulkConfirmUnit", children)
}

/// One person's unit of a bulk fetch, which nobody asked for by numbers.
pub(crate) fn fetched_unit(person: &Person, answered: &Answered, knobs: &Knobs) -> Element {
    let mut children = vec![
        Element::leaf("ProcessingResultStatus", "1"),
        Element::leaf("QualificationValidity", validity(person.standing, knobs)),
    ];
    children.extend(unit_records(
        Some(person),
        &Asked::Everybody,
        answered,
        knobs,
    ));
    Element::branch("BulkConfirmUnit", children)
}

/// In units 照会番号 stands beside the records, one for each.
fn unit_records(
    person: Option<&Person>,
    asked: &Asked<'_>,
    answered: &Answered,
    knobs: &Knobs,
) -> Vec<Element> {
    let Some(person) = person else {
        return Vec::new();
    };
    let bare = Person {
        reference_number: None,
        ..person.clone()
    };
    let mut elements = records(&bare, asked, answered, knobs);
    if let Some(number) = &person.reference_number {
        let beside = elements.len();
        elements.extend((0..beside).map(|_| Element::leaf("ReferenceNumber", number)));
    }
    elements
}

/// Why the centre would not even look.
fn refusal(question: &Question, answered: &Answered) -> Option<(&'static str, String)> {
    if let Some(element) = question.missing() {
        return Some(("SIM0001", format!("必須項目がありません: {element}")));
    }
    if question.institution_code.as_deref() != Some(&answered.institution) {
        return Some(("SIM0003", "医療機関コードが一致しません".to_owned()));
    }
    None
}

fn asks_for(question: &Question, person: &Person) -> bool {
    let same = |insurer: &str, number: &str| {
        question.insurer_number.as_deref() == Some(insurer)
            && question.number.as_deref() == Some(number)
    };
    question.birth_date == Some(person.birth_date)
        && (by_assistance(question, person)
            || person
                .insurance
                .as_ref()
                .is_some_and(|insurance| same(&insurance.insurer_number, &insurance.number)))
}

fn by_assistance(question: &Question, person: &Person) -> bool {
    person.assistance.as_ref().is_some_and(|assistance| {
        question.insurer_number.as_deref() == Some(&assistance.payer_number)
            && question.number.as_deref() == Some(&assistance.recipient_number)
    })
}

fn render(
    person: Option<&Person>,
    asked: &Asked<'_>,
    answered: &Answered,
    knobs: &Knobs,
) -> Vec<u8> {
    let standing = person.map_or(Standing::NotFound, |person| person.standing);
    if standing == Standing::Rejected {
        let refused = ("SIM0009", "照会を受け付けられません".to_owned());
        return finish(
            header(answered, asked, knobs, Some(refused)),
            Vec::new(),
            knobs,
        );
    }
    let mut body = vec![
        Element::leaf("ProcessingResultStatus", "1"),
        Element::leaf("QualificationValidity", validity(standing, knobs)),
    ];
    if let Asked::Numbers(question) = asked {
        body.push(echo(question));
    }
    let records = person.map_or_else(Vec::new, |person| records(person, asked, answered, knobs));
    if !records.is_empty() {
        body.push(Element::branch("ResultList", records));
    }
    finish(header(answered, asked, knobs, None), body, knobs)
}

fn validity(standing: Standing, knobs: &Knobs) -> &'static str {
    match standing {
        Standing::Valid => "1",
        Standing::Lost => "2",
        Standing::LostWithNewer => "3",
        Standing::NotFound | Standing::Rejected => "4",
        Standing::Multiple => "5",
        Standing::NotCommissioned => {
            if knobs.not_commissioned == NotCommissionedForm::ValidityOne {
                "1"
            } else {
                "6"
            }
        }
    }
}

/// A card shows both halves; asked by numbers, only the half whose numbers they are. Of what is lost, a card
/// shows the last record as reference and a ticket shows nothing.
fn records(person: &Person, asked: &Asked<'_>, answered: &Answered, knobs: &Knobs) -> Vec<Element> {
    let card = matches!(asked, Asked::Card);
    match person.standing {
        Standing::NotFound | Standing::Multiple | Standing::Rejected => return Vec::new(),
        Standing::Lost | Standing::LostWithNewer if !card => return Vec::new(),
        _ => {}
    }
    let assistance_asked = match asked {
        Asked::Card | Asked::Everybody => true,
        Asked::Numbers(question) => by_assistance(question, person),
    };
    let beside = matches!(asked, Asked::Everybody) && knobs.bulk_insurance == BulkInsurance::With;
    let insurance = (card || beside || !assistance_asked)
        .then(|| record::insurance(person, answered, knobs))
        .flatten();
    let assistance = assistance_asked
        .then(|| record::assistance(person, asked, answered, knobs))
        .flatten();
    let mut records: Vec<Element> = insurance.into_iter().chain(assistance).collect();
    if knobs.combined_order == CombinedOrder::AssistanceFirst {
        records.reverse();
    }
    records
}

fn header(
    answered: &Answered,
    asked: &Asked<'_>,
    knobs: &Knobs,
    refused: Option<(&str, String)>,
) -> Element {
    let (reference, identifier) = match asked {
        Asked::Card => ("1", Some(file_identifier(answered, knobs))),
        Asked::Numbers(question) => ("2", question.file_identifier.clone()),
        Asked::Everybody => unreachable!("bulk answers have a header of their own"),
    };
    let mut header = vec![
        Element::leaf(
            "ProcessExecutionTime",
            answered.at.strftime("%Y%m%d%H%M%S").to_string(),
        ),
        Element::leaf(
            "QualificationConfirmationDate",
            eight(answered.confirmed_on),
        ),
        Element::leaf("MedicalInstitutionCode", &answered.institution),
    ];
    header.extend(identifier.map(|text| Element::leaf("ArbitraryFileIdentifier", text)));
    header.push(Element::leaf("ReferenceClassification", reference));
    header.push(Element::leaf(
        "SegmentOfResult",
        if refused.is_some() { "9" } else { "1" },
    ));
    if let Some((code, message)) = refused {
        header.push(Element::leaf("ErrorCode", code));
        header.push(Element::leaf("ErrorMessage", message));
    }
    header.push(Element::leaf(
        "CharacterCodeIdentifier",
        character_code(knobs),
    ));
    Element::branch("MessageHeader", header)
}

/// A short text of the terminal's own.
fn file_identifier(answered: &Answered, knobs: &Knobs) -> String {
    let mut random = seeded(knobs, answered.at);
    (0..8)
        .map(|_| {
            char::from(
                b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
                    [random.random_range(0..57)],
            )
        })
        .collect()
}

/// What 文字コード識別 says.
pub(crate) fn character_code(knobs: &Knobs) -> &'static str {
    match (knobs.character_code, knobs.encoding == Encoding::ShiftJis) {
        (CharacterCode::ZeroOne, false) => "0",
        (CharacterCode::ZeroOne, true) | (CharacterCode::OneTwo, false) => "1",
        (CharacterCode::OneTwo, true) => "2",
    }
}

/// The centre repeats what it was asked, numbers included, even where its answer must not hold them.
fn echo(question: &Question) -> Element {
    let mut children = Vec::new();
    let mut add = |name, text: Option<String>| {
        children.extend(text.map(|text| Element::leaf(name, text)));
    };
    add("InsurerNumber", question.insurer_number.clone());
    add("InsuredCardSymbol", question.symbol.clone());
    add("InsuredIdentificationNumber", question.number.clone());
    add("InsuredBranchNumber", question.branch.clone());
    add("Birthdate", question.birth_date.map(eight));
    add(
        "LimitApplicationCertificateRelatedConsFlg",
        question.limit_certificate_consent.clone(),
    );
    add("ArbitraryIdentifier", question.arbitrary_identifier.clone());
    Element::branch("QualificationConfirmSearchInfo", children)
}

/// The bytes of an answer with this header and body.
pub(crate) fn finish(header: Element, body: Vec<Element>, knobs: &Knobs) -> Vec<u8> {
    let mut parts = [header, Element::branch("MessageBody", body)];
    if knobs.order == Order::Shuffled {
        let mut random = SmallRng::seed_from_u64(knobs.seed);
        for part in &mut parts {
            part.shuffle(&mut random);
        }
    }
    Element::branch("XmlMsg", parts.into()).document(knobs.encoding)
}

fn seeded(knobs: &Knobs, at: DateTime) -> SmallRng {
    let seconds =
        i64::from(at.second()) + 60 * i64::from(at.minute()) + 3600 * i64::from(at.hour());
    SmallRng::seed_from_u64(knobs.seed ^ seconds.unsigned_abs().rotate_left(32))
}

/// yyyyMMdd.
pub(crate) fn eight(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

/// The name as this terminal writes it.
pub(crate) fn written_name(person: &Person, knobs: &Knobs) -> String {
    match knobs.names {
        Names::Plain => person.name.clone(),
        Names::Unmappable => person.name.replacen('見', "●", 1).replacen('未', "●", 1),
        Names::LevelThree => format!("髙{}德", person.name),
        Names::Long => format!("{}{}", person.name, "之".repeat(80)),
    }
}
