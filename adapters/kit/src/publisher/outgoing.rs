//! One entry as messages: evidence chunks first, then the observation.

use shikaku_broker::{HeaderMap, NATS_MESSAGE_ID, Outgoing as Message};
use shikaku_schemas::observation::EvidenceRef;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::subject;
use shikaku_schemas::topology::{
    EVIDENCE_CHUNK, EVIDENCE_CHUNK_BYTES, EVIDENCE_CHUNKS, EVIDENCE_ID,
};
use shikaku_schemas::value::{EvidenceId, ObservationId};

use super::PublisherOptions;
use crate::spool::Entry;

/// One message, and the entry it belongs to.
pub(super) struct Outgoing {
    pub(super) id: ObservationId,
    pub(super) message: Message,
}

/// The reference of `bytes` as evidence.
pub fn evidence_ref(group_key: &SealKey, bytes: &[u8], media: &str) -> EvidenceRef {
    let chunks = bytes.len().div_ceil(EVIDENCE_CHUNK_BYTES).max(1);
    EvidenceRef {
        id: EvidenceId(to_hex(&group_key.derive("evidence-digest").digest(bytes))),
        bytes: bytes.len() as u64,
        chunks: u32::try_from(chunks).unwrap_or(u32::MAX),
        media: media.to_owned(),
    }
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Adds the messages of `entry`. The first attempt bears the plain message ids, so that a broker that
/// heard it a moment ago stores it once; later ones bear ids of their own, so that none is swallowed.
pub(super) fn prepare(
    options: &PublisherOptions,
    entry: Entry,
    attempts: u32,
    out: &mut Vec<Outgoing>,
) {
    let again = match attempts {
        0 => String::new(),
        n => format!("-{:x}-{n}", options.run),
    };
    let observation = entry.observation;
    let id = observation.observation_id;
    if let (Some(reference), Some(bytes)) = (&observation.evidence, &entry.evidence) {
        chunks(options, id, reference, bytes, &again, out);
    }
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, format!("{id}{again}"));
    match serde_json::to_vec(&observation) {
        Ok(json) => out.push(Outgoing {
            id,
            message: Message {
                subject: subject::observation(
                    &options.facility,
                    &options.source,
                    &options.device,
                    observation.body.kind(),
                ),
                headers,
                payload: json.into(),
            },
        }),
        Err(error) => tracing::error!(observation.id = %id, error = %error, "can't be written"),
    }
}

fn chunks(
    options: &PublisherOptions,
    id: ObservationId,
    reference: &EvidenceRef,
    bytes: &[u8],
    again: &str,
    out: &mut Vec<Outgoing>,
) {
    let edge = options.group_key.derive("edge");
    // Evidence of no bytes is one empty chunk, so that it is complete somewhere.
    let empty: &[u8] = &[];
    let pieces: Vec<&[u8]> = match bytes {
        [] => vec![empty],
        bytes => bytes.chunks(EVIDENCE_CHUNK_BYTES).collect(),
    };
    for (index, plain) in pieces.into_iter().enumerate() {
        let evidence = &reference.id;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, format!("{evidence}-{index}{again}"));
        headers.insert(EVIDENCE_ID, evidence.as_str());
        headers.insert(EVIDENCE_CHUNK, index.to_string());
        headers.insert(EVIDENCE_CHUNKS, reference.chunks.to_string());
        out.push(Outgoing {
            id,
            message: Message {
                subject: subject::evidence(&options.facility, &options.source, &options.device),
                headers,
                payload: edge.seal(&chunk_binding(evidence, index), plain).into(),
            },
        });
    }
}

/// What a sealed chunk is bound to: `<evidence id>|<index>`.
pub fn chunk_binding(evidence: &EvidenceId, index: usize) -> Vec<u8> {
    format!("{evidence}|{index}").into_bytes()
}
