//! Answers calls from a recorded trace.
//!
//! A replay travels in the OpenTelemetry context, as a capture does: a span that starts in it assigns its whole trace to the
//! replay, so that calls in other tasks and across sockets are answered too.

use std::sync::{Arc, Mutex};

use opentelemetry::trace::{SpanId, Status};
use opentelemetry::{Array, Context, ContextGuard, Value};
use serde_json::Value as Json;

use super::capture::{Captured, Standing};
use super::changes::{changes, cut_value};
use super::ignored::Ignored;
use super::routes::{self, RouteGuard};
use super::trace::Trace;
use super::tree::{Branch, branches};
use crate::lock::lock;
use crate::report::report;
use crate::semconv::openinference::{INPUT_VALUE, OUTPUT_MIME_TYPE, OUTPUT_VALUE, TOOL_NAME, mime_type};
use crate::semconv::opentelemetry::ERROR_TYPE;
use crate::semconv::ours::{PANIC, STREAM_ITEMS, STREAM_RECORDED_ITEMS};
use crate::span::{Answer, CallRequest, Recorded, RecordedItem, Replayer, register_replayer};

/// The most differences from the nearest recording that a message shows.
const MOST_DIFFERENCES: usize = 10;

/// Answers calls from a recorded trace until the returned value is dropped: the calls that run in this context, of functions
/// whose attribute has the argument `replay`. Their bodies do not run.
///
/// The span of a call is made as always, with the recorded answer. A call is answered by a recorded span of the same name and
/// kind whose input is the same JSON; the order of keys does not matter. Equal calls are answered in the order of the
/// recording, and each recorded call answers once. Streams and iterators are answered item by item. A call that was not
/// recorded panics, with a message that shows the nearest recording; [`Replay`] says what else it may do, and what may differ.
///
/// ```
/// use a2a_otel::testing::{capture, replay};
///
/// #[a2a_otel::tool_span(replay)]
/// fn look_up(product: &str) -> Result<u32, String> {
///     # if product == "lamp" && std::env::args().len() < 100 && ASKED.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 { panic!("it was asked again") }
///     // ... asks a server ...
///     Ok(3)
/// }
/// # static ASKED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
///
/// let capturing = capture();
/// look_up("lamp")?;
/// let recorded = capturing.trace();
///
/// let replaying = replay(recorded);
/// assert_eq!(look_up("lamp"), Ok(3), "from the recording, without the server");
/// assert!(replaying.unused().is_empty());
/// # Ok::<(), String>(())
/// ```
pub fn replay(trace: impl Into<Trace>) -> Replaying {
    Replay::new(trace).start()
}

/// How calls are answered from a recorded trace: what may differ, and what happens to a call that was not recorded.
///
/// ```
/// use a2a_otel::testing::{Replay, Trace, Unmatched};
///
/// # let trace = Trace::default();
/// let replaying = Replay::new(trace).ignore(["id", "messages.*.time"]).unmatched(Unmatched::Run).start();
/// ```
#[derive(Clone, Debug)]
pub struct Replay {
    trace: Trace,
    ignored: Vec<Ignored>,
    unmatched: Unmatched,
}

/// What happens to a call that was not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmatched {
    /// It panics, with a message that shows the nearest recording and what differs. This is the default.
    #[default]
    Panic,
    /// It returns an error made of that message. If the function returns no `Result`, or its error cannot be made of a text,
    /// it panics.
    Fail,
    /// Its body runs.
    Run,
}

/// A running replay. Dropping it ends the replay.
#[must_use = "dropping it ends the replay"]
pub struct Replaying {
    state: Arc<State>,
    _standing: Standing,
    _route: RouteGuard,
    _context: ContextGuard,
}

struct State {
    recordings: Mutex<Vec<Recording>>,
    ignored: Vec<Ignored>,
    unmatched: Unmatched,
    /// What was said of calls that were not recorded.
    missing: Mutex<Vec<String>>,
}

/// A call that was recorded.
struct Recording {
    call: Call,
    /// The calls around it, the innermost first.
    outer: Vec<Call>,
    /// The spans around it.
    around: Vec<SpanId>,
    /// Whether it has answered a call, or a call around it has.
    is_used: bool,
    span: Captured,
}

/// What identifies a call.
#[derive(Clone, Debug, PartialEq)]
struct Call {
    kind: String,
    name: String,
    /// The name of the tool that is called, if the span has another name.
    tool: Option<String>,
    input: Option<Json>,
}

impl Replay {
    /// Answers from this trace.
    pub fn new(trace: impl Into<Trace>) -> Self {
        Self { trace: trace.into(), ignored: Vec::new(), unmatched: Unmatched::default() }
    }

    /// Leaves parts of the inputs out of the comparison, such as ids and times. A name without dots is a key, wherever it is;
    /// one with dots is a path from the top of the input, in which a number is a place in a list and `*` is anything:
    /// `messages.*.id`.
    #[must_use]
    pub fn ignore(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.ignored.extend(names.into_iter().map(|name| Ignored::new(name.as_ref())));
        self
    }

    pub(super) fn with_trace(self, trace: Trace) -> Self {
        Self { trace, ..self }
    }

    /// What happens to a call that was not recorded.
    #[must_use]
    pub fn unmatched(mut self, unmatched: Unmatched) -> Self {
        self.unmatched = unmatched;
        self
    }

    /// Answers the calls of this context until the returned value is dropped.
    pub fn start(self) -> Replaying {
        register_replayer(Replayer { is_active: routes::is_any, answer });
        let state = Arc::new(State::new(self));
        let (context, route) = routes::begin(&Context::current(), &state);
        Replaying { state, _standing: Standing::begin(), _route: route, _context: context.attach() }
    }
}

impl Replaying {
    /// The recorded calls of models and tools that have answered no call yet, in the order of the recording. Calls within one
    /// that has answered count as used. Calls of functions without the argument `replay` are here too.
    #[must_use]
    pub fn unused(&self) -> Vec<Captured> {
        let recordings = lock(&self.state.recordings);
        let is_call = |recording: &&Recording| CALLS.contains(&&*recording.call.kind);
        let unused = recordings.iter().filter(|recording| !recording.is_used).filter(is_call);
        unused.map(|recording| recording.span.clone()).collect()
    }

    /// The messages about calls that were not recorded, in the order of the calls.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        lock(&self.state.missing).clone()
    }
}

/// The kinds of spans that functions with the argument `replay` make.
const CALLS: [&str; 4] = ["LLM", "TOOL", "EMBEDDING", "RETRIEVER"];

fn answer(context: &Context, site: &'static str, request: Option<&Arc<CallRequest>>) -> Option<Answer> {
    let state = routes::find::<State>(context)?;
    let Some(request) = request else {
        return state.missed(format!(
            "`{site}` cannot be answered from a recording, because its span is not recorded: it is suppressed, or the \
             sampler has dropped it"
        ));
    };
    match state.take(request) {
        Ok(answer) => Some(answer),
        Err(message) => state.missed(message),
    }
}

impl State {
    fn new(replay: Replay) -> Self {
        let mut recordings = Vec::new();
        for branch in branches(replay.trace.spans()) {
            record(&branch, &[], &replay.ignored, &mut recordings);
        }
        recordings.sort_by_key(|recording| recording.span.start);
        Self {
            recordings: Mutex::new(recordings),
            ignored: replay.ignored,
            unmatched: replay.unmatched,
            missing: Mutex::default(),
        }
    }

    /// Takes the recording that answers a call: of those that match, the first whose calls around it match too, so that calls
    /// in parallel get the answers of their own caller; or else the first.
    fn take(&self, request: &CallRequest) -> Result<Answer, String> {
        let call = Call::asked(request, &self.ignored);
        let outer: Vec<_> = outer(request).map(|outer| Call::asked(outer, &self.ignored)).collect();
        let mut recordings = lock(&self.recordings);
        let matching = || (0..recordings.len()).filter(|&at| recordings[at].call.matches(&call));
        let free: Vec<_> = matching().filter(|&at| !recordings[at].is_used).collect();
        let closest = free.iter().copied().find(|&at| is_within(&outer, &recordings[at].outer));
        let Some(found) = closest.or_else(|| free.first().copied()) else {
            let times = matching().count();
            return Err(if times > 0 { used_up(&call, times) } else { unknown(&call, &recordings) });
        };
        let answering = recordings[found].span.span_id;
        for recording in recordings.iter_mut() {
            recording.is_used |= recording.span.span_id == answering || recording.around.contains(&answering);
        }
        recorded(&call, &recordings[found].span)
    }

    fn missed(&self, message: String) -> Option<Answer> {
        lock(&self.missing).push(message.clone());
        match self.unmatched {
            Unmatched::Panic => Some(Answer::Missing(message)),
            Unmatched::Fail => Some(Answer::Failed(message)),
            Unmatched::Run => {
                report(&message);
                None
            }
        }
    }
}

fn outer(request: &CallRequest) -> impl Iterator<Item = &CallRequest> {
    std::iter::successors(request.outer.as_deref(), |outer| outer.outer.as_deref())
}

/// Whether the calls around a call are among those around a recording, in their order. The recording has more: spans of other
/// processes, and of other libraries.
fn is_within(outer: &[Call], recorded: &[Call]) -> bool {
    let mut recorded = recorded.iter();
    outer.iter().all(|call| recorded.any(|other| other.matches(call)))
}

fn record(
    branch: &Branch<'_>,
    outer: &[(SpanId, Call)],
    ignored: &[Ignored],
    recordings: &mut Vec<Recording>,
) {
    let call = Call::recorded(branch.span, ignored);
    // The client's span of a call that its server has recorded too. The function is the server's.
    let is_seen_twice = call.is_of_protocol() && has_within(branch, &call, ignored);
    if !is_seen_twice {
        recordings.push(Recording {
            call: call.clone(),
            outer: outer.iter().rev().map(|(_, call)| call.clone()).collect(),
            around: outer.iter().map(|(span, _)| *span).collect(),
            is_used: false,
            span: branch.span.clone(),
        });
    }
    let within: Vec<_> = outer.iter().cloned().chain([(branch.span.span_id, call)]).collect();
    for child in &branch.children {
        record(child, &within, ignored, recordings);
    }
}

/// Whether a span below has the same tool and input.
fn has_within(branch: &Branch<'_>, call: &Call, ignored: &[Ignored]) -> bool {
    branch.children.iter().any(|child| {
        let below = Call::recorded(child.span, ignored);
        let is_same = below.tool == call.tool && below.input == call.input && below.kind == call.kind;
        is_same || has_within(child, call, ignored)
    })
}

impl Call {
    fn recorded(span: &Captured, ignored: &[Ignored]) -> Self {
        Self {
            kind: span.kind.clone(),
            name: span.name.clone(),
            tool: span.text(TOOL_NAME).map(str::to_owned),
            input: span.text(INPUT_VALUE).map(|text| normalised(text, ignored)),
        }
    }

    fn asked(request: &CallRequest, ignored: &[Ignored]) -> Self {
        Self {
            kind: request.kind.to_owned(),
            name: request.name.clone(),
            tool: None,
            input: request.input.as_deref().map(|text| normalised(text, ignored)),
        }
    }

    /// Whether this recorded call answers another.
    fn matches(&self, call: &Self) -> bool {
        self.is_of(call) && self.input == call.input
    }

    /// Whether both have the same name and kind. The span of a protocol has a name of its own, and names the tool.
    fn is_of(&self, call: &Self) -> bool {
        self.kind == call.kind && (self.name == call.name || self.tool.as_ref() == Some(&call.name))
    }

    /// Whether the span has the name of a protocol's method, and names the tool apart.
    fn is_of_protocol(&self) -> bool {
        self.tool.as_ref().is_some_and(|tool| *tool != self.name)
    }

    fn title(&self) -> String {
        format!("`{}` ({})", self.name, self.kind)
    }

    fn shown_input(&self) -> String {
        self.input.as_ref().map_or_else(|| "nothing".to_owned(), cut_value)
    }

    /// The input for comparison, where a missing one is null.
    fn comparable(&self) -> &Json {
        self.input.as_ref().unwrap_or(&Json::Null)
    }
}

/// The input as JSON, without what is ignored. A text that is no JSON is a JSON text.
fn normalised(text: &str, ignored: &[Ignored]) -> Json {
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
    for one in ignored {
        one.remove_from(&mut value);
    }
    value
}

/// What a recorded span answers. A tool that refused has an output, although it has failed.
fn recorded(call: &Call, span: &Captured) -> Result<Answer, String> {
    let text = span.text(OUTPUT_VALUE).map(str::to_owned);
    let items = recorded_items(span);
    let is_stream = span.attributes.contains_key(STREAM_ITEMS);
    let is_json = span.text(OUTPUT_MIME_TYPE) == Some(mime_type::JSON);
    if is_stream && items.is_none() && !has_items(span, is_json) {
        return Err(folded(call));
    }
    Ok(match &span.status {
        Status::Error { description } if text.is_none() && items.is_none() => {
            Answer::Failed(description.to_string())
        }
        _ => Answer::Output(Recorded { text, is_json }, items),
    })
}

/// Whether the output has the items of a stream, as a list or as a text. The chunks of a model's answer are one value there,
/// and errors are left out.
fn has_items(span: &Captured, is_json: bool) -> bool {
    let has_failed = matches!(span.status, Status::Error { .. });
    let is_one_value = is_json && span.text(OUTPUT_VALUE).is_some_and(|text| text.starts_with('{'));
    !has_failed && !is_one_value
}

fn folded(call: &Call) -> String {
    format!(
        "the recording of {} has the answer as a whole, but not the items of the stream. Record the trace again within \
         `testing::capture`, or with A2A_OTEL_REPLAY=record, which keep the items.\n  input: {}",
        call.title(),
        call.shown_input()
    )
}

/// The items of a stream, if they were recorded one by one. A panic is an error after them.
fn recorded_items(span: &Captured) -> Option<Vec<RecordedItem>> {
    let mut items: Vec<_> = match span.attributes.get(STREAM_RECORDED_ITEMS) {
        Some(Value::Array(Array::String(items))) => {
            items.iter().map(|item| RecordedItem::read(item.as_str())).collect()
        }
        _ if span.attributes.get(STREAM_ITEMS) == Some(&Value::I64(0)) => Vec::new(),
        _ => return None,
    };
    if let (Status::Error { description }, Some(PANIC)) = (&span.status, span.text(ERROR_TYPE)) {
        items.push(RecordedItem::Failed(description.to_string()));
    }
    Some(items)
}

fn used_up(call: &Call, times: usize) -> String {
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    format!(
        "{} was recorded {times} with this input, and is called once more. Record the trace again if that is right.\n  \
         input: {}",
        call.title(),
        call.shown_input()
    )
}

fn unknown(call: &Call, recordings: &[Recording]) -> String {
    let alike = recordings.iter().filter(|recording| recording.call.is_of(call));
    let difference = |recording: &&Recording| changes(recording.call.comparable(), call.comparable()).len();
    let Some(nearest) = alike.min_by_key(|recording| (recording.is_used, difference(recording))) else {
        return no_name(call, recordings);
    };
    let differences = changes(nearest.call.comparable(), call.comparable());
    let shown = differences.iter().take(MOST_DIFFERENCES).map(|difference| format!("\n    {difference}"));
    let more = differences.len().saturating_sub(MOST_DIFFERENCES);
    let more = if more > 0 { format!("\n    … and {more} more") } else { String::new() };
    let used = if nearest.is_used { ", which has answered another call already" } else { "" };
    format!(
        "no recorded call of {} has this input. Record the trace again, or use `Replay::ignore` for \
         parts that may differ.\n  input: {}\n  nearest recording: span {}{used}\n  what differs from it:{}{more}",
        call.title(),
        call.shown_input(),
        nearest.span.span_id,
        shown.collect::<String>(),
    )
}

fn no_name(call: &Call, recordings: &[Recording]) -> String {
    let mut known: Vec<_> = recordings.iter().map(|recording| recording.call.title()).collect();
    known.sort();
    known.dedup();
    let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    format!(
        "no call of {} was recorded. Record the trace again.\n  input: {}\n  what was recorded: {known}",
        call.title(),
        call.shown_input()
    )
}
