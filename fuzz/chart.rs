//! What a medical answer says, held against its overview and against its own size.

use std::collections::BTreeSet;

use shikaku_schemas::oqs::Family;
use shikaku_schemas::oqs::medical::{MedicalChart, Other, Overview};
use shikaku_schemas::oqs::text::decode;

/// Drugs, treatments and results: whatever has an overview has a chart, and both tell the same of it.
pub fn medical_chart(bytes: &[u8]) {
    let overview = |family| Overview::read(bytes, family, &Overview::LIMITS);
    let (drugs, checkups) = (overview(Family::Drugs), overview(Family::Checkups));
    let chart = match MedicalChart::read(bytes) {
        Ok(chart) => chart,
        Err(error) => {
            assert!(drugs.is_err() && checkups.is_err());
            return super::tame(&error);
        }
    };
    bounded(&chart, bytes);
    let json = serde_json::to_string(&chart).expect("a chart is JSON");
    let again: MedicalChart = serde_json::from_str(&json).expect("it reads back");
    assert_eq!(chart, again);
    if let Ok(seen) = drugs {
        agrees_on_drugs(&chart, &seen);
    }
    if let Ok(seen) = checkups {
        agrees_on_checkups(&chart, &seen);
    }
}

/// Months of drugs are among the months counted: a month may hold none.
fn agrees_on_drugs(chart: &MedicalChart, seen: &Overview) {
    assert_eq!(chart.drugs.len(), seen.drugs as usize);
    assert_eq!(chart.treatments.len(), seen.treatments as usize);
    let of_drugs = chart.drugs.iter().filter_map(|drug| drug.month);
    let of_treatments = chart.treatments.iter().filter_map(|it| it.month);
    let months: BTreeSet<_> = of_drugs.chain(of_treatments).collect();
    assert!(months.is_subset(&seen.months));
    let told = chart.drugs.iter().filter(|drug| drug.month.is_some());
    let parts: BTreeSet<_> = told.filter_map(|drug| drug.part).collect();
    assert!(parts.is_subset(&seen.branches));
}

fn agrees_on_checkups(chart: &MedicalChart, seen: &Overview) {
    assert_eq!(chart.checkups.len(), seen.results as usize);
    let days: BTreeSet<_> = chart.checkups.iter().filter_map(|it| it.on).collect();
    assert!(days.is_subset(&seen.checked_on));
}

/// No item without its tags, and no text that did not come.
fn bounded(chart: &MedicalChart, bytes: &[u8]) {
    const SHORTEST: usize = "<DrugInf><a/></DrugInf>".len();
    let came = decode(bytes).expect("it was read").text.len();
    let items = chart.drugs.len() + chart.treatments.len() + chart.checkups.len();
    assert!(items * SHORTEST <= came);
    assert!(texts(chart) <= came);
}

/// Bytes of all texts together.
fn texts(chart: &MedicalChart) -> usize {
    let of = |members: &[&Option<String>], others: &[Other]| -> usize {
        let members = members.iter().filter_map(|text| text.as_ref());
        let others = others.iter().map(|it| it.element.len() + it.text.len());
        members.map(String::len).chain(others).sum()
    };
    let drugs = chart.drugs.iter().map(|it| {
        let members = [
            &it.code,
            &it.name,
            &it.ingredient,
            &it.quantity,
            &it.unit,
            &it.usage,
            &it.instruction,
            &it.times,
        ];
        of(&members, &it.others)
    });
    let treatments = chart.treatments.iter();
    let treatments = treatments.map(|it| of(&[&it.code, &it.name], &it.others));
    let checkups = chart.checkups.iter().map(|it| {
        let members = [&it.code, &it.name, &it.value, &it.value_name, &it.unit];
        of(&members, &it.others)
    });
    drugs.chain(treatments).chain(checkups).sum()
}
