//! A terminal's folders, seen from outside: real files, a real broker, a small hub that answers.

mod contract;
mod crash;
mod encrypted;
mod face;
mod forward;
mod inquiry;
mod job;
mod large;
mod support;
mod thief;
mod virtual_terminal;
