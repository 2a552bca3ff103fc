//! A network between two programs, which can be cut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Passes connections on to a server, as long as it is not cut. It listens until the process ends.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    line: Arc<Mutex<Line>>,
}

#[derive(Debug, Default)]
struct Line {
    /// The server, unless the relay is cut.
    to: Option<SocketAddr>,
    /// The ends of open connections.
    open: Vec<TcpStream>,
}

impl Relay {
    /// Listens on a free port, and is cut at first.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let line = Arc::<Mutex<Line>>::default();
        let accepting = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that fails is none.
                let _ = pass(client, &accepting);
            }
        });
        Self { address, line }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address, for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes new connections on to this server.
    pub fn connect(&self, server: SocketAddr) {
        lock(&self.line).to = Some(server);
    }

    /// Closes every connection, and each new one.
    pub fn cut(&self) {
        let mut line = lock(&self.line);
        line.to = None;
        for end in line.open.drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects a client with the server, unless the relay is cut.
fn pass(client: TcpStream, line: &Mutex<Line>) -> io::Result<()> {
    let mut line = lock(line);
    let Some(server) = line.to else { return Ok(()) };
    let server = TcpStream::connect(server)?;
    line.open.extend([client.try_clone()?, server.try_clone()?]);
    copy(client.try_clone()?, server.try_clone()?);
    copy(server, client);
    Ok(())
}

/// Copies what comes until the end, on a thread.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}
