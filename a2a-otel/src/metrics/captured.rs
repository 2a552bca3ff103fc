//! The metrics of one test.

use std::sync::{Arc, OnceLock};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;

use super::meters::Meters;
use super::reader::MetricsSnapshot;
use crate::meter::captured::Captured;

/// The cardinality limit of a test.
const LIMIT: usize = 2_000;

/// Captures what is measured in a context until it is dropped.
pub(crate) struct CapturedFigures {
    captured: Captured,
    /// The meter provider of the capture, once anything is measured.
    meters: Arc<OnceLock<Meters>>,
}

impl CapturedFigures {
    pub(crate) fn start() -> Self {
        let meters: Arc<OnceLock<Meters>> = Arc::default();
        let source = Arc::clone(&meters);
        let new = || Meters::new(Resource::builder_empty().build(), LIMIT);
        Self { captured: Captured::start(move || source.get_or_init(new).meter()), meters }
    }

    /// Returns the context with the capture.
    pub(crate) fn in_context(&self, context: &Context) -> Context {
        self.captured.in_context(context)
    }

    pub(crate) fn collect(&self) -> MetricsSnapshot {
        self.meters.get().map(Meters::collect).unwrap_or_default()
    }
}
