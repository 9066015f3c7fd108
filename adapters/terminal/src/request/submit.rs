//! From a task to a file in `req/`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use shikaku_schemas::oqs::Request as _;
use shikaku_schemas::oqs::file::{answers, single_request};
use shikaku_schemas::oqs::single;
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::task::{Task, TaskBody};

use super::{Folders, Journal, Request, Step};
use crate::folder::{rename_without_overwriting, sync_folder};

/// What became of a task for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submission {
    /// The journal knows how far it is.
    Journalled,
    /// Surely nothing was asked; the same task may come again.
    Later(&'static str),
}

/// Writes the request of `task`, at most once for ever.
pub(crate) fn submit(
    journal: &mut Journal,
    folders: &Folders,
    task: &Task,
    now: Timestamp,
) -> io::Result<Submission> {
    if journal
        .get(task.inquiry)
        .is_some_and(|request| request.step != Step::Dropped)
    {
        return Ok(Submission::Journalled);
    }
    let request = |step, file: Option<&str>| Request {
        inquiry: task.inquiry,
        step,
        file: file.map(str::to_owned),
        deadline: task.deadline,
        at: now,
    };
    if now >= task.deadline {
        journal.note(request(Step::TimedOut, None))?;
        return Ok(Submission::Journalled);
    }
    let Some(bytes) = write(task) else {
        journal.note(request(Step::Refused, None))?;
        return Ok(Submission::Journalled);
    };
    let Ok(names) = present(folders) else {
        return Ok(Submission::Later("folder-away"));
    };
    // Never a name whose request or answer is already there: that answer would be somebody else's.
    let taken = |name: &str| {
        let is_taken = |found: &String| found.eq_ignore_ascii_case(name) || answers(found, name);
        names.iter().any(is_taken)
    };
    let Some(file) = journal.next_name(now, single_request, taken) else {
        return Ok(Submission::Later("no-name-left-today"));
    };
    let (temporary, visible) = (folders.temporary(&file), folders.request(&file));
    if write_temporary(&temporary, &bytes).is_err() {
        remove_quietly(&temporary);
        return Ok(Submission::Later("folder-away"));
    }
    if let Err(error) = journal.note(request(Step::Intent, Some(&file))) {
        remove_quietly(&temporary);
        return Err(error);
    }
    match rename_without_overwriting(&temporary, &visible) {
        Ok(()) => sync_folder(&folders.req),
        // Our temporary file still there says that the rename did not happen.
        Err(_) if fs::remove_file(&temporary).is_ok() => {
            journal.note(request(Step::Dropped, Some(&file)))?;
            return Ok(Submission::Later("folder-away"));
        }
        // Nobody knows: the intent stands, and what shows in the folders will tell.
        Err(error) => {
            tracing::warn!(error = %error, inquiry.id = %task.inquiry, "a rename's outcome is unknown");
            return Ok(Submission::Journalled);
        }
    }
    journal.note(request(Step::Submitted, Some(&file)))?;
    Ok(Submission::Journalled)
}

fn write(task: &Task) -> Option<Vec<u8>> {
    let TaskBody::Ticket(question) = &task.body else {
        return None;
    };
    // The centre echoes both: enough for a person to find the inquiry, and nobody's number.
    let inquiry = task.inquiry.to_string();
    single::Request::of_ticket(question, task.facility.as_str(), &inquiry)
        .write(Encoding::Cp932)
        .inspect_err(|error| tracing::warn!(error = %error, "a request can't be written"))
        .ok()
}

/// Names in `req/` and `res/`.
fn present(folders: &Folders) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in [&folders.req, &folders.res] {
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

fn write_temporary(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn remove_quietly(path: &Path) {
    // Left behind it does no harm: the name says that it is nobody's request yet.
    let _ = fs::remove_file(path);
}
