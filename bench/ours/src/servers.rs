//! Real servers for one run: Postgres with fsync on, UmaDB if it is installed. Killed on drop.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// A Postgres server on a unix socket, durable as in production.
pub struct Postgres {
    dir: TempDir,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("shk").tempdir_in("/tmp")?;
        run(Command::new("chown").arg("postgres").arg(dir.path()))?;
        let data = dir.path().join("data");
        as_postgres(&["initdb", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D", text(&data)])?;
        let port = free_port()?;
        let options = format!("-p {port} -c listen_addresses='' -c unix_socket_directories={}", text(dir.path()));
        as_postgres(&["pg_ctl", "-w", "-D", text(&data), "-o", &options, "-l", text(&dir.path().join("log")), "start"])?;
        Ok(Self { dir, port })
    }

    /// A new database's URL.
    pub fn database(&self, name: &str) -> Result<String> {
        let socket = text(self.dir.path()).to_owned();
        as_postgres(&["createdb", "-h", &socket, "-p", &self.port.to_string(), name])?;
        Ok(format!("postgres://postgres@localhost:{}/{name}?host={socket}", self.port))
    }

    /// WAL syncs of the server so far.
    pub fn syncs(&self) -> Result<u64> {
        let socket = text(self.dir.path()).to_owned();
        let out = Command::new("runuser")
            .args(["-u", "postgres", "--", "psql", "-h", &socket, "-p", &self.port.to_string(), "-Atc"])
            .arg("select wal_sync from pg_stat_wal")
            .current_dir("/")
            .output()?;
        Ok(String::from_utf8_lossy(&out.stdout).trim().parse()?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        drop(as_postgres(&["pg_ctl", "-m", "immediate", "-D", text(&data), "stop"]));
    }
}

/// A UmaDB server.
pub struct Uma {
    child: Child,
    _dir: TempDir,
    /// Where it listens.
    pub url: String,
}

impl Uma {
    /// Starts `umadb` from PATH or `.tools/bin`; `None` when it is not installed.
    pub fn start(root: &Path) -> Result<Option<Self>> {
        let installed = root.join(".tools/bin/umadb");
        let program = if installed.exists() { installed } else { PathBuf::from("umadb") };
        let (dir, port) = (tempfile::tempdir()?, free_port()?);
        let listen = format!("127.0.0.1:{port}");
        let started = Command::new(program)
            .args(["--listen", &listen, "--db-path", text(&dir.path().join("uma.db"))])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else { return Ok(None) };
        let uma = Self { child, _dir: dir, url: format!("http://{listen}") };
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(&listen).is_err() {
            if Instant::now() > until {
                bail!("umadb does not listen");
            }
            std::thread::yield_now();
        }
        Ok(Some(uma))
    }
}

impl Drop for Uma {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Runs to success, or says what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let out = command.output().with_context(|| format!("{command:?}"))?;
    if !out.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

fn as_postgres(words: &[&str]) -> Result<String> {
    let bin = std::fs::read_dir("/usr/lib/postgresql")
        .ok()
        .and_then(|versions| versions.flatten().map(|entry| entry.path().join("bin")).max())
        .map_or(PathBuf::new(), |path| path);
    let program = bin.join(words[0]);
    let program = if program.exists() { program } else { PathBuf::from(words[0]) };
    // pg_ctl's server keeps the pipe open, so its output goes nowhere.
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program).args(&words[1..]).current_dir("/");
    if words[0] == "pg_ctl" {
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            bail!("pg_ctl failed");
        }
        return Ok(String::new());
    }
    run(&mut command)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or("/nonexistent")
}
