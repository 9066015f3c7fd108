//! The connection to the broker, shared with the other wings.

pub use shikaku_broker::{ACK_TIMEOUT, Broker, BrokerAt, BrokerError, BrokerOptions, Line};
