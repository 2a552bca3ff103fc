//! Span processors that keep the books.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use super::Ledger;
use crate::telemetry::settings::Batch;

/// Gathers spans and sends them from a thread of its own.
///
/// The queue is counted here and not in the SDK's processor, which keeps the number of spans that it drops to itself.
#[derive(Debug)]
pub(crate) struct Batched {
    inner: BatchSpanProcessor,
    ledger: Arc<Ledger>,
    waiting: Arc<AtomicUsize>,
    capacity: usize,
}

impl Batched {
    pub(crate) fn new(exporter: impl SpanExporter + 'static, ledger: Arc<Ledger>, batch: &Batch) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        let exporter = Booked { inner: exporter, ledger: ledger.clone(), waiting: waiting.clone() };
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(batch.queue)
            .with_max_export_batch_size(batch.size)
            .with_scheduled_delay(batch.delay)
            .build();
        let inner = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        Batched { inner, ledger, waiting, capacity: batch.queue }
    }

    fn take_place(&self) -> bool {
        let taken = self.waiting.fetch_add(1, Ordering::Relaxed) < self.capacity;
        if !taken {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        taken
    }
}

impl SpanProcessor for Batched {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        self.ledger.generated();
        if self.take_place() {
            self.inner.on_end(span);
        } else {
            self.ledger.dropped("queue full", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that enters every batch in the ledger.
#[derive(Debug)]
struct Booked<E> {
    inner: E,
    ledger: Arc<Ledger>,
    waiting: Arc<AtomicUsize>,
}

impl<E: SpanExporter> Booked<E> {
    /// An exporter that panics would end the thread which sends, and with it all telemetry.
    async fn try_export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut export = pin!(async { self.inner.export(batch).await });
        let panicked = || Poll::Ready(Err(OTelSdkError::InternalFailure("the exporter panicked".to_owned())));
        poll_fn(|context| {
            let poll = AssertUnwindSafe(|| export.as_mut().poll(context));
            catch_unwind(poll).unwrap_or_else(|_| panicked())
        })
        .await
    }
}

impl<E: SpanExporter> SpanExporter for Booked<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let size = batch.len();
        let spans = size as u64;
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        if self.ledger.is_hopeless() {
            self.ledger.dropped("export failed", spans);
            return Ok(());
        }
        let result = self.try_export(batch).await;
        match &result {
            Ok(()) => self.ledger.delivered(spans),
            Err(OTelSdkError::InternalFailure(cause)) => self.ledger.failed(spans, cause),
            Err(error) => self.ledger.failed(spans, &error.to_string()),
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Hands every span on at once, to a processor that cannot fail.
#[derive(Debug)]
pub(crate) struct Immediate<P> {
    pub(crate) inner: P,
    pub(crate) ledger: Arc<Ledger>,
}

impl<P: SpanProcessor> SpanProcessor for Immediate<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.ledger.generated();
            self.ledger.delivered(1);
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// All processors of a provider as one: the SDK would copy a span for each of several, also for the last.
#[derive(Debug, Default)]
pub(crate) struct FanOut {
    pub(crate) processors: Vec<Box<dyn SpanProcessor>>,
    /// The books of spans that no exporter takes.
    pub(crate) uncollected: Vec<Arc<Ledger>>,
}

impl FanOut {
    /// Side by side, so that one which hangs does not take the others' time.
    fn each(&self, act: impl Fn(&dyn SpanProcessor) -> OTelSdkResult + Sync) -> OTelSdkResult {
        let panicked = |_| Err(OTelSdkError::InternalFailure("the processor panicked".to_owned()));
        thread::scope(|scope| {
            let acting: Vec<_> =
                self.processors.iter().map(|processor| scope.spawn(|| act(&**processor))).collect();
            acting.into_iter().map(|acting| acting.join().unwrap_or_else(panicked)).fold(Ok(()), Result::and)
        })
    }
}

impl SpanProcessor for FanOut {
    fn on_start(&self, span: &mut Span, context: &Context) {
        for processor in &self.processors {
            processor.on_start(span, context);
        }
        #[cfg(feature = "testing")]
        crate::testing::route(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        crate::privacy::clean(&mut span);
        if span.span_context.is_sampled() {
            for ledger in &self.uncollected {
                ledger.uncollected();
            }
        }
        #[cfg(feature = "testing")]
        crate::testing::take(&span);
        let Some((last, others)) = self.processors.split_last() else { return };
        for processor in others {
            processor.on_end(span.clone());
        }
        last.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.each(|processor| processor.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.each(|processor| processor.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        for processor in &mut self.processors {
            processor.set_resource(resource);
        }
    }
}
