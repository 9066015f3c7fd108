//! What an answer says of each half for itself.
//!
//! The body has one validity; the records have days. The day of a record is what can be trusted: the body
//! is applied to the half it can mean. Where they contradict each other, the half decides nothing and the
//! answer is inconsistent.

use jiff::civil::Date;
use shikaku_schemas::observation::{AnswerRecord, AnswerValidity, OqsAnswer};
use shikaku_schemas::value::{SchemeCode, Validity};

use super::number::Numbers;

/// One half of an answer.
#[derive(Debug, Clone)]
pub(super) struct Half<'a> {
    /// Its record; none when only code 6 speaks of it.
    pub(super) record: Option<&'a AnswerRecord>,
    /// Its scheme.
    pub(super) scheme: Option<SchemeCode>,
    /// What was found.
    pub(super) validity: Validity,
    /// Its numbers; never any for 未委託.
    pub(super) numbers: Option<Numbers>,
    /// Whether it may change a qualification: it does not contradict itself.
    pub(super) decisive: bool,
}

impl Half<'_> {
    pub(super) fn is_assistance(&self) -> bool {
        self.scheme == Some(SchemeCode::public_assistance())
    }

    pub(super) fn is_insurance(&self) -> bool {
        self.scheme.as_ref().is_some_and(SchemeCode::is_insurance)
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self.validity, Validity::Lost | Validity::LostWithNewer)
    }
}

/// A whole answer, half by half.
#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    pub(super) halves: Vec<Half<'a>>,
    pub(super) inconsistent: bool,
}

impl Reading<'_> {
    /// The half that speaks for the answer: assistance, else insurance, else what there is; of several the
    /// one that covers most.
    pub(super) fn leading(&self) -> Option<&Half<'_>> {
        let kind = |half: &Half<'_>| match half {
            half if half.is_assistance() => 0,
            half if half.is_insurance() => 1,
            _ => 2,
        };
        let strength = |validity| match validity {
            Validity::Valid => 0,
            Validity::NotCommissioned => 1,
            Validity::LostWithNewer => 2,
            Validity::Lost => 3,
            Validity::Multiple => 4,
            Validity::NotFound => 5,
            Validity::Rejected => 6,
        };
        self.halves
            .iter()
            .min_by_key(|half| (kind(half), strength(half.validity)))
    }
}

/// Reads an answer about one person.
pub(super) fn read(answer: &OqsAnswer, loss_day_is_covered: bool) -> Reading<'_> {
    let reader = Reader {
        day: answer.confirmed_on,
        loss_day_is_covered,
        body: answer.validity,
        some_ended: answer
            .records
            .iter()
            .any(|record| ended(record, answer.confirmed_on, loss_day_is_covered)),
        alone: answer.records.len() == 1,
    };
    let mut inconsistent = false;
    let mut halves = Vec::with_capacity(answer.records.len() + 1);
    for record in &answer.records {
        let (validity, contradicts) = reader.judge(record);
        inconsistent |= contradicts;
        let numbers = (validity != Validity::NotCommissioned)
            .then(|| Numbers::of_record(record))
            .flatten();
        halves.push(Half {
            record: Some(record),
            scheme: scheme_of(record),
            validity,
            numbers,
            decisive: !contradicts,
        });
    }
    if answer.validity == Some(AnswerValidity::NotCommissioned)
        && !halves.iter().any(Half::is_assistance)
    {
        halves.push(Half {
            record: None,
            scheme: Some(SchemeCode::public_assistance()),
            validity: Validity::NotCommissioned,
            numbers: None,
            decisive: true,
        });
    }
    let all_ended = !halves.is_empty() && halves.iter().all(Half::is_lost);
    if all_ended && answer.validity == Some(AnswerValidity::Valid) {
        inconsistent = true;
        for half in &mut halves {
            half.decisive = false;
        }
    }
    Reading {
        halves,
        inconsistent,
    }
}

/// A1 means 医療扶助 even where nothing else names the scheme.
pub(super) fn scheme_of(record: &AnswerRecord) -> Option<SchemeCode> {
    record.scheme.clone().or_else(|| {
        (record.classification.as_deref() == Some("A1")).then(SchemeCode::public_assistance)
    })
}

fn ended(record: &AnswerRecord, day: Date, loss_day_is_covered: bool) -> bool {
    record
        .disqualified_on
        .is_some_and(|end| end < day || (end == day && !loss_day_is_covered))
}

struct Reader {
    day: Date,
    loss_day_is_covered: bool,
    body: Option<AnswerValidity>,
    /// Some record has ended by its own day.
    some_ended: bool,
    alone: bool,
}

impl Reader {
    /// The validity of one record, and whether it contradicts itself or the body.
    fn judge(&self, record: &AnswerRecord) -> (Validity, bool) {
        let assistance = scheme_of(record) == Some(SchemeCode::public_assistance());
        let insurance = record.is_insurance();
        let ended = ended(record, self.day, self.loss_day_is_covered);
        match self.body {
            Some(AnswerValidity::NotFound) => (Validity::NotFound, true),
            Some(AnswerValidity::Multiple) if insurance => (Validity::Multiple, false),
            Some(AnswerValidity::NotCommissioned) if assistance => (
                Validity::NotCommissioned,
                ended || record.numbers.disagree || names_a_ticket_here(record),
            ),
            Some(AnswerValidity::Lost) if ended || self.body_means_all() => {
                (Validity::Lost, !ended && record.disqualified_on.is_some())
            }
            Some(AnswerValidity::LostWithNewer) if ended || self.body_means_all() => (
                Validity::LostWithNewer,
                !ended && record.disqualified_on.is_some(),
            ),
            _ => by_itself(record, assistance, ended),
        }
    }

    /// 無効 without a day on any record is meant for every half; of one record it is meant for that one.
    fn body_means_all(&self) -> bool {
        self.alone || !self.some_ended
    }
}

fn by_itself(record: &AnswerRecord, assistance: bool, ended: bool) -> (Validity, bool) {
    if ended {
        return (Validity::Lost, false);
    }
    let numbers = &record.numbers;
    if assistance && !numbers.disagree {
        match (&numbers.payer_number, &numbers.recipient_number) {
            (None, None) => return (Validity::NotCommissioned, names_a_ticket_here(record)),
            (Some(_), Some(_)) => {}
            _ => return (Validity::Valid, true),
        }
    }
    (Validity::Valid, numbers.disagree)
}

fn names_a_ticket_here(record: &AnswerRecord) -> bool {
    record
        .tickets
        .iter()
        .any(|ticket| ticket.institution_matches)
}
