//! One event as one line for people. No personal data, unless names are asked for.

use jiff::tz::Offset;
use shikaku_core::desk::{CardShown, DeskNews};
use shikaku_ledger::Opened;
use shikaku_schemas::event::Event;
use shikaku_schemas::value::PatientNumber;

use crate::words;

/// `09:15:03 #42 見本病院  資格確認 verified  マイナンバーカード 有効`.
pub fn write(opened: &Opened, facility: &str, show_names: bool) -> String {
    let head = &opened.head;
    let time = Offset::constant(9).to_datetime(head.recorded_at).time();
    let mut text = format!(
        "{} #{} {facility}  {} {}",
        time.strftime("%H:%M:%S"),
        head.position,
        words::event(&head.kind),
        head.kind
    );
    for more in opened.event.iter().flat_map(details) {
        text.push_str("  ");
        text.push_str(&more);
    }
    if show_names && let Some(name) = opened.event.as_ref().and_then(name) {
        text.push_str("  ");
        text.push_str(name);
    }
    text
}

/// `09:15:01 見本病院  カード提示 card-presented  窓口 desk-1  診察券 hospital`.
pub fn write_card(news: &DeskNews, facility: &str, show_names: bool) -> String {
    let time = Offset::constant(9).to_datetime(news.at).time();
    let happened = match news.ended {
        None => words::CARD_PRESENTED,
        Some(_) => words::CARD_REMOVED,
    };
    let mut text = format!(
        "{} {facility}  {}  {}",
        time.strftime("%H:%M:%S"),
        happened.heading(),
        card(&news.shown, show_names)
    );
    if let Some(end) = news.ended {
        text.push_str("  ");
        text.push_str(&words::card_end(end).heading());
    }
    text
}

/// What is added to the line of a face file: the cards at its desk.
pub fn beside(cards: &[CardShown], show_names: bool) -> String {
    let cards = cards.iter().map(|shown| card(shown, show_names));
    cards.fold(String::new(), |text, card| {
        format!("{text}  [{}: {card}]", words::BESIDE)
    })
}

/// The number on a card is personal; the record's id is not.
fn card(shown: &CardShown, show_names: bool) -> String {
    let mut text = format!(
        "{} {}  {}",
        words::DESK.ja,
        shown.desk,
        words::card(shown.card).heading()
    );
    if let Some(record) = shown.record {
        text.push_str(&format!("  {} {record}", words::RECORD.ja));
    }
    let number = shown.patient.as_ref().map(PatientNumber::as_str);
    if show_names && let Some(number) = number.or(shown.staff.as_deref()) {
        text.push_str("  ");
        text.push_str(number);
    }
    text
}

/// Words of closed lists only: nothing of them can name anybody.
fn details(event: &Event) -> Vec<String> {
    let both = |words: words::Words| format!("{} {}", words.ja, words.en);
    match event {
        Event::Verified(verified) => vec![
            both(words::method(verified.method)),
            both(words::validity(verified.validity)),
            both(words::coverage(verified.coverage)),
        ],
        Event::CommissionedTicketArrived(ticket) | Event::CommissionedTicketRevised(ticket) => {
            vec![
                ticket.ticket.kind.to_string(),
                ticket.ticket.treatment_month.to_string(),
            ]
        }
        Event::NotCommissionedObserved(observed) => vec![observed.month.to_string()],
        Event::InquiryAnswered(answered) => answered
            .validity
            .map(|validity| both(words::validity(validity)))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn name(event: &Event) -> Option<&str> {
    let person = match event {
        Event::PatientFirstSeen(seen) => &seen.person,
        Event::QualificationGranted(observed)
        | Event::QualificationAmended(observed)
        | Event::QualificationResumed(observed) => &observed.person,
        Event::NotCommissionedObserved(observed) => &observed.person,
        Event::Verified(verified) => &verified.person,
        _ => return None,
    };
    person.name.as_deref()
}
