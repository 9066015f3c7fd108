//! A Postgres of a test's own, on a unix socket.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::below;

/// A running server. Dropping it ends it.
pub struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it. The server refuses to run as root, so root runs it as `postgres`.
    #[track_caller]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pg-")
            .tempdir_in("/tmp")
            .unwrap();
        open_to_everyone(folder.path());
        // The socket's name holds the port and the folder is our own: any number is free.
        let server = Self { folder, port: 5432 };
        let data = server.data();
        std::fs::create_dir(&data).unwrap();
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(&data));
        }
        run(server
            .program("initdb")
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
            .arg(&data));
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -p {}",
            server.data().display(),
            server.port
        );
        run(server
            .program("pg_ctl")
            .args(["-w", "-s", "-l"])
            .arg(data.join("log"))
            .arg("-D")
            .arg(&data)
            .args(["-o", &options, "start"]));
        server
    }

    /// Makes it read its settings again, and waits until it has.
    #[track_caller]
    pub fn reload(&self) {
        let read = || self.ask("postgres", "SELECT pg_conf_load_time()");
        let before = read();
        self.ask("postgres", "SELECT pg_reload_conf()");
        crate::until("the settings are read again", || {
            (read() != before).then_some(())
        });
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.data().join(format!(".s.PGSQL.{}", self.port))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of Postgres, as a user whom the server accepts, in a folder that this user may enter.
    fn program(&self, name: &str) -> Command {
        let program = located(name);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/");
        command
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost:{}/{database}?host={}",
            self.port,
            self.data().display()
        )
    }

    /// Makes an empty database; its URL.
    #[track_caller]
    pub fn database(&self, name: &str) -> String {
        self.ask("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// Runs SQL; what psql prints, unaligned and without headings.
    #[track_caller]
    pub fn ask(&self, database: &str, sql: &str) -> String {
        let output = Command::new(located("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url(database))
            .output()
            .expect("psql is installed; run `make setup`");
        assert!(output.status.success(), "{sql}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        for (process, _) in below(self.folder.path()) {
            process.kill();
        }
    }
}

/// On PATH, or where Debian keeps the server's own programs.
fn located(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = (13..20)
        .rev()
        .map(|version| format!("/usr/lib/postgresql/{version}/bin").into());
    std::env::split_paths(&path)
        .chain(debian)
        .map(|folder: PathBuf| folder.join(name))
        .find(|program| program.exists())
        .unwrap_or_else(|| panic!("{name} is missing; run `make setup`"))
}

fn open_to_everyone(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_and_leaves_nothing_running() {
        let server = Postgres::start();
        server.database("one");
        assert_eq!(server.ask("one", "SHOW fsync"), "on");
        let folder = server.folder.path().to_owned();
        drop(server);
        crate::until("its processes are gone", || {
            below(&folder).is_empty().then_some(())
        });
    }
}
