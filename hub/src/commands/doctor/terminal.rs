//! A terminal's folders, and its clock as far as its files tell.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, access};
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::group::{FaceMode, Facility, Terminal};

use super::Check;
use crate::config::Config;

/// A file newer than our own clock by more than this means that one of the two clocks is wrong.
const AHEAD_AT_MOST: Duration = Duration::from_secs(60);

/// Checks of one terminal.
pub fn check(config: &Config, facility: &Facility, terminal: &Terminal) -> Vec<Check> {
    let name = format!("terminal {} {}", facility.code, terminal.id);
    if config.embedded && !terminal.root.exists() {
        let detail = format!(
            "{}: 模擬端末が作ります / the simulated terminal makes it",
            terminal.root.display()
        );
        return vec![Check::good(name, detail)];
    }
    let mut checks: Vec<Check> = ["req", "res", "face"]
        .into_iter()
        .filter_map(|part| folder(&name, &terminal.root.join(part), must(part, terminal.face)))
        .collect();
    if checks.is_empty() {
        checks.push(Check::good(&name, terminal.root.display().to_string()));
    }
    checks.extend(clock(&name, &terminal.root.join("face")));
    checks
}

/// What the hub does there.
fn must(part: &str, face: FaceMode) -> Access {
    let read = Access::READ_OK | Access::EXEC_OK;
    match (part, face) {
        ("face", FaceMode::Copy) => read,
        _ => read | Access::WRITE_OK,
    }
}

fn folder(name: &str, path: &Path, must: Access) -> Option<Check> {
    let shown = path.display();
    if !path.is_dir() {
        return Some(Check::bad(
            name,
            format!("{shown} がありません / is absent"),
            "共有フォルダの接続と root を確かめてください / look at the share's mount and at `root`",
        ));
    }
    access(path, must).err().map(|_| {
        Check::bad(
            name,
            format!("{shown}: 権限が足りません / permissions are missing"),
            "実行ユーザーに読み書きを許してください / let the hub's user read and write",
        )
    })
}

fn clock(name: &str, face: &Path) -> Option<Check> {
    let now = SystemTime::from(SystemClock.now());
    let newest = std::fs::read_dir(face)
        .ok()?
        .filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok())
        .max()?;
    let ahead = newest.duration_since(now).unwrap_or_default();
    (ahead > AHEAD_AT_MOST).then(|| {
        Check::warning(
            format!("{name} clock"),
            format!(
                "端末の時計が {0} 秒進んでいます / its clock is {0} s ahead",
                ahead.as_secs()
            ),
            "端末とハブの時刻同期を確かめてください / look at both clocks' time source",
        )
    })
}
