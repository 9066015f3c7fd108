//! 薬剤・診療情報 and 健診情報, as XML or PDF. All of it is invented, and nobody could mistake it for treatment.

mod pdf;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::answer::{character_code, eight, finish, written_name};
use crate::centre::{Centre, Place, Refusal};
use crate::decode::day;
use crate::element::Element;
use crate::knobs::Medical;
use crate::person::Person;
use crate::population::spread;
use crate::tree::Node;

/// Which of the two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Drugs,
    Checkups,
}

/// What a request asks for.
struct Asked {
    person: Person,
    from: Date,
    to: Date,
    as_pdf: bool,
    with_treatments: bool,
}

/// The answer and its extension. Refusals are XML whatever was asked for.
pub(crate) fn answer(
    kind: Kind,
    request: &Node,
    centre: &Centre,
    place: &Place<'_>,
) -> (Vec<u8>, &'static str) {
    let none = Node::default();
    let header = request.child("MessageHeader").unwrap_or(&none);
    let at = place.at.strftime("%Y%m%d%H%M%S").to_string();
    let mut head = vec![
        Element::leaf("ProcessExecutionTime", at),
        Element::leaf("MedicalInstitutionCode", place.institution),
    ];
    let identifier = header.value("ArbitraryFileIdentifier");
    head.extend(identifier.map(|text| Element::leaf("ArbitraryFileIdentifier", text)));
    head.push(Element::leaf(
        "CharacterCodeIdentifier",
        character_code(place.knobs),
    ));
    let body = match asked(kind, request, centre, place) {
        Ok(asked) if asked.as_pdf => return (pdf::document(kind, place.at), "pdf"),
        Ok(asked) => {
            head.push(Element::leaf("ResultCode", "1"));
            head.push(who(kind, &asked.person, place));
            match (place.knobs.medical, kind) {
                (Medical::Nothing, _) => Vec::new(),
                (Medical::Some, Kind::Drugs) => drugs(&asked),
                (Medical::Some, Kind::Checkups) => checkups(&asked.person, place),
            }
        }
        Err((code, message)) => {
            head.push(Element::leaf("ResultCode", "2"));
            let message = format!("{code} {message}");
            head.push(Element::leaf("MessageContents", message));
            Vec::new()
        }
    };
    let header = Element::branch("MessageHeader", head);
    (finish(header, body, place.knobs), "xml")
}

fn asked(kind: Kind, request: &Node, centre: &Centre, place: &Place<'_>) -> Result<Asked, Refusal> {
    let missing = |element: &str| ("SIM0001", format!("必須項目がありません: {element}"));
    let none = Node::default();
    let header = request.child("MessageHeader").unwrap_or(&none);
    let body = request.child("MessageBody").unwrap_or(&none);
    if header.value("MedicalInstitutionCode").as_deref() != Some(place.institution) {
        return Err(("SIM0003", "医療機関コードが一致しません".to_owned()));
    }
    let need = |node: &Node, name: &str| node.value(name).ok_or_else(|| missing(name));
    let insurer = need(header, "InsurerNumber")?;
    let number = need(header, "InsuredPersonIdentificationNumber")?;
    let category = need(body, "FileCategory")?;
    let as_pdf = match (kind, category.as_str()) {
        (_, "1") | (Kind::Drugs, "3") => true,
        (_, "2") | (Kind::Drugs, "4") => false,
        _ => return Err(("SIM0004", "ファイル種別に誤りがあります".to_owned())),
    };
    let month = |name: &str| {
        let text = need(body, name)?;
        day(&format!("{text}01")).ok_or_else(|| missing(name))
    };
    let (from, to) = match kind {
        Kind::Drugs => (month("StartDate")?, month("EndDate")?),
        Kind::Checkups => (Date::MIN, Date::MAX),
    };
    if from > to {
        return Err(("SIM0004", "対象年月に誤りがあります".to_owned()));
    }
    Ok(Asked {
        person: centre.opened(&insurer, &number, place)?,
        from,
        to,
        as_pdf,
        with_treatments: matches!(category.as_str(), "3" | "4"),
    })
}

/// The same facts under other names in either function.
fn who(kind: Kind, person: &Person, place: &Place<'_>) -> Element {
    let (branch, names) = match kind {
        Kind::Drugs => ("QuaInf", ["Name", "KanaName", "Birth", "AdmGendCode"]),
        Kind::Checkups => (
            "QualificationsInfo",
            ["Name", "KanasName", "Birthday", "AdministrativeGenderCode"],
        ),
    };
    let texts = [
        written_name(person, place.knobs),
        person.name_kana.clone(),
        eight(person.birth_date),
        person.sex.to_string(),
    ];
    let pairs = names.into_iter().zip(texts);
    Element::branch(
        branch,
        pairs
            .map(|(name, text)| Element::leaf(name, text))
            .collect(),
    )
}

/// Months are asked for inclusively; two years at most are told.
fn drugs(asked: &Asked) -> Vec<Element> {
    let dice = spread(&asked.person.id);
    let mut months = Vec::new();
    let mut month = asked.from;
    while month <= asked.to && months.len() < 24 {
        months.push(month);
        month = match month.checked_add(1.month()) {
            Ok(next) => next,
            Err(_) => break,
        };
    }
    let mut body: Vec<Element> = months
        .iter()
        .enumerate()
        .filter(|(place, _)| !(dice >> (place % 32)).is_multiple_of(3))
        .map(|(_, month)| medical_month(*month, asked.with_treatments))
        .collect();
    if let Some(last) = months.last() {
        let month = Element::leaf("CzDiMonth", last.strftime("%Y%m").to_string());
        let day = Element::branch(
            "CzDiDateInf",
            vec![
                Element::leaf("CzDiDate", eight(*last)),
                Element::branch(
                    "CzDrugInfs",
                    vec![drug(["CzDrugInf", "CzDrugC", "CzDrugN"])],
                ),
            ],
        );
        let days = Element::branch("CzDiDateInfs", vec![day]);
        let dispensed = Element::branch("CzDiMonthInf", vec![month, days]);
        body.push(Element::branch("CzDiInf", vec![dispensed]));
    }
    body
}

fn medical_month(month: Date, with_treatments: bool) -> Element {
    let day = Element::branch(
        "DiDateInf",
        vec![
            Element::leaf("DiDate", eight(month)),
            Element::branch("DrugInfs", vec![drug(["DrugInf", "DrugC", "DrugN"])]),
        ],
    );
    let mut children = vec![
        Element::leaf("MeTrMonth", month.strftime("%Y%m").to_string()),
        Element::branch("DiDateInfs", vec![day]),
    ];
    if with_treatments {
        let treatment = vec![
            Element::leaf("SinInfN", "見本処置"),
            Element::leaf("SinInfCd", "990000009"),
        ];
        let treatment = Element::branch("MeTrInf", treatment);
        children.push(Element::branch("MeTrInfs", vec![treatment]));
    }
    Element::branch("MeTrMonthInf", children)
}

fn drug([branch, code, name]: [&'static str; 3]) -> Element {
    let children = vec![
        Element::leaf(code, "990000001"),
        Element::leaf(name, "見本錠１０ｍｇ"),
    ];
    Element::branch(branch, children)
}

/// Whose office registered a check-up. Scenarios rely on two of the town; of everybody else it is every second person's.
fn is_examined(person: &Person) -> bool {
    match person.id.as_str() {
        "one-ticket" => true,
        "two-tickets" => false,
        other => !spread(other).is_multiple_of(2),
    }
}

/// Results of last June.
fn checkups(person: &Person, place: &Place<'_>) -> Vec<Element> {
    if !is_examined(person) {
        return Vec::new();
    }
    let item = |code: &str, name: &str, value: &str, unit: &str| {
        let children = vec![
            Element::leaf("ItemCode", code),
            Element::leaf("ItemName", name),
            Element::leaf("DataType", "PQ"),
            Element::leaf("DataValue", value),
            Element::leaf("Unit", unit),
        ];
        Element::branch("HealthCheckupResultAndQuestionInfo", children)
    };
    let items = vec![
        item("990001", "見本身長", "160.0", "cm"),
        item("990002", "見本体重", "55.0", "kg"),
    ];
    let taken = format!("{:04}0610", place.at.year() - 1);
    let children = vec![
        Element::leaf("EffectiveTime", taken),
        Element::branch("HealthCheckupResultAndQuestionInfos", items),
    ];
    vec![Element::branch("SpecificHealthCheckupInfo", children)]
}
