//! The spine in one deterministic process, under faults.
//!
//! What runs here is the program's own code; only what stands behind its ports is simulated. See
//! `docs/simulation.md`.

mod checker;
mod dice;
mod disk;
mod line;
mod meters;
mod node;
mod panics;
mod platter;
mod run;
mod server;
mod shortest;
mod story;
mod terminal;
mod town;
mod weather;
mod world;

#[cfg(not(tokio_unstable))]
compile_error!(
    "build it in its own folder: the runtime's dice are seeded by a setting in `.cargo/config.toml`"
);

use std::process::ExitCode;

/// A run takes and gives back many small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run::main()
}
