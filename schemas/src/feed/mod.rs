//! Feeds: what each audience may know, and how a feed message looks.

mod audience;
mod message;

pub use audience::{Audience, FeedVariant};
pub use message::{FeedHead, ce_id, ce_type};
