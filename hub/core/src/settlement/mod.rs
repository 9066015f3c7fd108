//! Settles each month after each complete 一括取得 run.
//!
//! Follows the ledger for answered runs. When all of a run's people are recorded, the month's records are folded and
//! the sequencer is given what they say; there the aggregate decides. A run of which somebody still waits in an
//! identity case is looked at again later, until a newer run of the month takes its place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shikaku_domain::settlement::SettleMonth;
use shikaku_ledger::Ledger;
use shikaku_schemas::event::{Event, JobResult};
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{FacilityCode, InquiryId, Month, Position, StreamId};
use tokio::time::Instant;

use crate::MonthOptions;
use crate::error::Cause;
use crate::follow::{self, Follower};
use crate::identity::Digests;
use crate::query::records_of_run;
use crate::sequencer::{Queue, Reply, Work};

const POLL: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AT_MOST: Duration = Duration::from_secs(300);
/// Earlier runs of a month that are remembered.
const EARLIER: usize = 64;
/// Runs older than this are not settled any more: as long as the schedule fetches a month.
const LOOK_BACK: Duration = Duration::from_secs(230 * 24 * 60 * 60);
const KINDS: &[&str] = &[
    "inquiry-requested",
    "inquiry-submitted",
    "inquiry-answered",
    "month-settled",
];

/// A month of a facility.
type Place = (FacilityCode, Month);

/// A run on its way.
#[derive(Debug, Clone)]
struct Run {
    place: Place,
    submitted: Position,
}

/// A run whose answer is here and that is not settled.
#[derive(Debug, Clone)]
struct Answered {
    run: InquiryId,
    submitted: Position,
    job: JobResult,
    next_try: Instant,
    pause: Duration,
}

/// What the ledger says of runs.
#[derive(Default)]
struct Known {
    runs: BTreeMap<InquiryId, Run>,
    pending: BTreeMap<Place, Answered>,
    /// The newest settled run of each month.
    settled: BTreeMap<Place, InquiryId>,
    /// Every answered run of each month, and where it was submitted.
    answered: BTreeMap<Place, Vec<(InquiryId, Position)>>,
}

/// What the sequencer is given to settle a month with.
#[derive(Debug, Clone)]
pub(crate) struct Settle {
    /// The facility.
    pub(crate) facility: FacilityCode,
    /// The run and all that it is judged by.
    pub(crate) command: SettleMonth,
    /// Runs of the month that were answered before it, and where they were submitted: a person may have been asked
    /// about what they did not show.
    pub(crate) earlier: Vec<(InquiryId, Position)>,
}

/// Follows answered runs.
pub(crate) struct Settlements {
    pub(crate) ledger: Ledger,
    pub(crate) queue: Queue,
    pub(crate) digests: Digests,
    pub(crate) months: MonthOptions,
}

impl Follower for Settlements {
    const WORDS: &'static str = "runs to be settled are read again";

    async fn follow(&mut self) -> Result<(), Cause> {
        let mut committed = self.ledger.committed();
        let mut position = follow::look_back(&self.ledger, LOOK_BACK).await?;
        let mut known = Known::default();
        loop {
            position = self.catch_up(&mut known, position).await?;
            self.settle(&mut known).await?;
            tokio::select! {
                changed = committed.changed() => if changed.is_err() {
                    return Err("the writer is gone".into());
                },
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

impl Settlements {
    async fn catch_up(&self, known: &mut Known, mut position: Position) -> Result<Position, Cause> {
        loop {
            let page = follow::page(&self.ledger, KINDS, position).await?;
            let opened = follow::open(&self.ledger, &page.events).await?;
            let unreadable = opened.unreadable.iter();
            let unreadable = unreadable.filter_map(|head| head.stream.as_inquiry());
            let left_alone: BTreeSet<_> = unreadable.collect();
            for opened in &opened.events {
                let run = opened.head.stream.as_inquiry();
                if let Some(event) = &opened.event
                    && run.is_none_or(|run| !left_alone.contains(&run))
                {
                    known.note(opened.head.facility.as_ref(), opened.head.position, event);
                }
            }
            left_alone.iter().for_each(|run| known.leave_alone(*run));
            position = page.upto;
            if !page.is_full {
                break;
            }
        }
        Ok(position)
    }

    async fn settle(&self, known: &mut Known) -> Result<(), Cause> {
        let now = Instant::now();
        let due: Vec<_> = known
            .pending
            .iter()
            .filter(|(_, answered)| answered.next_try <= now)
            .map(|(place, answered)| (place.clone(), answered.clone()))
            .collect();
        for (place, answered) in due {
            let command = match self.command(known, &place, &answered).await {
                Ok(command) => command,
                Err(error) => {
                    tracing::warn!(facility.code = %place.0, month = %place.1, %error, "a month can't be settled yet");
                    known.postpone(&place);
                    continue;
                }
            };
            let facility = place.0.clone();
            let earlier = known.answered.get(&place).into_iter().flatten();
            let earlier = earlier.filter(|(run, _)| *run != command.run);
            let settle = Work::Settle(Box::new(Settle {
                facility,
                earlier: earlier.copied().collect(),
                command,
            }));
            let reply = self.queue.put(settle).await;
            let reply = reply.ok_or("the sequencer has stopped")?.await?;
            let again = match &reply {
                Reply::Committed { reason, .. } => {
                    matches!(
                        reason.as_deref(),
                        Some("run-incomplete" | "changed-meanwhile")
                    )
                }
                _ => true,
            };
            match again {
                true => known.postpone(&place),
                false => drop(known.pending.remove(&place)),
            }
        }
        Ok(())
    }

    async fn command(
        &self,
        known: &Known,
        place: &Place,
        answered: &Answered,
    ) -> Result<SettleMonth, Cause> {
        let (facility, month) = place;
        let records =
            records_of_run(&self.ledger, &self.digests, facility, *month, answered.run).await?;
        let answers: usize = records.iter().map(|record| record.answers).sum();
        let here = u32::try_from(answers).unwrap_or(u32::MAX) >= answered.job.units;
        let waiting = records.iter().filter(|record| record.waits).count();
        let previous = known.settled.get(place);
        Ok(SettleMonth {
            month: *month,
            run: answered.run,
            complete: answered.job.is_complete() && here,
            units: answered.job.units,
            submitted: answered.submitted,
            previous_submitted: match previous {
                Some(run) => self.submitted(*run).await?,
                None => None,
            },
            tickets: records
                .into_iter()
                .flat_map(|record| record.tickets)
                .collect(),
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            vanishing_percent: self.months.vanishing_percent,
            accepted: None,
        })
    }

    async fn submitted(&self, run: InquiryId) -> Result<Option<Position>, Cause> {
        let stream = StreamId::inquiry(run);
        let found = self
            .ledger
            .load_streams(std::slice::from_ref(&stream))
            .await?;
        let events = found.get(&stream).into_iter().flatten();
        let mut asked = events.filter(|event| {
            matches!(
                event.head.kind.as_str(),
                "inquiry-submitted" | "inquiry-requested"
            )
        });
        Ok(asked.next_back().map(|event| event.head.position))
    }
}

impl Known {
    fn postpone(&mut self, place: &Place) {
        if let Some(answered) = self.pending.get_mut(place) {
            answered.next_try = Instant::now() + answered.pause;
            answered.pause = (answered.pause * 2).min(PAUSE_AT_MOST);
        }
    }

    /// What a run said can't be read: the month waits for the next one.
    fn leave_alone(&mut self, run: InquiryId) {
        self.runs.remove(&run);
        self.pending.retain(|_, answered| answered.run != run);
    }

    fn note(&mut self, facility: Option<&FacilityCode>, position: Position, event: &Event) {
        let Some(facility) = facility else { return };
        match event {
            // What a program asked by itself settles nothing here.
            Event::InquiryRequested(asked) if asked.program.is_none() => {
                if let Some(TaskBody::Commissioned(question)) = asked.question.as_deref() {
                    let place = (facility.clone(), question.month);
                    let submitted = position;
                    self.runs.insert(asked.inquiry, Run { place, submitted });
                }
            }
            Event::InquirySubmitted(told) => {
                if let Some(run) = self.runs.get_mut(&told.inquiry) {
                    run.submitted = position;
                }
            }
            Event::InquiryAnswered(told) => {
                let run = told
                    .inquiry
                    .and_then(|id| Some((id, self.runs.remove(&id)?)));
                if let (Some((id, run)), Some(job)) = (run, &told.job) {
                    let answered = self.answered.entry(run.place.clone()).or_default();
                    answered.push((id, run.submitted));
                    let too_many = answered.len().saturating_sub(EARLIER);
                    answered.drain(..too_many);
                    // An older one has nothing to add to a newer one.
                    self.pending.insert(
                        run.place,
                        Answered {
                            run: id,
                            submitted: run.submitted,
                            job: job.clone(),
                            next_try: Instant::now(),
                            pause: PAUSE,
                        },
                    );
                }
            }
            Event::MonthSettled(settled) => {
                let place = (facility.clone(), settled.month);
                if self
                    .pending
                    .get(&place)
                    .is_some_and(|it| it.run == settled.run)
                {
                    self.pending.remove(&place);
                }
                self.settled.insert(place, settled.run);
            }
            _ => {}
        }
    }
}
