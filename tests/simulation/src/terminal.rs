//! The ministry's terminal: a device that writes into its folders as it likes, from another machine.
//!
//! It shares no writing with what reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::node::Sky;
use crate::platter::Platter;
use crate::town::{Seen, TERMINALS};

/// Sooner than a reader gives an unfinished file up, slow steps of the story included.
const SLOWEST_MS: u64 = 5000;
const FOLDERS: [&str; 3] = ["face", "req", "res"];

/// One terminal.
pub struct Terminal {
    pub place: usize,
    pub share: Platter,
    sky: Arc<Sky>,
    root: PathBuf,
    files: u64,
    writing: Vec<Writing>,
    /// Answers that the centre takes its time for.
    later: Vec<(Instant, PathBuf, Content)>,
    /// How often each inquiry was asked here.
    asked: BTreeMap<String, u64>,
    /// Requests that it never looks at.
    left: BTreeSet<PathBuf>,
    /// What was put whole under each name.
    put: BTreeMap<PathBuf, Content>,
    /// What it wrote into `face`, whole.
    faces: BTreeMap<PathBuf, Vec<u8>>,
}

/// A request that the terminal has.
#[derive(Debug)]
pub struct Request {
    /// Where its answer goes.
    pub answer: PathBuf,
    /// What asks.
    pub inquiry: String,
    /// Whom it is about.
    pub person: u64,
    /// The so-manieth of its inquiry.
    pub times: u64,
}

/// A file that is not whole yet.
struct Writing {
    due: Instant,
    /// Under which name it is being written.
    under: PathBuf,
    path: PathBuf,
    bytes: Vec<u8>,
    of: Content,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub enum Content {
    Answer(Seen),
    /// Nothing that can be read.
    Garbage,
}

impl Terminal {
    pub fn new(place: usize, sky: &Arc<Sky>) -> Self {
        let share = Platter::default();
        let root = Path::new("/oqs").join(TERMINALS[place].1);
        for folder in FOLDERS {
            share.make_directory(&root.join(folder));
        }
        Self {
            place,
            share,
            sky: sky.clone(),
            root,
            files: 0,
            writing: Vec::new(),
            later: Vec::new(),
            asked: BTreeMap::new(),
            left: BTreeSet::new(),
            put: BTreeMap::new(),
            faces: BTreeMap::new(),
        }
    }

    /// Begins a face file under a new name; what is whole at once is given back.
    pub fn face(&mut self, of: Content) -> Option<Content> {
        let path = self.used_before().unwrap_or_else(|| {
            let name = format!("OQSsiquc01res_face_2026051109{:06}.xml", self.files);
            self.root.join("face").join(name)
        });
        self.begin(path, of)
    }

    /// Now and then a name that a face file had that is gone: nothing says that a terminal gives each once.
    fn used_before(&self) -> Option<PathBuf> {
        if !self.sky.dice.per_mille(80) {
            return None;
        }
        let face = self.root.join("face");
        let lies = self.share.names(&face);
        let written: Vec<&PathBuf> = self.writing.iter().map(|writing| &writing.path).collect();
        let mut free = self.put.keys().filter(|path| path.starts_with(&face));
        let free = free.find(|path| !lies.contains(path) && !written.contains(path));
        free.cloned()
    }

    /// Another program takes a whole file away, whoever has read it.
    pub fn steals(&mut self) -> Option<Content> {
        let written: Vec<&PathBuf> = self.writing.iter().map(|writing| &writing.path).collect();
        let folders = ["face", "res"].map(|folder| self.share.names(&self.root.join(folder)));
        let lies: Vec<PathBuf> = folders
            .into_iter()
            .flatten()
            .filter(|path| self.put.contains_key(path) && !written.contains(&path))
            .collect();
        if lies.is_empty() {
            return None;
        }
        let path = self.sky.dice.pick(&lies);
        self.share.take(path);
        self.faces.remove(path);
        self.put.get(path).cloned()
    }

    /// Takes requests, or leaves them.
    pub fn takes(&mut self) -> Vec<Request> {
        let mut taken = Vec::new();
        for path in self.share.names(&self.root.join("req")) {
            let is_request = path.extension().is_some_and(|found| found == "xml");
            if !is_request || self.left.contains(&path) {
                continue;
            }
            match self.sky.dice.below(10) {
                0..2 => drop(self.left.insert(path)),
                2..6 => {}
                _ => taken.extend(self.take(&path)),
            }
        }
        taken
    }

    fn take(&mut self, path: &Path) -> Option<Request> {
        let bytes = self.share.take(path)?;
        // It echoes the one, and asks by the other; both are plain digits and letters in any encoding.
        let text = String::from_utf8_lossy(&bytes);
        let inquiry = element(&text, "ArbitraryFileIdentifier")?;
        let number: u64 = element(&text, "InsuredIdentificationNumber")?
            .parse()
            .ok()?;
        let times = self.asked.entry(inquiry.to_owned()).or_default();
        *times += 1;
        let name = path
            .file_name()?
            .to_string_lossy()
            .replacen("req_", "res_", 1);
        Some(Request {
            answer: self.root.join("res").join(name),
            inquiry: inquiry.to_owned(),
            person: number.saturating_sub(1000),
            times: *times,
        })
    }

    /// What the centre answers, after a while.
    pub fn answers(&mut self, pause_ms: u64, path: &Path, of: Content) {
        let due = Instant::now() + Duration::from_millis(pause_ms);
        self.later.push((due, path.to_owned(), of));
    }

    /// Begins a file; what is whole at once is given back.
    fn begin(&mut self, path: PathBuf, of: Content) -> Option<Content> {
        self.files += 1;
        let bytes = match &of {
            Content::Answer(seen) => seen.bytes(),
            Content::Garbage => format!("no answer {} {}", self.place, self.files).into_bytes(),
        };
        let dice = &self.sky.dice;
        let under = match dice.below(4) {
            0 => path.clone(),
            1 => path.with_extension("xml.tmp"),
            _ => {
                self.share.put(&path, &bytes, self.sky.millis());
                self.put.insert(path.clone(), of.clone());
                self.wrote(path, bytes);
                return Some(of);
            }
        };
        let whole = u64::try_from(bytes.len()).unwrap_or_default();
        let begun = usize::try_from(dice.below(whole)).unwrap_or_default();
        self.share.put(&under, &bytes[..begun], self.sky.millis());
        let pause = dice.from_to(1, SLOWEST_MS);
        self.writing.push(Writing {
            due: Instant::now() + Duration::from_millis(pause),
            under,
            path,
            bytes,
            of,
        });
        None
    }

    /// Ends what is due; gives what is whole now.
    pub fn goes_on(&mut self) -> Vec<Content> {
        let now = Instant::now();
        let due = self.writing.extract_if(.., |writing| writing.due <= now);
        let (mut whole, mut written) = (Vec::new(), Vec::new());
        for writing in due {
            self.share
                .put(&writing.under, &writing.bytes, self.sky.millis());
            if writing.under != writing.path {
                self.share.name_anew(&writing.under, &writing.path);
            }
            self.put.insert(writing.path.clone(), writing.of.clone());
            written.push((writing.path, writing.bytes));
            whole.push(writing.of);
        }
        for (path, bytes) in written {
            self.wrote(path, bytes);
        }
        let answers: Vec<_> = self.later.extract_if(.., |(due, ..)| *due <= now).collect();
        for (_, path, of) in answers {
            whole.extend(self.begin(path, of));
        }
        whole
    }

    fn wrote(&mut self, path: PathBuf, bytes: Vec<u8>) {
        if path.starts_with(self.root.join("face")) {
            self.faces.insert(path, bytes);
        }
    }

    /// What should not lie in its folders once all is quiet, or should and does not: an adapter that copies touches no
    /// file, one that takes leaves none; of requests and their answers nothing stays, where it `remembers` them.
    pub fn left_over(&self, is_copying: bool, remembers: bool) -> Option<String> {
        let lie = |folder: &str| self.share.names(&self.root.join(folder));
        let faces = lie("face");
        let strange = faces.iter().find(|path| {
            let is_as_written = self.faces.get(*path) == self.share.bytes(path).as_ref();
            !is_copying || !is_as_written
        });
        if let Some(path) = strange {
            return Some(format!("a left-over, {}", path.display()));
        }
        if is_copying && faces.len() != self.faces.len() {
            return Some(format!("{} files taken", self.faces.len() - faces.len()));
        }
        let left = ["req", "res"].into_iter().flat_map(lie).next();
        let left = left.filter(|_| remembers);
        left.map(|path| format!("a left-over, {}", path.display()))
    }

    pub fn is_writing(&self) -> bool {
        !self.writing.is_empty() || !self.later.is_empty()
    }
}

/// The text of an element that stands in `text` once.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = text.split_once(&format!("<{name}>"))?;
    Some(behind.split_once("</")?.0)
}

/// Seconds at which the centre gave an answer: no two have the same.
#[derive(Debug, Default)]
pub struct Seconds(BTreeSet<i64>);

impl Seconds {
    /// The last free one, not after `second`.
    pub fn take(&mut self, second: i64) -> i64 {
        let mut free = second;
        while !self.0.insert(free) {
            free -= 1;
        }
        free
    }
}
