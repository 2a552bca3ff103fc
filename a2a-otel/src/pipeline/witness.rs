//! Lets a witness see the spans below a context while they run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::SpanId;
use opentelemetry_sdk::trace::{Span, SpanData};

use crate::lock::lock;

/// The number of witnesses. Without any, spans are not looked up.
static WITNESSES: AtomicUsize = AtomicUsize::new(0);

/// The spans that have a witness and have not ended.
static OPEN: LazyLock<Mutex<HashMap<SpanId, Witnessed>>> = LazyLock::new(Mutex::default);

/// Sees recorded spans. An ended span is complete and masked.
pub(crate) trait Witness: Send + Sync {
    fn started(&self, span: &SpanData);

    fn ended(&self, span: &SpanData);
}

/// The witness that a context carries.
#[derive(Clone)]
pub(super) struct Witnessed(Arc<Counted<dyn Witness>>);

struct Counted<W: ?Sized>(W);

impl<W: ?Sized> Drop for Counted<W> {
    fn drop(&mut self) {
        WITNESSES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns a context below which the witness sees every span.
pub(crate) fn witnessed(context: &Context, witness: impl Witness + 'static) -> Context {
    WITNESSES.fetch_add(1, Ordering::Relaxed);
    context.with_value(Witnessed(Arc::new(Counted(witness))))
}

fn is_needed() -> bool {
    WITNESSES.load(Ordering::Relaxed) > 0
}

pub(super) fn started(span: &Span, context: &Context) {
    if is_needed()
        && let Some(witnessed) = context.get::<Witnessed>()
        && let Some(span) = span.exported_data()
    {
        // A provider may have several pipelines, and each sees the span start.
        let known = lock(&OPEN).insert(span.span_context.span_id(), witnessed.clone());
        if known.is_none() {
            witnessed.0.0.started(&span);
        }
    }
}

pub(super) fn ended(span: &SpanData) {
    if let Some(witnessed) = forget(span) {
        witnessed.0.0.ended(span);
    }
}

/// Ends the observation of a span, and returns its witness.
pub(super) fn forget(span: &SpanData) -> Option<Witnessed> {
    if is_needed() { lock(&OPEN).remove(&span.span_context.span_id()) } else { None }
}
