//! From a message on `OBSERVATIONS` to work for the sequencer. Never fails: what can't be read is work too.

use std::collections::HashSet;

use shikaku_broker::HeaderMap;
use shikaku_ledger::EvidenceChunk;
use shikaku_schemas::group::Group;
use shikaku_schemas::observation::Observation;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::topology::{EVIDENCE_CHUNK, EVIDENCE_CHUNKS, EVIDENCE_ID};
use shikaku_schemas::value::{EvidenceId, FacilityCode, ObservationId};

use crate::sequencer::{Unjudged, Work};

/// Pieces that one evidence may have: far above any answer file.
const CHUNKS_AT_MOST: u32 = 16 * 1024;

/// Reads messages.
pub(crate) struct Reader {
    facilities: HashSet<FacilityCode>,
    edge: SealKey,
    digest: SealKey,
}

/// Where a message came from, as its subject says: the broker's permissions vouch for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The facility.
    pub(crate) facility: FacilityCode,
    /// Kind of adapter.
    pub(crate) source: String,
    /// The device.
    pub(crate) device: String,
}

/// A message, read.
pub(crate) struct Read {
    /// Who said it; `None` for a subject that names nobody.
    pub(crate) origin: Option<Origin>,
    /// The id its spool waits for.
    pub(crate) answers: Option<ObservationId>,
    /// What to do with it; `None`: nothing can be.
    pub(crate) work: Option<Work>,
}

impl Reader {
    /// A reader for one group.
    pub(crate) fn new(group: &Group, group_key: &SealKey) -> Self {
        Self {
            facilities: group
                .facilities
                .iter()
                .map(|facility| facility.code.clone())
                .collect(),
            edge: group_key.derive("edge"),
            digest: group_key.derive("identity").derive("unjudged"),
        }
    }

    /// Reads one message.
    pub(crate) fn read(&self, subject: &str, headers: Option<&HeaderMap>, payload: &[u8]) -> Read {
        let origin = origin(subject);
        if subject.starts_with("shikaku.evidence.") {
            let work = self.chunk(headers, payload).map(Work::Chunk);
            return Read {
                origin,
                answers: None,
                work,
            };
        }
        let Some(origin) = origin else {
            return Read {
                origin: None,
                answers: None,
                work: None,
            };
        };
        self.observation(origin, payload)
    }

    fn observation(&self, origin: Origin, payload: &[u8]) -> Read {
        let parsed = serde_json::from_slice::<Observation>(payload);
        let stated = parsed.as_ref().ok().map(|seen| seen.observation_id);
        let reason = match &parsed {
            Err(_) => Some("unreadable"),
            Ok(seen) if seen.facility != origin.facility => Some("facility-differs"),
            Ok(seen) if seen.source != origin.source || seen.device != origin.device => {
                Some("source-differs")
            }
            Ok(seen) if !self.facilities.contains(&seen.facility) => Some("facility-unknown"),
            Ok(_) => None,
        };
        let answers = stated.or_else(|| stated_id(payload));
        let work = match (parsed, reason) {
            (Ok(seen), None) => Work::Observation(Box::new(seen)),
            (_, reason) => {
                let reason = reason.unwrap_or("unreadable");
                Work::Unjudged(Box::new(Unjudged {
                    observation_id: self.own_id(&origin, answers, reason, payload),
                    facility: origin.facility.clone(),
                    reason,
                    bytes: payload.to_vec(),
                }))
            }
        };
        Read {
            answers: answers.or(match &work {
                Work::Unjudged(unjudged) => Some(unjudged.observation_id),
                _ => None,
            }),
            origin: Some(origin),
            work: Some(work),
        }
    }

    /// A message that speaks for somebody else must not take that one's place in the inbox.
    fn own_id(
        &self,
        origin: &Origin,
        stated: Option<ObservationId>,
        reason: &str,
        payload: &[u8],
    ) -> ObservationId {
        match stated {
            Some(id) if reason == "facility-unknown" => id,
            _ => {
                let place = format!("{}/{}", origin.source, origin.device);
                let digest = self.digest.digest(payload);
                let fact = digest
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>();
                ObservationId::of_fact(&origin.facility, &place, &fact)
            }
        }
    }

    fn chunk(&self, headers: Option<&HeaderMap>, payload: &[u8]) -> Option<EvidenceChunk> {
        let headers = headers?;
        let id = EvidenceId(headers.get(EVIDENCE_ID)?.as_str().to_owned());
        let index = headers.get(EVIDENCE_CHUNK)?.as_str().parse().ok()?;
        let chunks = headers.get(EVIDENCE_CHUNKS)?.as_str().parse().ok()?;
        let binding = format!("{id}|{index}");
        let bytes = self.edge.open(binding.as_bytes(), payload).ok()?;
        (index < chunks && chunks <= CHUNKS_AT_MOST).then(|| EvidenceChunk {
            id,
            index,
            chunks,
            media: "application/octet-stream".to_owned(),
            bytes,
        })
    }
}

/// `shikaku.(obs|evidence).<facility>.<source>.<device>[.<kind>]`.
fn origin(subject: &str) -> Option<Origin> {
    let mut parts = subject.split('.').skip(2);
    Some(Origin {
        facility: FacilityCode(parts.next()?.to_owned()),
        source: parts.next()?.to_owned(),
        device: parts.next()?.to_owned(),
    })
}

/// The id of an observation whose rest this version can't read, so that its spool gets an answer.
fn stated_id(payload: &[u8]) -> Option<ObservationId> {
    #[derive(serde::Deserialize)]
    struct Named {
        observation_id: ObservationId,
    }
    serde_json::from_slice::<Named>(payload)
        .ok()
        .map(|named| named.observation_id)
}

#[cfg(test)]
mod tests {
    use shikaku_schemas::group::Facility;

    use super::*;

    fn reader() -> (Reader, SealKey) {
        let facility: Facility =
            serde_json::from_value(serde_json::json!({ "code": "1319912349", "name": "見本病院" }))
                .unwrap();
        let group = Group {
            facilities: vec![facility],
            ..Group::default()
        };
        let key = SealKey::from_bytes([3; 32]);
        (Reader::new(&group, &key), key)
    }

    fn seen(facility: &str) -> Vec<u8> {
        serde_json::to_vec(&serde_json::json!({
            "observation_id": "7f0b66c1-8f6e-5c39-9f1e-5a1ca2b044d1",
            "facility": facility, "source": "terminal", "device": "t1", "sequence": 1,
            "seen_at": "2026-05-11T00:15:00Z", "as_of": null, "evidence": null,
            "kind": "card-removed", "body": { "desk": "1", "card": "unknown", "reason": "taken",
                "presented": "7f0b66c1-8f6e-5c39-9f1e-5a1ca2b044d0" }
        }))
        .unwrap()
    }

    #[test]
    fn a_body_may_not_speak_for_another_facility() {
        let (reader, _) = reader();
        let read = |subject: &str, payload: &[u8]| match reader.read(subject, None, payload).work {
            Some(Work::Unjudged(unjudged)) => Some((unjudged.reason, unjudged.observation_id)),
            Some(Work::Observation(_)) => None,
            other => panic!("unexpected {other:?}"),
        };
        let own = "shikaku.obs.1319912349.terminal.t1.card-removed";
        assert_eq!(read(own, &seen("1319912349")), None);
        let (reason, id) = read(own, &seen("1310000000")).unwrap();
        assert_eq!(reason, "facility-differs");
        assert_ne!(id.to_string(), "7f0b66c1-8f6e-5c39-9f1e-5a1ca2b044d1");
        let unknown = "shikaku.obs.1310000000.terminal.t1.card-removed";
        assert_eq!(
            read(unknown, &seen("1310000000")).unwrap().0,
            "facility-unknown"
        );
        let other = "shikaku.obs.1319912349.terminal.t2.card-removed";
        assert_eq!(
            read(other, &seen("1319912349")).unwrap().0,
            "source-differs"
        );
        assert_eq!(read(own, b"\xff not json").unwrap().0, "unreadable");
    }

    #[test]
    fn junk_that_names_itself_gets_its_answer() {
        let (reader, _) = reader();
        let junk =
            br#"{"observation_id":"7f0b66c1-8f6e-5c39-9f1e-5a1ca2b044d1","kind":"of-the-future"}"#;
        let read = reader.read("shikaku.obs.1319912349.terminal.t1.x", None, junk);
        assert_eq!(
            read.answers.unwrap().to_string(),
            "7f0b66c1-8f6e-5c39-9f1e-5a1ca2b044d1"
        );
    }

    #[test]
    fn a_chunk_opens_only_at_its_place() {
        let (reader, key) = reader();
        let sealed = key.derive("edge").seal(b"abc|1", b"piece");
        let headers = |index: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(EVIDENCE_ID, "abc");
            headers.insert(EVIDENCE_CHUNK, index);
            headers.insert(EVIDENCE_CHUNKS, "2");
            headers
        };
        let subject = "shikaku.evidence.1319912349.terminal.t1";
        let read = |index| reader.read(subject, Some(&headers(index)), &sealed).work;
        assert!(matches!(read("1"), Some(Work::Chunk(chunk)) if chunk.bytes == b"piece"));
        assert!(read("0").is_none());
        assert!(reader.read(subject, None, &sealed).work.is_none());
    }
}
