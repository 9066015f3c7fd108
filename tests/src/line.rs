//! A line that can be cut, between a client and a server on this machine.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

#[derive(Debug, Clone)]
enum Server {
    Tcp(SocketAddr),
    Socket(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Bytes go through.
    Whole,
    /// Nothing goes through and nobody is told.
    Silent,
    /// Every connection is torn, new ones too.
    Cut,
}

struct Shared {
    server: Mutex<Server>,
    state: Mutex<State>,
    changed: Condvar,
    open: Mutex<Vec<Arc<Ends>>>,
}

/// Both ends of a connection.
enum Ends {
    Tcp(TcpStream, TcpStream),
    Socket(TcpStream, UnixStream),
}

impl Ends {
    fn tear(&self) {
        // One that is torn already is what is wanted.
        match self {
            Self::Tcp(client, server) => {
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            }
            Self::Socket(client, server) => {
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            }
        }
    }
}

/// A proxy on a free port of the loopback. Its threads end with the test's process.
pub struct Line {
    /// Where clients connect.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Line {
    /// To a server behind a URL like `nats://127.0.0.1:4222`.
    #[track_caller]
    pub fn to(url: &str) -> Self {
        let host = url
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .rsplit('@')
            .next();
        let address = host.and_then(|host| host.parse().ok());
        Self::start(Server::Tcp(
            address.unwrap_or_else(|| panic!("{url} names no address")),
        ))
    }

    /// To a server behind a unix socket.
    pub fn to_socket(path: &Path) -> Self {
        Self::start(Server::Socket(path.to_owned()))
    }

    fn start(server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            state: Mutex::new(State::Whole),
            changed: Condvar::new(),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let _ = accepting.connect(client);
            }
        });
        Self { address, shared }
    }

    /// Tears every connection and lets no new one through.
    pub fn cut(&self) {
        self.shared.set(State::Cut);
        for ends in self.shared.open.lock().unwrap().drain(..) {
            ends.tear();
        }
    }

    /// New connections go to the server behind another unix socket.
    pub fn lead_to_socket(&self, path: &Path) {
        *self.shared.server.lock().unwrap() = Server::Socket(path.to_owned());
    }

    /// Tears every connection; new ones go through.
    pub fn tear(&self) {
        self.cut();
        self.mend();
    }

    /// Holds every byte back, as a partition does.
    pub fn silence(&self) {
        self.shared.set(State::Silent);
    }

    /// Lets through again.
    pub fn mend(&self) {
        self.shared.set(State::Whole);
    }
}

impl Shared {
    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    /// Waits out a silence; what then holds.
    fn state(&self) -> State {
        let state = self.state.lock().unwrap();
        *self
            .changed
            .wait_while(state, |state| *state == State::Silent)
            .unwrap()
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        if *self.state.lock().unwrap() == State::Cut {
            return Ok(());
        }
        client.set_nodelay(true)?;
        let server = self.server.lock().unwrap().clone();
        match &server {
            Server::Tcp(address) => {
                let server = TcpStream::connect(address)?;
                server.set_nodelay(true)?;
                let ends = self.hold(Ends::Tcp(client.try_clone()?, server.try_clone()?));
                self.carry(&ends, client.try_clone()?, server.try_clone()?);
                self.carry(&ends, server, client);
            }
            Server::Socket(path) => {
                let server = UnixStream::connect(path)?;
                let ends = self.hold(Ends::Socket(client.try_clone()?, server.try_clone()?));
                self.carry(&ends, client.try_clone()?, server.try_clone()?);
                self.carry(&ends, server, client);
            }
        }
        Ok(())
    }

    fn hold(&self, ends: Ends) -> Arc<Ends> {
        let ends = Arc::new(ends);
        let mut open = self.open.lock().unwrap();
        // Those that nobody carries any more.
        open.retain(|ends| Arc::strong_count(ends) > 1);
        open.push(Arc::clone(&ends));
        ends
    }

    /// One way; when it ends, so does the connection.
    fn carry<From, To>(self: &Arc<Self>, ends: &Arc<Ends>, mut from: From, mut to: To)
    where
        From: std::io::Read + Send + 'static,
        To: std::io::Write + Send + 'static,
    {
        let (shared, ends) = (Arc::clone(self), Arc::clone(ends));
        std::thread::spawn(move || {
            let mut bytes = vec![0; 64 * 1024];
            while let Ok(read) = from.by_ref().read(&mut bytes) {
                if read == 0 || shared.state() == State::Cut {
                    break;
                }
                if to.by_ref().write_all(&bytes[..read]).is_err() {
                    break;
                }
            }
            ends.tear();
        });
    }
}
