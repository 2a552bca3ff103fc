//! The table of all settings: what each is, which variables it depends on, and its value in [`Settings`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

#[cfg(feature = "performance")]
use super::variables::PERFORMANCE;
#[cfg(feature = "cost")]
use super::variables::PRICES;
use super::variables::{
    API_KEY, ATTRIBUTES, BATCH_SIZE, BATCH_TIMEOUT, CARDINALITY, CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY,
    COMPRESSION, CONSOLE, DELAY, DISABLED, ENDPOINT, EVENTS, EXEMPLAR_FILTER, EXPORTER, GEN_AI_TOO, HEADERS,
    LINKS, LOGS_BATCH_SIZE, LOGS_DELAY, LOGS_EXPORTER, LOGS_QUEUE, LOGS_RECEIVER, LOGS_TIMEOUT,
    METRICS_EXPORTERS, METRICS_HISTOGRAMS, METRICS_INTERVAL, METRICS_RECEIVER, METRICS_TEMPORALITY,
    METRICS_TIMEOUT, PROJECT, PROJECT_ALIAS, PROMETHEUS_HOST, PROMETHEUS_PORT, PROTOCOL, QUEUE, QUEUE_BYTES,
    RESOURCE, SAMPLER, SAMPLER_RATIO, SEMCONV, SERVICE, SPOOL_BYTES, SPOOL_FOLDER, STABILITY_OPT_IN, TIMEOUT,
    TRACES_ENDPOINT, VALUE_LENGTH, VariableForm,
};
use super::{
    Compression, ConsoleForm, Endpoint, ExemplarFilter, Exporter, Headers, HistogramAggregation, Logs,
    MEBIBYTE, Metrics, MetricsExporter, Protocol, Root, Sampling, Settings, Spool, TemporalityPreference,
};
use crate::capture::DEFAULT_LONGEST_BASE64;
use crate::privacy::{Hiding, IMAGE_LENGTH};
use crate::semconv::{GenAiVersion, SemConv};

/// Whether a value is shown with its secrets. They are needed to see what a variable changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    Shown,
    Masked,
}

/// A setting, as the table describes it.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) feature: Option<&'static str>,
    pub(super) counts_if: Option<&'static str>,
    pub(super) variables: Vec<VariableForm>,
    value: Value,
}

/// How the value is read. `None` if the setting does not count.
enum Value {
    Of(fn(&Settings, Secrets) -> Option<String>),
    Hides(Hiding),
}

impl Row {
    pub(super) fn value(&self, settings: &Settings, secrets: Secrets) -> Option<String> {
        match self.value {
            Value::Of(read) => read(settings, secrets),
            Value::Hides(hiding) => Some(hiding.is_set(&settings.privacy).to_string()),
        }
    }
}

/// The settings of a group: when they count, and the feature that they need.
#[derive(Clone, Copy)]
struct Group {
    feature: Option<&'static str>,
    counts_if: Option<&'static str>,
}

const ALWAYS: Group = Group { feature: None, counts_if: None };
const PRINTED: Group =
    Group { feature: None, counts_if: Some("traces are printed (OTEL_TRACES_EXPORTER has console)") };
const SENT: Group =
    Group { feature: Some("otlp"), counts_if: Some("spans are sent over OTLP (OTEL_TRACES_EXPORTER=otlp)") };
const SPOOLED: Group = Group {
    feature: Some("otlp"),
    counts_if: Some("spans are sent over OTLP, and A2A_OTEL_SPOOL_DIR names a folder"),
};
const MEASURED: Group = Group { feature: Some("metrics"), counts_if: None };
const METRICS_SENT: Group = Group {
    feature: Some("metrics"),
    counts_if: Some("OTEL_METRICS_EXPORTER has otlp, or is not set and a receiver of metrics is named"),
};
const METRICS_OUT: Group =
    Group { feature: Some("metrics"), counts_if: Some("OTEL_METRICS_EXPORTER has otlp or console") };
const METRICS_SERVED: Group =
    Group { feature: Some("metrics"), counts_if: Some("OTEL_METRICS_EXPORTER has prometheus") };
const LOGS_SENT: Group = Group {
    feature: Some("logs"),
    counts_if: Some("OTEL_LOGS_EXPORTER is otlp, and a receiver of log records is named"),
};

/// Writes a row: name, meaning, group, variables, and how to read its value.
macro_rules! row {
    ($name:literal, $meaning:literal, $group:expr, [$($variable:expr),+], $value:expr) => {
        Row {
            name: $name,
            meaning: $meaning,
            feature: $group.feature,
            counts_if: $group.counts_if,
            variables: [].into_iter()$(.chain($variable.forms()))+.collect(),
            value: Value::Of($value),
        }
    };
}

/// All settings, in groups of related ones.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    [identity(), sending(), batching(), recording(), masks(), metrics(), sending_metrics(), logs()]
        .into_iter()
        .flatten()
}

#[rustfmt::skip]
fn identity() -> Vec<Row> {
    vec![
        row!("disabled", "whether telemetry is switched off", ALWAYS, [DISABLED], |s, _| shown(s.disabled)),
        row!("service_name", "the name of the service", ALWAYS, [SERVICE, RESOURCE], |s, _| shown(&s.service_name)),
        row!("project_name", "the Phoenix project that the traces go to", ALWAYS, [PROJECT, PROJECT_ALIAS, RESOURCE], |s, _| shown(&s.project_name)),
        row!("resource", "other attributes of the resource", ALWAYS, [RESOURCE], |s, _| shown(pairs(&s.resource))),
        row!("exporter", "what happens to spans that have ended", ALWAYS, [EXPORTER], |s, _| shown(exporter(s.exporter))),
        row!("console", "how much of each trace is printed", PRINTED, [CONSOLE], |s, _| printed(s).and_then(|s| shown(console(s.console)))),
    ]
}

#[rustfmt::skip]
fn sending() -> Vec<Row> {
    vec![
        row!("endpoint", "where spans are sent", SENT, [TRACES_ENDPOINT, ENDPOINT], |s, secrets| sent(s).and_then(|s| address(s.endpoint.as_ref(), secrets))),
        row!("protocol", "how spans are sent: `grpc` needs the feature `otlp-grpc`", SENT, [PROTOCOL], |s, _| sent(s).and_then(|s| shown(protocol(s.protocol)))),
        row!("headers", "headers of every request with spans; the project is added by itself", SENT, [HEADERS, API_KEY], |s, secrets| sent(s).and_then(|s| headers(&s.headers, secrets))),
        row!("timeout", "how long a request with spans may take", SENT, [TIMEOUT], |s, _| sent(s).and_then(|s| debug(s.timeout))),
        row!("compression", "how requests with spans are compressed", SENT, [COMPRESSION], |s, _| sent(s).and_then(|s| shown(compression(s.compression)))),
        row!("tls.certificate", "authorities that are trusted instead of the public ones", SENT, [CERTIFICATE], |s, _| sent(s).and_then(|s| file(s.tls.certificate.as_ref(), "the public authorities"))),
        row!("tls.client_certificate", "the client certificate for TLS", SENT, [CLIENT_CERTIFICATE], |s, _| sent(s).and_then(|s| file(s.tls.client_certificate.as_ref(), "none"))),
        row!("tls.client_key", "the key of the client certificate", SENT, [CLIENT_KEY], |s, _| sent(s).and_then(|s| file(s.tls.client_key.as_ref(), "none"))),
    ]
}

#[rustfmt::skip]
fn batching() -> Vec<Row> {
    vec![
        row!("batch.delay", "how long a span waits for others", SENT, [DELAY], |s, _| sent(s).and_then(|s| debug(s.batch.delay))),
        row!("batch.queue_bytes", "how many bytes may wait for one receiver", ALWAYS, [QUEUE_BYTES], |s, _| shown(bytes(s.batch.queue_bytes))),
        row!("batch.queue", "how many spans may wait", SENT, [QUEUE], |s, _| sent(s).and_then(|s| or(s.batch.queue, "no limit"))),
        row!("batch.size", "how many spans go into one request", SENT, [BATCH_SIZE, QUEUE], |s, _| sent(s).and_then(|s| shown(s.batch.size))),
        row!("batch.timeout", "how long one batch may take", SENT, [BATCH_TIMEOUT], |s, _| sent(s).and_then(|s| debug(s.batch.timeout))),
        row!("spool.folder", "where spans that cannot be sent are kept on disk", SENT, [SPOOL_FOLDER], |s, _| sent(s).and_then(|s| file(s.spool.as_ref().map(|spool| &spool.folder), "none: they stay in memory"))),
        row!("spool.bytes", "how many bytes the spool may hold for one receiver", SPOOLED, [SPOOL_BYTES], |s, _| spool(s).and_then(|spool| shown(bytes(usize::try_from(spool.bytes).unwrap_or(usize::MAX))))),
    ]
}

#[rustfmt::skip]
fn recording() -> Vec<Row> {
    vec![
        row!("sampling", "which traces are recorded", ALWAYS, [SAMPLER, SAMPLER_RATIO], |s, _| shown(sampling(s.sampling))),
        row!("semconv", "the conventions that spans follow", ALWAYS, [SEMCONV, GEN_AI_TOO], |s, _| shown(semconv(s.semconv))),
        row!("gen_ai_version", "the version of the GenAI conventions, for spans and metrics", ALWAYS, [STABILITY_OPT_IN], |s, _| shown(gen_ai_version(s.gen_ai_version))),
        row!("limits.attributes", "attributes of a span", ALWAYS, [ATTRIBUTES], |s, _| shown(s.limits.attributes)),
        row!("limits.events", "events of a span", ALWAYS, [EVENTS], |s, _| shown(s.limits.events)),
        row!("limits.links", "links of a span", ALWAYS, [LINKS], |s, _| shown(s.limits.links)),
        row!("limits.value_length", "bytes of a recorded value", ALWAYS, [VALUE_LENGTH], |s, _| shown(bytes(s.limits.value_length))),
        row!("privacy.base64_image_max_length", "the longest base64 that is recorded, in characters", ALWAYS, [IMAGE_LENGTH], |s, _| shown(s.privacy.image_length().unwrap_or(DEFAULT_LONGEST_BASE64))),
    ]
}

/// What is hidden. The names of these settings are those of their variables.
fn masks() -> Vec<Row> {
    let row = |hiding: Hiding| {
        let form = |name| VariableForm { name, accepted: "true or false", example: "true", is_secret: false };
        Row {
            name: hiding.names[0],
            meaning: hiding.effect,
            feature: None,
            counts_if: None,
            variables: hiding.names.iter().copied().map(form).collect(),
            value: Value::Hides(hiding),
        }
    };
    Hiding::all().map(row).collect()
}

#[rustfmt::skip]
fn metrics() -> Vec<Row> {
    vec![
        row!("metrics.exporters", "where metrics go; `none` keeps them in the process", MEASURED, [METRICS_EXPORTERS, METRICS_RECEIVER.endpoint, METRICS_RECEIVER.server], |s, _| shown(metrics_exporters(&s.metrics))),
        row!("metrics.interval", "how often metrics are sent and printed", METRICS_OUT, [METRICS_INTERVAL], |s, _| metrics_out(s).and_then(|metrics| debug(metrics.interval))),
        row!("metrics.timeout", "how long one export of metrics may take", METRICS_OUT, [METRICS_TIMEOUT], |s, _| metrics_out(s).and_then(|metrics| debug(metrics.timeout))),
        row!("metrics.exemplars", "which values have exemplars, which lead to their trace", MEASURED, [EXEMPLAR_FILTER], |s, _| shown(exemplars(s.metrics.exemplars))),
        row!("metrics.prometheus_host", "where the exporter for Prometheus listens", METRICS_SERVED, [PROMETHEUS_HOST], |s, _| served(s).and_then(|metrics| shown(&metrics.prometheus_host))),
        row!("metrics.prometheus_port", "the port of the exporter for Prometheus", METRICS_SERVED, [PROMETHEUS_PORT], |s, _| served(s).and_then(|metrics| shown(metrics.prometheus_port))),
        row!("cardinality_limit", "how many different sets of attributes each metric may have", MEASURED, [CARDINALITY], |s, _| shown(s.cardinality_limit)),
        #[cfg(feature = "cost")]
        row!("prices", "the file of your own prices of models", Group { feature: Some("cost"), ..ALWAYS }, [PRICES], |s, _| file(s.prices.as_ref(), "none")),
        #[cfg(feature = "performance")]
        row!("performance", "whether the process and its runtime are measured", Group { feature: Some("performance"), ..ALWAYS }, [PERFORMANCE], |s, _| shown(s.performance)),
    ]
}

#[rustfmt::skip]
fn sending_metrics() -> Vec<Row> {
    vec![
        row!("metrics.endpoint", "where metrics are sent over OTLP", METRICS_SENT, [METRICS_RECEIVER.endpoint, METRICS_RECEIVER.server], |s, secrets| metrics_sent(s).and_then(|metrics| address(metrics.endpoint.as_ref(), secrets))),
        row!("metrics.protocol", "how metrics are sent: `grpc` needs the feature `otlp-grpc`", METRICS_SENT, [METRICS_RECEIVER.protocol], |s, _| metrics_sent(s).and_then(|metrics| shown(protocol(metrics.protocol)))),
        row!("metrics.headers", "headers of every request with metrics", METRICS_SENT, [METRICS_RECEIVER.headers], |s, secrets| metrics_sent(s).and_then(|metrics| headers(&metrics.headers, secrets))),
        row!("metrics.request_timeout", "how long a request with metrics may take", METRICS_SENT, [METRICS_RECEIVER.timeout], |s, _| metrics_sent(s).and_then(|metrics| debug(metrics.request_timeout))),
        row!("metrics.compression", "how requests with metrics are compressed", METRICS_SENT, [METRICS_RECEIVER.compression], |s, _| metrics_sent(s).and_then(|metrics| shown(compression(metrics.compression)))),
        row!("metrics.tls.certificate", "authorities that are trusted for metrics", METRICS_SENT, [METRICS_RECEIVER.certificate], |s, _| metrics_sent(s).and_then(|metrics| file(metrics.tls.certificate.as_ref(), "the public authorities"))),
        row!("metrics.tls.client_certificate", "the client certificate for metrics", METRICS_SENT, [METRICS_RECEIVER.client_certificate], |s, _| metrics_sent(s).and_then(|metrics| file(metrics.tls.client_certificate.as_ref(), "none"))),
        row!("metrics.tls.client_key", "the key of that certificate", METRICS_SENT, [METRICS_RECEIVER.client_key], |s, _| metrics_sent(s).and_then(|metrics| file(metrics.tls.client_key.as_ref(), "none"))),
        row!("metrics.temporality", "whether a request has the values since the start or since the last request", METRICS_SENT, [METRICS_TEMPORALITY], |s, _| metrics_sent(s).and_then(|metrics| shown(temporality(metrics.temporality)))),
        row!("metrics.histograms", "the kind of histograms without buckets of their own", METRICS_SENT, [METRICS_HISTOGRAMS], |s, _| metrics_sent(s).and_then(|metrics| shown(histograms(metrics.histograms)))),
    ]
}

#[rustfmt::skip]
fn logs() -> Vec<Row> {
    vec![
        row!("logs", "whether events of `tracing` are sent as log records", Group { feature: Some("logs"), ..ALWAYS }, [LOGS_EXPORTER], |s, _| shown(if s.logs.is_some() { "otlp" } else { "none" })),
        row!("logs.endpoint", "where log records are sent", LOGS_SENT, [LOGS_RECEIVER.endpoint, LOGS_RECEIVER.server], |s, secrets| logs_sent(s).and_then(|logs| address(Some(&logs.endpoint), secrets))),
        row!("logs.protocol", "how log records are sent: `grpc` needs the feature `otlp-grpc`", LOGS_SENT, [LOGS_RECEIVER.protocol], |s, _| logs_sent(s).and_then(|logs| shown(protocol(logs.protocol)))),
        row!("logs.headers", "headers of every request with log records", LOGS_SENT, [LOGS_RECEIVER.headers], |s, secrets| logs_sent(s).and_then(|logs| headers(&logs.headers, secrets))),
        row!("logs.timeout", "how long a request with log records may take", LOGS_SENT, [LOGS_RECEIVER.timeout], |s, _| logs_sent(s).and_then(|logs| debug(logs.timeout))),
        row!("logs.compression", "how requests with log records are compressed", LOGS_SENT, [LOGS_RECEIVER.compression], |s, _| logs_sent(s).and_then(|logs| shown(compression(logs.compression)))),
        row!("logs.tls.certificate", "authorities that are trusted for log records", LOGS_SENT, [LOGS_RECEIVER.certificate], |s, _| logs_sent(s).and_then(|logs| file(logs.tls.certificate.as_ref(), "the public authorities"))),
        row!("logs.tls.client_certificate", "the client certificate for log records", LOGS_SENT, [LOGS_RECEIVER.client_certificate], |s, _| logs_sent(s).and_then(|logs| file(logs.tls.client_certificate.as_ref(), "none"))),
        row!("logs.tls.client_key", "the key of that certificate", LOGS_SENT, [LOGS_RECEIVER.client_key], |s, _| logs_sent(s).and_then(|logs| file(logs.tls.client_key.as_ref(), "none"))),
        row!("logs.batch.delay", "how long a log record waits for others", LOGS_SENT, [LOGS_DELAY], |s, _| logs_sent(s).and_then(|logs| debug(logs.batch.delay))),
        row!("logs.batch.queue", "how many log records may wait", LOGS_SENT, [LOGS_QUEUE], |s, _| logs_sent(s).and_then(|logs| or(logs.batch.queue, "no limit"))),
        row!("logs.batch.size", "how many log records go into one request", LOGS_SENT, [LOGS_BATCH_SIZE, LOGS_QUEUE, BATCH_SIZE], |s, _| logs_sent(s).and_then(|logs| shown(logs.batch.size))),
        row!("logs.batch.timeout", "how long one batch of log records may take", LOGS_SENT, [LOGS_TIMEOUT], |s, _| logs_sent(s).and_then(|logs| debug(logs.batch.timeout))),
    ]
}

/// The settings, if spans are sent.
fn sent(settings: &Settings) -> Option<&Settings> {
    settings.exporter.is_otlp().then_some(settings)
}

fn printed(settings: &Settings) -> Option<&Settings> {
    matches!(settings.exporter, Exporter::Console | Exporter::OtlpAndConsole).then_some(settings)
}

fn spool(settings: &Settings) -> Option<&Spool> {
    sent(settings)?.spool.as_ref()
}

fn metrics_out(settings: &Settings) -> Option<&Metrics> {
    let exporters = &settings.metrics.exporters;
    let is_out = [MetricsExporter::Otlp, MetricsExporter::Console].iter().any(|out| exporters.contains(out));
    is_out.then_some(&settings.metrics)
}

/// The settings of metrics, if they are sent. A malformed address says so itself.
fn metrics_sent(settings: &Settings) -> Option<&Metrics> {
    settings.metrics.exporters.contains(&MetricsExporter::Otlp).then_some(&settings.metrics)
}

fn served(settings: &Settings) -> Option<&Metrics> {
    settings.metrics.exporters.contains(&MetricsExporter::Prometheus).then_some(&settings.metrics)
}

fn logs_sent(settings: &Settings) -> Option<&Logs> {
    settings.logs.as_ref()
}

#[expect(clippy::unnecessary_wraps, reason = "most values may not count")]
fn shown(value: impl fmt::Display) -> Option<String> {
    Some(value.to_string())
}

#[expect(clippy::unnecessary_wraps, reason = "most values may not count")]
fn debug(value: impl fmt::Debug) -> Option<String> {
    Some(format!("{value:?}"))
}

fn or(value: Option<usize>, otherwise: &str) -> Option<String> {
    value.map(|value| value.to_string()).or_else(|| shown(otherwise))
}

fn file(path: Option<&PathBuf>, otherwise: &str) -> Option<String> {
    path.map(|path| path.display().to_string()).or_else(|| shown(otherwise))
}

fn address(endpoint: Option<&Endpoint>, secrets: Secrets) -> Option<String> {
    let address = |endpoint: &Endpoint| match secrets {
        Secrets::Shown => endpoint.as_str().to_owned(),
        Secrets::Masked => endpoint.to_string(),
    };
    endpoint.map(address).or_else(|| shown("none: no address that can be used is named"))
}

fn headers(headers: &Headers, secrets: Secrets) -> Option<String> {
    let text = |(name, value): (&str, &str)| match secrets {
        Secrets::Shown => format!("{name}={value}"),
        Secrets::Masked => format!("{name}=****"),
    };
    list(&headers.iter().map(text).collect::<Vec<_>>())
}

fn pairs(pairs: &BTreeMap<String, String>) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    list(&pairs.collect::<Vec<_>>()).unwrap_or_default()
}

fn list(parts: &[String]) -> Option<String> {
    shown(if parts.is_empty() { "none".to_owned() } else { parts.join(", ") })
}

fn bytes(number: usize) -> String {
    match number {
        number if number >= MEBIBYTE && number.is_multiple_of(MEBIBYTE) => {
            format!("{} MiB", number / MEBIBYTE)
        }
        number => format!("{number} bytes"),
    }
}

fn exporter(exporter: Exporter) -> &'static str {
    match exporter {
        Exporter::Otlp => "otlp",
        Exporter::Console => "console",
        Exporter::OtlpAndConsole => "otlp,console",
        Exporter::None => "none",
    }
}

fn console(form: ConsoleForm) -> &'static str {
    match form {
        ConsoleForm::Full => "full",
        ConsoleForm::Tree => "tree",
        ConsoleForm::Summary => "summary",
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::HttpProtobuf => "http/protobuf",
        Protocol::Grpc => "grpc",
    }
}

fn compression(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => "gzip",
        Compression::None => "none",
    }
}

fn sampling(sampling: Sampling) -> String {
    let Sampling { root, follows_parent } = sampling;
    let prefix = if follows_parent { "parentbased_" } else { "" };
    match root {
        Root::On => format!("{prefix}always_on"),
        Root::Off => format!("{prefix}always_off"),
        Root::Ratio(ratio) => format!("{prefix}traceidratio {ratio}"),
    }
}

fn semconv(semconv: SemConv) -> &'static str {
    match semconv {
        SemConv::OpenInference => "openinference",
        SemConv::GenAi => "gen_ai",
        SemConv::Both => "both",
    }
}

fn gen_ai_version(version: GenAiVersion) -> &'static str {
    match version {
        GenAiVersion::V1_41 => "1.41",
        GenAiVersion::V0_1_0 => "0.1.0",
    }
}

fn metrics_exporters(metrics: &Metrics) -> String {
    let name = |exporter: &MetricsExporter| match exporter {
        MetricsExporter::Otlp => "otlp".to_owned(),
        MetricsExporter::Prometheus => "prometheus".to_owned(),
        MetricsExporter::Console => "console".to_owned(),
    };
    list(&metrics.exporters.iter().map(name).collect::<Vec<_>>()).unwrap_or_default()
}

fn exemplars(filter: ExemplarFilter) -> &'static str {
    match filter {
        ExemplarFilter::TraceBased => "trace_based",
        ExemplarFilter::AlwaysOn => "always_on",
        ExemplarFilter::AlwaysOff => "always_off",
    }
}

fn temporality(preference: TemporalityPreference) -> &'static str {
    match preference {
        TemporalityPreference::Cumulative => "cumulative",
        TemporalityPreference::Delta => "delta",
        TemporalityPreference::LowMemory => "lowmemory",
    }
}

fn histograms(aggregation: HistogramAggregation) -> &'static str {
    match aggregation {
        HistogramAggregation::ExplicitBuckets => "explicit_bucket_histogram",
        HistogramAggregation::Base2Exponential => "base2_exponential_bucket_histogram",
    }
}
