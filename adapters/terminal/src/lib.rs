//! The adapter of the 資格確認端末 (OQS): one instance per terminal.
//!
//! It owns the drop folders' side of the hub: it reads `face/`, answers to its own requests in `res/`,
//! and writes nothing into the terminal's folders but requests. Each file ends as exactly one of event,
//! duplicate or quarantined. It never judges what an answer means, never follows a link, never touches
//! a file of somebody else, and forgets nothing before its bytes are durable in the spool.
//!
//! Files: [`config`] what it is told, `decode` bytes to an answer or a reason, [`run`] the tasks of one
//! terminal; below them `desk` (one pass over the folders), `folder` (stable reading), `seen` (what was
//! read before), [`quarantine`], `request` (inquiries), `job` (results of jobs), `forward` and `mirror`
//! (requests of virtual terminals, and what they get).
//!
//! To ask another function: its kind in `request::letter`, its answer in `decode`, a sample in `schemas`.

pub mod config;
mod decode;
mod desk;
mod ending;
mod error;
mod folder;
mod forward;
mod health;
mod job;
#[cfg(test)]
mod meddler;
mod mirror;
pub mod quarantine;
mod request;
mod run;
mod seen;
mod tally;

pub use config::{TerminalOptions, Timing};
pub use error::TerminalError;
pub use run::run;
