#![doc = include_str!("../README.md")]

mod error;
mod keys;
mod ledger;
mod model;
mod options;
mod proof;
mod store;
mod writer;

pub use error::{AppendError, LedgerError};
pub use ledger::Ledger;
pub use model::{
    Appended, BadPosition, Batch, CaseChange, CaseRow, Draft, EvidenceChunk, Head, IdentityKey,
    InboxRow, KeyKind, KeyOwner, Opened, StoreIdentity, StoredEvent, VerifyProgress, VerifyReport,
};
pub use options::{Database, KeyStoreAt, KeysOptions, LedgerOptions};
#[cfg(feature = "simulation")]
pub use store::memory::{Backup, Call, Fate, MemoryDatabase, MemoryLine, Weather};
pub use writer::Writer;
