use std::io::Read as _;

use super::*;

const SJIS_DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding='Shift_JIS'?>";

fn sjis(text: &str) -> Vec<u8> {
    [SJIS_DECLARATION, &SHIFT_JIS.encode(text).0].concat()
}

fn stream(bytes: &[u8], step: usize) -> Result<String, TextError> {
    /// Gives few bytes at a time, as a slow share does.
    struct Slow<'b>(&'b [u8], usize);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
    let mut text = String::new();
    match Decoder::new(Slow(bytes, step)).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(*error
            .into_inner()
            .and_then(|inner| inner.downcast().ok())
            .expect("a text error")),
    }
}

#[test]
fn bom_then_declaration_then_utf8_then_cp932() {
    let with_bom = [UTF8_BOM, SJIS_DECLARATION, "髙".as_bytes()].concat();
    assert_eq!(decode(&with_bom).unwrap().encoding, Encoding::Utf8);
    let decoded = sjis("髙島①～－ｱ");
    let decoded = decode(&decoded).unwrap();
    assert_eq!(decoded.encoding, Encoding::Cp932);
    assert!(decoded.text.ends_with("髙島①～－ｱ"));
    assert_eq!(decode("<a>髙".as_bytes()).unwrap().encoding, Encoding::Utf8);
    let bare = SHIFT_JIS.encode("<a>髙島").0;
    assert_eq!(decode(&bare).unwrap().text, "<a>髙島");
    assert!(matches!(decode(b"<a>").unwrap().text, Cow::Borrowed(_)));
}

#[test]
fn labels_of_windows_programs_are_known() {
    for label in ["shift_jis", "SHIFT-JIS", "Windows-31J", "x-sjis", "CP932"] {
        assert_eq!(
            encoding_of(label.as_bytes()),
            Ok(Encoding::Cp932),
            "{label}"
        );
    }
    assert_eq!(encoding_of(b"euc-jp"), Err(TextError::Unsupported));
    assert_eq!(decode(b"\xFF\xFE<\0"), Err(TextError::Unsupported));
}

#[test]
fn errors_tell_where() {
    let invalid = |encoding, at| Err(TextError::Invalid { encoding, at });
    assert_eq!(decode(b"\xEF\xBB\xBFab\xFFcd"), invalid(Encoding::Utf8, 5));
    let at = SJIS_DECLARATION.len() as u64;
    let wrong = [SJIS_DECLARATION, b"a\xFFb"].concat();
    assert_eq!(decode(&wrong), invalid(Encoding::Cp932, at + 1));
    let cut = [SJIS_DECLARATION, b"a\x8E"].concat();
    assert_eq!(decode(&cut), Err(TextError::Cut { at: at + 1 }));
    assert_eq!(
        decode("a髙".as_bytes().split_last().unwrap().1),
        Err(TextError::Cut { at: 1 })
    );
}

#[test]
fn a_contradicted_declaration_is_refused_not_guessed() {
    let utf8 = [SJIS_DECLARATION, "試料".as_bytes()].concat();
    assert_eq!(decode(&utf8), Err(TextError::Contradicted));
    let sjis = [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".as_bytes(),
        b"\x8E\x8E",
    ]
    .concat();
    assert_eq!(decode(&sjis).unwrap_err().reason(), "wrong-encoding");
}

#[test]
fn streams_as_whole_files_do() {
    let long = format!("<a>{}</a>", "試料髙島ｱ".repeat(9_000));
    let cases = [
        sjis(&long),
        long.clone().into_bytes(),
        [UTF8_BOM, long.as_bytes()].concat(),
        SHIFT_JIS.encode(&long).0.into_owned(),
        b"<a/>".to_vec(),
        Vec::new(),
        [SJIS_DECLARATION, b"a\x8E"].concat(),
        b"\xEF\xBB\xBFab\xFFcd".to_vec(),
        b"\xFF\xFE".to_vec(),
    ];
    for bytes in cases {
        for step in [1, 7, 65_537] {
            let whole = decode(&bytes).map(|decoded| decoded.text.into_owned());
            assert_eq!(
                stream(&bytes, step),
                whole,
                "{} bytes by {step}",
                bytes.len()
            );
        }
    }
}
