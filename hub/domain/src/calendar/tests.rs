//! Given, when, then: one test per rule.

use serde_json::{Value, json};
use shikaku_schemas::event::{Event, EventHead};
use shikaku_schemas::value::{FacilityCode, InquiryId, Month, Position, RecordId};
use uuid::Uuid;

use super::*;

const HERE: &str = "1319912349";
const THERE: &str = "1310000014";
const WHO: RecordId = RecordId(Uuid::from_u128(7));
const RUN: InquiryId = InquiryId(Uuid::from_u128(1));
const MAY: Month = Month {
    year: 2026,
    month: 5,
};

/// Events of one record as they come; each with its facility, day and observation.
struct Story {
    fold: CalendarFold,
    events: u64,
}

impl Story {
    fn new() -> Self {
        Self {
            fold: CalendarFold::new(FacilityCode::from(HERE), MAY),
            events: 0,
        }
    }

    fn tell(mut self, facility: &str, day: u32, kind: &str, data: Value) -> Self {
        self.events += 1;
        let head: EventHead = serde_json::from_value(json!({
            "position": 10 * self.events, "event_id": Uuid::from_u128(u128::from(self.events)),
            "stream": format!("patient-{WHO}"), "stream_version": self.events, "type": kind,
            "schema_version": 1, "recorded_at": format!("2026-05-{day:02}T01:00:00Z"),
            "facility": facility, "patient": WHO,
            "observation_id": Uuid::from_u128(1000 + u128::from(day)), "evidence": null,
            "as_of": format!("2026-05-{day:02}T09:00:00+09:00"),
        }))
        .unwrap();
        let event = serde_json::from_value(json!({ "type": kind, "data": data })).unwrap();
        self.fold.record(&head, &event);
        self
    }

    fn waits(self, day: u32) -> Self {
        let notice = json!({ "month": "2026-05", "welfare_office": "見本市福祉事務所",
            "confirmed_on": format!("2026-05-{day:02}"), "method": "card", "name": "見本　太郎" });
        self.tell(HERE, day, "not-commissioned-observed", notice)
            .verified(day, "not-commissioned", None, &[])
    }

    fn ticket(self, facility: &str, day: u32, self_pay: u64) -> Self {
        self.tell(
            facility,
            day,
            "commissioned-ticket-arrived",
            ticket(self_pay, false),
        )
    }

    fn verified(self, day: u32, validity: &str, run: Option<InquiryId>, again: &[u32]) -> Self {
        let verified = json!({
            "confirmed_on": format!("2026-05-{day:02}"), "method": "commissioned",
            "validity": validity, "coverage": "unknown", "reference_number": null,
            "qualifications": [{ "qualification_id": null, "scheme": "12", "validity": validity }],
            "name": "見本　太郎", "other_institution": false, "without_ticket": false,
            "inconsistent": false, "late": false, "inquiry": run, "device": "t1",
            "sightings": { "tickets": again },
        });
        self.tell(HERE, day, "verified", verified)
    }

    fn told(self, day: u32, self_pay: u64) -> Self {
        let mut data = ticket(self_pay, false);
        data["source"] = json!("telephone");
        data["entered_by"] = json!("billing");
        data["reason"] = json!("the office said so");
        self.tell(HERE, day, "ticket-sourced-offline", data)
    }

    fn row(self) -> CalendarRow {
        self.fold.finish(WHO).unwrap()
    }
}

fn ticket(self_pay: u64, inconsistent: bool) -> Value {
    json!({
        "qualification_id": null, "payer_number": "12997011", "recipient_number": "1234567",
        "welfare_office": "見本市福祉事務所", "confirmed_on": "2026-05-16", "method": "commissioned",
        "ticket": {
            "kind": "medical", "issue_number": "1", "treatment_month": "2026-05",
            "valid_from": "2026-05-01", "valid_to": "2026-05-31", "institution_code": HERE,
            "institution_matches": true, "prescriber_code": null, "treatment_type": "outpatient",
            "self_pay_yen": self_pay, "use": "sole", "social_insurance": false,
            "inconsistent": inconsistent, "infectious_disease_37_2": null,
            "elderly_medical_care": null, "prefectural_expenses": null,
        },
    })
}

#[test]
fn somebody_waits_since_the_first_time_it_was_seen() {
    let row = Story::new().waits(2).waits(9).row();
    assert_eq!(row.state, MonthState::Waiting);
    assert_eq!(row.waiting_since, Some(jiff::civil::date(2026, 5, 2)));
    assert_eq!(row.welfare_office.as_deref(), Some("見本市福祉事務所"));
}

#[test]
fn a_ticket_ends_the_waiting_and_a_newer_answer_begins_it_again() {
    let arrived = Story::new().waits(2).ticket(HERE, 16, 0);
    let row = arrived.verified(16, "valid", Some(RUN), &[]).row();
    assert_eq!((row.state, row.waiting_since), (MonthState::Arrived, None));
    assert_eq!(row.tickets.len(), 1);
    let row = Story::new().waits(2).ticket(HERE, 16, 0).waits(20).row();
    assert_eq!(row.state, MonthState::Waiting);
    assert_eq!(row.waiting_since, Some(jiff::civil::date(2026, 5, 20)));
    assert_eq!(row.tickets, []);
}

#[test]
fn no_number_stands_in_a_calendar() {
    let story = Story::new().told(3, 500).waits(4).ticket(HERE, 16, 0);
    let calendar = Calendar::of(HERE.into(), MAY, vec![story.row()], |_| None);
    let text = serde_json::to_string(&calendar).unwrap();
    assert!(
        !text.contains("12997011") && !text.contains("1234567"),
        "{text}"
    );
}

#[test]
fn a_ticket_of_another_facility_says_nothing_here() {
    let elsewhere = Story::new().ticket(THERE, 3, 0);
    assert!(elsewhere.fold.finish(WHO).is_none());
    let row = Story::new().ticket(THERE, 3, 0).waits(4).row();
    assert_eq!(row.state, MonthState::Waiting);
}

#[test]
fn what_was_told_is_reconciled_when_the_online_ticket_comes() {
    let before = Story::new().waits(2).told(3, 500).row();
    assert!(!before.offline[0].reconciled);
    let row = Story::new().waits(2).told(3, 500).ticket(HERE, 16, 0).row();
    assert!(row.offline[0].reconciled);
    assert_eq!(row.offline[0].differences, ["self_pay_yen"]);
    assert_eq!(row.chores, [Chore::CompareOffline]);
    let only_told = Story::new().told(3, 500).row();
    assert_eq!(only_told.state, MonthState::Offline);
}

#[test]
fn a_consistency_flag_is_a_chore() {
    let data = ticket(0, true);
    let row = Story::new()
        .tell(HERE, 16, "commissioned-ticket-arrived", data)
        .row();
    assert_eq!(row.chores, [Chore::CheckSocialInsurance]);
}

#[test]
fn a_withdrawn_ticket_is_asked_after() {
    let story = Story::new().ticket(HERE, 16, 0);
    let Ok(Event::CommissionedTicketArrived(known)) = Event::from_data(
        "commissioned-ticket-arrived",
        ticket(0, false).to_string().as_bytes(),
    ) else {
        panic!("a ticket");
    };
    let gone = json!({ "key": known.key(), "runs": [RUN] });
    let row = story
        .tell(HERE, 21, "commissioned-ticket-withdrawn", gone)
        .row();
    assert_eq!(row.state, MonthState::Withdrawn);
    assert_eq!(row.chores, [Chore::AskOffice]);
}

#[test]
fn a_settlement_knows_what_a_run_brought_and_showed_again() {
    let brought = Story::new()
        .ticket(HERE, 16, 0)
        .verified(16, "valid", Some(RUN), &[]);
    let of_run = brought.fold.for_settlement(WHO, RUN);
    assert_eq!((of_run.answers, of_run.waits), (1, false));
    assert!(of_run.tickets[0].arrived);
    assert_eq!(of_run.tickets[0].last_seen, Position(20));
    let again = brought.verified(17, "valid", None, &[0]);
    let later = again.fold.for_settlement(WHO, RUN);
    assert_eq!(later.tickets[0].last_seen, Position(30));
}

/// Somebody came without a number, and their ticket arrived at a record that a person said is the same human.
#[test]
fn two_records_of_one_human_are_one_row() {
    let joined = |one: Story, other: Story| {
        let mut all = one.fold;
        all.join(other.fold);
        all.finish(WHO).unwrap()
    };
    let arrived = joined(Story::new().waits(3), Story::new().ticket(HERE, 16, 0));
    assert_eq!(arrived.state, MonthState::Arrived);
    assert_eq!((arrived.tickets.len(), arrived.waiting_since), (1, None));
    assert_eq!(arrived.name.as_deref(), Some("見本　太郎"));
    let waiting = joined(Story::new().ticket(HERE, 3, 0), Story::new().waits(16));
    assert_eq!(waiting.state, MonthState::Waiting, "what is newest counts");
    let order = json!({ "ordered_by": "someone", "reason": "asked for" });
    let erased = Story::new().waits(3).tell(HERE, 4, "record-erased", order);
    let alone = joined(erased, Story::new().ticket(HERE, 16, 0));
    assert_eq!((alone.state, alone.name), (MonthState::Arrived, None));
}
