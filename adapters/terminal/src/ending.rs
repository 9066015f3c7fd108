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
/// Blocks of a copy that are still to come are empty.
const BLANK: [u8; 16] = [0; 16];

/// Whether the end of a file in memory, or a block of it, may still be to come.
pub(crate) fn may_be_cut(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    lacks_end(head, last(bytes, TAIL)) || (is_text(head) && has_blank(bytes))
}

/// The same of a file that may be larger than memory, by its first and last bytes.
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
    Ok(lacks_end(&head, &tail) || (is_text(&head) && has_blank(&tail)))
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
        Root::Named(name) => !is_root_ended(&head, name, &tail),
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
    /// The start does not reach so far.
    Unsaid,
    /// No XML, whatever it is.
    NoXml,
}

fn root(head: &[u8]) -> Root<'_> {
    let mut rest = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [] | [b'<'] => return Root::Unsaid,
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', ..] => b"-->",
            [b'<', b'!', ..] => b">",
            [b'<', ..] => break,
            _ => return Root::NoXml,
        };
        match find(rest, end) {
            Some(at) => rest = &rest[at + end.len()..],
            None => return Root::Unsaid,
        }
    }
    let name = &rest[1..];
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    match name.iter().position(ends) {
        Some(0) => Root::NoXml,
        Some(length) => Root::Named(&name[..length]),
        None => Root::Unsaid,
    }
}

/// Whether a text ends in the end tag of its root, or is nothing but its root's only tag.
fn is_root_ended(head: &[u8], name: &[u8], tail: &[u8]) -> bool {
    // An end of file of long ago.
    let tail = tail.trim_ascii_end();
    let tail = tail.strip_suffix(b"\x1A").unwrap_or(tail).trim_ascii_end();
    let Some(before) = tail.strip_suffix(b">") else {
        return false;
    };
    if before.ends_with(b"/") {
        let only = find(head, &[b"<", name].concat());
        return only.is_some_and(|at| {
            find(&head[at..], b"/>") == find(&head[at..], b">").map(|at| at - 1)
        });
    }
    let named = before.trim_ascii_end().strip_suffix(name);
    named.is_some_and(|before| before.ends_with(b"</"))
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

    const WHOLE: [&[u8]; 9] = [
        include_bytes!("../../../schemas/samples/oqs/face-assistance-only-cp932.xml"),
        include_bytes!("../../../schemas/samples/oqs/face-utf8-bom.xml"),
        include_bytes!("../../../schemas/samples/oqs/face-no-declaration-utf8.xml"),
        include_bytes!("../../../schemas/samples/oqs/OQSmutic02res_202605160001.zip"),
        b"<?xml version=\"1.0\"?><!-- <note> --><Any a=\"1\"><b/></Any >\r\n",
        b"<XmlMsg/>",
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
            // What may be missing at the end without harm.
            let needed = whole.trim_ascii_end();
            let needed = needed.strip_suffix(b"\x1A").unwrap_or(needed);
            let needed = needed.trim_ascii_end().len();
            for end in (0..needed).step_by(1 + needed / 500) {
                assert!(may_be_cut(&whole[..end]), "{end} of {needed}");
            }
            assert!(may_be_cut(&whole[..needed - 1]) && file_is_cut(&whole[..needed / 2]));
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
        }
    }

    #[test]
    fn of_what_is_no_xml_nobody_can_tell() {
        assert!(!may_be_cut(b"a question"));
        assert!(!may_be_cut(b"\xff\xff\x01"));
        assert!(may_be_cut(b""));
    }
}
