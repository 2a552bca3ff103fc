//! A small HTTP server, for programs that have none.
//!
//! It is not built on a library: `tiny_http` has no time-outs, so that slow clients could hold its threads forever, and
//! hyper needs a runtime. The parser is hyper's.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::connections::{Connections, Phase};
use super::request::{LONGEST, Refusal, Request, Wish};
use super::scraper::Scraper;
use crate::deadline;
use crate::report::report;

/// How long a connection may be idle. Prometheus uses it again for the next scrape.
const IDLE: Duration = Duration::from_secs(120);

/// How long a client may take for a request after its first byte, and for an answer.
const READING: Duration = Duration::from_secs(5);
const WRITING: Duration = Duration::from_secs(10);

/// How long, and how many bytes, are read after a refusal, so that the client can read it before the connection breaks.
const LINGERING: Duration = Duration::from_millis(500);
const LINGERING_BYTES: usize = 64 * 1024;

/// How long the listener waits after it could not accept a connection, for example because no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves the metrics of this process at `/metrics`, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    scraper: Scraper,
    connections: Connections,
    is_stopped: AtomicBool,
}

/// Serves metrics at this address. The port 0 stands for any that is free.
///
/// # Errors
///
/// If the address cannot be used, for example because another program listens there.
pub(crate) fn start(host: &str, port: u16, scraper: Scraper) -> io::Result<Listener> {
    let listener = TcpListener::bind((host, port))?;
    let address = listener.local_addr()?;
    let connections = Connections::default();
    let shared = Arc::new(Shared { scraper, connections, is_stopped: AtomicBool::new(false) });
    let accepting = Arc::clone(&shared);
    thread::Builder::new().name("a2a-otel metrics".to_owned()).spawn(move || accepting.accept(&listener))?;
    Scraper::keep_exemplars();
    Ok(Listener { address, shared })
}

/// Serves metrics at this address, or reports why it cannot.
pub(crate) fn start_or_report(host: &str, port: u16, scraper: Scraper) -> Option<Listener> {
    start(host, port, scraper)
        .inspect_err(|error| {
            report(&format_args!(
                "metrics are not served at http://{host}:{port}/metrics: {error}; everything else works; set \
                 OTEL_EXPORTER_PROMETHEUS_PORT to a port that is free, or stop the program that listens there"
            ));
        })
        .ok()
}

impl Listener {
    /// The address, with the port that was chosen.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        self.shared.connections.close();
        // Only a connection wakes the thread that accepts them.
        let host = match self.address.ip() {
            IpAddr::V4(host) if host.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(host) if host.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            host => host,
        };
        let _ = TcpStream::connect_timeout(&SocketAddr::new(host, self.address.port()), PAUSE * 10);
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.is_stopped.load(Ordering::Relaxed) {
                return;
            }
            match stream {
                Ok(stream) => self.admit(stream),
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream) {
        // The listener has ended, or no file descriptor is left.
        let Ok(Some(number)) = self.connections.add(&stream) else { return };
        let shared = Arc::clone(self);
        let serve = move || {
            let connection = Connection { number, shared: &shared, stream };
            // The client has gone, or was too slow.
            let _ = connection.serve();
            shared.connections.remove(number);
        };
        if thread::Builder::new().name("a2a-otel metrics".to_owned()).spawn(serve).is_err() {
            self.connections.remove(number);
        }
    }
}

/// A connection on its thread.
struct Connection<'a> {
    number: u64,
    shared: &'a Shared,
    stream: TcpStream,
}

impl Connection<'_> {
    fn serve(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        let mut unread = Vec::new();
        loop {
            self.enter(Phase::Reading);
            let Some(request) = self.read(&mut unread)? else { return Ok(()) };
            self.enter(Phase::Answering);
            self.answer(&request)?;
            if !request.keeps_alive {
                self.linger();
                return Ok(());
            }
            unread.drain(..request.length);
        }
    }

    fn enter(&self, phase: Phase) {
        self.shared.connections.set_phase(self.number, phase);
    }

    /// Reads the head of a request. `None` if the client has closed the connection.
    fn read(&mut self, unread: &mut Vec<u8>) -> io::Result<Option<Request>> {
        let mut deadline = deadline::after(if unread.is_empty() { IDLE } else { READING });
        loop {
            if let Some(request) = (!unread.is_empty()).then(|| Request::parse(unread)).flatten() {
                return Ok(Some(request));
            }
            self.stream.set_read_timeout(Some(left(deadline)?))?;
            let mut bytes = [0; LONGEST];
            let room = LONGEST - unread.len();
            let length = self.stream.read(&mut bytes[..room])?;
            if length == 0 {
                return Ok(None);
            }
            if unread.is_empty() {
                deadline = deadline::after(READING);
            }
            unread.extend_from_slice(&bytes[..length]);
        }
    }

    fn answer(&mut self, request: &Request) -> io::Result<()> {
        let refusal = match &request.wish {
            Wish::Refuse(refusal) => *refusal,
            Wish::Metrics(asked) => match self.shared.scraper.scrape(*asked) {
                Ok(page) => {
                    let kind = page.format.content_type();
                    let encoding = if page.is_compressed { "content-encoding: gzip\r\n" } else { "" };
                    return self.send(request, "200 OK", kind, encoding, page.body.as_ref());
                }
                Err(_) => Refusal::Unavailable,
            },
        };
        let (status, headers, body) = refusal.answer();
        self.send(request, status, "text/plain; charset=utf-8", headers, body.as_bytes())
    }

    fn send(
        &mut self,
        request: &Request,
        status: &str,
        content_type: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<()> {
        let connection = if request.keeps_alive { "keep-alive" } else { "close" };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n{headers}connection: {connection}\r\n\r\n",
            body.len()
        );
        self.enter(Phase::Writing);
        let deadline = deadline::after(WRITING);
        self.write(head.as_bytes(), deadline)?;
        if request.is_head { Ok(()) } else { self.write(body, deadline) }
    }

    /// Writes everything, unless the client does not take it in time.
    fn write(&mut self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline)?))?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lets the client read the answer: a connection that is closed while bytes of the client are unread breaks.
    fn linger(&mut self) {
        let deadline = deadline::after(LINGERING);
        let _ = self.stream.shutdown(Shutdown::Write);
        let mut bytes = [0; 4 * 1024];
        let mut read = 0;
        while let Ok(left) = left(deadline)
            && read < LINGERING_BYTES
            && self.stream.set_read_timeout(Some(left)).is_ok()
            && let Ok(length @ 1..) = self.stream.read(&mut bytes)
        {
            read += length;
        }
    }
}

/// The time until a deadline.
fn left(deadline: Instant) -> io::Result<Duration> {
    Some(deadline::left(deadline))
        .filter(|left| !left.is_zero())
        .ok_or_else(|| io::ErrorKind::TimedOut.into())
}
