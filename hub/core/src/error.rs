//! Why the hub role ended.

use shikaku_ledger::LedgerError;

/// The cause of a task's failure, kept as a source.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the hub role ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Another hub holds the ledger now. Everything of this one has stopped; it may stand by again.
    #[error("another hub has taken the ledger over; this one commits nothing more")]
    Fenced,
    /// `LOG` remembers, in this ledger's name and epoch, what the ledger does not hold: its database was put back from a
    /// backup, or a standby without the last events was promoted. Going on would make two histories of one epoch.
    #[error(
        "LOG tells of {told} events and the ledger, of the same epoch, ends at {ledger} or says otherwise: its database \
         was put back; stop every hub and begin a new epoch"
    )]
    PutBack {
        /// The last position that `LOG` tells of.
        told: u64,
        /// The ledger's last one.
        ledger: u64,
    },
    /// The ledger could not be taken.
    #[error("the ledger could not be taken for writing")]
    Ledger(#[from] LedgerError),
    /// The broker could not be reached or prepared in time.
    #[error("the broker could not be prepared: {step}")]
    Broker {
        /// What was tried.
        step: &'static str,
        /// What came back.
        #[source]
        source: Cause,
    },
    /// A task of the role failed.
    #[error("task {task} failed")]
    Task {
        /// Its name.
        task: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A task of the role ended although nothing asked it to, or panicked.
    #[error("task {task} ended unasked")]
    Ended {
        /// Its name.
        task: &'static str,
    },
}
