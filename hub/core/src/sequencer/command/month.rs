//! What people tell of a month's ticket: learnt by paper or telephone, requested from the welfare office.

use jiff::civil::Date;
use shikaku_domain::patient::{self, PatientCommand};
use shikaku_ledger::Draft;
use shikaku_schemas::command::{AddTicket, CommandEnvelope, RequestTicket};
use shikaku_schemas::event::{CommissionedTicket, TicketRequested, TicketSourcedOffline};
use shikaku_schemas::value::{FacilityCode, Method, PatientNumber, RecordId, StreamId, jst_day};

use super::carried_out;
use crate::sequencer::context::Context;
use crate::sequencer::needs::Needs;
use crate::sequencer::verdict::Verdict;
use crate::sequencer::working_set::{Effects, WorkingSet};

impl Needs {
    /// The record, by chart number or id.
    pub(super) fn request_ticket(&mut self, context: &Context, asked: &RequestTicket) {
        if let Some(number) = &asked.patient {
            self.chart(context, &asked.facility, number);
        }
        self.streams.extend(asked.record.map(StreamId::patient));
    }
}

impl Context {
    /// Records a ticket as it was told.
    pub(super) fn add_ticket(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &AddTicket,
    ) -> Result<Verdict, &'static str> {
        let by = (envelope.by.clone(), jst_day(self.clock.now()));
        let (record, command) = self.told_offline(set, asked, by)?;
        self.on_month(set, envelope, &asked.facility, record, command)
    }

    /// A ticket as somebody told it on a day, and whose it is.
    pub(crate) fn told_offline(
        &self,
        set: &WorkingSet,
        asked: &AddTicket,
        (entered_by, on): (String, Date),
    ) -> Result<(RecordId, PatientCommand), &'static str> {
        if !matches!(asked.source.as_str(), "paper" | "telephone") {
            return Err("source-unknown");
        }
        let record = self.charted(set, &asked.facility, &asked.patient)?;
        let month = asked.ticket.treatment_month;
        let told = TicketSourcedOffline {
            ticket: CommissionedTicket {
                qualification_id: None,
                payer_number: asked.payer_number.clone(),
                recipient_number: asked.recipient_number.clone(),
                welfare_office: office(set, record, &asked.facility, month),
                ticket: asked.ticket.clone(),
                confirmed_on: on,
                method: Method::LocalCopy,
            },
            source: asked.source.clone(),
            entered_by,
            reason: asked.reason.clone(),
        };
        Ok((record, PatientCommand::AddTicket(Box::new(told))))
    }

    /// Records that the welfare office was asked for a ticket.
    pub(super) fn request_ticket(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &RequestTicket,
    ) -> Result<Verdict, &'static str> {
        let record = match (&asked.patient, asked.record) {
            (Some(number), _) => self.charted(set, &asked.facility, number)?,
            (None, Some(record)) => record,
            (None, None) => return Err("numbers-missing"),
        };
        let told = TicketRequested {
            month: asked.month,
            welfare_office: office(set, record, &asked.facility, asked.month),
            requested_by: envelope.by.clone(),
        };
        let command = PatientCommand::RequestTicket(told);
        self.on_month(set, envelope, &asked.facility, record, command)
    }

    fn charted(
        &self,
        set: &WorkingSet,
        facility: &FacilityCode,
        number: &PatientNumber,
    ) -> Result<RecordId, &'static str> {
        let facts = self.facts(facility).ok_or("facility-unknown")?;
        let chart = self.digests.chart(facts, number);
        set.record_of(&chart).ok_or("record-unknown")
    }

    /// Only a record that the facility itself has heard of.
    fn on_month(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        facility: &FacilityCode,
        record: RecordId,
        command: PatientCommand,
    ) -> Result<Verdict, &'static str> {
        let numbering = |code: &FacilityCode| self.facts(code).map(|facts| facts.numbering.clone());
        let stream = StreamId::patient(record);
        let known = set
            .stream(&stream)
            .facility()
            .and_then(|code| numbering(&code));
        if known.is_none() || known != numbering(facility) {
            return Err("record-unknown");
        }
        let events = patient::decide(set.patient(record), command);
        let events = events.map_err(|rejection| rejection.rule())?;
        let drafts = events.into_iter().map(|event| Draft {
            facility: Some(facility.clone()),
            patient: Some(record),
            ..Draft::new(event, stream.clone(), 0)
        });
        let effects = Effects {
            drafts: drafts.collect(),
            ..Effects::default()
        };
        Ok(carried_out(set, envelope, effects))
    }
}

/// The office that registers the person's tickets, as answers about the month or the last ones said.
fn office(
    set: &WorkingSet,
    record: RecordId,
    facility: &FacilityCode,
    month: shikaku_schemas::value::Month,
) -> Option<String> {
    let state = set.patient(record);
    let notice = state
        .month(Some(facility), month)
        .and_then(|known| known.notice.as_ref());
    notice
        .and_then(|notice| notice.welfare_office.clone())
        .or_else(|| {
            let mut known = state.tickets.iter().rev();
            known.find_map(|ticket| ticket.content.welfare_office.clone())
        })
}
