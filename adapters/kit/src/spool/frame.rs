//! One entry on disk: `"SPL1" | sequence u64 | observation id 16 | body length u32 | check 8 | body`.
//! The body is sealed and bound to the observation's id; inside: `JSON length u32 | JSON | evidence`.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::ObservationId;
use uuid::Uuid;

use super::{Entry, SpoolError};

const MAGIC: &[u8; 4] = b"SPL1";
pub(super) const HEADER: usize = 4 + 8 + 16 + 4 + 8;
/// No single entry is larger: the largest source file is capped far below.
const BODY_LIMIT: usize = 64 << 20;

/// Where a frame stands and whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) sequence: u64,
    pub(super) id: ObservationId,
    pub(super) body: usize,
    check: [u8; 8],
}

impl Header {
    pub(super) fn frame_bytes(&self) -> u64 {
        (HEADER + self.body) as u64
    }
}

/// Appends the frame of `entry` to `out`.
pub(super) fn write(
    key: &SealKey,
    sequence: u64,
    entry: &Entry,
    out: &mut Vec<u8>,
) -> Result<u64, SpoolError> {
    let json = serde_json::to_vec(&entry.observation)?;
    let evidence = entry.evidence.as_deref().unwrap_or_default();
    let mut plain = Vec::with_capacity(5 + json.len() + evidence.len());
    plain.extend_from_slice(
        &u32::try_from(json.len())
            .map_err(|_| SpoolError::TooLarge)?
            .to_be_bytes(),
    );
    plain.extend_from_slice(&json);
    plain.push(u8::from(entry.evidence.is_some()));
    plain.extend_from_slice(evidence);
    let id = entry.observation.observation_id;
    let body = key.seal(&binding(id), &plain);
    if body.len() > BODY_LIMIT {
        return Err(SpoolError::TooLarge);
    }
    let start = out.len();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(id.0.as_bytes());
    let length = u32::try_from(body.len()).map_err(|_| SpoolError::TooLarge)?;
    out.extend_from_slice(&length.to_be_bytes());
    let check = checksum(&out[start..], &body);
    out.extend_from_slice(&check);
    out.extend_from_slice(&body);
    Ok((out.len() - start) as u64)
}

/// Reads the next whole frame; `None` at the end, at a torn tail and at anything that is no frame.
pub(super) fn next(source: &mut impl Read, body: &mut Vec<u8>) -> io::Result<Option<Header>> {
    let mut raw = [0u8; HEADER];
    if !fill(source, &mut raw)? {
        return Ok(None);
    }
    let Some(header) = parse(&raw) else {
        return Ok(None);
    };
    body.clear();
    // Grows with what is really there, so that a damaged length never allocates much.
    let read = source.take(header.body as u64).read_to_end(body)?;
    if read != header.body || checksum(&raw[..HEADER - 8], body) != header.check {
        return Ok(None);
    }
    Ok(Some(header))
}

/// Opens a frame's body.
pub(super) fn open(key: &SealKey, id: ObservationId, body: &[u8]) -> Result<Entry, SpoolError> {
    let plain = key
        .open(&binding(id), body)
        .map_err(|_| SpoolError::Damaged)?;
    let (length, rest) = plain.split_at_checked(4).ok_or(SpoolError::Damaged)?;
    let length = u32::from_be_bytes(length.try_into().map_err(|_| SpoolError::Damaged)?) as usize;
    let (json, rest) = rest.split_at_checked(length).ok_or(SpoolError::Damaged)?;
    let (present, evidence) = rest.split_first().ok_or(SpoolError::Damaged)?;
    Ok(Entry {
        observation: serde_json::from_slice(json)?,
        evidence: (*present == 1).then(|| evidence.to_vec()),
    })
}

fn parse(raw: &[u8; HEADER]) -> Option<Header> {
    if &raw[..4] != MAGIC {
        return None;
    }
    let body = u32::from_be_bytes(raw[28..32].try_into().ok()?) as usize;
    (body <= BODY_LIMIT).then_some(Header {
        sequence: u64::from_be_bytes(raw[4..12].try_into().ok()?),
        id: ObservationId(Uuid::from_slice(&raw[12..28]).ok()?),
        body,
        check: raw[32..40].try_into().ok()?,
    })
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn checksum(header: &[u8], body: &[u8]) -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update(header);
    hash.update(body);
    let mut check = [0; 8];
    check.copy_from_slice(&hash.finalize()[..8]);
    check
}

fn binding(id: ObservationId) -> Vec<u8> {
    format!("spool|{id}").into_bytes()
}
