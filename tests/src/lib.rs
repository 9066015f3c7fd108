//! Harness of the black-box scenarios: the built program, real servers, and readers from outside.
//!
//! Nothing here depends on a crate of the project but the virtual cards and the share: a scenario knows what `docs/contract.md` says and no more.
//! Whatever a test starts is its own, on free ports and in a folder of its own, and ends with it.
//! A missing tool is a failure, never a skip; `make setup` brings them all.
//!
//! To add a scenario: a file in `scenarios/` named for the behaviour, and its line in `scenarios/main.rs`.
//! `SHIKAKU_BIN` names another program to test; without it the present sources are built.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "the harness of tests: what goes wrong here ends the test"
)]

pub mod archive;
pub mod broker;
pub mod centre;
pub mod chance;
pub mod checker;
pub mod clock;
pub mod cluster;
pub mod count;
pub mod desk;
pub mod face;
pub mod feed;
pub mod folder;
pub mod hub;
pub mod injection;
pub mod judge;
pub mod line;
pub mod network;
pub mod outside;
pub mod postgres;
pub mod process;
pub mod program;
pub mod settings;
pub mod settled;
pub mod simulated;
pub mod site;
pub mod town;
pub mod volume;
pub mod words;

mod wait;

pub use wait::{DEADLINE, until, until_within};
