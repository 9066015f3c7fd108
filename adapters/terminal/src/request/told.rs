//! What the hub is told of an inquiry: one observation per step, always under the same id.

use shikaku_kit::spool::Entry;
use shikaku_schemas::observation::{
    InquiryProgress, Observation, ObservationBody, Progress, RequestForwarded,
};
use shikaku_schemas::oqs::Refusal;
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{InquiryId, ObservationId};

use super::{Inquiries, Request};

/// One step of an inquiry, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Submitted,
    /// A program made it: with what it asks, as far as that could be read.
    Forwarded(Option<Box<TaskBody>>),
    TimedOut,
    Uncertain,
    /// It can't be written; the reason names no value.
    Refused(Refusal),
    /// With its 受付番号.
    Accepted(String),
    /// How often it was asked after.
    Polled(u32),
    /// How many units its result has.
    Received(u32),
    Rejected(Refusal),
    Lapsed(Refusal),
}

impl News {
    fn progress(&self) -> Progress {
        match self {
            Self::Submitted | Self::Forwarded(_) => Progress::Submitted,
            Self::TimedOut => Progress::TimedOut,
            Self::Uncertain => Progress::Uncertain,
            Self::Refused(_) => Progress::Refused,
            Self::Accepted(_) => Progress::Accepted,
            Self::Polled(_) => Progress::Polled,
            Self::Received(_) => Progress::Received,
            Self::Rejected(_) => Progress::Rejected,
            Self::Lapsed(_) => Progress::Lapsed,
        }
    }

    /// What makes the step one, however often it is told.
    fn fact(&self, inquiry: InquiryId) -> String {
        let word = match self {
            Self::Submitted | Self::Forwarded(_) => "submitted",
            Self::TimedOut => "timed-out",
            Self::Uncertain => "uncertain",
            Self::Refused(_) => "refused",
            Self::Accepted(_) => "accepted",
            Self::Polled(count) => return format!("inquiry-{inquiry}-polled-{count}"),
            Self::Received(_) => "received",
            Self::Rejected(_) => "rejected",
            Self::Lapsed(_) => "lapsed",
        };
        format!("inquiry-{inquiry}-{word}")
    }
}

impl Inquiries {
    /// The observation of a step, ready for the spool.
    pub(crate) fn news(&self, request: &Request, news: News) -> Entry {
        let inquiry = request.inquiry;
        let fact = news.fact(inquiry);
        let mut body = InquiryProgress {
            inquiry,
            progress: news.progress(),
            file: request.file.clone(),
            reception_number: request.reception_number.clone(),
            count: None,
            refusal: None,
        };
        let mut question = None;
        match news {
            News::Forwarded(asked) => question = asked,
            News::Accepted(number) => body.reception_number = Some(number),
            News::Polled(count) | News::Received(count) => body.count = Some(count),
            News::Refused(refusal) | News::Rejected(refusal) | News::Lapsed(refusal) => {
                body.refusal = Some(refusal);
            }
            News::Submitted | News::TimedOut | News::Uncertain => {}
        }
        let observation = Observation {
            observation_id: ObservationId::of_fact(&self.facility, &self.terminal, &fact),
            facility: self.facility.clone(),
            source: "terminal".to_owned(),
            device: self.terminal.clone(),
            sequence: 0,
            seen_at: self.clock.now(),
            as_of: None,
            evidence: None,
            body: match &request.forwarded {
                None => ObservationBody::InquiryProgress(body),
                Some(forwarded) => ObservationBody::RequestForwarded(RequestForwarded {
                    program: forwarded.program.clone(),
                    function: request.asked.family.prefix().to_owned(),
                    question,
                    progress: body,
                }),
            },
        };
        Entry {
            observation,
            evidence: None,
        }
    }
}
