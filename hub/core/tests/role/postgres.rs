//! The same role on Postgres.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{self, Child, Stdio};

use shikaku_core::HubError;
use shikaku_ledger::Database;
use shikaku_schemas::command::{Command, CommandReply, RegisterReference};
use shikaku_schemas::observation::CommitOutcome;
use tempfile::TempDir;

use crate::reference::{blank, opened};
use crate::seen::{HOSPITAL, file, somebody};
use crate::stage::{DEADLINE, Stage, made, order, until};

struct Postgres {
    child: Child,
    folder: TempDir,
}

impl Postgres {
    async fn start() -> Self {
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
        let made = as_user(process::Command::new("initdb"), user)
            .args([
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-U",
                "postgres",
                "-A",
                "trust",
                "-D",
            ])
            .arg(&data)
            .current_dir("/")
            .stdout(Stdio::null())
            .status()
            .expect("initdb is installed");
        assert!(made.success());
        let child = as_user(process::Command::new("postgres"), user)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses="])
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres is installed");
        let server = Self { child, folder };
        let socket = server.folder.path().join(".s.PGSQL.5432");
        until("postgres listens", || async {
            std::os::unix::net::UnixStream::connect(&socket).ok()
        })
        .await;
        server
    }

    fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres@localhost:5432/postgres?host={folder}")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).ok();
        self.child.wait().ok();
    }
}

/// The server refuses to run as root.
fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let id = |flag| {
        let told = process::Command::new("id")
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

fn as_user(mut command: process::Command, user: Option<(u32, u32)>) -> process::Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_runs_on_postgres_too() {
    let postgres = Postgres::start().await;
    let stage = Stage::on(|_| Database::Postgres {
        url: postgres.url(),
    })
    .await;
    let hub = stage.hub().await;
    let seen: Vec<_> = (0..50)
        .flat_map(|n| {
            ["t1", "t2"].map(|device| {
                file(
                    device,
                    &format!("{n}"),
                    somebody(n).with_ticket("2026-05-11T00:15:00Z"),
                )
            })
        })
        .collect();
    futures::future::join_all(seen.iter().map(|seen| stage.publish(seen))).await;
    for seen in &seen {
        assert_eq!(stage.told(seen).await, CommitOutcome::Recorded);
    }
    let kinds = stage.kinds().await;
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| *kind == "patient-first-seen")
            .count(),
        50
    );
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

impl Postgres {
    /// As a paused process finds it when it wakes: the session that held the fence is gone.
    fn end_the_fence(&self) {
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted");
    }

    fn ask(&self, sql: &str) {
        let done = process::Command::new("psql")
            .args(["-U", "postgres", "-d", "postgres", "-c", sql, "-h"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .status()
            .expect("psql is installed");
        assert!(done.success());
    }
}

/// T4: a paused writer that wakes commits nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_lost_its_fence_commits_nothing_and_says_so() {
    let postgres = Postgres::start().await;
    let stage = Stage::on(|_| Database::Postgres {
        url: postgres.url(),
    })
    .await;
    let first = stage.hub().await;
    stage
        .observe(&file(
            "t1",
            "0",
            somebody(0).with_ticket("2026-05-11T00:15:00Z"),
        ))
        .await;
    let (ready, cancel, ended) = stage.stand_by();
    postgres.end_the_fence();
    tokio::time::timeout(DEADLINE, ready)
        .await
        .unwrap()
        .unwrap();
    for n in 1..40 {
        let seen = file(
            "t1",
            &format!("{n}"),
            somebody(n).with_ticket("2026-05-11T00:15:00Z"),
        );
        assert_eq!(stage.observe(&seen).await, CommitOutcome::Recorded);
    }
    assert!(matches!(first.ended().await, Err(HubError::Fenced)));
    let kinds = stage.kinds().await;
    let seen = kinds.iter().filter(|kind| *kind == "patient-first-seen");
    assert_eq!(seen.count(), 40);
    stage.log_equals_ledger().await;
    cancel.cancel();
    ended.await.unwrap().unwrap();
}

/// T33: versions meet without loss. After a later release was rolled back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_be_read_holds_nobody_else_up() {
    const AT: &str = "2026-05-11T00:15:00Z";
    let postgres = Postgres::start().await;
    let stage = Stage::on(|_| Database::Postgres {
        url: postgres.url(),
    })
    .await;
    let hub = stage.hub().await;
    stage
        .observe(&file("t1", "first", somebody(1).with_ticket(AT)))
        .await;
    hub.stop().await.unwrap();
    postgres.ask("UPDATE events SET schema_version = 2 WHERE type = 'verified'");

    let later = "2026-05-11T00:25:00Z";
    let again = file("t2", "again", somebody(1).with_ticket(later));
    let others = (2..40).map(|n| file("t1", &format!("{n}"), somebody(n).with_ticket(later)));
    let others: Vec<_> = others.collect();
    // They wait together, so that they come to the hub together.
    stage.publish(&again).await;
    for other in &others {
        stage.publish(other).await;
    }
    let hub = stage.hub().await;
    for other in &others {
        assert_eq!(stage.told(other).await, CommitOutcome::Recorded);
    }

    // Its spool says it again and again; in the stream one of them waits.
    for _ in 0..5 {
        stage.publish(&again).await;
    }
    stage.one_observation_is_left().await;

    postgres.ask("UPDATE events SET schema_version = 1 WHERE schema_version = 2");
    // As its spool says again what was not answered.
    stage.publish(&again).await;
    assert_eq!(stage.told(&again).await, CommitOutcome::Recorded);
    hub.stop().await.unwrap();
}

/// What the ledger refuses for good waits in the stream once, however often its spool says it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_even_be_set_aside_waits_once() {
    let postgres = Postgres::start().await;
    let stage = Stage::on(|_| Database::Postgres {
        url: postgres.url(),
    })
    .await;
    let hub = stage.hub().await;
    let refused = file(
        "t1",
        "refused",
        somebody(1).with_ticket("2026-05-11T00:15:00Z"),
    );
    let id = refused.observation_id;
    postgres.ask(&format!(
        "ALTER TABLE inbox ADD CONSTRAINT refused CHECK (observation_id <> '{id}')"
    ));
    for _ in 0..5 {
        stage.publish(&refused).await;
    }
    let other = file(
        "t1",
        "other",
        somebody(2).with_ticket("2026-05-11T00:15:00Z"),
    );
    assert_eq!(stage.observe(&other).await, CommitOutcome::Recorded);
    stage.one_observation_is_left().await;

    postgres.ask("ALTER TABLE inbox DROP CONSTRAINT refused");
    assert_eq!(stage.observe(&refused).await, CommitOutcome::Recorded);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_that_are_not_recorded_are_not_said_to_be_made() {
    let postgres = Postgres::start().await;
    let mut stage = Stage::on(|_| Database::Postgres {
        url: postgres.url(),
    })
    .await;
    stage.register_references = false;
    let hub = stage.hub().await;
    let seen = file("t1", "a", blank(1).with_ticket("2026-05-11T00:15:00Z"));
    stage.observe(&seen).await;
    let record = stage.events().await[0].head.patient.unwrap();
    stage.observe(&opened("chart", "70001", record)).await;
    postgres.ask("ALTER TABLE events ADD CONSTRAINT refused CHECK (type <> 'inquiry-requested')");
    let all = Command::RegisterReference(RegisterReference {
        facility: HOSPITAL.into(),
        patient: None,
        purpose: "test".to_owned(),
    });
    let reply = hub.handle.command(order(all.clone())).await;
    assert!(
        matches!(reply, CommandReply::Unavailable { .. }),
        "{reply:?}"
    );
    postgres.ask("ALTER TABLE events DROP CONSTRAINT refused");
    made(&hub.handle.command(order(all)).await);
    hub.stop().await.unwrap();
}
