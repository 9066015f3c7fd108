//! From a message to an observation: typed, trimmed, and without anything that judgement does not need.
//! Diagnoses, remarks, addresses, contacts and unknown elements stay in the evidence.

mod certificate;
mod coded;
mod hidden;
mod record;
mod ticket;

use jiff::civil::Date;

use super::Eligibility;
use super::eligibility::{Header, SearchInfo, Text};
use crate::group::{Facility, Scheme};
use crate::observation::{AnswerRecord, AnswerValidity, OqsAnswer, OqsFolder, SearchEcho};
use crate::value::{AsOf, InquiryId, InstitutionCode, Method};
pub(super) use coded::day;
use coded::{Warnings, code, plain};

/// What is known about a file besides its content.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The folder it lay in.
    pub folder: OqsFolder,
    /// The facility whose folder it is.
    pub facility: &'a Facility,
    /// Schemes beyond 医療扶助, from config.
    pub schemes: &'a [Scheme],
    /// Our journalled inquiry that it answers.
    pub inquiry: Option<InquiryId>,
}

/// Why a whole message can't be judged. Carries nothing of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// Neither 資格確認日 nor 処理実行日時 tells a day.
    #[error("資格確認日が読めません (no readable date of confirmation)")]
    NoDate,
    /// A code that decides, and that this version does not know.
    #[error("{0}のコードが未知です (unknown code in {0})")]
    UnknownCode(&'static str),
    /// 処理結果区分 2: the centre is still working.
    #[error("処理中の応答です (the centre is still working)")]
    StillProcessing,
    /// Records of different people.
    #[error("複数の人の記録があります (records about different people)")]
    SeveralPeople,
    /// Neither a record nor a validity nor a refusal.
    #[error("結果がありません (says nothing)")]
    SaysNothing,
    /// 有効 or 未委託, of nobody.
    #[error("有効ですが対象者の記録がありません (valid, but names nobody)")]
    NobodyNamed,
    /// An element that the message must have.
    #[error("要素{0}がありません (element {0} is missing)")]
    Missing(&'static str),
    /// An element whose text is no value of its kind.
    #[error("要素{0}が読めません (element {0} can't be read)")]
    Unreadable(&'static str),
    /// A bulk answer with a record that belongs to no unit.
    #[error("どの単位にも属さない記録があります (a record outside every unit)")]
    OutsideUnits,
}

impl ReadingError {
    /// Stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoDate => "no-date",
            Self::UnknownCode(_) => "unknown-code",
            Self::StillProcessing => "still-processing",
            Self::SeveralPeople => "several-people",
            Self::SaysNothing => "says-nothing",
            Self::NobodyNamed => "nobody-named",
            Self::Missing(_) => "missing-element",
            Self::Unreadable(_) => "unreadable-element",
            Self::OutsideUnits => "record-outside-units",
        }
    }
}

/// Makes the observation's body of a message. Age alone never makes one invalid.
///
/// # Errors
/// See [`ReadingError`]: the file goes to quarantine, at once.
pub fn to_answer(
    message: &Eligibility<'_>,
    reading: &Reading<'_>,
) -> Result<OqsAnswer, ReadingError> {
    let (header, body) = (&message.header, &message.body);
    let mut warnings = Warnings::default();
    let rejected = is_rejected(message)?;
    let executed_at = plain(&header.process_execution_time).and_then(AsOf::from_compact);
    let confirmed_on = confirmed_on(header, executed_at)?;
    let institution_code = institution(header, reading, &mut warnings);
    let validity = if rejected {
        None
    } else {
        validity(&body.qualification_validity)?
    };
    let context = record::Context {
        reading,
        validity,
        institution: institution_code.as_ref(),
    };
    let mut records = Vec::new();
    if !rejected {
        records.extend(
            body.records
                .iter()
                .map(|record| context.record(record, &mut warnings)),
        );
        check_people(&records)?;
        check_says_something(&records, validity)?;
    }
    let hidden = hidden::hidden_numbers(message, &context);
    let kept = |text: &Text<'_>| {
        plain(text)
            .filter(|text| !hidden.stand_in(text))
            .map(str::to_owned)
    };
    for record in &mut records {
        hidden.scrub(record);
    }
    Ok(OqsAnswer {
        folder: reading.folder,
        method: method(header, reading),
        reference_classification: kept(&header.reference_classification),
        executed_at,
        confirmed_on,
        institution_code,
        file_identifier: kept(&header.arbitrary_file_identifier),
        inquiry: reading.inquiry,
        rejected,
        code: kept(&header.error_code).or_else(|| kept(&body.processing_result_code)),
        message: kept(&header.error_message).or_else(|| kept(&body.processing_result_message)),
        validity,
        records,
        search: body
            .search
            .as_ref()
            .and_then(|search| echo(search, &hidden)),
        warnings: warnings.into_words(),
    })
}

/// Segment 9 or status 2. Absent codes refuse nothing.
fn is_rejected(message: &Eligibility<'_>) -> Result<bool, ReadingError> {
    let segment = match code(&message.header.segment_of_result) {
        None | Some("1") => false,
        Some("9") => true,
        Some("2") => return Err(ReadingError::StillProcessing),
        Some(_) => return Err(ReadingError::UnknownCode("SegmentOfResult")),
    };
    let status = match code(&message.body.processing_result_status) {
        None | Some("1") => false,
        Some("2") => true,
        Some(_) => return Err(ReadingError::UnknownCode("ProcessingResultStatus")),
    };
    Ok(segment || status)
}

fn confirmed_on(header: &Header<'_>, executed_at: Option<AsOf>) -> Result<Date, ReadingError> {
    code(&header.qualification_confirmation_date)
        .and_then(day)
        .or_else(|| executed_at.map(AsOf::day))
        .ok_or(ReadingError::NoDate)
}

fn institution(
    header: &Header<'_>,
    reading: &Reading<'_>,
    warnings: &mut Warnings,
) -> Option<InstitutionCode> {
    let institution =
        code(&header.medical_institution_code).map(|text| InstitutionCode(text.to_owned()))?;
    if !institution.is_well_formed() {
        warnings.note("institution-check-digit");
    }
    if institution.0 != reading.facility.code.as_str() {
        warnings.note("institution-differs");
    }
    Some(institution)
}

fn validity(text: &Text<'_>) -> Result<Option<AnswerValidity>, ReadingError> {
    Ok(Some(match code(text) {
        None => return Ok(None),
        Some("1") => AnswerValidity::Valid,
        Some("2") => AnswerValidity::Lost,
        Some("3") => AnswerValidity::LostWithNewer,
        Some("4") => AnswerValidity::NotFound,
        Some("5") => AnswerValidity::Multiple,
        Some("6") => AnswerValidity::NotCommissioned,
        Some(_) => return Err(ReadingError::UnknownCode("QualificationValidity")),
    }))
}

/// 照会区分 tells the method, the folder never does: any host may write into it.
fn method(header: &Header<'_>, reading: &Reading<'_>) -> Method {
    match code(&header.reference_classification) {
        Some("1") => Method::Card,
        Some("2") => Method::Ticket,
        None if reading.folder == OqsFolder::Res && reading.inquiry.is_some() => Method::Ticket,
        _ => Method::LocalCopy,
    }
}

/// Two records are of different people when both name and birth date differ: one of them alone is spelt
/// differently often enough.
fn check_people(records: &[AnswerRecord]) -> Result<(), ReadingError> {
    use unicode_normalization::UnicodeNormalization as _;
    let folded = |name: &str| -> String { name.nfkc().filter(|c| !c.is_whitespace()).collect() };
    let Some((first, others)) = records.split_first() else {
        return Ok(());
    };
    let differ = others.iter().any(|other| {
        let (Some(left), Some(right)) = (&first.person.name, &other.person.name) else {
            return false;
        };
        let (Some(born), Some(other_born)) = (first.person.birth_date, other.person.birth_date)
        else {
            return false;
        };
        born != other_born && folded(left) != folded(right)
    });
    if differ {
        return Err(ReadingError::SeveralPeople);
    }
    Ok(())
}

fn check_says_something(
    records: &[AnswerRecord],
    validity: Option<AnswerValidity>,
) -> Result<(), ReadingError> {
    match validity {
        _ if !records.is_empty() => Ok(()),
        None => Err(ReadingError::SaysNothing),
        Some(AnswerValidity::Valid | AnswerValidity::NotCommissioned) => {
            Err(ReadingError::NobodyNamed)
        }
        Some(_) => Ok(()),
    }
}

/// Numbers echoed beside a 未委託 record were typed at the desk: they must not come back as if the centre had
/// told them. Nothing echoed is no echo, in whatever form it is blank.
fn echo(search: &SearchInfo<'_>, hidden: &hidden::Hidden) -> Option<SearchEcho> {
    let number = |text: &Text<'_>| {
        code(text)
            .filter(|text| !hidden.stand_in(text))
            .map(str::to_owned)
    };
    let (insurer_number, number) = if hidden.any() {
        (None, None)
    } else {
        (
            number(&search.insurer_number),
            number(&search.insured_identification_number),
        )
    };
    let echo = SearchEcho {
        insurer_number,
        number,
        birth_date: code(&search.birthdate).and_then(day),
        arbitrary_identifier: plain(&search.arbitrary_identifier)
            .filter(|text| !hidden.stand_in(text))
            .map(str::to_owned),
    };
    (echo != SearchEcho::default()).then_some(echo)
}

#[cfg(test)]
mod tests;
