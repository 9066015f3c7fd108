//! The processes, as their programs run them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shikaku_broker::BrokerAt;
use shikaku_core::{HubError, HubOptions, JobOptions, MonthOptions};
use shikaku_disk::Disk;
use shikaku_kit::backoff::Backoff;
use shikaku_ledger::{
    Database, KeyStoreAt, KeysOptions, Ledger, LedgerOptions, MemoryDatabase, MemoryLine,
};
use shikaku_models::{AccessAt, MemoryDatabases, ModelsOptions, StatusBoard};
use shikaku_terminal::{TerminalOptions, Timing};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::ends;
use crate::node::{Node, Wits};
use crate::town::{TERMINALS, group, group_key};
use crate::weather::DatabaseLine;

pub(super) fn options(line: MemoryLine) -> LedgerOptions {
    LedgerOptions {
        keys: KeysOptions {
            group_key: group_key(),
            signing_key_file: "/keys/signing.key".into(),
            store: KeyStoreAt::Memory(line.clone()),
        },
        database: Database::Memory(line),
        proof_dir: "/proof".into(),
    }
}

/// A hub, as its program runs it.
pub(super) async fn hub(
    node: Arc<Node>,
    disk: Arc<dyn Disk>,
    broker: BrokerAt,
    database: MemoryDatabase,
) {
    let line = MemoryLine {
        database: database.clone(),
        weather: Arc::new(DatabaseLine(node.clone())),
        disk,
    };
    let epoch = database.identity().epoch;
    let wits = Arc::new(Wits(node.clone()));
    let options_of_hub = HubOptions {
        group: group(),
        group_key: group_key(),
        nats: broker,
        feed_days: 30,
        // Some answers come later: a terminal takes its time for them, up to 25 s.
        answer_timeout: Duration::from_secs(15),
        jobs: JobOptions::default(),
        months: MonthOptions::OFF,
        medical: Default::default(),
        auto_link: false,
        clock: wits.clone(),
        randomness: wits,
    };
    let ended = match Ledger::open(&options(line)).await {
        Ok(ledger) => {
            let (ready, _is_ready) = oneshot::channel();
            let cancel = CancellationToken::new();
            shikaku_core::run(ledger, options_of_hub, ready, cancel).await
        }
        Err(error) => Err(HubError::Ledger(error)),
    };
    let is_put_back =
        database.identity().epoch != epoch || node.sky.restoring.load(Ordering::SeqCst);
    ends::ended(&node, ended, |error| ends::of_hub(error, is_put_back));
}

pub(super) async fn projections(node: Arc<Node>, broker: BrokerAt, models: MemoryDatabases) {
    let models = models.over(Arc::new(DatabaseLine(node.clone())));
    let options = ModelsOptions {
        nats: broker,
        database: shikaku_models::Database::Memory(models.clone()),
        access: AccessAt::Memory(models),
        group: group(),
        lookup_key: group_key().derive("read-model"),
        feed_days: 30,
        clock: Arc::new(Wits(node.clone())),
        status: StatusBoard::default(),
    };
    let ended = shikaku_models::run(options, CancellationToken::new()).await;
    ends::ended(&node, ended, ends::of_projections);
}

/// A terminal's adapter, as its program runs it.
pub(super) async fn terminal(node: Arc<Node>, disk: Arc<dyn Disk>, broker: BrokerAt, place: usize) {
    let (code, id) = TERMINALS[place];
    let facilities = group().facilities;
    let facility = facilities
        .into_iter()
        .find(|facility| facility.code.as_str() == code)
        .expect("its facility");
    let mut terminals = facility.terminals.iter();
    let terminal = terminals.find(|terminal| terminal.id == id).expect("it");
    let options = TerminalOptions {
        terminal: terminal.clone(),
        facility,
        schemes: Vec::new(),
        timing: Timing {
            again: Backoff {
                first: Duration::from_secs(5),
                cap: Duration::from_secs(60),
            },
            ..Timing::default()
        },
        data_dir: "/data".into(),
        group_key: group_key(),
        broker,
        disk,
        clock: Arc::new(Wits(node.clone())),
        // In segments of 40 kB.
        spool_bytes: 2_560_000,
        zip_password: None,
    };
    let ended = shikaku_terminal::run(options, CancellationToken::new()).await;
    ends::ended(&node, ended, ends::of_terminal);
}
