//! `terminals`: how each terminal does, by its folders as this machine sees them and by its answers in the ledger.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::json;
use shikaku_core::query::TerminalView;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::group::{Facility, Terminal};
use shikaku_schemas::value::FacilityCode;

use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::Terminals;
use crate::config::Config;
use crate::{stores, words};

/// A share that does not answer is away.
const LISTED_WITHIN: Duration = Duration::from_secs(5);

/// One terminal.
#[derive(Serialize)]
struct Row {
    facility: FacilityCode,
    terminal: String,
    health: &'static str,
    folders: Folders,
    #[serde(flatten)]
    told: TerminalView,
}

/// What its folders hold.
#[derive(Debug, Clone, Default, Serialize)]
struct Folders {
    /// Whether all three can be listed.
    reachable: bool,
    /// Requests that the terminal has not taken, of any program.
    requests: usize,
    /// Answers in `res/` that nobody takes, and that the terminal will soon tidy away.
    staying: usize,
}

/// Shows all of them, or those of one facility.
pub async fn run(config: &Config, asked: Terminals, json: bool) -> Outcome {
    if let Some(code) = &asked.facility
        && config
            .group
            .facility(&FacilityCode::from(&**code))
            .is_none()
    {
        return Err(Refused::from(words::NO_SUCH_FACILITY).into());
    }
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, asked.at_least.at_least).await?;
    let mut told = queries.terminals().await.map_err(stores::unanswered)?;
    let stay = Duration::from_secs(config.timing.response_file_stay_minutes * 60);
    let mut rows = Vec::new();
    let all = config.group.facilities.iter();
    let wanted = |facility: &&Facility| {
        let code = asked.facility.as_deref();
        code.is_none_or(|code| facility.code.as_str() == code)
    };
    for facility in all.filter(wanted) {
        for terminal in &facility.terminals {
            let folders = folders(terminal, stay).await;
            let key = (facility.code.clone(), terminal.id.clone());
            let told = told.remove(&key).unwrap_or_default();
            rows.push(Row {
                facility: facility.code.clone(),
                terminal: terminal.id.clone(),
                health: health(&folders, &told),
                folders,
                told,
            });
        }
    }
    if json {
        answer::json_line(&standing.around(json!({ "terminals": rows }))?)?;
    } else {
        show(&rows)?;
    }
    Ok(Exit::Done)
}

/// One word, the worst first.
fn health(folders: &Folders, told: &TerminalView) -> &'static str {
    match (folders.reachable, told.uncertain, folders.staying) {
        (false, _, _) => "folders-away",
        (true, 1.., _) => "uncertain",
        (true, 0, 1..) => "files-staying",
        (true, 0, 0) => "healthy",
    }
}

/// Looks into the folders; one that hangs counts as away.
async fn folders(terminal: &Terminal, stay: Duration) -> Folders {
    let root = terminal.root.clone();
    let looking = tokio::task::spawn_blocking(move || look(&root, stay));
    match tokio::time::timeout(LISTED_WITHIN, looking).await {
        Ok(Ok(Some(folders))) => folders,
        _ => Folders::default(),
    }
}

fn look(root: &Path, stay: Duration) -> Option<Folders> {
    let request = files(&root.join("req"))?;
    let answers = files(&root.join("res"))?;
    files(&root.join("face"))?;
    // Half of the time that the terminal leaves them is gone.
    let is_old = |path: &&PathBuf| age(path).is_some_and(|age| age > stay / 2);
    Some(Folders {
        reachable: true,
        requests: request.len(),
        staying: answers.iter().filter(is_old).count(),
    })
}

fn files(folder: &Path) -> Option<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).ok()?;
    let files = entries.flatten().map(|entry| entry.path());
    Some(files.filter(|path| path.is_file()).collect())
}

/// By the share's clock and ours; one that is ahead makes a file new.
fn age(path: &Path) -> Option<Duration> {
    let written = std::fs::metadata(path).and_then(|it| it.modified()).ok()?;
    SystemTime::from(SystemClock.now())
        .duration_since(written)
        .ok()
}

fn show(rows: &[Row]) -> anyhow::Result<()> {
    if rows.is_empty() {
        answer::line(words::NONE_FOUND.to_string())?;
        return Ok(());
    }
    let mut table = answer::table(&[
        words::FACILITY,
        words::TERMINAL,
        words::STATE,
        words::LAST_FACE,
        words::LAST_ANSWER,
        words::MEDIAN_ANSWER,
        words::REQUESTS_WAITING,
        words::FILES_STAYING,
    ]);
    for row in rows {
        let time = |at: Option<_>| at.map(answer::time).unwrap_or_default();
        let median = row.told.median_answer_ms;
        table.add_row([
            row.facility.to_string(),
            row.terminal.clone(),
            format!("{} {}", words::terminal_health(row.health), row.health),
            time(row.told.last_face_at),
            time(row.told.last_answer_at),
            median.map(|ms| format!("{ms} ms")).unwrap_or_default(),
            row.told.waiting.to_string(),
            row.folders.staying.to_string(),
        ]);
    }
    answer::show(&table)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn terminal(root: &Path, stay: Duration) -> Option<Folders> {
        for folder in ["req", "res", "face"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        look(root, stay)
    }

    #[test]
    fn an_answer_that_nobody_takes_is_told_before_the_terminal_tidies_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(
            look(root, Duration::ZERO).is_none(),
            "no folders, no terminal"
        );
        let hour_ago = SystemTime::from(SystemClock.now()) - Duration::from_secs(60 * 60);
        std::fs::create_dir(root.join("res")).unwrap();
        let answer = File::create(root.join("res/OQSsiquc01res_1.xml")).unwrap();
        answer.set_modified(hour_ago).unwrap();
        File::create(root.join("res/OQSsiquc01res_2.xml")).unwrap();
        for (minutes, staying) in [(90, 1), (180, 0)] {
            let told = terminal(root, Duration::from_secs(60 * minutes)).unwrap();
            assert_eq!((told.reachable, told.staying), (true, staying), "{minutes}");
        }
    }
}
