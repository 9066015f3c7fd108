//! A person at a desk: asks about tickets at the hub's socket, with the same command until the hub answers, and
//! sometimes once more.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::face::Face;
use crate::settings::FACILITY;
use crate::town::Town;

/// How long an answer is waited for before the command is given again.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// What became of each command: all inquiries that it was said to have come to.
pub type Done = BTreeMap<String, BTreeSet<String>>;

/// A desk.
pub struct Desk<'a> {
    town: &'a Town,
    socket: PathBuf,
    given: u32,
    done: Done,
}

impl<'a> Desk<'a> {
    /// One at the hub that keeps its things in `data_dir`.
    pub fn at(data_dir: &Path, town: &'a Town) -> Self {
        Self {
            town,
            socket: data_dir.join("hub.sock"),
            given: 0,
            done: Done::default(),
        }
    }

    /// Asks about somebody, until the hub has answered.
    #[track_caller]
    pub fn asks(&mut self) {
        self.given += 1;
        let whom = Face::assistance_only(self.town.somebody());
        let born = |range: std::ops::Range<usize>| &whom.birth[range];
        let id = format!("01978f00-0000-7000-8000-{:012x}", self.given);
        let command = json!({
            "command_id": id,
            "by": "desk",
            "command": "inquire-ticket",
            "arguments": {
                "facility": FACILITY, "payer_number": whom.payer, "recipient_number": whom.recipient,
                "birth_date": format!("{}-{}-{}", born(0..4), born(4..6), born(6..8)),
                "on": "2026-05-11", "purpose": "reception",
            },
        });
        let begin = Instant::now();
        loop {
            if let Some(inquiry) = self.gives(&command) {
                self.done.entry(id.clone()).or_default().insert(inquiry);
                if self.town.chance(5) > 0 {
                    return;
                }
            }
            assert!(
                begin.elapsed() < crate::DEADLINE,
                "nobody answers {command}"
            );
            std::thread::park_timeout(PAUSE);
        }
    }

    /// Everything that it asked came to this.
    pub fn done(&self) -> &Done {
        &self.done
    }

    /// The inquiry, unless nothing was answered.
    fn gives(&self, command: &Value) -> Option<String> {
        let mut line = UnixStream::connect(&self.socket).ok()?;
        line.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(line, "{command}").ok()?;
        let mut answer = String::new();
        BufReader::new(line).read_line(&mut answer).ok()?;
        // A hub that died in the middle of its answer has given none.
        let answer: Value = serde_json::from_str(&answer).ok()?;
        assert_ne!(answer["result"], "refused", "{answer}");
        (answer["result"] == "done").then(|| answer["id"].as_str().unwrap().to_owned())
    }
}
