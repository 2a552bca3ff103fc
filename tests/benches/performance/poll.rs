//! Measures polling a future inside a span.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use a2a_otel::opentelemetry;
use a2a_otel::opentelemetry::trace::{FutureExt as _, TraceContextExt as _, Tracer as _};
use tracing::Instrument as _;

use crate::call::{fastrace_parent, sdk_tracer, start_fastrace, start_ours, start_tracing};
use crate::measure::Variant;
use crate::rows::{BY_HAND, FASTRACE, OURS, PLAIN, TRACING};

/// A future that is pending this many times.
struct Pending(u32);

impl Future for Pending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 = black_box(self.0 - 1);
        Poll::Pending
    }
}

async fn plain(polls: u32) {
    Pending(polls).await;
}

#[a2a_otel::chain_span(skip_all)]
async fn ours(polls: u32) {
    Pending(polls).await;
}

async fn by_hand(polls: u32) {
    let span = sdk_tracer().start("by_hand");
    Pending(polls).with_context(opentelemetry::Context::current_with_span(span)).await;
}

async fn by_tracing(polls: u32) {
    Pending(polls).instrument(tracing::info_span!("by_tracing")).await;
}

#[fastrace::trace]
async fn by_fastrace(polls: u32) {
    Pending(polls).await;
}

/// One call with many polls, so that the overhead of the span itself is negligible.
fn polled<F: Future + 'static>(name: &'static str, future: fn(u32) -> F) -> Variant {
    Variant::new(name, move |polls| {
        let mut future = pin!(future(polls));
        let mut context = Context::from_waker(Waker::noop());
        while future.as_mut().poll(&mut context).is_pending() {}
    })
}

pub(crate) fn variants() -> Vec<Variant> {
    start_ours();
    start_tracing();
    start_fastrace();
    vec![
        polled(PLAIN, plain),
        polled(OURS, ours),
        polled(BY_HAND, by_hand),
        polled(TRACING, by_tracing),
        Variant { settle: fastrace::flush, ..polled(FASTRACE, by_fastrace) }.inside(|| fastrace_parent(true)),
    ]
}
