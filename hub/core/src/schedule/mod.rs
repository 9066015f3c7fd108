//! 委託先資格情報の一括取得 that run by themselves, from the directory of welfare offices.
//!
//! Each run is asked under an id made of facility, month, day and attempt: after a restart it is the same command, and
//! nothing is asked twice. One run a facility and month is on its way at a time.

mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz;
use shikaku_ledger::Ledger;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::command::{Command, CommandEnvelope, CommandReply, InquireCommissioned};
use shikaku_schemas::event::Event;
use shikaku_schemas::group::{Facility, Group};
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{FacilityCode, InquiryId, Month, Position, jst_day};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Cause;
use crate::follow::{self, Follower};
use crate::identity::Digests;
use crate::query::{QueryError, calendar};
use crate::sequencer::Queue;
use plan::{Last, MONTHS_BACK, Need, need};

/// Namespace of scheduled runs.
const RUNS: Uuid = Uuid::from_u128(0x9e0f_11d7_4a36_5b58_b2c4_6f0a_51c8_7d3e);
const POLL: Duration = Duration::from_secs(1);
/// Until what could not be asked is tried again.
const REST: Duration = Duration::from_secs(10);
/// Not before this hour in Japan: the offices' nightly work is done, and the desk still closed.
const FROM_HOUR: i8 = 6;
/// A run that was never taken is tried again the same day so often.
const ATTEMPTS: u32 = 3;
/// Runs of months that are looked at.
const LOOK_BACK: Duration = Duration::from_secs(230 * 24 * 60 * 60);
const KINDS: &[&str] = &[
    "inquiry-requested",
    "inquiry-answered",
    "inquiry-rejected",
    "inquiry-timed-out",
    "inquiry-uncertain",
    "inquiry-resolved",
    "month-settled",
];

/// A month of a facility.
type Place = (FacilityCode, Month);

/// Asks by itself.
pub(crate) struct Schedule {
    pub(crate) ledger: Ledger,
    pub(crate) queue: Queue,
    pub(crate) group: Group,
    pub(crate) digests: Digests,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What the ledger says of runs, whoever asked for them.
#[derive(Default)]
struct Runs {
    of: BTreeMap<InquiryId, (Place, Date)>,
    under_way: BTreeSet<InquiryId>,
    /// The last day on which a run was asked for and taken.
    last: BTreeMap<Place, Date>,
    /// The day of the newest run that settled its month.
    settled: BTreeMap<Place, Date>,
    /// Runs of a day that were never taken.
    untaken: BTreeMap<(Place, Date), u32>,
    missing: BTreeMap<Place, u32>,
    /// The newest answered run did not settle its month: a person may have to look first.
    unsettled: BTreeSet<Place>,
    /// Nobody waited when it was looked at on that day.
    nobody: BTreeMap<Place, Date>,
    /// What could not be asked, and when it is tried again.
    resting: BTreeMap<Place, Instant>,
}

impl Follower for Schedule {
    const WORDS: &'static str = "the schedule is read again";

    async fn follow(&mut self) -> Result<(), Cause> {
        let mut position = follow::look_back(&self.ledger, LOOK_BACK).await?;
        let mut runs = Runs::default();
        loop {
            position = self.catch_up(&mut runs, position).await?;
            self.ask(&mut runs).await?;
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Schedule {
    async fn catch_up(&self, runs: &mut Runs, mut position: Position) -> Result<Position, Cause> {
        loop {
            let page = follow::page(&self.ledger, KINDS, position).await?;
            let opened = follow::open(&self.ledger, &page.events).await?;
            for opened in &opened.events {
                if let (Some(facility), Some(event)) = (&opened.head.facility, &opened.event) {
                    runs.note(facility, event);
                }
            }
            // Nobody waits for the end of a run that can't be told.
            let unreadable = opened.unreadable.iter();
            for run in unreadable.filter_map(|head| head.stream.as_inquiry()) {
                runs.under_way.remove(&run);
            }
            position = page.upto;
            if !page.is_full {
                break;
            }
        }
        Ok(position)
    }

    async fn ask(&self, runs: &mut Runs) -> Result<(), Cause> {
        let now = self.clock.now();
        if tz::offset(9).to_datetime(now).hour() < FROM_HOUR {
            return Ok(());
        }
        let today = jst_day(now);
        let fetches = |it: &&Facility| it.designated && !it.terminals.is_empty();
        for facility in self.group.facilities.iter().filter(fetches) {
            for month in months(today) {
                let place = (facility.code.clone(), month);
                if runs.rests(&place) {
                    continue;
                }
                match self.is_due(runs, &place, today).await {
                    Ok(true) => self.command(runs, place, today).await,
                    Ok(false) => {}
                    // The other facilities and months do not wait for what can't be read of this one.
                    Err(error) => {
                        let (facility, month) = &place;
                        tracing::warn!(facility.code = %facility, %month, %error, "whether a month is due can't be told");
                        runs.rest(place);
                    }
                }
            }
        }
        Ok(())
    }

    async fn is_due(&self, runs: &mut Runs, place: &Place, today: Date) -> Result<bool, Cause> {
        let tried = runs.untaken.get(&(place.clone(), today)).copied();
        if runs.is_under_way(place) || tried.unwrap_or_default() >= ATTEMPTS {
            return Ok(false);
        }
        let last = Last {
            asked: runs.last.get(place).copied(),
            settled: runs.settled.get(place).copied(),
        };
        match need(today, place.1, &self.group.welfare_offices, last) {
            Need::No => Ok(false),
            Need::Run => Ok(true),
            Need::IfOpen if runs.missing.get(place).is_some_and(|missing| *missing > 0) => Ok(true),
            Need::IfOpen if runs.unsettled.contains(place) => Ok(true),
            Need::IfOpen if runs.nobody.get(place) == Some(&today) => Ok(false),
            Need::IfOpen => {
                let (ledger, digests) = (&self.ledger, &self.digests);
                let month = match calendar(ledger, digests, &self.group, &place.0, place.1).await {
                    // Who waits can't be told: somebody may.
                    Err(QueryError::Ledger(error)) if error.is_unreadable() => return Ok(true),
                    month => month?,
                };
                if month.counts.waiting == 0 {
                    runs.nobody.insert(place.clone(), today);
                }
                Ok(month.counts.waiting > 0)
            }
        }
    }

    async fn command(&self, runs: &mut Runs, place: Place, today: Date) {
        let (facility, month) = place.clone();
        let attempt = runs.untaken.get(&(place.clone(), today)).copied();
        let name = format!("{facility}|{month}|{today}|{}", attempt.unwrap_or_default());
        let envelope = CommandEnvelope {
            command_id: Uuid::new_v5(&RUNS, name.as_bytes()),
            by: "schedule".to_owned(),
            command: Command::InquireCommissioned(InquireCommissioned {
                facility,
                month,
                purpose: "定期の一括取得 / scheduled".to_owned(),
            }),
        };
        match self.queue.command(envelope).await {
            CommandReply::Done { id: Some(id), .. } => {
                let run = InquiryId(id);
                runs.begun(run, place, today);
            }
            CommandReply::Refused { rule, .. } => {
                tracing::warn!(rule, %month, "a scheduled run is refused");
                runs.last.insert(place, today);
            }
            // It is tried again.
            CommandReply::Done { id: None, .. } | CommandReply::Unavailable { .. } => {
                runs.rest(place);
            }
        }
    }
}

/// The present month and those before it, the newest first.
fn months(today: Date) -> impl Iterator<Item = Month> {
    let first = Month::of(today);
    let before = |month: &Month| Some(Month::of(month.first_day().yesterday().ok()?));
    std::iter::successors(Some(first), before).take(MONTHS_BACK + 1)
}

impl Runs {
    fn rest(&mut self, place: Place) {
        self.resting.insert(place, Instant::now() + REST);
    }

    fn rests(&self, place: &Place) -> bool {
        let until = self.resting.get(place);
        until.is_some_and(|until| Instant::now() < *until)
    }

    fn begun(&mut self, run: InquiryId, place: Place, on: Date) {
        self.under_way.insert(run);
        self.last.insert(place.clone(), on);
        self.of.insert(run, (place, on));
    }

    fn is_under_way(&self, place: &Place) -> bool {
        let mut known = self.under_way.iter().filter_map(|run| self.of.get(run));
        known.any(|(of, _)| of == place)
    }

    fn note(&mut self, facility: &FacilityCode, event: &Event) {
        let ended = match event {
            // What a program asked by itself settles nothing here.
            Event::InquiryRequested(asked) if asked.program.is_none() => {
                if let Some(TaskBody::Commissioned(question)) = asked.question.as_deref() {
                    let place = (facility.clone(), question.month);
                    self.begun(asked.inquiry, place, asked.on);
                }
                return;
            }
            Event::MonthSettled(settled) => {
                let place = (facility.clone(), settled.month);
                if let Some((_, on)) = self.of.get(&settled.run) {
                    let newest = self.settled.entry(place.clone()).or_insert(*on);
                    *newest = (*on).max(*newest);
                }
                self.unsettled.remove(&place);
                self.missing
                    .insert(place, settled.missing.unwrap_or_default());
                return;
            }
            Event::InquiryTimedOut(ended) => {
                if let Some(of) = self.of.get(&ended.inquiry).cloned() {
                    // As if nobody had asked.
                    self.last.remove(&of.0);
                    *self.untaken.entry(of).or_default() += 1;
                }
                Some(ended.inquiry)
            }
            Event::InquiryAnswered(ended) => {
                let run = ended.inquiry.and_then(|run| self.of.get(&run));
                self.unsettled.extend(run.map(|(place, _)| place.clone()));
                ended.inquiry
            }
            Event::InquiryRejected(ended) => ended.inquiry,
            Event::InquiryUncertain(ended) => Some(ended.inquiry),
            Event::InquiryResolved(ended) => Some(ended.inquiry),
            _ => None,
        };
        if let Some(run) = ended {
            self.under_way.remove(&run);
        }
    }
}
