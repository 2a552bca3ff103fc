//! Takes the current span, and everything that is inherited, to other tasks and threads.

use super::scope::CARRIED;
use super::{InScope, Proxy, current};

/// `.in_current_span()`, for futures and streams that another task polls.
///
/// ```
/// use a2a_otel::InCurrentSpan as _;
///
/// # async fn search() {}
/// # fn spawn(_: impl Future + Send + 'static) {}
/// spawn(search().in_current_span()); // tokio's, for example
/// ```
pub trait InCurrentSpan: Sized {
    /// Polls it below the span that is current now, with its session and everything else that is inherited.
    /// A scope that is put around it later adds what is not inherited: `with_session("s-1").wrap(search().in_current_span())`.
    fn in_current_span(self) -> InScope<Self> {
        InScope::carrying_current(self)
    }
}

impl<T> InCurrentSpan for T {}

/// Runs a closure below the span that is current now, with its session and everything else that is inherited, on the
/// thread that calls it.
///
/// ```
/// use a2a_otel::in_current_span;
///
/// # fn search() -> u32 { 1 }
/// let found = std::thread::spawn(in_current_span(|| search())).join();
/// # assert_eq!(found.unwrap(), 1);
/// ```
pub fn in_current_span<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let context = current();
    move || {
        let proxy = Proxy::none();
        let _entered = proxy.enter(CARRIED, &context);
        work()
    }
}

/// Spawns a tokio task below the current span, with its session and everything else that is inherited.
///
/// # Panics
///
/// Outside of a runtime, as [`tokio::spawn`] does.
///
/// ```
/// # async fn search() -> u32 { 1 }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let found = a2a_otel::spawn(search()).await;
/// # assert_eq!(found.unwrap(), 1);
/// # }
/// ```
#[cfg(feature = "tokio")]
#[track_caller]
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_span())
}
