//! The scope of a call, and how it ends.

use std::any::Any;
use std::time::Instant;

use super::failure::Describe;

/// Observes one call: a span or a measurement. Dropping it without an outcome means that the call was cancelled.
pub trait CallScope: Sized + 'static {
    /// Active while the user's code runs.
    type Entered;
    /// Records the outcome.
    type Ending;
    /// Collects what is recorded of a stream's items.
    type Items;

    /// Whether the scope has to be entered or ended at all.
    fn holds(&self) -> bool {
        true
    }

    /// Whether the outcome is recorded.
    fn is_seen(&self) -> bool;

    /// Whether more than figures is recorded.
    fn is_recorded(&self) -> bool {
        self.is_seen()
    }

    /// The call has returned a future or a stream, which is polled later and perhaps elsewhere.
    fn deferred(&mut self) {}

    /// What the call returned is about to be polled or dropped. The first time, the call adopts what is inherited there.
    #[inline]
    fn resumed(&mut self) {}

    /// The call is about to be dropped before its end.
    fn abandoned(&self) {}

    /// Enters the scope until the returned value is dropped.
    fn enter(&self) -> Self::Entered;

    /// The call returned; its outcome can be recorded.
    fn returned(self) -> Self::Ending;

    /// The call panicked.
    fn panicked(self, payload: &(dyn Any + Send));

    /// The call succeeded, without a value to record.
    fn succeeded(self);

    /// The call returned an error; `debug` prefers its `Debug` form.
    fn failed(self, failure: &dyn Describe, debug: bool);

    /// Starts to collect the items of a stream that was requested at this time.
    fn items(&self, started: Option<Instant>) -> Self::Items;

    /// An item arrived.
    fn item(_: &mut Self::Items) {}

    /// The item is an error.
    fn item_failed(_: &mut Self::Items, _: &dyn Describe) {}

    /// The stream ended.
    fn streamed(self, items: Self::Items, end: StreamEnd<'_>);
}

/// How a scope ends with a result.
pub trait Conclude<S, R> {
    /// Ends the scope, or hands it on to the stream that the call returned. Returns what the function returns.
    fn conclude(self, scope: S, result: R) -> R;
}

/// How the value of an item is recorded.
pub trait ItemOutput<S: CallScope, T> {
    /// An item arrived, which may be an error.
    fn arrived(_: &mut S::Items) {}

    /// The item has this value.
    fn record(value: &T, items: &mut S::Items);
}

/// How a stream ended.
#[derive(Clone, Copy)]
pub enum StreamEnd<'a> {
    /// There are no more items.
    Complete,
    /// It was dropped before its last item.
    Dropped,
    /// It panicked; the panic continues.
    Panicked(&'a (dyn Any + Send)),
}
