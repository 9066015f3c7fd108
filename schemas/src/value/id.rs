//! Identifiers. Each is its own type, so that a chart number is never taken for a record.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// One patient *record*: one chart numbering's view of one human. Opaque, safe to show.
    RecordId
);
uuid_id!(
    /// One human, joining records of the group.
    PersonId
);
uuid_id!(
    /// One qualification of one record, insurance or 公費.
    QualificationId
);
uuid_id!(
    /// One stored event.
    EventId
);
uuid_id!(
    /// One inquiry to a terminal.
    InquiryId
);
uuid_id!(
    /// One question of identity that needs a person.
    CaseId
);
uuid_id!(
    /// One thing that was seen. Derived from what was seen, so that seeing it again gives the same id.
    ObservationId
);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text as it stands.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One facility of the group: its 医療機関コード as configured.
    FacilityCode
);
text_id!(
    /// A chart number (診察券番号): personal, travels in bodies only.
    PatientNumber
);
text_id!(
    /// 照会番号: the facility's own number registered at the centre, at most 50 characters.
    ReferenceNumber
);
text_id!(
    /// Name of an event stream: `patient-…`, `inquiry-…`, `case-…`, `person-…`, `settlement-…`.
    StreamId
);
text_id!(
    /// Content address of evidence: hex of a keyed digest, so that it tells nothing by itself.
    EvidenceId
);

impl StreamId {
    /// The stream of a patient record.
    pub fn patient(record: RecordId) -> Self {
        Self(format!("patient-{record}"))
    }

    /// The stream of an inquiry.
    pub fn inquiry(inquiry: InquiryId) -> Self {
        Self(format!("inquiry-{inquiry}"))
    }

    /// Whose stream it is, if it is an inquiry's.
    pub fn as_inquiry(&self) -> Option<InquiryId> {
        self.as_str().strip_prefix("inquiry-")?.parse().ok()
    }

    /// The stream of an identity case.
    pub fn case(case: CaseId) -> Self {
        Self(format!("case-{case}"))
    }

    /// The stream of a person.
    pub fn person(person: PersonId) -> Self {
        Self(format!("person-{person}"))
    }

    /// The record whose stream this is, if it is a patient stream.
    pub fn record(&self) -> Option<RecordId> {
        self.0.strip_prefix("patient-")?.parse().ok()
    }
}

/// Place of an event in the ledger: gapless, from 1. 0 means "before the first".
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
