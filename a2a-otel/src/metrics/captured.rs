//! The figures of one test: what is measured in the context of a capture also goes to a meter provider of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use opentelemetry::Context;
use opentelemetry::metrics::Meter;
use opentelemetry_sdk::Resource;

use super::reader::{Meters, MetricsSnapshot};

/// The cardinality limit of a test.
const LIMIT: usize = 2_000;

/// The number of running captures. If there is none, no context is looked at.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// The meter provider of a capture, once anything is measured.
type Figures = Arc<OnceLock<Meters>>;

/// Captures what is measured in a context until it is dropped.
pub(crate) struct CapturedFigures(Figures);

impl CapturedFigures {
    pub(crate) fn start() -> Self {
        RUNNING.fetch_add(1, Ordering::Relaxed);
        Self(Figures::default())
    }

    /// Returns the context with the capture.
    pub(crate) fn in_context(&self, context: &Context) -> Context {
        context.with_value(Arc::clone(&self.0))
    }

    pub(crate) fn collect(&self) -> MetricsSnapshot {
        self.0.get().map(Meters::collect).unwrap_or_default()
    }
}

impl Drop for CapturedFigures {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether some test captures figures.
pub(super) fn is_capturing() -> bool {
    RUNNING.load(Ordering::Relaxed) > 0
}

/// The meter of the capture in whose context this is called.
pub(super) fn meter() -> Option<Meter> {
    if !is_capturing() {
        return None;
    }
    let figures = Context::map_current(|context| context.get::<Figures>().cloned())?;
    let meters = figures.get_or_init(|| Meters::new(Resource::builder_empty().build(), LIMIT));
    Some(meters.meter())
}
