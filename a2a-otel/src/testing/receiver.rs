//! A small OTLP receiver for tests, of spans, metrics and log records, which also accepts annotations as Phoenix does.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use prost::Message;
use serde_json::Value;

use super::json::{attributes, hexadecimal};
use super::received_logs::{ReceivedLog, logs};
use super::received_metrics::{ReceivedMetric, metrics};
use crate::lock::lock;
use crate::semconv::openinference::SPAN_KIND;

/// Where spans are sent.
const TRACES_PATH: &str = "/v1/traces";

/// Where metrics are sent.
const METRICS_PATH: &str = "/v1/metrics";

/// Where log records are sent.
const LOGS_PATH: &str = "/v1/logs";

/// An OTLP/HTTP receiver on a free local port. It keeps the spans, metrics and log records, and can be made to fail.
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
    behaviour: Mutex<Behaviour>,
    /// Notified when the behaviour changes.
    changed: Condvar,
    stopped: AtomicBool,
    received: Mutex<Received>,
}

/// How a [`Receiver`] treats requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// It accepts the spans and answers 200.
    Accept,
    /// It answers with this status, and accepts spans only with one from 200 to 299.
    Status(u16),
    /// It answers with this status, and with the header `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// It accepts the spans after this time.
    Slow(Duration),
    /// It reads requests, and does not answer until its behaviour changes.
    Hang,
    /// It closes the connection in the middle of the request.
    Reset,
    /// It answers 413 to requests with more bytes than this, uncompressed.
    AtMost(usize),
    /// It answers with this status to requests that contain a span, a metric or an annotation of this name.
    Refuse(u16, String),
    /// It accepts all spans and metrics except those of this name, and reports that (`partial_success`).
    Reject(String),
    /// It answers 200 with a web page, as a proxy may.
    WebPage,
    /// It accepts nothing, and answers with this status, this content type and this body. In the body, `{authorization}`
    /// stands for that header of the request.
    Says(u16, String, String),
    /// It accepts spans and answers 404 to everything else, as a collector does.
    Collector,
    /// It answers 404 to metrics and log records and accepts everything else, as Phoenix does.
    Phoenix,
}

#[derive(Debug, Default)]
struct Received {
    requests: Vec<ReceiverRequest>,
    spans: Vec<ReceivedSpan>,
    annotations: Vec<ReceivedAnnotation>,
    metrics: Vec<ReceivedMetric>,
    logs: Vec<ReceivedLog>,
}

/// A request to the [`Receiver`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverRequest {
    /// The method, as in `POST`.
    pub method: String,
    /// The path, as in `/v1/traces`.
    pub path: String,
    /// The headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The status of the answer.
    pub status: u16,
}

/// A span that the [`Receiver`] has accepted.
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
    /// Returns OpenInference's kind, as in `AGENT`, if there is one.
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

/// An annotation that the [`Receiver`] has accepted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedAnnotation {
    /// The path to which it was posted, as in `/v1/span_annotations`.
    pub path: String,
    /// The content that was posted, as in `content["result"]["score"]`.
    pub content: Value,
}

/// The status of a [`ReceivedSpan`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceivedStatus {
    /// No status was set.
    Unset,
    /// The status is Ok.
    Ok,
    /// The status is Error, with this message.
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
        Self::at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Starts a receiver at a given local address, for example to simulate a restart.
    ///
    /// # Panics
    ///
    /// If the address is in use.
    ///
    /// ```
    /// use a2a_otel::testing::Receiver;
    ///
    /// let address = Receiver::start().address();
    /// // ... nothing listens there ...
    /// let receiver = Receiver::at(address);
    /// ```
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the address should be free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(Behaviour::Accept),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
            received: Mutex::default(),
        });
        let serving = shared.clone();
        let listener = thread::spawn(move || serve(&listener, &serving));
        Receiver { address, shared, listener: Some(listener) }
    }

    /// Returns the address at which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the endpoint to send to, without the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the spans so far, in the order in which they arrived.
    #[must_use]
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.shared.received().spans.clone()
    }

    /// Returns the annotations so far, in the order in which they arrived.
    ///
    /// ```
    /// use a2a_otel::evaluation::{Annotation, annotate_session};
    /// use a2a_otel::{Telemetry, testing::Receiver};
    ///
    /// let receiver = Receiver::start();
    /// let telemetry = Telemetry::builder().endpoint(receiver.endpoint()).tracing(false).init()?;
    /// annotate_session("s-1", Annotation::new("satisfied").score(1.0));
    /// telemetry.shutdown(std::time::Duration::from_secs(1));
    /// # #[cfg(feature = "otlp")]
    /// assert_eq!(receiver.annotations()[0].content["session_id"], "s-1");
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn annotations(&self) -> Vec<ReceivedAnnotation> {
        self.shared.received().annotations.clone()
    }

    /// Returns the metrics so far, in the order in which they arrived: each request has the values of one collection.
    ///
    /// ```
    /// use a2a_otel::{Telemetry, testing::Receiver};
    ///
    /// let receiver = Receiver::start();
    /// let telemetry = Telemetry::builder().metrics_endpoint(receiver.endpoint()).tracing(false).init()?;
    /// opentelemetry::global::meter("shop").u64_counter("shop.searches").build().add(1, &[]);
    /// telemetry.shutdown(std::time::Duration::from_secs(1));
    /// # #[cfg(all(feature = "otlp", feature = "metrics"))]
    /// assert!(receiver.metrics().iter().any(|metric| metric.name == "shop.searches"));
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn metrics(&self) -> Vec<ReceivedMetric> {
        self.shared.received().metrics.clone()
    }

    /// Returns the log records so far, in the order in which they arrived.
    ///
    /// ```
    /// let receiver = a2a_otel::testing::Receiver::start();
    /// assert!(receiver.logs().is_empty());
    /// ```
    #[must_use]
    pub fn logs(&self) -> Vec<ReceivedLog> {
        self.shared.received().logs.clone()
    }

    /// Returns the requests so far, including those that were answered with a failure.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceiverRequest> {
        self.shared.received().requests.clone()
    }

    /// Answers with this status from now on. Spans are accepted only with a status from 200 to 299.
    ///
    /// ```
    /// let receiver = a2a_otel::testing::Receiver::start();
    /// receiver.answer(503);
    /// ```
    pub fn answer(&self, status: u16) {
        self.behave(Behaviour::Status(status));
    }

    /// Sets its behaviour from now on.
    ///
    /// ```
    /// use a2a_otel::testing::{Behaviour, Receiver};
    ///
    /// let receiver = Receiver::start();
    /// receiver.behave(Behaviour::RetryAfter(429, 2));
    /// ```
    pub fn behave(&self, behaviour: Behaviour) {
        *lock(&self.shared.behaviour) = behaviour;
        self.shared.changed.notify_all();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Requests that still wait are not confirmed, because nobody can look at them any longer.
        self.behave(Behaviour::Status(503));
        // Wakes the listener, which then notices that it has to stop.
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
        // A client that goes away before the answer needs none.
        thread::spawn(move || drop(answer(&stream, &shared)));
    }
}

/// Answers one request per connection, which is simple and enough for tests.
fn answer(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = read_head(&mut reader)?;
    if *lock(&shared.behaviour) == Behaviour::Reset {
        request.status = 0;
        shared.received().requests.push(request);
        return stream.shutdown(Shutdown::Both);
    }
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let Reply { status, headers, body, content } = shared.reply(&request, &body);
    request.status = status;
    let mut received = shared.received();
    received.requests.push(request);
    received.spans.extend(content.spans);
    received.annotations.extend(content.annotations);
    received.metrics.extend(content.metrics);
    received.logs.extend(content.logs);
    drop(received);
    let mut writer = stream;
    write!(
        writer,
        "HTTP/1.1 {status} Told\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    writer.write_all(&body)
}

/// The contents of a request.
#[derive(Default)]
struct Content {
    spans: Vec<ReceivedSpan>,
    annotations: Vec<ReceivedAnnotation>,
    metrics: Vec<ReceivedMetric>,
    logs: Vec<ReceivedLog>,
}

impl Content {
    fn has(&self, name: &str) -> bool {
        self.spans.iter().any(|span| span.name == name)
            || self.annotations.iter().any(|annotation| annotation.content["name"] == name)
            || self.metrics.iter().any(|metric| metric.name == name)
            || self.logs.iter().any(|log| log.body == name)
    }
}

/// The answer to a request, and what is accepted of it.
struct Reply {
    status: u16,
    headers: String,
    body: Vec<u8>,
    content: Content,
}

impl Reply {
    fn new(status: u16, content: Content) -> Self {
        let headers = "content-type: application/x-protobuf\r\n".to_owned();
        let content = if (200..300).contains(&status) { content } else { Content::default() };
        Reply { status, headers, body: Vec::new(), content }
    }

    fn partial(mut content: Content, rejected: &str) -> Self {
        let items = |content: &Content| {
            let points = content.metrics.iter().map(|metric| metric.points.len()).sum::<usize>();
            content.spans.len() + points + content.logs.len()
        };
        let before = items(&content);
        content.spans.retain(|span| span.name != rejected);
        content.metrics.retain(|metric| metric.name != rejected);
        content.logs.retain(|log| log.body != rejected);
        // The responses of all signals have the same fields.
        let partial_success = ExportTracePartialSuccess {
            rejected_spans: i64::try_from(before - items(&content)).unwrap_or_default(),
            error_message: "rejected by the test".to_owned(),
        };
        let response = ExportTraceServiceResponse { partial_success: Some(partial_success) };
        Reply { body: response.encode_to_vec(), ..Self::new(200, content) }
    }
}

impl Shared {
    fn reply(&self, request: &ReceiverRequest, body: &[u8]) -> Reply {
        let Ok((content, length)) = decode(request, body) else { return Reply::new(422, Content::default()) };
        match self.behaviour() {
            Behaviour::Status(status) => Reply::new(status, content),
            Behaviour::RetryAfter(status, seconds) => {
                let reply = Reply::new(status, content);
                Reply { headers: format!("retry-after: {seconds}\r\n{}", reply.headers), ..reply }
            }
            Behaviour::Slow(time) => {
                thread::sleep(time);
                Reply::new(200, content)
            }
            Behaviour::AtMost(bytes) if length > bytes => Reply::new(413, content),
            Behaviour::Refuse(status, name) if content.has(&name) => Reply::new(status, content),
            Behaviour::Reject(name) => Reply::partial(content, &name),
            Behaviour::WebPage => {
                let headers = "content-type: text/html\r\n".to_owned();
                Reply { headers, body: b"<html>".to_vec(), ..Reply::new(200, Content::default()) }
            }
            Behaviour::Says(status, content_type, body) => {
                let body = body.replace("{authorization}", request.header("authorization"));
                let headers = format!("content-type: {content_type}\r\n");
                Reply { headers, body: body.into_bytes(), ..Reply::new(status, Content::default()) }
            }
            Behaviour::Collector if request.path != TRACES_PATH => Reply::new(404, content),
            Behaviour::Phoenix if [METRICS_PATH, LOGS_PATH].contains(&&*request.path) => {
                Reply::new(404, content)
            }
            _ => Reply::new(200, content),
        }
    }

    /// Waits until the behaviour is one that answers, and returns it.
    fn behaviour(&self) -> Behaviour {
        let behaviour = lock(&self.behaviour);
        let is_hanging = |behaviour: &mut Behaviour| *behaviour == Behaviour::Hang;
        self.changed.wait_while(behaviour, is_hanging).unwrap_or_else(PoisonError::into_inner).clone()
    }
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

/// Returns the decoded body, and its length.
fn decode(request: &ReceiverRequest, body: &[u8]) -> io::Result<(Content, usize)> {
    let mut plain = Vec::new();
    if request.header("content-encoding") == "gzip" {
        GzDecoder::new(body).read_to_end(&mut plain)?;
    } else {
        plain.extend_from_slice(body);
    }
    let content = if request.path.ends_with("_annotations") {
        Content { annotations: annotations(&request.path, &plain)?, ..Content::default() }
    } else if request.path.ends_with(LOGS_PATH) {
        let message = ExportLogsServiceRequest::decode(plain.as_slice()).map_err(io::Error::other)?;
        Content { logs: logs(message), ..Content::default() }
    } else if request.path.ends_with(METRICS_PATH) {
        let message = ExportMetricsServiceRequest::decode(plain.as_slice()).map_err(io::Error::other)?;
        Content { metrics: metrics(message), ..Content::default() }
    } else {
        let message = ExportTraceServiceRequest::decode(plain.as_slice()).map_err(io::Error::other)?;
        Content { spans: spans(message), ..Content::default() }
    };
    Ok((content, plain.len()))
}

fn annotations(path: &str, body: &[u8]) -> io::Result<Vec<ReceivedAnnotation>> {
    let mut body: Value = serde_json::from_slice(body)?;
    let Value::Array(list) = body["data"].take() else { return Err(io::ErrorKind::InvalidData.into()) };
    Ok(list.into_iter().map(|content| ReceivedAnnotation { path: path.to_owned(), content }).collect())
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
