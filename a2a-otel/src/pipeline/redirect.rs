//! Sends the traces that start below a context through another pipeline: those of an experiment go to its own project.
//!
//! A project belongs to a pipeline, because Phoenix reads it from the headers of a request. A trace is told by its id, so
//! that its spans in other tasks, and behind a socket in the same process, follow it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, TraceId};
use opentelemetry_sdk::trace::{Span, SpanData};

use crate::lock::lock;

/// The number of redirections. Without any, spans are not looked up.
static REDIRECTIONS: AtomicUsize = AtomicUsize::new(0);

static ROUTES: LazyLock<Mutex<HashMap<TraceId, Route>>> = LazyLock::new(Mutex::default);

/// Another pipeline.
pub(crate) trait Detour: Send + Sync {
    /// A span that was redirected has started.
    fn begin(&self, span: &mut Span, context: &Context);

    /// A span that was redirected has ended.
    fn end(&self, span: SpanData);
}

/// The pipeline that a context or a trace leads to.
#[derive(Clone)]
struct Route(Arc<dyn Detour>);

/// Redirects traces until it is dropped.
pub(crate) struct Redirection(Arc<dyn Detour>);

impl Redirection {
    pub(crate) fn to(pipeline: Arc<dyn Detour>) -> Self {
        REDIRECTIONS.fetch_add(1, Ordering::Relaxed);
        Self(pipeline)
    }

    /// Returns a context in which new traces are redirected.
    pub(crate) fn in_context(&self, context: &Context) -> Context {
        context.with_value(Route(self.0.clone()))
    }
}

impl Drop for Redirection {
    fn drop(&mut self) {
        REDIRECTIONS.fetch_sub(1, Ordering::Relaxed);
        lock(&ROUTES).retain(|_, route| !Arc::ptr_eq(&route.0, &self.0));
    }
}

#[inline]
fn is_needed() -> bool {
    REDIRECTIONS.load(Ordering::Relaxed) > 0
}

/// Returns the pipeline that a span which starts goes through instead.
pub(super) fn started(span: &Span, context: &Context) -> Option<Arc<dyn Detour>> {
    if !is_needed() {
        return None;
    }
    let trace = span.span_context().trace_id();
    let mut routes = lock(&ROUTES);
    if let Some(route) = context.get::<Route>() {
        routes.entry(trace).or_insert_with(|| route.clone());
    }
    routes.get(&trace).map(|route| route.0.clone())
}

/// Returns the pipeline that a span which has ended goes through instead.
pub(super) fn ended(trace: TraceId) -> Option<Arc<dyn Detour>> {
    if is_needed() { lock(&ROUTES).get(&trace).map(|route| route.0.clone()) } else { None }
}
