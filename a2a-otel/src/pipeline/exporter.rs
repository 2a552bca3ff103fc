//! The thread behind an exporter of the user's.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::ledger::{Ledger, Loss, Origin};
use super::queue::{Amount, Load, Order, Queue};
use crate::settings::Batch;

/// Hands on what waits in the queue until that is closed.
pub(crate) fn run(exporter: &impl SpanExporter, queue: &Queue, ledger: &Ledger, limits: &Batch) {
    let mut next_sweep = Instant::now() + limits.delay;
    loop {
        let mut order = queue.wait(next_sweep.saturating_duration_since(Instant::now()));
        if order != Order::GoOn || Instant::now() >= next_sweep {
            next_sweep = Instant::now() + limits.delay;
            while queue.has_waiting() {
                order = hand_on(exporter, queue, ledger);
            }
        } else if queue.has_batch() {
            order = hand_on(exporter, queue, ledger);
        }
        if matches!(order, Order::Close(_)) && !queue.has_waiting() {
            break;
        }
    }
    let _ = catch_unwind(AssertUnwindSafe(|| exporter.shutdown()));
    queue.finish();
}

fn hand_on(exporter: &impl SpanExporter, queue: &Queue, ledger: &Ledger) -> Order {
    let batch = match queue.take() {
        Load::Items(spans) => spans,
        // Nothing is saved for an exporter whose spans never become bytes of ours.
        Load::Saved(_) => Vec::new(),
    };
    let spans = batch.len() as u64;
    if ledger.is_hopeless() {
        ledger.dropped(Loss::ExportFailed, spans);
    } else {
        match export(exporter, batch) {
            Ok(()) => ledger.delivered(Origin::Here, spans),
            Err(OTelSdkError::InternalFailure(cause)) => ledger.export_failed(spans, &cause),
            Err(error) => ledger.export_failed(spans, &error.to_string()),
        }
    }
    queue.settle(Amount::default());
    queue.order()
}

/// An exporter that panics must not end the thread, and with it all telemetry.
fn export(exporter: &impl SpanExporter, batch: Vec<SpanData>) -> OTelSdkResult {
    let export = AssertUnwindSafe(|| block_on(exporter.export(batch)));
    let panicked = |_| Err(OTelSdkError::InternalFailure("the exporter panicked".to_owned()));
    catch_unwind(export).unwrap_or_else(panicked)
}

/// Exporters are asynchronous by their type, and most of them are not in fact.
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
