//! Reading one answer file from bytes to a typed message, ours.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shikaku_schemas::oqs::{Eligibility, Limits, text};

fn read(bytes: &[u8], limits: &Limits) -> Option<usize> {
    let decoded = text::decode(bytes).ok()?;
    let message = Eligibility::parse(&decoded.text, limits).ok()?;
    Some(black_box(&message).unknown.len())
}

/// MB/s of our reader on `file`.
pub fn run(file: &Path, seconds: u64) -> Result<Value> {
    let (bytes, limits) = (std::fs::read(file)?, Limits::SINGLE);
    read(&bytes, &limits).context("the sample does not read")?;
    let start = Instant::now();
    let mut rounds = 0u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..64 {
            black_box(read(&bytes, &limits));
        }
        rounds += 64;
    }
    let rate = rounds as f64 * bytes.len() as f64 / start.elapsed().as_secs_f64() / 1e6;
    Ok(json!({ "name": "parse", "mb_per_second": rate, "bytes": bytes.len() }))
}
