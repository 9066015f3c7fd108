//! The tables on Postgres.

mod durable;
mod pool;
mod read;
mod session;
mod write;

pub(crate) use durable::{migrate, prove_durable};
pub(crate) use pool::pool;
pub(crate) use read::Tables;
pub(crate) use session::Session;
