//! What is recorded of an inquiry.

use shikaku_schemas::event::{
    Event, InquiryAccepted, InquiryAnswered, InquiryPolled, InquiryRejected, InquiryRequested,
    InquiryResolved, InquirySubmitted, InquiryTimedOut, InquiryUncertain, JobResult,
};
use shikaku_schemas::value::InquiryId;

use super::state::{InquiryCommand, InquiryProcess, InquiryRejection, InquiryState};

use InquiryState::{
    Accepted, Answered, Rejected, Requested, Resolved, Submitted, TimedOut, Uncertain, Unknown,
};

/// What `command` makes of an inquiry; nothing for a note that was recorded before.
///
/// # Errors
/// The rule that forbids it.
pub fn decide(
    process: &InquiryProcess,
    command: InquiryCommand,
) -> Result<Vec<Event>, InquiryRejection> {
    match command {
        InquiryCommand::Request(requested) => request(process, requested),
        InquiryCommand::NoteSubmitted { terminal, file } => submitted(process, terminal, file),
        InquiryCommand::NoteAccepted { reception_number } => accepted(process, reception_number),
        InquiryCommand::NotePolled { terminal, count } => polled(process, terminal, count),
        InquiryCommand::RecordResult(job) => result(process, job),
        InquiryCommand::RecordAnswer {
            inquiry,
            validity,
            record,
            part_of,
        } => answer(
            process,
            InquiryAnswered {
                inquiry,
                validity,
                record,
                job: None,
                part_of,
            },
        ),
        InquiryCommand::RecordRejection {
            inquiry,
            code,
            message,
            lapsed,
            part_of,
        } => reject(
            process,
            InquiryRejected {
                inquiry,
                code,
                message,
                lapsed,
                part_of,
            },
        ),
        InquiryCommand::NoteTimedOut => timed_out(process),
        InquiryCommand::NoteUncertain { reason } => uncertain(process, reason),
        InquiryCommand::Resolve(resolved) => resolve(process, resolved),
    }
}

fn request(
    process: &InquiryProcess,
    requested: InquiryRequested,
) -> Result<Vec<Event>, InquiryRejection> {
    if process.state != Unknown {
        return Err(InquiryRejection::AlreadyRequested);
    }
    Ok(vec![Event::InquiryRequested(requested)])
}

/// The id it was requested under.
fn id(process: &InquiryProcess) -> Result<InquiryId, InquiryRejection> {
    process
        .requested
        .as_ref()
        .map(|requested| requested.inquiry)
        .ok_or(InquiryRejection::NeverRequested)
}

fn submitted(
    process: &InquiryProcess,
    terminal: String,
    file: String,
) -> Result<Vec<Event>, InquiryRejection> {
    let inquiry = id(process)?;
    match &process.file {
        Some(known) if *known == file => Ok(Vec::new()),
        Some(_) => Err(InquiryRejection::AlreadySubmitted),
        // The answer overtook the note that the file was sent.
        None if process.state != Requested => Ok(Vec::new()),
        None => Ok(vec![Event::InquirySubmitted(InquirySubmitted {
            inquiry,
            terminal,
            file,
        })]),
    }
}

fn accepted(
    process: &InquiryProcess,
    reception_number: String,
) -> Result<Vec<Event>, InquiryRejection> {
    let inquiry = id(process)?;
    if process.reception_number.as_ref() == Some(&reception_number) {
        return Ok(Vec::new());
    }
    match process.state {
        Requested | Submitted | Accepted | Uncertain => {
            Ok(vec![Event::InquiryAccepted(InquiryAccepted {
                inquiry,
                reception_number,
            })])
        }
        _ => Err(InquiryRejection::AlreadyOver),
    }
}

/// A job is asked after each minute, for days perhaps: recorded is who asks, and each doubling.
fn polled(
    process: &InquiryProcess,
    terminal: String,
    told: Option<u32>,
) -> Result<Vec<Event>, InquiryRejection> {
    let inquiry = id(process)?;
    if process.state != Accepted {
        return Err(InquiryRejection::AlreadyOver);
    }
    let other = process.terminal.as_ref() != Some(&terminal);
    let count = told.unwrap_or_else(|| process.polls.saturating_add(1));
    if !other && count < process.polls.saturating_mul(2).max(1) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::InquiryPolled(InquiryPolled {
        inquiry,
        count: count.max(process.polls.saturating_add(1)),
        terminal: other.then_some(terminal),
    })])
}

/// Only with the close of its result a job is answered; units never answer it.
fn result(process: &InquiryProcess, job: JobResult) -> Result<Vec<Event>, InquiryRejection> {
    let inquiry = id(process)?;
    answer(
        process,
        InquiryAnswered {
            inquiry: Some(inquiry),
            validity: None,
            record: None,
            job: Some(job),
            part_of: None,
        },
    )
}

/// How often a lapsed job is asked anew at most.
pub const REPEATS_AT_MOST: u32 = 2;

/// What to ask under `next` in place of a job whose 受付番号 is dead, after it was repeated `repeats` times.
///
/// # Errors
/// [`InquiryRejection::NotRepeatable`]: a single inquiry never is, nor what a program asked by itself.
pub fn repeat(
    process: &InquiryProcess,
    next: InquiryId,
    repeats: u32,
) -> Result<InquiryRequested, InquiryRejection> {
    let asked = process
        .requested
        .as_ref()
        .ok_or(InquiryRejection::NeverRequested)?;
    let job = asked.question.as_ref().is_some_and(|body| body.is_job());
    let ours = asked.program.is_none();
    if !job || !ours || !process.lapsed || repeats >= REPEATS_AT_MOST {
        return Err(InquiryRejection::NotRepeatable);
    }
    Ok(InquiryRequested {
        inquiry: next,
        repeats: Some(asked.inquiry),
        terminal: None,
        ..asked.clone()
    })
}

fn answer(
    process: &InquiryProcess,
    answered: InquiryAnswered,
) -> Result<Vec<Event>, InquiryRejection> {
    if process.answered {
        return Err(InquiryRejection::AlreadyAnswered);
    }
    let Some(inquiry) = answered.inquiry else {
        return match process.state {
            Unknown => Ok(vec![Event::InquiryAnswered(answered)]),
            _ => Err(InquiryRejection::AlreadyAnswered),
        };
    };
    match process.state {
        Unknown => Err(InquiryRejection::NeverRequested),
        Requested | Submitted | Accepted | Resolved => Ok(vec![Event::InquiryAnswered(answered)]),
        Uncertain | TimedOut => Ok(vec![Event::InquiryAnswered(answered), late_answer(inquiry)]),
        Answered | Rejected => Err(InquiryRejection::AlreadyAnswered),
    }
}

fn reject(
    process: &InquiryProcess,
    rejected: InquiryRejected,
) -> Result<Vec<Event>, InquiryRejection> {
    let Some(inquiry) = rejected.inquiry else {
        return match process.state {
            Unknown => Ok(vec![Event::InquiryRejected(rejected)]),
            _ => Err(InquiryRejection::AlreadyAnswered),
        };
    };
    match process.state {
        Unknown => Err(InquiryRejection::NeverRequested),
        Requested | Submitted | Accepted => Ok(vec![Event::InquiryRejected(rejected)]),
        Uncertain | TimedOut => Ok(vec![Event::InquiryRejected(rejected), late_answer(inquiry)]),
        Resolved if !process.answered => Ok(vec![Event::InquiryRejected(rejected)]),
        Answered | Rejected | Resolved => Err(InquiryRejection::AlreadyAnswered),
    }
}

fn late_answer(inquiry: InquiryId) -> Event {
    Event::InquiryResolved(InquiryResolved {
        inquiry,
        by: "late-answer".to_owned(),
        note: String::new(),
    })
}

fn timed_out(process: &InquiryProcess) -> Result<Vec<Event>, InquiryRejection> {
    let inquiry = id(process)?;
    match process.state {
        Requested | Submitted => Ok(vec![Event::InquiryTimedOut(InquiryTimedOut { inquiry })]),
        TimedOut => Ok(Vec::new()),
        Accepted | Uncertain => Err(InquiryRejection::AlreadyTaken),
        _ => Err(InquiryRejection::AlreadyOver),
    }
}

fn uncertain(process: &InquiryProcess, reason: String) -> Result<Vec<Event>, InquiryRejection> {
    let inquiry = id(process)?;
    match process.state {
        Requested | Submitted | Accepted => Ok(vec![Event::InquiryUncertain(InquiryUncertain {
            inquiry,
            reason,
        })]),
        Uncertain => Ok(Vec::new()),
        _ => Err(InquiryRejection::AlreadyOver),
    }
}

fn resolve(
    process: &InquiryProcess,
    resolved: InquiryResolved,
) -> Result<Vec<Event>, InquiryRejection> {
    id(process)?;
    if process.state != Uncertain {
        return Err(InquiryRejection::NotUncertain);
    }
    Ok(vec![Event::InquiryResolved(resolved)])
}

/// Records one event. Events of other streams change nothing.
pub fn evolve(process: &mut InquiryProcess, event: &Event) {
    match event {
        Event::InquiryRequested(requested) => {
            process.state = Requested;
            process.requested = Some(requested.clone());
        }
        Event::InquirySubmitted(submitted) => {
            process.state = Submitted;
            process.terminal = Some(submitted.terminal.clone());
            process.file = Some(submitted.file.clone());
        }
        Event::InquiryAccepted(accepted) => {
            process.state = Accepted;
            process.reception_number = Some(accepted.reception_number.clone());
        }
        Event::InquiryPolled(polled) => {
            process.polls = polled.count;
            if polled.terminal.is_some() {
                process.terminal.clone_from(&polled.terminal);
            }
        }
        Event::InquiryAnswered(answered) => {
            process.answered = true;
            process.validity = answered.validity;
            process.record = answered.record;
            process.job.clone_from(&answered.job);
            process.end(Answered);
        }
        Event::InquiryRejected(rejected) => {
            process.answered = true;
            process.lapsed = rejected.lapsed;
            process.end(Rejected);
        }
        Event::InquiryTimedOut(_) => process.end(TimedOut),
        Event::InquiryUncertain(_) => process.state = Uncertain,
        Event::InquiryResolved(_) => process.state = Resolved,
        _ => {}
    }
}

impl InquiryProcess {
    /// What a person settled stays settled, whatever still comes in.
    fn end(&mut self, state: InquiryState) {
        if self.state != Resolved {
            self.state = state;
        }
    }
}
