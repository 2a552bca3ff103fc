//! The thread that saves items to disk, so that they do not stay only in memory for long.

#[cfg(test)]
pub(super) mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::ledger::{Ledger, Loss, panic_text};
use super::queue::Queue;
use super::signal::{Durable, Payload as _};
use super::spool::{Spool, StoredRecord};
use crate::deadline;
use crate::lock::lock;

/// The time between two saves. A process that is killed may lose the items of this period.
const INTERVAL: Duration = Duration::from_millis(100);

/// The pause after a failure, such as a full disk, before the next attempt.
const PAUSE: Duration = Duration::from_secs(5);

/// The time between two looks at the disk, for what others have deleted there.
const CHECK: Duration = Duration::from_millis(500);

/// Replaces the items in a queue with the records that it has written to disk.
pub(super) struct Keeper<S: Durable> {
    queue: Arc<Queue<S::Item, StoredRecord>>,
    spool: Arc<Spool>,
    ledger: Arc<Ledger>,
    signal: S,
    next_attempt: Instant,
    next_check: Instant,
}

impl<S: Durable> Keeper<S> {
    pub(super) fn new(
        queue: Arc<Queue<S::Item, StoredRecord>>,
        spool: Arc<Spool>,
        ledger: Arc<Ledger>,
        signal: S,
    ) -> Self {
        let now = Instant::now();
        Keeper { queue, spool, ledger, signal, next_attempt: now, next_check: now }
    }

    /// Runs until the queue is closed.
    pub(super) fn run(keeper: &Mutex<Self>, queue: &Queue<S::Item, StoredRecord>) {
        let mut is_over = false;
        while !is_over {
            let pause = lock(keeper).pause();
            is_over = match pause {
                Some(pause) => queue.rest_from_saving(pause),
                None => queue.wait_to_save(INTERVAL),
            };
            lock(keeper).work();
        }
    }

    /// How long to rest after a failure. `None` if there is no need to.
    fn pause(&self) -> Option<Duration> {
        let left = deadline::left(self.next_attempt);
        (!left.is_zero()).then(|| left.min(CHECK))
    }

    fn work(&mut self) {
        if Instant::now() >= self.next_check {
            self.next_check = deadline::after(CHECK);
            self.spool.check();
        }
        self.save_waiting();
    }

    /// Saves waiting items, unless the disk has failed a moment ago.
    pub(super) fn save_waiting(&mut self) {
        while Instant::now() >= self.next_attempt {
            let items = self.queue.take_to_save();
            if items.is_empty() {
                return;
            }
            self.save_or_lose(items);
        }
    }

    /// If our own code panics over the items, those that are not on disk are lost, and the thread goes on.
    fn save_or_lose(&mut self, items: Vec<S::Item>) {
        let (count, mut stored) = (items.len() as u64, 0);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.save(items, &mut stored))) {
            self.ledger.restarted("keeper", panic_text(&*panic));
            self.ledger.dropped(Loss::Panicked, count.saturating_sub(stored));
            // What was stored is sent by the next process.
            self.queue.saved([]);
        }
    }

    fn save(&mut self, mut items: Vec<S::Item>, stored: &mut u64) {
        let mut records = Vec::new();
        for payload in self.signal.pack_borrowed(&mut items) {
            match self.spool.store(&S::body(&payload), payload.items()) {
                Ok(record) => {
                    *stored += record.amount().items as u64;
                    records.push(record);
                }
                Err(error) => {
                    self.ledger.spool_failed(&error);
                    for record in &records {
                        self.spool.take_back(record);
                    }
                    self.next_attempt = deadline::after(PAUSE);
                    return self.queue.give_back(items);
                }
            }
        }
        self.queue.saved(records.into_iter().map(|record| (record.amount(), record)));
    }
}
