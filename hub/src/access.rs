//! Looks at persons from the command line: logged before anything is shown, and nothing is shown if they
//! can't be.

use std::sync::Arc;

use anyhow::Context as _;
use shikaku_models::{AccessLog, Look};
use shikaku_schemas::clock::SystemClock;
use shikaku_schemas::value::{FacilityCode, RecordId};

use crate::config::Config;
use crate::up::models_stores;
use crate::words;

/// The purpose of commands that ask for none.
pub const COMMAND_LINE: &str = "command line";

/// Writes down who looks at what: `kind` is the command, `record` whom it shows.
///
/// # Errors
/// It can't be written: nothing may be shown.
pub async fn note(
    config: &Config,
    kind: &str,
    facility: Option<&FacilityCode>,
    record: Option<RecordId>,
) -> anyhow::Result<()> {
    note_for(config, kind, facility, record, COMMAND_LINE).await
}

/// The same where the purpose was asked for.
///
/// # Errors
/// As [`note`].
pub async fn note_for(
    config: &Config,
    kind: &str,
    facility: Option<&FacilityCode>,
    record: Option<RecordId>,
    purpose: &str,
) -> anyhow::Result<()> {
    let (_, place) = models_stores(config);
    let look = Look {
        who: crate::who::me(),
        kind: kind.to_owned(),
        facility: facility.cloned(),
        record,
        purpose: purpose.to_owned(),
    };
    let written = async {
        let log = AccessLog::open(&place, Arc::new(SystemClock)).await?;
        log.record(&[look]).await
    };
    written.await.context(words::ACCESS_LOG.to_string())
}
