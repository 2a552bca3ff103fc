//! What watches a call, and how it learns of the call's end.

use std::any::Any;
use std::time::Instant;

use super::failure::Describe;

/// What watches a call: a span or a measurement. Dropped without an outcome, the call was cancelled.
pub trait CallScope: Sized + 'static {
    /// What holds while the user's code runs.
    type Entered;
    /// What the outcome is written to.
    type Ending;
    /// What is gathered of a stream's items.
    type Items;

    /// Whether anything holds while the user's code runs, or is to be told how that ends.
    fn holds(&self) -> bool {
        true
    }

    /// Whether somebody will see the outcome.
    fn is_seen(&self) -> bool;

    /// Lets user code run inside the scope.
    fn enter(&self) -> Self::Entered;

    /// The call returned.
    fn returned(self) -> Self::Ending;

    /// The call panicked.
    fn panicked(self, payload: &(dyn Any + Send));

    /// The call ended well, and no more is known.
    fn succeeded(self);

    /// The call answered an error; `debug` prefers its debug form.
    fn failed(self, failure: &dyn Describe, debug: bool);

    /// Begins to gather the items of a stream that was started for at that time.
    fn items(&self, started: Option<Instant>) -> Self::Items;

    /// An item came.
    fn item(_: &mut Self::Items) {}

    /// The stream ended.
    fn streamed(self, items: Self::Items, end: StreamEnd<'_>);
}

/// How a scope ends, told by the result.
pub trait Conclude<S, R> {
    /// Ends the scope.
    fn conclude(self, scope: S, result: &R);
}

/// How a stream came to its end.
#[derive(Clone, Copy)]
pub enum StreamEnd<'a> {
    /// There are no more items.
    Complete,
    /// It was dropped before that.
    Dropped,
    /// It panicked, and the panic goes on.
    Panicked(&'a (dyn Any + Send)),
}
