//! The application's own exporters as outlets. They get each batch once: whether to retry is up to them.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::sender::Outlet;
use super::signal::{Payload, Signal};
use super::transport::Answer;
use super::weigh::Weigh;

/// The signal of spans that are handed over unchanged.
pub(super) struct HandedOver;

impl Signal for HandedOver {
    type Item = SpanData;
    type Payload = Handover;

    fn pack(&mut self, spans: Vec<SpanData>) -> Vec<Handover> {
        let bytes = spans.iter().map(Weigh::bytes).sum();
        vec![Handover { items: spans.len(), bytes, spans }]
    }
}

/// One batch.
pub(super) struct Handover {
    /// Empty once the spans are handed over.
    spans: Vec<SpanData>,
    items: usize,
    bytes: usize,
}

impl Payload for Handover {
    fn items(&self) -> usize {
        self.items
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn halve(self) -> Result<[Self; 2], Self> {
        Err(self)
    }

    fn name_of_first(&self) -> String {
        self.spans.first().map(|span| format!("{:?}", span.name)).unwrap_or_default()
    }
}

/// Hands batches to an exporter, and shuts it down when it is dropped.
pub(super) fn outlet<E: SpanExporter + 'static>(exporter: E) -> Outlet<Handover> {
    let exporter = ShutDownOnDrop(exporter);
    Box::new(move |batch, _| match export(&exporter.0, std::mem::take(&mut batch.spans)) {
        Ok(()) => Answer::accepted(),
        Err(OTelSdkError::InternalFailure(cause)) => Answer::Failed { cause },
        Err(error) => Answer::Failed { cause: error.to_string() },
    })
}

struct ShutDownOnDrop<E: SpanExporter>(E);

impl<E: SpanExporter> Drop for ShutDownOnDrop<E> {
    fn drop(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.0.shutdown()));
    }
}

/// Catches panics: an exporter that panics must not end the thread, and with it all telemetry.
fn export(exporter: &impl SpanExporter, batch: Vec<SpanData>) -> OTelSdkResult {
    let export = AssertUnwindSafe(|| block_on(exporter.export(batch)));
    let panicked = |_| Err(OTelSdkError::InternalFailure("the exporter panicked".to_owned()));
    catch_unwind(export).unwrap_or_else(panicked)
}

/// Waits for a future on this thread. Exporters return futures, but most of them do their work synchronously.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
