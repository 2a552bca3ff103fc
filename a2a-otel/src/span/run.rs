//! Runs the user's code inside a scope, and tells the scope how it ended.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// What watches a call: a span or a measurement. Dropped without an outcome, the call was cancelled.
pub trait Scope: Sized {
    /// What the outcome is written to.
    type Recorder;
    /// What holds while the user's code runs.
    type Entered;

    /// Whether somebody will see the outcome.
    fn is_seen(&self) -> bool;

    /// Lets user code run inside the scope.
    fn enter(&self) -> Self::Entered;

    /// The call returned; `record` writes the outcome, and is called only if somebody will see it.
    fn returned(self, record: impl FnOnce(&mut Self::Recorder));

    /// The call panicked.
    fn panicked(self, payload: &(dyn Any + Send));
}

/// Keeps copies of what the outcome needs and the body may consume, if somebody will see the outcome.
pub fn keep<S: Scope, T>(scope: &S, copy: impl FnOnce() -> T) -> Option<T> {
    scope.is_seen().then(copy)
}

/// Runs a function's body.
pub fn sync<R, S, B, O>(scope: S, body: B, outcome: O) -> R
where
    S: Scope,
    B: FnOnce() -> R,
    O: FnOnce(&R, &mut S::Recorder),
{
    let (scope, result) = guarded(scope, body);
    scope.returned(|recorder| outcome(&result, recorder));
    result
}

/// Runs an async function's body.
pub fn future<R, S, F, O>(scope: S, body: F, outcome: O) -> Watched<S, F, O>
where
    S: Scope,
    F: Future<Output = R>,
    O: FnOnce(&R, &mut S::Recorder),
{
    Watched { body: Some(body), watch: Some((scope, outcome)) }
}

/// Runs the body of a function that returns a future, and then the future.
pub fn eager<R, S, B, F, O>(scope: S, body: B, outcome: O) -> Watched<S, F, O>
where
    S: Scope,
    B: FnOnce() -> F,
    F: Future<Output = R>,
    O: FnOnce(&R, &mut S::Recorder),
{
    let (scope, body) = guarded(scope, body);
    future(scope, body, outcome)
}

/// Boxes a future, as the function's signature asks.
#[must_use]
pub fn boxed<F>(future: F) -> Pin<Box<F>> {
    Box::pin(future)
}

/// Tells the compiler what an async block returns; never called.
#[must_use]
pub fn hint<R>() -> R {
    unreachable!("only the type is of use")
}

/// Runs code inside the scope; a panic is recorded and goes on.
fn guarded<S: Scope, R>(scope: S, code: impl FnOnce() -> R) -> (S, R) {
    let entered = scope.enter();
    let result = catch_unwind(AssertUnwindSafe(code));
    drop(entered);
    match result {
        Ok(result) => (scope, result),
        Err(payload) => {
            scope.panicked(&*payload);
            resume_unwind(payload)
        }
    }
}

pin_project! {
    /// A future inside a scope. Dropped before its end, it drops the scope, which then says that it was cancelled.
    pub struct Watched<S: Scope, F, O> {
        #[pin]
        body: Option<F>,
        watch: Option<(S, O)>,
    }

    impl<S: Scope, F, O> PinnedDrop for Watched<S, F, O> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What the body's own values do when they are dropped still belongs to the call.
            let _entered = this.watch.as_ref().map(|(scope, _)| scope.enter());
            this.body.set(None);
        }
    }
}

impl<S, F, O> Future for Watched<S, F, O>
where
    S: Scope,
    F: Future,
    O: FnOnce(&F::Output, &mut S::Recorder),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let body = this.body.as_mut().as_pin_mut().expect("only dropping takes the body");
        let Some((scope, outcome)) = this.watch.take() else {
            // Polled after its end: what then happens is the body's to say.
            return body.poll(context);
        };
        let (scope, polled) = guarded(scope, || body.poll(context));
        match &polled {
            Poll::Pending => *this.watch = Some((scope, outcome)),
            Poll::Ready(result) => scope.returned(|recorder| outcome(result, recorder)),
        }
        polled
    }
}
