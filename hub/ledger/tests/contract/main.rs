//! One suite for both databases, run against real ones.

#![expect(clippy::unwrap_used, reason = "all of this crate is tests")]

mod ambiguous;
mod append;
mod decide;
mod epoch;
mod erase;
mod evidence;
mod fence;
mod open;
mod place;
mod postgres_server;
mod proxy;
mod tamper;

/// Runs each function against an empty ledger in memory, as simulations use it.
#[macro_export]
macro_rules! in_memory_too {
    ($($name:ident),+ $(,)?) => {
        #[cfg(feature = "simulation")]
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&$crate::place::Place::in_memory()).await;
            })+
        }
    };
}

/// Runs each function against an empty ledger on either database.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&$crate::place::Place::on_postgres().await).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&$crate::place::Place::on_sqlite()).await;
            })+
        }
    };
}
