use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

type Written = (&'static str, &'static [u8]);

fn packed(entries: &[Written], password: Option<&str>) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default();
        match password {
            Some(password) => writer
                .start_file(
                    *name,
                    options.with_aes_encryption(zip::AesMode::Aes256, password),
                )
                .unwrap(),
            None => writer.start_file(*name, options).unwrap(),
        }
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(
    bytes: &[u8],
    limits: &ArchiveLimits,
    password: Option<&[u8]>,
) -> Result<String, ArchiveError> {
    let mut archive = Archive::open(Cursor::new(bytes), limits, password)?;
    let mut text = String::new();
    let mut entry = archive.message("OQSmutic02res_")?;
    entry.read_to_string(&mut text).map_err(|error| {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<ArchiveError>());
        inner.copied().unwrap_or(ArchiveError::Broken)
    })?;
    Ok(text)
}

const ANSWER: Written = ("OQSmutic02res_1.xml", b"<XmlMsg/>");

#[test]
fn the_wanted_entry_is_found_among_odd_ones() {
    let odd: [Written; 4] = [
        ("../../etc/passwd", b"x"),
        ("readme.txt", b"x"),
        ("OQSmutic02res_1.pdf", b"%PDF-"),
        ("res\\oqsMUTIC02res_1.XML", b"<XmlMsg/>"),
    ];
    assert_eq!(
        read(&packed(&odd, None), &ArchiveLimits::DEFAULT, None).unwrap(),
        "<XmlMsg/>"
    );
}

#[test]
fn encrypted_ones_need_their_password() {
    let bytes = packed(&[ANSWER], Some("himitsu"));
    let read = |password: Option<&[u8]>| read(&bytes, &ArchiveLimits::DEFAULT, password);
    assert_eq!(read(Some(b"himitsu")).unwrap(), "<XmlMsg/>");
    assert_eq!(read(Some(b"other")), Err(ArchiveError::WrongPassword));
    assert_eq!(read(None), Err(ArchiveError::PasswordNeeded));
}

#[test]
fn none_and_several_are_refused() {
    let refused = |entries: &[Written]| read(&packed(entries, None), &ArchiveLimits::DEFAULT, None);
    assert_eq!(refused(&[]), Err(ArchiveError::Absent));
    assert_eq!(
        refused(&[("OQSmuquc02res_1.xml", b"")]),
        Err(ArchiveError::Absent)
    );
    let two = [ANSWER, ("a/OQSmutic02res_2.xml", b"")];
    assert_eq!(refused(&two), Err(ArchiveError::Several));
}

#[test]
fn a_bomb_is_refused_by_its_ratio_and_its_size() {
    let zeros: &'static [u8] = vec![b' '; 4 << 20].leak();
    let bytes = packed(&[("OQSmutic02res_1.xml", zeros)], None);
    assert_eq!(
        read(&bytes, &ArchiveLimits::DEFAULT, None),
        Err(ArchiveError::TooLarge)
    );
    let small = ArchiveLimits {
        unpacked: 1 << 20,
        ratio: 100_000,
        ..ArchiveLimits::DEFAULT
    };
    assert_eq!(read(&bytes, &small, None), Err(ArchiveError::TooLarge));
    // The directory's own statement is a lie: what is read counts.
    let mut lying = bytes;
    let at = lying
        .windows(4)
        .rposition(|four| four == b"PK\x01\x02")
        .unwrap();
    lying[at + 24..at + 28].copy_from_slice(&100u32.to_le_bytes());
    assert!(read(&lying, &small, None).is_err());
}

#[test]
fn too_many_entries_are_refused_before_they_are_held() {
    let names: Vec<String> = (0..65).map(|n| format!("n{n}")).collect();
    let entries: Vec<Written> = names
        .into_iter()
        .map(|name| (&*name.leak(), &b""[..]))
        .collect();
    assert_eq!(
        read(&packed(&entries, None), &ArchiveLimits::DEFAULT, None),
        Err(ArchiveError::TooMany)
    );
}

#[test]
fn a_pack_that_is_cut_short_is_waited_for() {
    let bytes = packed(&[ANSWER], None);
    for length in 0..bytes.len() {
        assert!(
            read(&bytes[..length], &ArchiveLimits::DEFAULT, None).is_err(),
            "{length}"
        );
    }
    let error = read(&bytes[..bytes.len() / 2], &ArchiveLimits::DEFAULT, None).unwrap_err();
    assert!(error.is_incomplete());
}
