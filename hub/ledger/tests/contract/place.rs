//! A fresh ledger on either database, with everything a test needs to write to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use shikaku_ledger::{
    Batch, Database, Draft, InboxRow, KeyStoreAt, KeysOptions, Ledger, LedgerOptions, Writer,
};
use shikaku_schemas::clock::{Clock, SystemRandomness};
use shikaku_schemas::event::{Event, InquiryTimedOut, PatientNumbered};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{
    FacilityCode, InquiryId, ObservationId, PatientNumber, RecordId, StreamId,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use uuid::Uuid;

use crate::postgres_server::PostgresServer;

pub const FACILITY: &str = "1319912349";

/// A clock that stands until it is set.
#[derive(Debug)]
pub struct SetClock(AtomicI64);

impl SetClock {
    pub fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Every call arrives.
#[cfg(feature = "simulation")]
#[derive(Debug)]
struct Fine;

#[cfg(feature = "simulation")]
impl shikaku_ledger::Weather for Fine {
    fn meet(
        &self,
        _: shikaku_ledger::Call,
    ) -> futures::future::BoxFuture<'static, shikaku_ledger::Fate> {
        Box::pin(std::future::ready(shikaku_ledger::Fate::Arrives))
    }
}

pub struct Place {
    pub options: LedgerOptions,
    pub folder: TempDir,
    pub server: Option<PostgresServer>,
    pub clock: Arc<SetClock>,
}

impl Place {
    pub async fn on_postgres() -> Self {
        let server = PostgresServer::start().await;
        server.create("hub").await;
        let url = server.url("hub");
        Self::new(|_| Database::Postgres { url }, Some(server))
    }

    pub fn on_sqlite() -> Self {
        Self::new(
            |folder| Database::Sqlite {
                path: folder.join("ledger.db"),
            },
            None,
        )
    }

    #[cfg(feature = "simulation")]
    pub fn in_memory() -> Self {
        let identity = shikaku_ledger::StoreIdentity {
            store_id: fresh(),
            epoch: 1,
        };
        let database = shikaku_ledger::MemoryDatabase::new(identity, Timestamp::UNIX_EPOCH);
        let line = shikaku_ledger::MemoryLine {
            database,
            weather: Arc::new(Fine),
            disk: Arc::new(shikaku_disk::SystemDisk),
        };
        Self::new(|_| Database::Memory(line), None)
    }

    fn new(database: impl FnOnce(PathBuf) -> Database, server: Option<PostgresServer>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path().to_owned());
        let options = LedgerOptions {
            keys: KeysOptions {
                group_key: SealKey::from_bytes([7; 32]),
                signing_key_file: folder.path().join("keys/signing.key"),
                store: KeyStoreAt::beside(&database),
            },
            database,
            proof_dir: folder.path().join("proof"),
        };
        let clock = Arc::new(SetClock(AtomicI64::new(1_778_457_600_000_000)));
        Self {
            options,
            folder,
            server,
            clock,
        }
    }

    pub async fn open(&self) -> Ledger {
        Ledger::open(&self.options).await.unwrap()
    }

    pub async fn write(&self, ledger: &Ledger) -> Writer {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Writer::acquire(ledger, clock, Arc::new(SystemRandomness))
            .await
            .unwrap()
    }

    pub async fn begin(&self) -> (Ledger, Writer) {
        let ledger = self.open().await;
        let writer = self.write(&ledger).await;
        (ledger, writer)
    }

    /// Changes the ledger's tables behind its back.
    pub async fn intrude(&self, sql: &str) {
        match (&self.options.database, &self.server) {
            (Database::Sqlite { path }, _) => {
                let mut connection = SqliteConnectOptions::new()
                    .filename(path)
                    .connect()
                    .await
                    .unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                connection.close().await.unwrap();
            }
            (Database::Postgres { .. }, Some(server)) => server.run("hub", sql).await,
            (Database::Postgres { .. }, None) => unreachable!("Postgres comes with its server"),
            #[cfg(feature = "simulation")]
            (Database::Memory(_), _) => unreachable!("there is no SQL"),
        }
    }

    pub async fn sqlite(&self, path: &std::path::Path) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(path)
            .connect()
            .await
            .unwrap()
    }

    /// A new value that is not there yet, in the database's own words for bytes.
    pub fn bytes(&self, hex: &str) -> String {
        match self.options.database {
            Database::Sqlite { .. } => format!("x'{hex}'"),
            Database::Postgres { .. } => format!("'\\x{hex}'::bytea"),
            #[cfg(feature = "simulation")]
            Database::Memory(_) => unreachable!("there is no SQL"),
        }
    }
}

pub fn record() -> RecordId {
    RecordId(fresh())
}

pub fn observation() -> ObservationId {
    ObservationId(fresh())
}

pub fn fresh() -> Uuid {
    use shikaku_schemas::clock::Randomness as _;
    SystemRandomness.id(Timestamp::UNIX_EPOCH)
}

/// A draft that says something personal of a record.
pub fn numbered(record: RecordId, version: u64, number: &str) -> Draft {
    let event = Event::PatientNumbered(PatientNumbered {
        patient_number: PatientNumber::from(number),
    });
    let mut draft = Draft::new(event, StreamId::patient(record), version);
    draft.facility = Some(FacilityCode::from(FACILITY));
    draft.patient = Some(record);
    draft
}

/// A draft of an inquiry's stream.
pub fn timed_out(inquiry: InquiryId, version: u64) -> Draft {
    let event = Event::InquiryTimedOut(InquiryTimedOut { inquiry });
    Draft::new(event, StreamId::inquiry(inquiry), version)
}

pub fn events(events: Vec<Draft>) -> Batch {
    Batch {
        events,
        ..Batch::default()
    }
}

/// An answer without events.
pub fn answer(id: ObservationId, outcome: CommitOutcome) -> InboxRow {
    InboxRow {
        observation_id: id,
        facility: FacilityCode::from(FACILITY),
        outcome,
        first: None,
        last: None,
        case: None,
        reason: None,
        observation: None,
    }
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(std::time::Instant::now() < deadline, "not in time: {what}");
        // Polling: the deadline above ends it.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
