//! Results of bulk jobs: survey and units agree with what was meant and with each other, in every encoding.

use proptest::prelude::*;
use shikaku_schemas::observation::OqsFolder;
use shikaku_schemas::oqs::job::{BulkLimits, Survey, Unit, Units, survey};
use shikaku_schemas::oqs::{Eligibility, Family, Limits, Verdict};
use shikaku_schemas::value::Method;

use super::pen::{Leaf, Manner, Pen, config, manner};
use super::person::{self, Meant, body, facility, meant, reading};

#[derive(Debug, Clone)]
struct MeantResult {
    units: Vec<Meant>,
    /// 処理結果件数, where it is stated; it need not be true.
    stated: Option<u32>,
    reception_number: String,
}

fn result() -> impl Strategy<Value = MeantResult> {
    let units = prop::collection::vec(meant(), 0..6);
    let off = prop::option::weighted(0.8, prop_oneof![4 => Just(0u32), 1 => 1u32..3]);
    (units, off, "[0-9]{18}").prop_map(|(mut units, off, reception_number)| {
        // One header for all of them, as a result has it.
        if let Some(header) = units.first().map(|unit| unit.header.clone()) {
            units
                .iter_mut()
                .for_each(|unit| unit.header = header.clone());
        }
        MeantResult {
            stated: off.map(|off| units.len() as u32 + off),
            units,
            reception_number,
        }
    })
}

fn write(result: &MeantResult, manner: &Manner) -> Vec<u8> {
    let mut pen = Pen::new(manner);
    let count = |count: u32| Some(count.to_string());
    let mut leaves: Vec<Leaf> = match result.units.first() {
        Some(unit) => unit.header.clone(),
        None => vec![("SegmentOfResult", count(1))],
    };
    leaves.push(("NumberOfProcessingResult", result.stated.and_then(count)));
    leaves.push(("ReceptionNumber", Some(result.reception_number.clone())));
    let header = pen.leaves(&leaves);
    let units = result.units.iter().map(|unit| {
        let children = body(&mut pen, unit);
        pen.parent("BulkConfirmUnit", children)
    });
    let units = units.collect();
    let units = pen.row(units);
    pen.message(header, vec![units])
}

fn taken(bytes: &[u8]) -> (Survey, Vec<Unit>) {
    let limits = BulkLimits::DEFAULT;
    let units = Units::new(bytes, &limits).map(Result::unwrap);
    (survey(bytes, &limits).unwrap(), units.collect())
}

fn identifier(unit: &Unit) -> Option<String> {
    let read = Eligibility::unit(Default::default(), &unit.text, &Limits::SINGLE).unwrap();
    let echoed = read.body.search?.arbitrary_identifier?;
    Some(echoed.trim().to_owned()).filter(|text| !text.is_empty())
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn the_units_are_those_meant_in_their_order(meant in result(), manner in manner()) {
        let (survey, units) = taken(&write(&meant, &manner));
        let count = meant.units.len() as u32;
        prop_assert_eq!(survey.units, count);
        prop_assert_eq!(&survey.verdict, &Verdict::Done);
        prop_assert_eq!(survey.reception_number(), Some(&*meant.reception_number));
        prop_assert_eq!(survey.counts_agree(), meant.stated.is_none_or(|stated| stated == count));
        let ordinals: Vec<_> = units.iter().map(|unit| unit.ordinal).collect();
        prop_assert_eq!(ordinals, (1..=count).collect::<Vec<_>>());
        let identifiers: Vec<_> = units.iter().map(identifier).collect();
        let meant: Vec<_> = meant.units.iter().map(|unit| unit.identifier.clone()).collect();
        prop_assert_eq!(identifiers, meant);
    }

    /// A unit says what a message of its own would say.
    #[test]
    fn a_unit_is_judged_as_a_single_answer_is(meant in result(), manner in manner()) {
        let facility = facility();
        let reading = reading(&facility, OqsFolder::Res);
        let (survey, units) = taken(&write(&meant, &manner));
        for (unit, meant) in units.iter().zip(&meant.units) {
            let unit = unit.answer(&survey, Family::Bulk, &reading);
            let single = person::read(&person::write(meant, &Manner::plain()), OqsFolder::Res);
            let single = single.map(|mut answer| {
                answer.method = Method::Bulk;
                answer
            });
            prop_assert_eq!(unit.map_err(|error| error.reason()), single.map_err(|error| error.reason()));
        }
    }

    #[test]
    fn every_encoding_gives_the_same_units(meant in result(), manner in manner()) {
        let in_each = (0..4).map(|encoding| {
            let manner = Manner { encoding, ..manner.clone() };
            let (survey, units) = taken(&write(&meant, &manner));
            (survey.envelope, survey.verdict, survey.units, units)
        });
        let in_each: Vec<_> = in_each.collect();
        for other in &in_each[1..] {
            prop_assert_eq!(other, &in_each[0]);
        }
    }

    #[test]
    fn a_repeated_unit_is_told(meant in result(), manner in manner()) {
        let mut twice = meant.clone();
        twice.units.extend(meant.units);
        // Only what is the same byte for byte repeats: it is written without a throw between.
        let plain = Manner { encoding: manner.encoding, ..Manner::plain() };
        let (_, units) = taken(&write(&twice, &plain));
        let half = units.len() / 2;
        prop_assert!(units[half..].iter().all(|unit| unit.repeats));
    }

    #[test]
    fn a_cut_result_is_never_whole(meant in result(), manner in manner(), at in any::<prop::sample::Index>()) {
        let bytes = write(&meant, &manner);
        let whole = bytes.trim_ascii_end().len();
        let error = survey(&bytes[..at.index(whole)], &BulkLimits::DEFAULT).unwrap_err();
        prop_assert!(error.is_incomplete(), "{}", error);
    }
}
