//! `display`.

use crate::answer::{Outcome, Refused};
use crate::cli::Display;
use crate::config::Config;
use crate::words;

/// Comes with the queries.
pub async fn run(_config: &Config, _what: Display, _json: bool) -> Outcome {
    Err(Refused::from(words::NOT_YET).into())
}
