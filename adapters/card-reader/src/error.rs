//! Why a reader's adapter could not start or had to stop. Nothing personal in it.

use std::io;

use shikaku_kit::broker::BrokerError;
use shikaku_kit::spool::SpoolError;

use crate::rule::RuleFault;

/// Why a reader's adapter could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum CardReaderError {
    /// A facility code or reader id that can't be part of a path or subject.
    #[error("a facility code or reader id has characters other than letters, digits, - and _")]
    BadName,
    /// A rule for the facility's own cards that may not run.
    #[error("a card rule is not allowed")]
    Rule(#[from] RuleFault),
    /// Its own directory can't be used.
    #[error("the adapter's own directory can't be used")]
    Directory(#[source] io::Error),
    /// Its spool can't be used.
    #[error("the spool can't be used")]
    Spool(#[from] SpoolError),
    /// The broker's address makes no sense.
    #[error("the broker can't be addressed")]
    Broker(#[from] BrokerError),
    /// One of its tasks ended by itself, which none may.
    #[error("{task} ended unexpectedly")]
    Stopped {
        /// Which.
        task: &'static str,
    },
}
