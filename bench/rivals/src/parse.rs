//! Reading one answer file: the bare event loop of quick-xml, and serde on quick-xml.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use quick_xml::events::Event;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_header: BTreeMap<String, String>,
    message_body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    processing_result_status: Option<String>,
    qualification_validity: Option<String>,
    result_list: Option<List>,
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "ResultOfQualificationConfirmation", default)]
    records: Vec<Record>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Record {
    insured_card_classification: Option<String>,
    insurer_number: Option<String>,
    insured_card_symbol: Option<String>,
    insured_identification_number: Option<String>,
    insured_branch_number: Option<String>,
    personal_family_classification: Option<String>,
    name: Option<String>,
    name_kana: Option<String>,
    sex1: Option<String>,
    birthdate: Option<String>,
    qualification_date: Option<String>,
    disqualification_date: Option<String>,
    insurer_name: Option<String>,
    reference_number: Option<String>,
    public_expense_result_list: Option<Tickets>,
}

#[derive(Deserialize)]
struct Tickets {
    #[serde(rename = "MedicalTicketInfo", default)]
    tickets: Vec<BTreeMap<String, String>>,
}

fn touch(message: &Message) -> usize {
    let records = message.message_body.result_list.as_ref().map_or(&[][..], |list| &list.records);
    let told = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    records.iter().fold(message.message_header.len(), |sum, record| {
        sum + [
            &record.insured_card_classification, &record.insurer_number, &record.insured_card_symbol,
            &record.insured_identification_number, &record.insured_branch_number,
            &record.personal_family_classification, &record.name, &record.name_kana, &record.sex1,
            &record.birthdate, &record.qualification_date, &record.disqualification_date, &record.insurer_name,
            &record.reference_number, &message.message_body.processing_result_status,
            &message.message_body.qualification_validity,
        ]
        .into_iter()
        .map(told)
        .sum::<usize>()
            + record.public_expense_result_list.as_ref().map_or(0, |list| list.tickets.len())
    })
}

fn rate(seconds: u64, bytes: usize, mut once: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut rounds = 0u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..64 {
            once();
        }
        rounds += 64;
    }
    rounds as f64 * bytes as f64 / start.elapsed().as_secs_f64() / 1e6
}

/// MB/s of both on `file` (UTF-8).
pub fn run(file: &str, seconds: u64) -> Result<Value> {
    let text = std::fs::read_to_string(file)?;
    let checked: Message = quick_xml::de::from_str(&text)?;
    black_box(touch(&checked));
    let bare = rate(seconds, text.len(), || {
        let mut reader = quick_xml::Reader::from_str(&text);
        while !matches!(reader.read_event(), Ok(Event::Eof) | Err(_)) {}
    });
    let serde = rate(seconds, text.len(), || {
        let message: Message = quick_xml::de::from_str(&text).expect("checked above");
        black_box(touch(&message));
    });
    Ok(json!({ "name": "parse", "bare_mb_per_second": bare, "serde_mb_per_second": serde }))
}
