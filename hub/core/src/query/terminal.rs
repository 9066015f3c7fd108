//! How terminals do, as the ledger tells it: the last face file, the last answer, how long answers take, what waits.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use shikaku_domain::inquiry::{InquiryProcess, evolve};
use shikaku_schemas::event::Event;
use shikaku_schemas::value::{FacilityCode, InquiryId, Method, Position};

use super::{PAGE, Queries, QueryError};

/// Events looked through at most, the newest ones.
const LOOKED_THROUGH: u64 = 20_000;

/// What is looked at. Other events are not opened.
const KINDS: &[&str] = &[
    "verified",
    "inquiry-requested",
    "inquiry-submitted",
    "inquiry-accepted",
    "inquiry-answered",
    "inquiry-rejected",
    "inquiry-timed-out",
    "inquiry-uncertain",
    "inquiry-resolved",
];

/// One terminal of one facility.
pub type TerminalId = (FacilityCode, String);

/// What the newest events tell of one terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TerminalView {
    /// When the last face file of it was recorded.
    pub last_face_at: Option<Timestamp>,
    /// When its last answer to a request was recorded.
    pub last_answer_at: Option<Timestamp>,
    /// Half of its answers came faster than this, the first answer of a job counted. In ms.
    pub median_answer_ms: Option<u64>,
    /// Answers that this is the median of.
    pub answers: usize,
    /// Requests asked for and not answered: waiting to be sent, or sent.
    pub waiting: usize,
    /// Requests that were taken and of which nothing came: a person looks.
    pub uncertain: usize,
}

impl Queries {
    /// Every terminal that the newest events speak of.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn terminals(&self) -> Result<BTreeMap<TerminalId, TerminalView>, QueryError> {
        let head = self.ledger.head().await?.position;
        let mut after = Position(head.0.saturating_sub(LOOKED_THROUGH));
        let mut fold = Fold::default();
        loop {
            let page = self.ledger.read_kinds(after, KINDS, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(fold.finish());
            };
            after = last.head.position;
            // What can't be read says nothing of its terminal.
            for opened in self.ledger.open_each(&page).await?.into_iter().flatten() {
                let (Some(event), Some(facility)) = (&opened.event, &opened.head.facility) else {
                    continue;
                };
                match opened.head.stream.as_inquiry() {
                    Some(id) => fold.inquiry(id, facility, event, opened.head.recorded_at),
                    None => fold.face(facility, event, opened.head.recorded_at),
                }
            }
        }
    }
}

#[derive(Default)]
struct Fold {
    terminals: BTreeMap<TerminalId, TerminalView>,
    inquiries: HashMap<InquiryId, Asked>,
    took: BTreeMap<TerminalId, Vec<u64>>,
}

/// One inquiry on its way.
struct Asked {
    facility: FacilityCode,
    process: InquiryProcess,
    submitted_at: Option<Timestamp>,
}

impl Fold {
    fn face(&mut self, facility: &FacilityCode, event: &Event, at: Timestamp) {
        if let Event::Verified(verified) = event
            && verified.method == Method::Card
            && let Some(device) = &verified.device
        {
            let terminal = (facility.clone(), device.clone());
            self.terminals.entry(terminal).or_default().last_face_at = Some(at);
        }
    }

    fn inquiry(&mut self, id: InquiryId, facility: &FacilityCode, event: &Event, at: Timestamp) {
        let asked = self.inquiries.entry(id).or_insert_with(|| Asked {
            facility: facility.clone(),
            process: InquiryProcess::default(),
            submitted_at: None,
        });
        evolve(&mut asked.process, event);
        match event {
            Event::InquirySubmitted(_) => asked.submitted_at = Some(at),
            Event::InquiryAccepted(_) | Event::InquiryAnswered(_) | Event::InquiryRejected(_) => {
                let Some(device) = asked.process.terminal.clone() else {
                    return;
                };
                let terminal = (facility.clone(), device);
                // A job's later answers take as long as the centre works, which says nothing of the terminal.
                if let Some(since) = asked.submitted_at.take() {
                    let took = at.duration_since(since).as_millis();
                    let took = u64::try_from(took).unwrap_or_default();
                    self.took.entry(terminal.clone()).or_default().push(took);
                }
                self.terminals.entry(terminal).or_default().last_answer_at = Some(at);
            }
            _ => {}
        }
    }

    fn finish(mut self) -> BTreeMap<TerminalId, TerminalView> {
        for asked in self.inquiries.into_values() {
            let given = || asked.process.requested.as_ref()?.terminal.clone();
            let Some(device) = asked.process.terminal.clone().or_else(given) else {
                continue;
            };
            let view = self.terminals.entry((asked.facility, device)).or_default();
            match asked.process.state.as_str() {
                Some("requested" | "submitted" | "accepted") => view.waiting += 1,
                Some("uncertain") => view.uncertain += 1,
                _ => {}
            }
        }
        for (terminal, mut took) in self.took {
            took.sort_unstable();
            let view = self.terminals.entry(terminal).or_default();
            view.answers = took.len();
            view.median_answer_ms = took.get(took.len() / 2).copied();
        }
        self.terminals
    }
}
