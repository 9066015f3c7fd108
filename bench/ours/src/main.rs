//! `make bench`: our own figures and our rivals', in one run, on this machine. Ratios count, not seconds.

mod append;
mod latency;
mod parse;
mod servers;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use table::Row;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SECONDS: u64 = 6;
/// What can be asked for by name; without a name it is all of them.
const PARTS: [&str; 4] = ["postgres", "sqlite", "parse", "latency"];

#[tokio::main]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let (mut rows, mut details) = (Vec::new(), Vec::new());
    let named: Vec<String> = std::env::args().skip(1).collect();
    ensure!(named.iter().all(|part| PARTS.contains(&part.as_str())), "parts are {PARTS:?}");
    let wanted = |part: &str| named.is_empty() || named.iter().any(|named| named == part);
    if wanted("postgres") {
        on_postgres(&root, &mut rows, &mut details).await?;
    }
    if wanted("sqlite") {
        on_sqlite(&root, &mut rows, &mut details).await?;
    }
    if wanted("parse") {
        parsing(&root, &mut rows, &mut details)?;
    }
    if wanted("latency") {
        from_rename_to_subscriber(&root, &mut rows, &mut details).await?;
    }
    table::report(&rows, &details, &root.join("target/bench.json"))
}

async fn on_postgres(root: &Path, rows: &mut Vec<Row>, details: &mut Vec<Value>) -> Result<()> {
    let server = servers::Postgres::start()?;
    let dir = tempfile::tempdir()?;
    let bench = append::Bench::open(dir.path(), Some(server.database("ours")?)).await?;
    bench.fill().await?;
    let before = server.syncs()?;
    let ours = bench.drive("ours on Postgres", 64, SECONDS).await?;
    let syncs = (server.syncs()? - before) as f64;
    bench.close().await?;
    let url = server.database("rivals")?;
    let mut best: Option<Value> = None;
    for callers in ["4", "16", "64"] {
        let row = rival(root, &["postgres-es", &url, callers, "4"])?;
        if best.as_ref().is_none_or(|best| rate(&row) > rate(best)) {
            best = Some(row.clone());
        }
        details.push(row);
    }
    let best = best.context("no rival row")?;
    let raw = rival(root, &["unnest", &url, "128", "4"])?;
    rows.push(against("commands/s, Postgres, 64 callers, vs postgres-es", &ours, &best, 4.0));
    rows.push(at_most("  p99, ms", number(&ours, "p99_us") / 1e3, "5 ms", 5.0));
    rows.push(Row {
        what: "  events/s vs raw UNNEST, batch 128 (aim)".into(),
        ours: format!("{:.0} events/s", number(&ours, "events_per_second")),
        rival: format!("{:.0} events/s", number(&raw, "events_per_second")),
        ratio: number(&ours, "events_per_second") / number(&raw, "events_per_second"),
        must: 0.5,
        at_most: false,
    });
    rows.push(at_most("  fsyncs per event in the ledger", syncs / number(&ours, "events"), "0.1", 0.1));
    if let Some(uma) = servers::Uma::start(root)? {
        let row = rival(root, &["umadb", &uma.url, "64", "4"])?;
        rows.push(against("commands/s, Postgres, 64 callers, vs UmaDB", &ours, &row, 1.0));
        details.push(row);
    } else {
        println!("skipped: UmaDB is not installed (cargo install umadb --root .tools)");
    }
    details.extend([ours, raw]);
    Ok(())
}

async fn on_sqlite(root: &Path, rows: &mut Vec<Row>, details: &mut Vec<Value>) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let bench = append::Bench::open(dir.path(), None).await?;
    bench.fill().await?;
    let ours = bench.drive("ours on SQLite FULL", 64, SECONDS).await?;
    bench.close().await?;
    let mut best: Option<Value> = None;
    for callers in ["1", "4"] {
        let file = dir.path().join(format!("rival-{callers}.db"));
        let row = rival(root, &["sqlite-es", &file.to_string_lossy(), callers, "4"])?;
        if best.as_ref().is_none_or(|best| rate(&row) > rate(best)) {
            best = Some(row.clone());
        }
        details.push(row);
    }
    rows.push(against("commands/s, SQLite FULL, 64 callers, vs sqlite-es", &ours, &best.context("no rival row")?, 10.0));
    details.push(ours);
    Ok(())
}

fn parsing(root: &Path, rows: &mut Vec<Row>, details: &mut Vec<Value>) -> Result<()> {
    let sample = root.join("schemas/samples/oqs/face-combined.xml");
    let ours = parse::run(&sample, 2)?;
    let rivals = rival(root, &["parse", &sample.to_string_lossy(), "2"])?;
    let lxml: Value = serde_json::from_str(&servers::run(
        Command::new(root.join(".tools/venv/bin/python")).arg(root.join("bench/lxml_parse.py")).arg(&sample),
    )?)?;
    let mut compare = |what: &str, rival: f64, must: f64| {
        let rate = number(&ours, "mb_per_second");
        rows.push(Row {
            what: what.into(),
            ours: format!("{rate:.0} MB/s"),
            rival: format!("{rival:.0} MB/s"),
            ratio: rate / rival,
            must,
            at_most: false,
        });
    };
    compare("OQS parse, vs serde on quick-xml", number(&rivals, "serde_mb_per_second"), 1.0);
    compare("OQS parse, vs lxml to dict", number(&lxml, "mb_per_second"), 3.0);
    compare("OQS parse, vs the bare event loop (aim)", number(&rivals, "bare_mb_per_second"), 0.5);
    details.extend([ours, rivals, lxml]);
    Ok(())
}

async fn from_rename_to_subscriber(root: &Path, rows: &mut Vec<Row>, details: &mut Vec<Value>) -> Result<()> {
    let ours = latency::run(root, 100).await?;
    // Durable steps on the way: spool, ledger, key store of a new record, read model. Acknowledged steps: chunk and
    // observation, delivery to the hub, log, delivery to the projection, keys, feed, delivery to the subscriber.
    let floor = 4.0 * number(&ours, "fsync_p99_us") + 7.0 * number(&ours, "broker_round_trip_p99_us");
    rows.push(Row {
        what: "rename into face/ to subscriber, p99 less stable_ms".into(),
        ours: format!("{:.1} ms", number(&ours, "p99_us") / 1e3),
        rival: format!("{:.1} ms (4 fsyncs + 7 acks)", floor / 1e3),
        ratio: number(&ours, "p99_us") / floor,
        must: 2.0,
        at_most: true,
    });
    details.push(ours);
    Ok(())
}

fn rival(root: &Path, words: &[&str]) -> Result<Value> {
    let program: PathBuf = root.join("bench/rivals/target/release/shikaku-bench-rivals");
    Ok(serde_json::from_str(&servers::run(Command::new(program).args(words))?)?)
}

fn number(row: &Value, member: &str) -> f64 {
    row[member].as_f64().unwrap_or(f64::NAN)
}

fn rate(row: &Value) -> f64 {
    number(row, "commands_per_second")
}

fn against(what: &str, ours: &Value, rival: &Value, must: f64) -> Row {
    Row {
        what: what.into(),
        ours: format!("{:.0}/s", rate(ours)),
        rival: format!("{:.0}/s at {} callers", rate(rival), rival["callers"]),
        ratio: rate(ours) / rate(rival),
        must,
        at_most: false,
    }
}

fn at_most(what: &str, value: f64, limit: &str, must: f64) -> Row {
    Row { what: what.into(), ours: format!("{value:.3}"), rival: limit.into(), ratio: value, must, at_most: true }
}
