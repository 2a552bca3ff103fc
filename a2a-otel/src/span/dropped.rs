//! A future that is dropped before its end: first its body, inside the scope, then the scope, which was cancelled.
//!
//! What a scope enters belongs to a thread, and a future may be sent to another. So it waits on the thread that drops
//! the future, from the field in front of the body to the one after it.

use std::any::Any;
use std::cell::RefCell;

use super::scope::CallScope;

thread_local! {
    /// The scopes of the futures that are being dropped, the innermost last; nothing where the scope holds nothing.
    static ENTERED: RefCell<Vec<Option<Box<dyn Any>>>> = const { RefCell::new(Vec::new()) };
}

/// A scope and what becomes of it, in front of the body.
pub(super) struct BeforeBody<S: CallScope, C>(Option<(S, C)>);

impl<S: CallScope, C> BeforeBody<S, C> {
    pub(super) const fn new(scope: S, conclude: C) -> Self {
        Self(Some((scope, conclude)))
    }

    pub(super) fn scope(&self) -> Option<&S> {
        self.0.as_ref().map(|(scope, _)| scope)
    }

    /// The call has ended, and there is nothing left to cancel.
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
fn enter<S: CallScope>(scope: S) {
    // A tuple, too, is dropped in its order.
    let entered = scope.holds().then(|| Box::new((scope.enter(), scope)) as _);
    // A thread that ends may have no such place any more: then the scope ends before the body.
    let _ = ENTERED.try_with(|all| all.borrow_mut().push(entered));
}

/// What is after the body.
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
    // What is dropped may be a future itself, so the list is not held.
    drop(ENTERED.try_with(|all| all.borrow_mut().pop()));
}
