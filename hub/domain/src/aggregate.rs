//! The one file that speaks cqrs-es: its traits, on top of `decide` and `evolve`.
//!
//! Only `Aggregate`, `EventSink` and the test framework are used. cqrs-es's snapshot and aggregate stores
//! apply every event twice; the test below shows it, so that nobody brings them back.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};
use shikaku_schemas::event::Event;

use crate::identity::case::{self, CaseCommand, CaseRejection, CaseState};
use crate::identity::person::{self, PersonCommand, PersonRejection, PersonState};
use crate::inquiry::{self, InquiryCommand, InquiryProcess, InquiryRejection};
use crate::patient::{self, Origin, PatientCommand, PatientRejection, PatientState};
use crate::settlement::{self, MonthlySettlement, SettleMonth, SettlementRejection};

/// An event with what its envelope says, as cqrs-es sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Facility and centre's time.
    pub origin: Origin,
    /// The event.
    pub event: Event,
}

impl Fact {
    fn plain(event: Event) -> Self {
        Self {
            origin: Origin::default(),
            event,
        }
    }
}

impl DomainEvent for Fact {
    fn event_type(&self) -> String {
        self.event.kind().to_owned()
    }

    fn event_version(&self) -> String {
        self.event.schema_version().to_string()
    }
}

fn origin_of(command: &PatientCommand) -> Origin {
    match command {
        PatientCommand::RecordVerification(command) => Origin {
            facility: Some(command.facility.code.clone()),
            as_of: command.as_of,
        },
        PatientCommand::RecordRegistration(registration) => Origin {
            facility: Some(registration.facility.clone()),
            as_of: None,
        },
        PatientCommand::EnterConsent { facility, .. }
        | PatientCommand::ReceiveMedicalInformation { facility, .. } => Origin {
            facility: Some(facility.clone()),
            as_of: None,
        },
        _ => Origin::default(),
    }
}

impl Aggregate for PatientState {
    const TYPE: &'static str = "patient";
    type Command = PatientCommand;
    type Event = Fact;
    type Error = PatientRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        _: &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let origin = origin_of(&command);
        for event in patient::decide(self, command)? {
            let origin = origin.clone();
            sink.write(Fact { origin, event }, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, fact: Self::Event) {
        patient::evolve(self, &fact.origin, &fact.event);
    }
}

macro_rules! aggregate {
    ($state:ty, $kind:literal, $module:ident, $command:ty, $rejection:ty) => {
        impl Aggregate for $state {
            const TYPE: &'static str = $kind;
            type Command = $command;
            type Event = Fact;
            type Error = $rejection;
            type Services = ();

            async fn handle(
                &mut self,
                command: Self::Command,
                _: &Self::Services,
                sink: &EventSink<Self>,
            ) -> Result<(), Self::Error> {
                for event in $module::decide(self, command)? {
                    sink.write(Fact::plain(event), self).await;
                }
                Ok(())
            }

            fn apply(&mut self, fact: Self::Event) {
                $module::evolve(self, &fact.event);
            }
        }
    };
}

aggregate!(
    InquiryProcess,
    "inquiry",
    inquiry,
    InquiryCommand,
    InquiryRejection
);
aggregate!(
    PersonState,
    "person",
    person,
    PersonCommand,
    PersonRejection
);
aggregate!(CaseState, "case", case, CaseCommand, CaseRejection);

impl Aggregate for MonthlySettlement {
    const TYPE: &'static str = "settlement";
    type Command = SettleMonth;
    type Event = Fact;
    type Error = SettlementRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        _: &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        for event in settlement::decide(self, &command)? {
            sink.write(Fact::plain(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, fact: Self::Event) {
        settlement::evolve(self, &fact.event);
    }
}

#[cfg(test)]
mod tests;
