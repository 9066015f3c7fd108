//! The generated configuration on the real nats-server: what each user may do, and what it may not.

mod permissions;
mod server;
