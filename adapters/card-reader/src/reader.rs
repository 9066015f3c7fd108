//! The thread of one reader: PC/SC blocks, so each reader has a thread and a connection of its own.
//!
//! It looks, says what it saw into a bounded channel, and keeps nothing. When the service dies, what lay there is
//! said to be gone (`reader-lost`), a new connection is made, and what lies there then is presented anew.

use std::ffi::CStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pcsc::{
    Context, Disposition, Error, PNP_NOTIFICATION, Protocols, ReaderState, Scope, ShareMode, State,
};
use shikaku_kit::backoff::Backoff;
use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::observation::{CardEnd, CardUnread};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::decode::{Reading, identify};
use crate::health::{Condition, Health};
use crate::name::{Named, ReaderName};
use crate::presence::{Presence, Step};
use crate::rule::Rules;
use crate::stop::Stop;
use crate::wire::{Wire, WireError};

/// The longest a look waits: a sign of life, and the end if a cancel was missed.
const LOOK: Duration = Duration::from_secs(1);
/// The service needs two of its own looks (400 ms) to notice that a card is gone.
const NOTICED: Duration = Duration::from_millis(900);
const CONNECT_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(100),
    cap: Duration::from_secs(2),
};
/// A card that another program holds, or has just reset, is tried again.
const TRIES: u32 = 6;
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// What was seen, in order: presented and removed alternate.
pub(crate) enum Sighting {
    Presented {
        at: Timestamp,
        /// Unique for ever: the connection and its count.
        presence: (Uuid, u32),
        reading: Reading,
    },
    Removed {
        at: Timestamp,
        reason: CardEnd,
    },
}

/// Why looking ended.
enum Ended {
    /// Asked to, or nobody takes what is seen.
    Asked,
    /// The service is gone; the connection is dead.
    Service(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

/// A connection to the service.
struct Session {
    context: Context,
    id: Uuid,
    presences: u32,
}

/// Everything the thread needs.
pub(crate) struct Watch {
    pub(crate) name: ReaderName,
    pub(crate) rules: Rules,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) health: Arc<Health>,
    pub(crate) out: mpsc::Sender<Sighting>,
}

impl Watch {
    /// Looks until it is asked to end. No state of service or reader ends it.
    pub(crate) fn run(mut self) {
        let mut failures = 0;
        while !self.stop.is_asked() {
            self.beat();
            match Context::establish(Scope::System) {
                Ok(context) => {
                    self.stop.watch(Some(context.clone()));
                    let ended = self.serve(context);
                    self.stop.watch(None);
                    if let Ended::Service(error) = ended {
                        tracing::debug!(error = %error, "the PC/SC connection ended");
                        failures = 0;
                    }
                }
                Err(error) => tracing::debug!(error = %error, "the PC/SC service does not answer"),
            }
            if !self.stop.is_asked() {
                self.health.is(Condition::NoService);
                failures += 1;
                self.stop.pause(CONNECT_AGAIN.pause(failures));
            }
        }
    }

    fn serve(&mut self, context: Context) -> Ended {
        let mut session = Session {
            context,
            id: self.randomness.id(self.clock.now()),
            presences: 0,
        };
        loop {
            if let Err(ended) = self.serve_reader(&mut session) {
                return ended;
            }
        }
    }

    /// Until the list of readers changes.
    fn serve_reader(&mut self, session: &mut Session) -> Result<(), Ended> {
        let readers = session.context.list_readers_owned()?;
        match self.name.find(&readers) {
            Named::One(reader) => {
                self.health.is(Condition::Good);
                return self.follow(session, &reader);
            }
            Named::Absent => self.health.is(Condition::Absent),
            Named::Several => self.health.is(Condition::Several),
        }
        let mut plugged = [ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        self.look(session, &mut plugged).map(drop)
    }

    /// Waits for a change; false when there was none.
    fn look(&self, session: &Session, states: &mut [ReaderState]) -> Result<bool, Ended> {
        if self.stop.is_asked() || self.out.is_closed() {
            return Err(Ended::Asked);
        }
        self.beat();
        match session.context.get_status_change(LOOK, states) {
            Ok(()) => {
                states.iter_mut().for_each(ReaderState::sync_current_state);
                Ok(true)
            }
            Err(Error::Timeout | Error::Cancelled) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Follows one reader until it is unplugged. A card that lies there at the end is said to be gone, unless
    /// nobody listens any more.
    fn follow(&mut self, session: &mut Session, reader: &CStr) -> Result<(), Ended> {
        let mut presence = Presence::default();
        let ended = self.follow_cards(session, reader, &mut presence);
        if presence.is_card() && !matches!(ended, Err(Ended::Asked)) {
            self.say(Sighting::Removed {
                at: self.clock.now(),
                reason: CardEnd::ReaderLost,
            })?;
        }
        match ended {
            Err(Ended::Service(Error::UnknownReader | Error::ReaderUnavailable)) => Ok(()),
            ended => ended,
        }
    }

    fn follow_cards(
        &mut self,
        session: &mut Session,
        reader: &CStr,
        presence: &mut Presence,
    ) -> Result<(), Ended> {
        let mut states = [
            ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE),
            ReaderState::new(reader, State::UNAWARE),
        ];
        loop {
            if !self.look(session, &mut states)? {
                continue;
            }
            let state = states[1].event_state();
            if state.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
                return Ok(());
            }
            let at = self.clock.now();
            let count = u16::try_from(states[1].event_count()).unwrap_or(u16::MAX);
            for step in presence.look(state.contains(State::PRESENT), count) {
                self.step(session, step, at, &states[1])?;
            }
        }
    }

    fn step(
        &mut self,
        session: &mut Session,
        step: Step,
        at: Timestamp,
        state: &ReaderState,
    ) -> Result<(), Ended> {
        let gone = Sighting::Removed {
            at,
            reason: CardEnd::Taken,
        };
        let reading = match step {
            Step::Went => return self.say(gone),
            Step::CameAndWent => Reading::unread(CardUnread::Missed),
            Step::Came => self.read(session, state),
        };
        session.presences += 1;
        self.say(Sighting::Presented {
            at,
            presence: (session.id, session.presences),
            reading,
        })?;
        match step {
            Step::CameAndWent => self.say(gone),
            _ => Ok(()),
        }
    }

    fn say(&self, sighting: Sighting) -> Result<(), Ended> {
        if let Sighting::Presented { reading, .. } = &sighting {
            self.health.counted(reading.card.as_str());
        }
        self.out.blocking_send(sighting).map_err(|_| Ended::Asked)
    }

    fn read(&mut self, session: &Session, state: &ReaderState) -> Reading {
        let mut why = CardUnread::Mute;
        let mut broke = false;
        for _ in 0..TRIES {
            why = match self.read_once(&session.context, state.name()) {
                Ok(reading) => return reading,
                Err(WireError::Service(Error::SharingViolation)) => CardUnread::InUse,
                Err(WireError::Service(Error::ResetCard)) => CardUnread::Mute,
                Err(WireError::Service(Error::RemovedCard | Error::NoSmartcard)) => {
                    return Reading::unread(CardUnread::Pulled);
                }
                Err(_) => {
                    why = self.what_broke(&session.context, state);
                    // Still there: asked once more, since the service may have missed that it is another card.
                    if why != CardUnread::Mute || std::mem::replace(&mut broke, true) {
                        break;
                    }
                    continue;
                }
            };
            self.stop.pause(TRY_AGAIN);
            if self.stop.is_asked() {
                break;
            }
        }
        Reading::unread(why)
    }

    fn read_once(&mut self, context: &Context, reader: &CStr) -> Result<Reading, WireError> {
        let mut card = context.connect(reader, ShareMode::Shared, Protocols::ANY)?;
        let read = card
            .transaction()
            .map_err(WireError::from)
            .and_then(|transaction| {
                let (clock, health) = (&self.clock, &self.health);
                let beat = || health.beat(clock.now());
                identify(&mut Wire::new(&transaction, &beat), &mut self.rules)
            });
        // Left as it is: another program may be at work with it.
        drop(card.disconnect(Disposition::LeaveCard));
        read
    }

    /// An exchange that failed: the card was pulled, or it does not answer, or there is no service any more. Other
    /// changes of the reader (somebody connects, somebody lets go) are passed over.
    fn what_broke(&self, context: &Context, state: &ReaderState) -> CardUnread {
        let begin = Instant::now();
        let mut now = [ReaderState::new(state.name(), State::UNAWARE)];
        while let Some(left) = NOTICED.checked_sub(begin.elapsed()) {
            match context.get_status_change(left, &mut now) {
                Ok(()) => now[0].sync_current_state(),
                Err(Error::Timeout | Error::Cancelled) => break,
                Err(_) => return CardUnread::ReaderLost,
            }
            let gone = !now[0].event_state().contains(State::PRESENT);
            if gone || now[0].event_count() != state.event_count() {
                return CardUnread::Pulled;
            }
        }
        CardUnread::Mute
    }

    fn beat(&self) {
        self.health.beat(self.clock.now());
    }
}
