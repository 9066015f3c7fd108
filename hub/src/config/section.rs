//! The sections of the TOML file: one struct each, every key documented.
//!
//! What the other parts consume (facilities, consumers …) has its types in `schemas::group`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shikaku_schemas::group::{Consumer, Facility, Scheme, WelfareOffice};
use shikaku_schemas::oqs::medical::{FIRST_CHECKUP_MONTH, FIRST_DRUG_MONTH};
use shikaku_schemas::value::Month;

/// The whole file. An unknown key is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Where everything of this hub lies; made when absent.
    pub data_dir: PathBuf,
    /// `[database]`.
    pub database: Database,
    /// `[nats]`.
    pub nats: Nats,
    /// `[http]`.
    pub http: Http,
    /// `[keys]`.
    pub keys: Keys,
    /// `[schedule]`.
    pub schedule: Schedule,
    /// `[timing]`.
    pub timing: Timing,
    /// `[retention]`.
    pub retention: Retention,
    /// `[identity]`.
    pub identity: Identity,
    /// `[medical]`.
    pub medical: Medical,
    /// `[[welfare_office]]`.
    pub welfare_office: Vec<WelfareOffice>,
    /// `[[facility]]`.
    pub facility: Vec<Facility>,
    /// `[[scheme]]`.
    pub scheme: Vec<Scheme>,
    /// `[[consumer]]`.
    pub consumer: Vec<Consumer>,
    /// `[[user]]`.
    pub user: Vec<User>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./var"),
            database: Database::default(),
            nats: Nats::default(),
            http: Http::default(),
            keys: Keys::default(),
            schedule: Schedule::default(),
            timing: Timing::default(),
            retention: Retention::default(),
            identity: Identity::default(),
            medical: Medical::default(),
            welfare_office: Vec::new(),
            facility: Vec::new(),
            scheme: Vec::new(),
            consumer: Vec::new(),
            user: Vec::new(),
        }
    }
}

/// Where the ledger lies. Absent: SQLite in `data_dir`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `postgres://…`; the environment's `SHIKAKU_DATABASE_URL` goes before it.
    pub url: Option<String>,
    /// A file that holds the URL, to keep its password out of this one.
    pub url_file: Option<PathBuf>,
}

/// The broker. No `url`: a supervised nats-server in `data_dir`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nats {
    /// `nats://…` or `tls://…`. The hub's users and passwords are those of `shikaku nats config`, unless
    /// the URL names others.
    pub url: Option<String>,
    /// The program to supervise: a name looked for on PATH (then where `make setup` puts it), or a path.
    pub server: Option<String>,
    /// Certificates the broker's own is checked against, beside the machine's.
    pub ca_file: Option<PathBuf>,
}

/// The HTTP server of the api role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; port 0 picks a free one. Without TLS only loopback addresses are lawful.
    pub listen: String,
    /// Certificate chain, PEM.
    pub tls_cert_file: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key_file: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            tls_cert_file: None,
            tls_key_file: None,
        }
    }
}

/// The group key and the key store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// The group key. Absent: made in `data_dir/keys` at first start, with a warning.
    pub group_key_file: Option<PathBuf>,
    /// The key that signs the proof's heads. Absent: made in `data_dir/keys` at first start.
    pub signing_key_file: Option<PathBuf>,
    /// Key store on a Postgres of its own. Absent: SQLite in `data_dir/keys`, or `<name>_keys` beside the
    /// ledger's database. The environment's `SHIKAKU_KEYS_URL` goes before it.
    pub url: Option<String>,
    /// A file that holds that URL.
    pub url_file: Option<PathBuf>,
}

/// What one request of the interface may hold.
const ROWS_PER_JOB: u16 = 500;

/// What runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Whether commissioned bulk queries run by themselves.
    pub enabled: bool,
    /// Bulk jobs that one terminal has at a time; more wait.
    pub jobs_per_terminal: u8,
    /// Rows that one bulk job asks about at most; longer lists are asked in parts.
    pub rows_per_job: u16,
    /// A month of which more than this share of the tickets vanishes at once opens a case instead.
    pub vanishing_percent: u8,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            enabled: true,
            jobs_per_terminal: 4,
            rows_per_job: ROWS_PER_JOB,
            vanishing_percent: 20,
        }
    }
}

/// Times of the adapters and processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// How often a folder is scanned.
    pub scan_ms: u64,
    /// Two equal reads this far apart make a file stable.
    pub stable_ms: u64,
    /// Unchanged this long and still not whole: quarantined.
    pub incomplete_s: u64,
    /// How long an answer is waited for.
    pub answer_timeout_s: u64,
    /// How often a bulk job is asked after.
    pub bulk_poll_s: u64,
    /// The terminals' `ResponseFileStayTime`: after so long they tidy away an answer that nobody took.
    pub response_file_stay_minutes: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            scan_ms: 500,
            stable_ms: 300,
            incomplete_s: 15,
            answer_timeout_s: 180,
            bulk_poll_s: 60,
            response_file_stay_minutes: 24 * 60,
        }
    }
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days a feed message can be fetched.
    pub feed_days: u32,
    /// Years a record is kept after its last event.
    pub record_years: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            feed_days: 30,
            record_years: 10,
        }
    }
}

/// Who is who.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Whether a ticket that equals exactly one waiting 未委託 person is linked without asking.
    pub auto_link: bool,
}

/// Months of medical information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Medical {
    /// The first month of drugs and treatments of people under 医療扶助.
    pub first_drug_month: Month,
    /// The first month of their check-ups.
    pub first_checkup_month: Month,
    /// 抽出対象年月: months asked for by default, the present one included.
    pub months_back: u32,
}

impl Default for Medical {
    fn default() -> Self {
        Self {
            first_drug_month: FIRST_DRUG_MONTH,
            first_checkup_month: FIRST_CHECKUP_MONTH,
            months_back: 36,
        }
    }
}

/// A local account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The account's name.
    pub name: String,
    /// `desk`, `billing`, `pharmacy`, `ward`, `audit`, `operator` or `admin`, then `@facility` or `@*`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Holds the password's argon2id hash.
    pub password_file: PathBuf,
    /// Holds the TOTP secret.
    #[serde(default)]
    pub totp_file: Option<PathBuf>,
}
