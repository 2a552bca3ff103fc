//! Where finished spans wait: bounded in bytes, so that a few huge prompts cannot take the agent's memory.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use opentelemetry::trace::{Event, Link, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::lock::lock;
use crate::telemetry::settings::Batch;

/// The spans of one backend between the agent, which must never wait, and the thread that sends.
#[derive(Debug)]
pub(crate) struct Queue {
    limits: Batch,
    state: Mutex<State>,
    /// Something to do for the thread that takes.
    work: Condvar,
    /// Nothing is left to do.
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes_waiting: usize,
    /// What the thread that sends has taken, and not yet got rid of.
    taken: Taken,
    /// So many wait for the queue to be empty.
    flushes: usize,
    /// How often it turned out that there is nobody to send to.
    disappointments: u64,
    closing: Option<Instant>,
    finished: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    spans: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    span: SpanData,
    bytes: usize,
}

/// Why a span was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

/// What the thread that sends is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Send what there is if it is time for that, and wait again.
    GoOn,
    /// Somebody waits: do not wait for more spans.
    Hurry,
    /// No more spans will come, and after this time nobody waits for those that are there.
    Close(Instant),
}

impl Queue {
    pub(crate) fn new(limits: Batch) -> Self {
        Queue { limits, state: Mutex::default(), work: Condvar::new(), idle: Condvar::new() }
    }

    pub(crate) fn push(&self, span: SpanData) -> Result<(), Refusal> {
        let bytes = bytes_of(&span);
        let mut state = lock(&self.state);
        if state.closing.is_some() {
            return Err(Refusal::Closed);
        }
        let has_place = self.limits.queue.is_none_or(|places| state.waiting.len() < places);
        if !has_place || state.bytes() + bytes > self.limits.queue_bytes {
            return Err(Refusal::Full);
        }
        state.bytes_waiting += bytes;
        state.waiting.push_back(Waiting { span, bytes });
        // A wake-up costs more than all the rest, so only a full batch is worth one: a lesser one is found in time.
        let is_full_batch = state.waiting.len() == self.limits.size;
        drop(state);
        if is_full_batch {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits until there is a full batch, somebody is in a hurry, or the time is over.
    pub(crate) fn wait(&self, patience: Duration) -> Order {
        let deadline = Instant::now() + patience;
        let mut state = lock(&self.state);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let order = state.order();
            if order != Order::GoOn || left.is_zero() || state.waiting.len() >= self.limits.size {
                return order;
            }
            state = wait(&self.work, state, left);
        }
    }

    /// Rests after a failure: more spans are then no reason to go on.
    pub(crate) fn rest(&self, until: Instant) -> Order {
        let mut state = lock(&self.state);
        let before = state.order();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let order = state.order();
            if left.is_zero() || order != before {
                return order;
            }
            state = wait(&self.work, state, left);
        }
    }

    /// What somebody waits for.
    pub(crate) fn order(&self) -> Order {
        lock(&self.state).order()
    }

    pub(crate) fn has_waiting(&self) -> bool {
        !lock(&self.state).waiting.is_empty()
    }

    /// Whether a batch is full.
    pub(crate) fn has_batch(&self) -> bool {
        lock(&self.state).waiting.len() >= self.limits.size
    }

    /// The oldest spans, as many as go into a batch. Their room stays taken until [`Queue::settle`].
    pub(crate) fn take(&self) -> Vec<SpanData> {
        let mut state = lock(&self.state);
        let mut spans = Vec::with_capacity(state.waiting.len().min(self.limits.size));
        while spans.len() < self.limits.size
            && let Some(Waiting { span, bytes }) = state.waiting.pop_front()
        {
            state.bytes_waiting -= bytes;
            state.taken.bytes += bytes;
            state.taken.spans += 1;
            spans.push(span);
            if state.taken.bytes > self.limits.bytes {
                break;
            }
        }
        spans
    }

    /// Says how much the thread that sends still holds.
    pub(crate) fn settle(&self, spans: usize, bytes: usize) {
        let mut state = lock(&self.state);
        state.taken = Taken { spans, bytes };
        if state.is_empty() {
            self.idle.notify_all();
        }
    }

    /// The thread that sends has ended.
    pub(crate) fn finish(&self) {
        let mut state = lock(&self.state);
        state.finished = true;
        state.waiting.clear();
        state.bytes_waiting = 0;
        state.taken = Taken::default();
        self.idle.notify_all();
    }

    /// Nobody is there to send to, and never was: waiting would help nobody.
    pub(crate) fn disappoint(&self) {
        lock(&self.state).disappointments += 1;
        self.idle.notify_all();
    }

    /// Waits until everything that was pushed is gone, and says whether it is.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = lock(&self.state);
        let before = state.disappointments;
        state.flushes += 1;
        self.work.notify_one();
        let is_over = |state: &State| state.is_empty() || state.finished || state.disappointments > before;
        let mut state = self.until(state, deadline, is_over);
        state.flushes -= 1;
        state.is_empty()
    }

    /// Takes no more spans, and waits until the thread that sends has ended.
    pub(crate) fn close(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = lock(&self.state);
        state.closing.get_or_insert(deadline);
        self.work.notify_one();
        self.until(state, deadline, |state| state.finished).finished
    }

    fn until<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        deadline: Instant,
        is_over: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if is_over(&state) || left.is_zero() {
                return state;
            }
            state = wait(&self.idle, state, left);
        }
    }

    /// Spans and bytes that it holds, those under way included.
    pub(crate) fn held(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.waiting.len() + state.taken.spans, state.bytes())
    }
}

impl State {
    fn bytes(&self) -> usize {
        self.bytes_waiting + self.taken.bytes
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.taken.spans == 0
    }

    fn order(&self) -> Order {
        match self.closing {
            Some(deadline) => Order::Close(deadline),
            None if self.flushes > 0 => Order::Hurry,
            None => Order::GoOn,
        }
    }
}

fn wait<'a>(on: &Condvar, state: MutexGuard<'a, State>, left: Duration) -> MutexGuard<'a, State> {
    match on.wait_timeout(state, left) {
        Ok((state, _)) => state,
        Err(poisoned) => poisoned.into_inner().0,
    }
}

/// About as much memory as a span takes.
fn bytes_of(span: &SpanData) -> usize {
    let events = span.events.iter().map(|Event { name, attributes, .. }| {
        size_of::<Event>() + name.len() + bytes_of_attributes(attributes)
    });
    let links = span.links.iter().map(|link| size_of::<Link>() + bytes_of_attributes(&link.attributes));
    let description = match &span.status {
        Status::Error { description } => description.len(),
        _ => 0,
    };
    size_of::<Waiting>()
        + span.name.len()
        + description
        + bytes_of_attributes(&span.attributes)
        + events.sum::<usize>()
        + links.sum::<usize>()
}

fn bytes_of_attributes(attributes: &[KeyValue]) -> usize {
    attributes
        .iter()
        .map(|KeyValue { key, value, .. }| {
            let text = match value {
                Value::String(text) => text.as_str().len(),
                Value::Array(array) => bytes_of_array(array),
                _ => 0,
            };
            size_of::<KeyValue>() + key.as_str().len() + text
        })
        .sum()
}

fn bytes_of_array(array: &Array) -> usize {
    match array {
        Array::Bool(list) => size_of_val(&**list),
        Array::I64(list) => size_of_val(&**list),
        Array::F64(list) => size_of_val(&**list),
        Array::String(list) => {
            size_of_val(&**list) + list.iter().map(StringValue::as_str).map(str::len).sum::<usize>()
        }
        _ => 0,
    }
}
