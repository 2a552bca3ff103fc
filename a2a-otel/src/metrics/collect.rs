//! Collects metrics, within a time, for everybody who asks at the same time.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};

use crate::deadline;
use crate::lock::lock;

/// A reader that shares its collections.
#[derive(Clone, Debug)]
pub(super) struct Collector(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reader: ManualReader,
    /// Whether each collection has values that no later one has.
    keeps_all: bool,
    state: Mutex<State>,
    /// Notified when a collection ends.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many collections have started, and how many of them have ended.
    started: u64,
    ended: u64,
    /// What was collected last, or what was collected and not taken if all is kept.
    collected: Vec<Arc<ResourceMetrics>>,
}

impl Collector {
    pub(super) fn new(temporality: Temporality) -> Self {
        Collector(Arc::new(Inner {
            reader: ManualReader::builder().with_temporality(temporality).build(),
            keeps_all: temporality != Temporality::Cumulative,
            state: Mutex::default(),
            ended: Condvar::new(),
        }))
    }

    /// Collects, and returns what was collected. Returns `None` if that takes longer than `timeout`.
    pub(super) fn collect(&self, timeout: Duration) -> Option<Arc<ResourceMetrics>> {
        self.collected(timeout)?.collected.last().cloned()
    }

    /// What was collected last.
    pub(super) fn latest(&self) -> Option<Arc<ResourceMetrics>> {
        lock(&self.0.state).collected.last().cloned()
    }

    /// Collects, and returns everything that was collected and not taken yet.
    pub(super) fn take(&self, timeout: Duration) -> Vec<Arc<ResourceMetrics>> {
        self.collected(timeout).map(|mut state| mem::take(&mut state.collected)).unwrap_or_default()
    }

    /// Waits for a collection that starts after this call, because one that is running may have missed values.
    fn collected(&self, timeout: Duration) -> Option<MutexGuard<'_, State>> {
        let deadline = deadline::after(timeout);
        let mut state = lock(&self.0.state);
        let wanted = state.started + 1;
        while state.ended < wanted {
            if state.started == state.ended {
                state.started += 1;
                self.start(&mut state);
                continue;
            }
            let left = deadline::left(deadline);
            if left.is_zero() {
                return None;
            }
            let woken = self.0.ended.wait_timeout(state, left);
            state = woken.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        Some(state)
    }

    /// Collects on another thread, which callers need not wait for.
    fn start(&self, state: &mut State) {
        let inner = self.0.clone();
        let collect = move || inner.collect();
        if thread::Builder::new().name("a2a-otel-collector".to_owned()).spawn(collect).is_err() {
            state.ended += 1;
        }
    }
}

impl Inner {
    fn collect(&self) {
        let mut collected = ResourceMetrics::default();
        let collecting = || self.reader.collect(&mut collected);
        let is_collected = matches!(catch_unwind(AssertUnwindSafe(collecting)), Ok(Ok(())));
        let mut state = lock(&self.state);
        state.ended += 1;
        // After shutdown, the last values remain.
        if is_collected {
            if !self.keeps_all {
                state.collected.clear();
            }
            state.collected.push(Arc::new(collected));
        }
        self.ended.notify_all();
    }
}

impl MetricReader for Collector {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.reader.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.reader.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.reader.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.reader.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.reader.temporality(kind)
    }
}
