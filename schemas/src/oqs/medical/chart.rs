//! What a medical answer says, for those who may read it: drugs, treatments, check-ups. It is made from the evidence
//! for one look, and stored, logged and published nowhere.

use jiff::civil::Date;
use serde::Serialize;

use super::overview::{Branch, Overview};
use crate::oqs::answer::day;
use crate::oqs::error::OqsError;
use crate::oqs::text;
use crate::oqs::xml::{Reader, Step};
use crate::value::Month;

/// One element as it came, where no member is meant for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// The element.
    pub element: String,
    /// Its text.
    pub text: String,
}

/// One drug of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Drug {
    /// Where it stands: 医科, 処方, 調剤.
    pub part: Option<Branch>,
    /// The month it stands under.
    pub month: Option<Month>,
    /// 調剤日 / 処方日.
    pub on: Option<Date>,
    /// 医薬品コード.
    pub code: Option<String>,
    /// 医薬品名.
    pub name: Option<String>,
    /// 成分名.
    pub ingredient: Option<String>,
    /// 数量, as written.
    pub quantity: Option<String>,
    /// 単位.
    pub unit: Option<String>,
    /// 用法.
    pub usage: Option<String>,
    /// 特別指示.
    pub instruction: Option<String>,
    /// 回数・日数, as written.
    pub times: Option<String>,
    /// Everything else that stands there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
}

/// One treatment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Treatment {
    /// The month it stands under.
    pub month: Option<Month>,
    /// The day, where one is told.
    pub on: Option<Date>,
    /// 診療行為コード.
    pub code: Option<String>,
    /// 診療行為名.
    pub name: Option<String>,
    /// Everything else that stands there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
}

/// One result or question of a check-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckupResult {
    /// 実施日.
    pub on: Option<Date>,
    /// 項目コード.
    pub code: Option<String>,
    /// 項目名.
    pub name: Option<String>,
    /// 値, as written.
    pub value: Option<String>,
    /// What a coded value means.
    pub value_name: Option<String>,
    /// 単位.
    pub unit: Option<String>,
    /// Everything else that stands there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
}

/// All that one answer says, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MedicalChart {
    /// 薬剤.
    pub drugs: Vec<Drug>,
    /// 診療.
    pub treatments: Vec<Treatment>,
    /// 健診.
    pub checkups: Vec<CheckupResult>,
}

impl MedicalChart {
    /// Reads an XML answer, of drugs or check-ups. What it says of the person is left out: whose it is, the record says.
    ///
    /// # Errors
    /// As for every message.
    pub fn read(bytes: &[u8]) -> Result<Self, OqsError> {
        let limits = &Overview::LIMITS;
        limits.check_size(bytes.len())?;
        let decoded = text::decode(bytes)?;
        let mut xml = Reader::new(&decoded.text, limits)?;
        let mut walk = Walk::default();
        loop {
            match xml.step()? {
                Step::Open(name) => walk.open(name),
                Step::Leaf(name, text) => walk.leaf(name, text.trim()),
                Step::Close => walk.close(),
                Step::Done => return Ok(walk.chart),
            }
        }
    }
}

/// What an open element begins.
enum Begun {
    Item(Item),
    Group(Group),
    Nothing,
}

#[derive(Clone, Copy)]
enum Item {
    Drug,
    Treatment,
    Result,
}

/// A month or a day, which holds for everything that came inside it.
struct Group {
    /// How many drugs, treatments and results there were before.
    since: [usize; 3],
    month: Option<Month>,
    on: Option<Date>,
}

#[derive(Default)]
struct Walk {
    chart: MedicalChart,
    open: Vec<Begun>,
    part: Option<Branch>,
}

impl Walk {
    fn open(&mut self, name: &str) {
        let chart = &mut self.chart;
        let begun = match name {
            "DrugInf" | "ShDrugInf" | "CzDrugInf" => {
                chart.drugs.push(Drug {
                    part: self.part,
                    ..Drug::default()
                });
                Begun::Item(Item::Drug)
            }
            "MeTrInf" => {
                chart.treatments.push(Treatment::default());
                Begun::Item(Item::Treatment)
            }
            "HealthCheckupResultAndQuestionInfo" => {
                chart.checkups.push(CheckupResult::default());
                Begun::Item(Item::Result)
            }
            "MeTrMonthInf" => self.group(Some(Branch::Medical)),
            "ShPrMonthInf" => self.group(Some(Branch::Prescribed)),
            "CzDiMonthInf" => self.group(Some(Branch::Dispensed)),
            "DiDateInf" | "ShPrDateInf" | "CzDiDateInf" | "SpecificHealthCheckupInfo" => {
                self.group(self.part)
            }
            _ => Begun::Nothing,
        };
        self.open.push(begun);
    }

    fn group(&mut self, part: Option<Branch>) -> Begun {
        self.part = part;
        let chart = &self.chart;
        Begun::Group(Group {
            since: [
                chart.drugs.len(),
                chart.treatments.len(),
                chart.checkups.len(),
            ],
            month: None,
            on: None,
        })
    }

    /// Only now is the whole group known: its month may stand behind what it holds for.
    fn close(&mut self) {
        let Some(Begun::Group(group)) = self.open.pop() else {
            return;
        };
        let [drugs, treatments, results] = group.since;
        for drug in &mut self.chart.drugs[drugs..] {
            drug.month = drug.month.or(group.month);
            drug.on = drug.on.or(group.on);
        }
        for treatment in &mut self.chart.treatments[treatments..] {
            treatment.month = treatment.month.or(group.month);
            treatment.on = treatment.on.or(group.on);
        }
        for result in &mut self.chart.checkups[results..] {
            result.on = result.on.or(group.on);
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
            Some(Item::Drug) => chart.drugs.last_mut().map(|it| it.learn(name, text)),
            Some(Item::Treatment) => chart.treatments.last_mut().map(|it| it.learn(name, text)),
            Some(Item::Result) => chart.checkups.last_mut().map(|it| it.learn(name, text)),
            None => self.of_group(name, text),
        };
    }

    fn of_group(&mut self, name: &str, text: &str) -> Option<()> {
        let Begun::Group(group) = self.open.last_mut()? else {
            return None;
        };
        match name {
            "MeTrMonth" | "ShPrMonth" | "CzDiMonth" => group.month = Month::from_compact(text),
            "DiDate" | "ShPrDate" | "CzDiDate" | "EffectiveTime" => {
                group.on = text.get(..8).and_then(day);
            }
            _ => {}
        }
        Some(())
    }
}

impl Drug {
    /// The same members in three spellings: `DrugN`, `ShDrugN`, `CzDrugN`.
    fn learn(&mut self, name: &str, text: &str) {
        let plain = name.strip_prefix("Sh").or(name.strip_prefix("Cz"));
        let member = match plain.unwrap_or(name) {
            "DrugC" => &mut self.code,
            "DrugN" => &mut self.name,
            "IngreN" => &mut self.ingredient,
            "Qua1" => &mut self.quantity,
            "Unit" => &mut self.unit,
            "UsageN" => &mut self.usage,
            "SpInst" => &mut self.instruction,
            "Times" => &mut self.times,
            _ => return self.others.push(Other::of(name, text)),
        };
        *member = Some(text.to_owned());
    }
}

impl Treatment {
    fn learn(&mut self, name: &str, text: &str) {
        let member = match name {
            "SinInfCd" => &mut self.code,
            "SinInfN" => &mut self.name,
            _ => return self.others.push(Other::of(name, text)),
        };
        *member = Some(text.to_owned());
    }
}

impl CheckupResult {
    fn learn(&mut self, name: &str, text: &str) {
        let member = match name {
            "ItemCode" => &mut self.code,
            "ItemName" => &mut self.name,
            "DataValue" => &mut self.value,
            "DataValueName" => &mut self.value_name,
            "Unit" => &mut self.unit,
            _ => return self.others.push(Other::of(name, text)),
        };
        *member = Some(text.to_owned());
    }
}

impl Other {
    fn of(element: &str, text: &str) -> Self {
        Self {
            element: element.to_owned(),
            text: text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
