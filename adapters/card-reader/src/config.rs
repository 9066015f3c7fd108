//! What the adapter of one reader is told. The binary makes it from the group's configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shikaku_kit::backoff::Backoff;
use shikaku_kit::broker::BrokerOptions;
use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::group::{CardReader, CardRule};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::FacilityCode;

use crate::error::CardReaderError;

/// What the adapter of one reader is told.
#[derive(Clone)]
pub struct CardReaderOptions {
    /// The facility.
    pub facility: FacilityCode,
    /// How the facility's own cards are read.
    pub card_rules: Vec<CardRule>,
    /// The desk that the reader lies on.
    pub desk: String,
    /// The reader.
    pub reader: CardReader,
    /// The hub's `data_dir`; the adapter makes `spool/` and `card-reader/` in it.
    pub data_dir: PathBuf,
    /// The group's key; everything is sealed under keys derived from it.
    pub group_key: SealKey,
    /// The broker, as user `card-reader`.
    pub broker: BrokerOptions,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Names each connection to the PC/SC service.
    pub randomness: Arc<dyn Randomness>,
    /// When an observation that the hub did not answer is said again.
    pub again: Backoff,
}

impl std::fmt::Debug for CardReaderOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardReaderOptions")
            .field("facility", &self.facility)
            .field("reader", &self.reader.id)
            .finish_non_exhaustive()
    }
}

impl CardReaderOptions {
    /// The usual patience of the publisher.
    pub const AGAIN: Backoff = Backoff {
        first: Duration::from_secs(5),
        cap: Duration::from_secs(300),
    };

    /// `<facility>-<reader>`: its directory in `card-reader/`; in `spool/` with `card-` before it.
    ///
    /// # Errors
    /// [`CardReaderError::BadName`] for anything that can't be one path component.
    pub fn directory_name(&self) -> Result<String, CardReaderError> {
        let name = format!("{}-{}", self.facility, self.reader.id);
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if self.reader.id.is_empty() || !name.chars().all(plain) {
            return Err(CardReaderError::BadName);
        }
        Ok(name)
    }
}
