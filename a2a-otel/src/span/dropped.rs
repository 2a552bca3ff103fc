//! Dropping a future before its end: the body is dropped first, inside the scope, then the scope, which records that
//! the call was cancelled.
//!
//! An entered scope belongs to one thread, but a future may move between threads and cannot hold it. So a future has a
//! field before its body, which enters the scope when it is dropped and leaves it in a thread-local list, and a field
//! after its body, which takes it from there.

use std::any::Any;
use std::cell::RefCell;

use super::scope::CallScope;

thread_local! {
    /// The entered scopes of the futures that are being dropped, the innermost last; `None` for a scope without effect.
    static ENTERED: RefCell<Vec<Option<Box<dyn Any>>>> = const { RefCell::new(Vec::new()) };
}

/// The field before the body: the scope, and how it ends.
pub(super) struct BeforeBody<S: CallScope, C>(Option<(S, C)>);

impl<S: CallScope, C> BeforeBody<S, C> {
    pub(super) const fn new(scope: S, conclude: C) -> Self {
        Self(Some((scope, conclude)))
    }

    pub(super) fn scope(&mut self) -> Option<&mut S> {
        self.0.as_mut().map(|(scope, _)| scope)
    }

    /// Takes the scope of a call that has ended, so that dropping the future cancels nothing.
    pub(super) fn take(&mut self, after: &mut AfterBody) -> Option<(S, C)> {
        after.has_ended = true;
        self.0.take()
    }
}

impl<S: CallScope, C> Drop for BeforeBody<S, C> {
    #[inline]
    fn drop(&mut self) {
        if let Some((scope, _)) = self.0.take() {
            enter(scope);
        }
    }
}

#[cold]
fn enter<S: CallScope>(mut scope: S) {
    scope.resumed();
    scope.abandoned();
    // A tuple drops its fields in order: the thread leaves the scope, then the scope ends.
    let entered = scope.holds().then(|| Box::new((scope.enter(), scope)) as _);
    // A thread that is exiting may have destroyed the list already: then the scope ends before the body is dropped.
    let _ = ENTERED.try_with(|all| all.borrow_mut().push(entered));
}

/// The field after the body.
pub(super) struct AfterBody {
    has_ended: bool,
}

impl AfterBody {
    pub(super) const fn new() -> Self {
        Self { has_ended: false }
    }
}

impl Drop for AfterBody {
    #[inline]
    fn drop(&mut self) {
        if !self.has_ended {
            leave();
        }
    }
}

#[cold]
fn leave() {
    // Dropping a scope may drop another future, so the list must not stay borrowed.
    drop(ENTERED.try_with(|all| all.borrow_mut().pop()));
}
