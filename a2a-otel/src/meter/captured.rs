//! Where a test that captures metrics reads them: what is measured in the context of a capture is also recorded on a
//! meter of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::Context;
use opentelemetry::metrics::Meter;

use crate::context::has_context;

/// The number of running captures. If there is none, no context is looked at.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Returns the meter of a capture, which need not exist before anything is measured.
type Source = Arc<dyn Fn() -> Meter + Send + Sync>;

/// Captures what is measured in a context until it is dropped.
pub(crate) struct Captured(Source);

impl Captured {
    pub(crate) fn start(meter: impl Fn() -> Meter + Send + Sync + 'static) -> Self {
        RUNNING.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(meter))
    }

    /// Returns the context with the capture.
    pub(crate) fn in_context(&self, context: &Context) -> Context {
        context.with_value(Arc::clone(&self.0))
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether some test captures metrics.
#[inline]
pub(super) fn is_capturing() -> bool {
    RUNNING.load(Ordering::Relaxed) > 0
}

/// The meter of the capture in whose context this is called.
pub(super) fn meter() -> Option<Meter> {
    // A thread that is exiting has no context.
    if !is_capturing() || !has_context() {
        return None;
    }
    Some(Context::map_current(|context| context.get::<Source>().cloned())?())
}
