//! April known with numbers, May 未委託: nothing that speaks of May carries a number; April still does.

use serde_json::Value;
use shikaku_schemas::feed::{Audience, FeedVariant, state};
use shikaku_schemas::group::FacilityKind;
use shikaku_schemas::value::{Coverage, Method, Validity};

use crate::people::{
    Listener, april, cell, facility, qualification, record, ticket, ticket_arrived, variants,
};

const NUMBERS: &[&str] = &["12997011", "1234563"];

fn has_number(text: &str) -> bool {
    let id = qualification(1);
    NUMBERS.iter().any(|number| text.contains(number)) || text.contains(&id)
}

fn waiting(variant: FeedVariant) -> (Listener, Vec<(&'static str, Value)>) {
    let mut listener = Listener::new(variant, FacilityKind::Hospital);
    listener.hear(&april(Method::Card));
    let heard = listener.hear(&cell(
        Method::Card,
        Validity::NotCommissioned,
        Coverage::Combined,
    ));
    (listener, heard)
}

#[test]
fn nothing_that_speaks_of_may_carries_a_number() {
    for variant in variants() {
        let (listener, heard) = waiting(variant);
        for (kind, body) in heard {
            assert!(!has_number(&body.to_string()), "{variant} {kind} {body}");
        }
        let now = state(
            variant,
            &facility(FacilityKind::Hospital),
            record(),
            &listener.view,
        );
        let now = now.unwrap_or_default();
        let facts = now["facts"].as_array().cloned().unwrap_or_default();
        for fact in &facts {
            let of_april = fact["month"] == "2026-04";
            assert!(
                of_april || !has_number(&fact.to_string()),
                "{variant} {fact}"
            );
        }
        if variant.audience == Audience::Receipt {
            assert!(facts.iter().any(|fact| fact["month"] == "2026-05"));
            assert!(
                facts.iter().any(|fact| has_number(&fact.to_string())),
                "April still does"
            );
        }
        if variant.audience == Audience::Department {
            assert_eq!(now["assistance"], "pending");
            assert!(!has_number(&now.to_string()));
        }
    }
}

#[test]
fn the_insurance_half_is_told_in_full_beside_it() {
    let (_, heard) = waiting(FeedVariant::of(Audience::Receipt, false));
    let (_, insurance) = &heard[0];
    assert_eq!(insurance["insurer_number"], "06139992");
    let (_, verified) = heard.last().unwrap();
    assert_eq!(verified["month"], "2026-05");
    assert_eq!(
        verified["qualifications"][0]["qualification_id"],
        qualification(2)
    );
}

#[test]
fn the_ticket_that_arrives_ends_the_waiting() {
    let receipt = FeedVariant::of(Audience::Receipt, false);
    let (mut listener, _) = waiting(receipt);
    let arrived = ticket("2026-05", true, &serde_json::json!({}));
    listener.hear(&[ticket_arrived(&arrived, "2026-05-20", Method::Commissioned)]);
    let now = state(
        receipt,
        &facility(FacilityKind::Hospital),
        record(),
        &listener.view,
    )
    .unwrap();
    let facts = now["facts"].as_array().unwrap();
    let of = |kind: &str| facts.iter().filter(|fact| fact["type"] == kind).count();
    assert_eq!(of("not-commissioned-observed"), 0);
    assert_eq!(of("commissioned-ticket-arrived"), 2);
    let held = facts
        .iter()
        .find(|fact| fact["type"] == "qualification-granted" && fact["scheme"] == "12");
    assert_eq!(held.unwrap()["recipient_number"], "1234563");
}

#[test]
fn the_department_hears_each_word_once() {
    let mut listener = Listener::new(
        FeedVariant::of(Audience::Department, false),
        FacilityKind::Hospital,
    );
    let words = |heard: Vec<(&'static str, Value)>| -> Vec<String> {
        heard
            .into_iter()
            .map(|(_, body)| body.to_string())
            .collect()
    };
    let yes = r#"{"patient":"00012345","assistance":"yes"}"#;
    let pending = r#"{"patient":"00012345","assistance":"pending"}"#;
    assert_eq!(words(listener.hear(&april(Method::Card))), [yes]);
    let waiting = cell(
        Method::Card,
        Validity::NotCommissioned,
        Coverage::AssistanceOnly,
    );
    assert_eq!(words(listener.hear(&waiting)), [pending]);
    assert!(listener.hear(&waiting).is_empty());
    let valid = cell(Method::Card, Validity::Valid, Coverage::AssistanceOnly);
    assert_eq!(words(listener.hear(&valid)), [yes]);
}
