//! Processes that a test started, and what they started.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A process of this test's own making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(Pid);

/// Bytes of memory.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// At most, since the process began.
    pub peak: u64,
}

impl Process {
    /// The process of a child.
    pub fn of(child: &std::process::Child) -> Self {
        Self::from_id(child.id())
    }

    fn from_id(id: u32) -> Self {
        let id = i32::try_from(id).expect("process ids are below 2^22");
        Self(Pid::from_raw(id).expect("a process id is not 0"))
    }

    /// Its id.
    pub fn id(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// Ctrl-C.
    pub fn interrupt(self) {
        self.signal(Signal::INT);
    }

    /// Asks it to end in order, as `systemctl stop` does.
    pub fn terminate(self) {
        self.signal(Signal::TERM);
    }

    /// Freezes it, as a paused virtual machine would.
    pub fn stop(self) {
        self.signal(Signal::STOP);
    }

    /// Thaws it.
    pub fn resume(self) {
        self.signal(Signal::CONT);
    }

    fn signal(self, signal: Signal) {
        // It may be gone already, which is what most callers want.
        let _ = kill_process(self.0, signal);
    }

    /// What it uses of memory.
    #[track_caller]
    pub fn memory(self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))
            .expect("a process that runs has a status");
        let bytes = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.map_or(0, |kib| kib.parse::<u64>().unwrap() << 10)
        };
        Memory {
            resident: bytes("VmRSS:"),
            peak: bytes("VmHWM:"),
        }
    }

    /// How many files it holds open.
    #[track_caller]
    pub fn open_files(self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id()))
            .expect("a process that runs has open files")
            .count()
    }

    /// Whether it still runs (a dead child not yet waited for does not).
    pub fn runs(self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.id()))
            .ok()
            .and_then(|stat| Some(stat.rsplit_once(')')?.1.trim_start().starts_with('Z')))
            .is_some_and(|zombie| !zombie)
    }
}

/// A program, run by what stands before it, if anything does.
pub(crate) fn prefixed(words: &[String], program: &Path) -> Command {
    let mut line = words.iter().map(std::ffi::OsStr::new);
    let Some(first) = line.next() else {
        return Command::new(program);
    };
    let mut command = Command::new(first);
    command.args(line).arg(program);
    command
}

/// Runs a command to its end; one that does not end fails the test.
#[track_caller]
pub fn output(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let process = Process::of(&child);
    let reading = std::thread::spawn(move || {
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            err.read_to_end(&mut text).map(|_| text)
        });
        let mut text = Vec::new();
        out.read_to_end(&mut text).unwrap();
        (text, errors.join().unwrap().unwrap())
    });
    let begin = std::time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > crate::DEADLINE {
            process.kill();
            panic!("{command:?} did not end");
        }
        std::thread::park_timeout(std::time::Duration::from_millis(4));
    };
    let (stdout, stderr) = reading.join().unwrap();
    Output {
        status,
        stdout,
        stderr,
    }
}

/// Running processes whose command line names a path below `folder`, a temporary folder of this test's own.
pub fn below(folder: &Path) -> Vec<(Process, String)> {
    let own = std::process::id();
    let folder = folder.to_string_lossy();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")
        .expect("/proc is there")
        .flatten()
    {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let process = Process::from_id(id);
        if id != own && line.contains(&*folder) && process.runs() {
            found.push((process, line));
        }
    }
    found
}
