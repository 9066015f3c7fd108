//! What is known of one inquiry, what may be asked of it, and what it refuses.

use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{InquiryRequested, InquiryResolved, JobResult, PartOf};
use shikaku_schemas::observation::{InquiryProgress, Progress};
use shikaku_schemas::value::{InquiryId, RecordId, Validity};

/// Where an inquiry stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InquiryState {
    /// Not heard of.
    #[default]
    Unknown,
    /// Asked for.
    Requested,
    /// Its file lies in `req/`.
    Submitted,
    /// A bulk job has its 受付番号.
    Accepted,
    /// The centre answered.
    Answered,
    /// The centre, or the terminal, refused.
    Rejected,
    /// Never taken, withdrawn.
    TimedOut,
    /// Taken, and nothing came.
    Uncertain,
    /// Settled by a late answer or a person.
    Resolved,
}

impl InquiryState {
    /// The word of the contract; `None` before anything was asked.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Requested => Some("requested"),
            Self::Submitted => Some("submitted"),
            Self::Accepted => Some("accepted"),
            Self::Answered => Some("answered"),
            Self::Rejected => Some("rejected"),
            Self::TimedOut => Some("timed-out"),
            Self::Uncertain => Some("uncertain"),
            Self::Resolved => Some("resolved"),
        }
    }

    /// Whether nothing more is waited for.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Answered | Self::Rejected | Self::TimedOut | Self::Resolved
        )
    }
}

/// One inquiry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InquiryProcess {
    /// Where it stands.
    pub state: InquiryState,
    /// What was asked, by whom and why.
    pub requested: Option<InquiryRequested>,
    /// The terminal it went to.
    pub terminal: Option<String>,
    /// The request's file name.
    pub file: Option<String>,
    /// 受付番号 of a bulk job.
    pub reception_number: Option<String>,
    /// How often a bulk job was asked after.
    pub polls: u32,
    /// What the centre said.
    pub validity: Option<Validity>,
    /// The record it was about.
    pub record: Option<RecordId>,
    /// Whether an answer was recorded, late ones included.
    pub answered: bool,
    /// What a job's result held.
    pub job: Option<JobResult>,
    /// Whether it ended because its 受付番号 is dead.
    pub lapsed: bool,
}

/// What to record about an inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InquiryCommand {
    /// Ask.
    Request(InquiryRequested),
    /// Its file lies in `req/`.
    NoteSubmitted {
        /// The terminal.
        terminal: String,
        /// The file name.
        file: String,
    },
    /// A bulk job has its 受付番号.
    NoteAccepted {
        /// The number.
        reception_number: String,
    },
    /// A bulk job was asked after.
    NotePolled {
        /// The terminal that asked.
        terminal: String,
        /// How often that terminal has asked, where it tells.
        count: Option<u32>,
    },
    /// The centre answered. Without an inquiry: an answer nobody here asked for, on a stream of its own.
    RecordAnswer {
        /// The inquiry.
        inquiry: Option<InquiryId>,
        /// What it said of a qualification; none where something else was asked for.
        validity: Option<Validity>,
        /// The record it was about.
        record: Option<RecordId>,
        /// The job and the row that it is a part of; then it ends no inquiry.
        part_of: Option<PartOf>,
    },
    /// The whole result of a job is here.
    RecordResult(JobResult),
    /// The centre refused. Without an inquiry: a refusal nobody here asked for.
    RecordRejection {
        /// The inquiry.
        inquiry: Option<InquiryId>,
        /// エラーコード / 処理結果コード.
        code: Option<String>,
        /// Its message.
        message: Option<String>,
        /// The centre does not know the 受付番号 any more.
        lapsed: bool,
        /// The job and the row that it is a part of; then it ends no inquiry.
        part_of: Option<PartOf>,
    },
    /// Never taken, withdrawn.
    NoteTimedOut,
    /// Taken and nothing came, or a restart fell between intent and outcome.
    NoteUncertain {
        /// `no-answer` or `restarted-between-intent-and-outcome`.
        reason: String,
    },
    /// A person settles it.
    Resolve(InquiryResolved),
}

impl InquiryCommand {
    /// What an adapter's progress note asks for.
    /// `None` for a note that no event keeps.
    pub fn from_progress(progress: &InquiryProgress, terminal: &str) -> Option<Self> {
        let refusal = progress.refusal.as_ref();
        Some(match progress.progress {
            Progress::Submitted => Self::NoteSubmitted {
                terminal: terminal.to_owned(),
                file: progress.file.clone().unwrap_or_default(),
            },
            Progress::TimedOut => Self::NoteTimedOut,
            Progress::Uncertain => Self::NoteUncertain {
                reason: "no-answer".to_owned(),
            },
            Progress::Refused => Self::RecordRejection {
                inquiry: Some(progress.inquiry),
                code: Some("not-sendable".to_owned()),
                message: None,
                lapsed: false,
                part_of: None,
            },
            Progress::Accepted => Self::NoteAccepted {
                reception_number: progress.reception_number.clone()?,
            },
            Progress::Polled => Self::NotePolled {
                terminal: terminal.to_owned(),
                count: progress.count,
            },
            Progress::Received => return None,
            Progress::Rejected | Progress::Lapsed => Self::RecordRejection {
                inquiry: Some(progress.inquiry),
                code: refusal.and_then(|refusal| refusal.code.clone()),
                message: refusal.and_then(|refusal| refusal.message.clone()),
                lapsed: progress.progress == Progress::Lapsed,
                part_of: None,
            },
        })
    }
}

/// Why an inquiry does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InquiryRejection {
    /// It was asked before.
    #[error("the inquiry was requested before")]
    AlreadyRequested,
    /// Nobody asked it.
    #[error("the inquiry was never requested")]
    NeverRequested,
    /// Another file was sent for it: a single inquiry is never sent twice.
    #[error("the inquiry was submitted before")]
    AlreadySubmitted,
    /// It was answered before.
    #[error("the inquiry was answered before")]
    AlreadyAnswered,
    /// It was taken by the terminal, so it can't have been withdrawn.
    #[error("the inquiry was taken by the terminal")]
    AlreadyTaken,
    /// It is over.
    #[error("the inquiry is over")]
    AlreadyOver,
    /// Only an uncertain inquiry is settled by hand.
    #[error("the inquiry is not uncertain")]
    NotUncertain,
    /// Only a job whose 受付番号 is dead is asked again, and only so often.
    #[error("the inquiry is not asked again")]
    NotRepeatable,
}

impl InquiryRejection {
    /// Stable name of the rule, for callers outside.
    pub fn rule(self) -> &'static str {
        match self {
            Self::AlreadyRequested => "inquiry-already-requested",
            Self::NeverRequested => "inquiry-never-requested",
            Self::AlreadySubmitted => "inquiry-already-submitted",
            Self::AlreadyAnswered => "inquiry-already-answered",
            Self::AlreadyTaken => "inquiry-already-taken",
            Self::AlreadyOver => "inquiry-already-over",
            Self::NotUncertain => "inquiry-not-uncertain",
            Self::NotRepeatable => "inquiry-not-repeatable",
        }
    }
}
