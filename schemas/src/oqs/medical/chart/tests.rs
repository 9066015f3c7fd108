use jiff::civil::date;

use super::*;

fn sample(name: &str) -> MedicalChart {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/oqs/answers");
    MedicalChart::read(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn other(element: &str, text: &str) -> Other {
    Other {
        element: element.to_owned(),
        text: text.to_owned(),
    }
}

/// A chart of what stands in a body.
fn body(text: &str) -> MedicalChart {
    let text = format!("<XmlMsg><MessageBody>{text}</MessageBody></XmlMsg>");
    MedicalChart::read(text.as_bytes()).unwrap()
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
    assert_eq!(first.others, [other("DataType", "PQ")]);
}

/// As the simulator answers about somebody who was examined, and about somebody who was not.
#[test]
fn a_simulated_check_up_has_its_results() {
    let chart = sample("TKKsiquc01res_simulated-results.xml");
    let told = chart.checkups.iter().map(|result| {
        let texts = [&result.name, &result.value, &result.unit].map(Option::as_deref);
        (result.on, texts)
    });
    let on = Some(date(2025, 6, 10));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (on, [Some("見本身長"), Some("160.0"), Some("cm")]),
            (on, [Some("見本体重"), Some("55.0"), Some("kg")]),
        ]
    );
}

#[test]
fn a_coded_result_has_its_meaning_beside_its_value() {
    let chart = sample("TKKsiquc01res_coded.xml");
    let first = &chart.checkups[0];
    assert_eq!(first.value.as_deref(), Some("2"));
    assert_eq!(first.value_name.as_deref(), Some("所見なし"));
    assert_eq!(first.on, Some(date(2025, 6, 12)));
    assert_eq!(chart.checkups.last().unwrap().on, None);
}

#[test]
fn an_empty_answer_says_nothing() {
    for name in [
        "YZKsiquc01res_none.xml",
        "TKKsiquc01res_none.xml",
        "TKKsiquc01res_simulated-none.xml",
    ] {
        assert_eq!(sample(name), MedicalChart::default());
    }
}

#[test]
fn a_month_behind_its_days_and_unknown_elements_are_kept() {
    let chart = body(
        "<MeTrMonthInf><DiDateInfs><DiDateInf><DrugInfs><DrugInf><DrugN>見本錠</DrugN><New>x</New></DrugInf>\
         </DrugInfs><DiDate>20260403</DiDate></DiDateInf></DiDateInfs><MeTrMonth>202604</MeTrMonth></MeTrMonthInf>",
    );
    let drug = &chart.drugs[0];
    assert_eq!(drug.on, Some(date(2026, 4, 3)));
    assert_eq!(drug.month.map(|month| month.month), Some(4));
    assert_eq!(drug.others, [other("New", "x")]);
}

#[test]
fn a_second_text_of_a_member_is_not_lost() {
    let drug = &body("<DrugInf><DrugN>一</DrugN><DrugN>二</DrugN></DrugInf>").drugs[0];
    assert_eq!(drug.name.as_deref(), Some("一"));
    assert_eq!(drug.others, [other("DrugN", "二")]);
}

#[test]
fn what_follows_a_part_is_not_of_that_part() {
    let chart = body(
        "<ShPrMonthInf><ShPrMonth>202604</ShPrMonth></ShPrMonthInf><DrugInf><DrugN>一</DrugN></DrugInf>",
    );
    assert_eq!((chart.drugs[0].part, chart.drugs[0].month), (None, None));
}

#[test]
fn a_text_behind_an_inner_drug_is_the_outer_ones() {
    let chart = body(
        "<DrugInf><DrugInf><DrugC>2</DrugC></DrugInf><DrugC>1</DrugC></DrugInf>\
         <MeTrInf><SinInfN>x</SinInfN></MeTrInf>",
    );
    let codes: Vec<_> = chart.drugs.iter().map(|it| it.code.as_deref()).collect();
    assert_eq!(codes, [Some("1"), Some("2")]);
}

/// A month that the overview does not count is no month here either.
#[test]
fn months_and_days_are_those_of_their_own_group() {
    let chart = body(
        "<SpecificHealthCheckupInfo><DiDateInf><DiDate>20260403</DiDate><MeTrMonth>202604</MeTrMonth>\
         <DrugInf><DrugC>1</DrugC></DrugInf><HealthCheckupResultAndQuestionInfo><Unit>cm</Unit>\
         </HealthCheckupResultAndQuestionInfo></DiDateInf></SpecificHealthCheckupInfo>",
    );
    assert_eq!(chart.drugs[0].on, Some(date(2026, 4, 3)));
    assert_eq!((chart.drugs[0].month, chart.checkups[0].on), (None, None));
}

#[test]
fn another_document_is_no_chart() {
    for text in [
        "<Other><DrugInf><DrugN>x</DrugN></DrugInf></Other>",
        "<Other/>",
    ] {
        let error = MedicalChart::read(text.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), "not-a-message");
    }
}
