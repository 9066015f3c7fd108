//! What NATS refused, in the port's words.

use async_nats::jetstream::context::{PublishError, PublishErrorKind};

use crate::BrokerError;
use crate::error::Cause;

/// A failure of `what`.
pub(super) fn failed<E: Into<Cause>>(what: &'static str) -> impl FnOnce(E) -> BrokerError {
    move |error| BrokerError::Failed {
        what,
        source: error.into(),
    }
}

/// A refusal for the sake of order names the sequence that the broker goes by, in words alone.
pub(super) fn not_stored(error: PublishError) -> BrokerError {
    match error.kind() {
        PublishErrorKind::StreamNotFound => BrokerError::StreamMissing,
        PublishErrorKind::WrongLastSequence => match named_sequence(&error.to_string()) {
            Some(last) => BrokerError::OutOfSequence { last },
            None => failed("confirm a message")(error),
        },
        _ => failed("confirm a message")(error),
    }
}

fn named_sequence(words: &str) -> Option<u64> {
    let (_, after) = words.rsplit_once("wrong last sequence: ")?;
    let end = after.find(|c: char| !c.is_ascii_digit());
    after.get(..end.unwrap_or(after.len()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::named_sequence;

    #[test]
    fn a_refusal_names_the_last_sequence() {
        let words = "wrong last sequence: wrong last sequence: 60 (code 400, error code 10071)";
        assert_eq!(named_sequence(words), Some(60));
        assert_eq!(named_sequence("wrong last sequence: unknown"), None);
        assert_eq!(named_sequence("timed out"), None);
    }
}
