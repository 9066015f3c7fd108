//! What a card's number stands for: a file of the facility, read again when it changes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes of a file at most: some 500 000 cards.
const FILE: u64 = 16 << 20;
const HEADING: &str = "card,number";

/// One file.
pub(crate) struct NumberMap {
    file: PathBuf,
    /// Change time and size of what was read.
    read: Option<(SystemTime, u64)>,
    numbers: HashMap<String, String>,
}

impl NumberMap {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self {
            file,
            read: None,
            numbers: HashMap::new(),
        }
    }

    /// What a card stands for.
    pub(crate) fn look_up(&mut self, card: &str) -> Option<String> {
        let stands = std::fs::metadata(&self.file)
            .and_then(|about| Ok((about.modified()?, about.len())))
            .ok();
        if stands.is_none() || stands != self.read {
            self.numbers = read(&self.file).unwrap_or_else(|reason| {
                tracing::warn!(file = %self.file.display(), reason, "the map of card numbers can't be read");
                HashMap::new()
            });
            self.read = stands;
        }
        self.numbers.get(&card.to_ascii_uppercase()).cloned()
    }
}

/// Whether a map can be read.
///
/// # Errors
/// Why not, Japanese with English beside; nothing of its content.
pub fn check_map(file: &Path) -> Result<(), &'static str> {
    read(file).map(|_| ())
}

fn read(file: &Path) -> Result<HashMap<String, String>, &'static str> {
    let size = std::fs::metadata(file).map_err(|_| "読めません / cannot be read")?;
    if size.len() > FILE {
        return Err("大きすぎます / is too large");
    }
    let text = std::fs::read_to_string(file).map_err(|_| "読めません / cannot be read")?;
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    if lines.next().map(str::trim) != Some(HEADING) {
        return Err("1 行目は card,number です / its first line must be card,number");
    }
    let mut numbers = HashMap::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let (card, number) = line
            .split_once(',')
            .ok_or("2 列でない行があります / a line has not two columns")?;
        let card = card.trim().to_ascii_uppercase();
        if numbers.insert(card, number.trim().to_owned()).is_some() {
            return Err("同じカードが 2 度あります / a card stands twice");
        }
    }
    Ok(numbers)
}
