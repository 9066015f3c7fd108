//! Feeds: what each audience may know, and how a feed message looks.
//!
//! [`TABLE`] is the contract's audience table and the only thing that grants; [`tell`] folds an event into a
//! record's view and gives the messages that follow; [`state()`] tells what stands now, through the same table.

mod assistance;
mod audience;
mod filter;
mod members;
mod message;
mod project;
mod state;
mod table;
mod view;

pub use assistance::{ASSISTANCE_CHANGED, Assistance};
pub use audience::{Audience, FeedVariant};
pub use message::{FeedHead, ce_id, ce_type};
pub use project::{FeedBody, project, tell};
pub use state::state;
pub use table::{About, At, Given, Grant, INSURANCE, NUMBERS, PERSON, TABLE, Told};
pub use view::{FacilityView, RecordView, Standing};
