//! Where metrics go, and in what form.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::variables::{
    EXEMPLAR_FILTER, METRICS_CERTIFICATE, METRICS_CLIENT_CERTIFICATE, METRICS_CLIENT_KEY,
    METRICS_COMPRESSION, METRICS_ENDPOINT, METRICS_EXPORTERS, METRICS_HEADERS, METRICS_HISTOGRAMS,
    METRICS_INTERVAL, METRICS_PROTOCOL, METRICS_REQUEST_TIMEOUT, METRICS_SERVER, METRICS_TEMPORALITY,
    METRICS_TIMEOUT, PROMETHEUS_HOST, PROMETHEUS_PORT,
};
use super::{Compression, Endpoint, Headers, Protocol, Tls, endpoint};
use crate::environment::values::header;
use crate::environment::{Environment, Variable};

/// The port that Prometheus reserves for exporters of OpenTelemetry.
const USUAL_PROMETHEUS_PORT: u16 = 9464;

/// Where metrics go besides [`Telemetry::metrics`](crate::telemetry::Handle::metrics), and in what form.
///
/// ```
/// use a2a_otel::Telemetry;
/// use a2a_otel::settings::MetricsExporter;
///
/// let telemetry =
///     Telemetry::builder().metrics_exporters([MetricsExporter::Prometheus]).tracing(false).init()?;
/// assert!(telemetry.settings().metrics.exporters.contains(&MetricsExporter::Prometheus));
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Where they go. If it is empty, they stay in this process.
    pub exporters: BTreeSet<MetricsExporter>,
    /// How often they are sent and printed.
    pub interval: Duration,
    /// How long one export may take, retries not included.
    pub timeout: Duration,
    /// Where they are sent over OTLP. `None` if no receiver of metrics was named: Phoenix takes none.
    pub endpoint: Option<Endpoint>,
    /// How they are sent there.
    pub protocol: Protocol,
    /// Headers of every request, without those for Phoenix.
    pub headers: Headers,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Whether requests are compressed.
    pub compression: Compression,
    /// The certificates of connections over TLS.
    pub tls: Tls,
    /// Whether a request has the values since the start of the process, or since the last request.
    pub temporality: TemporalityPreference,
    /// The kind of histogram that a metric without buckets of its own has.
    pub histograms: HistogramAggregation,
    /// Where the Prometheus endpoint listens.
    pub prometheus_host: String,
    /// The port of the Prometheus endpoint.
    pub prometheus_port: u16,
    /// Which values have exemplars, in OpenMetrics and over OTLP.
    pub exemplars: ExemplarFilter,
    /// Whether code or the environment asks for metrics over OTLP. Otherwise they are only offered to the receiver.
    pub(crate) is_asked_for: bool,
}

/// Where metrics go.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#exporter-selection>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MetricsExporter {
    /// They are sent over OTLP, with the features `otlp` and `metrics`.
    Otlp,
    /// A Prometheus server collects them.
    Prometheus,
    /// They are printed to standard output.
    Console,
}

/// Whether a request has the values since the start of the process, or since the last request.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/#additional-environment-variable-configuration>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemporalityPreference {
    /// Since the start of the process.
    #[default]
    Cumulative,
    /// Since the last request, for counters and histograms.
    Delta,
    /// Since the last request, for counters and histograms that are not observed by a callback.
    LowMemory,
}

/// The kind of histogram that a metric has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistogramAggregation {
    /// With the bounds of the metric, or those of its unit.
    #[default]
    ExplicitBuckets,
    /// With bounds that follow the values: at most 160 buckets, each wider than the one before by a constant factor.
    Base2Exponential,
}

/// Which values have exemplars: a span in which they were measured.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/metrics/sdk/#exemplarfilter>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum ExemplarFilter {
    /// Those that are measured in a sampled span.
    #[default]
    TraceBased,
    /// Those that are measured in any span. A value outside of a span leads nowhere.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

/// The settings of metrics that were made in code.
#[derive(Clone, Default)]
pub(crate) struct MetricsOverrides {
    pub(crate) exporters: Option<Vec<MetricsExporter>>,
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) interval: Option<Duration>,
    pub(crate) temporality: Option<TemporalityPreference>,
    pub(crate) histograms: Option<HistogramAggregation>,
    /// Where metrics are served to Prometheus.
    pub(crate) prometheus: Option<SocketAddr>,
}

/// A part of the list of exporters.
pub(super) type ExporterName = Option<MetricsExporter>;

impl Metrics {
    /// Resolves the settings of metrics. Most variables have a general name that spans use too.
    pub(super) fn resolve(overrides: &MetricsOverrides, environment: &mut Environment<'_>) -> Self {
        let exporters =
            overrides.exporters.clone().map(BTreeSet::from_iter).or_else(|| exporters(environment));
        let protocol = environment.read(&METRICS_PROTOCOL).unwrap_or_default();
        let is_asked_for = exporters.is_some()
            || overrides.endpoint.is_some()
            || environment.text(METRICS_ENDPOINT.names[0]).is_some();
        let endpoint = resolve_endpoint(overrides, environment, protocol);
        let mut exporters =
            exporters.unwrap_or_else(|| endpoint.iter().map(|_| MetricsExporter::Otlp).collect());
        if is_asked_for && endpoint.is_none() && exporters.contains(&MetricsExporter::Otlp) {
            say_that_no_receiver_is_named(environment);
        }
        exporters.extend(overrides.prometheus.map(|_| MetricsExporter::Prometheus));
        let interval = environment.read(&METRICS_INTERVAL).unwrap_or(Duration::from_secs(60));
        Metrics {
            exporters,
            interval: overrides.interval.filter(|interval| !interval.is_zero()).unwrap_or(interval),
            timeout: environment.read(&METRICS_TIMEOUT).unwrap_or(Duration::from_secs(30)),
            endpoint,
            protocol,
            headers: headers(overrides, environment),
            request_timeout: environment.read(&METRICS_REQUEST_TIMEOUT).unwrap_or(Duration::from_secs(10)),
            compression: environment.read(&METRICS_COMPRESSION).unwrap_or(Compression::Gzip),
            tls: Tls {
                certificate: environment.read(&METRICS_CERTIFICATE),
                client_certificate: environment.read(&METRICS_CLIENT_CERTIFICATE),
                client_key: environment.read(&METRICS_CLIENT_KEY),
            },
            temporality: overrides.temporality.or(environment.read(&METRICS_TEMPORALITY)).unwrap_or_default(),
            histograms: overrides.histograms.or(environment.read(&METRICS_HISTOGRAMS)).unwrap_or_default(),
            prometheus_host: overrides
                .prometheus
                .map(|address| address.ip().to_string())
                .or_else(|| environment.read(&PROMETHEUS_HOST))
                .unwrap_or_else(|| "localhost".to_owned()),
            prometheus_port: overrides
                .prometheus
                .map(|address| address.port())
                .or_else(|| environment.read(&PROMETHEUS_PORT))
                .unwrap_or(USUAL_PROMETHEUS_PORT),
            exemplars: environment.read(&EXEMPLAR_FILTER).unwrap_or_default(),
            is_asked_for,
        }
    }

    /// The host and the port at which metrics are served to Prometheus, if they are.
    #[cfg(feature = "metrics")]
    pub(crate) fn listener(&self) -> Option<(&str, u16)> {
        let is_served = self.exporters.contains(&MetricsExporter::Prometheus);
        is_served.then_some((&self.prometheus_host, self.prometheus_port))
    }

    /// The receiver, if metrics are sent over OTLP.
    #[cfg(all(feature = "otlp", feature = "metrics"))]
    pub(crate) fn receiver(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref().filter(|_| self.exporters.contains(&MetricsExporter::Otlp))
    }
}

/// Reads the list of exporters. `none` stands alone.
fn exporters(environment: &mut Environment<'_>) -> Option<BTreeSet<MetricsExporter>> {
    let name = METRICS_EXPORTERS.names[0];
    let text = environment.text(name)?;
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let parts: Vec<_> = parts.map(METRICS_EXPORTERS.parse).collect();
    let read: Vec<ExporterName> = parts.iter().copied().flatten().collect();
    if read.is_empty() {
        environment.reject(name, &text, METRICS_EXPORTERS.accepted, false);
        return None;
    }
    let exporters: BTreeSet<_> = read.iter().copied().flatten().collect();
    let has_none_and_others = read.contains(&None) && !exporters.is_empty();
    if read.len() < parts.len() || has_none_and_others {
        environment.reject_part(name, &text, METRICS_EXPORTERS.accepted, false);
    }
    Some(exporters)
}

fn say_that_no_receiver_is_named(environment: &mut Environment<'_>) {
    // A malformed address is reported already.
    let is_named = |variable: &Variable<Endpoint>| environment.text(variable.names[0]).is_some();
    if ![&METRICS_ENDPOINT, &METRICS_SERVER].into_iter().any(is_named) {
        environment.notice(
            "no metrics are sent over OTLP: no receiver is named; set OTEL_EXPORTER_OTLP_METRICS_ENDPOINT to one that \
             accepts metrics, which Phoenix does not"
                .to_owned(),
        );
    }
}

/// Resolves the receiver of metrics. The address of a Phoenix is none, so neither its variable nor the default of spans
/// counts.
fn resolve_endpoint(
    overrides: &MetricsOverrides,
    environment: &mut Environment<'_>,
    protocol: Protocol,
) -> Option<Endpoint> {
    let from_environment = |variable: &'static Variable<Endpoint>| {
        Some((variable.names[0], environment.text(variable.names[0])?, variable))
    };
    let from_code = overrides.endpoint.clone().map(|text| ("metrics_endpoint", text, &METRICS_SERVER));
    let named = from_code
        .or_else(|| from_environment(&METRICS_ENDPOINT))
        .or_else(|| from_environment(&METRICS_SERVER));
    let (name, text, variable) = named?;
    let Some(endpoint) = (variable.parse)(&text) else {
        // Spans may have reported the same address.
        if !environment.has_rejected(name) {
            let accepted = format!("{}; no metrics are sent", variable.accepted);
            environment.reject(name, &endpoint::shown(&text), &accepted, false);
        }
        return None;
    };
    // OTLP over gRPC has a path of its own.
    let server = endpoint.server_of_metrics().filter(|_| protocol == Protocol::Grpc);
    Some(server.unwrap_or(endpoint))
}

fn headers(overrides: &MetricsOverrides, environment: &mut Environment<'_>) -> Headers {
    let mut headers = Headers::default();
    let mut add = |(name, value): (String, String)| {
        header(&name, &value).map(|(name, value)| headers.0.insert(name, value)).is_some()
    };
    environment.read_list(&METRICS_HEADERS, &mut add);
    if overrides.headers.iter().cloned().map(add).filter(|is_valid| !is_valid).count() > 0 {
        environment.reject_part(
            "metrics_headers",
            "",
            "names and values that HTTP allows, of headers that a request does not set itself",
            true,
        );
    }
    headers
}
