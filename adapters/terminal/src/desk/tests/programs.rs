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

/// A program that asked something.
struct Asked {
    desk: Desk,
    options: TerminalOptions,
    /// Of the terminal.
    res: PathBuf,
    /// Of the program.
    program: PathBuf,
    /// The name of the answer to come, without its extension.
    name: String,
    /// The same for the program.
    expected: String,
    _place: tempfile::TempDir,
}

impl Asked {
    fn new(incomplete: Duration) -> Self {
        Self::with("OQSsiquc01req_A1.xml", incomplete)
    }

    fn with(request: &str, incomplete: Duration) -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut options = with_program(place.path());
        options.timing.incomplete = incomplete;
        let program = place.path().join(PROGRAM);
        std::fs::write(program.join("req").join(request), "<XmlMsg/>").unwrap();
        let expected = request.replace("req_", "res_").replace(".xml", "");
        let mut desk = desk(&options, &spool(&options));
        for _ in 0..2 {
            desk.pass();
        }
        let request = files(&options.terminal.root.join("req")).pop().unwrap();
        let name = request.file_stem().unwrap().to_str().unwrap();
        let name = name.replace("req_", "res_");
        std::fs::remove_file(request).unwrap();
        Self {
            res: options.terminal.root.join("res"),
            program: program.join("res"),
            expected,
            desk,
            options,
            name,
            _place: place,
        }
    }

    /// The terminal answers, and is looked at.
    fn answer(&mut self, extension: &str, bytes: &[u8]) {
        let path = self.res.join(format!("{}.{extension}", self.name));
        std::fs::write(path, bytes).unwrap();
        self.look();
    }

    fn look(&mut self) {
        for _ in 0..2 {
            self.desk.pass();
        }
    }

    fn set_aside(&self) -> usize {
        list(&self.options.data_dir).unwrap().len()
    }

    fn back(&self, extension: &str) -> Vec<u8> {
        let answer = format!("{}.{extension}", self.expected);
        std::fs::read(self.program.join(answer)).unwrap()
    }
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
        let mut asked = Asked::new(Duration::ZERO);
        asked.answer(extension, &answer);
        assert_eq!(asked.set_aside(), 1);
        assert!(files(&asked.res).is_empty(), "and taken");
        assert!(asked.back(extension) == answer, "byte for byte");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_writer_pauses_goes_back_whole() {
    let whole = answer(1);
    let half = &whole[..whole.len() / 2];
    let packed = pack("OQSsiquc01res_A1.xml", &whole, b"another word").unwrap();
    for request in ["OQSsiquc01req_A1.xml", "EPSsiart01req_A1.xml"] {
        let mut asked = Asked::with(request, Duration::from_secs(15));
        for _ in 0..4 {
            asked.answer("xml", half);
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        assert!(files(&asked.program).is_empty() && asked.set_aside() == 0);
        asked.answer("xml", &whole);
        assert!(asked.back("xml") == whole && asked.set_aside() == 0);
    }
    // Nobody waits for ever. The terminal writes it again, and stalls at the same place.
    let mut asked = Asked::new(Duration::from_secs(15));
    for _ in 0..2 {
        asked.answer("xml", half);
        assert_eq!(files(&asked.res).len(), 1, "it may be on its way");
        tokio::time::advance(Duration::from_secs(300)).await;
        asked.look();
        assert!(asked.back("xml") == half && asked.set_aside() == 1);
    }
    asked.answer("xml", &whole);
    assert!(asked.back("xml") == whole);
    // What is whole and can't be read does not keep its program waiting so long.
    let mut asked = Asked::new(Duration::from_secs(15));
    asked.answer("zip", &packed);
    tokio::time::advance(Duration::from_secs(15)).await;
    asked.look();
    assert!(asked.back("zip") == packed);
}

#[test]
fn a_whole_answer_follows_the_half_that_was_given_up() {
    let whole = answer(1);
    let half = &whole[..whole.len() / 2];
    let known = ("OQSsiquc01req_A1.xml", 1);
    let unknown = ("EPSsiart01req_A1.xml", 0);
    for ((request, set_aside), is_taken) in [(known, false), (known, true), (unknown, false)] {
        let mut asked = Asked::with(request, Duration::ZERO);
        asked.answer("xml", half);
        assert!(asked.back("xml") == half && asked.set_aside() == set_aside);
        if is_taken {
            std::fs::remove_file(files(&asked.program).pop().unwrap()).unwrap();
        }
        asked.answer("xml", half);
        assert_eq!(files(&asked.program).len(), usize::from(!is_taken), "once");
        asked.answer("xml", &whole);
        assert!(asked.back("xml") == whole);
        std::fs::remove_file(files(&asked.program).pop().unwrap()).unwrap();
        asked.answer("xml", &whole);
        assert!(files(&asked.program).is_empty(), "once");
    }
    // Where the half could not be delivered either, the whole waits in its stead; another's file is not touched.
    let mut asked = Asked::new(Duration::ZERO);
    let theirs = asked.program.join("OQSsiquc01res_A1.xml");
    std::fs::write(&theirs, "the program's own").unwrap();
    asked.answer("xml", half);
    asked.answer("xml", &whole);
    assert_eq!(asked.back("xml"), b"the program's own");
    std::fs::remove_file(&theirs).unwrap();
    asked
        .desk
        .mirror
        .catch_up(Instant::now() + Duration::from_secs(5));
    assert!(asked.back("xml") == whole && files(&asked.program).len() == 1);
}
