//! How the settings of metrics are resolved.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::endpoint::{Endpoint, METRICS_PATH};
use super::receiver::{Receiver, Said, Signal};
use super::variables::{
    EXEMPLAR_FILTER, METRICS_EXPORTERS, METRICS_HISTOGRAMS, METRICS_INTERVAL, METRICS_RECEIVER,
    METRICS_TEMPORALITY, METRICS_TIMEOUT, PROMETHEUS_HOST, PROMETHEUS_PORT,
};
use super::{HistogramAggregation, Metrics, MetricsExporter, TemporalityPreference, Tls};
use crate::environment::Environment;

static SIGNAL: Signal = Signal { variables: &METRICS_RECEIVER, path: METRICS_PATH, name: "metrics" };

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
        let is_asked_for =
            exporters.is_some() || overrides.endpoint.is_some() || SIGNAL.is_named(environment);
        let said = Said { endpoint: overrides.endpoint.as_deref(), headers: &overrides.headers };
        let Receiver { endpoint, protocol, headers, timeout: request_timeout, compression, tls } =
            Receiver::resolve(&SIGNAL, &said, tls, environment);
        let mut exporters = exporters.unwrap_or_else(|| usual_exporters(endpoint.as_ref()));
        exporters.extend(overrides.prometheus.map(|_| MetricsExporter::Prometheus));
        if endpoint.is_none() && overrides.endpoint.is_none() && exporters.contains(&MetricsExporter::Otlp) {
            SIGNAL.note_missing(environment);
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
            headers,
            request_timeout,
            compression,
            tls,
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
