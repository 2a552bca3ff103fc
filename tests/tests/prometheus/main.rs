//! Tests what Prometheus gets: from a writer that parsers of others read, a listener that strangers connect to, and a
//! service for HTTP servers.
//!
//! Telemetry is global, so every test runs in a process of its own.

mod exemplars;
mod formats;
mod listener;
mod names;
mod parsers;
mod scraped;
mod server;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use a2a_otel::{Builder, Telemetry};
use a2a_otel_tests::child::{in_own_process, messages};
use opentelemetry_sdk::trace::InMemorySpanExporter;

const OPEN_METRICS: &str = "accept: application/openmetrics-text\r\n";

/// Telemetry whose spans stay in the process.
fn quiet() -> Builder {
    let builder = Telemetry::builder().span_exporter(InMemorySpanExporter::default()).tracing(false);
    // The figures of the process would come between those of the tests.
    builder.service_name("shop").performance(false)
}

/// Telemetry that serves metrics at a free port.
fn served() -> (Telemetry, SocketAddr) {
    let telemetry = quiet().prometheus_listener(([127, 0, 0, 1], 0)).init().expect("a plain environment");
    let address = telemetry.prometheus_address().expect("a free port");
    (telemetry, address)
}

/// An answer: its head and its body.
struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the listener listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    stream
}

/// Sends a request as it is, and reads until the other side closes the connection.
fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(address);
    stream.write_all(request).expect("the listener reads");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("UTF-8").to_ascii_lowercase();
    Answer { head, body: bytes[end + 4..].to_vec() }
}

/// Scrapes with these headers, each of which ends in a line break.
fn get(address: SocketAddr, headers: &str) -> Answer {
    exchange(
        address,
        format!("GET /metrics HTTP/1.1\r\nhost: shop\r\n{headers}connection: close\r\n\r\n").as_bytes(),
    )
}

/// Scrapes metrics in a format: `text` or `openmetrics`.
fn scrape(address: SocketAddr, format: &str) -> String {
    let answer = get(address, if format == "text" { "" } else { OPEN_METRICS });
    assert_eq!(answer.status(), "200", "{}", answer.head);
    answer.text().to_owned()
}

/// The lines that begin with this.
fn lines<'a>(metrics: &'a str, start: &str) -> Vec<&'a str> {
    metrics.lines().filter(|line| line.starts_with(start)).collect()
}
