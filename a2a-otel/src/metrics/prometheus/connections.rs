//! The connections of the listener, of which there are few. A new one takes the place of the one that has been idle or
//! slow for the longest time, so that clients that never finish cannot keep others out. Each has a moment to send its
//! request; until then, new ones wait.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::lock::lock;

/// How many connections there may be at once.
const MOST: usize = 32;

/// How long a client may take for a request, or for an answer, before another one may take its place.
const SLOW_REQUEST: Duration = Duration::from_millis(200);
const SLOW_ANSWER: Duration = Duration::from_secs(1);

/// How often a new connection looks for a place.
const PAUSE: Duration = Duration::from_millis(10);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// The client is to send a request.
    Reading,
    /// The answer is computed.
    Answering,
    /// The client is to take the answer.
    Writing,
}

/// All connections of a listener.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: Vec<Connection>,
    is_closed: bool,
}

#[derive(Debug)]
struct Connection {
    number: u64,
    phase: Phase,
    since: Instant,
    stream: TcpStream,
}

impl Connections {
    /// Adds a connection and returns its number, once there is a place for it. `None` if there will be none.
    pub(super) fn add(&self, stream: &TcpStream) -> io::Result<Option<u64>> {
        let stream = stream.try_clone()?;
        loop {
            let mut open = lock(&self.0);
            if open.is_closed {
                return Ok(None);
            }
            if open.connections.len() < MOST || open.make_room() {
                return Ok(Some(open.add(stream)));
            }
            drop(open);
            thread::sleep(PAUSE);
        }
    }

    pub(super) fn set_phase(&self, number: u64, phase: Phase) {
        let mut open = lock(&self.0);
        if let Some(connection) = open.connections.iter_mut().find(|it| it.number == number) {
            (connection.phase, connection.since) = (phase, Instant::now());
        }
    }

    pub(super) fn remove(&self, number: u64) {
        lock(&self.0).connections.retain(|connection| connection.number != number);
    }

    /// Closes all connections, and takes no more.
    pub(super) fn close(&self) {
        let mut open = lock(&self.0);
        open.is_closed = true;
        open.connections.drain(..).for_each(Connection::close);
    }
}

impl Open {
    fn add(&mut self, stream: TcpStream) -> u64 {
        let number = self.next;
        self.next += 1;
        self.connections.push(Connection { number, phase: Phase::Reading, since: Instant::now(), stream });
        number
    }

    /// Closes the connection that keeps its place for no good reason, if there is one.
    fn make_room(&mut self) -> bool {
        let is_idle = |connection: &Connection| match connection.phase {
            Phase::Reading => connection.since.elapsed() > SLOW_REQUEST,
            Phase::Answering => false,
            Phase::Writing => connection.since.elapsed() > SLOW_ANSWER,
        };
        let idle = self.connections.iter().enumerate().filter(|(_, connection)| is_idle(connection));
        let Some((oldest, _)) = idle.min_by_key(|(_, connection)| connection.since) else { return false };
        self.connections.swap_remove(oldest).close();
        true
    }
}

impl Connection {
    fn close(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
