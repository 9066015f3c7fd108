//! The tables on SQLite.

mod durable;
mod read;
mod session;
mod write;

pub(crate) use durable::{connect, connect_options, migrate, prove_durable};
pub(crate) use read::Tables;
pub(crate) use session::Session;
