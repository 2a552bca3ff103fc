//! How the settings of metrics are resolved.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::endpoint::{self, Endpoint};
use super::variables::{
    EXEMPLAR_FILTER, METRICS_CERTIFICATE, METRICS_CLIENT_CERTIFICATE, METRICS_CLIENT_KEY,
    METRICS_COMPRESSION, METRICS_ENDPOINT, METRICS_EXPORTERS, METRICS_HEADERS, METRICS_HISTOGRAMS,
    METRICS_INTERVAL, METRICS_PROTOCOL, METRICS_REQUEST_TIMEOUT, METRICS_SERVER, METRICS_TEMPORALITY,
    METRICS_TIMEOUT, PROMETHEUS_HOST, PROMETHEUS_PORT,
};
use super::{
    Compression, Headers, HistogramAggregation, Metrics, MetricsExporter, Protocol, TemporalityPreference,
    Tls,
};
use crate::environment::values::header;
use crate::environment::{Environment, Variable};

/// The port that Prometheus reserves for exporters of OpenTelemetry.
const USUAL_PROMETHEUS_PORT: u16 = 9464;

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

impl Metrics {
    /// Resolves where metrics go. Most variables have a general name that spans use too.
    pub(super) fn resolve(
        overrides: &MetricsOverrides,
        tls: &Tls,
        environment: &mut Environment<'_>,
    ) -> Self {
        let exporters =
            overrides.exporters.clone().map(BTreeSet::from_iter).or_else(|| exporters(environment));
        let protocol = environment.read(&METRICS_PROTOCOL).unwrap_or_default();
        let is_asked_for = exporters.is_some()
            || overrides.endpoint.is_some()
            || environment.text(METRICS_ENDPOINT.names[0]).is_some();
        let endpoint = resolve_endpoint(overrides, environment, protocol);
        let mut exporters = exporters.unwrap_or_else(|| usual_exporters(endpoint.as_ref()));
        exporters.extend(overrides.prometheus.map(|_| MetricsExporter::Prometheus));
        if endpoint.is_none() && overrides.endpoint.is_none() && exporters.contains(&MetricsExporter::Otlp) {
            say_that_no_receiver_is_named(environment);
        }
        let interval = environment.read(&METRICS_INTERVAL).unwrap_or(Duration::from_secs(60));
        let (host, port) = (environment.read(&PROMETHEUS_HOST), environment.read(&PROMETHEUS_PORT));
        let prometheus_host = overrides.prometheus.map(|address| address.ip().to_string()).or(host);
        let prometheus_port = overrides.prometheus.map(|address| address.port()).or(port);
        Metrics {
            exporters,
            interval: overrides.interval.filter(|interval| !interval.is_zero()).unwrap_or(interval),
            timeout: environment.read(&METRICS_TIMEOUT).unwrap_or(Duration::from_secs(30)),
            endpoint,
            protocol,
            headers: headers(overrides, environment),
            request_timeout: environment.read(&METRICS_REQUEST_TIMEOUT).unwrap_or(Duration::from_secs(10)),
            compression: environment.read(&METRICS_COMPRESSION).unwrap_or(Compression::Gzip),
            tls: metrics_tls(tls, environment),
            temporality: overrides.temporality.or(environment.read(&METRICS_TEMPORALITY)).unwrap_or_default(),
            histograms: overrides.histograms.or(environment.read(&METRICS_HISTOGRAMS)).unwrap_or_default(),
            prometheus_host: prometheus_host.unwrap_or_else(|| "localhost".to_owned()),
            prometheus_port: prometheus_port.unwrap_or(USUAL_PROMETHEUS_PORT),
            exemplars: environment.read(&EXEMPLAR_FILTER).unwrap_or_default(),
            is_asked_for,
        }
    }

    /// The host and the port at which metrics are served to Prometheus, if they are.
    #[cfg(feature = "metrics")]
    pub(crate) fn listener(&self) -> Option<(&str, u16)> {
        let is_served = self.exporters.contains(&MetricsExporter::Prometheus);
        is_served.then_some((&*self.prometheus_host, self.prometheus_port))
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
    let read: Vec<_> = parts.iter().copied().flatten().collect();
    if read.is_empty() {
        environment.reject(name, &text, METRICS_EXPORTERS.accepted, false);
        return None;
    }
    let exporters: BTreeSet<_> = read.iter().copied().flatten().copied().collect();
    let has_none_and_others = read.iter().any(|part| part.is_empty()) && !exporters.is_empty();
    if read.len() < parts.len() || has_none_and_others {
        environment.reject_part(name, &text, METRICS_EXPORTERS.accepted, false);
    }
    Some(exporters)
}

/// By default, metrics go to the receiver that is named, if one is.
fn usual_exporters(endpoint: Option<&Endpoint>) -> BTreeSet<MetricsExporter> {
    let is_sent = cfg!(all(feature = "otlp", feature = "metrics"));
    endpoint.filter(|_| is_sent).map(|_| MetricsExporter::Otlp).into_iter().collect()
}

fn metrics_tls(said: &Tls, environment: &mut Environment<'_>) -> Tls {
    let mut setting = |said: &Option<PathBuf>, variable| said.clone().or_else(|| environment.read(variable));
    Tls {
        certificate: setting(&said.certificate, &METRICS_CERTIFICATE),
        client_certificate: setting(&said.client_certificate, &METRICS_CLIENT_CERTIFICATE),
        client_key: setting(&said.client_key, &METRICS_CLIENT_KEY),
    }
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
