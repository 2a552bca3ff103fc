//! Telemetry that is prepared, and what it changes in the process once it starts.

#[cfg(feature = "metrics")]
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::handle::{Handle, INSTALLED, NamedMeters, Running, Telemetry};
use super::replaced;
use super::spans::{Built, Spans};
use crate::environment::Warning;
#[cfg(feature = "cost")]
use crate::llm::cost;
use crate::lock::lock;
use crate::meter;
#[cfg(feature = "metrics")]
use crate::metrics::prometheus::start_or_report;
#[cfg(feature = "performance")]
use crate::metrics::{Meters, observe_performance};
use crate::pipeline::{Pipeline, SpanPipeline, annotations};
use crate::report::report;
use crate::semconv::SemConv;
use crate::settings::Settings;
use crate::span::Foresight;

/// Telemetry that is ready but not installed.
pub(super) struct Prepared {
    pub(super) running: Running,
    /// The tracer provider of the application's.
    pub(super) tracers: Option<SdkTracerProvider>,
    /// The meter provider of the application's.
    pub(super) meters: Option<Arc<meter::Provider>>,
    /// What the sampler is known to decide.
    pub(super) foresight: Foresight,
    #[cfg(all(unix, feature = "signals"))]
    pub(super) signals: bool,
    pub(super) warnings: Vec<Warning>,
    #[cfg(feature = "cost")]
    pub(super) prices: Option<cost::OwnPrices>,
    #[cfg(feature = "tracing")]
    pub(super) log_filter: Option<tracing_subscriber::filter::Targets>,
}

impl Prepared {
    pub(super) const fn new(running: Running, warnings: Vec<Warning>) -> Self {
        Self {
            running,
            tracers: None,
            meters: None,
            foresight: Foresight { follows_parent: false, samples_roots: false },
            #[cfg(all(unix, feature = "signals"))]
            signals: false,
            warnings,
            #[cfg(feature = "cost")]
            prices: None,
            #[cfg(feature = "tracing")]
            log_filter: None,
        }
    }

    pub(super) fn install(mut self) -> Telemetry {
        self.warnings.iter().for_each(|warning| report(warning));
        self.running.install(self.foresight, self.meters.take());
        #[cfg(feature = "metrics")]
        if let (Some((host, port)), Some(scraper)) =
            (self.running.settings.metrics.listener(), &self.running.scraper)
        {
            *lock(&self.running.listener) = start_or_report(host, port, scraper.clone());
        }
        #[cfg(feature = "cost")]
        cost::install(self.prices.take());
        #[cfg(feature = "tracing")]
        if let Some(filter) = self.log_filter.take() {
            crate::bridge::install(filter);
        }
        let telemetry = self.start();
        match telemetry.0.0.spans {
            // It has no exporters, so a processor that runs has more to show.
            Spans::Theirs(_) => offer(&telemetry),
            _ => *lock(&INSTALLED) = Arc::downgrade(&telemetry.0.0),
        }
        telemetry
    }

    /// Starts telemetry as a processor, which the caller adds to a provider.
    pub(super) fn hand_out(mut self) -> (SpanPipeline, Telemetry) {
        self.warnings.iter().for_each(|warning| report(warning));
        let Running { spans, annotator, settings, .. } = &self.running;
        let Spans::Piped(pipeline) = spans else { return (Pipeline::new(None).processor(), self.start()) };
        let processor = pipeline.processor();
        // Both are about how calls are recorded, before it is known which processors see them.
        crate::capture::set_value_limit(settings.limits.value_length);
        if settings.semconv != SemConv::OpenInference {
            crate::gen_ai::ask_for();
        }
        if let Some(annotator) = annotator {
            annotations::offer(annotator);
        }
        #[cfg(feature = "cost")]
        match self.prices.take() {
            Some(prices) => cost::install(Some(prices)),
            None => cost::expect_spans(),
        }
        let tracers = self.tracers.take();
        if let Some(meters) = self.meters.take() {
            self.running.use_meters(meters);
        }
        crate::span::await_provider(tracers.is_none());
        let telemetry = self.start();
        if let Some(tracers) = tracers {
            telemetry.use_tracer_provider(&tracers);
        }
        offer(&telemetry);
        (processor, telemetry)
    }

    /// Starts telemetry as a pipeline that only takes the traces which are redirected to it.
    #[cfg(all(feature = "evaluation", feature = "otlp"))]
    pub(super) fn hand_out_aside(self) -> Option<(Arc<Pipeline>, Telemetry)> {
        self.warnings.iter().for_each(|warning| report(warning));
        let Spans::Piped(pipeline) = &self.running.spans else { return None };
        let pipeline = pipeline.clone();
        pipeline.start();
        Some((pipeline, self.start()))
    }

    fn start(self) -> Telemetry {
        let telemetry = Telemetry(Handle(Arc::new(self.running)));
        #[cfg(all(unix, feature = "signals"))]
        if self.signals
            && let Err(error) = super::signals::handle_signals(telemetry.handle())
        {
            report(&format_args!(
                "signals will end the process without sending waiting spans: {error}; call shutdown before the process ends"
            ));
        }
        telemetry
    }
}

/// Makes this the telemetry of the process, unless another runs.
fn offer(telemetry: &Telemetry) {
    let mut installed = lock(&INSTALLED);
    if installed.upgrade().is_none_or(|other| other.closed.get().is_some()) {
        *installed = Arc::downgrade(&telemetry.0.0);
    }
}

impl Running {
    pub(super) fn disabled(settings: Settings) -> Self {
        Running {
            settings,
            spans: Spans::Off,
            annotator: None,
            #[cfg(feature = "logs")]
            logger: None,
            #[cfg(feature = "metrics")]
            meters: None,
            #[cfg(feature = "metrics")]
            scraper: None,
            #[cfg(feature = "metrics")]
            listener: Mutex::default(),
            installed: AtomicUsize::new(0),
            named_meters: None,
            closed: OnceLock::new(),
        }
    }

    fn install(&mut self, foresight: Foresight, meters: Option<Arc<meter::Provider>>) {
        // Context is passed on even if telemetry is disabled, so that the traces of others stay whole.
        crate::propagation::install();
        // A provider that is named may have a processor of ours, which keeps the annotations.
        if !matches!(self.spans, Spans::Theirs(_)) {
            annotations::install(self.annotator.clone());
        }
        #[cfg(feature = "logs")]
        crate::pipeline::logs::install(self.logger.clone());
        let provider = match &self.spans {
            Spans::Built(Built { provider, .. }) | Spans::Theirs(provider) => provider,
            Spans::Off | Spans::Piped(_) => return crate::span::disable(),
        };
        crate::capture::set_value_limit(self.settings.limits.value_length);
        crate::privacy::install(&self.settings.privacy);
        // Only our pipeline translates spans.
        let is_translated = matches!(self.spans, Spans::Built(_));
        let semconv = if is_translated { self.settings.semconv } else { SemConv::OpenInference };
        crate::gen_ai::install(semconv, self.settings.gen_ai_version);
        self.activate(provider.tracer_with_scope(crate::gen_ai::scope()), foresight);
        if let Spans::Built(_) = &self.spans {
            replaced::report_tracers();
            global::set_tracer_provider(provider.clone());
        }
        #[cfg(feature = "metrics")]
        meter::exemplars::set_filter(self.settings.metrics.exemplars);
        #[cfg(feature = "metrics")]
        if let Some(own) = &self.meters {
            replaced::report_meters();
            own.install();
        }
        #[cfg(feature = "performance")]
        if self.settings.performance {
            match &meters {
                Some(theirs) => observe_performance(&theirs.meter_with_scope(crate::gen_ai::scope())),
                None => self.meters.iter().for_each(Meters::observe_performance),
            }
        }
        if let Some(meters) = meters {
            self.use_meters(meters);
        }
    }

    /// Measures with a meter provider of the application's, until telemetry ends.
    fn use_meters(&mut self, meters: Arc<meter::Provider>) {
        meter::name_provider(meters.clone());
        self.named_meters = Some(NamedMeters(meters));
    }
}
