//! `inquire`.

use crate::answer::{Outcome, Refused};
use crate::cli::Inquire;
use crate::config::Config;
use crate::words;

/// Comes with the queries.
pub async fn run(_config: &Config, _what: Inquire, _json: bool) -> Outcome {
    Err(Refused::from(words::NOT_YET).into())
}
