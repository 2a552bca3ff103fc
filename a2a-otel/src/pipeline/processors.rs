//! Span processors that count spans and pass them on.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceFlags};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

#[cfg(feature = "metrics")]
use super::census::Census;
use super::ledger::{Ledger, Loss, Origin, Whereabouts};
use super::queue::{Queue, Refusal};
#[cfg(all(feature = "evaluation", feature = "otlp"))]
use super::redirect::{self, Direction};
use crate::semconv::markers::SUPPRESSED;

/// The longest time that a flush takes if the caller sets no limit.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Puts spans into a queue that another thread empties.
#[derive(Debug)]
pub(crate) struct Queued<Saved> {
    queue: Arc<Queue<SpanData, Saved>>,
    ledger: Arc<Ledger>,
}

impl<Saved> Queued<Saved> {
    /// If no thread can be started, the spans wait in the queue and are counted as lost on shutdown.
    pub(crate) fn new(
        queue: Arc<Queue<SpanData, Saved>>,
        ledger: Arc<Ledger>,
        empty: impl FnOnce() + Send + 'static,
    ) -> Self {
        let _ = thread::Builder::new().name("a2a-otel-sender".to_owned()).spawn(empty);
        Queued { queue, ledger }
    }
}

impl<Saved: Debug + Send> SpanProcessor for Queued<Saved> {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        match self.queue.push(span, || self.ledger.enter(1)) {
            Ok(()) => {}
            Err(Refusal::Full) => self.ledger.queue_full(1),
            Err(Refusal::Closed) => self.ledger.turn_away(Loss::TooLate, 1),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let is_over = self.queue.flush(FLUSH_TIMEOUT);
        if is_over { Ok(()) } else { Err(OTelSdkError::Timeout(FLUSH_TIMEOUT)) }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let is_finished = self.queue.close(timeout);
        if is_finished { Ok(()) } else { Err(OTelSdkError::Timeout(timeout)) }
    }
}

/// Passes every span on immediately, to a processor that cannot fail.
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
            self.ledger.enter(1);
            self.ledger.delivered(Whereabouts { origin: Origin::Here, is_on_disk: false }, 1);
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

/// Completes an ended span before any processor sees it: the steps, in their order. The caller of the pipeline knows them.
struct Finish(Box<dyn Fn(&mut SpanData) + Send + Sync>);

impl Debug for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finish")
    }
}

/// Combines all processors of a provider into one, because the SDK copies a span for each processor, even for the last.
#[derive(Debug)]
pub(crate) struct FanOut {
    finish: Finish,
    pub(crate) processors: Vec<Box<dyn SpanProcessor>>,
    /// Processors that only need sampled spans that have ended.
    pub(crate) queues: Vec<Box<dyn SpanProcessor>>,
    /// The ledgers of spans that no exporter gets.
    pub(crate) uncollected: Vec<Arc<Ledger>>,
    /// How many sampled spans have started.
    pub(crate) started: Arc<AtomicU64>,
    #[cfg(feature = "metrics")]
    pub(crate) census: Option<Arc<Census>>,
}

impl FanOut {
    pub(crate) fn new(finish: impl Fn(&mut SpanData) + Send + Sync + 'static) -> Self {
        FanOut {
            finish: Finish(Box::new(finish)),
            processors: Vec::new(),
            queues: Vec::new(),
            uncollected: Vec::new(),
            started: Arc::default(),
            #[cfg(feature = "metrics")]
            census: None,
        }
    }

    /// Takes back that a span has started. Processors that have seen it start see an end that is not sampled.
    fn forget(&self, mut span: SpanData) {
        let place = &span.span_context;
        if place.is_sampled() {
            self.started.fetch_sub(1, Ordering::Relaxed);
        }
        #[cfg(feature = "a2a")]
        drop(super::witness::forget(&span));
        span.span_context = SpanContext::new(
            place.trace_id(),
            place.span_id(),
            TraceFlags::default(),
            place.is_remote(),
            place.trace_state().clone(),
        );
        for processor in &self.processors {
            processor.on_end(span.clone());
        }
    }

    /// Flushes the queues alone, once the processors have ended.
    pub(crate) fn flush_queues(&self) -> OTelSdkResult {
        each(&[&self.queues], |queue| queue.force_flush())
    }

    /// Ends the queues alone, once the processors have ended.
    pub(crate) fn end_queues(&self, timeout: Duration) -> OTelSdkResult {
        each(&[&self.queues], |queue| queue.shutdown_with_timeout(timeout))
    }
}

/// Runs processors in parallel, so that one that hangs does not use up the others' time.
fn each(
    lists: &[&[Box<dyn SpanProcessor>]],
    act: impl Fn(&dyn SpanProcessor) -> OTelSdkResult + Sync,
) -> OTelSdkResult {
    let panicked = |_| Err(OTelSdkError::InternalFailure("the processor panicked".to_owned()));
    let act = &act;
    thread::scope(|scope| {
        let acting: Vec<_> =
            lists.iter().copied().flatten().map(|processor| scope.spawn(move || act(&**processor))).collect();
        acting.into_iter().map(|acting| acting.join().unwrap_or_else(panicked)).fold(Ok(()), Result::and)
    })
}

/// Whether the call of this span was suppressed after it had begun.
fn is_suppressed(span: &SpanData) -> bool {
    span.attributes.last().is_some_and(|last| last.key.as_str() == SUPPRESSED)
}

impl FanOut {
    /// A span of this pipeline has started.
    pub(super) fn begin(&self, span: &mut Span, context: &Context) {
        if opentelemetry::trace::Span::span_context(span).is_sampled() {
            self.started.fetch_add(1, Ordering::Relaxed);
        }
        #[cfg(feature = "metrics")]
        if let Some(census) = &self.census {
            census.started();
        }
        for processor in &self.processors {
            processor.on_start(span, context);
        }
        #[cfg(feature = "a2a")]
        super::witness::started(span, context);
        #[cfg(feature = "testing")]
        super::watcher::started(span, context);
    }

    /// A span of this pipeline has ended.
    pub(super) fn end(&self, mut span: SpanData) {
        #[cfg(feature = "metrics")]
        if let Some(census) = &self.census {
            census.ended();
        }
        if is_suppressed(&span) {
            return self.forget(span);
        }
        (self.finish.0)(&mut span);
        #[cfg(feature = "a2a")]
        super::witness::ended(&span);
        #[cfg(feature = "testing")]
        super::watcher::ended(&span);
        let is_sampled = span.span_context.is_sampled();
        if is_sampled {
            for ledger in &self.uncollected {
                ledger.turn_away(Loss::NoExporter, 1);
            }
        }
        let queues = if is_sampled { &*self.queues } else { &[] };
        let mut processors = self.processors.iter().chain(queues);
        let Some(last) = processors.next_back() else { return };
        processors.for_each(|processor| processor.on_end(span.clone()));
        last.on_end(span);
    }
}

impl SpanProcessor for FanOut {
    fn on_start(&self, span: &mut Span, context: &Context) {
        #[cfg(all(feature = "evaluation", feature = "otlp"))]
        match redirect::started(span, context) {
            Direction::Here => {}
            Direction::To(other) => return other.begin(span, context),
            Direction::Nowhere => return,
        }
        self.begin(span, context);
    }

    fn on_end(&self, span: SpanData) {
        #[cfg(all(feature = "evaluation", feature = "otlp"))]
        match redirect::ended(span.span_context.span_id()) {
            Direction::Here => {}
            Direction::To(other) => return other.end(span),
            Direction::Nowhere => return,
        }
        self.end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        each(&[&self.processors, &self.queues], |processor| processor.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        each(&[&self.processors, &self.queues], |processor| processor.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        for processor in self.processors.iter_mut().chain(&mut self.queues) {
            processor.set_resource(resource);
        }
    }
}
