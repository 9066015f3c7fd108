//! The wire and its words.
//!
//! Everything that two parts of the hub, or the hub and an outsider, say to each other is typed here:
//! value types with check digits, messages of the 資格確認端末 (OQS), observations, events, the sealed
//! envelope, tasks, commands, feed payloads, subjects and streams. This crate imports no other project
//! crate, opens no socket and no file, and holds no state.
//!
//! To add an event type: add the payload in [`event`], its golden file in `samples/events/`, and its
//! row in the audience table of [`feed`].

pub mod asyncapi;
pub mod clock;
pub mod command;
pub mod display;
pub mod event;
pub mod feed;
pub mod group;
pub mod later;
pub mod mutant;
pub mod observation;
pub mod oqs;
pub mod schema;
pub mod seal;
pub mod subject;
pub mod task;
pub mod topology;
pub mod value;
