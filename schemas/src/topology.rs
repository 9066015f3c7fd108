//! The one table of streams, roles and permissions. The provisioner, `shikaku nats config`, AsyncAPI and
//! the permission tests are all made from it.

use crate::feed::Audience;
use crate::group::Consumer;

/// Header of an evidence chunk: the evidence id.
pub const EVIDENCE_ID: &str = "shikaku-evidence";
/// Header of an evidence chunk: its index, from 0.
pub const EVIDENCE_CHUNK: &str = "shikaku-chunk";
/// Header of an evidence chunk: how many there are.
pub const EVIDENCE_CHUNKS: &str = "shikaku-chunks";
/// Plain bytes of one evidence chunk at most.
pub const EVIDENCE_CHUNK_BYTES: usize = 60 * 1024;
/// An observation's JSON at most.
pub const OBSERVATION_BYTES: usize = 64 * 1024;
/// Header and stream metadata: the store's id.
pub const STORE_ID: &str = "shikaku-store";
/// Header and stream metadata: the store's epoch.
pub const STORE_EPOCH: &str = "shikaku-epoch";
/// Metadata of `LOG`: the ledger's last position when the stream was made. Until the stream holds it, it is being filled.
pub const STORE_HEAD: &str = "shikaku-head";
/// Header of a feed message: the consumer's cursor.
pub const FEED_SEQUENCE: &str = "feed-sequence";

/// How a stream lets go of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Kept until the limits.
    Limits,
    /// Gone once acknowledged.
    WorkQueue,
}

/// One JetStream stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// Its name.
    pub name: String,
    /// Its subjects.
    pub subjects: Vec<String>,
    /// Its retention.
    pub retention: Retention,
    /// Whether atomic batches are taken.
    pub atomic: bool,
    /// Days a message is kept; 0 = for ever.
    pub days: u32,
}

/// Name of the stream of observations and evidence chunks.
pub const OBSERVATIONS: &str = "OBSERVATIONS";
/// Name of the stream of tasks.
pub const TASKS: &str = "TASKS";
/// Name of the canonical log.
pub const LOG: &str = "LOG";
/// Name of the dead letters.
pub const PARKED: &str = "PARKED";

/// Name of an audience's feed stream.
pub fn feed_stream(audience: Audience) -> &'static str {
    match audience {
        Audience::Receipt => "FEED_RECEIPT",
        Audience::Ehr => "FEED_EHR",
        Audience::Dispensing => "FEED_DISPENSING",
        Audience::Department => "FEED_DEPARTMENT",
    }
}

/// Every stream of the hub.
pub fn streams(feed_days: u32) -> Vec<StreamSpec> {
    let spec = |name: &str, subjects: &[&str], retention, atomic, days| StreamSpec {
        name: name.to_owned(),
        subjects: subjects
            .iter()
            .map(|subject| (*subject).to_owned())
            .collect(),
        retention,
        atomic,
        days,
    };
    let mut all = vec![
        spec(
            OBSERVATIONS,
            &["shikaku.obs.>", "shikaku.evidence.>"],
            Retention::WorkQueue,
            false,
            0,
        ),
        spec(TASKS, &["shikaku.task.>"], Retention::WorkQueue, false, 0),
        spec(LOG, &["shikaku.log.*"], Retention::Limits, true, 0),
        spec(PARKED, &["shikaku.parked.*"], Retention::Limits, false, 0),
    ];
    all.extend(Audience::ALL.iter().map(|audience| StreamSpec {
        name: feed_stream(*audience).to_owned(),
        subjects: vec![
            format!("shikaku.feed.{}.>", audience.as_str()),
            format!("shikaku.feed.{}-insurance.>", audience.as_str()),
        ],
        retention: Retention::Limits,
        atomic: false,
        days: feed_days,
    }));
    all
}

/// Whether the writers of a stream name the sequence that each message follows.
pub fn is_ordered(stream: &StreamSpec) -> bool {
    stream.name == LOG
        || Audience::ALL
            .iter()
            .any(|audience| stream.name == feed_stream(*audience))
}

/// Durable of the hub's intake on `OBSERVATIONS`.
pub const INTAKE: &str = "intake";

/// Durable of a terminal adapter on `TASKS`.
pub fn task_durable(facility: &str, device: &str) -> String {
    format!("terminal-{facility}-{device}")
}

/// What a user of the broker may do, besides its own inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSpec {
    /// User name, one per role of the hub.
    pub user: &'static str,
    /// Subjects it may publish to.
    pub publish: &'static [&'static str],
    /// Subjects it may subscribe to, its inbox `_INBOX_<user>.>` apart.
    pub subscribe: &'static [&'static str],
}

/// The hub's own roles. They share one account; each has a private inbox prefix `_INBOX_<user>`.
pub const ROLES: &[RoleSpec] = &[
    RoleSpec {
        user: "hub",
        // A wildcard is a whole token, so the inboxes it answers to are named one by one.
        publish: &[
            "shikaku.>",
            "$JS.API.>",
            "$JS.ACK.>",
            "_INBOX_projections.>",
            "_INBOX_terminal.>",
            "_INBOX_card-reader.>",
            "_INBOX_api.>",
            "_INBOX_operator.>",
        ],
        subscribe: &["shikaku.>"],
    },
    RoleSpec {
        user: "projections",
        publish: &[
            "shikaku.feed.>",
            "shikaku.parked.projections",
            "shikaku.keys.open",
            "$JS.API.INFO",
            "$JS.API.STREAM.INFO.*",
            "$JS.API.STREAM.MSG.GET.*",
            "$JS.API.DIRECT.GET.>",
            "$JS.API.CONSUMER.CREATE.LOG",
            "$JS.API.CONSUMER.MSG.NEXT.LOG.>",
            "$JS.API.CONSUMER.INFO.*.>",
            "$JS.API.CONSUMER.RESET.>",
            // Replies to another account's imported service.
            "_R_.>",
        ],
        subscribe: &["shikaku.svc-of.>"],
    },
    RoleSpec {
        user: "terminal",
        publish: &[
            "shikaku.obs.*.terminal.>",
            "shikaku.evidence.*.terminal.>",
            "shikaku.parked.terminal",
            "$JS.API.INFO",
            "$JS.API.STREAM.INFO.OBSERVATIONS",
            "$JS.API.STREAM.INFO.TASKS",
            "$JS.API.CONSUMER.INFO.TASKS.>",
            "$JS.API.CONSUMER.MSG.NEXT.TASKS.>",
            "$JS.ACK.TASKS.>",
            "$JS.ACK.*.*.TASKS.>",
        ],
        subscribe: &["shikaku.committed.*.terminal.*"],
    },
    RoleSpec {
        user: "card-reader",
        publish: &[
            "shikaku.obs.*.card-reader.>",
            "shikaku.parked.card-reader",
            "$JS.API.INFO",
            "$JS.API.STREAM.INFO.OBSERVATIONS",
        ],
        subscribe: &["shikaku.committed.*.card-reader.*"],
    },
    RoleSpec {
        user: "api",
        publish: &["shikaku.cmd.>", "shikaku.keys.open"],
        subscribe: &[],
    },
    RoleSpec {
        user: "operator",
        publish: &[
            "shikaku.cmd.>",
            "$JS.API.INFO",
            "$JS.API.STREAM.INFO.*",
            "$JS.API.STREAM.LIST",
            "$JS.API.STREAM.MSG.GET.PARKED",
            "$JS.API.DIRECT.GET.PARKED.>",
        ],
        subscribe: &[],
    },
];

/// The account of an outside consumer.
pub fn consumer_account(consumer: &Consumer) -> String {
    format!("C_{}", consumer.name)
}

/// What an outside consumer may publish to, in its own account: exactly these.
pub fn consumer_subjects(consumer: &Consumer) -> Vec<String> {
    let stream = feed_stream(consumer.audience);
    let name = &consumer.name;
    let service = |what| crate::subject::service(consumer.audience, &consumer.facility, what);
    vec![
        format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"),
        format!("$JS.API.CONSUMER.INFO.{stream}.{name}"),
        format!("$JS.ACK.{stream}.{name}.>"),
        service("state"),
        service("replay"),
    ]
}
