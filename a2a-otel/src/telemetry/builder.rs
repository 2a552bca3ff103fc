//! Builds telemetry from its settings: exporters, providers, and what is global.

#[cfg(feature = "metrics")]
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::trace::{
    SdkTracerProvider, ShouldSample, SpanExporter, SpanProcessor, TracerProviderBuilder,
};

use super::handle::Telemetry;
use super::install::Prepared;
use crate::environment::process_environment;
use crate::meter;
use crate::pipeline::SpanPipeline;
use crate::pipeline::destination::Destination;
use crate::privacy::Privacy;
use crate::semconv::{GenAiVersion, SemConv};
use crate::settings::{HistogramAggregation, MetricsExporter, Overrides, Spool, TemporalityPreference, Tls};

/// Why the strict form of `init` did not start telemetry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// A setting cannot be used.
    #[error("{0}")]
    Malformed(String),
}

/// Configures telemetry in code, which takes precedence over the environment.
///
/// ```
/// use a2a_otel::Telemetry;
///
/// let telemetry = Telemetry::builder()
///     .service_name("product-agent")
///     .project_name("marketplace")
///     .endpoint("http://localhost:6006")
///     .headers([("x-team", "shop")])
///     .tracing(false)
///     .init()?;
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[must_use = "a builder does nothing until `init`"]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own, and some are behind features")]
pub struct Builder {
    pub(super) overrides: Overrides,
    pub(super) provider: TracerProviderBuilder,
    pub(super) has_sampler: bool,
    pub(super) processors: Vec<Box<dyn SpanProcessor>>,
    pub(super) destinations: Vec<Destination>,
    /// The application's own tracer provider.
    pub(super) tracers: Option<SdkTracerProvider>,
    /// The application's own meter provider.
    pub(super) meters: Option<Arc<meter::Provider>>,
    /// Whether telemetry becomes a processor of the application's own tracer provider.
    pub(super) is_processor: bool,
    /// Other receivers and their headers.
    #[cfg(feature = "otlp")]
    pub(super) others: Vec<(String, Vec<(String, String)>)>,
    #[cfg(all(unix, feature = "signals"))]
    pub(super) signals: bool,
    pub(super) metrics: bool,
    pub(super) tracing: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            overrides: Overrides::default(),
            provider: TracerProviderBuilder::default(),
            has_sampler: false,
            processors: Vec::new(),
            destinations: Vec::new(),
            tracers: None,
            meters: None,
            is_processor: false,
            #[cfg(feature = "otlp")]
            others: Vec::new(),
            #[cfg(all(unix, feature = "signals"))]
            signals: false,
            metrics: true,
            tracing: true,
        }
    }
}

impl Builder {
    /// Sets the name of the service: the resource attribute `service.name`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.overrides.service_name = Some(name.into());
        self
    }

    /// Sets the Phoenix project that the traces go to.
    pub fn project_name(mut self, name: impl Into<String>) -> Self {
        self.overrides.project_name = Some(name.into());
        self
    }

    /// Sets where traces are sent, with the feature `otlp`: the address of a Phoenix or collector, with or without
    /// `/v1/traces`.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.overrides.endpoint = Some(endpoint.into());
        self
    }

    /// Adds headers to every request.
    pub fn headers<N, V>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        self.overrides.headers.extend(headers.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets the certificates of TLS connections. The environment supplies those that are not set here.
    ///
    /// ```
    /// use a2a_otel::Telemetry;
    /// use a2a_otel::telemetry::settings::Tls;
    ///
    /// let tls = Tls { certificate: Some("/etc/shop/authority.pem".into()), ..Tls::default() };
    /// let builder = Telemetry::builder().endpoint("https://phoenix.shop.internal").tls(tls);
    /// ```
    pub fn tls(mut self, tls: Tls) -> Self {
        self.overrides.tls = tls;
        self
    }

    /// Sets the sampler, which decides what traces are recorded, instead of `OTEL_TRACES_SAMPLER`.
    ///
    /// ```
    /// use opentelemetry_sdk::trace::Sampler;
    ///
    /// let builder = a2a_otel::Telemetry::builder().sampler(Sampler::TraceIdRatioBased(0.1));
    /// ```
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.provider = self.provider.with_sampler(sampler);
        self.has_sampler = true;
        self
    }

    /// Adds an exporter, to which spans are sent instead of the configured endpoint. Each exporter gets every span.
    ///
    /// ```
    /// use opentelemetry_sdk::error::OTelSdkResult;
    /// use opentelemetry_sdk::trace::{SpanData, SpanExporter};
    ///
    /// #[derive(Debug)]
    /// struct Names;
    ///
    /// impl SpanExporter for Names {
    ///     async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
    ///         batch.iter().for_each(|span| println!("{}", span.name));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let builder = a2a_otel::Telemetry::builder().span_exporter(Names);
    /// ```
    pub fn span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.destinations.push(Destination::custom(exporter));
        self
    }

    /// Adds a processor, which sees every span in addition to the exporters.
    ///
    /// ```
    /// use a2a_otel::{Telemetry, TreePrinter};
    ///
    /// let builder = Telemetry::builder().span_processor(TreePrinter::stderr());
    /// ```
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Makes the spans of the attribute macros and of the `tracing` bridge with a provider of your own, which need not be the
    /// global one. Then `init` neither builds nor sets a tracer provider, and spans go where the provider's processors send
    /// them: settings of endpoints, exporters, the sampler, limits, the spool and conventions have no effect. Masks hold for
    /// what these calls record; a redactor is refused, because it needs our pipeline. The guard flushes the provider when it
    /// ends, and leaves it to you to shut it down.
    ///
    /// To send its spans with our pipeline too, give the provider the processor of [`processor`](Self::processor).
    ///
    /// ```
    /// use a2a_otel::Telemetry;
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let telemetry = Telemetry::builder().tracer_provider(provider.clone()).tracing(false).init()?;
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn tracer_provider(mut self, provider: SdkTracerProvider) -> Self {
        self.tracers = Some(provider);
        self
    }

    /// Records the metrics of the attribute macros and of telemetry itself with a provider of your own, which need not be the
    /// global one, until telemetry ends. Then `init` neither builds nor sets a meter provider, and
    /// [`Handle::metrics`](crate::Handle::metrics) and the settings of metrics have nothing to show.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use a2a_otel::Telemetry;
    /// use a2a_otel::opentelemetry::metrics::noop::NoopMeterProvider;
    ///
    /// let builder = Telemetry::builder().meter_provider(NoopMeterProvider::new());
    /// ```
    pub fn meter_provider(mut self, provider: impl MeterProvider + Send + Sync + 'static) -> Self {
        self.meters = Some(Arc::new(provider));
        self
    }

    /// Sets what must not leave the process. The environment supplies what is not set here.
    ///
    /// ```
    /// use a2a_otel::{Privacy, Telemetry};
    ///
    /// let builder = Telemetry::builder().privacy(Privacy::new().hide_inputs(true));
    /// ```
    pub fn privacy(mut self, privacy: Privacy) -> Self {
        self.overrides.privacy = privacy;
        self
    }

    /// Keeps spans that cannot be sent yet on disk, instead of `A2A_OTEL_SPOOL_DIR`: during an outage, and after the
    /// end of the process, when the next one sends them.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().spool("/var/lib/shop/spans");
    /// ```
    pub fn spool(mut self, spool: impl Into<Spool>) -> Self {
        self.overrides.spool = Some(spool.into());
        self
    }

    /// Keeps nothing on disk and sends nothing that is there, even if `A2A_OTEL_SPOOL_DIR` names a folder: for tools that
    /// run beside an agent, and must not touch what the agent has saved.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().without_spool();
    /// ```
    pub fn without_spool(mut self) -> Self {
        self.overrides.without_spool = true;
        self
    }

    /// Sets the conventions that spans follow, instead of `A2A_OTEL_SEMCONV`.
    ///
    /// ```
    /// use a2a_otel::{SemConv, Telemetry};
    ///
    /// let builder = Telemetry::builder().semconv(SemConv::GenAi);
    /// ```
    pub fn semconv(mut self, semconv: SemConv) -> Self {
        self.overrides.semconv = Some(semconv);
        self
    }

    /// Sets the version of the GenAI conventions, instead of `OTEL_SEMCONV_STABILITY_OPT_IN`. It matters with
    /// [`SemConv::GenAi`] and [`SemConv::Both`].
    ///
    /// ```
    /// use a2a_otel::semconv::GenAiVersion;
    /// use a2a_otel::{SemConv, Telemetry};
    ///
    /// let builder = Telemetry::builder().semconv(SemConv::GenAi).gen_ai_version(GenAiVersion::V0_1_0);
    /// ```
    pub fn gen_ai_version(mut self, version: GenAiVersion) -> Self {
        self.overrides.gen_ai_version = Some(version);
        self
    }

    /// Adds another OTLP receiver, to which spans are also sent. Each receiver has its own queue, and none affects the
    /// others. Settings that are not given here are those of the first receiver.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder()
    ///     .endpoint("http://localhost:6006")
    ///     .also_to("https://collector.example.com", [("x-api-key", "secret")]);
    /// ```
    #[cfg(feature = "otlp")]
    pub fn also_to<N, V>(
        mut self,
        endpoint: impl Into<String>,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self.others.push((endpoint.into(), headers));
        self
    }

    /// Sets whether SIGTERM and SIGINT send what is waiting before they end the process, with the feature `signals`. By
    /// default they do not. If your program handles these signals itself, call
    /// [`Handle::shutdown`](crate::Handle::shutdown) there instead.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().shutdown_on_signals(true);
    /// ```
    #[cfg(all(unix, feature = "signals"))]
    pub fn shutdown_on_signals(mut self, signals: bool) -> Self {
        self.signals = signals;
        self
    }

    /// Sets whether metrics are collected, with the feature `metrics`. By default they are.
    pub fn metrics(mut self, metrics: bool) -> Self {
        self.metrics = metrics;
        self
    }

    /// Sets where metrics go, instead of `OTEL_METRICS_EXPORTER`, with the feature `metrics`. An empty list keeps them in
    /// this process. By default, they are sent to the OTLP receiver that [`metrics_endpoint`](Self::metrics_endpoint),
    /// `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` names, if one does.
    ///
    /// ```
    /// use a2a_otel::Telemetry;
    /// use a2a_otel::settings::MetricsExporter;
    ///
    /// let builder = Telemetry::builder().metrics_exporters([MetricsExporter::Console]);
    /// ```
    pub fn metrics_exporters(mut self, exporters: impl IntoIterator<Item = MetricsExporter>) -> Self {
        self.overrides.metrics.exporters = Some(exporters.into_iter().collect());
        self
    }

    /// Sets where metrics are sent over OTLP: the address of a receiver, with or without `/v1/metrics`. Phoenix accepts
    /// no metrics.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().metrics_endpoint("http://localhost:4318");
    /// ```
    pub fn metrics_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.overrides.metrics.endpoint = Some(endpoint.into());
        self
    }

    /// Adds headers to every request with metrics. Those of [`headers`](Self::headers) are only for spans.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().metrics_headers([("x-api-key", "secret")]);
    /// ```
    pub fn metrics_headers<N, V>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.overrides.metrics.headers.extend(headers);
        self
    }

    /// Sets how often metrics are sent and printed, instead of `OTEL_METRIC_EXPORT_INTERVAL`. By default, as OpenTelemetry
    /// specifies, every 60 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = a2a_otel::Telemetry::builder().metrics_interval(Duration::from_secs(10));
    /// ```
    ///
    /// Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#periodic-exporting-metricreader>.
    pub fn metrics_interval(mut self, interval: Duration) -> Self {
        self.overrides.metrics.interval = Some(interval);
        self
    }

    /// Sets whether the receiver gets the values since the start of the process or since the last request, instead of
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`.
    ///
    /// ```
    /// use a2a_otel::Telemetry;
    /// use a2a_otel::settings::TemporalityPreference;
    ///
    /// let builder = Telemetry::builder().metrics_temporality(TemporalityPreference::Delta);
    /// ```
    pub fn metrics_temporality(mut self, temporality: TemporalityPreference) -> Self {
        self.overrides.metrics.temporality = Some(temporality);
        self
    }

    /// Sets the kind of histograms, instead of `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`.
    ///
    /// ```
    /// use a2a_otel::Telemetry;
    /// use a2a_otel::settings::HistogramAggregation;
    ///
    /// let builder = Telemetry::builder().metrics_histograms(HistogramAggregation::Base2Exponential);
    /// ```
    pub fn metrics_histograms(mut self, histograms: HistogramAggregation) -> Self {
        self.overrides.metrics.histograms = Some(histograms);
        self
    }

    /// Sets how many different sets of attributes each metric may have, from 1 to 1,000,000, instead of
    /// `A2A_OTEL_CARDINALITY_LIMIT`. By default, as OpenTelemetry specifies, 2,000. Values with further ones are counted
    /// together, with the attribute `otel.metric.overflow`, which is reported once for each metric.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().cardinality_limit(10_000);
    /// ```
    ///
    /// Source: <https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits>.
    pub fn cardinality_limit(mut self, limit: usize) -> Self {
        self.overrides.cardinality_limit = Some(limit);
        self
    }

    /// Serves the metrics of this process to Prometheus, at `/metrics` of this address, with the feature `metrics`. With
    /// port 0, any that is free is used; [`Handle::prometheus_address`](crate::Handle::prometheus_address) returns it. If
    /// the address cannot be used, that is reported, and everything else works. A program that has an HTTP server can
    /// serve them with `http::metrics()` instead.
    ///
    /// ```
    /// let telemetry = a2a_otel::Telemetry::builder()
    ///     .prometheus_listener(([127, 0, 0, 1], 0))
    ///     .tracing(false)
    ///     .init()?;
    /// println!("http://{}/metrics", telemetry.prometheus_address().unwrap());
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[cfg(feature = "metrics")]
    pub fn prometheus_listener(mut self, address: impl Into<SocketAddr>) -> Self {
        self.overrides.metrics.prometheus = Some(address.into());
        self
    }

    /// Sets the file of your own prices of models, instead of `A2A_OTEL_PRICES`, with the feature `cost`. They take
    /// precedence over those of the price list. [`docs/metrics.md`](crate::guide::metrics) describes the file.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().prices("/etc/shop/prices.json");
    /// ```
    #[cfg(feature = "cost")]
    pub fn prices(mut self, file: impl Into<std::path::PathBuf>) -> Self {
        self.overrides.prices = Some(file.into());
        self
    }

    /// Sets whether the process and the tokio runtime in which `init` is called are measured, instead of
    /// `A2A_OTEL_PERFORMANCE`, with the feature `performance`. By default they are.
    ///
    /// ```
    /// let builder = a2a_otel::Telemetry::builder().performance(false);
    /// ```
    #[cfg(feature = "performance")]
    pub fn performance(mut self, performance: bool) -> Self {
        self.overrides.performance = Some(performance);
        self
    }

    /// Sets whether a global subscriber of the `tracing` crate is installed, with the feature `tracing`, which bridges
    /// `tracing` and prints log lines. By default it is. An application that sets one itself, before or after, switches
    /// it off, and adds `tracing_layer()` to its own.
    pub fn tracing(mut self, tracing: bool) -> Self {
        self.tracing = tracing;
        self
    }

    /// Starts telemetry.
    ///
    /// # Errors
    ///
    /// If a setting, in code or environment, cannot be used.
    ///
    /// ```
    /// let error = a2a_otel::Telemetry::builder().endpoint("phoenix:6006").init().unwrap_err();
    /// assert!(error.to_string().contains("http(s)://host[:port][/path]"));
    /// ```
    pub fn init(self) -> Result<Telemetry, InitError> {
        checked(self.prepare(&process_environment)).map(Prepared::install)
    }

    /// Starts telemetry with whatever settings can be used, as [`init`](crate::init) does: what is wrong with the
    /// others is reported on standard error.
    ///
    /// ```
    /// use a2a_otel::{Telemetry, TreePrinter};
    ///
    /// let telemetry = Telemetry::builder().span_processor(TreePrinter::stderr()).tracing(false).start();
    /// ```
    pub fn start(self) -> Telemetry {
        self.prepare(&process_environment).install()
    }

    /// Starts telemetry as a span processor, for a tracer provider that the application builds itself: with masks, the GenAI
    /// conventions, the spans of other libraries, the queue, the spool and the account. Nothing global is touched: neither
    /// providers nor the propagator nor the subscriber of the `tracing` crate.
    ///
    /// The provider samples and limits the spans, so that `sampler(..)` is refused. Its resource is used, and what it lacks is
    /// taken from these settings. Masks and conventions hold for what this processor sends, and several processors may
    /// have different ones. Metrics and log records are not sent: calls are measured with the global meter provider, or with
    /// that of [`meter_provider`](Self::meter_provider), which also gets the figures of the pipeline.
    ///
    /// # Errors
    ///
    /// If a setting, in code or environment, cannot be used.
    ///
    /// ```
    /// use a2a_otel::opentelemetry::global;
    /// use a2a_otel::Telemetry;
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    ///
    /// let (processor, telemetry) = Telemetry::builder().endpoint("http://localhost:6006").processor()?;
    /// let provider = SdkTracerProvider::builder()
    ///     .with_max_attributes_per_span(10_000)
    ///     .with_span_processor(processor)
    ///     .build();
    /// global::set_tracer_provider(provider.clone());
    /// // ... the agents run ...
    /// let _ = provider.shutdown();
    /// println!("{}", telemetry.shutdown(std::time::Duration::from_secs(5)));
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn processor(self) -> Result<(SpanPipeline, Telemetry), InitError> {
        checked(self.for_theirs().prepare(&process_environment)).map(Prepared::hand_out)
    }

    /// Starts telemetry as a span processor like [`processor`](Self::processor), with whatever settings can be used: what is
    /// wrong with the others is reported on standard error.
    ///
    /// ```
    /// use a2a_otel::{Telemetry, TreePrinter};
    ///
    /// let (processor, _telemetry) =
    ///     Telemetry::builder().span_processor(TreePrinter::stderr()).start_processor();
    /// ```
    pub fn start_processor(self) -> (SpanPipeline, Telemetry) {
        self.for_theirs().prepare(&process_environment).hand_out()
    }

    pub(super) fn for_theirs(self) -> Self {
        // A subscriber would be global.
        Builder { is_processor: true, metrics: false, tracing: false, ..self }
    }
}

/// Refuses settings that cannot be used.
fn checked(prepared: Prepared) -> Result<Prepared, InitError> {
    match prepared.warnings.iter().find(|warning| warning.is_malformed()) {
        Some(warning) => Err(InitError::Malformed(warning.to_string())),
        None => Ok(prepared),
    }
}
