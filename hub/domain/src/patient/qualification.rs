//! What an answer changes about qualifications. Only `valid` grants or amends; `lost` ends what is known
//! and creates nothing.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use shikaku_schemas::event::{
    Event, QualificationDetails, QualificationLost, QualificationObserved, QualificationSuperseded,
    UnknownLoss,
};
use shikaku_schemas::observation::AnswerRecord;
use shikaku_schemas::value::{AsOf, QualificationId, Validity};

use super::command::RecordVerification;
use super::evolve::{loss_rank, rank};
use super::number::Numbers;
use super::reading::{Half, Reading, scheme_of};
use super::reference::lapse;
use super::state::{KnownQualification, PatientState};

/// Decides about the qualifications of one answer.
pub(super) struct Qualifications<'a> {
    pub(super) command: &'a RecordVerification,
    pub(super) as_of: AsOf,
}

impl Qualifications<'_> {
    /// Losses, one for each qualification that the same answer does not also show valid.
    pub(super) fn losses<'h>(&self, reading: &'h Reading<'_>) -> Vec<&'h Half<'h>> {
        let valid = Self::deciding(reading, |half| half.validity == Validity::Valid);
        Self::deciding(reading, |half| half.is_lost())
            .into_iter()
            .filter(|(numbers, _)| !valid.contains_key(numbers))
            .map(|(_, half)| half)
            .collect()
    }

    /// Qualifications seen valid, one half for each.
    pub(super) fn valid<'h>(&self, reading: &'h Reading<'_>) -> Vec<&'h Half<'h>> {
        Self::deciding(reading, |half| half.validity == Validity::Valid)
            .into_values()
            .collect()
    }

    fn deciding<'h>(
        reading: &'h Reading<'_>,
        wanted: impl Fn(&Half<'_>) -> bool,
    ) -> BTreeMap<&'h Numbers, &'h Half<'h>> {
        let mut found: BTreeMap<&Numbers, &Half<'_>> = BTreeMap::new();
        for half in &reading.halves {
            let Some(numbers) = half.numbers.as_ref().filter(|_| half.decisive) else {
                continue;
            };
            if !wanted(half) {
                continue;
            }
            let begins = |half: &Half<'_>| {
                half.record
                    .map(|record| (record.disqualified_on, start_of(record), rank(record)))
            };
            let newer = found
                .get(numbers)
                .is_none_or(|known| begins(half) > begins(known));
            if newer {
                found.insert(numbers, half);
            }
        }
        found
    }

    /// Granted, amended, resumed, or nothing; behind late knowledge the newer loss again.
    pub(super) fn see_valid(&self, state: &PatientState, half: &Half<'_>) -> Vec<Event> {
        let (Some(record), Some(numbers)) = (half.record, half.numbers.as_ref()) else {
            return Vec::new();
        };
        let known = find(state, numbers);
        let observed = QualificationObserved {
            qualification_id: known.map_or_else(|| self.new_id(numbers), |known| known.id),
            details: self.details(record),
            person: record.person.clone(),
            confirmed_on: self.command.answer.confirmed_on,
            method: self.command.answer.method,
        };
        let Some(known) = known else {
            let id = observed.qualification_id;
            let mut events = vec![Event::QualificationGranted(observed)];
            events.extend(self.known_to_have_ended(state, id, half));
            return events;
        };
        let told = (&observed.details, &observed.person);
        let before = (&known.details, &known.person);
        let newer = self.as_of > known.valid_as_of
            || (self.as_of == known.valid_as_of && rank(&told) > rank(&before));
        let still_lost = known
            .loss
            .as_ref()
            .filter(|loss| loss.as_of >= self.as_of && known.is_lost());
        match (newer, still_lost) {
            (false, _) => Vec::new(),
            (true, None) if known.is_lost() => vec![Event::QualificationResumed(observed)],
            (true, _) if told == before => Vec::new(),
            (true, None) => vec![Event::QualificationAmended(observed)],
            (true, Some(loss)) => vec![
                Event::QualificationAmended(observed),
                Event::QualificationLost(loss.lost.clone()),
            ],
        }
    }

    /// The end of a qualification that is granted only now, because newer knowledge came first.
    fn known_to_have_ended(
        &self,
        state: &PatientState,
        id: QualificationId,
        half: &Half<'_>,
    ) -> Vec<Event> {
        let seen = state
            .unknown_losses
            .iter()
            .find(|seen| seen.lost.qualification_id == id && seen.as_of >= self.as_of);
        let Some(seen) = seen else {
            return Vec::new();
        };
        let mut events = vec![Event::QualificationLost(QualificationLost {
            scheme: half.scheme.clone(),
            ..seen.lost.clone()
        })];
        if seen.newer_as_of >= Some(self.as_of) {
            events.push(self.superseded(id));
        }
        events
    }

    /// Lost, superseded, a 照会番号 lapsed, or nothing.
    pub(super) fn see_lost(&self, state: &PatientState, half: &Half<'_>) -> Vec<Event> {
        let (Some(record), Some(numbers)) = (half.record, half.numbers.as_ref()) else {
            return Vec::new();
        };
        let Some(known) = find(state, numbers) else {
            return Vec::new();
        };
        if self.as_of < known.valid_as_of {
            return Vec::new();
        }
        let mut events = Vec::new();
        let lost = self.lost(known.id, record);
        let news = match &known.loss {
            Some(loss) if known.is_lost() => {
                self.as_of >= loss.as_of
                    && loss_rank(&lost) != loss_rank(&loss.lost)
                    && (self.as_of > loss.as_of || loss_rank(&lost) > loss_rank(&loss.lost))
            }
            _ => true,
        };
        if news {
            events.push(Event::QualificationLost(lost));
        }
        if half.validity == Validity::LostWithNewer && !known.is_superseded() {
            events.push(self.superseded(known.id));
        }
        events.extend(
            state
                .references
                .iter()
                .filter(|reference| reference.qualification_id == Some(known.id))
                .filter(|reference| {
                    reference.facility.as_ref() == Some(&self.command.facility.code)
                })
                .filter_map(lapse),
        );
        events
    }

    /// What `verified` remembers of a loss that ends nothing known.
    pub(super) fn unknown_loss(
        &self,
        state: &PatientState,
        half: &Half<'_>,
    ) -> Option<UnknownLoss> {
        let (record, numbers) = (half.record?, half.numbers.as_ref()?);
        if find(state, numbers).is_some() {
            return None;
        }
        let lost = self.lost(self.new_id(numbers), record);
        Some(UnknownLoss {
            qualification_id: lost.qualification_id,
            ended_on: lost.ended_on,
            valid_to: lost.valid_to,
            reason_of_loss: lost.reason_of_loss,
            newer: half.validity == Validity::LostWithNewer,
        })
    }

    fn new_id(&self, numbers: &Numbers) -> QualificationId {
        numbers.id(self.command.record, &self.command.ids)
    }

    fn lost(&self, id: QualificationId, record: &AnswerRecord) -> QualificationLost {
        QualificationLost {
            qualification_id: id,
            scheme: scheme_of(record),
            ended_on: record.disqualified_on,
            valid_to: record
                .disqualified_on
                .map(|end| self.last_covered(end))
                .or(record.valid_to),
            reason_of_loss: record.reason_of_loss.clone(),
            confirmed_on: self.command.answer.confirmed_on,
            method: self.command.answer.method,
        }
    }

    fn superseded(&self, id: QualificationId) -> Event {
        Event::QualificationSuperseded(QualificationSuperseded {
            qualification_id: id,
            superseded_by: None,
            confirmed_on: self.command.answer.confirmed_on,
            method: self.command.answer.method,
        })
    }

    /// 喪失/廃止日 is the first day not covered, unless config reads it otherwise.
    fn last_covered(&self, end: Date) -> Date {
        if self.command.facility.loss_day_is_covered {
            end
        } else {
            end.saturating_sub(1.day())
        }
    }

    /// Everything of a record that a qualification keeps. 限度額 and its like are insurance's alone (guide 4.1.1(5)).
    fn details(&self, record: &AnswerRecord) -> QualificationDetails {
        let insurance = record.is_insurance();
        let numbers = &record.numbers;
        let announced_end = record.disqualified_on.map(|end| self.last_covered(end));
        QualificationDetails {
            classification: record.classification.clone(),
            scheme: scheme_of(record),
            payer_number: numbers.payer_number.clone().filter(|_| !insurance),
            recipient_number: numbers.recipient_number.clone().filter(|_| !insurance),
            insurer_number: numbers.insurer_number.clone().filter(|_| insurance),
            insurer_name: record.issuer_name.clone().filter(|_| insurance),
            symbol: numbers.symbol.clone().filter(|_| insurance),
            number: numbers.number.clone().filter(|_| insurance),
            branch: numbers.branch.clone().filter(|_| insurance),
            family: record.family.clone(),
            copay_percent: record.copay_percent,
            limit_certificate: record.limit_certificate.clone().filter(|_| insurance),
            specific_diseases: if insurance {
                record.specific_diseases.clone()
            } else {
                Vec::new()
            },
            elderly_certificate: record.elderly_certificate.clone().filter(|_| insurance),
            welfare_office: record.issuer_name.clone().filter(|_| !insurance),
            valid_from: start_of(record),
            valid_to: [announced_end, record.valid_to].into_iter().flatten().min(),
            extra: record.extra.clone(),
        }
    }
}

/// The known qualification of these numbers.
pub(super) fn find<'s>(
    state: &'s PatientState,
    numbers: &Numbers,
) -> Option<&'s KnownQualification> {
    state
        .qualifications
        .iter()
        .find(|known| Numbers::of_details(&known.details).as_ref() == Some(numbers))
}

fn start_of(record: &AnswerRecord) -> Option<Date> {
    record.qualified_on.or(record.valid_from)
}
