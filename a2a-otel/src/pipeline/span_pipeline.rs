//! The whole pipeline as one span processor, for a tracer provider that the application builds.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::Backend;
use super::processors::FanOut;
use crate::lock::lock;
use crate::report::report;

/// The whole pipeline as a span processor for a tracer provider of your own: it reads the spans of other libraries, masks,
/// translates, counts and queues every sampled span of the provider, keeps spans on disk, and sends them.
///
/// [`Builder::processor`](crate::Builder::processor) returns it, together with the [`Telemetry`](crate::Telemetry) that
/// flushes it and says what became of its spans. Other processors of the provider see the spans as they were recorded.
///
/// The pipeline starts when the provider is built, from which it takes the resource. A processor of your own that wraps
/// this one should pass `set_resource` on; otherwise the pipeline starts with its first span, and with the resource of its
/// own settings. A span whose end it keeps to itself counts as still open when telemetry ends.
///
/// ```
/// use a2a_otel::Telemetry;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let (processor, telemetry) = Telemetry::builder().project_name("marketplace").processor()?;
/// let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
/// a2a_otel::opentelemetry::global::set_tracer_provider(provider);
/// # drop(telemetry);
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Debug)]
pub struct SpanPipeline(Arc<Pipeline>);

/// Starts a pipeline with the resource of its provider, if that has said which it is.
type Open = Box<dyn FnOnce(Option<&Resource>) -> Opened + Send>;

/// A pipeline that runs.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) fan_out: FanOut,
    pub(crate) backends: Vec<Backend>,
}

/// A pipeline, which a provider and our telemetry share. Either may end first.
pub(crate) struct Pipeline {
    unopened: Mutex<Option<Open>>,
    /// The thread that opens it.
    opener: OnceLock<ThreadId>,
    /// `None` if it ended before it began, or if telemetry is switched off.
    opened: OnceLock<Option<Opened>>,
    has_ended: AtomicBool,
    /// Whether its telemetry ended before the first span.
    ended_unused: AtomicBool,
    has_reported_limits: AtomicBool,
}

impl Pipeline {
    /// A pipeline that does nothing if there is nothing to open.
    pub(crate) fn new(open: Option<Open>) -> Arc<Self> {
        Arc::new(Self {
            unopened: Mutex::new(open),
            opener: OnceLock::new(),
            opened: OnceLock::new(),
            has_ended: AtomicBool::new(false),
            ended_unused: AtomicBool::new(false),
            has_reported_limits: AtomicBool::new(false),
        })
    }

    pub(crate) fn processor(self: &Arc<Self>) -> SpanPipeline {
        SpanPipeline(self.clone())
    }

    fn open(&self, resource: Option<&Resource>) -> Option<&Opened> {
        // Code of the application's runs while the pipeline opens. A span that it starts would wait for itself.
        if self.opened.get().is_none() && self.opener.get() == Some(&thread::current().id()) {
            return None;
        }
        let open = || {
            let open = lock(&self.unopened).take()?;
            let _ = self.opener.set(thread::current().id());
            Some(open(resource))
        };
        self.opened.get_or_init(open).as_ref()
    }

    /// Starts the pipeline before its first span, for what earlier processes have left.
    #[cfg(all(feature = "evaluation", feature = "otlp"))]
    pub(crate) fn start(&self) {
        self.open(None);
    }

    /// What takes spans. Nothing does once the pipeline has ended.
    #[inline]
    fn opened(&self) -> Option<&Opened> {
        if self.has_ended() {
            return None;
        }
        match self.opened.get() {
            Some(opened) => opened.as_ref(),
            None => self.open(None),
        }
    }

    /// What runs, without starting it.
    fn running(&self) -> Option<&Opened> {
        self.opened.get().and_then(Option::as_ref)
    }

    pub(crate) fn backends(&self) -> &[Backend] {
        self.running().map_or(&[], |opened| &opened.backends)
    }

    /// How many sampled spans have started.
    pub(crate) fn started(&self) -> u64 {
        self.running().map_or(0, |opened| opened.fan_out.started.load(Ordering::Relaxed))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Notes that telemetry has ended before the first span.
    pub(crate) fn ended_unused(&self) {
        self.ended_unused.store(true, Ordering::Relaxed);
    }

    pub(crate) fn flush(&self) -> OTelSdkResult {
        let Some(opened) = self.running() else { return Ok(()) };
        if self.has_ended() { opened.fan_out.flush_queues() } else { opened.fan_out.force_flush() }
    }

    /// Ends the pipeline: for its provider or for telemetry, whichever comes first. A second call only waits.
    pub(crate) fn end(&self, timeout: Duration) -> OTelSdkResult {
        let had_ended = self.has_ended.swap(true, Ordering::Relaxed);
        // One that has not begun never does.
        let Some(opened) = self.opened.get_or_init(|| None) else { return Ok(()) };
        opened.backends.iter().for_each(|backend| backend.shut(timeout));
        if had_ended {
            return opened.fan_out.end_queues(timeout);
        }
        opened.fan_out.shutdown_with_timeout(timeout)
    }

    /// Reports once that the provider has cut a span.
    #[cold]
    fn report_limits(&self, span: &SpanData) {
        if self.has_reported_limits.swap(true, Ordering::Relaxed) {
            return;
        }
        let (attributes, events) = (span.dropped_attributes_count, span.events.dropped_count);
        report(&format_args!(
            "the tracer provider has cut the span {:?}: it keeps {} attributes and has dropped {attributes}, and keeps {} \
             events and has dropped {events}. A long conversation has thousands: build the provider with \
             .with_max_attributes_per_span(10_000).with_max_events_per_span(10_000)",
            span.name,
            span.attributes.len(),
            span.events.len(),
        ));
    }

    /// Reports once that spans are not sent because telemetry has ended before the first one.
    #[cold]
    fn report_unused(&self) {
        if self.ended_unused.swap(false, Ordering::Relaxed) {
            report(
                &"telemetry ended before the first span of its processor, so spans are not sent: `let (processor, _) = ..` \
                  drops it at once. Keep it until the end, as in `let (processor, _telemetry) = ..`",
            );
        }
    }
}

#[cfg(all(feature = "evaluation", feature = "otlp"))]
impl super::redirect::Detour for Pipeline {
    fn begin(&self, span: &mut Span, context: &Context) {
        if let Some(opened) = self.opened() {
            opened.fan_out.begin(span, context);
        }
    }

    fn end(&self, span: SpanData) {
        if let Some(opened) = self.opened() {
            opened.fan_out.end(span);
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("opened", &self.opened).finish_non_exhaustive()
    }
}

impl SpanProcessor for SpanPipeline {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if self.0.ended_unused.load(Ordering::Relaxed) {
            self.0.report_unused();
        }
        if let Some(opened) = self.0.opened() {
            opened.fan_out.on_start(span, context);
        }
    }

    fn on_end(&self, span: SpanData) {
        let Some(opened) = self.0.opened() else { return };
        if span.dropped_attributes_count > 0 || span.events.dropped_count > 0 {
            self.0.report_limits(&span);
        }
        opened.fan_out.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.end(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.open(Some(resource));
    }
}
