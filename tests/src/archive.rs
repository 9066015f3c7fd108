//! A backup of a Postgres and the archive of its write-ahead log, which the server waits for: what `pg_basebackup` and
//! `pg_receivewal --synchronous` make, on another disk than the server's.

use std::process::{Child, Stdio};

use crate::postgres::Postgres;
use crate::process::Process;
use crate::until;

/// By this name the server waits for the archive.
const NAME: &str = "archive";

/// Backup and archive. Dropping it ends the archiving.
pub struct Archive {
    /// Holds `data`, the backup, and `log`.
    place: Postgres,
    receiving: Child,
}

impl Archive {
    /// Takes the backup. No commit is confirmed from now on that is not in the archive.
    #[track_caller]
    pub fn of(server: &Postgres) -> Self {
        let place = Postgres::empty(&[], "");
        let log = place.folder("log");
        let receiving = place
            .program("pg_receivewal")
            .args(["--synchronous", "--no-loop", "-D"])
            .arg(log)
            // Not in the command line, by which a server's processes are found when it is killed.
            .env("PGHOST", server.sockets())
            .env("PGPORT", server.port().to_string())
            .env("PGUSER", "postgres")
            .env("PGAPPNAME", NAME)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        server.wait_for(NAME);
        server.copy_to(&place, "backup", &[]);
        Self { place, receiving }
    }

    /// A server on a fresh folder with everything that the archive holds, started.
    #[track_caller]
    pub fn restore(&self) -> Postgres {
        let restored = Postgres::empty(&[], "");
        restored.take_files_of(&self.place);
        let log = self.place.path("log");
        let log = log.display();
        // The segment that was being written has another name.
        restored.set(&format!(
            "restore_command = 'cp {log}/%f %p || cp {log}/%f.partial %p'\nsynchronous_standby_names = ''\n"
        ));
        std::fs::write(restored.data().join("recovery.signal"), "").unwrap();
        restored.resume();
        until("everything is restored", || {
            (restored.ask("postgres", "SELECT pg_is_in_recovery()") == "f").then_some(())
        });
        restored
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        Process::of(&self.receiving).terminate();
        let _ = self.receiving.wait();
    }
}
