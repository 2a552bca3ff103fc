//! What a configuration is.

mod endpoint;
mod explain;
mod logs;
mod metrics;
mod receiver;
mod resolve;
mod rows;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_sdk::trace::SpanLimits;

pub use self::endpoint::Endpoint;
pub use self::explain::{Explanation, Finding, FindingKind, Setting};
pub(crate) use self::metrics::MetricsOverrides;
#[cfg(feature = "otlp")]
pub(crate) use self::resolve::PROJECT_HEADER;
pub(crate) use self::resolve::{DEFAULT_PROJECT, Overrides, SERVICE_ATTRIBUTE};
pub use self::variables::VariableForm;
use crate::capture::DEFAULT_LIMIT;
use crate::privacy::Privacy;
use crate::semconv::{GenAiVersion, SemConv};

const MEBIBYTE: usize = 1024 * 1024;

/// The cardinality limits that can be set. The SDK reserves room for as many sets of attributes, for each metric.
pub(crate) const CARDINALITIES: RangeInclusive<usize> = 1..=1_000_000;

/// The settings that telemetry runs with.
///
/// ```
/// let telemetry = a2a_otel::Telemetry::builder().service_name("product-agent").tracing(false).init()?;
/// assert_eq!(telemetry.settings().service_name, "product-agent");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The name of the service: the resource attribute `service.name`.
    pub service_name: String,
    /// The Phoenix project that the traces go to.
    pub project_name: String,
    /// Other attributes of the resource.
    pub resource: BTreeMap<String, String>,
    /// Where traces are sent, unless the configured address is malformed.
    pub endpoint: Option<Endpoint>,
    /// How they are sent there.
    pub protocol: Protocol,
    /// Headers of every request.
    pub headers: Headers,
    /// How long one request may take, retries included.
    pub timeout: Duration,
    /// Whether requests are compressed.
    pub compression: Compression,
    /// The certificates of connections over TLS.
    pub tls: Tls,
    /// What happens to finished spans.
    pub exporter: Exporter,
    /// How much of each trace is printed, if traces are printed.
    pub console: ConsoleForm,
    /// Which traces are recorded.
    pub sampling: Sampling,
    /// How spans are batched into requests.
    pub batch: Batch,
    /// Where spans that cannot be sent yet are kept on disk. If this is not set, they stay in memory.
    pub spool: Option<Spool>,
    /// How much one span may hold.
    pub limits: Limits,
    /// How many different sets of attributes each metric may have. Values with further ones are counted together, with
    /// the attribute `otel.metric.overflow`.
    pub cardinality_limit: usize,
    /// Where metrics go, with the feature `metrics`.
    pub metrics: Metrics,
    /// The file of the user's own prices, with the feature `cost`.
    #[cfg(feature = "cost")]
    pub prices: Option<PathBuf>,
    /// Whether the process and its runtime are measured, with the feature `performance`.
    #[cfg(feature = "performance")]
    pub performance: bool,
    /// Where log records go, if they are sent.
    pub logs: Option<Logs>,
    /// What must not leave the process.
    pub privacy: Privacy,
    /// Which conventions spans follow.
    pub semconv: SemConv,
    /// The version of the GenAI conventions, if spans follow them.
    pub gen_ai_version: GenAiVersion,
    /// Whether telemetry is switched off.
    pub disabled: bool,
}

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

/// Where log records are sent, with the feature `logs` and `OTEL_LOGS_EXPORTER=otlp`.
///
/// ```
/// let telemetry = a2a_otel::Telemetry::builder().tracing(false).init()?;
/// assert_eq!(telemetry.settings().logs, None, "they are sent only if they are asked for");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Logs {
    /// The receiver. Phoenix takes none.
    pub endpoint: Endpoint,
    /// How they are sent there.
    pub protocol: Protocol,
    /// Headers of every request, without those for Phoenix.
    pub headers: Headers,
    /// How long one request may take.
    pub timeout: Duration,
    /// Whether requests are compressed.
    pub compression: Compression,
    /// The certificates of connections over TLS.
    pub tls: Tls,
    /// How they are batched into requests.
    pub batch: Batch,
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

/// Headers by lower-case name; their values are never shown.
///
/// ```
/// let telemetry = a2a_otel::Telemetry::builder().headers([("X-Team", "shop")]).tracing(false).init()?;
/// assert!(telemetry.settings().headers.iter().any(|header| header == ("x-team", "shop")));
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// The names and values, secrets included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name, "****"))).finish()
    }
}

/// How spans are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP over HTTP, with protobuf.
    #[default]
    HttpProtobuf,
    /// OTLP over gRPC, with the feature `otlp-grpc`.
    Grpc,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// With gzip.
    Gzip,
    /// Not at all.
    None,
}

/// The certificates of TLS connections: PEM files. They are read for each new connection, so that a file can be renewed
/// while the process runs.
///
/// ```
/// use a2a_otel::Telemetry;
/// use a2a_otel::telemetry::settings::Tls;
///
/// let tls = Tls { certificate: Some("/etc/shop/authority.pem".into()), ..Tls::default() };
/// let builder = Telemetry::builder().endpoint("https://phoenix.shop.internal").tls(tls);
/// ```
///
/// Source: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities that are trusted instead of the public ones.
    pub certificate: Option<PathBuf>,
    /// The client certificate, for receivers that ask for one, followed by those that lead to its authority.
    pub client_certificate: Option<PathBuf>,
    /// The key of the client certificate, unless it is in the same file.
    pub client_key: Option<PathBuf>,
}

/// What happens to finished spans, unless the builder has exporters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// They are sent over OTLP.
    Otlp,
    /// They are printed as trees.
    Console,
    /// They are sent over OTLP, and printed as trees.
    OtlpAndConsole,
    /// They are discarded.
    None,
}

impl Exporter {
    /// Whether spans are sent over OTLP.
    #[must_use]
    pub const fn is_otlp(self) -> bool {
        matches!(self, Self::Otlp | Self::OtlpAndConsole)
    }
}

/// How much of each trace is printed: the variable `A2A_OTEL_CONSOLE`.
///
/// ```
/// use a2a_otel::TreePrinter;
/// use a2a_otel::settings::ConsoleForm;
///
/// let printer = TreePrinter::stderr().form(ConsoleForm::Summary);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsoleForm {
    /// Every span, with its time and its whole input and output. Nothing is folded, and no line is cut.
    Full,
    /// One line for each span, with its input and output in short. Rows of equal siblings are folded, and lines are cut to
    /// the width of the terminal.
    #[default]
    Tree,
    /// One line for each trace, and one for each error in it.
    Summary,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sampling {
    /// Whether a trace that starts here is recorded.
    pub root: Root,
    /// Whether a span with a parent follows the parent's decision.
    pub follows_parent: bool,
}

/// Whether a trace that starts here is recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Root {
    /// It is recorded.
    On,
    /// It is not recorded.
    Off,
    /// It is recorded with this probability.
    Ratio(f64),
}

/// How spans are batched into requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// How long a span waits for others.
    pub delay: Duration,
    /// How many bytes may wait for one receiver. Spans that do not fit are dropped and counted.
    pub queue_bytes: usize,
    /// How many spans may wait, if their number is limited.
    pub queue: Option<usize>,
    /// How many spans go into one request.
    pub size: usize,
    /// How many bytes go into one request, before compression. A single span that is larger is cut.
    pub bytes: usize,
    /// How long one batch may take.
    pub timeout: Duration,
}

#[cfg(feature = "otlp")]
impl Batch {
    /// The same, with no longer for a batch than the receiver has for one request.
    pub(crate) fn answered_within(self, timeout: Duration) -> Self {
        Batch { timeout: timeout.min(self.timeout), ..self }
    }
}

/// Where spans that cannot be sent yet are kept on disk.
///
/// ```
/// use a2a_otel::Telemetry;
/// use a2a_otel::telemetry::settings::Spool;
///
/// let spool = Spool { bytes: 64 * 1024 * 1024, ..Spool::new("/var/lib/shop/spans") };
/// let builder = Telemetry::builder().spool(spool);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// The folder. Several processes can share it.
    pub folder: PathBuf,
    /// How many bytes it may hold, for all processes and receivers that share it. The oldest spans are dropped first.
    pub bytes: u64,
    /// How long spans are kept.
    pub age: Duration,
}

impl Spool {
    /// Keeps at most 512 MiB for at most seven days. By default, Phoenix does not show older spans.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let age = Duration::from_secs(7 * 24 * 3600);
        Spool { folder: folder.into(), bytes: 512 * MEBIBYTE as u64, age }
    }
}

impl<P: Into<PathBuf>> From<P> for Spool {
    fn from(folder: P) -> Self {
        Spool::new(folder)
    }
}

/// How much one span may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Attributes of a span. An LLM call with a long conversation has thousands, so this is far above the
    /// specification's 128.
    pub attributes: u32,
    /// Events of a span.
    pub events: u32,
    /// Links of a span.
    pub links: u32,
    /// Bytes of a recorded value: 1 MiB by default.
    pub value_length: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let links = SpanLimits::default().max_links_per_span;
        Self { attributes: 10_000, events: 10_000, links, value_length: DEFAULT_LIMIT }
    }
}

impl Limits {
    pub(crate) fn span_limits(self) -> SpanLimits {
        SpanLimits {
            max_attributes_per_span: self.attributes,
            max_events_per_span: self.events,
            max_links_per_span: self.links,
            ..SpanLimits::default()
        }
    }
}
