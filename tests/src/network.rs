//! Machines of a test's own: network namespaces on one switch, and packets that vanish between two of them without a word
//! to either. Needs root, `ip` and `nft`.
//!
//! The test's process is the switch: it runs itself again in a namespace of its own, so that nothing of the machine's
//! network is touched and tests at the same time don't meet.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::process::prefixed;
use crate::until;

/// Set in the process that is the switch.
const APART: &str = "SHIKAKU_TEST_APART";

/// Runs the test of this name again, in a network of its own; false in that run itself, which goes on.
///
/// `#[test] fn name() { if network::ran_apart("module::name") { return; } … }`
#[track_caller]
pub fn ran_apart(test: &str) -> bool {
    if std::env::var_os(APART).is_some() {
        run("ip", &["link", "set", "lo", "up"]);
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        run("nft", &["add table ip lines"]);
        run(
            "nft",
            &["add chain ip lines cut { type filter hook forward priority 0; }"],
        );
        return false;
    }
    let status = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(APART, "1")
        .status()
        .expect("unshare is installed");
    assert!(status.success(), "in a network of its own: {status}");
    true
}

/// One machine. Dropping it ends what holds its network; what runs on it is ended by whoever started it.
pub struct Machine {
    holder: Child,
    number: u8,
}

impl Machine {
    /// Makes the machine of a number, with a line to the switch.
    #[track_caller]
    pub fn new(number: u8) -> Self {
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "infinity"])
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare is installed");
        let machine = Self { holder, number };
        let id = machine.holder.id();
        let of = |id: &str| std::fs::read_link(format!("/proc/{id}/ns/net")).ok();
        until("the machine has its network", || {
            (of(&id.to_string())? != of("self")?).then_some(())
        });
        let (line, id) = (format!("m{number}"), id.to_string());
        run(
            "ip",
            &[
                "link", "add", &line, "type", "veth", "peer", "name", "line", "netns", &id,
            ],
        );
        run("ip", &["addr", "add", &machine.switch(24), "dev", &line]);
        run("ip", &["link", "set", &line, "up"]);
        machine.run("ip", &["link", "set", "lo", "up"]);
        let own = format!("{}/24", machine.address());
        machine.run("ip", &["addr", "add", &own, "dev", "line"]);
        machine.run("ip", &["link", "set", "line", "up"]);
        let switch = machine.switch(0);
        machine.run(
            "ip",
            &[
                "route",
                "add",
                "default",
                "via",
                switch.trim_end_matches("/0"),
            ],
        );
        machine
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("10.77.{}.2", self.number)
    }

    fn switch(&self, prefix: u8) -> String {
        format!("10.77.{}.1/{prefix}", self.number)
    }

    /// What stands before a command line that is to run on it.
    pub fn words(&self) -> Vec<String> {
        let net = format!("--net=/proc/{}/ns/net", self.holder.id());
        vec!["nsenter".to_owned(), net, "--".to_owned()]
    }

    #[track_caller]
    fn run(&self, program: &str, words: &[&str]) {
        let mut command = prefixed(&self.words(), Path::new(program));
        succeed(command.args(words));
    }

    /// Packets from here to there vanish; those the other way pass.
    #[track_caller]
    pub fn loses_to(&self, there: &Self) {
        let rule = format!(
            "add rule ip lines cut ip saddr {} ip daddr {} drop",
            self.address(),
            there.address()
        );
        run("nft", &[&rule]);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Every line is whole again.
#[track_caller]
pub fn mend() {
    run("nft", &["flush chain ip lines cut"]);
}

#[track_caller]
fn run(program: &str, words: &[&str]) {
    succeed(Command::new(program).args(words));
}

#[track_caller]
fn succeed(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run `make setup`"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}
