//! A configuration file for a hub under test.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The facility of every scenario.
pub const FACILITY: &str = "1319912349";

/// What a scenario sets; times are short so that it is quick.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[database] url`.
    pub database: Option<String>,
    /// `[nats] url`.
    pub nats: Option<String>,
    /// `[keys]` lie here instead of below `data_dir`.
    pub keys: Option<PathBuf>,
    /// Terminals of the facility by id; each has a folder of its own.
    pub terminals: Vec<String>,
    /// Those of them with `face = "take"`.
    pub taking: Vec<String>,
    /// Outside subscribers: name and audience.
    pub consumers: Vec<(String, String)>,
    /// How long an answer is waited for.
    pub answer_timeout_s: u32,
    /// Unchanged this long and still not whole: quarantined.
    pub incomplete_s: u32,
    /// Keys of the facility's own, as TOML.
    pub facility: String,
    /// Desks and card rules, as TOML below the facility.
    pub desks: String,
    /// `[[scheme]]` tables, as TOML.
    pub schemes: String,
    /// Socket of the pcscd that the program finds; absent: the machine's own.
    pub pcscd: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: None,
            nats: None,
            keys: None,
            terminals: vec!["t1".to_owned()],
            taking: Vec::new(),
            consumers: Vec::new(),
            answer_timeout_s: 60,
            incomplete_s: 2,
            facility: String::new(),
            desks: String::new(),
            schemes: String::new(),
            pcscd: None,
        }
    }
}

impl Settings {
    /// With these outside subscribers.
    pub fn consumers(mut self, consumers: &[(&str, &str)]) -> Self {
        self.consumers = consumers
            .iter()
            .map(|(name, audience)| ((*name).to_owned(), (*audience).to_owned()))
            .collect();
        self
    }

    /// With these terminals.
    pub fn terminals(mut self, terminals: &[&str]) -> Self {
        self.terminals = terminals.iter().map(|id| (*id).to_owned()).collect();
        self
    }

    /// The file's text; terminals' folders lie below `terminals`.
    pub fn toml(&self, data_dir: &Path, terminals: &Path) -> String {
        let mut text = format!("data_dir = {data_dir:?}\n");
        if let Some(url) = &self.database {
            let _ = writeln!(text, "[database]\nurl = {url:?}");
        }
        if let Some(url) = &self.nats {
            let _ = writeln!(text, "[nats]\nurl = {url:?}");
        }
        if let Some(keys) = &self.keys {
            let _ = writeln!(
                text,
                "[keys]\ngroup_key_file = {:?}\nsigning_key_file = {:?}",
                keys.join("group.key"),
                keys.join("signing.key")
            );
        }
        let _ = write!(
            text,
            "[http]\nlisten = \"127.0.0.1:0\"\n[schedule]\nenabled = false\n\
             [timing]\nscan_ms = 50\nstable_ms = 40\nbulk_poll_s = 1\nincomplete_s = {}\nanswer_timeout_s = {}\n\
             [[welfare_office]]\nname = \"見本市福祉事務所\"\npayer_numbers = [\"12997151\", \"12997011\"]\n\
             [[facility]]\ncode = \"{FACILITY}\"\nname = \"見本病院\"\n",
            self.incomplete_s, self.answer_timeout_s,
        );
        text.push_str(&self.facility);
        for id in &self.terminals {
            let _ = write!(
                text,
                "[[facility.terminal]]\nid = {id:?}\nroot = {:?}\nface = \"{}\"\nenvironment = \"verification\"\n",
                terminals.join(id),
                if self.taking.contains(id) {
                    "take"
                } else {
                    "copy"
                },
            );
        }
        text.push_str(&self.desks);
        text.push_str(&self.schemes);
        for (name, audience) in &self.consumers {
            let _ = write!(
                text,
                "[[consumer]]\nname = {name:?}\naudience = {audience:?}\nfacility = \"{FACILITY}\"\n"
            );
        }
        text
    }
}
