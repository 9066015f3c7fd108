//! Groups of members that the contract's audience table names with one word, and of message types.

/// Name, kana, sex, birth date.
pub const PERSON: &[&str] = &["name", "name_kana", "birth_date", "sex"];

/// 公費負担者番号 and 受給者番号.
pub const NUMBERS: &[&str] = &["payer_number", "recipient_number"];

/// The insurance block with branch.
pub const INSURANCE: &[&str] = &[
    "classification",
    "insurer_number",
    "insurer_name",
    "symbol",
    "number",
    "branch",
    "family",
    "copay_percent",
    "limit_certificate.classification",
    "limit_certificate.classification_flag",
    "limit_certificate.issued_on",
    "limit_certificate.valid_from",
    "limit_certificate.valid_to",
    "limit_certificate.long_term_on",
    "specific_diseases.category",
    "specific_diseases.issued_on",
    "specific_diseases.valid_from",
    "specific_diseases.valid_to",
    "specific_diseases.self_pay_yen",
    "elderly_certificate.issued_on",
    "elderly_certificate.valid_from",
    "elderly_certificate.valid_to",
    "elderly_certificate.copay_percent",
];

/// A ticket, the self-pay apart.
pub(super) const TICKET: &[&str] = &[
    "ticket.kind",
    "ticket.issue_number",
    "ticket.treatment_month",
    "ticket.valid_from",
    "ticket.valid_to",
    "ticket.institution_code",
    "ticket.institution_matches",
    "ticket.prescriber_code",
    "ticket.treatment_type",
    "ticket.use",
    "ticket.social_insurance",
    "ticket.inconsistent",
    "ticket.infectious_disease_37_2",
    "ticket.elderly_medical_care",
    "ticket.prefectural_expenses",
];

/// 本人支払額.
pub(super) const SELF_PAY: &[&str] = &["ticket.self_pay_yen"];

/// That a ticket is there and for how long; no number of it.
pub(super) const TICKET_VALIDITY: &[&str] = &[
    "ticket.kind",
    "ticket.treatment_month",
    "ticket.valid_from",
    "ticket.valid_to",
];

pub(super) const CONSENT: &[&str] = &["scope", "source", "given_at", "available_until", "ended_at"];
pub(super) const CONFIRMED: &[&str] = &["confirmed_on", "method"];

pub(super) const HELD: &[&str] = &[
    "qualification-granted",
    "qualification-amended",
    "qualification-resumed",
];
pub(super) const TICKET_CHANGES: &[&str] = &[
    "commissioned-ticket-arrived",
    "commissioned-ticket-revised",
    "commissioned-ticket-withdrawn",
];
pub(super) const CONSENTS: &[&str] = &["consent-recorded", "consent-ended"];
