//! Prints traces as trees, for use without Phoenix.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::lock::lock;
use crate::semconv::SpanKind;
use crate::semconv::gen_ai::OPERATION_NAME;
use crate::semconv::openinference as names;
use crate::semconv::ours::CANCELLED;

/// The largest number of spans that is kept of one trace, because a trace that never ends must not take all memory.
const MOST_SPANS: usize = 10_000;

/// Deeper branches are not indented further: they would be unreadable, and the output would grow quadratically.
const DEEPEST_INDENT: usize = 40;

/// Prints every finished trace as a tree: kinds, names, durations, tokens and errors.
///
/// It is what `init` installs when the feature `otlp` is off or `OTEL_TRACES_EXPORTER` is `console`.
///
/// ```
/// use a2a_otel::{Telemetry, TreePrinter};
///
/// let telemetry = Telemetry::builder()
///     .span_processor(TreePrinter::new(std::io::stdout()).colour(false))
///     .tracing(false)
///     .init()?;
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
pub struct TreePrinter {
    colour: bool,
    state: Mutex<State>,
}

struct State {
    traces: HashMap<TraceId, Trace>,
    writer: Box<dyn Write + Send>,
}

#[derive(Default)]
struct Trace {
    open: usize,
    spans: Vec<SpanData>,
    left_out: usize,
}

impl TreePrinter {
    /// Prints to standard error. Colours are used if it is a terminal and `NO_COLOR` is not set.
    ///
    /// ```
    /// let printer = a2a_otel::TreePrinter::stderr();
    /// ```
    #[must_use]
    pub fn stderr() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        TreePrinter::new(io::stderr()).colour(wanted && io::stderr().is_terminal())
    }

    /// Prints to a writer, without colour. Each tree is one write.
    ///
    /// ```
    /// let printer = a2a_otel::TreePrinter::new(std::io::stdout());
    /// ```
    #[must_use]
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let state = State { traces: HashMap::new(), writer: Box::new(writer) };
        TreePrinter { colour: false, state: Mutex::new(state) }
    }

    /// Whether to print in colour.
    ///
    /// ```
    /// let printer = a2a_otel::TreePrinter::stderr().colour(false);
    /// ```
    #[must_use]
    pub fn colour(mut self, colour: bool) -> Self {
        self.colour = colour;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl fmt::Debug for TreePrinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreePrinter").field("colour", &self.colour).finish_non_exhaustive()
    }
}

impl SpanProcessor for TreePrinter {
    fn on_start(&self, span: &mut Span, _context: &Context) {
        let trace = opentelemetry::trace::Span::span_context(span).trace_id();
        self.state().traces.entry(trace).or_default().open += 1;
    }

    fn on_end(&self, span: SpanData) {
        let id = span.span_context.trace_id();
        let mut state = self.state();
        let trace = state.traces.entry(id).or_default();
        trace.open = trace.open.saturating_sub(1);
        trace.keep(span);
        if trace.open == 0
            && let Some(trace) = state.traces.remove(&id)
        {
            state.print(id, trace, self.colour);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        // A trace that has not ended is printed as a whole when it ends.
        let _ = self.state().writer.flush();
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        let mut state = self.state();
        for (id, trace) in std::mem::take(&mut state.traces) {
            state.print(id, trace, self.colour);
        }
        Ok(())
    }
}

impl State {
    /// Ignores errors of the writer: a closed pipe must not disturb the agent.
    fn print(&mut self, id: TraceId, trace: Trace, colour: bool) {
        if trace.spans.is_empty() {
            return;
        }
        let text = Tree::new(id, trace, colour).draw();
        let _ = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
    }
}

impl Trace {
    fn keep(&mut self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.spans.len() < MOST_SPANS {
            self.spans.push(span);
        } else {
            self.left_out += 1;
        }
    }
}

/// A trace that is being printed.
struct Tree {
    id: TraceId,
    trace: Trace,
    children: HashMap<SpanId, Vec<usize>>,
    roots: Vec<usize>,
    paint: Paint,
}

impl Tree {
    fn new(id: TraceId, mut trace: Trace, colour: bool) -> Self {
        trace.spans.sort_by_key(|span| span.start_time);
        let known: HashSet<_> = trace.spans.iter().map(|span| span.span_context.span_id()).collect();
        let mut children: HashMap<_, Vec<_>> = HashMap::new();
        let mut roots = Vec::new();
        for (index, span) in trace.spans.iter().enumerate() {
            if known.contains(&span.parent_span_id) {
                children.entry(span.parent_span_id).or_default().push(index);
            } else {
                roots.push(index);
            }
        }
        Tree { id, trace, children, roots, paint: Paint(colour) }
    }

    fn draw(&self) -> String {
        let mut text = self.header();
        // Uses an explicit stack, because a trace can be deeper than recursion allows.
        let mut stack = Vec::new();
        push_branches(&mut stack, &self.roots, "");
        while let Some(Branch { index, indent, is_last }) = stack.pop() {
            let span = &self.trace.spans[index];
            let (corner, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let _ = writeln!(text, "{indent}{corner}{}", self.line(span));
            if let Some(children) = self.children.get(&span.span_context.span_id()) {
                let deeper = if indent.chars().count() < 3 * DEEPEST_INDENT { below } else { "" };
                push_branches(&mut stack, children, &format!("{indent}{deeper}"));
            }
        }
        text
    }

    fn header(&self) -> String {
        let spans = &self.trace.spans;
        let count = spans.len() + self.trace.left_out;
        let mut parts = vec![format!("trace {}", self.id), duration(self.length()), plural(count, "span")];
        let tokens = spans
            .iter()
            .filter(|span| kind(span) == SpanKind::Llm.as_str())
            .map(|span| Tokens::of(span).total())
            .sum();
        if tokens > 0 {
            parts.push(plural(tokens, "token"));
        }
        let errors = spans.iter().filter(|span| matches!(span.status, Status::Error { .. })).count();
        if errors > 0 {
            parts.push(self.paint.error(&plural(errors, "error")));
        }
        for (number, what) in [(self.trace.left_out, "not shown"), (self.trace.open, "not ended")] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        parts.join("  ") + "\n"
    }

    fn length(&self) -> Duration {
        let spans = &self.trace.spans;
        let start = spans.iter().map(|span| span.start_time).min();
        let end = spans.iter().map(|span| span.end_time).max();
        let length = end.zip(start).and_then(|(end, start)| end.duration_since(start).ok());
        length.unwrap_or_default()
    }

    fn line(&self, span: &SpanData) -> String {
        let length = span.end_time.duration_since(span.start_time).unwrap_or_default();
        let mut parts =
            vec![format!("{} {}", self.paint.kind(kind(span)), one_line(&span.name)), duration(length)];
        if kind(span) == SpanKind::Llm.as_str() {
            parts.extend(text(span, names::LLM_MODEL_NAME).map(one_line));
            parts.extend(Tokens::of(span).shown());
        }
        if span.parent_span_id != SpanId::INVALID && self.is_root(span) {
            parts.push("(remote parent)".to_owned());
        }
        parts.extend(failure(span).map(|failure| self.paint.error(&failure)));
        parts.join("  ")
    }

    fn is_root(&self, span: &SpanData) -> bool {
        !self.children.contains_key(&span.parent_span_id)
    }
}

struct Branch {
    index: usize,
    indent: String,
    is_last: bool,
}

/// Pushes in reverse, so that the first one is popped first.
fn push_branches(stack: &mut Vec<Branch>, indexes: &[usize], indent: &str) {
    for (position, index) in indexes.iter().enumerate().rev() {
        stack.push(Branch {
            index: *index,
            indent: indent.to_owned(),
            is_last: position + 1 == indexes.len(),
        });
    }
}

fn kind(span: &SpanData) -> &str {
    let kind = || crate::gen_ai::kind_of(text(span, OPERATION_NAME)?).map(SpanKind::as_str);
    text(span, names::SPAN_KIND).or_else(kind).unwrap_or("SPAN")
}

fn failure(span: &SpanData) -> Option<String> {
    match &span.status {
        Status::Error { description } if description == CANCELLED => Some(CANCELLED.to_owned()),
        Status::Error { description } if description.is_empty() => Some("error".to_owned()),
        Status::Error { description } => Some(format!("error: {}", one_line(description))),
        _ => None,
    }
}

struct Tokens {
    prompt: Option<usize>,
    completion: Option<usize>,
    total: Option<usize>,
}

impl Tokens {
    fn of(span: &SpanData) -> Self {
        let count = |name| match value(span, name) {
            Some(Value::I64(count)) => usize::try_from(*count).ok(),
            _ => None,
        };
        Tokens {
            prompt: count(names::LLM_TOKEN_COUNT_PROMPT),
            completion: count(names::LLM_TOKEN_COUNT_COMPLETION),
            total: count(names::LLM_TOKEN_COUNT_TOTAL),
        }
    }

    fn total(&self) -> usize {
        self.total.unwrap_or_else(|| self.prompt.unwrap_or(0) + self.completion.unwrap_or(0))
    }

    fn shown(&self) -> Option<String> {
        match (self.prompt, self.completion) {
            (None, None) => self.total.map(|total| plural(total, "token")),
            (prompt, completion) => {
                Some(format!("{} + {} tokens", prompt.unwrap_or(0), completion.unwrap_or(0)))
            }
        }
    }
}

fn value<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
    let other = crate::gen_ai::name_of(name);
    let is_it = |key: &str| key == name || Some(key) == other;
    // An attribute that is set twice is in the list twice. The last value counts.
    span.attributes
        .iter()
        .rev()
        .find(|attribute| is_it(attribute.key.as_str()))
        .map(|attribute| &attribute.value)
}

fn text<'a>(span: &'a SpanData, name: &str) -> Option<&'a str> {
    match value(span, name)? {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// Escapes control characters: names and messages of models and callers must not break the tree or control the
/// terminal.
fn one_line(text: &str) -> String {
    let visible = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().map(visible).collect()
}

fn plural(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn duration(duration: Duration) -> String {
    match duration.as_micros() {
        0..1_000 => format!("{} µs", duration.as_micros()),
        1_000..1_000_000 => format!("{} ms", duration.as_millis()),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

struct Paint(bool);

impl Paint {
    fn kind(&self, text: &str) -> String {
        self.escape("36", &one_line(text))
    }

    fn error(&self, text: &str) -> String {
        self.escape("31", text)
    }

    fn escape(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use opentelemetry::KeyValue;
    use opentelemetry::trace::{
        Span as _, SpanContext, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider,
    };
    use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<String>>>);

    impl Paper {
        fn sheets(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Desk {
        paper: Paper,
        provider: SdkTracerProvider,
        tracer: SdkTracer,
    }

    fn desk(colour: bool) -> Desk {
        let paper = Paper::default();
        let printer = TreePrinter::new(paper.clone()).colour(colour);
        let provider = SdkTracerProvider::builder().with_span_processor(printer).build();
        Desk { paper, tracer: provider.tracer("test"), provider }
    }

    const TRACE: TraceId = TraceId::from_bytes([0xab; 16]);

    fn at(milliseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    impl Desk {
        fn start(&self, name: &'static str, kind: &'static str, start: u64, parent: &SpanContext) -> Span {
            let none = Context::new();
            let context =
                if parent.is_valid() { none.with_remote_span_context(parent.clone()) } else { none };
            let kind = KeyValue::new("openinference.span.kind", kind);
            let builder = self.tracer.span_builder(name).with_attributes([kind]).with_start_time(at(start));
            self.tracer.build_with_context(builder, &context)
        }
    }

    fn remote() -> SpanContext {
        let span = SpanId::from_bytes([1; 8]);
        SpanContext::new(TRACE, span, TraceFlags::SAMPLED, true, TraceState::NONE)
    }

    fn draw_conversation(colour: bool) -> Vec<String> {
        let desk = desk(colour);
        let mut root = desk.start("coordinator", "AGENT", 0, &remote());
        let mut second = desk.start("chat", "LLM", 20, root.span_context());
        let mut first = desk.start("search", "TOOL", 10, root.span_context());
        let mut inner = desk.start("fetch\nurl", "CHAIN", 11, first.span_context());
        inner.set_status(Status::error("cancelled"));
        inner.end_with_timestamp(at(12));
        first.set_status(Status::error("no stock"));
        second.set_attribute(KeyValue::new("llm.model_name", "gpt-4o"));
        second.set_attribute(KeyValue::new("llm.token_count.prompt", 100));
        second.set_attribute(KeyValue::new("llm.token_count.completion", 20));
        second.end_with_timestamp(at(820));
        first.end_with_timestamp(at(15));
        assert!(desk.paper.sheets().is_empty());
        root.end_with_timestamp(at(1200));
        desk.paper.sheets()
    }

    #[test]
    fn a_trace_is_one_tree_in_one_write() {
        let expected = "\
trace abababababababababababababababab  1.20 s  4 spans  120 tokens  2 errors
└─ AGENT coordinator  1.20 s  (remote parent)
   ├─ TOOL search  5 ms  error: no stock
   │  └─ CHAIN fetch url  1 ms  cancelled
   └─ LLM chat  800 ms  gpt-4o  100 + 20 tokens
";
        assert_eq!(draw_conversation(false), [expected]);
    }

    #[test]
    fn colour_marks_kinds_and_errors() {
        let sheets = draw_conversation(true);
        assert!(sheets[0].contains("\x1b[36mAGENT\x1b[0m coordinator"), "{}", sheets[0]);
        assert!(sheets[0].contains("\x1b[31merror: no stock\x1b[0m"), "{}", sheets[0]);
    }

    #[test]
    fn shutdown_prints_what_there_is() {
        let desk = desk(false);
        let root = desk.start("coordinator", "AGENT", 0, &SpanContext::NONE);
        let mut child = desk.start("step", "CHAIN", 0, root.span_context());
        let id = child.span_context().trace_id();
        child.end_with_timestamp(at(0));
        desk.provider.force_flush().unwrap();
        assert!(desk.paper.sheets().is_empty());
        desk.provider.shutdown().unwrap();
        let expected =
            format!("trace {id}  0 µs  1 span  1 not ended\n└─ CHAIN step  0 µs  (remote parent)\n");
        assert_eq!(desk.paper.sheets(), [expected]);
    }

    #[test]
    fn a_huge_and_deep_trace_stays_bounded() {
        let desk = desk(false);
        let mut root = desk.start("root", "AGENT", 0, &SpanContext::NONE);
        let mut parent = root.span_context().clone();
        for _ in 0..MOST_SPANS + 5 {
            let mut span = desk.start("step", "CHAIN", 1, &parent);
            parent = span.span_context().clone();
            span.end_with_timestamp(at(1));
        }
        root.end_with_timestamp(at(2));
        let sheets = desk.paper.sheets();
        assert!(sheets[0].starts_with(&format!("trace {}  ", root.span_context().trace_id())));
        assert!(
            sheets[0].lines().next().unwrap().ends_with("10006 spans  6 not shown"),
            "{}",
            &sheets[0][..90]
        );
        assert_eq!(sheets[0].lines().count(), 1 + MOST_SPANS);
        assert!(sheets[0].len() < MOST_SPANS * 200);
    }
}
