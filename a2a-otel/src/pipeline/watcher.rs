//! Lets a watcher see all spans of the process, in tests.

use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry_sdk::trace::{Span, SpanData};

static WATCHER: OnceLock<&dyn SpanWatcher> = OnceLock::new();

/// Watches recorded spans. An ended span is complete.
pub(crate) trait SpanWatcher: Send + Sync {
    fn started(&self, span: &Span, context: &Context);

    fn ended(&self, span: &SpanData);
}

/// Registers a watcher. Only the first one of a process counts.
pub(crate) fn watch(watcher: &'static dyn SpanWatcher) {
    let _ = WATCHER.set(watcher);
}

pub(super) fn started(span: &Span, context: &Context) {
    if let Some(watcher) = WATCHER.get() {
        watcher.started(span, context);
    }
}

pub(super) fn ended(span: &SpanData) {
    if let Some(watcher) = WATCHER.get() {
        watcher.ended(span);
    }
}
