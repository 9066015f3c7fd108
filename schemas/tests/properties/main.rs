//! A message reads to the same answer however it is written: in any order, encoding, blank form and placement
//! of the numbers. What was meant is what is read, and no bytes make a reader panic.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

mod bulk;
mod medical;
mod outcome;
mod pen;
mod person;
mod second_reader;
mod single;
