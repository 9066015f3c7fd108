//! The hub role: everything between the broker and the ledger.
//!
//! One fenced hub at a time takes observations and commands, finds the patient record, lets the pure domain
//! decide, commits, answers, and copies what was committed to `LOG`. Everything here can be rebuilt from the
//! ledger; nothing here is the only copy of anything.
//!
//! * [`run`] is the role: stand by, then provision, intake, sequencer, relay, inquiries, and the responders.
//! * [`HubHandle`] gives it commands from inside the process (the local socket).
//! * [`desk`] shows which cards lie at the desks now, and beside which face file.
//! * [`query`] answers questions from the ledger alone, beside a running hub or without one.
//!
//! This crate knows NATS and the ledger. It knows no SQL, no HTTP and no peer's format, and it never reads
//! the wall clock. To judge a new observation kind, add its arm in `sequencer::observation`.

mod alone;
mod commands;
pub mod desk;
mod error;
mod follow;
mod identity;
mod inquiry;
mod intake;
pub mod jobs;
mod keys;
mod medical;
mod options;
mod parked;
mod provision;
pub mod query;
mod reference;
mod relay;
mod rules;
mod run;
mod schedule;
mod sequencer;
mod settlement;
mod soundness;
mod tasks;
mod terminals;

pub use alone::{SequencerAlone, Teller};
pub use error::HubError;
pub use options::{HubOptions, JobOptions, MonthOptions};
pub use run::{HubHandle, run};
pub use shikaku_broker::{BrokerAt, BrokerOptions};
pub use shikaku_domain::patient::MedicalMonths;
