//! Runs the user's code inside a scope, and tells the scope how it ended.
//!
//! What is generic here is compiled once for each of the user's functions, so it is kept small: the code is handed on
//! as a `dyn FnMut()`, a future as a `dyn Future`, and what that answers is then one type for many functions.

use std::any::Any;
use std::convert::identity;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "mcp")]
use opentelemetry::context::FutureExt as _;
use pin_project_lite::pin_project;

use super::dropped::{Behind, Running};
#[cfg(feature = "mcp")]
use super::running::Span;
use super::scope::{Conclude, Scope};

type Payload = Box<dyn Any + Send>;

/// Runs a function's body.
#[inline]
pub fn sync<R, S: Scope, C: Conclude<S, R>>(scope: S, conclude: C, body: impl FnOnce() -> R) -> R {
    let (scope, result) = sync_apart(scope, body);
    conclude.conclude(scope, &result);
    result
}

/// Runs a function's body, and gives the scope back with the result.
#[inline]
pub fn sync_apart<R, S: Scope>(scope: S, body: impl FnOnce() -> R) -> (S, R) {
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
pub const fn future<S: Scope, C, F>(scope: S, conclude: C, body: F) -> Watched<S, C, F> {
    Watched { running: Running::new(scope, conclude), body, behind: Behind::new() }
}

/// Runs an async function's body, and gives the scope back with the result.
pub fn future_apart<S: Scope, F: Future>(scope: S, body: F) -> impl Future<Output = (S, F::Output)> {
    observed((scope, body), identity)
}

/// Runs the future that a function gave back; `outcome` is what becomes of its result, whose type may be known by it
/// alone.
pub fn observed<R, S, F, O>((scope, body): (S, F), outcome: O) -> Observed<S, O, F>
where
    S: Scope,
    F: Future,
    O: FnOnce((S, F::Output)) -> R,
{
    Observed { running: Running::new(scope, outcome), body, behind: Behind::new() }
}

/// Runs a future inside a span, which ends as cancelled if the call is; the future then goes on in the span's context,
/// and there is no span in the answer.
#[cfg(feature = "mcp")]
pub(crate) async fn until<R>(
    span: Span,
    cancelled: impl Future<Output = ()>,
    body: impl Future<Output = R>,
) -> (Option<Span>, R) {
    let context = span.context().cloned().unwrap_or_else(opentelemetry::Context::current);
    let mut span = Some(span);
    let mut cancelled = std::pin::pin!(cancelled);
    let mut body = std::pin::pin!(body.with_context(context));
    let result = std::future::poll_fn(|waking| {
        if span.as_ref().is_some_and(Scope::is_seen) && cancelled.as_mut().poll(waking).is_ready() {
            span = None;
        }
        catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(waking)))
            .unwrap_or_else(|payload| panicked(span.take(), payload))
    });
    let result = result.await;
    (span, result)
}

/// Tells the compiler what an async block returns; never called.
#[must_use]
pub fn hint<R>() -> R {
    unreachable!("only the type is of use")
}

/// Runs code inside the scope.
#[inline]
pub(super) fn guarded<S: Scope>(scope: &S, code: &mut dyn FnMut()) -> Result<(), Payload> {
    if scope.holds() {
        return caught(scope, code);
    }
    code();
    Ok(())
}

fn caught<S: Scope>(scope: &S, code: &mut dyn FnMut()) -> Result<(), Payload> {
    let _entered = scope.enter();
    catch_unwind(AssertUnwindSafe(code))
}

/// Records a panic, which then goes on.
#[cold]
fn panicked<S: Scope>(scope: Option<S>, payload: Payload) -> ! {
    if let Some(scope) = scope {
        scope.panicked(&*payload);
    }
    resume_unwind(payload)
}

/// Holds a scope open until it is dropped, for a body that must not move into a closure. The result is not seen.
pub fn guard<S: Scope>(scope: S) -> Guard<S> {
    Guard { entered: Some(scope.enter()), scope: Some(scope) }
}

/// A scope that is open until this is dropped.
pub struct Guard<S: Scope> {
    entered: Option<S::Entered>,
    scope: Option<S>,
}

impl<S: Scope> Drop for Guard<S> {
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
    /// A future inside a scope. Dropped before its end, it drops the scope, which then says that it was cancelled.
    ///
    /// The fields are dropped in their order: what the body's own values do when they are dropped still belongs to
    /// the call.
    pub struct Watched<S: Scope, C, F> {
        running: Running<S, C>,
        #[pin]
        body: F,
        behind: Behind,
    }
}

impl<S: Scope, F: Future, C: Conclude<S, F::Output>> Future for Watched<S, C, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        poll(this.running, this.behind, this.body, context)
    }
}

pin_project! {
    /// The same, with what becomes of the scope and the result.
    pub struct Observed<S: Scope, O, F> {
        running: Running<S, O>,
        #[pin]
        body: F,
        behind: Behind,
    }
}

impl<R, S: Scope, F: Future, O: FnOnce((S, F::Output)) -> R> Future for Observed<S, O, F> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = self.project();
        let polled = poll_apart(this.running, this.behind, this.body, context);
        polled.map(|(scope, outcome, result)| outcome((scope, result)))
    }
}

/// Compiled once for all functions that give back the same.
fn poll<R, S: Scope, C: Conclude<S, R>>(
    running: &mut Running<S, C>,
    behind: &mut Behind,
    body: Pin<&mut dyn Future<Output = R>>,
    context: &mut Context<'_>,
) -> Poll<R> {
    poll_apart(running, behind, body, context).map(|(scope, conclude, result)| {
        conclude.conclude(scope, &result);
        result
    })
}

fn poll_apart<R, S: Scope, C>(
    running: &mut Running<S, C>,
    behind: &mut Behind,
    mut body: Pin<&mut dyn Future<Output = R>>,
    context: &mut Context<'_>,
) -> Poll<(S, C, R)> {
    let Some(scope) = running.scope() else { panic!("a future was polled after its end") };
    let mut polled = Poll::Pending;
    let ended = guarded(scope, &mut || polled = body.as_mut().poll(context));
    if ended.is_ok() && polled.is_pending() {
        return Poll::Pending;
    }
    match (ended, polled, running.take(behind)) {
        (Ok(()), Poll::Ready(result), Some((scope, then))) => Poll::Ready((scope, then, result)),
        (Err(payload), _, running) => panicked(running.map(|(scope, _)| scope), payload),
        _ => unreachable!("the scope is there until the end"),
    }
}
