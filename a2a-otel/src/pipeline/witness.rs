//! Whoever wants to see the spans of some work while it goes on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::SpanId;
use opentelemetry_sdk::trace::{Span, SpanData};

use crate::lock::lock;

/// How many there are, so that without any nothing is looked for.
static WITNESSES: AtomicUsize = AtomicUsize::new(0);

/// The spans that are seen and have not ended.
static OPEN: LazyLock<Mutex<HashMap<SpanId, Below>>> = LazyLock::new(Mutex::default);

/// Sees spans that are recorded; when they have ended, what is hidden is masked.
pub(crate) trait Witness: Send + Sync {
    fn started(&self, span: &SpanData);

    fn ended(&self, span: &SpanData);
}

/// What a context carries.
#[derive(Clone)]
struct Below(Arc<Counted<dyn Witness>>);

struct Counted<W: ?Sized>(W);

impl<W: ?Sized> Drop for Counted<W> {
    fn drop(&mut self) {
        WITNESSES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A context below which every span is seen.
pub(crate) fn witnessed(context: &Context, witness: impl Witness + 'static) -> Context {
    WITNESSES.fetch_add(1, Ordering::Relaxed);
    context.with_value(Below(Arc::new(Counted(witness))))
}

fn are_there() -> bool {
    WITNESSES.load(Ordering::Relaxed) > 0
}

pub(super) fn started(span: &Span, context: &Context) {
    if are_there()
        && let Some(below) = context.get::<Below>()
        && let Some(span) = span.exported_data()
    {
        below.0.0.started(&span);
        lock(&OPEN).insert(span.span_context.span_id(), below.clone());
    }
}

pub(super) fn ended(span: &SpanData) {
    if are_there() {
        let below = lock(&OPEN).remove(&span.span_context.span_id());
        if let Some(below) = below {
            below.0.0.ended(span);
        }
    }
}
