//! A real Postgres of its own, on a socket only, stopped on drop.

use std::path::{Path, PathBuf};
use std::process::Command;

pub struct TestPostgres {
    data: PathBuf,
    socket: tempfile::TempDir,
}

/// Postgres refuses to run as root: then it runs as the user `postgres`.
fn command(program: &str) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt as _;
        own.uid() == 0
    });
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", program]);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl TestPostgres {
    pub fn start() -> Self {
        let socket = tempfile::Builder::new()
            .prefix("pg")
            .tempdir_in("/tmp")
            .unwrap();
        open_to_all(socket.path());
        let data = socket.path().join("data");
        succeed(
            command("initdb")
                .args([
                    "--no-sync",
                    "-E",
                    "UTF8",
                    "--locale=C.UTF-8",
                    "-A",
                    "trust",
                    "-U",
                    "postgres",
                    "-D",
                ])
                .arg(&data),
        );
        let settings = format!("-c listen_addresses='' -k {}", socket.path().display());
        let log = socket.path().join("log");
        succeed(
            command("pg_ctl")
                .args(["-w", "-o", &settings, "-l"])
                .arg(&log)
                .arg("-D")
                .arg(&data)
                .arg("start")
                .stdout(std::process::Stdio::null()),
        );
        Self { data, socket }
    }

    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@localhost/postgres?host={}",
            self.socket.path().display()
        )
    }
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        let _ = command("pg_ctl")
            .args(["-m", "immediate", "-D"])
            .arg(&self.data)
            .arg("stop")
            .output();
    }
}
