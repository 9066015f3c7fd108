//! The hub role as a whole: a real nats-server with the role table's permissions, a real ledger, and this
//! crate's public interface alone.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod broker;
mod card;
mod flow;
mod identity;
mod inquiry;
mod job;
mod line;
mod linked;
mod medical;
mod month;
mod postgres;
mod query;
mod reference;
mod relay;
mod schedule;
mod seen;
mod stage;
