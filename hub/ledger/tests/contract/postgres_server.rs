//! A real Postgres in a folder of its own, on a Unix socket only, stopped on drop. Durable as in production.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;

const PORT: u16 = 5432;

pub struct PostgresServer {
    child: Child,
    folder: TempDir,
}

impl PostgresServer {
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pg")
            .tempdir_in("/tmp")
            .unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let user = server_user();
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        copy_template(&data, user);
        let child = as_user(Command::new("postgres"), user)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=60"])
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::from(
                std::fs::File::create(folder.path().join("log")).unwrap(),
            ))
            .spawn()
            .expect("postgres is installed");
        let server = Self { child, folder };
        server.wait().await;
        server
    }

    async fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = PgConnection::connect(&self.url("postgres")).await {
            assert!(
                Instant::now() < deadline,
                "postgres does not start: {error}"
            );
            // Polling: the deadline above ends it.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres@localhost:{PORT}/{database}?host={folder}")
    }

    /// Where the proxy of broken lines connects to.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{PORT}"))
    }

    pub async fn create(&self, database: &str) {
        self.run("postgres", &format!("CREATE DATABASE {database}"))
            .await;
    }

    /// Runs statements as an intruder or an administrator would.
    pub async fn run(&self, database: &str, sql: &str) {
        let mut connection = PgConnection::connect(&self.url(database)).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }
}

impl PostgresServer {
    /// What a query with one text in its answer tells.
    pub async fn ask(&self, database: &str, sql: &str) -> String {
        let mut connection = PgConnection::connect(&self.url(database)).await.unwrap();
        let told = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        told
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.child.wait();
    }
}

/// A fresh cluster. The first test of a build makes it, the others copy what that one made.
fn copy_template(data: &Path, user: Option<(u32, u32)>) {
    let template = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-template");
    if !template.exists() {
        let made = as_user(Command::new("initdb"), user)
            .args([
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-U",
                "postgres",
                "-A",
                "trust",
            ])
            .arg("-D")
            .arg(data)
            .current_dir("/")
            .stdout(Stdio::null())
            .status()
            .expect("initdb is installed");
        assert!(made.success(), "initdb failed");
        // Whole or not at all, also when several tests come first.
        let name = format!("postgres-template.{}", std::process::id());
        let whole = template.with_file_name(name);
        copy(data, &whole);
        if std::fs::rename(&whole, &template).is_err() {
            let _ = std::fs::remove_dir_all(&whole);
        }
        return;
    }
    copy(&template, data);
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(copied.success(), "cp failed");
}

/// The server refuses to run as root.
fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let id = |flag| {
        let told = Command::new("id")
            .args([flag, "postgres"])
            .output()
            .unwrap();
        String::from_utf8(told.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    };
    Some((id("-u"), id("-g")))
}

fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

impl PostgresServer {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
