//! A simulated terminal: a process of its own that answers requests.

use std::path::Path;
use std::process::{Child, Stdio};

use crate::hub::Hub;

/// Payer, recipient and birth date of somebody of the simulator's town who has one ticket.
pub const ONE_TICKET: [&str; 3] = ["12997011", "4001012", "1962-07-19"];

/// A simulated terminal. It ends with the test.
pub struct Simulated(Child);

impl Simulated {
    /// Starts one on the folders below `root`, at whose desk nobody comes.
    pub fn start(hub: &Hub, root: &Path, knobs: &[&str]) -> Self {
        Self::playing(hub, root, "", knobs)
    }

    /// The same, with those who come to the desk.
    pub fn playing(hub: &Hub, root: &Path, visits: &str, knobs: &[&str]) -> Self {
        let scenario = hub.folder().join("visits.toml");
        std::fs::write(&scenario, visits).unwrap();
        let mut program = hub.program(&["sim", "terminal"]);
        program.arg("--root").arg(root);
        program.arg("--scenario").arg(scenario);
        for knob in knobs {
            program.args(["--knob", knob]);
        }
        let quiet = program.stdin(Stdio::null()).stdout(Stdio::null());
        Self(quiet.spawn().unwrap())
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
