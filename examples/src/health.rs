//! Asks a running part whether it works, as an image's health check does, which has no shell and no other program.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::door::sign;

/// How long the part may take for each step.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is wrong with a part.
#[derive(Debug, thiserror::Error)]
pub enum Illness {
    /// Nothing answers at its address.
    #[error("{part} does not answer at {address}; its log says why: {source}")]
    Silent {
        /// The name of the part.
        part: String,
        /// Its address.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// Another program has its port.
    #[error(
        "the port of {part}, {address}, is in use by another program; name another in MARKETPLACE_LISTEN"
    )]
    Foreign {
        /// The name of the part.
        part: String,
        /// The address.
        address: String,
    },
    /// It says itself what is wrong.
    #[error("{part} is not ready: {reason}")]
    NotReady {
        /// The name of the part.
        part: String,
        /// Its answer, on one line.
        reason: String,
    },
}

/// Asks the part that listens on `listen` whether it works, and returns what it says on one line.
///
/// # Errors
///
/// When it does not work, or another program has its port.
pub fn ask(part: &str, listen: &str) -> Result<String, Illness> {
    let address = within_this_host(listen);
    let answer = get(&address, "/readyz").map_err(|source| Illness::Silent {
        part: part.into(),
        address: address.clone(),
        source,
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let signed = format!("server: {}", sign(part));
    if !head.lines().any(|line| line.eq_ignore_ascii_case(&signed)) {
        return Err(Illness::Foreign { part: part.into(), address });
    }
    let reason = body.trim().lines().collect::<Vec<_>>().join("; ");
    if head.split(' ').nth(1) == Some("200") {
        Ok(format!("{part} is ready: {reason}"))
    } else {
        Err(Illness::NotReady { part: part.into(), reason })
    }
}

/// A part that listens on every address is asked on this host's own.
fn within_this_host(listen: &str) -> String {
    match listen.rsplit_once(':') {
        Some(("0.0.0.0" | "[::]" | "", port)) => format!("127.0.0.1:{port}"),
        _ => listen.to_owned(),
    }
}

fn get(address: &str, path: &str) -> io::Result<String> {
    let address = address
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the address names no host"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
