//! Read models: what each audience may know, as rows, as feed messages, and as answers.
//!
//! One projection per feed variant reads `LOG` in order, opens each payload with its record's key, and
//! changes its rows, its outbox and its checkpoint in one transaction. A publisher carries the outbox to
//! the feed streams; a responder answers `state` and `replay`. Nothing here reads the ledger, decides
//! anything, or is the only copy of anything but the access log.
//!
//! What an audience may know stands in [`shikaku_schemas::feed`], and only there. To add a read model,
//! add a module beside `feed` and start it in `run`.

mod access;
mod apply;
mod keys;
mod letter;
mod log;
mod options;
mod projection;
mod publish;
mod respond;
mod run;
mod sealed;
mod status;
mod store;

pub use access::{AccessError, AccessLog, AccessRow, Look};
pub use options::{AccessAt, Database, ModelsOptions};
pub use run::{ModelsError, run};
pub use shikaku_broker::{BrokerAt, BrokerOptions};
pub use status::{ProjectionStatus, StatusBoard};
#[cfg(feature = "simulation")]
pub use store::memory::{Fate, MemoryDatabases, Weather};
