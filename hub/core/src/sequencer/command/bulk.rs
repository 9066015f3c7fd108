//! Bulk jobs: 一括照会, 委託先資格情報の一括取得, 訪問診療等 and オンライン診療等.

use jiff::civil::Date;
use shikaku_schemas::command::{
    BULK_ROWS, CommandEnvelope, InquireBulk, InquireCommissioned, InquirePeriod,
};
use shikaku_schemas::event::InquiryRequested;
use shikaku_schemas::task::{
    BulkQuestion, BulkRow, CommissionedQuestion, PeriodQuestion, TaskBody,
};
use shikaku_schemas::value::{FacilityCode, InquiryId, InquiryKind, Month, jst_day};

use super::inquiry_of;
use crate::sequencer::context::Context;
use crate::sequencer::verdict::Verdict;
use crate::sequencer::working_set::WorkingSet;

/// The first 診療年月 that the centre holds tickets of.
pub(crate) const FIRST_MONTH: Month = Month {
    year: 2023,
    month: 10,
};

/// What a job asks.
struct Job {
    kind: InquiryKind,
    on: Date,
    month: Option<Month>,
    body: TaskBody,
    repeats: Option<InquiryId>,
}

impl Context {
    /// 一括照会 of one kind of number.
    pub(super) fn inquire_bulk(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &InquireBulk,
    ) -> Result<Verdict, &'static str> {
        let mixed = |row: &shikaku_schemas::command::ListedPerson| {
            !asked.insurance && (row.numbers.symbol.is_some() || row.numbers.branch.is_some())
        };
        match asked.rows.len() {
            0 => return Err("no-rows"),
            rows if rows > BULK_ROWS => return Err("too-many-rows"),
            _ if asked.rows.iter().any(mixed) => return Err("kinds-mixed"),
            _ => {}
        }
        let on = asked.on.unwrap_or_else(|| jst_day(self.clock.now()));
        let rows = asked.rows.iter().zip(1u32..).map(|(row, at)| BulkRow {
            numbers: row.numbers.clone(),
            birth_date: row.birth_date,
            identifier: at.to_string(),
            patient: row.patient.clone(),
        });
        let body = TaskBody::Bulk(BulkQuestion {
            confirmed_on: on,
            insurance: asked.insurance,
            rows: rows.collect(),
        });
        let job = Job {
            kind: InquiryKind::Bulk,
            on,
            month: None,
            body,
            repeats: asked.repeats,
        };
        self.job(set, envelope, &asked.facility, &asked.purpose, job)
    }

    /// 一括取得 of one month.
    pub(super) fn inquire_commissioned(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &InquireCommissioned,
    ) -> Result<Verdict, &'static str> {
        if asked.month < FIRST_MONTH {
            return Err("month-too-early");
        }
        let on = jst_day(self.clock.now());
        let month = asked.month;
        let body = TaskBody::Commissioned(CommissionedQuestion { month });
        let job = Job {
            kind: InquiryKind::Commissioned,
            on,
            month: Some(month),
            body,
            repeats: None,
        };
        self.job(set, envelope, &asked.facility, &asked.purpose, job)
    }

    /// Everybody who consented in a period.
    pub(super) fn inquire_period(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &InquirePeriod,
    ) -> Result<Verdict, &'static str> {
        let (from, to) = (asked.from, asked.to);
        if from > to {
            return Err("period-reversed");
        }
        let question = PeriodQuestion { from, to };
        let (kind, body) = match asked.online {
            true => (InquiryKind::Online, TaskBody::Online(question)),
            false => (InquiryKind::HomeVisit, TaskBody::HomeVisit(question)),
        };
        let on = jst_day(self.clock.now());
        let job = Job {
            kind,
            on,
            month: None,
            body,
            repeats: None,
        };
        self.job(set, envelope, &asked.facility, &asked.purpose, job)
    }

    fn job(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        facility: &FacilityCode,
        purpose: &str,
        job: Job,
    ) -> Result<Verdict, &'static str> {
        let request = InquiryRequested {
            inquiry: inquiry_of(envelope),
            kind: job.kind,
            requested_by: envelope.by.clone(),
            purpose: purpose.to_owned(),
            payer_number: None,
            recipient_number: None,
            birth_date: None,
            on: job.on,
            month: job.month,
            record: None,
            question: Some(Box::new(job.body)),
            repeats: job.repeats,
            terminal: None,
            program: None,
        };
        self.request(set, envelope, facility, request)
    }
}
