//! The audience table: which members of which event each audience may know, at which facilities.
//!
//! This is the only place that grants anything. What no row names is denied: a new event type, a new member,
//! a new level of nesting. `project` reads the rows; nothing else may build a body.

use super::Audience;
use super::members::{
    CONFIRMED, CONSENT, CONSENTS, HELD, SELF_PAY, TICKET, TICKET_CHANGES, TICKET_VALIDITY,
};
pub use super::members::{INSURANCE, NUMBERS, PERSON};
use crate::group::FacilityKind;

/// When a group of members passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Always.
    Always,
    /// Only while the record has no chart number, for then nothing else tells who it is.
    WhileUnnumbered,
    /// Only to consumers with `insurance_fields = true`.
    WithInsuranceFields,
}

/// What an event must be about for a row to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Anything.
    Anything,
    /// 医療扶助 or another 公費, not insurance.
    Assistance,
    /// 調剤券 made out to the facility.
    OwnDispensingTicket,
    /// 医療券 made out to the facility.
    OwnMedicalTicket,
    /// An answer of the centre, not a local program's copy.
    CentreAnswer,
}

/// At which facilities a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At each.
    Anywhere,
    /// 病院, 診療所.
    HospitalOrClinic,
}

impl At {
    /// Whether it counts at a facility of this kind.
    pub fn counts_at(self, kind: FacilityKind) -> bool {
        match self {
            Self::Anywhere => true,
            Self::HospitalOrClinic => {
                matches!(kind, FacilityKind::Hospital | FacilityKind::Clinic)
            }
        }
    }
}

/// Whether the event itself is a message, or only what passes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Even with nothing but `patient`, `record` and `month`.
    Always,
    /// Only when a member passes.
    WithMembers,
}

/// One row. Members are paths (`ticket.kind`); a path grants a leaf, never a whole object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub audience: Audience,
    /// Of which message types.
    pub kinds: &'static [&'static str],
    /// Of what.
    pub about: About,
    /// Where.
    pub at: At,
    /// Whether it is told at all.
    pub told: Told,
    /// Which members.
    pub members: &'static [(Given, &'static [&'static str])],
}

const fn grant(
    audience: Audience,
    kinds: &'static [&'static str],
    members: &'static [(Given, &'static [&'static str])],
) -> Grant {
    Grant {
        audience,
        kinds,
        about: About::Anything,
        at: At::Anywhere,
        told: Told::WithMembers,
        members,
    }
}

use About::{Assistance, CentreAnswer, OwnDispensingTicket, OwnMedicalTicket};
use Audience::{Department, Dispensing, Ehr, Receipt};
use Given::{Always, WhileUnnumbered, WithInsuranceFields};

/// The audience table.
pub const TABLE: &[Grant] = &[
    // Receipt: everything that bills.
    grant(Receipt, &["patient-first-seen"], &[(Always, PERSON)]),
    Grant {
        told: Told::Always,
        ..grant(Receipt, &["patient-numbered"], &[])
    },
    grant(
        Receipt,
        HELD,
        &[
            (Always, &["qualification_id", "scheme", "welfare_office"]),
            (Always, &["valid_from", "valid_to"]),
            (Always, NUMBERS),
            (Always, INSURANCE),
            (Always, PERSON),
            (Always, CONFIRMED),
        ],
    ),
    grant(
        Receipt,
        &["qualification-lost"],
        &[
            (Always, &["qualification_id", "scheme", "reason_of_loss"]),
            (Always, &["ended_on", "valid_to"]),
            (Always, CONFIRMED),
        ],
    ),
    grant(
        Receipt,
        &["qualification-superseded"],
        &[
            (Always, &["qualification_id", "superseded_by"]),
            (Always, CONFIRMED),
        ],
    ),
    grant(
        Receipt,
        TICKET_CHANGES,
        &[
            (Always, &["qualification_id", "welfare_office"]),
            (Always, NUMBERS),
            (Always, TICKET),
            (Always, SELF_PAY),
            (Always, CONFIRMED),
        ],
    ),
    grant(
        Receipt,
        &["ticket-sourced-offline"],
        &[
            (Always, &["welfare_office", "source"]),
            (Always, NUMBERS),
            (Always, TICKET),
            (Always, SELF_PAY),
        ],
    ),
    Grant {
        told: Told::Always,
        ..grant(
            Receipt,
            &["ticket-requested"],
            &[(Always, &["welfare_office"])],
        )
    },
    Grant {
        told: Told::Always,
        ..grant(
            Receipt,
            &["not-commissioned-observed"],
            &[
                (Always, &["welfare_office"]),
                (Always, PERSON),
                (Always, CONFIRMED),
            ],
        )
    },
    grant(
        Receipt,
        &["verified"],
        &[
            (Always, &["validity", "coverage"]),
            (
                Always,
                &[
                    "qualifications.qualification_id",
                    "qualifications.scheme",
                    "qualifications.validity",
                ],
            ),
            (Always, PERSON),
            (Always, &["reference_number"]),
            (
                Always,
                &["other_institution", "without_ticket", "inconsistent"],
            ),
            (Always, CONFIRMED),
        ],
    ),
    grant(
        Receipt,
        &["reference-number-registered", "reference-number-lapsed"],
        &[(Always, &["reference_number", "qualification_id"])],
    ),
    // EHR: whether, not with which number.
    Grant {
        told: Told::Always,
        ..grant(Ehr, &["patient-numbered"], &[])
    },
    grant(
        Ehr,
        HELD,
        &[
            (Always, &["scheme", "valid_from", "valid_to"]),
            (WithInsuranceFields, &["qualification_id"]),
            (WithInsuranceFields, NUMBERS),
            (WithInsuranceFields, INSURANCE),
        ],
    ),
    grant(
        Ehr,
        &["qualification-lost"],
        &[
            (Always, &["scheme", "ended_on", "valid_to"]),
            (WithInsuranceFields, &["qualification_id"]),
        ],
    ),
    Grant {
        told: Told::Always,
        ..grant(
            Ehr,
            &["not-commissioned-observed"],
            &[(WhileUnnumbered, PERSON)],
        )
    },
    Grant {
        about: CentreAnswer,
        ..grant(
            Ehr,
            &["verified"],
            &[
                (
                    Always,
                    &[
                        "validity",
                        "qualifications.scheme",
                        "qualifications.validity",
                    ],
                ),
                (WithInsuranceFields, &["qualifications.qualification_id"]),
                (WhileUnnumbered, PERSON),
            ],
        )
    },
    grant(Ehr, CONSENTS, &[(Always, CONSENT)]),
    grant(
        Ehr,
        &["medical-information-received"],
        &[(Always, &["scope", "from_month", "to_month", "empty"])],
    ),
    // Dispensing: its own tickets; of medical tickets that they are there, and only where one writes them.
    grant(Dispensing, &["patient-first-seen"], &[(Always, PERSON)]),
    Grant {
        told: Told::Always,
        ..grant(Dispensing, &["patient-numbered"], &[])
    },
    Grant {
        about: Assistance,
        ..grant(
            Dispensing,
            HELD,
            &[
                (Always, &["welfare_office", "valid_from", "valid_to"]),
                (Always, PERSON),
            ],
        )
    },
    Grant {
        about: Assistance,
        ..grant(
            Dispensing,
            &["qualification-lost"],
            &[(Always, &["ended_on", "valid_to"])],
        )
    },
    Grant {
        about: OwnDispensingTicket,
        ..grant(
            Dispensing,
            TICKET_CHANGES,
            &[
                (Always, &["welfare_office"]),
                (Always, NUMBERS),
                (Always, TICKET),
            ],
        )
    },
    Grant {
        about: OwnMedicalTicket,
        at: At::HospitalOrClinic,
        ..grant(Dispensing, TICKET_CHANGES, &[(Always, TICKET_VALIDITY)])
    },
    Grant {
        told: Told::Always,
        ..grant(
            Dispensing,
            &["not-commissioned-observed"],
            &[(Always, &["welfare_office"]), (Always, PERSON)],
        )
    },
    Grant {
        about: CentreAnswer,
        ..grant(
            Dispensing,
            &["verified"],
            &[(Always, &["validity"]), (Always, PERSON)],
        )
    },
    grant(Dispensing, CONSENTS, &[(Always, CONSENT)]),
    // Department: one word.
    Grant {
        told: Told::Always,
        ..grant(
            Department,
            &[super::ASSISTANCE_CHANGED],
            &[(Always, &["assistance"]), (WithInsuranceFields, INSURANCE)],
        )
    },
];

/// The rows of one audience for one message type.
pub fn rows(audience: Audience, kind: &str) -> impl Iterator<Item = &'static Grant> {
    TABLE
        .iter()
        .filter(move |row| row.audience == audience && row.kinds.contains(&kind))
}
