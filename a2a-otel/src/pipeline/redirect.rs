//! Sends the traces that start below a context through another pipeline: those of an experiment go to its own project.
//!
//! A project belongs to a pipeline, because Phoenix reads it from the headers of a request. A trace is recognised by its id,
//! so that its spans in other tasks, and behind a socket in the same process, follow it. A span ends in the pipeline in which
//! it started.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, SpanId, TraceId};
use opentelemetry_sdk::trace::{Span, SpanData};

use crate::lock::lock;

/// The number of redirections and of open spans that were redirected. Without any, spans are not looked up.
static NEEDED: AtomicUsize = AtomicUsize::new(0);

static ROUTES: LazyLock<Mutex<Routes>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Routes {
    traces: HashMap<TraceId, Route>,
    open: HashMap<SpanId, Open>,
}

/// Another pipeline.
pub(crate) trait Detour: Send + Sync {
    /// A span that was redirected has started.
    fn begin(&self, span: &mut Span, context: &Context);

    /// A span that was redirected has ended.
    fn end(&self, span: SpanData);
}

/// The pipeline that a context or a trace leads to, as long as the redirection exists.
#[derive(Clone)]
struct Route(Weak<Arc<dyn Detour>>);

/// A span that was redirected and has not ended.
struct Open {
    /// `None` once it has ended in the other pipeline.
    detour: Option<Arc<dyn Detour>>,
    /// How many pipelines of its provider have seen it start. Only the first one passes it on.
    seen_by: usize,
}

/// What a pipeline does with a span.
pub(super) enum Direction {
    /// It takes the span itself.
    Here,
    /// It passes the span on.
    To(Arc<dyn Detour>),
    /// Another pipeline of the same provider passes it on.
    Nowhere,
}

/// Redirects traces until it is dropped.
pub(crate) struct Redirection(Arc<Arc<dyn Detour>>);

impl Redirection {
    pub(crate) fn to(pipeline: Arc<dyn Detour>) -> Self {
        NEEDED.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(pipeline))
    }

    /// Returns a context in which new traces are redirected.
    pub(crate) fn in_context(&self, context: &Context) -> Context {
        context.with_value(Route(Arc::downgrade(&self.0)))
    }
}

impl Drop for Redirection {
    fn drop(&mut self) {
        NEEDED.fetch_sub(1, Ordering::Relaxed);
        let own = Arc::as_ptr(&self.0);
        lock(&ROUTES).traces.retain(|_, route| route.0.as_ptr() != own);
    }
}

#[inline]
fn is_needed() -> bool {
    NEEDED.load(Ordering::Relaxed) > 0
}

/// Where a span goes that starts.
pub(super) fn started(span: &Span, context: &Context) -> Direction {
    if !is_needed() {
        return Direction::Here;
    }
    let place = span.span_context();
    let mut routes = lock(&ROUTES);
    if let Some(open) = routes.open.get_mut(&place.span_id()) {
        open.seen_by += 1;
        return Direction::Nowhere;
    }
    let of_trace = routes.traces.get(&place.trace_id()).or_else(|| context.get::<Route>());
    let Some((route, detour)) = of_trace.and_then(|route| Some((route.clone(), route.0.upgrade()?))) else {
        return Direction::Here;
    };
    let detour = Arc::clone(&*detour);
    routes.traces.entry(place.trace_id()).or_insert(route);
    NEEDED.fetch_add(1, Ordering::Relaxed);
    routes.open.insert(place.span_id(), Open { detour: Some(Arc::clone(&detour)), seen_by: 1 });
    Direction::To(detour)
}

/// Where a span goes that has ended: to the pipeline in which it started.
pub(super) fn ended(span: SpanId) -> Direction {
    if !is_needed() {
        return Direction::Here;
    }
    let mut routes = lock(&ROUTES);
    let Some(open) = routes.open.get_mut(&span) else { return Direction::Here };
    let direction = open.detour.take().map_or(Direction::Nowhere, Direction::To);
    open.seen_by -= 1;
    if open.seen_by == 0 {
        routes.open.remove(&span);
        NEEDED.fetch_sub(1, Ordering::Relaxed);
    }
    direction
}
