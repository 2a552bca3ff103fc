//! The thread's place for a context. When a thread ends, OpenTelemetry's place is given up while values that belong to
//! the thread may still be there, and whoever then asks for it panics, which ends the process.

use opentelemetry::{Context, ContextGuard};

/// Is given up before OpenTelemetry's place, for it came behind it.
struct Place;

impl Drop for Place {
    fn drop(&mut self) {}
}

thread_local! {
    static PLACE: Place = {
        Context::map_current(|_| ());
        Place
    };
}

/// Whether there is such a place still.
pub(crate) fn has_context() -> bool {
    PLACE.try_with(|_| ()).is_ok()
}

/// Looks at the current context, a blank one where the thread has none any more.
pub(crate) fn map_current<R>(look: impl FnOnce(&Context) -> R) -> R {
    if has_context() { Context::map_current(look) } else { look(&Context::new()) }
}

/// A copy of it.
pub(crate) fn current() -> Context {
    map_current(Clone::clone)
}

/// Makes it the current context, if the thread can still have one.
pub(crate) fn attach(context: Context) -> Option<ContextGuard> {
    has_context().then(|| context.attach())
}
