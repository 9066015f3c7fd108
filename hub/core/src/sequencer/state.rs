//! A stream as it stands: its version, and the state that its events make.

use shikaku_domain::identity::case::{self, CaseState};
use shikaku_domain::identity::person::{self, PersonState};
use shikaku_domain::inquiry::{self, InquiryProcess};
use shikaku_domain::patient::{self, Origin, PatientState};
use shikaku_domain::settlement::{self, MonthlySettlement};
use shikaku_ledger::{Draft, Opened};
use shikaku_schemas::event::Event;
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{FacilityCode, RecordId, StreamId};

/// One stream.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// Events so far.
    pub(crate) version: u64,
    facility: Option<FacilityCode>,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Patient(Box<PatientState>),
    Inquiry(Box<InquiryProcess>),
    Person(PersonState),
    Case(CaseState),
    Settlement(MonthlySettlement),
}

impl Loaded {
    /// A stream before its first event. What kind it is, its name says.
    pub(crate) fn empty(stream: &StreamId) -> Self {
        let state = match stream.as_str().split_once('-').map(|(kind, _)| kind) {
            Some("inquiry") => State::Inquiry(Box::default()),
            Some("person") => State::Person(PersonState::default()),
            Some("settlement") => State::Settlement(MonthlySettlement::default()),
            Some("case") => State::Case(CaseState::default()),
            _ => State::Patient(Box::default()),
        };
        Self {
            version: 0,
            facility: None,
            state,
        }
    }

    /// A stream as its events leave it.
    pub(crate) fn replay(stream: &StreamId, events: &[Opened]) -> Self {
        let mut loaded = Self::empty(stream);
        for opened in events {
            loaded.version = opened.head.stream_version;
            loaded.facility = loaded.facility.or(opened.head.facility.clone());
            match (&opened.event, &mut loaded.state) {
                (Some(event), _) => loaded.record(&Origin::from(&opened.head), event),
                // The payload is gone for good; that there was one still counts.
                (None, State::Patient(state)) => patient::evolve_erased(state),
                (None, _) => {}
            }
        }
        loaded
    }

    /// Records a draft that will be the next event.
    pub(crate) fn evolve(&mut self, draft: &Draft) {
        let origin = Origin {
            facility: draft.facility.clone(),
            as_of: draft.as_of,
        };
        self.version += 1;
        self.facility = self.facility.take().or(draft.facility.clone());
        self.record(&origin, &draft.event);
    }

    fn record(&mut self, origin: &Origin, event: &Event) {
        match &mut self.state {
            State::Patient(state) => patient::evolve(state, origin, event),
            State::Inquiry(state) => inquiry::evolve(state, event),
            State::Person(state) => person::evolve(state, event),
            State::Case(state) => case::evolve(state, event),
            State::Settlement(state) => settlement::evolve(state, event),
        }
    }

    /// The facility of its first event.
    pub(crate) fn facility(&self) -> Option<FacilityCode> {
        self.facility.clone()
    }

    /// A patient record; nothing is known on streams of other kinds.
    pub(crate) fn as_patient(&self) -> Option<&PatientState> {
        match &self.state {
            State::Patient(state) => Some(state),
            _ => None,
        }
    }

    /// An inquiry, looked at.
    pub(crate) fn as_inquiry(&self) -> Option<&InquiryProcess> {
        match &self.state {
            State::Inquiry(state) => Some(state),
            _ => None,
        }
    }

    /// An inquiry.
    pub(crate) fn inquiry(&self) -> InquiryProcess {
        match &self.state {
            State::Inquiry(state) => (**state).clone(),
            _ => InquiryProcess::default(),
        }
    }

    /// The record of an inquiry that confirms no qualification: a registration, medical information.
    pub(crate) fn asked_of(&self) -> Option<RecordId> {
        let State::Inquiry(process) = &self.state else {
            return None;
        };
        let requested = process.requested.as_ref()?;
        match requested.question.as_deref()? {
            TaskBody::Reference(_) | TaskBody::DrugInfo(_) | TaskBody::CheckupInfo(_) => {
                requested.record
            }
            _ => None,
        }
    }

    /// A person.
    pub(crate) fn person(&self) -> PersonState {
        match &self.state {
            State::Person(state) => state.clone(),
            _ => PersonState::default(),
        }
    }

    /// The records that an open case speaks of.
    pub(crate) fn candidates(&self) -> Vec<RecordId> {
        match &self.state {
            State::Case(CaseState::Open { candidates, .. }) => candidates.clone(),
            _ => Vec::new(),
        }
    }

    /// A month of a facility.
    pub(crate) fn settlement(&self) -> MonthlySettlement {
        match &self.state {
            State::Settlement(state) => state.clone(),
            _ => MonthlySettlement::default(),
        }
    }

    /// A case.
    pub(crate) fn case(&self) -> CaseState {
        match &self.state {
            State::Case(state) => state.clone(),
            _ => CaseState::Unknown,
        }
    }
}
