//! The program `shikaku`.

mod broker;
mod config;
mod keys;

fn main() {}
