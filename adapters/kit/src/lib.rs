//! What every adapter shares.
//!
//! An adapter speaks one peer's language at the edge. This crate owns everything that is the same for
//! all of them: the [`spool`] that keeps what was seen until the hub says it is committed, the
//! [`publisher`] that says it again until then, the [`task`] loop, [`dead letters`](dead_letter), the
//! [broker connection](broker), and the contract suite (feature `suite`) that proves it.
//!
//! It never knows a peer's format, never decides what a fact means, and opens no database.
//!
//! To add an adapter: one crate with `config.rs decode.rs run.rs lib.rs`; keep what you see with
//! [`spool::Spool::append`], let go of the source, run [`publisher::run`] beside it, answer tasks through
//! [`outcome::Adapter`], and run the suite in its tests.

pub mod backoff;
pub mod broker;
pub mod dead_letter;
pub mod outcome;
pub mod publisher;
pub mod spool;
#[cfg(feature = "suite")]
pub mod suite;
pub mod task;
