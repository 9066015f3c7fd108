//! Bulk jobs: taking them, and writing their results unit by unit, so that a town of a hundred thousand needs no
//! more memory than one person.

mod result;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::answer::{character_code, finish};
use crate::centre::{Centre, Place, Refusal};
use crate::decode::{Question, day};
use crate::element::Element;
use crate::function::Bulk;
use crate::knobs::ReceptionPlace;
use crate::registration::Registration;
use crate::tree::Node;

pub(crate) use result::collect;

/// A job that the centre took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub kind: Bulk,
    pub institution: String,
    pub accepted_at: DateTime,
    pub wanted: Wanted,
    /// How often it was asked for.
    pub asked: u32,
    /// How often its result was given out.
    pub collected: u32,
}

/// What a job is to bring.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Wanted {
    Inquiries(Vec<Question>),
    Month(Date),
    Consents(Date, Date),
    /// With the code and words of each that was refused.
    Registrations(Vec<(Registration, Option<(String, String)>)>),
}

/// The answer to a job's request: its 受付番号, or why it was not taken.
pub(crate) fn submit(kind: Bulk, request: &Node, centre: &Centre, place: &Place<'_>) -> Vec<u8> {
    let none = Node::default();
    let header = request.child("MessageHeader").unwrap_or(&none);
    let identifier = header.value("ArbitraryFileIdentifier");
    let taken =
        wanted(kind, request, centre, place).map(|wanted| centre.accept(kind, wanted, place));
    let mut head = head(place, identifier);
    let mut body = Vec::new();
    match taken {
        Ok(reception) => {
            head.push(Element::leaf("SegmentOfResult", "1"));
            let number = Element::leaf("ReceptionNumber", reception);
            match place.knobs.reception_place {
                ReceptionPlace::Body => body.push(number),
                ReceptionPlace::Header => head.push(number),
            }
            let at = place.at.strftime("%Y%m%d%H%M%S").to_string();
            body.push(Element::leaf("ReceptionDateTime", at));
        }
        Err(refusal) => head.extend(refused(refusal)),
    }
    close(head, body, place)
}

/// What every header of a bulk answer begins with.
fn head(place: &Place<'_>, identifier: Option<String>) -> Vec<Element> {
    let at = place.at.strftime("%Y%m%d%H%M%S").to_string();
    let mut head = vec![
        Element::leaf("ProcessExecutionTime", at),
        Element::leaf("MedicalInstitutionCode", place.institution),
    ];
    head.extend(identifier.map(|text| Element::leaf("ArbitraryFileIdentifier", text)));
    head
}

fn refused((code, message): Refusal) -> [Element; 3] {
    [
        Element::leaf("SegmentOfResult", "9"),
        Element::leaf("ErrorCode", code),
        Element::leaf("ErrorMessage", message),
    ]
}

fn close(mut head: Vec<Element>, body: Vec<Element>, place: &Place<'_>) -> Vec<u8> {
    head.push(Element::leaf(
        "CharacterCodeIdentifier",
        character_code(place.knobs),
    ));
    finish(Element::branch("MessageHeader", head), body, place.knobs)
}

fn missing(element: &str) -> Refusal {
    ("SIM0001", format!("必須項目がありません: {element}"))
}

fn wanted(
    kind: Bulk,
    request: &Node,
    centre: &Centre,
    place: &Place<'_>,
) -> Result<Wanted, Refusal> {
    let header = request
        .child("MessageHeader")
        .ok_or_else(|| missing("MessageHeader"))?;
    let body = request
        .child("MessageBody")
        .ok_or_else(|| missing("MessageBody"))?;
    if header.value("MedicalInstitutionCode").as_deref() != Some(place.institution) {
        return Err(("SIM0003", "医療機関コードが一致しません".to_owned()));
    }
    let rows = body.children.len();
    if rows > usize::try_from(place.knobs.most_rows).unwrap_or(usize::MAX) {
        return Err(("SIM0002", "件数が上限を超えています".to_owned()));
    }
    if kind == Bulk::Registrations {
        let info = "ReferenceNumberRegistrationInfo";
        let rows: Vec<_> = body.all(info).map(Registration::of).collect();
        if rows.is_empty() {
            return Err(missing(info));
        }
        let done = rows.into_iter().map(|row| {
            let refused = row.register(centre, place).err();
            (row, refused.map(|(code, words)| (code.to_owned(), words)))
        });
        return Ok(Wanted::Registrations(done.collect()));
    }
    let info = "QualificationConfirmSearchInfo";
    let search = body.child(info).ok_or_else(|| missing(info))?;
    match kind {
        Bulk::Inquiries => Ok(Wanted::Inquiries(
            body.all(info)
                .map(|search| Question::of(header, search))
                .collect(),
        )),
        Bulk::Commissioned => search
            .value("MedicalTreatmentMonth")
            .and_then(|month| day(&format!("{month}01")))
            .map(Wanted::Month)
            .ok_or_else(|| missing("MedicalTreatmentMonth")),
        Bulk::HomeVisit | Bulk::Online => period(search, kind),
        Bulk::Registrations => unreachable!("answered above"),
    }
}

fn period(search: &Node, kind: Bulk) -> Result<Wanted, Refusal> {
    let flag = if kind == Bulk::HomeVisit { "2" } else { "3" };
    if search.value("MedicalTreatmentFlag").as_deref() != Some(flag) {
        return Err(missing("MedicalTreatmentFlag"));
    }
    let date = |names: [&str; 2]| {
        let mut values = names.iter().filter_map(|name| search.value(name));
        values.next().and_then(|text| day(&text))
    };
    let from = date(["ConsentDateFrom", "ExaminationDateFrom"]);
    let to = date(["ConsentDateTo", "ExaminationDateTo"]);
    match (from, to) {
        (Some(from), Some(to)) => Ok(Wanted::Consents(from, to)),
        _ => Err(missing("ConsentDateFrom")),
    }
}
