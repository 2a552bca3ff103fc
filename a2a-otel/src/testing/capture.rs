//! Captures the spans and figures of one test, even if tests run in parallel.
//!
//! The capture travels in the OpenTelemetry context. A span that starts in it assigns its whole trace to the capture,
//! so that spans from another task or from across a socket are captured too.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::SystemTime;

use opentelemetry::trace::{Span as _, SpanContext, SpanId, SpanKind, Status, TraceId, TracerProvider as _};
use opentelemetry::{Context, ContextGuard, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData};

use super::routes;
use crate::annotation::{self, AnnotationWatcher};
use crate::lock::lock;
#[cfg(feature = "metrics")]
use crate::metrics::{CapturedFigures, MetricsSnapshot};
use crate::pipeline::watcher::{self, SpanWatcher};
use crate::pipeline::{FanOut, Sampled};
use crate::report::report;
use crate::semconv::openinference::SPAN_KIND;
use crate::settings::{Limits, Root, Sampling};
use crate::span;

type Sink = Arc<Mutex<Caught>>;

/// What a capture has collected so far.
struct Caught {
    since: SystemTime,
    /// How many spans have started and not ended.
    open: usize,
    /// Nobody reads it any more.
    is_over: bool,
    spans: Vec<Captured>,
    /// Spans that have been made since, and that no capture has.
    beside: Vec<Captured>,
    annotations: Vec<CapturedAnnotation>,
}

/// The number of running captures. If there is none, spans pass without a lock.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// The running captures.
static SINKS: Mutex<Vec<Sink>> = Mutex::new(Vec::new());

static ROUTES: LazyLock<Mutex<HashMap<TraceId, Sink>>> = LazyLock::new(Mutex::default);

/// Captures the spans that start on this thread, in its context, until the returned value is dropped.
///
/// Without [`init`](crate::init) the captures' own provider starts the spans and samples all of them; W3C propagation
/// is then installed for the process.
///
/// ```
/// #[a2a_otel::tool_span]
/// fn add(a: u32, b: u32) -> u32 {
///     a + b
/// }
///
/// let capturing = a2a_otel::testing::capture();
/// add(1, 2);
/// let spans = capturing.spans();
/// assert_eq!(spans[0].name, "add");
/// assert_eq!(spans[0].text("output.value"), Some("3"));
/// ```
#[must_use]
pub fn capture() -> Capturing {
    prepare();
    let sink = Sink::new(Mutex::new(Caught::default()));
    lock(&SINKS).push(Arc::clone(&sink));
    RUNNING.fetch_add(1, Ordering::Relaxed);
    let context = Context::current().with_value(Arc::clone(&sink));
    #[cfg(feature = "metrics")]
    let figures = CapturedFigures::start();
    #[cfg(feature = "metrics")]
    let context = figures.in_context(&context);
    Capturing {
        sink,
        #[cfg(feature = "metrics")]
        figures,
        _context: context.attach(),
    }
}

/// Prepares the process for captures. Only the first call has an effect.
fn prepare() {
    watcher::watch(&Router);
    annotation::watch(AnnotationWatcher { is_watching: is_capturing, annotated: take_annotation });
    tracer();
    span::register_keeper(is_capturing);
    #[cfg(feature = "cost")]
    crate::llm::cost::expect_spans();
}

/// Collects the spans of the traces that start in its context, whatever thread they start on, until it is dropped.
#[cfg(feature = "evaluation")]
pub(crate) struct Collecting(Sink);

#[cfg(feature = "evaluation")]
impl Collecting {
    pub(crate) fn start() -> Self {
        prepare();
        RUNNING.fetch_add(1, Ordering::Relaxed);
        Self(Sink::default())
    }

    /// Returns a context whose traces are collected.
    pub(crate) fn in_context(&self, context: &Context) -> Context {
        context.with_value(Arc::clone(&self.0))
    }

    /// Returns the spans that have ended, in the order in which they started.
    pub(crate) fn spans(&self) -> Vec<Captured> {
        in_order(&lock(&self.0).spans)
    }

    /// Whether all spans that have started have ended.
    pub(crate) fn is_complete(&self) -> bool {
        lock(&self.0).open == 0
    }
}

#[cfg(feature = "evaluation")]
impl Drop for Collecting {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
        forget(&self.0);
    }
}

impl Default for Caught {
    fn default() -> Self {
        Self {
            since: SystemTime::now(),
            open: 0,
            is_over: false,
            spans: Vec::new(),
            beside: Vec::new(),
            annotations: Vec::new(),
        }
    }
}

/// A running capture.
pub struct Capturing {
    sink: Sink,
    #[cfg(feature = "metrics")]
    figures: CapturedFigures,
    _context: ContextGuard,
}

/// A span that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// The span's name.
    pub name: String,
    /// `openinference.span.kind`, or an empty string.
    pub kind: String,
    /// OpenTelemetry's kind.
    pub opentelemetry_kind: SpanKind,
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Its parent, which may be in another process.
    pub parent_id: Option<SpanId>,
    /// Its attributes, by name.
    pub attributes: BTreeMap<String, Value>,
    /// The names of attributes that were set more than once.
    pub duplicates: Vec<String>,
    /// Its events: name and attributes.
    pub events: Vec<(String, BTreeMap<String, Value>)>,
    /// The spans that it links to, in this process or another.
    pub links: Vec<SpanContext>,
    /// Its status.
    pub status: Status,
    /// When it started.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
}

/// An annotation, as it would be sent to Phoenix.
#[derive(Clone, Debug)]
pub struct CapturedAnnotation {
    /// The kind of its subject: `span`, `trace` or `session`.
    pub subject: &'static str,
    /// The subject's id.
    pub id: String,
    /// The annotation's attributes, by their OpenInference names, such as `annotation.score`.
    pub attributes: BTreeMap<String, Value>,
}

impl Capturing {
    /// Returns the annotations that were made in the capture's context, in order.
    ///
    /// ```
    /// #[a2a_otel::chain_span]
    /// fn answer() {
    ///     a2a_otel::current().score("correctness", 0.9, None, None);
    /// }
    ///
    /// let capturing = a2a_otel::testing::capture();
    /// answer();
    /// let judged = &capturing.annotations()[0];
    /// assert_eq!((judged.subject, &judged.id), ("span", &capturing.only().span_id.to_string()));
    /// assert_eq!(judged.attributes["annotation.score"], 0.9.into());
    /// ```
    #[must_use]
    pub fn annotations(&self) -> Vec<CapturedAnnotation> {
        lock(&self.sink).annotations.clone()
    }

    /// Returns what has been measured in the capture's context, by `#[business_metric]` and by itself, with the feature
    /// `metrics`. A meter provider of the process gets the same values.
    ///
    /// ```
    /// #[a2a_otel::business_metric(counter = "shop.searches", attributes(category = category))]
    /// fn search(category: &str) {}
    ///
    /// let capturing = a2a_otel::testing::capture();
    /// search("books");
    /// let figures = capturing.metrics();
    /// assert_eq!(figures.sum("shop.searches"), 1.0);
    /// assert_eq!(figures.points("shop.searches")[0].attributes["category"], "books");
    /// ```
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.figures.collect()
    }

    /// Returns the spans that have ended, in the order in which they started.
    #[must_use]
    pub fn spans(&self) -> Vec<Captured> {
        in_order(&lock(&self.sink).spans)
    }

    /// Returns the spans that have started and ended in this process since the capture began, and that no capture has, in
    /// the order in which they started: spans that have lost their context, such as those of a thread that was spawned
    /// without it, and spans of tests that run in parallel and capture nothing. If a test fails, they are printed.
    ///
    /// ```
    /// #[a2a_otel::tool_span]
    /// fn search() {}
    ///
    /// let capturing = a2a_otel::testing::capture();
    /// std::thread::spawn(search).join().unwrap();
    /// assert!(capturing.spans().is_empty());
    /// assert_eq!(capturing.beside()[0].name, "search");
    /// ```
    #[must_use]
    pub fn beside(&self) -> Vec<Captured> {
        in_order(&lock(&self.sink).beside)
    }

    /// Returns the only span that has ended.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one; the message shows them.
    #[must_use]
    pub fn only(&self) -> Captured {
        let spans = self.spans();
        match spans.as_slice() {
            [span] => span.clone(),
            _ => panic!("expected one span, found {}:\n{self:?}", spans.len()),
        }
    }

    /// Returns the span of that name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one; the message shows them all.
    #[must_use]
    pub fn named(&self, name: &str) -> Captured {
        let spans = self.spans();
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        match found.as_slice() {
            [span] => (*span).clone(),
            _ => panic!("expected one span `{name}`, found {}:\n{self:?}", found.len()),
        }
    }

    /// Returns the spans as an indented tree of kinds and names, for assertions and for people.
    #[must_use]
    pub fn tree(&self) -> String {
        tree_of(&self.spans())
    }

    /// Says which spans were made beside the capture, if there are any.
    fn describe_beside(&self) -> Option<String> {
        let tree = tree_of(&self.beside());
        let of = "spans that were made beside the capture, by code that has lost its context or is of another test:";
        (!tree.is_empty()).then(|| format!("{of}\n{tree}"))
    }
}

/// The spans in the order in which they started.
fn in_order(spans: &[Captured]) -> Vec<Captured> {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| span.start);
    spans
}

pub(crate) fn tree_of(spans: &[Captured]) -> String {
    let is_root = |span: &Captured| !spans.iter().any(|other| Some(other.span_id) == span.parent_id);
    let mut tree = String::new();
    for root in spans.iter().filter(|span| is_root(span)) {
        write_branch(&mut tree, root, spans, 0);
    }
    tree
}

impl fmt::Debug for Capturing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.tree())?;
        formatter.write_str(&self.describe_beside().unwrap_or_default())
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(beside) = self.describe_beside()
        {
            report(&beside);
        }
        RUNNING.fetch_sub(1, Ordering::Relaxed);
        lock(&SINKS).retain(|sink| !Arc::ptr_eq(sink, &self.sink));
        forget(&self.sink);
    }
}

impl Captured {
    /// Returns a text attribute.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.attributes.get(key)? {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// Returns a whole-number attribute.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<i64> {
        match self.attributes.get(key)? {
            Value::I64(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the attributes of the event of that name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&BTreeMap<String, Value>> {
        self.events.iter().find(|(event, _)| event == name).map(|(_, attributes)| attributes)
    }
}

impl From<&SpanData> for Captured {
    fn from(data: &SpanData) -> Self {
        let mut attributes = BTreeMap::new();
        let mut duplicates = Vec::new();
        for attribute in &data.attributes {
            let key = attribute.key.to_string();
            if attributes.insert(key.clone(), attribute.value.clone()).is_some() {
                duplicates.push(key);
            }
        }
        let events = data.events.iter().map(|event| {
            let attributes =
                event.attributes.iter().map(|attribute| (attribute.key.to_string(), attribute.value.clone()));
            (event.name.to_string(), attributes.collect())
        });
        Self {
            name: data.name.to_string(),
            kind: attributes.get(SPAN_KIND).map(|kind| kind.as_str().into_owned()).unwrap_or_default(),
            opentelemetry_kind: data.span_kind.clone(),
            trace_id: data.span_context.trace_id(),
            span_id: data.span_context.span_id(),
            parent_id: (data.parent_span_id != SpanId::INVALID).then_some(data.parent_span_id),
            events: events.collect(),
            attributes,
            duplicates,
            links: data.links.iter().map(|link| link.span_context.clone()).collect(),
            status: data.status.clone(),
            start: data.start_time,
            end: data.end_time,
        }
    }
}

fn write_branch(tree: &mut String, span: &Captured, spans: &[Captured], depth: usize) {
    let kind = if span.kind.is_empty() { "-" } else { &span.kind };
    let status = match &span.status {
        Status::Error { description } => format!(" ! {description}"),
        Status::Ok | Status::Unset => String::new(),
    };
    let _ = writeln!(tree, "{:indent$}{kind} {}{status}", "", span.name, indent = 2 * depth);
    for child in spans.iter().filter(|child| child.parent_id == Some(span.span_id)) {
        write_branch(tree, child, spans, depth + 1);
    }
}

/// Ends a capture: spans that start later, even in its context, are not kept.
fn forget(sink: &Sink) {
    lock(sink).is_over = true;
    lock(&ROUTES).retain(|_, other| !Arc::ptr_eq(other, sink));
}

/// Passes the spans of each trace to the capture in which the trace started.
struct Router;

impl SpanWatcher for Router {
    fn started(&self, span: &Span, context: &Context) {
        routes::started(span, context);
        if !is_capturing() {
            return;
        }
        let trace = span.span_context().trace_id();
        let sink = context.get::<Sink>().cloned().or_else(|| lock(&ROUTES).get(&trace).cloned());
        let Some(sink) = sink else { return };
        let mut caught = lock(&sink);
        if !caught.is_over {
            caught.open += 1;
            lock(&ROUTES).insert(trace, Arc::clone(&sink));
        }
    }

    fn ended(&self, span: &SpanData) {
        if !is_capturing() {
            return;
        }
        let sink = lock(&ROUTES).get(&span.span_context.trace_id()).cloned();
        if let Some(sink) = sink {
            let mut caught = lock(&sink);
            caught.open = caught.open.saturating_sub(1);
            caught.spans.push(Captured::from(span));
            return;
        }
        for sink in &*lock(&SINKS) {
            let mut caught = lock(sink);
            if caught.since <= span.start_time {
                caught.beside.push(Captured::from(span));
            }
        }
    }
}

/// Adds an annotation to the capture in whose context it is made.
fn take_annotation(subject: &'static str, id: &str, attributes: &[KeyValue]) {
    let Some(sink) = Context::map_current(|context| context.get::<Sink>().cloned()) else { return };
    let attributes = attributes.iter().map(|one| (one.key.to_string(), one.value.clone())).collect();
    lock(&sink).annotations.push(CapturedAnnotation { subject, id: id.to_owned(), attributes });
}

/// Whether some test captures spans.
pub(crate) fn is_capturing() -> bool {
    RUNNING.load(Ordering::Relaxed) > 0
}

/// Keeps the tracer of captures going where nothing is captured.
pub(super) struct Standing(());

/// The number of those.
static STANDING: AtomicUsize = AtomicUsize::new(0);

impl Standing {
    pub(super) fn begin() -> Self {
        watcher::watch(&Router);
        tracer();
        STANDING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    fn is_any() -> bool {
        STANDING.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        STANDING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The tracer that starts captured spans while no `Telemetry` is installed.
fn tracer() -> &'static SdkTracer {
    static TRACER: LazyLock<SdkTracer> = LazyLock::new(|| {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampled(Sampling { root: Root::On, follows_parent: true }))
            .with_span_limits(Limits::default().span_limits())
            .with_span_processor(FanOut::new(span::finish))
            .build();
        crate::propagation::install();
        span::register_stand_in(|| (is_capturing() || Standing::is_any()).then(tracer));
        provider.tracer_with_scope(crate::gen_ai::scope())
    });
    &TRACER
}
