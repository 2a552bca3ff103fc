//! A small OTLP receiver for tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use prost::Message;
use serde_json::Value;

use crate::lock::lock;
use crate::semconv::openinference::SPAN_KIND;

/// An OTLP/HTTP receiver on a free port of this machine, which keeps the spans and can be told to fail.
///
/// ```
/// use a2a_otel::{Telemetry, testing::Receiver};
/// use opentelemetry::trace::Tracer;
///
/// let receiver = Receiver::start();
/// let telemetry = Telemetry::builder().endpoint(receiver.endpoint()).tracing(false).init()?;
/// drop(opentelemetry::global::tracer("shop").start("search"));
/// telemetry.shutdown(std::time::Duration::from_secs(1));
/// # #[cfg(feature = "otlp")]
/// assert_eq!(receiver.spans()[0].name, "search");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    status: AtomicU16,
    stopped: AtomicBool,
    received: Mutex<Received>,
}

#[derive(Debug, Default)]
struct Received {
    requests: Vec<ReceiverRequest>,
    spans: Vec<ReceivedSpan>,
}

/// What was asked of the [`Receiver`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverRequest {
    /// The method, as in `POST`.
    pub method: String,
    /// The path, as in `/v1/traces`.
    pub path: String,
    /// The headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The status that it was answered with.
    pub status: u16,
}

/// A span that the [`Receiver`] has taken.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedSpan {
    /// The name.
    pub name: String,
    /// The trace, in hexadecimal.
    pub trace_id: String,
    /// The span, in hexadecimal.
    pub span_id: String,
    /// The parent, in hexadecimal; empty for a root.
    pub parent_span_id: String,
    /// The attributes.
    pub attributes: BTreeMap<String, Value>,
    /// The attributes of the resource.
    pub resource: BTreeMap<String, Value>,
    /// The events, in order.
    pub events: Vec<ReceivedEvent>,
    /// How it ended.
    pub status: ReceivedStatus,
}

impl ReceivedSpan {
    /// The kind of `OpenInference`, as in `AGENT`, or nothing.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.attributes.get(SPAN_KIND).and_then(Value::as_str).unwrap_or_default()
    }
}

/// An event of a [`ReceivedSpan`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// The name.
    pub name: String,
    /// The attributes.
    pub attributes: BTreeMap<String, Value>,
}

/// How a [`ReceivedSpan`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceivedStatus {
    /// Nobody said.
    Unset,
    /// Well.
    Ok,
    /// With this message.
    Error(String),
}

impl Receiver {
    /// Starts a receiver that answers 200.
    ///
    /// # Panics
    ///
    /// If no port is free.
    #[must_use]
    pub fn start() -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of this machine should be free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            status: AtomicU16::new(200),
            stopped: AtomicBool::new(false),
            received: Mutex::default(),
        });
        let serving = shared.clone();
        let listener = thread::spawn(move || serve(&listener, &serving));
        Receiver { address, shared, listener: Some(listener) }
    }

    /// The address to send to, without the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans so far, in the order in which they came.
    #[must_use]
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.shared.received().spans.clone()
    }

    /// The requests so far, those answered with a failure included.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceiverRequest> {
        self.shared.received().requests.clone()
    }

    /// From now on answers with this status; spans are taken only with one from 200 to 299.
    ///
    /// ```
    /// let receiver = a2a_otel::testing::Receiver::start();
    /// receiver.answer(503);
    /// ```
    pub fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::Relaxed);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn received(&self) -> MutexGuard<'_, Received> {
        lock(&self.received)
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = shared.clone();
        // A client that goes away in the middle has nothing to be told.
        thread::spawn(move || drop(answer(&stream, &shared)));
    }
}

/// Answers one request for each connection, which is simple and enough for tests.
fn answer(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = read_head(&mut reader)?;
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let status = shared.status.load(Ordering::Relaxed);
    let (status, spans) = match decode(&request, &body) {
        Ok(message) if (200..300).contains(&status) => (status, spans(message)),
        Ok(_) => (status, Vec::new()),
        Err(_) => (422, Vec::new()),
    };
    request.status = status;
    let mut received = shared.received();
    received.requests.push(request);
    received.spans.extend(spans);
    drop(received);
    let mut writer = stream;
    write!(
        writer,
        "HTTP/1.1 {status} Told\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

impl ReceiverRequest {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<ReceiverRequest> {
    let mut lines = reader.lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut words = first.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, path) = (word(), word());
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(ReceiverRequest { method, path, headers, status: 0 })
}

fn decode(request: &ReceiverRequest, body: &[u8]) -> io::Result<ExportTraceServiceRequest> {
    let mut plain = Vec::new();
    if request.header("content-encoding") == "gzip" {
        GzDecoder::new(body).read_to_end(&mut plain)?;
    } else {
        plain.extend_from_slice(body);
    }
    ExportTraceServiceRequest::decode(plain.as_slice()).map_err(io::Error::other)
}

fn spans(message: ExportTraceServiceRequest) -> Vec<ReceivedSpan> {
    let mut spans = Vec::new();
    for part in message.resource_spans {
        let resource = attributes(part.resource.map(|resource| resource.attributes).unwrap_or_default());
        let found = part.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(found.map(|span| received(span, resource.clone())));
    }
    spans
}

fn received(span: Span, resource: BTreeMap<String, Value>) -> ReceivedSpan {
    ReceivedSpan {
        status: status(&span),
        name: span.name,
        trace_id: hexadecimal(&span.trace_id),
        span_id: hexadecimal(&span.span_id),
        parent_span_id: hexadecimal(&span.parent_span_id),
        attributes: attributes(span.attributes),
        resource,
        events: span.events.into_iter().map(event).collect(),
    }
}

fn status(span: &Span) -> ReceivedStatus {
    match span.status.as_ref().map(|status| (status.code, &status.message)) {
        Some((1, _)) => ReceivedStatus::Ok,
        Some((2, message)) => ReceivedStatus::Error(message.clone()),
        _ => ReceivedStatus::Unset,
    }
}

fn event(event: span::Event) -> ReceivedEvent {
    ReceivedEvent { name: event.name, attributes: attributes(event.attributes) }
}

fn attributes(attributes: Vec<KeyValue>) -> BTreeMap<String, Value> {
    attributes.into_iter().map(|attribute| (attribute.key, json(attribute.value))).collect()
}

fn json(value: Option<AnyValue>) -> Value {
    use any_value::Value as Any;
    match value.and_then(|value| value.value) {
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(flag)) => flag.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => number.into(),
        Some(Any::ArrayValue(array)) => array.values.into_iter().map(|value| json(Some(value))).collect(),
        Some(Any::KvlistValue(list)) => attributes(list.values).into_iter().collect(),
        Some(Any::BytesValue(bytes)) => hexadecimal(&bytes).into(),
        _ => Value::Null,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
