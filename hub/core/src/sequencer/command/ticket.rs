//! A ticket inquiry: with the numbers typed, or with those that are known of a patient.

use jiff::civil::Date;
use shikaku_domain::patient::Human;
use shikaku_schemas::command::{CommandEnvelope, InquireTicket};
use shikaku_schemas::event::InquiryRequested;
use shikaku_schemas::value::{
    FacilityCode, InquiryKind, Month, PayerNumber, RecipientNumber, RecordId, jst_day,
};

use super::inquiry_of;
use crate::sequencer::context::Context;
use crate::sequencer::needs::Needs;
use crate::sequencer::verdict::Verdict;
use crate::sequencer::working_set::WorkingSet;

impl Needs {
    /// The inquiry, and the chart where one is named.
    pub(super) fn inquire_ticket(
        &mut self,
        context: &Context,
        envelope: &CommandEnvelope,
        asked: &InquireTicket,
    ) {
        self.inquiry(inquiry_of(envelope));
        if let Some(number) = &asked.patient {
            self.chart(context, &asked.facility, number);
        }
    }
}

impl Context {
    /// Asks for one ticket.
    pub(super) fn inquire_ticket(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &InquireTicket,
    ) -> Result<Verdict, &'static str> {
        let on = asked.on.unwrap_or_else(|| jst_day(self.clock.now()));
        let question = self.question(set, asked, on)?;
        let request = InquiryRequested {
            inquiry: inquiry_of(envelope),
            kind: InquiryKind::Ticket,
            requested_by: envelope.by.clone(),
            purpose: asked.purpose.clone(),
            payer_number: Some(question.payer_number),
            recipient_number: Some(question.recipient_number),
            birth_date: Some(question.birth_date),
            on,
            month: None,
            record: question.record,
            question: None,
            repeats: None,
            terminal: None,
            program: None,
        };
        self.request(set, envelope, &asked.facility, request)
    }

    fn question(
        &self,
        set: &mut WorkingSet,
        asked: &InquireTicket,
        on: Date,
    ) -> Result<Question, &'static str> {
        let typed = (
            &asked.payer_number,
            &asked.recipient_number,
            asked.birth_date,
        );
        if let (Some(payer), Some(recipient), Some(birth_date)) = typed {
            return Ok(Question {
                payer_number: payer.clone(),
                recipient_number: recipient.clone(),
                birth_date,
                record: None,
            });
        }
        let number = asked.patient.as_ref().ok_or("numbers-missing")?;
        let facts = self.facts(&asked.facility).ok_or("facility-unknown")?;
        let record = set
            .record_of(&self.digests.chart(facts, number))
            .ok_or("record-unknown")?;
        let human = self.human(set, &asked.facility, record);
        known_numbers(&human, &asked.facility, record, on)
    }
}

/// What a ticket inquiry asks with.
struct Question {
    payer_number: PayerNumber,
    recipient_number: RecipientNumber,
    birth_date: Date,
    record: Option<RecordId>,
}

/// Numbers that are known for that day and that nothing forbids to speak of it.
fn known_numbers(
    human: &Human<'_>,
    facility: &FacilityCode,
    record: RecordId,
    on: Date,
) -> Result<Question, &'static str> {
    if human.record.erased {
        return Err("record-erased");
    }
    if human.waits_in(facility, Month::of(on)) {
        return Err("not-commissioned");
    }
    human
        .qualifications()
        .filter(|known| !known.is_insurance() && known.covers(on))
        .filter_map(|known| {
            let question = Question {
                payer_number: known.details.payer_number.clone()?,
                recipient_number: known.details.recipient_number.clone()?,
                birth_date: known.person.birth_date.or(human.record.person.birth_date)?,
                record: Some(record),
            };
            Some((known.valid_as_of, question))
        })
        .max_by_key(|(seen, _)| *seen)
        .map(|(_, question)| question)
        .ok_or("numbers-unknown")
}
