//! The walk through a medical answer: which drug, treatment or result a text belongs to, and which month and day hold
//! for it.

use jiff::civil::Date;

use super::{CheckupResult, Drug, MedicalChart, Other, Treatment};
use crate::oqs::answer::day;
use crate::oqs::error::OqsError;
use crate::oqs::medical::overview::Branch;
use crate::oqs::xml::{Fault, Limits, Reader, Step};
use crate::value::Month;

/// Reads a whole message.
pub(super) fn walk(text: &str, limits: &Limits) -> Result<MedicalChart, OqsError> {
    let mut xml = Reader::new(text, limits)?;
    let mut walk = Walk::default();
    loop {
        let step = xml.step()?;
        if let Step::Open(name) | Step::Leaf(name, _) = &step
            && walk.open.is_empty()
            && *name != "XmlMsg"
        {
            return Err(xml.error(Fault::NotAMessage).into());
        }
        match step {
            Step::Open(name) => walk.open(name),
            Step::Leaf(name, text) => walk.leaf(name, text.trim()),
            Step::Close => walk.close(),
            Step::Done => return Ok(walk.chart),
        }
    }
}

/// What an open element begins.
enum Begun {
    Item(Item),
    Group(Group),
    Nothing,
}

/// An item by its place in the chart: one may stand inside another, and the outer one's texts may follow the inner one.
#[derive(Clone, Copy)]
enum Item {
    Drug(usize),
    Treatment(usize),
    Result(usize),
}

/// What a group tells of everything inside it.
#[derive(Clone, Copy)]
enum Span {
    /// The month of drugs and treatments.
    Month(Branch),
    /// The day of drugs and treatments.
    Day,
    /// The day of results.
    Checkup,
}

/// A month or a day, which holds for everything that came inside it.
struct Group {
    span: Span,
    /// How many drugs, treatments and results there were before.
    since: [usize; 3],
    month: Option<Month>,
    on: Option<Date>,
}

/// Which of month and day an item already has of the innermost group around it, be it none.
#[derive(Clone, Copy, Default)]
struct Told {
    month: bool,
    day: bool,
}

#[derive(Default)]
struct Walk {
    chart: MedicalChart,
    open: Vec<Begun>,
    /// Of each drug, treatment and result.
    told: [Vec<Told>; 3],
}

impl Walk {
    fn open(&mut self, name: &str) {
        let part = self.part();
        let chart = &mut self.chart;
        let [drugs, treatments, results] = &mut self.told;
        let begun = match name {
            "DrugInf" | "ShDrugInf" | "CzDrugInf" => {
                chart.drugs.push(Drug {
                    part,
                    ..Drug::default()
                });
                drugs.push(Told::default());
                Begun::Item(Item::Drug(chart.drugs.len() - 1))
            }
            "MeTrInf" => {
                chart.treatments.push(Treatment::default());
                treatments.push(Told::default());
                Begun::Item(Item::Treatment(chart.treatments.len() - 1))
            }
            "HealthCheckupResultAndQuestionInfo" => {
                chart.checkups.push(CheckupResult::default());
                results.push(Told::default());
                Begun::Item(Item::Result(chart.checkups.len() - 1))
            }
            "MeTrMonthInf" => self.group(Span::Month(Branch::Medical)),
            "ShPrMonthInf" => self.group(Span::Month(Branch::Prescribed)),
            "CzDiMonthInf" => self.group(Span::Month(Branch::Dispensed)),
            "DiDateInf" | "ShPrDateInf" | "CzDiDateInf" => self.group(Span::Day),
            "SpecificHealthCheckupInfo" => self.group(Span::Checkup),
            _ => Begun::Nothing,
        };
        self.open.push(begun);
    }

    /// The part that is open here.
    fn part(&self) -> Option<Branch> {
        self.open.iter().rev().find_map(|begun| match begun {
            Begun::Group(Group {
                span: Span::Month(part),
                ..
            }) => Some(*part),
            _ => None,
        })
    }

    fn group(&self, span: Span) -> Begun {
        let chart = &self.chart;
        Begun::Group(Group {
            span,
            since: [
                chart.drugs.len(),
                chart.treatments.len(),
                chart.checkups.len(),
            ],
            month: None,
            on: None,
        })
    }

    /// Only now is the whole group known: its month may stand behind what it holds for. Of groups in groups the innermost
    /// holds, whether it told anything or not.
    fn close(&mut self) {
        let Some(Begun::Group(group)) = self.open.pop() else {
            return;
        };
        let since = group.since;
        let [drugs, treatments, results] = &mut self.told;
        if let Span::Checkup = group.span {
            for (result, told) in self.chart.checkups.iter_mut().zip(results).skip(since[2]) {
                group.tell(&mut None, &mut result.on, told);
            }
            return;
        }
        for (drug, told) in self.chart.drugs.iter_mut().zip(drugs).skip(since[0]) {
            group.tell(&mut drug.month, &mut drug.on, told);
        }
        let treatments = self.chart.treatments.iter_mut().zip(treatments);
        for (treatment, told) in treatments.skip(since[1]) {
            group.tell(&mut treatment.month, &mut treatment.on, told);
        }
    }

    fn leaf(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let item = self.open.iter().rev().find_map(|begun| match begun {
            Begun::Item(item) => Some(*item),
            _ => None,
        });
        let chart = &mut self.chart;
        match item {
            Some(Item::Drug(at)) => chart.drugs[at].learn(name, text),
            Some(Item::Treatment(at)) => chart.treatments[at].learn(name, text),
            Some(Item::Result(at)) => chart.checkups[at].learn(name, text),
            None => {
                if let Some(Begun::Group(group)) = self.open.last_mut() {
                    group.learn(name, text);
                }
            }
        }
    }
}

impl Group {
    /// Tells an item inside it what it has of it, unless a group further inside did.
    fn tell(&self, month: &mut Option<Month>, on: &mut Option<Date>, told: &mut Told) {
        match self.span {
            Span::Month(_) if !told.month => {
                *month = self.month;
                told.month = true;
            }
            Span::Day | Span::Checkup if !told.day => {
                *on = self.on;
                told.day = true;
            }
            _ => {}
        }
    }

    /// A group knows its own element alone, as the overview does.
    fn learn(&mut self, name: &str, text: &str) {
        match (self.span, name) {
            (Span::Month(Branch::Medical), "MeTrMonth")
            | (Span::Month(Branch::Prescribed), "ShPrMonth")
            | (Span::Month(Branch::Dispensed), "CzDiMonth") => {
                self.month = self.month.or(Month::from_compact(text));
            }
            (Span::Day, "DiDate" | "ShPrDate" | "CzDiDate") | (Span::Checkup, "EffectiveTime") => {
                self.on = self.on.or(text.get(..8).and_then(day));
            }
            _ => {}
        }
    }
}

/// The first text of a member is the member's; another one stands among the others, so that nothing is lost.
fn keep(member: Option<&mut Option<String>>, others: &mut Vec<Other>, name: &str, text: &str) {
    match member {
        Some(member) if member.is_none() => *member = Some(text.to_owned()),
        _ => others.push(Other {
            element: name.to_owned(),
            text: text.to_owned(),
        }),
    }
}

impl Drug {
    /// The same members in three spellings: `DrugN`, `ShDrugN`, `CzDrugN`.
    fn learn(&mut self, name: &str, text: &str) {
        let plain = name.strip_prefix("Sh").or(name.strip_prefix("Cz"));
        let member = match plain.unwrap_or(name) {
            "DrugC" => Some(&mut self.code),
            "DrugN" => Some(&mut self.name),
            "IngreN" => Some(&mut self.ingredient),
            "Qua1" => Some(&mut self.quantity),
            "Unit" => Some(&mut self.unit),
            "UsageN" => Some(&mut self.usage),
            "SpInst" => Some(&mut self.instruction),
            "Times" => Some(&mut self.times),
            _ => None,
        };
        keep(member, &mut self.others, name, text);
    }
}

impl Treatment {
    fn learn(&mut self, name: &str, text: &str) {
        let member = match name {
            "SinInfCd" => Some(&mut self.code),
            "SinInfN" => Some(&mut self.name),
            _ => None,
        };
        keep(member, &mut self.others, name, text);
    }
}

impl CheckupResult {
    fn learn(&mut self, name: &str, text: &str) {
        let member = match name {
            "ItemCode" => Some(&mut self.code),
            "ItemName" => Some(&mut self.name),
            "DataValue" => Some(&mut self.value),
            "DataValueName" => Some(&mut self.value_name),
            "Unit" => Some(&mut self.unit),
            _ => None,
        };
        keep(member, &mut self.others, name, text);
    }
}
