//! Runs the user's code inside a scope, and ends the scope with the outcome.
//!
//! Generic code is compiled again for each of the user's functions, so there is little of it: it passes the user's code
//! on as `dyn FnMut()` or `dyn Future`. Functions with the same result type then share the rest.

use std::any::Any;
use std::convert::identity;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "mcp")]
use opentelemetry::context::FutureExt as _;
use pin_project_lite::pin_project;

use super::dropped::{AfterBody, BeforeBody};
#[cfg(feature = "mcp")]
use super::running::Span;
use super::scope::{CallScope, Conclude};

type Payload = Box<dyn Any + Send>;

/// Runs a function's body.
#[inline]
pub fn sync<R, S: CallScope, C: Conclude<S, R>>(scope: S, conclude: C, body: impl FnOnce() -> R) -> R {
    let (scope, result) = sync_with_scope(scope, body);
    conclude.conclude(scope, result)
}

/// Runs a function's body, and returns the scope with the result.
#[inline]
pub fn sync_with_scope<R, S: CallScope>(scope: S, body: impl FnOnce() -> R) -> (S, R) {
    if !scope.holds() {
        return (scope, body());
    }
    let (mut body, mut result) = (Some(body), None);
    let ended = caught(&scope, &mut || {
        if let Some(body) = body.take() {
            result = Some(body());
        }
    });
    match (ended, result) {
        (Ok(()), Some(result)) => (scope, result),
        (Ok(()), None) => unreachable!("the body ran"),
        (Err(payload), _) => panicked(Some(scope), payload),
    }
}

/// Runs an async function's body.
pub const fn future<S: CallScope, C, F>(scope: S, conclude: C, body: F) -> ScopedFuture<S, C, F> {
    ScopedFuture { before: BeforeBody::new(scope, conclude), body, after: AfterBody::new() }
}

/// Runs an async function's body, and returns the scope with the result.
pub fn future_with_scope<S: CallScope, F: Future>(scope: S, body: F) -> impl Future<Output = (S, F::Output)> {
    // The body begins when it is first polled, so there is nothing to adopt.
    MapOutcome { before: BeforeBody::new(scope, identity), body, after: AfterBody::new() }
}

/// Runs the future that a function returned, and maps the scope and the result with `outcome`. It takes the pair that
/// [`sync_with_scope`] returns; only `outcome` may name the type of the result.
pub fn map_outcome<R, S, F, O>((mut scope, body): (S, F), outcome: O) -> MapOutcome<S, O, F>
where
    S: CallScope,
    F: Future,
    O: FnOnce((S, F::Output)) -> R,
{
    scope.deferred();
    MapOutcome { before: BeforeBody::new(scope, outcome), body, after: AfterBody::new() }
}

/// Runs a future inside a span, with what else observes it. When `cancelled` completes, both end as cancelled; the future
/// continues in the span's context, and what is returned of them is `None`.
#[cfg(feature = "mcp")]
pub(crate) async fn run_until_cancelled<F, R>(
    span: Span,
    figures: Option<F>,
    cancelled: impl Future<Output = ()>,
    body: impl Future<Output = R>,
) -> (Option<(Span, Option<F>)>, R) {
    let context = span.context().cloned().unwrap_or_else(opentelemetry::Context::current);
    let is_observed = span.is_seen() || figures.is_some();
    let mut observers = Some((span, figures));
    let mut cancelled = std::pin::pin!(cancelled);
    let mut body = std::pin::pin!(body.with_context(context));
    let result = std::future::poll_fn(|waking| {
        if is_observed && observers.is_some() && cancelled.as_mut().poll(waking).is_ready() {
            observers = None;
        }
        catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(waking))).unwrap_or_else(|payload| {
            // The figures are dropped while the thread unwinds, and so know that it was a panic.
            let (span, _figures) = observers.take().unzip();
            panicked(span, payload)
        })
    });
    let result = result.await;
    (observers, result)
}

/// Tells the compiler what an async block returns. It is never called.
#[must_use]
pub fn hint<R>() -> R {
    unreachable!("a hint is only there for its type")
}

/// Runs code inside the scope, and catches a panic.
#[inline]
pub(super) fn guarded<S: CallScope>(scope: &S, code: &mut dyn FnMut()) -> Result<(), Payload> {
    if scope.holds() {
        return caught(scope, code);
    }
    code();
    Ok(())
}

fn caught<S: CallScope>(scope: &S, code: &mut dyn FnMut()) -> Result<(), Payload> {
    let _entered = scope.enter();
    catch_unwind(AssertUnwindSafe(code))
}

/// Records a panic, and continues it.
#[cold]
fn panicked<S: CallScope>(scope: Option<S>, payload: Payload) -> ! {
    if let Some(scope) = scope {
        scope.panicked(&*payload);
    }
    resume_unwind(payload)
}

/// Enters a scope until the guard is dropped, for a body that must not move into a closure. The result is not recorded.
pub fn guard<S: CallScope>(scope: S) -> Guard<S> {
    Guard { entered: Some(scope.enter()), scope: Some(scope) }
}

/// A scope that ends when this is dropped.
pub struct Guard<S: CallScope> {
    entered: Option<S::Entered>,
    scope: Option<S>,
}

impl<S: CallScope> Drop for Guard<S> {
    fn drop(&mut self) {
        self.entered = None;
        match self.scope.take() {
            Some(scope) if std::thread::panicking() => scope.panicked(&"the call panicked"),
            Some(scope) => scope.succeeded(),
            None => {}
        }
    }
}

pin_project! {
    /// A future inside a scope. If it is dropped before its end, its scope ends as cancelled.
    ///
    /// The fields are dropped in order: whatever the values of the body do when they are dropped still happens inside
    /// the scope.
    pub struct ScopedFuture<S: CallScope, C, F> {
        before: BeforeBody<S, C>,
        #[pin]
        body: F,
        after: AfterBody,
    }
}

impl<S: CallScope, F: Future, C: Conclude<S, F::Output>> Future for ScopedFuture<S, C, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        poll(this.before, this.after, this.body, context)
    }
}

pin_project! {
    /// A [`ScopedFuture`] whose scope and result are mapped.
    pub struct MapOutcome<S: CallScope, O, F> {
        before: BeforeBody<S, O>,
        #[pin]
        body: F,
        after: AfterBody,
    }
}

impl<R, S: CallScope, F: Future, O: FnOnce((S, F::Output)) -> R> Future for MapOutcome<S, O, F> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = self.project();
        let polled = poll_with_scope(this.before, this.after, this.body, context);
        polled.map(|(scope, outcome, result)| outcome((scope, result)))
    }
}

/// Compiled once for all functions with the same result type.
fn poll<R, S: CallScope, C: Conclude<S, R>>(
    before: &mut BeforeBody<S, C>,
    after: &mut AfterBody,
    body: Pin<&mut dyn Future<Output = R>>,
    context: &mut Context<'_>,
) -> Poll<R> {
    poll_with_scope(before, after, body, context)
        .map(|(scope, conclude, result)| conclude.conclude(scope, result))
}

fn poll_with_scope<R, S: CallScope, C>(
    before: &mut BeforeBody<S, C>,
    after: &mut AfterBody,
    mut body: Pin<&mut dyn Future<Output = R>>,
    context: &mut Context<'_>,
) -> Poll<(S, C, R)> {
    let Some(scope) = before.scope() else { panic!("a future was polled after its end") };
    scope.resumed();
    let mut polled = Poll::Pending;
    let ended = guarded(scope, &mut || polled = body.as_mut().poll(context));
    if ended.is_ok() && polled.is_pending() {
        return Poll::Pending;
    }
    match (ended, polled, before.take(after)) {
        (Ok(()), Poll::Ready(result), Some((scope, then))) => Poll::Ready((scope, then, result)),
        (Err(payload), _, running) => panicked(running.map(|(scope, _)| scope), payload),
        _ => unreachable!("the scope is there until the future ends"),
    }
}
