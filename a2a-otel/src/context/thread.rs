//! The thread-local storage of the current context. When a thread ends, OpenTelemetry's storage is destroyed while
//! other thread-local values may still exist. If their code then asks for the context, it panics, which ends the
//! process.

use opentelemetry::{Context, ContextGuard};

/// A marker that is destroyed before OpenTelemetry's storage, because it was created after it.
struct StorageMarker;

impl Drop for StorageMarker {
    fn drop(&mut self) {}
}

thread_local! {
    static MARKER: StorageMarker = {
        Context::map_current(|_| ());
        StorageMarker
    };
}

/// Returns whether the storage still exists.
pub(crate) fn has_context() -> bool {
    MARKER.try_with(|_| ()).is_ok()
}

/// Passes the current context to `look`, or an empty one if the storage is gone.
pub(crate) fn map_current<R>(look: impl FnOnce(&Context) -> R) -> R {
    if has_context() { Context::map_current(look) } else { look(&Context::new()) }
}

/// Returns a copy of the current context.
pub(crate) fn current() -> Context {
    map_current(Clone::clone)
}

/// Makes a context the current one, if the storage still exists.
pub(crate) fn attach(context: Context) -> Option<ContextGuard> {
    has_context().then(|| context.attach())
}
