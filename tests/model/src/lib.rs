//! Small models of the protocols that durability and order rest on, searched exhaustively.
//!
//! Each module is one protocol: a state, the steps that the code takes (each named by path and function), the
//! faults of the world, and properties named after the numbered invariants of `ARCHITECTURE.md`. A model runs
//! in its real design, where nothing may be refuted, and once without each protecting step, where the named
//! property must be. So a step that protects nothing, or a property that can't fail, shows itself.
//!
//! It imports no project crate: a model that called the code would be a test of the code. What ties the two
//! is the table of steps, and a test that every path and function in it exists.
//!
//! To add one: a module with a `State`, an `Action`, a `Guard`; [`Protocol`] for it; one line in `tests/`.

pub mod fencing;
pub mod outbox;
pub mod protocol;
pub mod relay;
pub mod search;
pub mod spool;
pub mod submission;

pub use protocol::{Protocol, Refuted, Step};
