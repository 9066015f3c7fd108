//! Every message of every function of the terminal: requests as written and read, answers as read, both against
//! the XSDs and readers that share no code with us.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

mod answer_schemas;
mod answer_values;
mod answers;
mod bulk;
mod examples;
mod requests;
mod second_reader;
mod valid;
#[path = "../xmllint/mod.rs"]
mod xmllint;
