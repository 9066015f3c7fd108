//! The adapter on a real pcscd with virtual cards.

mod contract;
mod faults;
mod kinds;
mod latency;
mod outside;
mod presence;
mod support;
mod walk;
