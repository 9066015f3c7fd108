//! The load that every rival carries: a third of the commands open a new stream, the rest go to streams of
//! 10 to 100 events; two events of about 400 bytes a command; callers wait for their own commit.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

/// Streams that exist before the clock starts.
pub const STREAMS: u64 = 300;

/// Events of existing stream `n` before the clock starts: 10 to 100.
pub fn length_of(n: u64) -> u64 {
    10 + (n * 37) % 91
}

/// A payload of about 400 bytes.
pub fn payload(n: u64) -> Value {
    json!({ "qualification_id": format!("{n:032}"), "scheme": "12", "payer_number": "12999991",
            "recipient_number": "1234566", "welfare_office": "見本市福祉事務所", "name": "見本　太郎",
            "name_kana": "ﾐﾎﾝ ﾀﾛｳ", "birth_date": "1980-01-01", "sex": "male", "valid_from": "2025-04-01",
            "confirmed_on": "2026-05-11", "method": "card", "validity": "valid", "filler": "x".repeat(96) })
}

/// Which stream command `n` goes to, and whether it is new.
pub fn target(n: u64) -> (String, bool) {
    if n.is_multiple_of(3) {
        (format!("new-{n}"), true)
    } else {
        (format!("old-{}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % STREAMS), false)
    }
}

/// Runs `callers` loops of `command` for `seconds`; conflicts count as retried work of the rival.
pub async fn drive<F, Fut>(name: &str, callers: u64, seconds: u64, command: F) -> Result<Value>
where
    F: Fn(u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<bool>> + Send,
{
    let command = Arc::new(command);
    let next = Arc::new(AtomicU64::new(0));
    let until = Instant::now() + Duration::from_secs(seconds);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let (command, next) = (Arc::clone(&command), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let (mut took, mut refused) = (Vec::new(), 0u64);
            while Instant::now() < until {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let begun = Instant::now();
                if command(n).await? { took.push(begun.elapsed().as_micros() as u64) } else { refused += 1 }
            }
            anyhow::Ok((took, refused))
        }));
    }
    let (mut took, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let (mine, conflicts) = task.await??;
        took.extend(mine);
        refused += conflicts;
    }
    let elapsed = start.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or(0);
    Ok(json!({ "name": name, "callers": callers, "commands": took.len(), "refused": refused,
               "commands_per_second": took.len() as f64 / elapsed, "p50_us": at(0.5), "p99_us": at(0.99) }))
}
