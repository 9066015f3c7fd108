//! The same files through a reader in another language (`tests/outside/message.py`): what it sees is what we see.

#[path = "../outside/mod.rs"]
mod reader;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use serde_json::{Value, json};
use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits};
use shikaku_schemas::oqs::eligibility::{MedicalTicketInfo, Record};
use shikaku_schemas::oqs::job::{BulkLimits, Units, survey};
use shikaku_schemas::oqs::medical::{MedicalChart, Overview, pdf_is_whole};
use shikaku_schemas::oqs::registration::Outcome;
use shikaku_schemas::oqs::request::{Group, Sheet};
use shikaku_schemas::oqs::{
    Eligibility, Envelope, Family, Form, Limits, Message, Phase, Verdict, text,
};

use super::examples::{files, in_crate};

/// Each file of a folder, and what the other one sees.
fn outside(folder: &str) -> Vec<((String, Vec<u8>), Value)> {
    let files = files(folder);
    let names = files.iter().map(|(name, _)| name);
    let paths: Vec<_> = names.map(|name| in_crate(folder).join(name)).collect();
    files.into_iter().zip(reader::seen(&paths)).collect()
}

fn decoded(bytes: &[u8]) -> String {
    text::decode(bytes).unwrap().text.into_owned()
}

fn fields(group: &Group<'_>) -> BTreeMap<String, String> {
    group
        .names()
        .filter_map(|name| Some((name.to_owned(), group.maybe(name)?)))
        .map(|(name, text)| (name, text.trim().to_owned()))
        .collect()
}

#[test]
fn written_requests_say_the_same_to_both() {
    for ((name, bytes), theirs) in outside("samples/oqs/requests") {
        let text = decoded(&bytes);
        let sheet = Sheet::read(&text, &Limits::SINGLE).unwrap();
        let groups: Vec<_> = sheet
            .groups
            .iter()
            .map(|group| json!({ "name": group.name(), "fields": fields(group) }))
            .collect();
        let ours = json!({
            "file": name, "header": fields(&sheet.header), "body": fields(&sheet.body), "groups": groups,
        });
        assert_eq!(ours, theirs, "{name}");
    }
}

fn compact(at: Option<&str>) -> Option<String> {
    at.map(str::to_owned)
}

fn envelope(envelope: &Envelope) -> Value {
    let verdict = envelope.verdict().unwrap();
    json!({
        "verdict": match &verdict { Verdict::Done => "done", Verdict::Working => "working", Verdict::Refused(_) => "refused" },
        "code": match &verdict { Verdict::Refused(refusal) => refusal.code.clone(), _ => None },
        "reception_number": envelope.get("ReceptionNumber"),
        "executed_at": compact(envelope.get("ProcessExecutionTime")),
        "institution_code": envelope.get("MedicalInstitutionCode"),
    })
}

fn registration(outcome: &Outcome) -> Value {
    json!({
        "reference_number": outcome.registered.reference_number,
        "number": outcome.registered.number,
        "registered": outcome.refusal.is_none(),
    })
}

/// Every text that is read, by its element.
fn texts<'t>(read: impl Iterator<Item = (&'static [u8], &'t str)>) -> BTreeMap<String, String> {
    let name = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    read.map(|(element, text)| (name(element), text.trim().to_owned()))
        .collect()
}

/// Of what the other reader sees, the elements that ours is made for: of the others it tells that it does not know them.
/// Of a PDF ours tells only that it is whole; its pages the other one has counted twice.
fn known(mut seen: Value) -> Value {
    if let Some(pdf) = seen.get_mut("pdf") {
        assert_eq!(pdf["pages"], pdf["counted"]);
        *pdf = pdf["whole"].take();
    }
    let keep = |texts: &mut Value, names: &[&[u8]]| {
        let texts = texts.as_object_mut().unwrap();
        texts.retain(|element, _| names.contains(&element.as_bytes()));
    };
    let units = match &mut seen {
        Value::Object(seen) if seen.contains_key("unit") => vec![seen.get_mut("unit").unwrap()],
        Value::Object(seen) => match seen.get_mut("units") {
            Some(Value::Array(units)) => units.iter_mut().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    for unit in units {
        for record in unit["records"].as_array_mut().unwrap() {
            keep(&mut record["texts"], Record::NAMES);
            for ticket in record["tickets"].as_array_mut().unwrap() {
                keep(ticket, MedicalTicketInfo::NAMES);
            }
        }
    }
    seen
}

fn unit(message: &Eligibility<'_>) -> Value {
    let body = &message.body;
    let trimmed = |text: &Option<std::borrow::Cow<'_, str>>| {
        text.as_deref().map(|text| text.trim().to_owned())
    };
    let records: Vec<_> = body
        .records
        .iter()
        .map(|record| {
            let tickets = record.tickets.iter();
            let tickets: Vec<_> = tickets.map(|ticket| texts(ticket.texts())).collect();
            json!({ "texts": texts(record.texts()), "tickets": tickets })
        })
        .collect();
    json!({
        "status": trimmed(&body.processing_result_status),
        "validity": trimmed(&body.qualification_validity),
        "identifier": body.search.as_ref().and_then(|search| trimmed(&search.arbitrary_identifier)),
        "records": records,
    })
}

fn medical(bytes: &[u8], family: Family) -> Value {
    let seen = Overview::read(bytes, family, &Overview::LIMITS).unwrap();
    let plain = |text: String| text.replace('-', "");
    json!({
        "months": seen.months.iter().map(|month| plain(month.to_string())).collect::<Vec<_>>(),
        "drugs": seen.drugs,
        "treatments": seen.treatments,
        "checked_on": seen.checked_on.iter().map(|day| plain(day.to_string())).collect::<Vec<_>>(),
        "results": seen.results,
        "chart": MedicalChart::read(bytes).unwrap(),
    })
}

/// The answer in a ZIP.
fn entry(bytes: &[u8], prefix: &str) -> Vec<u8> {
    let mut archive = Archive::open(Cursor::new(bytes), &ArchiveLimits::DEFAULT, None).unwrap();
    let mut text = Vec::new();
    let mut entry = archive.message(prefix).unwrap();
    entry.read_to_end(&mut text).unwrap();
    text
}

fn ours(name: &str, bytes: &[u8]) -> Value {
    let message = Message::recognise(name, bytes).unwrap();
    let unpacked;
    let bytes = match message.form {
        Form::Xml => bytes,
        Form::Zip => {
            unpacked = entry(bytes, &message.prefix());
            &unpacked
        }
        Form::Pdf => return json!({ "file": name, "pdf": pdf_is_whole(bytes).is_ok() }),
    };
    let text = decoded(bytes);
    let frame = survey(bytes, &BulkLimits::DEFAULT)
        .map(|survey| survey.envelope)
        .or_else(|_| Envelope::read(&text, &Limits::SINGLE))
        .unwrap();
    let mut value = envelope(&frame);
    value["file"] = json!(name);
    let units = || Units::new(bytes, &BulkLimits::DEFAULT).map(Result::unwrap);
    match (message.family, message.phase) {
        (Family::Drugs | Family::Checkups, _) => value["medical"] = medical(bytes, message.family),
        (Family::Registration, _) => {
            value["registration"] = registration(&Outcome::read(bytes, &Limits::SINGLE).unwrap());
        }
        (Family::BulkRegistration, _) => {
            let all = units().map(|unit| registration(&unit.registration().unwrap()));
            value["registrations"] = all.collect();
        }
        (_, Phase::First | Phase::Second) => {
            let read = |text: String| {
                unit(&Eligibility::unit(Default::default(), &text, &Limits::SINGLE).unwrap())
            };
            value["units"] = units().map(|unit| read(unit.text)).collect();
        }
    }
    value
}

#[test]
fn sample_answers_say_the_same_to_both() {
    for ((name, bytes), theirs) in outside("samples/oqs/answers") {
        if name.contains("outside") {
            continue;
        }
        assert_eq!(ours(&name, &bytes), known(theirs), "{name}");
    }
}

/// Face files and answers about one person, and a shared answer of a month.
#[test]
fn answers_about_one_person_say_the_same_to_both() {
    let mut compared = 0;
    for ((name, bytes), theirs) in outside("samples/oqs") {
        let ours = match name.starts_with("OQS") {
            true => ours(&name, &bytes),
            false => {
                let text = decoded(&bytes);
                let mut value = envelope(&Envelope::read(&text, &Limits::SINGLE).unwrap());
                value["file"] = json!(name);
                value["unit"] = unit(&Eligibility::parse(&text, &Limits::SINGLE).unwrap());
                value
            }
        };
        assert_eq!(ours, known(theirs), "{name}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn a_packed_result_is_opened_by_both() {
    let packed = outside("samples/oqs")
        .into_iter()
        .find(|((name, _), _)| name.ends_with(".zip"));
    let (_, theirs) = packed.unwrap();
    assert_eq!(theirs["units"].as_array().unwrap().len(), 5);
}
