//! `history`.

use crate::answer::{Outcome, Refused};
use crate::cli::History;
use crate::config::Config;
use crate::words;

/// Comes with the queries.
pub async fn run(_config: &Config, _what: History, _json: bool) -> Outcome {
    Err(Refused::from(words::NOT_YET).into())
}
