//! The queue in which items wait to be sent. It is bounded in bytes, so that a few huge prompts cannot take up the
//! agent's memory.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::weigh::Weigh;
use crate::deadline;
use crate::lock::lock;
use crate::settings::Batch;

/// Items are saved early once they fill one fourth of the queue.
const CROWDED: usize = 4;

/// A queue between the agent, which must never wait, and the thread that sends.
///
/// With a spool, another thread replaces the items with the records that it has written to disk, in order.
#[derive(Debug)]
pub(crate) struct Queue<Item, Saved = Infallible> {
    limits: Batch,
    state: Mutex<State<Item, Saved>>,
    /// Wakes the thread that sends.
    work: Condvar,
    /// Wakes the thread that saves.
    save: Condvar,
    /// Wakes the callers that wait for the queue to be empty.
    idle: Condvar,
}

struct State<Item, Saved> {
    /// Records on disk, which are older than the waiting items.
    saved: VecDeque<(Amount, Saved)>,
    amount_saved: Amount,
    /// With the bytes of each, which take time to add up.
    waiting: VecDeque<(usize, Item)>,
    bytes_waiting: usize,
    /// What the thread that saves is writing now.
    saving: Amount,
    /// What the thread that sends has taken and not finished.
    taken: Amount,
    /// How many items of this process the thread that sends has not finished.
    unfinished: usize,
    /// How many items the queue has ever taken.
    pushed: u64,
    /// How many callers wait for what was there when they came.
    flushes: usize,
    /// How often flushes were ended because waiting would not have helped.
    endings: u64,
    closing: Option<Instant>,
    finished: bool,
}

/// Without the items, which say what people and models said.
impl<Item, Saved> fmt::Debug for State<Item, Saved> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("saved", &self.amount_saved)
            .field("waiting", &Amount { items: self.waiting.len(), bytes: self.bytes_waiting })
            .field("saving", &self.saving)
            .field("taken", &self.taken)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}

/// A number of items, and the bytes that they take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

/// Why the queue refused an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

/// What the thread that sends does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Send full batches immediately, and everything else after the delay.
    Collect,
    /// Send everything now, because a caller is waiting.
    Flush,
    /// Send everything and end. No caller waits beyond this time.
    Close(Instant),
}

/// A pause after a failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    pub(crate) time: Duration,
    /// Whether the receiver has asked for it. Then only the end is more urgent.
    pub(crate) is_asked_for: bool,
}

/// The oldest waiting items, at most one batch.
pub(crate) enum Load<Item, Saved> {
    Items(Vec<Item>),
    Saved(Vec<Saved>),
}

impl<Item: Weigh, Saved> Queue<Item, Saved> {
    pub(crate) fn new(limits: Batch) -> Self {
        let state = Mutex::new(State::default());
        Queue { limits, state, work: Condvar::new(), save: Condvar::new(), idle: Condvar::new() }
    }

    /// Takes an item, or refuses it. `enter` counts it, before anything else can happen to it.
    #[inline]
    pub(crate) fn push(&self, item: Item, enter: impl FnOnce()) -> Result<(), Refusal> {
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
        state.pushed += 1;
        enter();
        state.waiting.push_back((bytes, item));
        // Waking the thread takes longer than everything else here, so only a full batch does. The delay covers the
        // rest.
        let fills_batch = state.waiting.len() == self.limits.size
            || (state.bytes_waiting - bytes < self.limits.bytes && self.limits.bytes <= state.bytes_waiting);
        drop(state);
        if fills_batch {
            self.work.notify_one();
        }
        if becomes_crowded {
            self.save.notify_one();
        }
        Ok(())
    }

    /// Takes all waiting items, because a later one replaces them.
    #[cfg(all(feature = "otlp", feature = "metrics"))]
    pub(crate) fn clear(&self) -> Vec<Item> {
        let mut state = lock(&self.state);
        state.bytes_waiting = 0;
        state.waiting.drain(..).map(|(_, item)| item).collect()
    }

    /// Waits until a batch is full, a caller waits for the queue, or the time has passed.
    pub(crate) fn wait(&self, patience: Duration) -> Order {
        let deadline = deadline::after(patience);
        let mut state = lock(&self.state);
        loop {
            let left = deadline::left(deadline);
            let order = state.order();
            if order != Order::Collect || left.is_zero() || state.has_batch(&self.limits) {
                return order;
            }
            state = wait(&self.work, state, left);
        }
    }

    /// Waits after a failure under this order. New items do not end the pause; a caller that begins to wait does, unless
    /// the receiver has asked for the pause. Nothing waits beyond the end.
    pub(crate) fn rest(&self, mut known: Order, pause: Pause) -> Order {
        let until = deadline::after(pause.time);
        let mut state = lock(&self.state);
        loop {
            let order = state.order();
            let left = match order {
                Order::Close(end) => deadline::left(until.min(end)),
                _ => deadline::left(until),
            };
            let is_disturbed = match order {
                Order::Close(_) => order != known,
                Order::Flush => known == Order::Collect && !pause.is_asked_for,
                Order::Collect => false,
            };
            if left.is_zero() || is_disturbed {
                return order;
            }
            known = order;
            state = wait(&self.work, state, left);
        }
    }

    /// What the thread that sends should do now.
    pub(crate) fn order(&self) -> Order {
        lock(&self.state).order()
    }

    /// Whether a batch is full.
    pub(crate) fn has_batch(&self) -> bool {
        lock(&self.state).has_batch(&self.limits)
    }

    /// Takes the oldest items, at most one batch. They count as held until [`Queue::settle`] is called.
    pub(crate) fn take(&self) -> Load<Item, Saved> {
        let mut state = lock(&self.state);
        if state.saved.is_empty() {
            let (items, taken) = state.take_items(&self.limits);
            state.taken.add(taken);
            state.unfinished += taken.items;
            Load::Items(items)
        } else {
            Load::Saved(state.take_saved(&self.limits))
        }
    }

    /// Sets how much the thread that sends has not finished, and how many of the items are of this process.
    pub(crate) fn settle(&self, taken: Amount, own: usize) {
        let mut state = lock(&self.state);
        state.taken = taken;
        state.unfinished = own;
        if state.flushes > 0 {
            self.idle.notify_all();
        }
    }

    /// Waits until it is time to save. Returns true once the queue is closed.
    pub(crate) fn wait_to_save(&self, patience: Duration) -> bool {
        let is_crowded =
            |state: &State<Item, Saved>| state.bytes_waiting >= self.limits.queue_bytes / CROWDED;
        self.wait_for_keeper(patience, is_crowded)
    }

    /// Waits after a failure to save. Waiting items do not end the pause. Returns true once the queue is closed.
    pub(crate) fn rest_from_saving(&self, pause: Duration) -> bool {
        self.wait_for_keeper(pause, |_| false)
    }

    fn wait_for_keeper(&self, patience: Duration, is_due: impl Fn(&State<Item, Saved>) -> bool) -> bool {
        let deadline = deadline::after(patience);
        let mut state = lock(&self.state);
        loop {
            let left = deadline::left(deadline);
            if state.closing.is_some() || is_due(&state) || left.is_zero() {
                return state.closing.is_some();
            }
            state = wait(&self.save, state, left);
        }
    }

    /// Takes the oldest items that are not saved, at most one batch. The caller must then call [`Queue::saved`] or
    /// [`Queue::give_back`].
    pub(crate) fn take_to_save(&self) -> Vec<Item> {
        let mut state = lock(&self.state);
        let (items, saving) = state.take_items(&self.limits);
        state.saving = saving;
        items
    }

    /// Replaces the items that were taken to be saved with their records.
    pub(crate) fn saved(&self, saved: impl IntoIterator<Item = (Amount, Saved)>) {
        let mut state = lock(&self.state);
        state.saving = Amount::default();
        for (amount, saved) in saved {
            state.amount_saved.add(amount);
            state.saved.push_back((amount, saved));
        }
        if state.has_batch(&self.limits) {
            self.work.notify_one();
        }
    }

    /// Puts back items that could not be saved, as the oldest ones.
    pub(crate) fn give_back(&self, items: Vec<Item>) {
        let mut state = lock(&self.state);
        state.saving = Amount::default();
        for item in items.into_iter().rev() {
            let bytes = item.bytes();
            state.bytes_waiting += bytes;
            state.waiting.push_front((bytes, item));
        }
    }

    /// Records that the thread that sends has ended.
    pub(crate) fn finish(&self) {
        let mut state = lock(&self.state);
        state.finished = true;
        state.taken = Amount::default();
        state.unfinished = 0;
        self.idle.notify_all();
    }

    /// Ends flushes early, because waiting longer would not help.
    pub(crate) fn end_flushes(&self) {
        lock(&self.state).endings += 1;
        self.idle.notify_all();
    }

    /// Waits until as many items are gone as there are now: the thread that sends takes the oldest first. Returns whether
    /// waiting longer would not help.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let deadline = deadline::after(timeout);
        let mut state = lock(&self.state);
        let (before, pushed) = (state.endings, state.pushed);
        state.flushes += 1;
        self.work.notify_one();
        let is_over =
            |state: &State<Item, Saved>| state.has_gone(pushed) || state.finished || state.endings > before;
        let mut state = self.wait_until(state, deadline, is_over);
        state.flushes -= 1;
        is_over(&state)
    }

    /// Stops accepting items. The thread that sends ends when everything is sent, or at this time.
    pub(crate) fn shut(&self, timeout: Duration) {
        let mut state = lock(&self.state);
        state.closing.get_or_insert(deadline::after(timeout));
        self.work.notify_one();
        self.save.notify_one();
    }

    /// Stops accepting items, and waits until the thread that sends has ended.
    pub(crate) fn close(&self, timeout: Duration) -> bool {
        self.shut(timeout);
        let state = lock(&self.state);
        self.wait_until(state, deadline::after(timeout), |state| state.finished).finished
    }

    fn wait_until<'a>(
        &self,
        mut state: MutexGuard<'a, State<Item, Saved>>,
        deadline: Instant,
        is_over: impl Fn(&State<Item, Saved>) -> bool,
    ) -> MutexGuard<'a, State<Item, Saved>> {
        loop {
            let left = deadline::left(deadline);
            if is_over(&state) || left.is_zero() {
                return state;
            }
            state = wait(&self.idle, state, left);
        }
    }

    /// How much is in memory, including items that are being saved or sent.
    pub(crate) fn held(&self) -> Amount {
        let state = lock(&self.state);
        let items = state.waiting.len() + state.saving.items + state.taken.items;
        Amount { items, bytes: state.bytes() }
    }

    /// The largest number of bytes that the queue holds.
    pub(crate) fn capacity(&self) -> usize {
        self.limits.queue_bytes
    }
}

impl<Item, Saved> Default for State<Item, Saved> {
    fn default() -> Self {
        State {
            saved: VecDeque::new(),
            amount_saved: Amount::default(),
            waiting: VecDeque::new(),
            bytes_waiting: 0,
            saving: Amount::default(),
            taken: Amount::default(),
            unfinished: 0,
            pushed: 0,
            flushes: 0,
            endings: 0,
            closing: None,
            finished: false,
        }
    }
}

impl Amount {
    pub(crate) fn add(&mut self, other: Amount) {
        self.items += other.items;
        self.bytes += other.bytes;
    }

    /// Whether both amounts fit into one batch.
    pub(crate) fn leaves_room_for(self, other: Amount, limits: &Batch) -> bool {
        self.items + other.items <= limits.size && self.bytes + other.bytes <= limits.bytes
    }
}

impl<Item: Weigh, Saved> State<Item, Saved> {
    fn items(&self) -> usize {
        self.waiting.len() + self.amount_saved.items
    }

    /// Whether a batch is full, by its number of items or by their bytes.
    fn has_batch(&self, limits: &Batch) -> bool {
        self.items() >= limits.size || self.bytes_waiting + self.amount_saved.bytes >= limits.bytes
    }

    fn bytes(&self) -> usize {
        self.bytes_waiting + self.saving.bytes + self.taken.bytes
    }

    /// Whether as many items are gone as had been pushed at some time.
    fn has_gone(&self, pushed: u64) -> bool {
        let left = self.items() + self.saving.items + self.unfinished;
        left as u64 <= self.pushed - pushed
    }

    fn take_items(&mut self, limits: &Batch) -> (Vec<Item>, Amount) {
        let mut items = Vec::with_capacity(self.waiting.len().min(limits.size));
        let mut taken = Amount::default();
        while items.len() < limits.size
            && taken.bytes < limits.bytes
            && let Some((bytes, item)) = self.waiting.pop_front()
        {
            taken.add(Amount { items: 1, bytes });
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
        self.amount_saved.items -= taken.items;
        self.amount_saved.bytes -= taken.bytes;
        self.taken.add(taken);
        self.unfinished += taken.items;
        load
    }

    fn order(&self) -> Order {
        match self.closing {
            Some(deadline) => Order::Close(deadline),
            None if self.flushes > 0 => Order::Flush,
            None => Order::Collect,
        }
    }
}

fn wait<'a, T>(on: &Condvar, state: MutexGuard<'a, T>, left: Duration) -> MutexGuard<'a, T> {
    match on.wait_timeout(state, left) {
        Ok((state, _)) => state,
        Err(poisoned) => poisoned.into_inner().0,
    }
}
