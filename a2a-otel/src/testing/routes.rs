//! Which traces belong to what: a span that starts in a context assigns its whole trace to what the context has.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, TraceContextExt as _, TraceId};
use opentelemetry_sdk::trace::Span;

use crate::lock::lock;

/// The number of routes whose traces are noted. If there is none, spans pass without a lock.
static RUNNING: AtomicU64 = AtomicU64::new(0);

static ROUTES: LazyLock<Mutex<HashMap<TraceId, Route>>> = LazyLock::new(Mutex::default);

/// What a context and its traces belong to.
#[derive(Clone)]
struct Route {
    number: u64,
    is_over: Arc<AtomicBool>,
    target: Arc<dyn Any + Send + Sync>,
}

/// Ends a route when it is dropped.
pub(super) struct RouteGuard(u64, Arc<AtomicBool>);

/// Returns this context with what its traces belong to from now on.
pub(super) fn begin<T: Any + Send + Sync>(context: &Context, target: &Arc<T>) -> (Context, RouteGuard) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RUNNING.fetch_add(1, Ordering::Relaxed);
    let target: Arc<dyn Any + Send + Sync> = target.clone();
    let is_over = Arc::<AtomicBool>::default();
    (context.with_value(Route { number, is_over: is_over.clone(), target }), RouteGuard(number, is_over))
}

/// Whether there is any route.
pub(super) fn is_any() -> bool {
    RUNNING.load(Ordering::Relaxed) > 0
}

/// What a context or its trace belongs to.
pub(super) fn find<T: Any + Send + Sync>(context: &Context) -> Option<Arc<T>> {
    let of_trace = || lock(&ROUTES).get(&context.span().span_context().trace_id()).cloned();
    let route = context.get::<Route>().cloned().or_else(of_trace)?;
    if route.is_over() { None } else { route.target.downcast().ok() }
}

/// A span has started in this context.
pub(super) fn started(span: &Span, context: &Context) {
    if is_any()
        && let Some(route) = context.get::<Route>()
    {
        let mut routes = lock(&ROUTES);
        // Asked under the lock, so that a route that ends now is removed after this.
        if !route.is_over() {
            routes.insert(span.span_context().trace_id(), route.clone());
        }
    }
}

impl Route {
    /// Whether its guard is dropped. A context may outlive it.
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Drop for RouteGuard {
    fn drop(&mut self) {
        self.1.store(true, Ordering::Relaxed);
        RUNNING.fetch_sub(1, Ordering::Relaxed);
        lock(&ROUTES).retain(|_, route| route.number != self.0);
    }
}
