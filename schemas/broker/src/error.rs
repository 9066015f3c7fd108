//! What can go wrong with the broker. No payload is in any message.

/// A cause kept as a source.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong with the broker. After any of these nobody knows more than before, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The options can never work; an unreachable broker is no error.
    #[error("the broker's address or certificate can't be used")]
    Address(#[source] Cause),
    /// The broker says that there is no such stream.
    #[error("the broker has no such stream")]
    StreamMissing,
    /// The stream has no such message, or can't read it any more.
    #[error("the stream can't give this message")]
    MessageMissing,
    /// The message was to follow another sequence than the last one.
    #[error("the stream's last sequence is {last}, another was expected")]
    OutOfSequence {
        /// The one the broker goes by.
        last: u64,
    },
    /// It did not answer in time, refused, or is away.
    #[error("the broker did not {what}")]
    Failed {
        /// What was asked, as a verb.
        what: &'static str,
        /// Why not.
        #[source]
        source: Cause,
    },
}

impl BrokerError {
    /// A failure of `what`.
    pub fn failed(what: &'static str) -> impl FnOnce(Cause) -> Self {
        move |source| Self::Failed { what, source }
    }
}
