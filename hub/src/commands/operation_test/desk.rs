//! What people do at the reader and the desk, and what comes of it.

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use jiff::Timestamp;
use shikaku_core::query::{MedicalView, Who};
use shikaku_domain::history::VerificationView;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::value::{ConsentScope, jst_day};

use super::people::TestPerson;
use super::perform::{PURPOSE, Test, chart};
use super::report::{Attestation, State};
use super::scenario::{Expected, FACE_METHOD, Step};
use super::seen::{Seen, passed};
use crate::{access, words};

/// What the log of looks calls it.
const LOOK: &str = "operation-test";
/// How long a card that was just checked may be on its way here.
const ON_ITS_WAY: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(500);

impl Test<'_> {
    /// A face file of today, of the person's record; waited for where somebody was at the reader a moment ago.
    pub(super) async fn face(&self, person: &TestPerson, wanted: Expected) -> anyhow::Result<Seen> {
        let deadline = tokio::time::Instant::now() + ON_ITS_WAY;
        let fits = |check: &VerificationView| {
            matches!(wanted, Expected::Answer(validity, coverage) if check.validity == validity
                && coverage.is_none_or(|it| it == check.coverage))
        };
        let check = loop {
            let check = self.checked_today(person).await?;
            let late = tokio::time::Instant::now() >= deadline || self.attest_by.is_none();
            if late || check.as_ref().is_some_and(&fits) {
                break check;
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        };
        let Some(check) = check else {
            return Ok(Seen::new(State::NotDone, words::NO_FACE_TODAY));
        };
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

    /// The last card of today; none where nobody is known by that chart number.
    async fn checked_today(&self, person: &TestPerson) -> anyhow::Result<Option<VerificationView>> {
        let who = Who::Patient(chart(person)?);
        let Ok(view) = self.queries.history(&self.facility, &who, None, None).await else {
            return Ok(None);
        };
        access::note_for(
            self.config,
            LOOK,
            Some(&self.facility),
            view.history.record,
            PURPOSE,
        )
        .await?;
        let today = jst_day(SystemClock.now());
        let mut checks = view.history.verifications.into_iter().rev();
        Ok(checks.find(|check| check.method == FACE_METHOD && jst_day(check.recorded_at) == today))
    }

    /// What came of somebody's medical information, as a doctor looks at it: logged with its purpose, then read.
    pub(super) async fn view(
        &self,
        person: &TestPerson,
        scope: ConsentScope,
    ) -> anyhow::Result<Seen> {
        let who = Who::Patient(chart(person)?);
        let Ok(record) = self.queries.record(&self.facility, &who).await else {
            return Ok(Seen::new(State::NotDone, words::NONE_FOUND));
        };
        access::note_for(
            self.config,
            LOOK,
            Some(&self.facility),
            Some(record),
            PURPOSE,
        )
        .await?;
        let who = Who::Record(record);
        let views = self
            .queries
            .medical(&self.facility, &who, Some(scope))
            .await?;
        let Some(last) = views.last() else {
            return Ok(Seen::new(State::NotDone, words::NONE_FOUND));
        };
        let items = items(last);
        let text = match items {
            Some(items) => format!("{} {items}", words::scope(scope)),
            None => format!("{} {}", words::scope(scope), last.form.unwrap_or_default()),
        };
        let seen = Seen {
            evidence: vec![format!("evidence {}", last.evidence)],
            ..Seen::new(passed(items != Some(0) && last.form.is_some()), text)
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

/// How many drugs, treatments and results can be read; `None` of a PDF.
fn items(view: &MedicalView) -> Option<usize> {
    let chart = view.chart.as_ref()?;
    Some(chart.drugs.len() + chart.treatments.len() + chart.checkups.len())
}
