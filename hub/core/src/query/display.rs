//! What the desk shows for a day: the day's own answer, corrected by what is known since.

use jiff::civil::Date;
use serde::Serialize;
use shikaku_domain::history::{History, QualificationView, TicketView, VerificationView};
use shikaku_schemas::display::{Display, Situation, display};
use shikaku_schemas::event::PersonDetails;
use shikaku_schemas::value::{
    Coverage, Method, Month, PatientNumber, RecordId, SchemeCode, Validity,
};

/// What the desk shows. Blocks that the table does not show are null or empty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DisplayView {
    /// The cell or named row.
    #[serde(flatten)]
    pub display: Display,
    /// The record.
    pub record: Option<RecordId>,
    /// The chart number.
    pub patient: Option<PatientNumber>,
    /// The day.
    pub valid_on: Date,
    /// As it decides the cell.
    pub validity: Validity,
    /// As it decides the cell.
    pub coverage: Coverage,
    /// Who.
    pub person: Option<PersonDetails>,
    /// The assistance half.
    pub assistance: Option<QualificationView>,
    /// The insurance half.
    pub insurance: Option<QualificationView>,
    /// The last qualification known, as reference.
    pub last_qualification: Option<QualificationView>,
    /// Tickets of the day's month.
    pub tickets: Vec<TicketView>,
}

/// From what covers the day (`day`), and everything known (`whole`).
pub(super) fn view(day: &History, whole: &History, method: Method, on: Date) -> DisplayView {
    let situation = situation(day, whole, method, on);
    let display = display(method, situation);
    let shows = display.shows;
    let half = |insurance: bool| {
        day.qualifications
            .iter()
            .rfind(|known| is_insurance(known) == insurance)
            .cloned()
    };
    let month = Month::of(on);
    DisplayView {
        record: whole.record,
        patient: whole.patient.clone(),
        valid_on: on,
        validity: situation.validity,
        coverage: situation.coverage,
        person: (shows.basic || shows.raw).then(|| whole.person.clone()),
        assistance: half(false).filter(|_| shows.numbers),
        insurance: half(true).filter(|_| shows.insurance),
        last_qualification: whole
            .qualifications
            .iter()
            .rfind(|known| !known.numbers_hidden)
            .filter(|_| shows.last_qualification)
            .cloned(),
        tickets: whole
            .tickets
            .iter()
            .filter(|known| shows.tickets && !known.withdrawn)
            .filter(|known| known.content.ticket.treatment_month == month)
            .cloned()
            .collect(),
        display,
    }
}

fn situation(day: &History, whole: &History, method: Method, on: Date) -> Situation {
    let answered = newest(&day.verifications, |known| known.method == method);
    let Some(answered) = answered else {
        return known(day, whole, on);
    };
    let said = Situation {
        validity: answered.validity,
        coverage: answered.coverage,
        other_institution: answered.other_institution,
        without_ticket: answered.without_ticket,
        inconsistent: answered.inconsistent,
    };
    let waits = is_waiting(whole, on);
    match said.validity {
        Validity::Valid if said.coverage != Coverage::InsuranceOnly && waits => Situation {
            validity: Validity::NotCommissioned,
            ..said
        },
        Validity::Valid if ended_since(day, whole, said.coverage) => Situation {
            validity: lost_how(whole, said.coverage),
            ..said
        },
        Validity::NotCommissioned if !waits => Situation {
            coverage: said.coverage,
            ..known(day, whole, on)
        },
        _ => said,
    }
}

/// No answer of that day by that method: what the rest of the history says.
fn known(day: &History, whole: &History, on: Date) -> Situation {
    let covers = |insurance| {
        day.qualifications
            .iter()
            .any(|known| is_insurance(known) == insurance)
    };
    let (assistance, insurance) = (covers(false), covers(true));
    let waits = is_waiting(whole, on);
    let of_month: Vec<_> = whole
        .tickets
        .iter()
        .filter(|known| !known.withdrawn && known.content.ticket.treatment_month == Month::of(on))
        .collect();
    let ours = of_month
        .iter()
        .any(|known| known.content.ticket.institution_matches);
    let earlier = newest(&whole.verifications, |known| {
        known.method != Method::LocalCopy && known.confirmed_on <= on
    });
    let coverage = match (assistance || waits, insurance) {
        (true, true) => Coverage::Combined,
        (true, false) => earlier
            .map(|known| known.coverage)
            .filter(|coverage| *coverage != Coverage::InsuranceOnly)
            .unwrap_or(Coverage::Unknown),
        (false, true) => Coverage::InsuranceOnly,
        (false, false) => earlier.map_or(Coverage::Unknown, |known| known.coverage),
    };
    let validity = match (waits, assistance || insurance) {
        (true, _) => Validity::NotCommissioned,
        (false, true) => Validity::Valid,
        (false, false) if whole.qualifications.is_empty() => Validity::NotFound,
        (false, false) => lost_how(whole, coverage),
    };
    let valid = validity == Validity::Valid && assistance;
    Situation {
        validity,
        coverage,
        other_institution: valid && !of_month.is_empty() && !ours,
        without_ticket: valid && of_month.is_empty(),
        inconsistent: false,
    }
}

/// The half that decides no longer covers the day, though it was granted once.
fn ended_since(day: &History, whole: &History, coverage: Coverage) -> bool {
    let insurance = coverage == Coverage::InsuranceOnly;
    let of_half = |known: &&QualificationView| is_insurance(known) == insurance;
    whole.qualifications.iter().any(|known| of_half(&known))
        && !day.qualifications.iter().any(|known| of_half(&known))
}

fn lost_how(whole: &History, coverage: Coverage) -> Validity {
    let insurance = coverage == Coverage::InsuranceOnly;
    let newer = whole
        .qualifications
        .iter()
        .rfind(|known| is_insurance(known) == insurance)
        .is_some_and(|known| known.validity == Validity::LostWithNewer);
    match newer {
        true => Validity::LostWithNewer,
        false => Validity::Lost,
    }
}

fn is_waiting(whole: &History, on: Date) -> bool {
    whole
        .not_commissioned
        .iter()
        .any(|known| known.waiting && known.month == Month::of(on))
}

fn is_insurance(known: &QualificationView) -> bool {
    known
        .details
        .scheme
        .as_ref()
        .is_some_and(SchemeCode::is_insurance)
}

fn newest(
    all: &[VerificationView],
    wanted: impl Fn(&VerificationView) -> bool,
) -> Option<&VerificationView> {
    all.iter()
        .filter(|known| wanted(known))
        .max_by_key(|known| (known.as_of, known.position))
}
