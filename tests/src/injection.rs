//! Faults of system calls, injected by strace.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::process::Process;

/// How long strace may take to let go.
const PATIENCE: Duration = Duration::from_secs(2);

/// strace at a running process. Dropping it lets the process go on undisturbed.
pub struct Injection {
    strace: Child,
    /// A line for each call that was watched.
    log: NamedTempFile,
}

impl Injection {
    /// Injects into every thread of `process`, its children apart: `fsync,fdatasync:error=EIO:when=3+2`.
    #[track_caller]
    pub fn into(process: Process, what: &str) -> Self {
        let (calls, fault) = what.split_once(':').expect("calls, a colon, a fault");
        let log = NamedTempFile::new().unwrap();
        let mut strace = Command::new("strace")
            .args(["-f", "-e", "signal=none", "-o"])
            .arg(log.path())
            .args(["-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:{fault}")])
            .args(["-p", &process.id().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed; run `make setup`");
        let mut said = BufReader::new(strace.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(
            line.contains("attached") || !process.runs(),
            "strace: {line}"
        );
        // It must not block on a full pipe.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Self { strace, log }
    }

    /// How many calls were tampered with so far.
    #[track_caller]
    pub fn fired(&self) -> usize {
        let lines = std::fs::read(self.log.path()).unwrap();
        String::from_utf8_lossy(&lines)
            .matches("(INJECTED)")
            .count()
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        let strace = Process::of(&self.strace);
        strace.interrupt();
        // Its process dead under it, it may miss that; the system lets go of what a dead tracer held.
        let begin = Instant::now();
        while strace.runs() && begin.elapsed() < PATIENCE {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        strace.kill();
        let _ = self.strace.wait();
    }
}
