//! The environment variables of a configuration, one row each.
//!
//! Variables that only one room reads are rows there: `RUST_LOG` in `bridge`, the masks in `privacy`.

use std::path::PathBuf;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::{
    CARDINALITIES, Compression, ConsoleForm, ExemplarFilter, Exporter, HistogramAggregation, MetricsExporter,
    Protocol, Root, Sampling, TemporalityPreference,
};
use crate::environment::Variable;
use crate::environment::values::{
    boolean, count, is_header_value, length, milliseconds, pair, positive, probability, text,
};
use crate::semconv::{GenAiVersion, SemConv};

/// The form of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariableForm {
    /// Its name.
    pub name: &'static str,
    /// What it accepts: it completes the sentence "expected ...".
    pub accepted: &'static str,
    /// A value that is accepted.
    pub example: &'static str,
    /// Whether its value may be secret.
    pub is_secret: bool,
}

impl<T> Variable<T> {
    /// The forms of its names.
    pub(super) fn forms(&self) -> impl Iterator<Item = VariableForm> + use<T> {
        let Variable { names, accepted, example, secret, .. } = *self;
        names.iter().map(move |name| VariableForm { name, accepted, example, is_secret: secret })
    }
}

const BOOLEAN: &str = "true or false";
const BYTES: &str = "bytes, a whole number above 0";
const COMPRESSIONS: &str = "gzip or none";
const FILE: &str = "a file";
const HEADERS_ACCEPTED: &str =
    "name=value,name=value, percent-encoded, of headers that a request does not set itself";
const MILLISECONDS: &str = "milliseconds, a whole number above 0";
const POSITIVE: &str = "a whole number above 0";
const PROTOCOLS: &str = if cfg!(feature = "otlp-grpc") {
    "http/protobuf or grpc; http/protobuf is used: point the endpoint at the HTTP port (Phoenix 6006, collector 4318)"
} else {
    "http/protobuf, which is used (the feature `otlp-grpc` is off): point the endpoint at the HTTP port (Phoenix 6006, \
     collector 4318)"
};
/// The protocol that is not the default.
const PROTOCOL_EXAMPLE: &str = if cfg!(feature = "otlp-grpc") { "grpc" } else { "http/protobuf" };
const TEXT: &str = "any text";
const WHOLE: &str = "a whole number";

pub(super) const DISABLED: Variable<bool> = variable(&["OTEL_SDK_DISABLED"], boolean, BOOLEAN, "true");

// The service and its project.
pub(super) const SERVICE: Variable<String> = variable(&["OTEL_SERVICE_NAME"], text, TEXT, "product-agent");
pub(super) const PROJECT: Variable<String> = variable(&["PHOENIX_PROJECT"], text, TEXT, "marketplace");
pub(super) const PROJECT_ALIAS: Variable<String> =
    variable(&["PHOENIX_PROJECT_NAME"], text, TEXT, "marketplace");
pub(super) const RESOURCE: Variable<(String, String)> = variable(
    &["OTEL_RESOURCE_ATTRIBUTES"],
    pair,
    "name=value,name=value, percent-encoded",
    "deployment.environment.name=production",
);

// Where and how spans are sent.
pub(super) const EXPORTER: Variable<Exporter> = variable(
    &["OTEL_TRACES_EXPORTER"],
    exporter,
    if cfg!(feature = "otlp") {
        "otlp, console, both with a comma, or none"
    } else {
        "console or none (the feature `otlp` is off)"
    },
    "console",
);
pub(super) const CONSOLE: Variable<ConsoleForm> =
    variable(&["A2A_OTEL_CONSOLE"], console, "full, tree or summary", "summary");
pub(super) const TRACES_ENDPOINT: Variable<Endpoint> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
    Endpoint::parse,
    "http(s)://host[:port]/path",
    "https://collector.example.com/v1/traces",
);
pub(super) const ENDPOINT: Variable<Endpoint> = variable(
    &["PHOENIX_COLLECTOR_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    Endpoint::parse_server,
    "http(s)://host[:port][/path]",
    "https://phoenix.example.com",
);
pub(super) const PROTOCOL: Variable<Protocol> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    protocol,
    PROTOCOLS,
    PROTOCOL_EXAMPLE,
);
/// All names are read; later ones take precedence over earlier ones.
pub(super) const HEADERS: Variable<(String, String)> = secret(
    &["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "PHOENIX_CLIENT_HEADERS"],
    pair,
    HEADERS_ACCEPTED,
    "x-team=shop",
);
pub(super) const API_KEY: Variable<String> =
    secret(&["PHOENIX_API_KEY"], bearer, "visible ASCII characters", "eyJhbGciOi");
pub(super) const TIMEOUT: Variable<Duration> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    milliseconds,
    MILLISECONDS,
    "5000",
);
pub(super) const COMPRESSION: Variable<Compression> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
    compression,
    COMPRESSIONS,
    "none",
);
pub(super) const CERTIFICATE: Variable<PathBuf> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    path,
    FILE,
    "/etc/shop/authority.pem",
);
pub(super) const CLIENT_CERTIFICATE: Variable<PathBuf> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"],
    path,
    FILE,
    "/etc/shop/client.pem",
);
pub(super) const CLIENT_KEY: Variable<PathBuf> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
    path,
    FILE,
    "/etc/shop/client.key",
);

// Which traces are recorded.
pub(super) const SAMPLER: Variable<Sampling> = variable(
    &["OTEL_TRACES_SAMPLER"],
    sampling,
    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio",
    "parentbased_traceidratio",
);
pub(super) const SAMPLER_RATIO: Variable<f64> =
    variable(&["OTEL_TRACES_SAMPLER_ARG"], probability, "a number from 0 to 1", "0.1");

// How spans wait and are batched.
pub(super) const DELAY: Variable<Duration> =
    variable(&["OTEL_BSP_SCHEDULE_DELAY"], milliseconds, MILLISECONDS, "500");
pub(super) const QUEUE_BYTES: Variable<usize> =
    variable(&["A2A_OTEL_QUEUE_BYTES"], positive, BYTES, "16777216");
pub(super) const QUEUE: Variable<usize> = variable(&["OTEL_BSP_MAX_QUEUE_SIZE"], positive, POSITIVE, "2048");
pub(super) const BATCH_SIZE: Variable<usize> =
    variable(&["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"], positive, POSITIVE, "256");
pub(super) const BATCH_TIMEOUT: Variable<Duration> =
    variable(&["OTEL_BSP_EXPORT_TIMEOUT"], milliseconds, MILLISECONDS, "20000");
pub(super) const SPOOL_FOLDER: Variable<PathBuf> =
    variable(&["A2A_OTEL_SPOOL_DIR"], path, "a folder", "/var/lib/shop/spans");
pub(super) const SPOOL_BYTES: Variable<usize> =
    variable(&["A2A_OTEL_SPOOL_BYTES"], positive, BYTES, "134217728");

/// The variables that name the receiver of one signal, other than spans. The general ones are those of spans, except that
/// none is Phoenix's.
pub(super) struct ReceiverVariables {
    pub(super) endpoint: Variable<Endpoint>,
    pub(super) server: Variable<Endpoint>,
    pub(super) protocol: Variable<Protocol>,
    /// All names are read; later ones take precedence over earlier ones.
    pub(super) headers: Variable<(String, String)>,
    pub(super) timeout: Variable<Duration>,
    pub(super) compression: Variable<Compression>,
    pub(super) certificate: Variable<PathBuf>,
    pub(super) client_certificate: Variable<PathBuf>,
    pub(super) client_key: Variable<PathBuf>,
}

macro_rules! receiver {
    ($signal:literal, $parse_server:path) => {
        ReceiverVariables {
            endpoint: variable(receiver!(@own $signal "_ENDPOINT"), Endpoint::parse, "http(s)://host[:port]/path", "https://collector.example.com/otlp"),
            server: variable(&["OTEL_EXPORTER_OTLP_ENDPOINT"], $parse_server, "http(s)://host[:port][/path]", "https://collector.example.com"),
            protocol: variable(receiver!(@both $signal "_PROTOCOL"), protocol, PROTOCOLS, PROTOCOL_EXAMPLE),
            headers: secret(receiver!(@added $signal "_HEADERS"), pair, HEADERS_ACCEPTED, "x-team=shop"),
            timeout: variable(receiver!(@both $signal "_TIMEOUT"), milliseconds, MILLISECONDS, "5000"),
            compression: variable(receiver!(@both $signal "_COMPRESSION"), compression, COMPRESSIONS, "none"),
            certificate: variable(receiver!(@both $signal "_CERTIFICATE"), path, FILE, "/etc/shop/authority.pem"),
            client_certificate: variable(receiver!(@both $signal "_CLIENT_CERTIFICATE"), path, FILE, "/etc/shop/client.pem"),
            client_key: variable(receiver!(@both $signal "_CLIENT_KEY"), path, FILE, "/etc/shop/client.key"),
        }
    };
    (@own $signal:literal $setting:literal) => {
        &[concat!("OTEL_EXPORTER_OTLP_", $signal, $setting)]
    };
    (@both $signal:literal $setting:literal) => {
        &[concat!("OTEL_EXPORTER_OTLP_", $signal, $setting), concat!("OTEL_EXPORTER_OTLP", $setting)]
    };
    (@added $signal:literal $setting:literal) => {
        &[concat!("OTEL_EXPORTER_OTLP", $setting), concat!("OTEL_EXPORTER_OTLP_", $signal, $setting)]
    };
}

pub(super) static METRICS_RECEIVER: ReceiverVariables =
    receiver!("METRICS", Endpoint::parse_server_of_metrics);
pub(super) static LOGS_RECEIVER: ReceiverVariables = receiver!("LOGS", Endpoint::parse_server_of_logs);

// Whether and how log records are batched and sent.
pub(super) const LOGS_EXPORTER: Variable<bool> = variable(
    &["OTEL_LOGS_EXPORTER"],
    logs_exporter,
    if cfg!(feature = "logs") { "otlp or none" } else { "none (the feature `logs` is off)" },
    "otlp",
);
pub(super) const LOGS_DELAY: Variable<Duration> =
    variable(&["OTEL_BLRP_SCHEDULE_DELAY"], milliseconds, MILLISECONDS, "500");
pub(super) const LOGS_QUEUE: Variable<usize> =
    variable(&["OTEL_BLRP_MAX_QUEUE_SIZE"], positive, POSITIVE, "2048");
pub(super) const LOGS_BATCH_SIZE: Variable<usize> =
    variable(&["OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"], positive, POSITIVE, "256");
pub(super) const LOGS_TIMEOUT: Variable<Duration> =
    variable(&["OTEL_BLRP_EXPORT_TIMEOUT"], milliseconds, MILLISECONDS, "20000");

// Where and how metrics are sent.
pub(super) const METRICS_EXPORTERS: Variable<&[MetricsExporter]> = variable(
    &["OTEL_METRICS_EXPORTER"],
    metrics_exporter,
    if cfg!(not(feature = "metrics")) {
        "none (the feature `metrics` is off)"
    } else if cfg!(feature = "otlp") {
        "a list of otlp, prometheus and console, or none"
    } else {
        "a list of prometheus and console, or none (the feature `otlp` is off)"
    },
    "otlp,prometheus",
);
pub(super) const METRICS_INTERVAL: Variable<Duration> =
    variable(&["OTEL_METRIC_EXPORT_INTERVAL"], milliseconds, MILLISECONDS, "10000");
pub(super) const METRICS_TIMEOUT: Variable<Duration> =
    variable(&["OTEL_METRIC_EXPORT_TIMEOUT"], milliseconds, MILLISECONDS, "5000");
pub(super) const METRICS_TEMPORALITY: Variable<TemporalityPreference> = variable(
    &["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
    temporality,
    "cumulative, delta or lowmemory",
    "delta",
);
pub(super) const METRICS_HISTOGRAMS: Variable<HistogramAggregation> = variable(
    &["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
    histograms,
    "explicit_bucket_histogram or base2_exponential_bucket_histogram",
    "base2_exponential_bucket_histogram",
);
pub(super) const PROMETHEUS_HOST: Variable<String> =
    variable(&["OTEL_EXPORTER_PROMETHEUS_HOST"], text, TEXT, "0.0.0.0");
pub(super) const PROMETHEUS_PORT: Variable<u16> =
    variable(&["OTEL_EXPORTER_PROMETHEUS_PORT"], port, "a port from 0 to 65535", "9465");
pub(super) const EXEMPLAR_FILTER: Variable<ExemplarFilter> = variable(
    &["OTEL_METRICS_EXEMPLAR_FILTER"],
    exemplar_filter,
    "trace_based, always_on or always_off",
    "always_off",
);

// How much one metric may hold.
pub(super) const CARDINALITY: Variable<usize> =
    variable(&["A2A_OTEL_CARDINALITY_LIMIT"], cardinality, "a whole number from 1 to 1000000", "5000");

// What the calls of models cost.
#[cfg(feature = "cost")]
pub(super) const PRICES: Variable<PathBuf> =
    variable(&["A2A_OTEL_PRICES"], path, FILE, "/etc/shop/prices.json");

// Whether the process and its runtime are measured.
#[cfg(feature = "performance")]
pub(super) const PERFORMANCE: Variable<bool> = variable(&["A2A_OTEL_PERFORMANCE"], boolean, BOOLEAN, "false");

// How much one span may hold.
pub(super) const ATTRIBUTES: Variable<u32> =
    variable(&["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"], count, WHOLE, "1000");
pub(super) const EVENTS: Variable<u32> = variable(&["OTEL_SPAN_EVENT_COUNT_LIMIT"], count, WHOLE, "1000");
pub(super) const LINKS: Variable<u32> = variable(&["OTEL_SPAN_LINK_COUNT_LIMIT"], count, WHOLE, "64");
pub(super) const VALUE_LENGTH: Variable<usize> = variable(
    &["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"],
    length,
    WHOLE,
    "65536",
);

// Which conventions spans follow.
pub(super) const SEMCONV: Variable<SemConv> =
    variable(&["A2A_OTEL_SEMCONV"], semconv, "openinference, gen_ai or both", "both");
pub(super) const GEN_AI_TOO: Variable<bool> =
    variable(&["OPENINFERENCE_ENABLE_GENAI_SEMCONV"], boolean, BOOLEAN, "true");
pub(super) const STABILITY_OPT_IN: Variable<GenAiVersion> = variable(
    &["OTEL_SEMCONV_STABILITY_OPT_IN"],
    |list| Some(opted_in(list)),
    "a list of conventions",
    "gen_ai_latest_experimental",
);

const fn variable<T>(
    names: &'static [&'static str],
    parse: fn(&str) -> Option<T>,
    accepted: &'static str,
    example: &'static str,
) -> Variable<T> {
    Variable { names, parse, accepted, example, secret: false }
}

const fn secret<T>(
    names: &'static [&'static str],
    parse: fn(&str) -> Option<T>,
    accepted: &'static str,
    example: &'static str,
) -> Variable<T> {
    Variable { names, parse, accepted, example, secret: true }
}

fn cardinality(text: &str) -> Option<usize> {
    length(text).filter(|number| CARDINALITIES.contains(number))
}

fn path(text: &str) -> Option<PathBuf> {
    text.parse().ok()
}

fn bearer(text: &str) -> Option<String> {
    is_header_value(text).then(|| format!("Bearer {text}"))
}

fn protocol(text: &str) -> Option<Protocol> {
    match text {
        "http/protobuf" => Some(Protocol::HttpProtobuf),
        "grpc" if cfg!(feature = "otlp-grpc") => Some(Protocol::Grpc),
        _ => None,
    }
}

fn compression(text: &str) -> Option<Compression> {
    match text {
        "gzip" => Some(Compression::Gzip),
        "none" => Some(Compression::None),
        _ => None,
    }
}

/// Reads a list of exporters.
fn exporter(text: &str) -> Option<Exporter> {
    text.split(',').map(|name| one_exporter(name.trim())).reduce(|all, one| match (all?, one?) {
        (all, one) if all == one => Some(all),
        (Exporter::None, _) | (_, Exporter::None) => None,
        _ => Some(Exporter::OtlpAndConsole),
    })?
}

fn one_exporter(name: &str) -> Option<Exporter> {
    match name {
        "otlp" if cfg!(feature = "otlp") => Some(Exporter::Otlp),
        "console" => Some(Exporter::Console),
        "none" => Some(Exporter::None),
        _ => None,
    }
}

fn console(text: &str) -> Option<ConsoleForm> {
    match text {
        "full" => Some(ConsoleForm::Full),
        "tree" => Some(ConsoleForm::Tree),
        "summary" => Some(ConsoleForm::Summary),
        _ => None,
    }
}

/// Reads one name of the list. `none` names no exporter.
fn metrics_exporter(text: &str) -> Option<&'static [MetricsExporter]> {
    match text {
        "otlp" if cfg!(all(feature = "otlp", feature = "metrics")) => Some(&[MetricsExporter::Otlp]),
        "prometheus" if cfg!(feature = "metrics") => Some(&[MetricsExporter::Prometheus]),
        "console" if cfg!(feature = "metrics") => Some(&[MetricsExporter::Console]),
        "none" => Some(&[]),
        _ => None,
    }
}

fn temporality(text: &str) -> Option<TemporalityPreference> {
    match text.to_ascii_lowercase().as_str() {
        "cumulative" => Some(TemporalityPreference::Cumulative),
        "delta" => Some(TemporalityPreference::Delta),
        "lowmemory" => Some(TemporalityPreference::LowMemory),
        _ => None,
    }
}

fn histograms(text: &str) -> Option<HistogramAggregation> {
    match text.to_ascii_lowercase().as_str() {
        "explicit_bucket_histogram" => Some(HistogramAggregation::ExplicitBuckets),
        "base2_exponential_bucket_histogram" => Some(HistogramAggregation::Base2Exponential),
        _ => None,
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok()
}

fn logs_exporter(text: &str) -> Option<bool> {
    match text {
        "otlp" if cfg!(feature = "logs") => Some(true),
        "none" => Some(false),
        _ => None,
    }
}

fn exemplar_filter(text: &str) -> Option<ExemplarFilter> {
    match text {
        "trace_based" => Some(ExemplarFilter::TraceBased),
        "always_on" => Some(ExemplarFilter::AlwaysOn),
        "always_off" => Some(ExemplarFilter::AlwaysOff),
        _ => None,
    }
}

fn semconv(text: &str) -> Option<SemConv> {
    match text {
        "openinference" => Some(SemConv::OpenInference),
        "gen_ai" => Some(SemConv::GenAi),
        "both" => Some(SemConv::Both),
        _ => None,
    }
}

/// The list may also have values for other conventions.
fn opted_in(list: &str) -> GenAiVersion {
    let is_latest = list.split(',').any(|value| value.trim() == "gen_ai_latest_experimental");
    if is_latest { GenAiVersion::LATEST } else { GenAiVersion::default() }
}

fn sampling(text: &str) -> Option<Sampling> {
    let root = text.strip_prefix("parentbased_");
    let follows_parent = root.is_some();
    let root = match root.unwrap_or(text) {
        "always_on" => Root::On,
        "always_off" => Root::Off,
        "traceidratio" => Root::Ratio(1.0),
        _ => return None,
    };
    Some(Sampling { root, follows_parent })
}
