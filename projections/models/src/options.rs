//! What the projections role is given. Validated by the binary's config before any socket opens.

use std::path::PathBuf;
use std::sync::Arc;

use shikaku_broker::BrokerAt;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::feed::{Audience, FeedVariant};
use shikaku_schemas::group::Group;
use shikaku_schemas::seal::SealKey;

use crate::status::StatusBoard;

/// Where rows are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// One file per projection, `<directory>/<variant>.db`.
    Sqlite {
        /// `data_dir/projections`.
        directory: PathBuf,
    },
    /// One schema per projection, `projection_<variant>`.
    Postgres {
        /// `postgres://…`.
        url: String,
    },
    /// In memory, of a simulation.
    #[cfg(feature = "simulation")]
    Memory(crate::MemoryDatabases),
}

/// Where looks are logged. Not rebuildable: it belongs into backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessAt {
    /// `data_dir/access.db`.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// In memory, of a simulation.
    #[cfg(feature = "simulation")]
    Memory(crate::MemoryDatabases),
    /// Schema `access` of the group's database.
    Postgres {
        /// `postgres://…`.
        url: String,
    },
}

/// Everything the projections role needs.
#[derive(Clone)]
pub struct ModelsOptions {
    /// The broker, as user `projections`.
    pub nats: BrokerAt,
    /// Where rows are kept.
    pub database: Database,
    /// Where looks are logged.
    pub access: AccessAt,
    /// Facilities and outside subscribers.
    pub group: Group,
    /// `group key.derive("read-model")`: look-ups by chart number go by its digest.
    pub lookup_key: SealKey,
    /// Days that feeds and outbox keep messages.
    pub feed_days: u32,
    /// Time of the access log and of trimming.
    pub clock: Arc<dyn Clock>,
    /// Told how far each projection is; readiness and metrics read it.
    pub status: StatusBoard,
}

impl ModelsOptions {
    /// The feeds to keep: all four plain audiences, and each variant that a consumer reads.
    pub fn variants(&self) -> Vec<FeedVariant> {
        let plain = Audience::ALL
            .iter()
            .map(|audience| FeedVariant::of(*audience, false));
        let asked = self
            .group
            .consumers
            .iter()
            .map(|consumer| FeedVariant::of(consumer.audience, consumer.insurance_fields));
        let mut all: Vec<_> = plain.chain(asked).collect();
        all.sort();
        all.dedup();
        all
    }
}
