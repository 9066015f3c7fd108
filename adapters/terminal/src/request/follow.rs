//! After a request: the deadline, and what a restart finds.

use std::io;

use jiff::{SignedDuration, Timestamp};
use shikaku_disk::is_there;
use shikaku_schemas::oqs::file::answers;

use super::{Folders, Journal, Request, Step, is_temporary};

/// A share may be away for a moment just at the deadline.
const FOLDER_AWAY: SignedDuration = SignedDuration::from_secs(60);

/// A request whose fate became clear. To be told to the hub first, journalled after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    pub(crate) request: Request,
    pub(crate) step: Step,
}

/// What is known of open requests whose deadline has passed. `answer_patience` is how long an answer that
/// lies in `res/` may take to become whole.
pub(crate) fn follow(
    journal: &Journal,
    folders: &Folders,
    now: Timestamp,
    answer_patience: SignedDuration,
) -> Vec<Followed> {
    let due = journal
        .open_requests()
        .into_iter()
        .filter(|request| now >= request.deadline);
    due.filter_map(|request| {
        let late = now.duration_since(request.deadline);
        let file = request.file.clone()?;
        // A folder that can't be listed may hold it.
        if late < answer_patience && answer_is_there(folders, &file).unwrap_or(true) {
            return None;
        }
        let step = match withdraw(folders, &file) {
            Ok(true) => Step::TimedOut,
            Ok(false) => Step::Uncertain,
            Err(error) if late < FOLDER_AWAY => {
                tracing::debug!(error = %error, "a request can't be withdrawn yet");
                return None;
            }
            Err(_) => {
                // Whatever became of it: once the folder is back nobody is to take it any more.
                folders.remove_left(&folders.request(&file));
                Step::Uncertain
            }
        };
        Some(Followed { request, step })
    })
    .collect()
}

/// What a start finds of requests whose rename nobody saw the end of.
///
/// # Errors
/// While the folders can't be looked at: nothing is decided then. At its deadline a request is settled all the same.
pub(crate) fn recover(journal: &Journal, folders: &Folders) -> io::Result<Vec<Followed>> {
    let mut found = Vec::new();
    for request in journal.open_requests() {
        let Some(file) = request.file.clone() else {
            continue;
        };
        if request.step != Step::Intent {
            continue;
        }
        let in_req = is_there(&*folders.disk, &folders.request(&file))?;
        let step = if in_req || answer_is_there(folders, &file)? {
            Step::Submitted
        } else {
            // Also when our temporary file is still there: after a power cut the folder may be older than
            // what the terminal did.
            let _ = folders.disk.remove_file(&folders.temporary(&file));
            Step::Uncertain
        };
        found.push(Followed { request, step });
    }
    Ok(found)
}

/// Removes what a crash left behind: requests that were settled, withdrawn or not, and our temporary files. Of these none
/// is in use while the journal is held: whoever writes one holds it.
///
/// # Errors
/// While the folder can't be looked at.
pub(crate) fn sweep(journal: &Journal, folders: &Folders) -> io::Result<()> {
    for path in folders.disk.list(&folders.req)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_settled = |extension| {
            let request = path.with_extension(extension);
            let name = request.file_name().unwrap_or_default().to_string_lossy();
            journal.is_settled(&name)
        };
        let is_withdrawn =
            name.ends_with(".withdrawn") && ["xml", "zip"].into_iter().any(is_settled);
        if is_temporary(&name) || is_withdrawn || journal.is_over(&name) {
            folders.remove_left(&path);
        }
    }
    Ok(())
}

/// The last traces of a request that nobody takes any more, once its fate is journalled.
pub(crate) fn clean_up(folders: &Folders, file: &str) {
    folders.remove_left(&folders.withdrawn(file));
    // Where the rename failed and nobody knew whether it had: it had not.
    folders.remove_left(&folders.temporary(file));
}

/// Takes our file back from `req/`; `false` when the terminal has it. The rename decides who has it, and its
/// result stays on disk until the journal knows.
fn withdraw(folders: &Folders, file: &str) -> io::Result<bool> {
    let withdrawn = folders.withdrawn(file);
    let disk = &*folders.disk;
    match disk.rename_new(&folders.request(file), &withdrawn) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Of a folder that is away nothing can be told.
            disk.list(&folders.req)?;
            is_there(disk, &withdrawn)
        }
        Err(error) => Err(error),
    }
}

fn answer_is_there(folders: &Folders, file: &str) -> io::Result<bool> {
    let found = folders.disk.list(&folders.res)?;
    let mut names = found.iter().filter_map(|path| path.file_name());
    Ok(names.any(|name| answers(&name.to_string_lossy(), file)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use shikaku_disk::{Disk, SystemDisk};
    use shikaku_schemas::value::InquiryId;
    use uuid::Uuid;

    use super::super::asked::Asked;
    use super::*;

    const FILE: &str = "OQSsiquc01req_202605115001.xml";

    /// Seeds 22215 and 22824 of the simulation.
    #[test]
    fn a_request_behind_a_share_that_was_away_is_taken_back_when_it_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        let root = folder.path().join("share");
        let folders = Folders::new(&disk, &root);
        let now: Timestamp = "2026-05-11T05:00:00Z".parse().unwrap();
        let mut journal = Journal::open(&disk, folder.path(), now).unwrap();
        let request = Request {
            inquiry: InquiryId(Uuid::from_u128(1)),
            step: Step::Submitted,
            file: Some(FILE.to_owned()),
            deadline: now,
            at: now,
            asked: Asked::default(),
            reception_number: None,
            polls: 0,
            forwarded: None,
        };
        journal.note(request).unwrap();

        let late = now + FOLDER_AWAY;
        let patience = SignedDuration::from_secs(1);
        let steps = |followed: Vec<Followed>| followed.into_iter().map(|it| it.step);
        let just_late = late - SignedDuration::from_secs(1);
        assert_eq!(
            steps(follow(&journal, &folders, just_late, patience)).count(),
            0
        );
        let settled = steps(follow(&journal, &folders, late, patience));
        assert_eq!(settled.collect::<Vec<_>>(), [Step::Uncertain]);
        folders.remove_what_is_left();

        for name in ["req", "res"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(folders.request(FILE), "a patient's numbers").unwrap();
        folders.remove_what_is_left();
        assert!(!folders.request(FILE).exists());
        assert!(folders.left().is_empty());
    }
}
