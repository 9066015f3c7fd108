//! Faults planted on purpose, so that the simulation can show that it finds them.
//!
//! Without the feature `mutants`, which the program never sets, [`planted`] is `false` for the compiler and nothing of
//! this is in the program.

/// A fault that can be planted. Each is a line or two at the place that keeps the promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// A message of `OBSERVATIONS` is acknowledged before its commit.
    AckBeforeCommit,
    /// A spool is answered before the commit.
    AnswerBeforeCommit,
    /// The spool lets go when the broker has acknowledged.
    LetGoWhenPublished,
    /// The spool does not sync what it appends.
    SkipSpoolSync,
    /// A terminal's file is removed before its bytes are in the spool.
    LetGoBeforeSpool,
    /// A terminal's file counts as seen before its bytes are in the spool.
    SeenBeforeSpool,
    /// A request is visible to the terminal before it is in the journal.
    SubmitBeforeIntent,
    /// The inbox is not looked at.
    IgnoreInbox,
    /// A writer that was fenced goes on.
    ForgetTheFence,
    /// An event's id is used for another one.
    ReuseAnId,
    /// The relay's batches do not name the sequence they follow.
    RelayExpectsNothing,
    /// A projection takes events behind a gap.
    SkipAGap,
    /// A projection takes an event again that it has taken.
    TakeTwice,
    /// A number of a feed is passed over.
    SkipFeedSequence,
    /// A feed message is marked as told before the broker has it.
    MarkBeforeTold,
    /// A feed message does not name the sequence it follows.
    FeedExpectsNothing,
    /// The feed is not compared with the outbox after trouble.
    ForgetToCompare,
    /// Evidence that is not whole does not stop a commit.
    CommitWithoutEvidence,
    /// A hub goes on copying to `LOG` in an epoch that is past.
    DropTheEpochCheck,
    /// A feed message is told before the outbox has it.
    TellBeforeCommit,
    /// Of the numbers of an answer only the first leads to its record later.
    LearnOneKey,
    /// Where a batch's answers lead is not known to its later ones.
    ForgetKeysInBatch,
    /// A feed gives the ids of the first epoch again in a later one.
    KeepIds,
    /// A request that was withdrawn is left lying.
    LeaveLeftOvers,
    /// The hub says nothing of an inquiry of which nothing is heard.
    NeverOverdue,
    /// What was recorded later counts as known at a time.
    KnowTooEarly,
    /// Members that need `insurance_fields` pass without it.
    TellFieldsToAll,
    /// A payload is read as one of the present shape, whatever version it is of.
    IgnoreVersions,
}

impl Mutant {
    /// Every one, with its name.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("ack-before-commit", Self::AckBeforeCommit),
        ("answer-before-commit", Self::AnswerBeforeCommit),
        ("let-go-when-published", Self::LetGoWhenPublished),
        ("skip-spool-sync", Self::SkipSpoolSync),
        ("let-go-before-spool", Self::LetGoBeforeSpool),
        ("seen-before-spool", Self::SeenBeforeSpool),
        ("submit-before-intent", Self::SubmitBeforeIntent),
        ("ignore-inbox", Self::IgnoreInbox),
        ("forget-the-fence", Self::ForgetTheFence),
        ("reuse-an-id", Self::ReuseAnId),
        ("relay-expects-nothing", Self::RelayExpectsNothing),
        ("skip-a-gap", Self::SkipAGap),
        ("take-twice", Self::TakeTwice),
        ("skip-feed-sequence", Self::SkipFeedSequence),
        ("mark-before-told", Self::MarkBeforeTold),
        ("feed-expects-nothing", Self::FeedExpectsNothing),
        ("forget-to-compare", Self::ForgetToCompare),
        ("commit-without-evidence", Self::CommitWithoutEvidence),
        ("drop-the-epoch-check", Self::DropTheEpochCheck),
        ("tell-before-commit", Self::TellBeforeCommit),
        ("learn-one-key", Self::LearnOneKey),
        ("forget-keys-in-batch", Self::ForgetKeysInBatch),
        ("keep-ids", Self::KeepIds),
        ("leave-left-overs", Self::LeaveLeftOvers),
        ("never-overdue", Self::NeverOverdue),
        ("know-too-early", Self::KnowTooEarly),
        ("tell-fields-to-all", Self::TellFieldsToAll),
        ("ignore-versions", Self::IgnoreVersions),
    ];
}

#[cfg(feature = "mutants")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Plants one fault in this thread, or none.
#[cfg(feature = "mutants")]
pub fn plant(mutant: Option<Mutant>) {
    PLANTED.set(mutant);
}

/// Whether this fault is planted.
#[cfg(feature = "mutants")]
pub fn planted(mutant: Mutant) -> bool {
    PLANTED.get() == Some(mutant)
}

/// Whether this fault is planted: never in the program.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn planted(_: Mutant) -> bool {
    false
}
