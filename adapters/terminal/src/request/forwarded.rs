//! Whose request it is, when an existing program made it. How the program named it may hold a patient's number, so
//! the name stands sealed in the journal.

use serde::{Deserialize, Serialize};
use shikaku_schemas::seal::SealKey;

/// The program, and its own name for the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forwarded {
    /// The virtual terminal.
    pub(crate) program: String,
    /// Tells its file from every other one it ever put there.
    pub(crate) mark: String,
    /// Sealed, hex.
    name: String,
}

impl Forwarded {
    pub(crate) fn new(key: &SealKey, program: &str, mark: &str, name: &str) -> Self {
        Self {
            program: program.to_owned(),
            mark: mark.to_owned(),
            name: hex(&key.seal(&binding(program, mark), name.as_bytes())),
        }
    }

    /// The program's name for its request; `None` under another key.
    pub(crate) fn name(&self, key: &SealKey) -> Option<String> {
        let sealed: Option<Vec<u8>> = (0..self.name.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(self.name.get(at..at + 2)?, 16).ok())
            .collect();
        let plain = key
            .open(&binding(&self.program, &self.mark), &sealed?)
            .ok()?;
        String::from_utf8(plain).ok()
    }
}

fn binding(program: &str, mark: &str) -> Vec<u8> {
    format!("forward|{program}|{mark}").into_bytes()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
