//! What each audience is told, in every situation of the display table and of every event.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod denied;
mod messages;
mod not_commissioned;
mod people;
