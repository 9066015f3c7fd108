//! Medical answers: the typed chart is what was meant, and the overview counts it.

pub mod meant;
pub mod written;

use std::collections::BTreeSet;

use proptest::prelude::*;
use shikaku_schemas::oqs::Family;
use shikaku_schemas::oqs::medical::{MedicalChart, Overview};

use super::pen::{config, manner};
use meant::{chart_of_days, chart_of_months, checkup_days, months};
use written::{write_checkups, write_drugs};

/// Other elements come in any order, and among them what the pen puts in between.
fn settled(mut chart: MedicalChart) -> MedicalChart {
    let drugs = chart.drugs.iter_mut().map(|it| &mut it.others);
    let treatments = chart.treatments.iter_mut().map(|it| &mut it.others);
    let results = chart.checkups.iter_mut().map(|it| &mut it.others);
    for others in drugs.chain(treatments).chain(results) {
        others.retain(|it| it.element != "FutureElement");
        others.sort_by(|one, other| one.element.cmp(&other.element));
    }
    chart
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn drugs_and_treatments_are_those_meant(months in months(), manner in manner()) {
        let bytes = write_drugs(&months, &manner);
        let meant = chart_of_months(&months);
        let chart = MedicalChart::read(&bytes).unwrap();
        let seen = Overview::read(&bytes, Family::Drugs, &Overview::LIMITS).unwrap();
        prop_assert_eq!((seen.drugs as usize, seen.treatments as usize), (meant.drugs.len(), meant.treatments.len()));
        let told: BTreeSet<_> = months.iter().filter_map(|it| it.month).collect();
        prop_assert_eq!(seen.months, told);
        prop_assert_eq!(settled(chart), settled(meant));
    }

    #[test]
    fn checkups_are_those_meant(days in checkup_days(), manner in manner()) {
        let bytes = write_checkups(&days, &manner);
        let meant = chart_of_days(&days);
        let chart = MedicalChart::read(&bytes).unwrap();
        let seen = Overview::read(&bytes, Family::Checkups, &Overview::LIMITS).unwrap();
        prop_assert_eq!(seen.results as usize, meant.checkups.len());
        let told: BTreeSet<_> = days.iter().filter_map(|(on, _)| *on).collect();
        prop_assert_eq!(seen.checked_on, told);
        prop_assert_eq!(settled(chart), settled(meant));
    }

    #[test]
    fn a_cut_medical_answer_is_never_whole(
        months in months(), manner in manner(), at in any::<prop::sample::Index>(),
    ) {
        let bytes = write_drugs(&months, &manner);
        let whole = bytes.trim_ascii_end().len();
        let error = MedicalChart::read(&bytes[..at.index(whole)]).unwrap_err();
        prop_assert!(error.is_incomplete(), "{}", error);
    }
}
