//! A Postgres of a test's own, on a unix socket.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{below, prefixed};

/// A server. Dropping it ends it.
pub struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
    inside: Vec<String>,
    listens: String,
}

impl Postgres {
    /// Makes a cluster and starts it. The server refuses to run as root, so root runs it as `postgres`.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_at(&[], "")
    }

    /// [`Postgres::start`] on a machine of its own: the words that stand before each command line there, and its
    /// address, where everybody is let in.
    #[track_caller]
    pub fn start_at(inside: &[String], listens: &str) -> Self {
        let server = Self::empty(inside, listens);
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
            .arg(server.data()));
        if !listens.is_empty() {
            let file = server.data().join("pg_hba.conf");
            let mut rules = std::fs::read_to_string(&file).unwrap();
            rules.push_str("host all all all trust\n");
            std::fs::write(file, rules).unwrap();
        }
        server.resume();
        server
    }

    /// A server in an empty folder of its own, not started.
    pub(crate) fn empty(inside: &[String], listens: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pg-")
            .tempdir_in("/tmp")
            .unwrap();
        open_to_everyone(folder.path());
        // The socket's name holds the port and the folder is our own: any number is free.
        let server = Self {
            folder,
            port: 5432,
            inside: inside.to_vec(),
            listens: listens.to_owned(),
        };
        server.folder("data");
        server.folder("socket");
        server
    }

    /// A folder beside the cluster that the server may write to.
    #[track_caller]
    pub fn folder(&self, name: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        folder
    }

    /// Starts it, on what its folder holds.
    #[track_caller]
    pub fn resume(&self) {
        let data = self.data();
        let options = format!(
            "-c listen_addresses={} -c unix_socket_directories={} -p {}",
            self.listens,
            self.sockets().display(),
            self.port
        );
        let started = self
            .program("pg_ctl")
            .args(["-w", "-s", "-l"])
            .arg(data.join("log"))
            .arg("-D")
            .arg(&data)
            .args(["-o", &options, "start"])
            .output()
            .unwrap();
        let said = std::fs::read_to_string(data.join("log"));
        assert!(started.status.success(), "{started:?}: {said:?}");
    }

    /// Ends all of it at once, as a power cut would, and waits until it is gone.
    #[track_caller]
    pub fn kill(&self) {
        crate::until("the server is gone", || {
            let left = below(self.folder.path());
            left.iter().for_each(|(process, _)| process.kill());
            left.is_empty().then_some(())
        });
        // What a dead server leaves behind keeps no other from starting here.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
        let _ = std::fs::remove_file(self.sockets().join(format!(".s.PGSQL.{}.lock", self.port)));
    }

    /// A standby of this one, started: it follows under a name by which the primary may wait for it.
    #[track_caller]
    pub fn standby(&self, name: &str) -> Self {
        let standby = Self::empty(&[], "");
        self.copy_to(&standby, name, &["-R"]);
        standby.resume();
        standby
    }

    /// Commits wait from now on until who follows under this name has them on its disk.
    #[track_caller]
    pub fn wait_for(&self, follower: &str) {
        self.ask(
            "postgres",
            &format!("ALTER SYSTEM SET synchronous_standby_names = '{follower}'"),
        );
        self.reload();
        let sql = format!(
            "SELECT count(*) FROM pg_stat_replication
             WHERE application_name = '{follower}' AND sync_state = 'sync'"
        );
        crate::until("who follows is waited for", || {
            (self.ask("postgres", &sql) == "1").then_some(())
        });
    }

    /// Makes a standby the primary.
    #[track_caller]
    pub fn promote(&self) {
        run(self
            .program("pg_ctl")
            .args(["-w", "-s", "-D"])
            .arg(self.data())
            .arg("promote"));
    }

    /// Copies the running cluster into another one's folder.
    #[track_caller]
    pub(crate) fn copy_to(&self, other: &Self, name: &str, words: &[&str]) {
        run(self
            .program("pg_basebackup")
            .args(["-c", "fast", "-X", "stream", "-D"])
            .arg(other.data())
            .args(["-d", &self.conninfo(name)])
            .args(words));
    }

    /// How a program of Postgres that follows this one connects.
    fn conninfo(&self, name: &str) -> String {
        format!(
            "host={} port={} user=postgres application_name={name}",
            self.sockets().display(),
            self.port
        )
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
        self.sockets().join(format!(".s.PGSQL.{}", self.port))
    }

    pub(crate) fn sockets(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Copies the files of a cluster that is not running.
    #[track_caller]
    pub(crate) fn take_files_of(&self, other: &Self) {
        let files = other.data().join(".");
        run(Command::new("cp").arg("-a").arg(files).arg(self.data()));
    }

    /// Sets what is read at the next start, over everything that was set before.
    #[track_caller]
    pub(crate) fn set(&self, lines: &str) {
        let file = self.data().join("postgresql.auto.conf");
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str(lines);
        std::fs::write(file, text).unwrap();
    }

    /// Its disk is gone. It must not run.
    #[track_caller]
    pub fn lose_everything(&self) {
        std::fs::remove_dir_all(self.data()).unwrap();
    }

    /// A program of Postgres, as a user whom the server accepts, in a folder that this user may enter.
    pub(crate) fn program(&self, name: &str) -> Command {
        let program = located(name);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = prefixed(&self.inside, Path::new("runuser"));
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            prefixed(&self.inside, &program)
        };
        command.current_dir("/");
        command
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost:{}/{database}?host={}",
            self.port,
            self.sockets().display()
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
