//! What programs get back.

use shikaku_schemas::group::VirtualTerminal;
use shikaku_schemas::oqs::archive::pack;

use super::*;

pub(super) const PROGRAM: &str = "receipt-a";

/// A terminal with one program, all folders there.
pub(super) fn with_program(place: &Path) -> TerminalOptions {
    let mut options = options(place, FaceMode::Copy);
    options.facility.virtual_terminals = vec![VirtualTerminal {
        id: PROGRAM.to_owned(),
        root: place.join(PROGRAM),
        terminal: None,
    }];
    for root in [&options.terminal.root, &place.join(PROGRAM)] {
        for folder in ["req", "res", "face"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
    }
    options
}

pub(super) fn spool(options: &TerminalOptions) -> Arc<Spool> {
    let directory = options.data_dir.join("spool");
    let spool = SpoolOptions::new(directory, options.group_key.clone());
    Arc::new(Spool::open(spool).unwrap())
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn an_answer_that_we_cannot_read_goes_back_to_its_program_all_the_same() {
    let utf16: Vec<u8> = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><XmlMsg/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut too_large = vec![b'x'; RES_BYTES + 5];
    too_large.extend_from_slice(b"its end");
    let packed = pack("OQSsiquc01res_A1.xml", &answer(1), b"another word").unwrap();
    for (extension, answer) in [
        ("zip", packed),
        ("xml", utf16),
        ("xml", b"<Another>message</Another>".to_vec()),
        ("xml", too_large),
    ] {
        let place = tempfile::tempdir().unwrap();
        let options = with_program(place.path());
        let mut desk = desk(&options, &spool(&options));
        let program = place.path().join(PROGRAM);
        std::fs::write(program.join("req/OQSsiquc01req_A1.xml"), b"a question").unwrap();
        for _ in 0..2 {
            desk.pass();
        }
        let request = files(&options.terminal.root.join("req")).pop().unwrap();
        let name = request.file_stem().unwrap().to_str().unwrap();
        let name = format!("{}.{extension}", name.replace("req_", "res_"));
        std::fs::remove_file(request).unwrap();
        let path = options.terminal.root.join("res").join(name);
        std::fs::write(&path, &answer).unwrap();
        for _ in 0..2 {
            desk.pass();
        }
        assert_eq!(list(&options.data_dir).unwrap().len(), 1, "set aside");
        assert!(!path.exists(), "and taken");
        let back = program.join(format!("res/OQSsiquc01res_A1.{extension}"));
        assert!(std::fs::read(back).unwrap() == answer, "byte for byte");
    }
}
