//! From a task to a file in `req/`.

use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_disk::{Disk, How, is_there};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::oqs::archive::pack;
use shikaku_schemas::oqs::{Form, Message};
use shikaku_schemas::task::Task;

use super::{Encrypted, Folders, Journal, Request, Step, letter};
use crate::folder::sync_folder;

/// How often a refused rename is tried again at once.
const RENAMES_MORE: u32 = 3;
const RENAME_PAUSE: Duration = Duration::from_millis(100);

/// What became of a task for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submission {
    /// The journal knows how far it is.
    Journalled,
    /// Surely nothing was asked; the same task may come again.
    Later(&'static str),
}

/// Writes the first request of `task`, at most once for ever; of a job that another terminal began, only notes it.
pub(crate) fn submit(
    journal: &mut Journal,
    folders: &Folders,
    encrypted: &Encrypted,
    task: &Task,
    now: Timestamp,
) -> io::Result<Submission> {
    let known = journal.get(task.inquiry).map(|request| request.step);
    let request = |step, file: Option<&str>| Request {
        inquiry: task.inquiry,
        step,
        file: file.map(str::to_owned),
        deadline: task.deadline,
        at: now,
        asked: letter::asked(&task.body),
        reception_number: task.resume.clone(),
        polls: 0,
        forwarded: None,
    };
    if task.resume.is_some() && task.body.is_job() {
        if !matches!(known, Some(Step::Accepted | Step::Answered)) {
            journal.note(request(Step::Accepted, None))?;
        }
        return Ok(Submission::Journalled);
    }
    if known.is_some_and(|step| step != Step::Dropped) {
        return Ok(Submission::Journalled);
    }
    if now >= task.deadline {
        journal.note(request(Step::TimedOut, None))?;
        return Ok(Submission::Journalled);
    }
    let Ok(bytes) = letter::write(task) else {
        journal.note(request(Step::Refused, None))?;
        return Ok(Submission::Journalled);
    };
    let message = Message::request(letter::asked(&task.body).family);
    let sheet = Sheet {
        name: (&message.prefix(), message.form.extension()),
        bytes: &bytes,
        password: encrypted.password(message.family),
    };
    send(journal, folders, request(Step::Intent, None), sheet)
}

/// What is to lie in `req/`.
#[derive(Clone, Copy)]
pub(crate) struct Sheet<'a> {
    /// How its name begins, and its extension.
    pub(crate) name: (&'a str, &'a str),
    pub(crate) bytes: &'a [u8],
    /// Packed under this password, for an interface that the terminal encrypts.
    pub(crate) password: Option<&'a [u8]>,
}

/// Makes a sheet visible in `req/` under a new name, with a synced intent before.
pub(crate) fn send(
    journal: &mut Journal,
    folders: &Folders,
    request: Request,
    sheet: Sheet<'_>,
) -> io::Result<Submission> {
    let file = match prepare(journal, folders, sheet, request.at) {
        Ok(file) => file,
        Err(reason) => return Ok(Submission::Later(reason)),
    };
    let disk = &*folders.disk;
    let (temporary, visible) = (folders.temporary(&file), folders.request(&file));
    let inquiry = request.inquiry;
    let step = |step| Request {
        step,
        file: Some(file.clone()),
        ..request.clone()
    };
    let noted = match planted(Mutant::SubmitBeforeIntent) {
        true => Ok(()),
        false => journal.note(step(Step::Intent)),
    };
    if let Err(error) = noted {
        folders.remove_left(&temporary);
        return Err(error);
    }
    match make_visible(disk, &temporary, &visible) {
        Ok(()) => sync_folder(disk, &folders.req),
        // Our temporary file still there says that the rename did not happen.
        Err(_) if disk.remove_file(&temporary).is_ok() => {
            journal.note(step(Step::Dropped))?;
            return Ok(Submission::Later("folder-away"));
        }
        // Nobody knows: the intent stands, and what shows in the folders will tell.
        Err(error) => {
            tracing::warn!(error = %error, inquiry.id = %inquiry, "a rename's outcome is unknown");
            return Ok(Submission::Journalled);
        }
    }
    journal.note(step(Step::Submitted))?;
    Ok(Submission::Journalled)
}

/// Gives a request its final name. A share may refuse for a moment, or carry a rename out and say that it failed; the
/// temporary file is ours alone, so trying again makes the request visible once, and its absence says that it is.
pub(crate) fn make_visible(disk: &dyn Disk, temporary: &Path, visible: &Path) -> io::Result<()> {
    let mut renamed = disk.rename_new(temporary, visible);
    for _ in 0..RENAMES_MORE {
        match &renamed {
            Ok(()) => break,
            // There was nothing to rename.
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(_) => disk.pause(RENAME_PAUSE),
        }
        let folder = temporary.parent().map(|folder| disk.directory(folder));
        let folder_is_there = folder.is_some_and(|folder| folder.is_ok());
        if folder_is_there && matches!(is_there(disk, temporary), Ok(false)) {
            return Ok(());
        }
        renamed = disk.rename_new(temporary, visible);
    }
    renamed
}

/// Writes a sheet under the temporary name of a new request, and gives the request's name.
pub(crate) fn prepare(
    journal: &Journal,
    folders: &Folders,
    sheet: Sheet<'_>,
    now: Timestamp,
) -> Result<String, &'static str> {
    let present = present(folders).map_err(|_| "folder-away")?;
    let (prefix, extension) = sheet.name;
    let shown = match sheet.password {
        Some(_) => Form::Zip.extension(),
        None => extension,
    };
    let file = journal
        .next_name(now, (prefix, shown), &present)
        .ok_or("no-name-left-today")?;
    let packed = sheet.password.map(|password| {
        let entry = Path::new(&file).with_extension(extension);
        pack(&entry.to_string_lossy(), sheet.bytes, password)
    });
    let packed = packed.transpose().map_err(|_| "not-packable")?;
    let bytes = packed.as_deref().unwrap_or(sheet.bytes);
    let disk = &*folders.disk;
    let temporary = folders.temporary(&file);
    if write_temporary(disk, &temporary, bytes).is_err() {
        folders.remove_left(&temporary);
        return Err("folder-away");
    }
    Ok(file)
}

/// Names in `req/` and `res/`.
pub(crate) fn present(folders: &Folders) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in [&folders.req, &folders.res] {
        let found = folders.disk.list(folder)?;
        let named = found.iter().filter_map(|path| path.file_name());
        names.extend(named.map(|name| name.to_string_lossy().into_owned()));
    }
    Ok(names)
}

fn write_temporary(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.open(path, How::New)?;
    file.append(bytes)?;
    file.sync()
}
