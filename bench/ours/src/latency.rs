//! Rename into `face/` until an outside NATS subscriber holds the message, idle hub, release binary.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

const STABLE_MS: u64 = 300;

/// A hub of the release binary with one facility and one receipt consumer.
struct Hub {
    child: Child,
    dir: TempDir,
    binary: PathBuf,
}

impl Hub {
    fn start(root: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        for folder in ["req", "res", "face"] {
            std::fs::create_dir_all(dir.path().join("t1").join(folder))?;
        }
        std::fs::write(dir.path().join("shikaku.toml"), config(dir.path()))?;
        let binary = root.join("target/release/shikaku");
        let mut child = Command::new(&binary)
            .args(["up", "--config"])
            .arg(dir.path().join("shikaku.toml"))
            .env("PATH", format!("{}:{}", root.join(".tools/bin").display(), std::env::var("PATH")?))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("target/release/shikaku: build it first")?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        loop {
            match lines.next() {
                Some(Ok(line)) if line.starts_with("ready ") => break,
                Some(Ok(_)) => {}
                _ => bail!("the hub did not get ready"),
            }
        }
        // The live lines must not fill the pipe; the thread ends with the child.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, dir, binary })
    }

    fn credentials(&self) -> Result<Value> {
        let out = Command::new(&self.binary)
            .args(["nats", "credentials", "--consumer", "bench", "--config"])
            .arg(self.dir.path().join("shikaku.toml"))
            .output()?;
        Ok(serde_json::from_slice(&out.stdout)?)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status());
        drop(self.child.wait());
    }
}

fn config(dir: &Path) -> String {
    format!(
        "data_dir = \"{0}/data\"\n[http]\nlisten = \"127.0.0.1:0\"\n[schedule]\nenabled = false\n[timing]\nscan_ms = 500\nstable_ms = {STABLE_MS}\n\
         [[facility]]\ncode = \"1319912349\"\nname = \"見本病院\"\n[[facility.terminal]]\nid = \"t1\"\nroot = \"{0}/t1\"\n\
         [[consumer]]\nname = \"bench\"\naudience = \"receipt\"\nfacility = \"1319912349\"\n",
        dir.display()
    )
}

/// Milliseconds from rename to subscriber for `files` files, less the stability wait; and what a durable step costs here.
pub async fn run(root: &Path, files: u64) -> Result<Value> {
    let hub = Hub::start(root)?;
    let how = hub.credentials()?;
    let word = |name: &str| how[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    let client = async_nats::ConnectOptions::with_user_and_password(word("user")?, word("password")?)
        .connect(word("url")?)
        .await?;
    let consumer = word("durable")?;
    let feed = Feed { subject: format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", word("stream")?), client };
    let sample = std::fs::read_to_string(root.join("schemas/samples/oqs/face-assistance-only-utf8.xml"))?;
    let (mut took, mut recorded) = (Vec::new(), Vec::new());
    for n in 0..files {
        let text = sample
            .replace("3100013", &format!("{:07}", 4_000_000 + n))
            .replace("S00101", &format!("S{n:05}"))
            .replace("Zk3uQm1x", &format!("bench{n}"));
        let (temporary, name) = (hub.dir.path().join("writing"), format!("t1/face/OQSsiquc01res_face_{n}.xml"));
        std::fs::write(&temporary, text)?;
        let (begun, begun_at) = (Instant::now(), Timestamp::now());
        std::fs::rename(&temporary, hub.dir.path().join(name))?;
        let recorded_at = feed.until_verified().await?;
        took.push((begun.elapsed().as_micros() as u64).saturating_sub(STABLE_MS * 1000));
        let until = recorded_at.duration_since(begun_at).as_micros() as u64;
        recorded.push(until.saturating_sub(STABLE_MS * 1000));
    }
    took.sort_unstable();
    recorded.sort_unstable();
    let place = |of: &[u64], share: f64| of.get((of.len() as f64 * share) as usize).copied().unwrap_or(0);
    let at = |share| place(&took, share);
    let step = durable_step(hub.dir.path())?;
    Ok(json!({ "name": "latency", "files": files, "p50_us": at(0.5), "p99_us": at(0.99),
               "until_recorded_p50_us": place(&recorded, 0.5), "until_recorded_p99_us": place(&recorded, 0.99), "fsync_p99_us": step,
               "broker_round_trip_p99_us": feed.round_trip().await? }))
}

struct Feed {
    client: async_nats::Client,
    subject: String,
}

impl Feed {
    /// When the verification was recorded.
    async fn until_verified(&self) -> Result<Timestamp> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let inbox = self.client.new_inbox();
            let mut replies = self.client.subscribe(inbox.clone()).await?;
            let ask = r#"{"batch":1,"expires":15000000000}"#;
            self.client.publish_with_reply(self.subject.clone(), inbox, ask.into()).await?;
            let message = tokio::time::timeout_at(deadline, replies.next()).await?.context("the feed ended")?;
            let Some(reply) = message.reply.clone() else { continue };
            self.client.publish(reply, "+ACK".into()).await?;
            let header = |name: &str| message.headers.as_ref()?.get(name).map(ToString::to_string);
            if header("ce-type").as_deref() == Some("jp.shikaku.verified.v1") {
                return Ok(header("ce-time").context("no ce-time")?.parse()?);
            }
        }
    }

    /// p99 of asking the broker something.
    async fn round_trip(&self) -> Result<u64> {
        let info = self.subject.replace(".MSG.NEXT.", ".INFO.");
        let mut took = Vec::new();
        for _ in 0..200 {
            let begun = Instant::now();
            self.client.request(info.clone(), "".into()).await?;
            took.push(begun.elapsed().as_micros() as u64);
        }
        took.sort_unstable();
        Ok(took[198])
    }
}

/// p99 of writing 4 KiB and syncing it, on the disk of the run.
fn durable_step(dir: &Path) -> Result<u64> {
    use std::io::Write;
    let mut file = std::fs::File::create(dir.join("step"))?;
    let mut took = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.push(begun.elapsed().as_micros() as u64);
    }
    took.sort_unstable();
    Ok(took[198])
}

