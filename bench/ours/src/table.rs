//! The table: ours, the rival, the ratio, the target, whether it is met.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

/// One comparison.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Ours, as text with its unit.
    pub ours: String,
    /// The rival's, as text with its unit.
    pub rival: String,
    /// Ours over the rival's.
    pub ratio: f64,
    /// The least ratio that must be reached; for "at most" rows the greatest.
    pub must: f64,
    /// Whether smaller is better.
    pub at_most: bool,
}

impl Row {
    /// Whether the target is met.
    pub fn met(&self) -> bool {
        if self.at_most { self.ratio <= self.must } else { self.ratio >= self.must }
    }
}

/// Prints the rows and writes `file`.
pub fn report(rows: &[Row], details: &[Value], file: &Path) -> Result<()> {
    println!("{:<52} {:>26} {:>34} {:>8} {:>8}", "what", "ours", "rival", "ratio", "must");
    for row in rows {
        let sign = if row.at_most { "<=" } else { ">=" };
        println!(
            "{:<52} {:>26} {:>34} {:>8.2} {:>8} {}",
            row.what, row.ours, row.rival, row.ratio, format!("{sign}{}", row.must), if row.met() { "ok" } else { "MISSED" }
        );
    }
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "what": row.what, "ours": row.ours, "rival": row.rival, "ratio": row.ratio, "must": row.must,
                    "at_most": row.at_most, "met": row.met() })
        })
        .collect();
    std::fs::write(file, serde_json::to_vec_pretty(&json!({ "rows": rows, "details": details }))?)?;
    println!("\n{}", file.display());
    Ok(())
}
