//! The running terminal.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answered, render_face};
use crate::answering::{Answering, Lying};
use crate::centre::Centre;
use crate::config::{SimulatorOptions, TicketShown};
use crate::folder::{self, Folders};
use crate::function::{Bulk, recognise_path};
use crate::knobs::{Interfaces, Silence};
use crate::memory::Taken;
use crate::pack;
use crate::person::Person;
use crate::scenario::{Means, Step, When};
use crate::tree::Node;

/// How often `req/` is looked through.
const LOOK: Duration = Duration::from_millis(100);

/// Why a simulator stopped.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// A folder that can't be read or written.
    #[error("{path} can't be read or written")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A task inside died.
    #[error("a task of the simulator died")]
    Task(#[from] tokio::task::JoinError),
}

impl SimulatorError {
    pub(crate) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Folder { path, source }
    }
}

/// One simulated terminal.
pub struct Simulator {
    options: Arc<SimulatorOptions>,
    folders: Folders,
    centre: Arc<Centre>,
    random: SmallRng,
    lying: Arc<Lying>,
    /// Steps with a day of their own that was still to come when this was made.
    dated: VecDeque<Step>,
}

impl Simulator {
    /// A terminal over `options.root`, with the whole town behind it.
    ///
    /// # Errors
    /// A root whose folders can't be made.
    pub fn new(options: SimulatorOptions) -> Result<Self, SimulatorError> {
        let folders =
            Folders::make(&options.root).map_err(SimulatorError::folder(&options.root))?;
        let centre = options
            .centre
            .clone()
            .unwrap_or_else(|| Arc::new(Centre::new(&options.scenario, &options.knobs)));
        Ok(Self {
            random: SmallRng::seed_from_u64(options.knobs.seed),
            dated: dated(&options),
            options: Arc::new(options),
            folders,
            centre,
            lying: Arc::default(),
        })
    }

    /// Plays the day and answers requests, also after the day is over, until cancelled.
    ///
    /// # Errors
    /// A folder that can't be read or written any more.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), SimulatorError> {
        let begin = Instant::now();
        let due = self.due();
        let mut next = 0;
        let mut look = tokio::time::interval(LOOK);
        let mut writers: JoinSet<Result<(), SimulatorError>> = JoinSet::new();
        loop {
            let step_at = due.get(next).map(|after| begin + *after);
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                Some(written) = writers.join_next() => written??,
                () = tokio::time::sleep_until(step_at.unwrap_or(begin)), if step_at.is_some() => {
                    let step = self.options.scenario.steps[next].clone();
                    self.play(&step, &mut writers);
                    next += 1;
                }
                _ = look.tick() => {
                    let now = self.options.now();
                    let come = |step: &mut Step| step.moment().is_some_and(|moment| moment <= now);
                    while let Some(step) = self.dated.pop_front_if(come) {
                        self.play(&step, &mut writers);
                    }
                    self.take_requests(&mut writers).await?;
                    self.tidy().await?;
                }
            }
        }
    }

    /// How long after the beginning each step without a day happens. They stand before the others.
    fn due(&self) -> Vec<Duration> {
        let steps = self.options.scenario.steps.iter();
        let steps = steps.filter(|step| step.date.is_none());
        let speed = self.options.speed.unwrap_or(self.options.scenario.speed);
        let first = steps.clone().next().map(|step| step.at);
        steps
            .zip(first.into_iter().cycle())
            .map(|(step, first)| {
                let after = Duration::try_from(step.at.duration_since(first)).unwrap_or_default();
                after.div_f64(speed)
            })
            .collect()
    }

    fn play(&mut self, step: &Step, writers: &mut JoinSet<Result<(), SimulatorError>>) {
        let at = match step.on {
            When::Today => self.options.now(),
            When::LastMonth => last_month(self.options.now()),
        };
        let options = Arc::clone(&self.options);
        let place = options.place(at);
        let Some(mut person) = self.centre.named(&step.person, &place) else {
            return;
        };
        match step.by {
            Means::Card if !self.centre.knows_card(&person) => {
                tracing::info!("a card that is not registered: the reader offers to register it");
            }
            Means::Card => {
                self.centre.consent(&person.id, &place);
                if let Some(standing) = step.standing {
                    person.standing = standing;
                }
                self.drop_face(&person, at, writers);
            }
            Means::Ticket => self.show_ticket(&person),
            Means::Registration => self.centre.register_card(&person.id),
            Means::HomeVisit => {
                self.centre
                    .consent_beside(&person.id, Bulk::HomeVisit, &place);
            }
            Means::Online => self.centre.consent_beside(&person.id, Bulk::Online, &place),
        }
    }

    fn drop_face(
        &mut self,
        person: &Person,
        at: DateTime,
        writers: &mut JoinSet<Result<(), SimulatorError>>,
    ) {
        let answered = Answered::now(at, &self.options.scenario.institution);
        let bytes = render_face(person, &answered, &self.options.knobs);
        let mut path = self.folders.faces().join(self.face_name(at));
        let knobs = &self.options.knobs;
        let (writing, encrypted) = (knobs.writing, knobs.interfaces == Interfaces::Encrypted);
        writers.spawn(async move {
            let laying = async {
                if !encrypted {
                    return folder::write(&path, &bytes, writing).await;
                }
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let packed = pack::encrypted(&bytes, &name)?;
                path.set_extension("zip");
                folder::write(&path, &packed, writing).await
            };
            let written = laying.await;
            written.map_err(SimulatorError::folder(&path))
        });
    }

    /// `OQSsiquc01res_face_` + institution + 20 characters + `_` + time.
    fn face_name(&mut self, at: DateTime) -> String {
        let unique: String = (0..20)
            .map(|_| char::from(b"0123456789ABCDEF"[self.random.random_range(0..16)]))
            .collect();
        format!(
            "OQSsiquc01res_face_{}{unique}_{}.xml",
            self.options.scenario.institution,
            at.strftime("%Y%m%d%H%M%S")
        )
    }

    fn show_ticket(&self, person: &Person) {
        let (Some(desk), Some(assistance)) = (&self.options.desk, &person.assistance) else {
            return;
        };
        let shown = TicketShown {
            person: person.id.clone(),
            payer_number: assistance.payer_number.clone(),
            recipient_number: assistance.recipient_number.clone(),
            birth_date: person.birth_date,
        };
        if desk.try_send(shown).is_err() {
            tracing::warn!("nobody at the desk takes the ticket");
        }
    }

    /// Removes answers that nobody took in time.
    async fn tidy(&self) -> Result<(), SimulatorError> {
        for path in self.lying.overdue(&self.options) {
            folder::remove(&path)
                .await
                .map_err(SimulatorError::folder(&path))?;
        }
        Ok(())
    }

    async fn take_requests(
        &self,
        writers: &mut JoinSet<Result<(), SimulatorError>>,
    ) -> Result<(), SimulatorError> {
        let folder = self.folders.requests();
        let found = folder::requests(&folder)
            .await
            .map_err(SimulatorError::folder(&folder))?;
        for path in found {
            let Some(bytes) = take(&path).await.map_err(SimulatorError::folder(&path))? else {
                continue;
            };
            match pack::opened(bytes) {
                Ok(message) => {
                    self.note(&path, &message);
                    writers.spawn(self.answer(&path, message));
                }
                Err(error) => {
                    tracing::warn!(%error, "a request that can't be opened stays without answer")
                }
            }
        }
        Ok(())
    }

    /// Into the record of what was asked.
    fn note(&self, request: &Path, bytes: &[u8]) {
        let name = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let asked = Node::read(bytes).unwrap_or_default();
        let body = asked.child("MessageBody");
        let search = body.and_then(|body| body.child("QualificationConfirmSearchInfo"));
        self.centre.note(&Taken {
            at: self.options.now().to_string(),
            institution: &self.options.scenario.institution,
            terminal: &name(&self.options.root),
            file: &name(request),
            month: search.and_then(|search| search.value("MedicalTreatmentMonth")),
            reception: body.and_then(|body| body.value("ReceptionNumber")),
        });
    }

    fn answer(
        &self,
        request: &Path,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), SimulatorError>> + use<> {
        let options = Arc::clone(&self.options);
        let centre = Arc::clone(&self.centre);
        let lying = Arc::clone(&self.lying);
        let answers = self.folders.answers();
        let recognised = recognise_path(request);
        async move {
            let Some((function, base)) = recognised else {
                return Ok(());
            };
            for pause in pauses(&options) {
                tokio::time::sleep(pause).await;
                let answer = Answering {
                    options: Arc::clone(&options),
                    centre: Arc::clone(&centre),
                    lying: Arc::clone(&lying),
                    answers: answers.clone(),
                    base: base.clone(),
                };
                answer.give(function, &bytes).await?;
            }
            Ok(())
        }
    }
}

fn dated(options: &SimulatorOptions) -> VecDeque<Step> {
    let now = options.now();
    let steps = options.scenario.steps.iter();
    steps
        .filter(|step| step.moment().is_some_and(|moment| moment > now))
        .cloned()
        .collect()
}

/// Waiting times before each copy of an answer.
fn pauses(options: &SimulatorOptions) -> Vec<Duration> {
    let latency = options.knobs.latency;
    match options.knobs.silence {
        Silence::None => vec![latency],
        Silence::NoAnswer => Vec::new(),
        Silence::Late => vec![options.knobs.late],
        Silence::Duplicate => vec![latency, latency],
    }
}

/// Reads a request and removes it; `None` when its writer withdrew it first.
async fn take(path: &PathBuf) -> io::Result<Option<Vec<u8>>> {
    let taken = async {
        let bytes = tokio::fs::read(path).await?;
        tokio::fs::remove_file(path).await?;
        Ok(bytes)
    };
    match taken.await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The 20th of the month before, at the same time of day.
fn last_month(now: DateTime) -> DateTime {
    let before = now
        .date()
        .first_of_month()
        .yesterday()
        .unwrap_or(now.date());
    Date::new(before.year(), before.month(), 20)
        .expect("every month has a 20th")
        .to_datetime(now.time())
}
