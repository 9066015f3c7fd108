//! Whether a file has its end, whatever it says. Only existing programs' own files are asked: what they get and send is
//! theirs, whether we understand it or not, but half of it is of no use to anybody.

use std::borrow::Cow;
use std::io::{self, Read as _};
use std::path::Path;

use shikaku_disk::{Disk, How, Reader};

/// Bytes at the end of a file that tell whether it is one.
const TAIL: usize = 66 << 10;
/// Bytes at its start that tell what it is.
const HEAD: usize = 4 << 10;
/// Bytes looked through at a time.
const PIECE: u64 = 1 << 20;
/// Blocks of a copy that are still to come are empty.
const BLANK: [u8; 16] = [0; 16];

/// Whether the end of a file in memory, or a block of it, may still be to come.
pub(crate) fn may_be_cut(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    lacks_end(head, last(bytes, TAIL)) || (is_text(head) && has_blank(bytes))
}

/// The same of a file that may be larger than memory.
///
/// # Errors
/// When it can't be read.
pub(crate) fn may_file_be_cut(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    let file = disk.open(path, How::ReadPlain)?;
    let end = file.stat()?.size;
    let part = |from, length: usize| {
        let mut part = Vec::new();
        let mut read = Reader::new(file.clone(), from).take(length as u64);
        read.read_to_end(&mut part).map(|_| part)
    };
    let head = part(0, HEAD)?;
    let tail = part(end.saturating_sub(TAIL as u64), TAIL)?;
    if lacks_end(&head, &tail) {
        return Ok(true);
    }
    Ok(is_text(&head) && has_blank_block(&mut Reader::new(file, 0))?)
}

fn lacks_end(head: &[u8], tail: &[u8]) -> bool {
    if head.iter().all(|byte| *byte == 0) || tail.ends_with(&BLANK) {
        return true;
    }
    if begins(head, b"PK\x03\x04") {
        return !is_pack_ended(tail);
    }
    if begins(head, b"%PDF-") {
        return find(last(tail, 1 << 10), b"%%EOF").is_none();
    }
    let (head, tail) = match is_wide(head) {
        true => (narrow(head), narrow(tail)),
        false => (head.into(), tail.into()),
    };
    match root(&head) {
        Root::Alone => false,
        Root::Named(name) => !is_root_ended(name, &tail),
        Root::Unsaid => true,
        Root::NoXml => false,
    }
}

/// Whether `head` begins so, as far as it goes.
fn begins(head: &[u8], with: &[u8]) -> bool {
    let known = head.len().min(with.len());
    head[..known] == with[..known]
}

/// A ZIP ends in the end of its directory, and that in a comment of the length that it tells.
fn is_pack_ended(tail: &[u8]) -> bool {
    const RECORD: usize = 22;
    let last = tail.len().saturating_sub(RECORD);
    (0..=last).rev().any(|at| {
        tail[at..].starts_with(b"PK\x05\x06")
            && tail.get(at + RECORD - 2..).is_some_and(|rest| {
                rest.len() >= 2
                    && usize::from(u16::from_le_bytes([rest[0], rest[1]])) == rest.len() - 2
            })
    })
}

/// What the start of a text says of its root.
enum Root<'a> {
    Named(&'a [u8]),
    /// It is nothing but its only tag.
    Alone,
    /// The start does not reach so far.
    Unsaid,
    /// No XML, whatever it is.
    NoXml,
}

fn root(head: &[u8]) -> Root<'_> {
    const BOM: &[u8] = b"\xEF\xBB\xBF";
    if matches!(head, [0xEF] | [0xEF, 0xBB] | [0xFE] | [0xFF]) {
        return Root::Unsaid;
    }
    let mut rest = head.strip_prefix(BOM).unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let end = match rest {
            [] | [b'<'] => None,
            [b'<', b'?', ..] => find(rest, b"?>").map(|at| at + 2),
            [b'<', b'!', b'-', ..] => find(rest, b"-->").map(|at| at + 3),
            [b'<', b'!', ..] => doctype_end(rest),
            [b'<', ..] => return tag(rest),
            _ => return Root::NoXml,
        };
        match end {
            Some(end) => rest = &rest[end..],
            None => return Root::Unsaid,
        }
    }
}

fn doctype_end(doctype: &[u8]) -> Option<usize> {
    let end = find(doctype, b">")?;
    match find(&doctype[..end], b"[") {
        Some(_) => {
            let subset = find(doctype, b"]")?;
            find(&doctype[subset..], b">").map(|at| subset + at + 1)
        }
        None => Some(end + 1),
    }
}

/// The first tag of a document.
fn tag(rest: &[u8]) -> Root<'_> {
    let name = &rest[1..];
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let length = match name.iter().position(ends) {
        Some(0) => return Root::NoXml,
        Some(length) => length,
        None => return Root::Unsaid,
    };
    let mut quote = None;
    let end = rest.iter().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        quote.is_none() && *byte == b'>'
    });
    match end {
        Some(end) if rest[end - 1] == b'/' => Root::Alone,
        Some(_) => Root::Named(&name[..length]),
        None => Root::Unsaid,
    }
}

/// Whether a text ends in the end tag of its root, but for what may follow one.
fn is_root_ended(name: &[u8], tail: &[u8]) -> bool {
    let mut rest = tail;
    loop {
        // Among them the end of file of long ago.
        let is_filling = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1A);
        while let Some((last, before)) = rest.split_last()
            && is_filling(last)
        {
            rest = before;
        }
        let begin: &[u8] = match rest {
            _ if rest.ends_with(b"-->") => b"<!--",
            _ if rest.ends_with(b"?>") => b"<?",
            _ => break,
        };
        match rest
            .windows(begin.len())
            .rposition(|window| window == begin)
        {
            Some(at) => rest = &rest[..at],
            None => return false,
        }
    }
    let tag = rest.strip_suffix(b">").map(<[u8]>::trim_ascii_end);
    let before = tag.and_then(|tag| tag.strip_suffix(name));
    before.is_some_and(|before| before.ends_with(b"</"))
}

fn is_text(head: &[u8]) -> bool {
    !is_wide(head) && !begins(head, b"PK\x03\x04") && !begins(head, b"%PDF-")
}

/// UTF-16 is none of the interface's encodings, but its tags can be told all the same.
fn is_wide(head: &[u8]) -> bool {
    let starts: [&[u8]; 4] = [b"\xFF\xFE", b"\xFE\xFF", b"<\0", b"\0<"];
    starts.iter().any(|start| head.starts_with(start))
}

fn narrow(wide: &[u8]) -> Cow<'_, [u8]> {
    let is_mark = |byte: &&u8| !matches!(**byte, 0 | 0xFE | 0xFF);
    wide.iter().filter(is_mark).copied().collect()
}

fn has_blank_block(file: &mut impl io::Read) -> io::Result<bool> {
    let mut piece = Vec::new();
    loop {
        let known = piece.len().saturating_sub(BLANK.len() - 1);
        piece.drain(..known);
        let read = file.take(PIECE).read_to_end(&mut piece)?;
        if has_blank(&piece) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
    }
}

fn has_blank(bytes: &[u8]) -> bool {
    find(bytes, &BLANK).is_some()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn last(bytes: &[u8], most: usize) -> &[u8] {
    &bytes[bytes.len().saturating_sub(most)..]
}

#[cfg(test)]
mod tests {
    use shikaku_disk::SystemDisk;
    use shikaku_schemas::oqs::archive::pack;

    use super::*;

    const WHOLE: [&[u8]; 12] = [
        include_bytes!("../../../schemas/samples/oqs/face-assistance-only-cp932.xml"),
        include_bytes!("../../../schemas/samples/oqs/face-utf8-bom.xml"),
        include_bytes!("../../../schemas/samples/oqs/face-no-declaration-utf8.xml"),
        include_bytes!("../../../schemas/samples/oqs/OQSmutic02res_202605160001.zip"),
        b"<?xml version=\"1.0\"?><!-- <note> --><Any a=\"1\"><b/></Any >\r\n",
        b"<XmlMsg/>",
        b"<!-- <a> --><a x=\"1>2/>\" y='>'/>",
        b"<!DOCTYPE a [ <!ENTITY b \"c\"> ]><a x=\"/>\"><b/></a>\0\0\x1A\x1A",
        b"<a><b/></a><!-- <a> -->\n<?end?>\n",
        b"<XmlMsg><a/></XmlMsg>\r\n\x1A",
        b"%PDF-1.7\n1 0 obj\nstartxref\n9\n%%EOF\n",
        b"\0<\0a\0>\0<\0/\0a\0>",
    ];

    fn file_is_cut(bytes: &[u8]) -> bool {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        std::fs::write(&path, bytes).unwrap();
        may_file_be_cut(&SystemDisk, &path).unwrap()
    }

    #[test]
    fn what_is_whole_has_its_end_and_what_is_not_lacks_it() {
        let locked = pack("OQSsiquc01res_A1.xml", &[7; 90_000], b"a word").unwrap();
        for whole in WHOLE.into_iter().chain([&*locked]) {
            assert!(!may_be_cut(whole) && !file_is_cut(whole));
            // What stands behind the last tag may be missing without harm.
            let needed = whole.iter().rposition(|byte| *byte == b'>');
            let needed = match whole.starts_with(b"<") && !whole.ends_with(b"?>\n") {
                true => needed.map_or(whole.len(), |last| last + 1),
                false => whole.trim_ascii_end().len(),
            };
            let every = 1 + needed / 500;
            for end in (0..needed.min(64)).chain((64..needed).step_by(every)) {
                let (some, is_closed) = (
                    whole[..end].trim_ascii_end(),
                    find(&whole[..end], b"</a>").is_some(),
                );
                let is_ended = is_closed && (some.ends_with(b"</a>") || some.ends_with(b"-->"));
                assert_eq!(may_be_cut(&whole[..end]), !is_ended, "{end} of {needed}");
            }
            assert!(file_is_cut(&whole[..needed / 2]));
        }
    }

    #[test]
    fn blocks_that_are_still_empty_are_to_come() {
        let whole = [b"<a>".to_vec(), vec![b'x'; 200_000], b"</a>".to_vec()].concat();
        let last = whole.len();
        for blank in [50_000..70_000, 150_000..last, 60_000..60_000] {
            let mut copied = whole.clone();
            let is_cut = !blank.is_empty();
            copied[blank].fill(0);
            assert_eq!(may_be_cut(&copied), is_cut);
            assert_eq!(file_is_cut(&copied), is_cut);
        }
    }

    #[test]
    fn of_what_is_no_xml_nobody_can_tell() {
        assert!(!may_be_cut(b"a question"));
        assert!(!may_be_cut(b"\xff\xff\x01"));
        assert!(may_be_cut(b""));
    }
}
