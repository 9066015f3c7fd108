//! A line that breaks on purpose, between a client and the server's socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

/// What happens to the next large message of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None = 0,
    /// It never arrives.
    LoseRequest = 1,
    /// The server answers, and the answer is lost.
    LoseAnswer = 2,
    /// The answer is lost, and nobody can connect any more.
    LoseAnswerAndDie = 3,
    /// Nobody can connect.
    Dead = 4,
    /// The server's machine is gone without a word: connections stay open, and nothing comes any more. New ones work.
    Gone = 5,
}

/// Messages smaller than this are heartbeats and brackets of transactions.
const LARGE: usize = 200;

pub struct Proxy {
    port: u16,
    fault: Arc<AtomicU8>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(socket: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(0));
        let task = tokio::spawn(accept(listener, socket.to_owned(), Arc::clone(&fault)));
        Self { port, fault, task }
    }

    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, fault: Arc<AtomicU8>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        // Who comes after the machine went finds another one.
        let _ = fault.compare_exchange(
            Fault::Gone as u8,
            Fault::None as u8,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        if fault.load(Ordering::SeqCst) != Fault::Dead as u8 {
            tokio::spawn(carry(client, socket.clone(), Arc::clone(&fault)));
        }
    }
}

async fn carry(
    mut client: TcpStream,
    socket: PathBuf,
    fault: Arc<AtomicU8>,
) -> std::io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                let set = fault.load(Ordering::SeqCst);
                if set == Fault::Gone as u8 {
                    drop(server);
                    return std::future::pending().await;
                }
                if read < LARGE || set == Fault::None as u8 {
                    server.write_all(&up[..read]).await?;
                    continue;
                }
                let then = match set {
                    set if set == Fault::LoseAnswerAndDie as u8 => Fault::Dead,
                    _ => Fault::None,
                };
                fault.store(then as u8, Ordering::SeqCst);
                if set != Fault::LoseRequest as u8 {
                    server.write_all(&up[..read]).await?;
                    // The answer's first bytes tell that it is done.
                    let _answered = server.read(&mut down).await?;
                }
                return Ok(());
            }
            read = server.read(&mut down) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                client.write_all(&down[..read]).await?;
            }
        }
    }
}
