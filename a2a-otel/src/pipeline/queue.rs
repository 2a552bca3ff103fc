//! Where finished spans wait, and what else is sent: bounded in bytes, so that a few huge prompts cannot take the agent's
//! memory.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use opentelemetry::trace::{Event, Link, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::lock::lock;
use crate::settings::Batch;

/// Where the room is taken to this part, spans are saved before it is time.
const CROWDED: usize = 4;

/// The spans of one backend, or other items, between the agent, which must never wait, and the thread that sends.
///
/// Where there is a spool, a thread beside replaces them by what it has saved, in their order.
#[derive(Debug)]
pub(crate) struct Queue<Saved = (), Item = SpanData> {
    limits: Batch,
    state: Mutex<State<Saved, Item>>,
    /// Something to do for the thread that sends.
    work: Condvar,
    /// Something to do for the thread that saves.
    save: Condvar,
    /// Nothing is left to do.
    idle: Condvar,
}

#[derive(Debug)]
struct State<Saved, Item> {
    /// Older than what is waiting.
    saved: VecDeque<(Amount, Saved)>,
    spans_saved: usize,
    waiting: VecDeque<Item>,
    bytes_waiting: usize,
    /// What the thread that saves has taken.
    saving: Amount,
    /// What the thread that sends has taken, and not yet got rid of.
    taken: Amount,
    /// So many wait for the queue to be empty.
    flushes: usize,
    /// How often it turned out that there is nobody to send to.
    disappointments: u64,
    closing: Option<Instant>,
    finished: bool,
}

/// What can wait here.
pub(crate) trait Weigh {
    /// About as much memory as it takes.
    fn bytes(&self) -> usize;
}

/// How much something holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    pub(crate) spans: usize,
    pub(crate) bytes: usize,
}

/// Why an item was not taken in.
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

/// What the thread that sends gets: as many of the oldest as go into a batch.
pub(crate) enum Load<Saved, Item = SpanData> {
    Items(Vec<Item>),
    Saved(Vec<Saved>),
}

impl<Saved, Item: Weigh> Queue<Saved, Item> {
    pub(crate) fn new(limits: Batch) -> Self {
        let state = Mutex::new(State::default());
        Queue { limits, state, work: Condvar::new(), save: Condvar::new(), idle: Condvar::new() }
    }

    #[inline]
    pub(crate) fn push(&self, item: Item) -> Result<(), Refusal> {
        let bytes = item.bytes();
        let mut state = lock(&self.state);
        if state.closing.is_some() {
            return Err(Refusal::Closed);
        }
        let has_place = self.limits.queue.is_none_or(|places| state.waiting.len() < places);
        if !has_place || state.bytes() + bytes > self.limits.queue_bytes {
            return Err(Refusal::Full);
        }
        let crowded = self.limits.queue_bytes / CROWDED;
        let becomes_crowded = state.bytes_waiting < crowded && crowded <= state.bytes_waiting + bytes;
        state.bytes_waiting += bytes;
        state.waiting.push_back(item);
        // A wake-up costs more than all the rest, so only a full batch is worth one: a lesser one is found in time.
        let is_full_batch = state.waiting.len() == self.limits.size;
        drop(state);
        if is_full_batch {
            self.work.notify_one();
        }
        if becomes_crowded {
            self.save.notify_one();
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
            if order != Order::GoOn || left.is_zero() || state.spans() >= self.limits.size {
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
        lock(&self.state).spans() > 0
    }

    /// Whether a batch is full.
    pub(crate) fn has_batch(&self) -> bool {
        lock(&self.state).spans() >= self.limits.size
    }

    /// The oldest items, as many as go into a batch. They stay on the books until [`Queue::settle`].
    pub(crate) fn take(&self) -> Load<Saved, Item> {
        let mut state = lock(&self.state);
        if state.saved.is_empty() {
            let (items, taken) = state.take_items(&self.limits);
            state.taken.add(taken);
            Load::Items(items)
        } else {
            Load::Saved(state.take_saved(&self.limits))
        }
    }

    /// Says how much the thread that sends still holds.
    pub(crate) fn settle(&self, taken: Amount) {
        let mut state = lock(&self.state);
        state.taken = taken;
        if state.is_empty() {
            self.idle.notify_all();
        }
    }

    /// Waits until it is time to save, and says whether nothing more will come.
    pub(crate) fn wait_to_save(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = lock(&self.state);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let is_crowded = state.bytes_waiting >= self.limits.queue_bytes / CROWDED;
            if state.closing.is_some() || is_crowded || left.is_zero() {
                return state.closing.is_some();
            }
            state = wait(&self.save, state, left);
        }
    }

    /// The oldest spans that are not saved, as many as go into a batch. [`Queue::saved`] or [`Queue::give_back`] has to
    /// follow.
    pub(crate) fn take_to_save(&self) -> Vec<Item> {
        let mut state = lock(&self.state);
        let (items, saving) = state.take_items(&self.limits);
        state.saving = saving;
        items
    }

    /// What became of the spans that were taken to be saved.
    pub(crate) fn saved(&self, saved: impl IntoIterator<Item = (Amount, Saved)>) {
        let mut state = lock(&self.state);
        state.saving = Amount::default();
        for (amount, saved) in saved {
            state.spans_saved += amount.spans;
            state.saved.push_back((amount, saved));
        }
        if state.spans_saved >= self.limits.size {
            self.work.notify_one();
        }
    }

    /// They could not be saved: they are the oldest that wait.
    pub(crate) fn give_back(&self, items: Vec<Item>) {
        let mut state = lock(&self.state);
        state.saving = Amount::default();
        for item in items.into_iter().rev() {
            state.bytes_waiting += item.bytes();
            state.waiting.push_front(item);
        }
    }

    /// The thread that sends has ended.
    pub(crate) fn finish(&self) {
        let mut state = lock(&self.state);
        state.finished = true;
        state.taken = Amount::default();
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
        let is_over =
            |state: &State<Saved, Item>| state.is_empty() || state.finished || state.disappointments > before;
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
        self.save.notify_one();
        self.until(state, deadline, |state| state.finished).finished
    }

    fn until<'a>(
        &self,
        mut state: MutexGuard<'a, State<Saved, Item>>,
        deadline: Instant,
        is_over: impl Fn(&State<Saved, Item>) -> bool,
    ) -> MutexGuard<'a, State<Saved, Item>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if is_over(&state) || left.is_zero() {
                return state;
            }
            state = wait(&self.idle, state, left);
        }
    }

    /// How much is in memory, what is under way included.
    pub(crate) fn held(&self) -> Amount {
        let state = lock(&self.state);
        let spans = state.waiting.len() + state.saving.spans + state.taken.spans;
        Amount { spans, bytes: state.bytes() }
    }

    /// How many bytes may be.
    pub(crate) fn capacity(&self) -> usize {
        self.limits.queue_bytes
    }
}

impl<Saved, Item> Default for State<Saved, Item> {
    fn default() -> Self {
        State {
            saved: VecDeque::new(),
            spans_saved: 0,
            waiting: VecDeque::new(),
            bytes_waiting: 0,
            saving: Amount::default(),
            taken: Amount::default(),
            flushes: 0,
            disappointments: 0,
            closing: None,
            finished: false,
        }
    }
}

impl Amount {
    pub(crate) fn add(&mut self, other: Amount) {
        self.spans += other.spans;
        self.bytes += other.bytes;
    }

    /// Whether both go into one batch.
    pub(crate) fn leaves_room_for(self, other: Amount, limits: &Batch) -> bool {
        self.spans + other.spans <= limits.size && self.bytes + other.bytes <= limits.bytes
    }
}

impl<Saved, Item: Weigh> State<Saved, Item> {
    fn spans(&self) -> usize {
        self.waiting.len() + self.spans_saved
    }

    fn bytes(&self) -> usize {
        self.bytes_waiting + self.saving.bytes + self.taken.bytes
    }

    fn is_empty(&self) -> bool {
        self.spans() == 0 && self.saving.spans == 0 && self.taken.spans == 0
    }

    fn take_items(&mut self, limits: &Batch) -> (Vec<Item>, Amount) {
        let mut items = Vec::with_capacity(self.waiting.len().min(limits.size));
        let mut taken = Amount::default();
        while items.len() < limits.size
            && taken.bytes < limits.bytes
            && let Some(item) = self.waiting.pop_front()
        {
            taken.add(Amount { spans: 1, bytes: item.bytes() });
            items.push(item);
        }
        self.bytes_waiting -= taken.bytes;
        (items, taken)
    }

    fn take_saved(&mut self, limits: &Batch) -> Vec<Saved> {
        let mut load = Vec::new();
        let mut taken = Amount::default();
        while let Some((amount, _)) = self.saved.front()
            && (load.is_empty() || taken.leaves_room_for(*amount, limits))
            && let Some((amount, saved)) = self.saved.pop_front()
        {
            taken.add(amount);
            load.push(saved);
        }
        self.spans_saved -= taken.spans;
        self.taken.add(taken);
        load
    }

    fn order(&self) -> Order {
        match self.closing {
            Some(deadline) => Order::Close(deadline),
            None if self.flushes > 0 => Order::Hurry,
            None => Order::GoOn,
        }
    }
}

fn wait<'a, T>(on: &Condvar, state: MutexGuard<'a, T>, left: Duration) -> MutexGuard<'a, T> {
    match on.wait_timeout(state, left) {
        Ok((state, _)) => state,
        Err(poisoned) => poisoned.into_inner().0,
    }
}

impl Weigh for SpanData {
    fn bytes(&self) -> usize {
        let events = self.events.iter().map(|Event { name, attributes, .. }| {
            size_of::<Event>() + name.len() + bytes_of_attributes(attributes)
        });
        let links = self.links.iter().map(|link| size_of::<Link>() + bytes_of_attributes(&link.attributes));
        let description = match &self.status {
            Status::Error { description } => description.len(),
            _ => 0,
        };
        let room = self.attributes.capacity() - self.attributes.len();
        size_of::<Self>()
            + self.name.len()
            + description
            + bytes_of_attributes(&self.attributes)
            + room * size_of::<KeyValue>()
            + events.sum::<usize>()
            + links.sum::<usize>()
    }
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
