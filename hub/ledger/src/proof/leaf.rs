//! Digest of one row, and the chain over them.

use sha2::{Digest, Sha256};
use shikaku_schemas::event::EventHead;
use uuid::Uuid;

pub(crate) type Hash = [u8; 32];

/// Length that stands for NULL, so that it differs from an empty text.
const NULL: u32 = u32::MAX;

struct Fields(Sha256);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("a row is far smaller than 4 GiB");
        self.0.update(length.to_be_bytes());
        self.0.update(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.0.update(NULL.to_be_bytes()),
        }
    }
}

/// SHA-256 of `0x00` and the columns in their order, each behind its length (4 bytes, big end first).
/// Integers are 8 bytes, big end first; times are µs; ids are 16 bytes. This is RFC 6962's leaf hash.
pub(crate) fn leaf(head: &EventHead, sealed: &[u8]) -> Hash {
    let mut fields = Fields(Sha256::new_with_prefix([0u8]));
    fields.bytes(&head.position.0.to_be_bytes());
    fields.bytes(head.event_id.0.as_bytes());
    fields.bytes(head.stream.as_str().as_bytes());
    fields.bytes(&head.stream_version.to_be_bytes());
    fields.bytes(head.kind.as_bytes());
    fields.bytes(&u64::from(head.schema_version).to_be_bytes());
    fields.bytes(&head.recorded_at.as_microsecond().to_be_bytes());
    fields.optional(head.facility.as_ref().map(|code| code.as_str().as_bytes()));
    fields.optional(head.patient.as_ref().map(|id| id.0.as_bytes().as_slice()));
    let observation = head.observation_id.as_ref();
    fields.optional(observation.map(|id| id.0.as_bytes().as_slice()));
    fields.optional(head.evidence.as_ref().map(|id| id.as_str().as_bytes()));
    let as_of = head.as_of.map(|at| at.0.as_microsecond().to_be_bytes());
    fields.optional(as_of.as_ref().map(<[u8; 8]>::as_slice));
    fields.bytes(sealed);
    fields.0.finalize().into()
}

/// The chain before the first event.
pub(crate) fn genesis(store_id: Uuid) -> Hash {
    Sha256::new_with_prefix(b"shikaku-ledger|")
        .chain_update(store_id.as_bytes())
        .finalize()
        .into()
}

/// The chain after one more event.
pub(crate) fn chain(before: &Hash, leaf: &Hash) -> Hash {
    Sha256::new_with_prefix(before)
        .chain_update(leaf)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use shikaku_schemas::value::{EventId, FacilityCode, Position, StreamId};

    fn head() -> EventHead {
        EventHead {
            position: Position(1),
            event_id: EventId(Uuid::from_u128(1)),
            stream: StreamId::from("case-1"),
            stream_version: 1,
            kind: "verified".to_owned(),
            schema_version: 1,
            recorded_at: Timestamp::from_microsecond(1_700_000_000_000_001).unwrap(),
            facility: None,
            patient: None,
            observation_id: None,
            evidence: None,
            as_of: None,
        }
    }

    #[test]
    fn every_column_counts_and_none_runs_into_the_next() {
        let base = leaf(&head(), b"x");
        let mut empty = head();
        empty.facility = Some(FacilityCode::from(""));
        assert_ne!(leaf(&empty, b"x"), base, "an empty text is not NULL");
        let mut later = head();
        later.recorded_at = Timestamp::from_microsecond(1_700_000_000_000_002).unwrap();
        assert_ne!(leaf(&later, b"x"), base, "one microsecond counts");
        let mut shifted = head();
        shifted.stream = StreamId::from("case-");
        shifted.kind = "1verified".to_owned();
        assert_ne!(leaf(&shifted, b"x"), base, "columns do not run together");
        assert_ne!(leaf(&head(), b"y"), base);
    }

    #[test]
    fn nanoseconds_that_no_database_keeps_do_not_count() {
        let mut finer = head();
        finer.recorded_at = Timestamp::from_nanosecond(1_700_000_000_000_001_999).unwrap();
        assert_eq!(leaf(&finer, b"x"), leaf(&head(), b"x"));
    }
}
