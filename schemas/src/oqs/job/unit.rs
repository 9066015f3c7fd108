//! The second walk over a job's result: one unit at a time.

use std::collections::HashSet;
use std::io::Read;

use sha2::{Digest as _, Sha256};

use super::BulkLimits;
use super::split::Splitter;
use super::survey::{Survey, too_many};
use crate::observation::OqsAnswer;
use crate::oqs::Eligibility;
use crate::oqs::answer::{Reading, to_answer};
use crate::oqs::eligibility::Text;
use crate::oqs::error::OqsError;
use crate::oqs::message::Family;
use crate::oqs::registration::Outcome;
use crate::oqs::xml::Limits;

/// One person's part of a bulk answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its place, from 1.
    pub ordinal: u32,
    /// Its own text, UTF-8: the evidence of this person alone.
    pub text: String,
    /// An earlier unit was the same, byte for byte.
    pub repeats: bool,
}

impl Unit {
    /// What it says about a person. A unit that can't be judged is no reason to refuse the others.
    ///
    /// # Errors
    /// As for an answer about one person.
    pub fn answer(
        &self,
        survey: &Survey,
        family: Family,
        reading: &Reading<'_>,
    ) -> Result<OqsAnswer, OqsError> {
        let header = survey.envelope.header();
        let mut message = Eligibility::unit(header, &self.text, &Limits::SINGLE)?;
        pair_reference_numbers(&mut message);
        let mut answer = to_answer(&message, reading)?;
        if let Some(method) = family.method() {
            answer.method = method;
        }
        Ok(answer)
    }

    /// What became of a registration.
    ///
    /// # Errors
    /// As for every message.
    pub fn registration(&self) -> Result<Outcome, OqsError> {
        Outcome::of_unit(&self.text, &Limits::SINGLE)
    }
}

/// 照会番号 that stand beside the records: the n-th is the n-th record's, and the first is everybody's who has none.
fn pair_reference_numbers(message: &mut Eligibility<'_>) {
    let numbers: Vec<_> = message
        .unknown
        .iter()
        .filter(|unknown| unknown.path == "ReferenceNumber")
        .map(|unknown| unknown.text.clone())
        .collect();
    for (place, record) in message.body.records.iter_mut().enumerate() {
        let beside: Text<'_> = numbers.get(place).or(numbers.first()).cloned();
        if record.reference_number.is_none() {
            record.reference_number = beside;
        }
    }
}

/// Units of a result that [`super::survey`] found whole, in the order received.
///
/// Holds one unit and 16 bytes of every earlier one. Ends at the first error: what follows it can't be trusted.
pub struct Units<R> {
    splitter: Splitter<R>,
    seen: HashSet<[u8; 16]>,
    ordinal: u32,
    most: u32,
    ended: bool,
}

impl<R: Read> Units<R> {
    /// Begins again at the start of the same bytes.
    pub fn new(source: R, limits: &BulkLimits) -> Self {
        Self {
            splitter: Splitter::new(source, limits),
            seen: HashSet::new(),
            ordinal: 0,
            most: limits.units,
            ended: false,
        }
    }

    fn read(&mut self) -> Result<Option<Unit>, OqsError> {
        let Some(text) = self.splitter.next_unit()? else {
            return Ok(None);
        };
        if self.ordinal == self.most {
            return Err(too_many());
        }
        self.ordinal += 1;
        let digest = Sha256::digest(text.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Ok(Some(Unit {
            ordinal: self.ordinal,
            repeats: !self.seen.insert(short),
            text,
        }))
    }
}

impl<R: Read> Iterator for Units<R> {
    type Item = Result<Unit, OqsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
