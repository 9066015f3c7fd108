//! One event as one line for people. No personal data, unless names are asked for.

use jiff::tz::Offset;
use shikaku_ledger::Opened;
use shikaku_schemas::event::Event;

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
        Event::InquiryAnswered(answered) => vec![both(words::validity(answered.validity))],
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
