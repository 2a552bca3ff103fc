//! The figures of a call, on either side, and of an agent's tasks, whether or not spans are recorded.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Instant;

use ::a2a::{A2AError, Part, PartContent, StreamResponse, TaskState};
use futures_core::Stream;
use opentelemetry::{Context, StringValue};

use super::content::{Content, parts_of};
use super::facts::{Events, Facts, name_of};
use super::outcome::View;
use super::work::Work;
use crate::integrations::requests;
use crate::meter::{self, Labels, Metric, Number};
use crate::semconv::gen_ai::AGENT_NAME;
use crate::semconv::metrics::operations::{self as rows, A2A_METHOD_NAME, A2A_TASK_STATE, IO_DIRECTION};
use crate::semconv::opentelemetry::ERROR_TYPE;
use crate::semconv::ours::{CANCELLED, PANIC};
use crate::span::{Observer, Site, WholeCall, is_measuring};

static CLIENT: Metric = Metric::built_in(&rows::A2A_CLIENT_DURATION);
static SERVER: Metric = Metric::built_in(&rows::A2A_SERVER_DURATION);
static RETRIES: Metric = Metric::built_in(&rows::A2A_RETRIES);
static SIZES: Metric = Metric::built_in(&rows::A2A_MESSAGE_SIZE);
static TASKS: Metric = Metric::built_in(&rows::A2A_TASKS);
static ACTIVE: Metric = Metric::built_in(&rows::A2A_ACTIVE_TASKS);

/// A call that is measured. Dropping it records that it was cancelled.
pub(super) struct Figures {
    started: Instant,
    view: View,
    method: &'static str,
    /// The agent that is called.
    peer: Option<StringValue>,
    /// The call of `#[a2a_call]` that this one is an attempt of, and which is measured instead.
    call: Option<WholeCall>,
    is_over: bool,
}

impl Figures {
    /// Begins to measure a call, unless nothing reads figures.
    pub(super) fn begin(
        site: &'static Site,
        view: View,
        peer: Option<&str>,
        facts: &Facts<'_>,
    ) -> Option<Self> {
        if !is_measuring() {
            return None;
        }
        let peer = peer.map(|peer| Arc::<str>::from(peer).into());
        let method = site.name;
        let mut figures = Self { started: Instant::now(), view, method, peer, call: None, is_over: false };
        if view == View::Caller {
            if let Some((call, is_further)) = WholeCall::of_agent(method, Observer::Transport) {
                figures.call = Some(call);
                if is_further {
                    retried(method, figures.peer.clone());
                }
            }
            figures.passed("transmit", &facts.content);
        } else {
            Context::map_current(|context| requests::count("a2a", context));
        }
        Some(figures)
    }

    /// Measures the content of a message.
    pub(super) fn passed(&self, direction: &'static str, content: &Content<'_>) {
        if let Content::Blocks(blocks) = content {
            self.passed_bytes(direction, parts_of(blocks).map(size).sum());
        }
    }

    fn passed_bytes(&self, direction: &'static str, bytes: u64) {
        if self.view == View::Caller {
            let mut labels = Labels::<3>::new();
            labels.push(A2A_METHOD_NAME, self.method);
            labels.maybe(AGENT_NAME, self.peer.clone());
            labels.push(IO_DIRECTION, direction);
            meter::record(&SIZES, Number::Unsigned(bytes), labels.all());
        }
    }

    /// Records how the call ended: with an answer of a so many bytes, if it came as a stream.
    pub(super) fn streamed(self, bytes: u64, state: Option<&TaskState>, error: Option<&'static str>) {
        if bytes > 0 {
            self.passed_bytes("receive", bytes);
        }
        self.ended(state, error);
    }

    /// Records how the call ended.
    pub(super) fn ended(mut self, state: Option<&TaskState>, error: Option<&'static str>) {
        self.record(state.map(name_of), error);
    }

    fn record(&mut self, state: Option<&'static str>, error: Option<&'static str>) {
        self.is_over = true;
        if let Some(call) = &self.call {
            return call.answered(state);
        }
        let mut labels = Labels::<4>::new();
        labels.push(A2A_METHOD_NAME, self.method);
        labels.maybe(AGENT_NAME, self.peer.clone());
        labels.maybe(A2A_TASK_STATE, state);
        labels.maybe(ERROR_TYPE, error);
        let metric = if self.view == View::Caller { &CLIENT } else { &SERVER };
        meter::record(metric, Number::Float(self.started.elapsed().as_secs_f64()), labels.all());
    }
}

impl Drop for Figures {
    fn drop(&mut self) {
        if !self.is_over {
            self.record(None, Some(if std::thread::panicking() { PANIC } else { CANCELLED }));
        }
    }
}

/// Counts a further attempt.
fn retried(method: &'static str, peer: Option<StringValue>) {
    let mut labels = Labels::<2>::new();
    labels.push(A2A_METHOD_NAME, method);
    labels.maybe(AGENT_NAME, peer);
    meter::record(&RETRIES, Number::Unsigned(1), labels.all());
}

/// Counts an attempt that only an interceptor sees.
pub(super) fn attempted(method: &str) {
    if is_measuring()
        && let Some((_, true)) = WholeCall::of_agent(method, Observer::Interceptor)
    {
        let mut labels = Labels::<1>::new();
        labels.push(A2A_METHOD_NAME, StringValue::from(Arc::<str>::from(method)));
        meter::record(&RETRIES, Number::Unsigned(1), labels.all());
    }
}

/// The size of a part's content in bytes.
pub(super) fn size(part: &Part) -> u64 {
    struct Count(u64);

    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    match &part.content {
        PartContent::Text(text) | PartContent::Url(text) => text.len() as u64,
        PartContent::Raw(bytes) => bytes.len() as u64,
        PartContent::Data(data) => {
            let mut count = Count(0);
            let _ = serde_json::to_writer(&mut count, data);
            count.0
        }
    }
}

/// The events of a task, counted.
pub(super) struct Counted {
    events: Events,
    work: Arc<Work>,
    /// Whether the task counts as active.
    is_active: bool,
    is_measured: bool,
}

impl Counted {
    /// Counts the events of a task on which work begins.
    pub(super) fn begin(events: Events, work: Arc<Work>) -> Self {
        let is_measured = is_measuring();
        if is_measured {
            meter::record(&ACTIVE, Number::Signed(1), &[]);
        }
        Self { events, work, is_active: is_measured, is_measured }
    }

    /// Counts further events of a task.
    pub(super) fn further(events: Events, work: Arc<Work>) -> Self {
        Self { events, work, is_active: false, is_measured: is_measuring() }
    }

    fn event(&self, event: &Result<StreamResponse, A2AError>) {
        let state = match event {
            Ok(StreamResponse::Task(task)) => &task.status.state,
            Ok(StreamResponse::StatusUpdate(update)) => &update.status.state,
            _ => return,
        };
        if self.work.enters(state) {
            let mut labels = Labels::<1>::new();
            labels.push(A2A_TASK_STATE, name_of(state));
            meter::record(&TASKS, Number::Unsigned(1), labels.all());
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_active) {
            meter::record(&ACTIVE, Number::Signed(-1), &[]);
        }
    }
}

impl Stream for Counted {
    type Item = Result<StreamResponse, A2AError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(task));
        match &event {
            Some(event) if self.is_measured => self.event(event),
            Some(_) => {}
            None => self.end(),
        }
        Poll::Ready(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.events.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.end();
    }
}
