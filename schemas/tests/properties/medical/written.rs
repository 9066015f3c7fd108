//! How a medical answer is written.

use jiff::civil::Date;
use shikaku_schemas::oqs::medical::{Branch, Drug, Other};

use super::super::pen::{Leaf, Manner, Pen};
use super::meant::{MeantDay, MeantMonth};

/// Elements of a month, by the first characters of their names.
fn names(part: Branch) -> (&'static str, [&'static str; 5]) {
    match part {
        Branch::Medical => (
            "",
            ["MeTrMonthInf", "MeTrMonth", "DiDateInf", "DiDate", "Inf"],
        ),
        Branch::Prescribed => (
            "Sh",
            [
                "ShPrMonthInf",
                "ShPrMonth",
                "ShPrDateInf",
                "ShPrDate",
                "ShPrInf",
            ],
        ),
        Branch::Dispensed => (
            "Cz",
            [
                "CzDiMonthInf",
                "CzDiMonth",
                "CzDiDateInf",
                "CzDiDate",
                "CzDiInf",
            ],
        ),
    }
}

fn compact(on: Option<Date>) -> Option<String> {
    on.map(|on| on.to_string().replace('-', ""))
}

fn item(pen: &mut Pen<'_>, name: &str, members: &[Leaf], others: &[Other]) -> String {
    let mut children = pen.leaves(members);
    children.extend(
        others
            .iter()
            .map(|it| pen.leaf(&it.element, Some(&it.text))),
    );
    pen.parent(name, children)
}

fn drug(pen: &mut Pen<'_>, prefix: &str, drug: &Drug) -> String {
    let members = [
        ("DrugC", &drug.code),
        ("DrugN", &drug.name),
        ("IngreN", &drug.ingredient),
        ("Qua1", &drug.quantity),
        ("Unit", &drug.unit),
        ("UsageN", &drug.usage),
        ("SpInst", &drug.instruction),
        ("Times", &drug.times),
    ];
    let members = members
        .into_iter()
        .map(|(name, text)| pen.leaf(&format!("{prefix}{name}"), text.as_deref()));
    let mut children: Vec<_> = members.collect();
    children.extend(
        drug.others
            .iter()
            .map(|it| pen.leaf(&it.element, Some(&it.text))),
    );
    pen.parent(&format!("{prefix}DrugInf"), children)
}

/// A list of one kind, in its own element.
fn list(pen: &mut Pen<'_>, name: &str, children: Vec<String>) -> String {
    let children = pen.row(children);
    format!("<{name}s>{children}</{name}s>")
}

fn month(pen: &mut Pen<'_>, meant: &MeantMonth) -> String {
    let (prefix, [group, month, day_group, day, around]) = names(meant.part);
    let mut days = Vec::new();
    for (on, drugs) in &meant.days {
        let drugs: Vec<_> = drugs.iter().map(|it| drug(pen, prefix, it)).collect();
        let children = vec![
            pen.leaf(day, compact(*on).as_deref()),
            list(pen, &format!("{prefix}DrugInf"), drugs),
        ];
        days.push(pen.parent(day_group, children));
    }
    let treatments = meant.treatments.iter().map(|it| {
        let members = [("SinInfCd", it.code.clone()), ("SinInfN", it.name.clone())];
        item(pen, "MeTrInf", &members, &it.others)
    });
    let treatments: Vec<_> = treatments.collect();
    let told = meant.month.map(|it| it.to_string().replace('-', ""));
    let children = vec![
        pen.leaf(month, told.as_deref()),
        list(pen, day_group, days),
        list(pen, "MeTrInf", treatments),
    ];
    let inside = pen.parent(group, children);
    match meant.part {
        Branch::Medical => inside,
        _ => pen.parent(around, vec![inside]),
    }
}

fn message(pen: &mut Pen<'_>, body: Vec<String>) -> Vec<u8> {
    let header = pen.leaves(&[
        ("ResultCode", Some("1".to_owned())),
        ("ProcessExecutionTime", Some("20260511093000".to_owned())),
    ]);
    // Months and days stand in the order of the list.
    let body = pen.row(body);
    pen.message(header, vec![body])
}

pub fn write_drugs(months: &[MeantMonth], manner: &Manner) -> Vec<u8> {
    let mut pen = Pen::new(manner);
    let months = months.iter().map(|it| month(&mut pen, it)).collect();
    message(&mut pen, months)
}

pub fn write_checkups(days: &[MeantDay], manner: &Manner) -> Vec<u8> {
    let mut pen = Pen::new(manner);
    let days = days.iter().map(|(on, results)| {
        let results = results.iter().map(|it| {
            let members = [
                ("ItemCode", it.code.clone()),
                ("ItemName", it.name.clone()),
                ("DataValue", it.value.clone()),
                ("DataValueName", it.value_name.clone()),
                ("Unit", it.unit.clone()),
            ];
            item(
                &mut pen,
                "HealthCheckupResultAndQuestionInfo",
                &members,
                &it.others,
            )
        });
        let results = results.collect();
        let children = vec![
            pen.leaf(
                "EffectiveTime",
                compact(*on).map(|on| on + "0930").as_deref(),
            ),
            list(&mut pen, "HealthCheckupResultAndQuestionInfo", results),
        ];
        pen.parent("SpecificHealthCheckupInfo", children)
    });
    let days = days.collect();
    message(&mut pen, days)
}
