//! Counts recorded spans from their start.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts recorded spans as they start and end.
#[derive(Debug, Default)]
pub(crate) struct Census {
    started: AtomicU64,
    ended: AtomicU64,
}

impl Census {
    pub(super) fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn spans_started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// The number of spans that have started and not ended.
    pub(crate) fn spans_alive(&self) -> u64 {
        // Read `ended` first, so that a span that ends between the two reads still counts as alive.
        let ended = self.ended.load(Ordering::Relaxed);
        self.spans_started().saturating_sub(ended)
    }
}
