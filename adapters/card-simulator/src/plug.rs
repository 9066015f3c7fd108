//! A card that lies in a virtual reader: a connection to vpcd's port. Connected is inserted, disconnected is removed.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::card::Card;
use crate::until;

const CONNECT_AGAIN: Duration = Duration::from_millis(20);

/// A card in a reader, until it is dropped. It stays there when pcscd dies, and is there when another one comes.
#[derive(Debug)]
pub struct Inserted {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    gone: AtomicBool,
    connections: AtomicUsize,
    /// Power and ATR requests: the service has noticed it.
    noticed: AtomicUsize,
    socket: Mutex<Option<TcpStream>>,
    sent: Mutex<Vec<Vec<u8>>>,
}

impl Inserted {
    /// Lays `card` into the slot at `port` and waits until the reader holds it.
    ///
    /// # Panics
    /// When no reader is there in time.
    pub fn new(port: u16, card: Card) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || lie(port, card, &shared))
        };
        let inserted = Self {
            shared,
            thread: Some(thread),
        };
        until("the reader holds the card", || {
            (inserted.shared.connections.load(Ordering::SeqCst) > 0).then_some(())
        });
        inserted
    }

    /// Every command that it was sent so far.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        let sent = self.shared.sent.lock();
        sent.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the PC/SC service has noticed it.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn is_noticed(&self) {
        let before = 0;
        until("the service notices the card", || {
            (self.shared.noticed.load(Ordering::SeqCst) > before).then_some(())
        });
    }

    /// Takes it out; gives every command that it was sent.
    pub fn take_out(mut self) -> Vec<Vec<u8>> {
        self.end();
        self.sent()
    }

    fn end(&mut self) {
        self.shared.gone.store(true, Ordering::SeqCst);
        let socket = self.shared.socket.lock();
        if let Some(socket) = socket.unwrap_or_else(PoisonError::into_inner).take() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        self.end();
    }
}

fn lie(port: u16, mut card: Card, shared: &Shared) {
    while !shared.gone.load(Ordering::SeqCst) {
        let Ok(socket) = TcpStream::connect(("127.0.0.1", port)) else {
            std::thread::park_timeout(CONNECT_AGAIN);
            continue;
        };
        if let Ok(other) = socket.try_clone() {
            let slot = shared.socket.lock();
            *slot.unwrap_or_else(PoisonError::into_inner) = Some(other);
        }
        if shared.gone.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        card.reset();
        // Torn out, or pcscd is gone: a card that still lies there waits for the next one.
        let _ = serve(socket, &mut card, shared);
    }
}

fn serve(mut socket: TcpStream, card: &mut Card, shared: &Shared) -> io::Result<()> {
    socket.set_nodelay(true)?;
    loop {
        let command = receive(&mut socket)?;
        match command[..] {
            [0..=2] => {
                shared.noticed.fetch_add(1, Ordering::SeqCst);
                card.reset();
            }
            [4] => send(&mut socket, &card.atr)?,
            _ => {
                let nth = {
                    let sent = shared.sent.lock();
                    let mut sent = sent.unwrap_or_else(PoisonError::into_inner);
                    sent.push(command.clone());
                    sent.len()
                };
                if card.torn_at == Some(nth) {
                    shared.gone.store(true, Ordering::SeqCst);
                    return socket.shutdown(Shutdown::Both);
                }
                if !card.slow.is_zero() {
                    std::thread::park_timeout(card.slow);
                }
                send(&mut socket, &card.answer(&command))?;
            }
        }
    }
}

/// Two bytes of length, then the rest. Without quick acknowledgements each command costs 40 ms.
fn receive(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    rustix::net::sockopt::set_tcp_quickack(&*socket, true)?;
    socket.read_exact(&mut length)?;
    let mut payload = vec![0; u16::from_be_bytes(length).into()];
    rustix::net::sockopt::set_tcp_quickack(&*socket, true)?;
    socket.read_exact(&mut payload)?;
    rustix::net::sockopt::set_tcp_quickack(&*socket, true)?;
    Ok(payload)
}

fn send(socket: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    socket.write_all(&[&length.to_be_bytes()[..], payload].concat())
}
