//! The thread that saves: it sees to it that no span is in memory alone for long.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_sdk::trace::SpanData;

use super::ledger::Ledger;
use super::otlp::Packer;
use super::queue::Queue;
use super::spool::{Record, Spool};
use crate::lock::lock;

/// What a process that is killed may lose, in time.
const INTERVAL: Duration = Duration::from_millis(100);

/// A full disk is asked again after this time.
const REST: Duration = Duration::from_secs(5);

/// Replaces the spans in a queue by what it has written to disk.
#[derive(Debug)]
pub(crate) struct Keeper {
    queue: Arc<Queue<Record>>,
    spool: Arc<Spool>,
    ledger: Arc<Ledger>,
    packer: Packer,
    next_attempt: Instant,
}

impl Keeper {
    pub(crate) fn new(
        queue: Arc<Queue<Record>>,
        spool: Arc<Spool>,
        ledger: Arc<Ledger>,
        packer: Packer,
    ) -> Self {
        Keeper { queue, spool, ledger, packer, next_attempt: Instant::now() }
    }

    /// Works until the queue is closed.
    pub(crate) fn run(keeper: &Mutex<Self>, queue: &Queue<Record>) {
        let mut is_over = false;
        while !is_over {
            is_over = queue.wait_to_save(INTERVAL);
            lock(keeper).save_all();
        }
    }

    /// Saves what waits, if the disk lets it.
    pub(super) fn save_all(&mut self) {
        while Instant::now() >= self.next_attempt {
            let spans = self.queue.take_to_save();
            if spans.is_empty() {
                return;
            }
            self.save(spans);
        }
    }

    fn save(&mut self, mut spans: Vec<SpanData>) {
        let mut records = Vec::new();
        for batch in self.packer.pack(&mut spans) {
            match self.spool.store(&batch.body(), batch.len()) {
                Ok(record) => records.push(record),
                Err(error) => {
                    self.ledger.spool_failed(&error);
                    for record in &records {
                        self.spool.take_back(record);
                    }
                    self.next_attempt = Instant::now() + REST;
                    return self.queue.give_back(spans);
                }
            }
        }
        self.queue.saved(records.into_iter().map(|record| (record.amount(), record)));
    }
}
