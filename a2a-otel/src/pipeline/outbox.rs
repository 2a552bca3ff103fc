//! A queue with a thread of its own, which is started with the first item.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::ledger::{Ledger, Loss};
use super::queue::{Queue, Refusal};
use super::sender::{Outlet, Sender};
use super::signal::Signal;
use super::weigh::Weigh;
use crate::lock::lock;
use crate::settings::Batch;

/// Accepts items without waiting.
pub(crate) struct Outbox<Item> {
    queue: Arc<Queue<Item>>,
    ledger: Arc<Ledger>,
    /// The name of the thread.
    thread: &'static str,
    /// The loop that empties the queue, until it is started.
    empty: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl<Item: Weigh + Send + 'static> Outbox<Item> {
    pub(crate) fn new<S: Signal<Item = Item>>(
        thread: &'static str,
        limits: Batch,
        ledger: Ledger,
        outlet: Outlet<S::Payload>,
        signal: impl FnOnce(&Arc<Ledger>) -> S,
    ) -> Self {
        let (queue, ledger) = (Arc::new(Queue::new(limits)), Arc::new(ledger));
        let signal = signal(&ledger);
        let sender: Sender<S> = Sender::new(queue.clone(), ledger.clone(), limits, signal, outlet, None);
        Outbox { queue, ledger, thread, empty: Mutex::new(Some(Box::new(move || sender.run()))) }
    }

    /// Counts an item and queues it.
    pub(crate) fn send(&self, item: Item) {
        self.send_counted(item, 1);
    }

    /// Queues an item that counts for several. Returns whether there was a place for it.
    pub(crate) fn send_counted(&self, item: Item, count: u64) -> bool {
        self.start();
        let pushed = self.queue.push(item, || self.ledger.enter(count));
        match pushed {
            Ok(()) => {}
            Err(Refusal::Full) => self.ledger.queue_full(count),
            Err(Refusal::Closed) => self.ledger.turn_away(Loss::TooLate, count),
        }
        pushed.is_ok()
    }

    /// Takes all waiting items, because a later one replaces them.
    #[cfg(all(feature = "otlp", feature = "metrics"))]
    pub(crate) fn clear(&self) -> Vec<Item> {
        self.queue.clear()
    }

    fn start(&self) {
        let Some(empty) = lock(&self.empty).take() else { return };
        if thread::Builder::new().name(self.thread.to_owned()).spawn(empty).is_err() {
            // What waits is counted as lost later; callers must not wait for it.
            self.queue.finish();
        }
    }

    pub(crate) fn flush(&self, timeout: Duration) {
        self.queue.flush(timeout);
    }

    /// Stops accepting items.
    pub(crate) fn shut(&self, timeout: Duration) {
        self.queue.shut(timeout);
    }

    /// Stops accepting items, and waits until the last one is sent.
    pub(crate) fn close(&self, timeout: Duration) {
        let is_started = lock(&self.empty).is_none();
        self.queue.close(if is_started { timeout } else { Duration::ZERO });
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl<Item> fmt::Debug for Outbox<Item> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}
