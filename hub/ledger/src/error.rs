//! What can go wrong. Nothing personal is in any message.

use std::path::PathBuf;

use shikaku_schemas::event::EventError;
use shikaku_schemas::value::{EvidenceId, Position, StreamId};

/// Why the ledger can't be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The database does not answer, or refuses.
    #[error("the ledger's database failed")]
    Database(#[from] sqlx::Error),
    /// A file of keys or of the proof can't be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A commit would not survive a power cut.
    #[error("not durable: `{setting}` is `{found}`, must be `{required}`")]
    NotDurable {
        /// The setting.
        setting: String,
        /// As the server tells it.
        found: String,
        /// As it has to be.
        required: &'static str,
    },
    /// Opened read-only, and there is no ledger yet.
    #[error("there is no ledger here yet")]
    Missing,
    /// The tables were made by a later version of the program.
    #[error(
        "the {store} was written by a later version (schema {found}, this program knows {known})"
    )]
    TooNew {
        /// Ledger or key store.
        store: &'static str,
        /// What it has.
        found: i64,
        /// What we know.
        known: i64,
    },
    /// The key store was made under another group key.
    #[error("the key store belongs to another group key")]
    WrongGroupKey,
    /// Signed heads exist, but the key that signed them is gone.
    #[error("the signing key {0} is missing although signed heads exist")]
    SigningKeyMissing(PathBuf),
    /// The signing key's file holds no key.
    #[error("the signing key {0} is no 32 bytes of hex")]
    SigningKeyMalformed(PathBuf),
    /// The database disagrees with what was signed: events are missing or changed.
    #[error("the ledger does not match its signed head at position {position}: {reason}")]
    Proof {
        /// The first position in doubt.
        position: Position,
        /// What was found.
        reason: &'static str,
    },
    /// Another epoch was begun since this ledger was opened.
    #[error("the ledger is in epoch {found} and was opened in epoch {known}")]
    OtherEpoch {
        /// The present one.
        found: u32,
        /// The one that was opened.
        known: u32,
    },
    /// A row that this program did not write.
    #[error("row at position {position} is malformed: {column}")]
    MalformedRow {
        /// Where.
        position: Position,
        /// Which column.
        column: &'static str,
    },
    /// A row of a table beside the events that this program did not write.
    #[error("a row of table {table} is malformed: {column}")]
    Malformed {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
    },
    /// A payload that does not open with its key.
    #[error("payload at position {position} does not open")]
    PayloadRefused {
        /// Where.
        position: Position,
    },
    /// A key that is neither there nor erased.
    #[error("the key of {owner} is missing and was never erased")]
    KeyLost {
        /// Whose.
        owner: String,
    },
    /// A payload of a type or version that this program does not know: a reader stops, it never skips.
    #[error("event at position {position} cannot be read")]
    UnknownEvent {
        /// Where.
        position: Position,
        /// Why.
        #[source]
        source: EventError,
    },
    /// Stored evidence is not what its id says.
    #[error("evidence {0} is not what its id says")]
    EvidenceChanged(EvidenceId),
    /// A writer was asked for on a ledger that was opened to look only.
    #[error("the ledger was opened read-only")]
    ReadOnly,
    /// Keys or versions changed under the batch more often than anybody changes them.
    #[error("the stores kept changing under the batch")]
    Busy,
    /// A writer's task died.
    #[error("a background task of the writer failed")]
    Task(#[from] tokio::task::JoinError),
}

impl LedgerError {
    /// Whether what was read can't be understood or opened: damage, a lost key, a later release's event. Asking again
    /// will not help; everything else can be read.
    pub fn is_unreadable(&self) -> bool {
        matches!(
            self,
            Self::UnknownEvent { .. }
                | Self::PayloadRefused { .. }
                | Self::KeyLost { .. }
                | Self::MalformedRow { .. }
                | Self::Malformed { .. }
                | Self::EvidenceChanged(_)
        )
    }
}

/// Why a batch was not appended. Nothing of it was committed, unless it is `Ambiguous`, or `Fenced` after the
/// line broke: then the inbox knows.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another writer took over. This one stops for good.
    #[error("another writer has taken over")]
    Fenced,
    /// A stream is not at the version the draft was decided on: load it again and decide anew.
    #[error("stream {stream} has moved on")]
    Conflict {
        /// Which.
        stream: StreamId,
    },
    /// An identity key of the batch leads to another record: resolve again and decide anew.
    #[error("an identity key already leads to another record")]
    IdentityTaken,
    /// An observation of the batch already has its final answer.
    #[error("an observation already has its final answer")]
    AlreadyAnswered,
    /// The stream's key was destroyed; it accepts nothing more.
    #[error("stream {stream} is erased")]
    Erased {
        /// Which.
        stream: StreamId,
    },
    /// The batch contradicts itself or can't be written; repeating it will not help.
    #[error("the batch is not lawful: {0}")]
    Unlawful(&'static str),
    /// The database or the key store does not answer. Surely nothing was committed; try again later.
    #[error("the ledger is unavailable")]
    Unavailable(#[source] Box<LedgerError>),
    /// The line broke after COMMIT was sent and could not be mended in time. Call
    /// [`crate::Writer::recover`] until it succeeds, then the inbox tells what happened.
    #[error("the commit's outcome is not known yet")]
    Ambiguous(#[source] Box<LedgerError>),
}

impl AppendError {
    pub(crate) fn unavailable(source: impl Into<LedgerError>) -> Self {
        Self::Unavailable(Box::new(source.into()))
    }
}
