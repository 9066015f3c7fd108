//! The lines between a process and its databases.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::node::Node;

/// A line to a database, as good as the weather.
#[derive(Debug, Clone)]
pub struct DatabaseLine(pub Arc<Node>);

#[derive(Clone, Copy)]
enum Fate {
    Arrives,
    LostBefore,
    LostAfter,
}

async fn meet(node: Arc<Node>) -> Fate {
    node.pass().await;
    let sky = &node.sky;
    let lost = sky.weather().database_lost;
    match sky.dice.per_mille(lost) {
        true if sky.dice.per_mille(500) => Fate::LostBefore,
        true => Fate::LostAfter,
        false => Fate::Arrives,
    }
}

impl shikaku_ledger::Weather for DatabaseLine {
    fn meet(&self, _: shikaku_ledger::Call) -> BoxFuture<'static, shikaku_ledger::Fate> {
        let node = self.0.clone();
        async move {
            match meet(node).await {
                Fate::Arrives => shikaku_ledger::Fate::Arrives,
                Fate::LostBefore => shikaku_ledger::Fate::LostBefore,
                Fate::LostAfter => shikaku_ledger::Fate::LostAfter,
            }
        }
        .boxed()
    }
}

impl shikaku_models::Weather for DatabaseLine {
    fn meet(&self) -> BoxFuture<'static, shikaku_models::Fate> {
        let node = self.0.clone();
        async move {
            match meet(node).await {
                Fate::Arrives => shikaku_models::Fate::Arrives,
                Fate::LostBefore => shikaku_models::Fate::LostBefore,
                Fate::LostAfter => shikaku_models::Fate::LostAfter,
            }
        }
        .boxed()
    }
}

/// The world's own line, which nothing harms.
#[derive(Debug)]
pub struct Fine;

impl shikaku_ledger::Weather for Fine {
    fn meet(&self, _: shikaku_ledger::Call) -> BoxFuture<'static, shikaku_ledger::Fate> {
        std::future::ready(shikaku_ledger::Fate::Arrives).boxed()
    }
}

impl shikaku_models::Weather for Fine {
    fn meet(&self) -> BoxFuture<'static, shikaku_models::Fate> {
        std::future::ready(shikaku_models::Fate::Arrives).boxed()
    }
}
