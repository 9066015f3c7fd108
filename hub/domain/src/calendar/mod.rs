//! The ticket calendar: the 医療券・調剤券 of one facility and month, folded from the events of its records.
//!
//! 未委託 is the normal state of the first half of a month. The calendar says of everybody since when they wait
//! and for which office, what arrived, changed or vanished, what was told by paper or telephone, and what was
//! requested. It carries no payer or recipient number at all.

mod difference;
mod fold;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use shikaku_schemas::value::{
    FacilityCode, Month, PatientNumber, RecordId, TicketKind, TreatmentType,
};

pub use difference::differences;
pub use fold::{CalendarFold, RecordOfRun};

/// How somebody's month stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MonthState {
    /// 未委託: the newest knowledge is that no ticket is registered for this facility.
    Waiting,
    /// A ticket is registered.
    Arrived,
    /// Every ticket that was registered is gone.
    Withdrawn,
    /// Only paper or telephone tells of a ticket.
    Offline,
}

/// What a clerk has to do about somebody's month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chore {
    /// 社会保険状況の整合性フラグ is 1: ask patient and office about social insurance.
    CheckSocialInsurance,
    /// The online ticket differs from what paper or telephone told.
    CompareOffline,
    /// The ticket vanished.
    AskOffice,
}

/// One ticket of the month, as far as a calendar tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarTicket {
    /// 医療券 or 調剤券.
    pub kind: TicketKind,
    /// 診療別.
    pub treatment_type: Option<TreatmentType>,
    /// 有効期間.
    pub valid_from: Option<Date>,
    /// Last covered day.
    pub valid_to: Option<Date>,
    /// When the hub learnt of it.
    pub arrived_at: Timestamp,
    /// How often it changed.
    pub revised: u32,
    /// When the hub last learnt that it changed.
    pub revised_at: Option<Timestamp>,
    /// When a settlement withdrew it.
    pub withdrawn_at: Option<Timestamp>,
    /// 整合性フラグ.
    pub inconsistent: bool,
}

/// What paper or telephone told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfflineTicket {
    /// `paper` or `telephone`.
    pub source: String,
    /// Who entered it.
    pub entered_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub entered_at: Timestamp,
    /// 医療券 or 調剤券.
    pub kind: TicketKind,
    /// Whether the online ticket has come meanwhile.
    pub reconciled: bool,
    /// Members in which the online ticket differs: names, never values of numbers.
    pub differences: Vec<&'static str>,
}

/// A request filed with the welfare office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Requested {
    /// Who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// One person's month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarRow {
    /// The record.
    pub record: RecordId,
    /// The chart number.
    pub patient: Option<PatientNumber>,
    /// 氏名.
    pub name: Option<String>,
    /// How the month stands.
    pub state: MonthState,
    /// 未委託 since this day, as long as it is.
    pub waiting_since: Option<Date>,
    /// The office that registers, or should.
    pub welfare_office: Option<String>,
    /// Its telephone, from the directory.
    pub phone: Option<String>,
    /// Tickets registered for this facility; none while it is 未委託.
    pub tickets: Vec<CalendarTicket>,
    /// What paper or telephone told.
    pub offline: Vec<OfflineTicket>,
    /// Requests filed.
    pub requested: Vec<Requested>,
    /// What a clerk has to do.
    pub chores: Vec<Chore>,
}

/// How many stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CalendarCounts {
    /// People 未委託.
    pub waiting: u32,
    /// People with a ticket.
    pub arrived: u32,
    /// Tickets that changed.
    pub revised: u32,
    /// Tickets that are gone.
    pub withdrawn: u32,
    /// People of whose ticket only paper or telephone tells.
    pub offline: u32,
    /// People for whom a request was filed.
    pub requested: u32,
}

/// One facility's month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calendar {
    /// The facility.
    pub facility: FacilityCode,
    /// The month.
    pub month: Month,
    /// How many stand how.
    pub counts: CalendarCounts,
    /// Everybody, the waiting first, by office and chart number.
    pub people: Vec<CalendarRow>,
}

impl Calendar {
    /// Of the rows of all records; `phone` knows the directory of offices.
    pub fn of(
        facility: FacilityCode,
        month: Month,
        mut people: Vec<CalendarRow>,
        phone: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut counts = CalendarCounts::default();
        for row in &mut people {
            row.phone = row.welfare_office.as_deref().and_then(&phone);
            counts.add(row);
        }
        people.sort_by(|one, other| {
            let place = |row: &CalendarRow| {
                (
                    row.state,
                    row.welfare_office.clone(),
                    row.patient.as_ref().map(|number| number.0.clone()),
                    row.record,
                )
            };
            place(one).cmp(&place(other))
        });
        Self {
            facility,
            month,
            counts,
            people,
        }
    }
}

impl CalendarCounts {
    fn add(&mut self, row: &CalendarRow) {
        match row.state {
            MonthState::Waiting => self.waiting += 1,
            MonthState::Arrived => self.arrived += 1,
            MonthState::Withdrawn => {}
            MonthState::Offline => self.offline += 1,
        }
        for ticket in &row.tickets {
            self.revised += u32::from(ticket.revised > 0);
            self.withdrawn += u32::from(ticket.withdrawn_at.is_some());
        }
        self.requested += u32::from(!row.requested.is_empty());
    }
}
