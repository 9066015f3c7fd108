//! One 医療券・調剤券情報, typed.

use super::coded::{Warnings, code, plain};
use super::record::Context;
use crate::event::Ticket;
use crate::oqs::eligibility::{MedicalTicketInfo, Text};
use crate::value::{InstitutionCode, Month, TicketKind, TicketUse, TreatmentType};

impl Context<'_> {
    /// A ticket whose kind or month can't be told is left out and noted: it could only be guessed at.
    pub(super) fn ticket(
        &self,
        info: &MedicalTicketInfo<'_>,
        warnings: &mut Warnings,
    ) -> Option<Ticket> {
        let kind = kind(&info.ticket_type, warnings)?;
        let valid_from = warnings.day(&info.medical_ticket_valid_date);
        let stated_end = warnings.day(&info.medical_ticket_expiration_date);
        let month = match code(&info.medical_treatment_month).and_then(Month::from_compact) {
            Some(month) => month,
            None => {
                warnings.note("ticket-month-missing");
                Month::of(valid_from.or(stated_end)?)
            }
        };
        let valid_to = stated_end.or_else(|| {
            warnings.note("ticket-end-missing");
            Some(month.last_day())
        });
        let institution_code = institution(&info.designated_medical_institution_code);
        Some(Ticket {
            kind,
            issue_number: plain(&info.issue_number).map(str::to_owned),
            treatment_month: month,
            valid_from,
            valid_to,
            institution_matches: self.matches(info, institution_code.as_ref(), warnings),
            institution_code,
            prescriber_code: institution(&info.prescription_issuer_medical_institution_code),
            treatment_type: treatment_type(&info.medical_treatment_type, warnings),
            self_pay_yen: warnings.number(&info.self_pay_amount),
            usage: usage(&info.single_or_combined_use, warnings),
            social_insurance: warnings.yes_or_no(&info.status_of_social_insurance),
            inconsistent: code(&info.consistency_flag) == Some("1"),
            infectious_disease_37_2: warnings.yes_or_no(&info.status_of_infecton),
            elderly_medical_care: warnings.yes_or_no(&info.status_of_elderly_medical_care),
            prefectural_expenses: warnings.yes_or_no(&info.status_of_prefectural_expenses),
        })
    }

    /// The centre's own flag; without one, whether the code is the asking institution's or our own.
    fn matches(
        &self,
        info: &MedicalTicketInfo<'_>,
        named: Option<&InstitutionCode>,
        warnings: &mut Warnings,
    ) -> bool {
        let own = self.reading.facility.code.as_str();
        let same = named.is_none_or(|code| code.0 == own || Some(code) == self.institution);
        match code(&info.designated_medical_institution_flag) {
            Some("1") => false,
            Some("0") => {
                if !same {
                    warnings.note("ticket-institution-differs");
                }
                true
            }
            Some(_) => {
                warnings.note("code-unknown");
                same
            }
            None => same,
        }
    }
}

fn institution(text: &Text<'_>) -> Option<InstitutionCode> {
    code(text).map(|text| InstitutionCode(text.to_owned()))
}

fn kind(text: &Text<'_>, warnings: &mut Warnings) -> Option<TicketKind> {
    match code(text) {
        Some("01") => Some(TicketKind::Medical),
        Some("02") => Some(TicketKind::Dispensing),
        _ => {
            warnings.note("ticket-kind-unknown");
            None
        }
    }
}

fn treatment_type(text: &Text<'_>, warnings: &mut Warnings) -> Option<TreatmentType> {
    Some(match code(text)? {
        "01" => TreatmentType::Inpatient,
        "02" => TreatmentType::Outpatient,
        "03" => TreatmentType::Dental,
        "04" => TreatmentType::Dispensing,
        "05" => TreatmentType::VisitingNurse,
        _ => {
            warnings.note("code-unknown");
            return None;
        }
    })
}

fn usage(text: &Text<'_>, warnings: &mut Warnings) -> Option<TicketUse> {
    match code(text)? {
        "01" => Some(TicketUse::Sole),
        "02" => Some(TicketUse::Combined),
        _ => {
            warnings.note("code-unknown");
            None
        }
    }
}
