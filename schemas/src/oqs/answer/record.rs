//! One record, typed: which scheme it is of, whose numbers stand in it, and what 未委託 forbids.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Reading;
use super::certificate::{consents, diseases, elderly, limit};
use super::coded::{Warnings, code, plain};
use crate::event::PersonDetails;
use crate::group::Scheme;
use crate::observation::{AnswerRecord, AnswerValidity, RecordNumbers};
use crate::oqs::eligibility::{Record, Text};
use crate::value::{
    InstitutionCode, PayerNumber, RecipientNumber, ReferenceNumber, SchemeCode, Sex,
};

/// What holds for every record of an answer.
pub(super) struct Context<'a> {
    pub reading: &'a Reading<'a>,
    pub validity: Option<AnswerValidity>,
    pub institution: Option<&'a InstitutionCode>,
}

/// What a classification makes of a record.
#[derive(Clone, Copy)]
pub(super) enum Half<'a> {
    Insurance,
    /// A1.
    Assistance,
    /// Another 公費 that config names.
    Other(&'a Scheme),
    Unknown,
}

/// Payer and recipient number, from either placement.
#[derive(Default)]
pub(super) struct Pair {
    payer: Option<String>,
    recipient: Option<String>,
    disagree: bool,
}

impl Pair {
    /// H1 in the insurer's fields, H2 anywhere below: where they differ, neither is believed.
    pub(super) fn of(record: &Record<'_>) -> Self {
        let payer = agreed(&record.insurer_number, &record.public_expense_numbers);
        let recipient = agreed(
            &record.insured_identification_number,
            &record.beneficiary_numbers,
        );
        match (payer, recipient) {
            (Ok(payer), Ok(recipient)) => Self {
                payer,
                recipient,
                disagree: false,
            },
            _ => Self {
                disagree: true,
                ..Self::default()
            },
        }
    }

    fn is_absent(&self) -> bool {
        !self.disagree && self.payer.is_none() && self.recipient.is_none()
    }
}

struct Disagreement;

fn agreed(first: &Text<'_>, others: &[Cow<'_, str>]) -> Result<Option<String>, Disagreement> {
    let mut all = code(first)
        .into_iter()
        .chain(others.iter().map(|other| other.trim()));
    let Some(number) = all.next() else {
        return Ok(None);
    };
    if all.any(|other| other != number) {
        return Err(Disagreement);
    }
    Ok(Some(number.to_owned()))
}

impl Context<'_> {
    pub(super) fn record(&self, record: &Record<'_>, warnings: &mut Warnings) -> AnswerRecord {
        let half = self.half(record);
        let pair = Pair::of(record);
        let silent = self.is_not_commissioned(half, &pair);
        let insured = matches!(half, Half::Insurance);
        if matches!(half, Half::Unknown) {
            warnings.note("classification-unknown");
        }
        let numbers = match half {
            Half::Insurance => insurance_numbers(record),
            Half::Assistance | Half::Other(_) if !silent => public_numbers(pair, warnings),
            _ => RecordNumbers::default(),
        };
        AnswerRecord {
            classification: plain(&record.insured_card_classification).map(str::to_owned),
            scheme: scheme(half, numbers.payer_number.as_ref()),
            person: person(record, warnings),
            issuer_name: issuer(record, half),
            family: code(&record.personal_family_classification)
                .filter(|_| insured)
                .map(str::to_owned),
            qualified_on: warnings.day(&record.qualification_date),
            disqualified_on: warnings.day(&record.disqualification_date),
            valid_from: warnings.day(&record.insured_card_valid_date),
            valid_to: warnings.day(&record.insured_card_expiration_date),
            reason_of_loss: code(&record.reason_of_loss).map(str::to_owned),
            copay_percent: insured
                .then(|| warnings.number(&record.insured_partial_contribution_ratio))
                .flatten(),
            limit_certificate: insured.then(|| limit(record, warnings)).flatten(),
            specific_diseases: if insured {
                diseases(record, warnings)
            } else {
                Vec::new()
            },
            elderly_certificate: insured.then(|| elderly(record, warnings)).flatten(),
            tickets: self.tickets(record, half, silent, warnings),
            consents: consents(record),
            reference_number: plain(&record.reference_number).map(ReferenceNumber::from),
            extra: if silent {
                BTreeMap::new()
            } else {
                extra(record, half)
            },
            numbers: checked(numbers, half, warnings),
        }
    }

    pub(super) fn half(&self, record: &Record<'_>) -> Half<'_> {
        match code(&record.insured_card_classification) {
            Some("A1") => Half::Assistance,
            Some("01" | "02" | "03" | "04" | "05" | "06" | "07") => Half::Insurance,
            Some(other) => self
                .reading
                .schemes
                .iter()
                .find(|scheme| scheme.classification == other)
                .map_or(Half::Unknown, Half::Other),
            None => Half::Unknown,
        }
    }

    /// 未委託: the body says so, or the record of 医療扶助 has neither number, whatever the body says. A lost
    /// qualification is shown as reference and has its own code.
    pub(super) fn is_not_commissioned(&self, half: Half<'_>, pair: &Pair) -> bool {
        match half {
            Half::Assistance => {
                pair.is_absent() || self.validity == Some(AnswerValidity::NotCommissioned)
            }
            Half::Other(_) | Half::Unknown => {
                self.validity == Some(AnswerValidity::NotCommissioned)
            }
            Half::Insurance => false,
        }
    }

    fn tickets(
        &self,
        record: &Record<'_>,
        half: Half<'_>,
        silent: bool,
        warnings: &mut Warnings,
    ) -> Vec<crate::event::Ticket> {
        if silent || !matches!(half, Half::Assistance | Half::Other(_)) {
            if !record.tickets.is_empty() {
                warnings.note("ticket-out-of-place");
            }
            return Vec::new();
        }
        record
            .tickets
            .iter()
            .filter_map(|ticket| self.ticket(ticket, warnings))
            .collect()
    }
}

fn insurance_numbers(record: &Record<'_>) -> RecordNumbers {
    let text = |text: &Text<'_>| plain(text).map(str::to_owned);
    RecordNumbers {
        insurer_number: code(&record.insurer_number).map(str::to_owned),
        symbol: text(&record.insured_card_symbol),
        number: text(&record.insured_identification_number),
        branch: text(&record.insured_branch_number),
        ..RecordNumbers::default()
    }
}

fn public_numbers(pair: Pair, warnings: &mut Warnings) -> RecordNumbers {
    if pair.disagree {
        warnings.note("numbers-disagree");
    }
    RecordNumbers {
        payer_number: pair.payer.map(PayerNumber),
        recipient_number: pair.recipient.map(RecipientNumber),
        disagree: pair.disagree,
        ..RecordNumbers::default()
    }
}

fn checked(numbers: RecordNumbers, half: Half<'_>, warnings: &mut Warnings) -> RecordNumbers {
    let payer = numbers.payer_number.as_ref();
    if payer.is_some_and(|number| !number.is_well_formed()) {
        warnings.note("payer-check-digit");
    }
    // Only 生活保護's numbers have the 6 + 1 form.
    let of_public_assistance =
        scheme(half, payer).is_some_and(|scheme| scheme == SchemeCode::public_assistance());
    if of_public_assistance
        && numbers
            .recipient_number
            .as_ref()
            .is_some_and(|number| !number.is_well_formed())
    {
        warnings.note("recipient-check-digit");
    }
    numbers
}

/// The 法別番号 of the payer number where there is one, else the classification's own.
fn scheme(half: Half<'_>, payer: Option<&PayerNumber>) -> Option<SchemeCode> {
    let digits = |number: &PayerNumber| {
        number
            .scheme()
            .filter(|scheme| scheme.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|scheme| SchemeCode(scheme.to_owned()))
    };
    match half {
        Half::Insurance => Some(SchemeCode::insurance()),
        Half::Assistance => Some(
            payer
                .and_then(digits)
                .unwrap_or_else(SchemeCode::public_assistance),
        ),
        Half::Other(scheme) => Some(SchemeCode(scheme.code.clone())),
        Half::Unknown => None,
    }
}

fn issuer(record: &Record<'_>, half: Half<'_>) -> Option<String> {
    let elsewhere = || match half {
        Half::Assistance | Half::Other(_) => record
            .welfare_office_names
            .iter()
            .map(|name| name.trim_ascii())
            .find(|name| !name.is_empty()),
        Half::Insurance | Half::Unknown => None,
    };
    plain(&record.insurer_name)
        .or_else(elsewhere)
        .map(str::to_owned)
}

fn person(record: &Record<'_>, warnings: &mut Warnings) -> PersonDetails {
    PersonDetails {
        name: plain(&record.name).map(str::to_owned),
        name_kana: plain(&record.name_kana).map(str::to_owned),
        birth_date: warnings.day(&record.birthdate),
        sex: sex(&record.sex2, warnings).or_else(|| sex(&record.sex1, warnings)),
    }
}

fn sex(text: &Text<'_>, warnings: &mut Warnings) -> Option<Sex> {
    match code(text)? {
        "1" => Some(Sex::Male),
        "2" => Some(Sex::Female),
        "3" => Some(Sex::Unset),
        _ => {
            warnings.note("code-unknown");
            None
        }
    }
}

/// Unknown elements that config names for this scheme; the first of a name counts.
fn extra(record: &Record<'_>, half: Half<'_>) -> BTreeMap<String, String> {
    let mut extra = BTreeMap::new();
    if let Half::Other(scheme) = half {
        for unknown in &record.unknown {
            if let Some(member) = scheme.elements.get(unknown.name()) {
                extra
                    .entry(member.clone())
                    .or_insert_with(|| unknown.text.trim_ascii().to_owned());
            }
        }
    }
    extra
}
