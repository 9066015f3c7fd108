//! What a medical answer means, as generators make it up.

use jiff::civil::Date;
use proptest::prelude::*;
use shikaku_schemas::oqs::medical::{Branch, CheckupResult, Drug, MedicalChart, Other, Treatment};
use shikaku_schemas::value::Month;

use super::super::pen::maybe;

/// A month of one part: its drugs by day, and its treatments.
#[derive(Debug, Clone)]
pub struct MeantMonth {
    pub part: Branch,
    pub month: Option<Month>,
    pub days: Vec<(Option<Date>, Vec<Drug>)>,
    pub treatments: Vec<Treatment>,
}

/// The results of one day of check-ups.
pub type MeantDay = (Option<Date>, Vec<CheckupResult>);

/// The chart that the months mean.
pub fn chart_of_months(months: &[MeantMonth]) -> MedicalChart {
    let mut chart = MedicalChart::default();
    for MeantMonth {
        part,
        month,
        days,
        treatments,
    } in months
    {
        for (on, drugs) in days {
            chart.drugs.extend(drugs.iter().map(|drug| Drug {
                part: Some(*part),
                month: *month,
                on: *on,
                ..drug.clone()
            }));
        }
        chart
            .treatments
            .extend(treatments.iter().map(|it| Treatment {
                month: *month,
                ..it.clone()
            }));
    }
    chart
}

pub fn chart_of_days(days: &[MeantDay]) -> MedicalChart {
    let results = days.iter().flat_map(|(on, results)| {
        let results = results.iter();
        results.map(|it| CheckupResult {
            on: *on,
            ..it.clone()
        })
    });
    MedicalChart {
        checkups: results.collect(),
        ..MedicalChart::default()
    }
}

/// What both encodings have, with blanks inside and marks that need care.
const WORDS: &str = "[見本錠①髙][見本錠散軟膏ー<&>\"'ｱﾞ０-９ 　]{0,6}[錠散ｇ]";

fn other(elements: &'static [&'static str]) -> impl Strategy<Value = Vec<Other>> {
    prop::sample::subsequence(elements, 0..=elements.len())
        .prop_flat_map(|elements| {
            let count = elements.len();
            (Just(elements), prop::collection::vec(WORDS, count))
        })
        .prop_map(|(elements, texts)| {
            let pairs = elements.into_iter().zip(texts);
            pairs
                .map(|(element, text)| Other {
                    element: element.to_owned(),
                    text,
                })
                .collect()
        })
}

fn meant_drug() -> BoxedStrategy<Drug> {
    (
        (
            "99[0-9]{7}",
            maybe(WORDS),
            maybe(WORDS),
            maybe("[0-9]{1,3}(\\.5)?"),
        ),
        (
            maybe("[錠ｇ]"),
            maybe(WORDS),
            maybe(WORDS),
            maybe("[0-9]{1,2}"),
        ),
        other(&["MeTrIdCl", "ShNew", "UsageCl"]),
    )
        .prop_map(
            |((code, name, ingredient, quantity), (unit, usage, instruction, times), others)| {
                Drug {
                    // An item without any text is none.
                    code: Some(code),
                    name,
                    ingredient,
                    quantity,
                    unit,
                    usage,
                    instruction,
                    times,
                    others,
                    ..Drug::default()
                }
            },
        )
        .boxed()
}

fn meant_treatment() -> impl Strategy<Value = Treatment> {
    (maybe("99[0-9]{7}"), WORDS, other(&["MeTrIdCl"])).prop_map(|(code, name, others)| Treatment {
        code,
        name: Some(name),
        others,
        ..Treatment::default()
    })
}

fn on() -> impl Strategy<Value = Option<Date>> {
    let date = (2024i16..2027, 1i8..=12, 1i8..=28);
    prop::option::weighted(0.8, date.prop_map(|(y, m, d)| jiff::civil::date(y, m, d)))
}

pub fn months() -> BoxedStrategy<Vec<MeantMonth>> {
    let part = prop::sample::select(vec![Branch::Medical, Branch::Prescribed, Branch::Dispensed]);
    let days = prop::collection::vec((on(), prop::collection::vec(meant_drug(), 0..3)), 0..3);
    let treatments = prop::collection::vec(meant_treatment(), 0..3);
    let month =
        (part, on(), days, treatments).prop_map(|(part, on, days, treatments)| MeantMonth {
            part,
            month: on.map(Month::of),
            days,
            treatments,
        });
    prop::collection::vec(month, 0..4).boxed()
}

pub fn checkup_days() -> BoxedStrategy<Vec<MeantDay>> {
    let result = (
        (maybe("9N[0-9]{3}"), WORDS, maybe("[0-9]{1,3}\\.[0-9]")),
        (maybe(WORDS), maybe("(cm|kg|mg/dL)")),
        other(&["DataType", "Oid"]),
    )
        .prop_map(
            |((code, name, value), (value_name, unit), others)| CheckupResult {
                on: None,
                code,
                name: Some(name),
                value,
                value_name,
                unit,
                others,
            },
        )
        .boxed();
    prop::collection::vec((on(), prop::collection::vec(result, 0..4)), 0..4).boxed()
}
