//! One module a command.

pub mod audit;
pub mod display;
pub mod doctor;
pub mod history;
pub mod identity;
pub mod inquire;
pub mod keys;
pub mod log;
pub mod medical;
pub mod nats;
pub mod operation_test;
pub mod parked;
pub mod reply;
pub mod schema;
pub mod sim;
pub mod terminals;
pub mod tickets;
