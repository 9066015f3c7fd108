//! What people do at the reader and the desk, and what comes of it.

use std::io::{BufRead as _, Write as _};
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_core::query::{MedicalView, QueryError, Who};
use shikaku_domain::history::VerificationView;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::value::{ConsentScope, RecordId, jst_day};

use super::people::TestPerson;
use super::perform::{Test, chart};
use super::report::{Attestation, State};
use super::scenario::{Expected, FACE_METHOD, Step};
use super::seen::{Seen, passed};
use crate::words;

/// How long a card that was just checked may be on its way here.
const ON_ITS_WAY: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(500);

impl Test<'_> {
    /// A face file of today that no other step rests on, of the person's record; waited for where somebody was at the
    /// reader a moment ago.
    pub(super) async fn face(&self, person: &TestPerson, wanted: Expected) -> anyhow::Result<Seen> {
        let deadline = tokio::time::Instant::now() + ON_ITS_WAY;
        let fits = |check: &VerificationView| {
            matches!(wanted, Expected::Answer(validity, coverage) if check.validity == validity
                && coverage.is_none_or(|it| it == check.coverage))
        };
        let check = loop {
            let mut checks = self.checked_today(person).await?;
            if let Some(at) = checks.iter().position(fits) {
                break Some(checks.swap_remove(at));
            }
            if tokio::time::Instant::now() >= deadline || self.attest_by.is_none() {
                break checks.pop();
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        };
        let Some(check) = check else {
            return Ok(Seen::new(State::NotDone, words::NO_FACE_TODAY));
        };
        let mut cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        cards.insert(check.position);
        let text = format!(
            "{} ({})",
            words::validity(check.validity),
            words::coverage(check.coverage)
        );
        Ok(Seen {
            evidence: vec![format!("position {}", check.position)],
            ..Seen::new(passed(fits(&check)), text)
        })
    }

    /// Cards of today that count for no step yet; none where nobody is known by that chart number.
    async fn checked_today(&self, person: &TestPerson) -> anyhow::Result<Vec<VerificationView>> {
        let Some(record) = self.known(person).await? else {
            return Ok(Vec::new());
        };
        let who = Who::Record(record);
        let view = self.queries.history(&self.facility, &who, None, None);
        let mut checks = view.await?.history.verifications;
        let today = jst_day(SystemClock.now());
        let cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        checks.retain(|check| {
            check.method == FACE_METHOD
                && jst_day(check.recorded_at) == today
                && !cards.contains(&check.position)
        });
        Ok(checks)
    }

    /// The record of somebody's chart number, whose look is written down; none where nobody is known by it.
    async fn known(&self, person: &TestPerson) -> anyhow::Result<Option<RecordId>> {
        let who = Who::Patient(chart(person)?);
        match self.queries.record(&self.facility, &who).await {
            Ok(record) => {
                self.note(Some(record)).await?;
                Ok(Some(record))
            }
            Err(QueryError::RecordUnknown) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What came of somebody's medical information in this test, as a doctor looks at it.
    pub(super) async fn view(
        &self,
        person: &TestPerson,
        scope: ConsentScope,
    ) -> anyhow::Result<Seen> {
        let Some(record) = self.known(person).await? else {
            return Ok(Seen::new(State::NotDone, words::NONE_FOUND));
        };
        let who = Who::Record(record);
        let views = self.queries.medical(&self.facility, &who, Some(scope));
        let mut views = views.await?;
        views.retain(|view| view.received_at >= self.started_at);
        let Some(last) = views.last() else {
            return Ok(Seen::new(State::NotDone, words::NONE_FOUND));
        };
        let text = match items(last) {
            Some(items) => format!("{} {items}", words::scope(scope)),
            None => format!("{} {}", words::scope(scope), last.form.unwrap_or_default()),
        };
        let can_be_read = match items(last) {
            Some(items) => items > 0,
            None => last.form == Some("pdf"),
        };
        let seen = Seen {
            evidence: vec![format!("evidence {}", last.evidence)],
            ..Seen::new(passed(can_be_read), text)
        };
        Ok(match last.empty {
            true => seen.saying(words::CENTRE_HOLDS_NONE),
            false => seen,
        })
    }

    /// Guides a person through it, and asks whether it was done.
    pub(super) fn attest(
        &self,
        step: &Step,
        attested: &mut Option<Attestation>,
    ) -> anyhow::Result<Seen> {
        let Some(by) = &self.attest_by else {
            return Ok(Seen::new(State::NotDone, words::NOBODY_HERE));
        };
        let mut out = std::io::stderr().lock();
        write!(out, "  {}\n  {} [y/N]: ", step.title, words::WAS_IT_DONE)?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "はい") {
            return Ok(Seen::new(State::NotDone, words::SAID_NOT_DONE));
        }
        let at: Timestamp = SystemClock.now();
        *attested = Some(Attestation { by: by.clone(), at });
        Ok(Seen::new(State::Attested, words::SAID_DONE))
    }
}

/// How many drugs, treatments and results can be read; `None` of a PDF, and of what can't be read at all.
fn items(view: &MedicalView) -> Option<usize> {
    let chart = view.chart.as_ref()?;
    Some(chart.drugs.len() + chart.treatments.len() + chart.checkups.len())
}
