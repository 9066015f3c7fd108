use jiff::civil::date;

use super::*;

fn sample(name: &str) -> MedicalChart {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/oqs/answers");
    MedicalChart::read(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn drugs_of_all_three_parts_have_their_day_and_quantity() {
    let chart = sample("YZKsiquc01res_drugs.xml");
    let told: Vec<_> = chart
        .drugs
        .iter()
        .map(|drug| (drug.part, drug.on, drug.quantity.as_deref()))
        .collect();
    let april = (Some(Branch::Medical), Some(date(2026, 4, 3)), Some("1"));
    let may = |part, day| (Some(part), Some(date(2026, 5, day)), Some("1"));
    assert_eq!(
        told,
        [
            april,
            april,
            may(Branch::Prescribed, 1),
            may(Branch::Dispensed, 2),
        ]
    );
    let last = chart.drugs.last().unwrap();
    assert_eq!(last.name.as_deref(), Some("見本錠１０ｍｇ"));
    assert_eq!(last.month.map(|month| month.month), Some(5));
    let treatment = &chart.treatments[0];
    assert_eq!(treatment.name.as_deref(), Some("見本処置"));
    assert_eq!(treatment.month.map(|month| month.month), Some(4));
}

#[test]
fn check_ups_have_their_day() {
    let chart = sample("TKKsiquc01res_two-days.xml");
    let days: Vec<_> = chart.checkups.iter().map(|result| result.on).collect();
    let (first, second) = (Some(date(2024, 6, 10)), Some(date(2025, 6, 12)));
    assert_eq!(days, [first, first, second, second]);
    let first = &chart.checkups[0];
    assert_eq!(first.name.as_deref(), Some("身長"));
    assert_eq!(first.value.as_deref(), Some("160.0"));
    assert_eq!(first.others, [Other::of("DataType", "PQ")]);
}

#[test]
fn an_empty_answer_says_nothing() {
    for name in ["YZKsiquc01res_none.xml", "TKKsiquc01res_none.xml"] {
        assert_eq!(sample(name), MedicalChart::default());
    }
}

#[test]
fn a_month_behind_its_days_and_unknown_elements_are_kept() {
    let text = "<XmlMsg><MessageBody><MeTrMonthInf><DiDateInfs><DiDateInf><DrugInfs><DrugInf>\
        <DrugN>見本錠</DrugN><New>x</New></DrugInf></DrugInfs><DiDate>20260403</DiDate>\
        </DiDateInf></DiDateInfs><MeTrMonth>202604</MeTrMonth></MeTrMonthInf></MessageBody></XmlMsg>";
    let chart = MedicalChart::read(text.as_bytes()).unwrap();
    let drug = &chart.drugs[0];
    assert_eq!(drug.on, Some(date(2026, 4, 3)));
    assert_eq!(drug.month.map(|month| month.month), Some(4));
    assert_eq!(drug.others, [Other::of("New", "x")]);
}
