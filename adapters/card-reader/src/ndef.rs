//! NDEF: the first text or URI record of a message.

/// Bytes of a message at most.
pub(crate) const MESSAGE: usize = 1024;

/// The text of the first record that is a text or a URI; `None` when there is none.
pub(crate) fn first_text(message: &[u8]) -> Option<String> {
    let mut rest = message;
    for _ in 0..16 {
        let (record, after) = record(rest)?;
        if let Some(text) = text(&record) {
            return Some(text);
        }
        if record.last {
            return None;
        }
        rest = after;
    }
    None
}

/// The message in the TLV blocks of a type 2 tag's memory.
pub(crate) fn in_memory(memory: &[u8]) -> Option<&[u8]> {
    let mut rest = memory;
    loop {
        match rest {
            [0x00, after @ ..] => rest = after,
            [kind, 0xFF, high, low, after @ ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                match kind {
                    0x03 => return after.get(..length),
                    _ => rest = after.get(length..)?,
                }
            }
            [0xFE, ..] => return None,
            [kind, length, after @ ..] => {
                let length = usize::from(*length);
                match kind {
                    0x03 => return after.get(..length),
                    _ => rest = after.get(length..)?,
                }
            }
            _ => return None,
        }
    }
}

struct Record<'a> {
    last: bool,
    well_known: bool,
    kind: &'a [u8],
    payload: &'a [u8],
}

fn record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (&flags, rest) = bytes.split_first()?;
    let (&kind_length, rest) = rest.split_first()?;
    let short = flags & 0x10 != 0;
    let (payload_length, rest) = if short {
        let (&length, rest) = rest.split_first()?;
        (usize::from(length), rest)
    } else {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        (usize::try_from(u32::from_be_bytes(*length)).ok()?, rest)
    };
    let (id_length, rest) = if flags & 0x08 != 0 {
        let (&length, rest) = rest.split_first()?;
        (usize::from(length), rest)
    } else {
        (0, rest)
    };
    let (kind, rest) = rest.split_at_checked(usize::from(kind_length))?;
    let (_, rest) = rest.split_at_checked(id_length)?;
    let (payload, rest) = rest.split_at_checked(payload_length)?;
    let record = Record {
        last: flags & 0x40 != 0,
        well_known: flags & 0x07 == 0x01,
        kind,
        payload,
    };
    Some((record, rest))
}

fn text(record: &Record<'_>) -> Option<String> {
    match record.kind {
        b"T" if record.well_known => {
            let (&status, rest) = record.payload.split_first()?;
            let text = rest.get(usize::from(status & 0x3F)..)?;
            // UTF-16 texts hold no number of ours.
            (status & 0x80 == 0)
                .then(|| String::from_utf8(text.to_vec()).ok())
                .flatten()
        }
        // The abbreviation of the scheme stays out: a rule's prefix begins after it.
        b"U" if record.well_known => String::from_utf8(record.payload.get(1..)?.to_vec()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_text_and_address_and_passes_over_others() {
        let text = [&[0xD1, 0x01, 0x0B, b'T', 0x02][..], b"ja00012345"].concat();
        assert_eq!(first_text(&text).as_deref(), Some("00012345"));
        let uri = [&[0xD1, 0x01, 0x0C, b'U', 0x04][..], b"x.jp/000123"].concat();
        assert_eq!(first_text(&uri).as_deref(), Some("x.jp/000123"));
        let mime = [&[0x92, 0x03, 0x02][..], b"a/b", b"zz", &text[..]].concat();
        assert_eq!(first_text(&mime).as_deref(), Some("00012345"));
        assert_eq!(first_text(&[0xD0, 0x00, 0x00]), None);
    }

    #[test]
    fn finds_the_message_between_other_blocks() {
        let memory = [0x00, 0x01, 0x03, 9, 9, 9, 0x03, 0x02, 0xD0, 0x00, 0xFE, 7];
        assert_eq!(in_memory(&memory), Some(&[0xD0, 0x00][..]));
        assert_eq!(in_memory(&[0xFE, 0x03, 0x01, 0x00]), None);
        assert_eq!(in_memory(&[0x03, 0x05, 0x00]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = first_text(&bytes);
            let _ = in_memory(&bytes);
        }
    }
}
