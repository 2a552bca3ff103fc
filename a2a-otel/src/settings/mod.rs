//! What a configuration resolves to: code before environment before default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_sdk::trace::SpanLimits;

#[cfg(feature = "otlp")]
use crate::environment::Warning;
use crate::environment::values::{
    DEFAULT_ENDPOINT, DEFAULT_GRPC_ENDPOINT, base_endpoint, boolean, count, full_endpoint, header,
    is_header_value, length, milliseconds, pairs, positive, probability, server_of, shown_endpoint,
};
use crate::environment::{Environment, Variable};
use crate::privacy::Privacy;
use crate::semconv::SemConv;
use crate::semconv::openinference::resource::PROJECT_NAME;
use crate::span::Foresight;

const MEBIBYTE: usize = 1024 * 1024;

/// Below the 4 MiB that a gRPC server takes unless it is told otherwise, with room for what stands around the spans.
const LARGEST_REQUEST: usize = 4 * MEBIBYTE - 64 * 1024;

const PROJECT_HEADER: &str = "x-project-name";
const SERVICE_ATTRIBUTE: &str = "service.name";
const PAIRS: &str = "name=value,name=value, percent-encoded";
const HEADER_PAIRS: &str =
    "name=value,name=value, percent-encoded, of headers that a request does not set itself";

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
    /// Who sends: the resource attribute `service.name`.
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
    /// How long one request may take, its repetitions included.
    pub timeout: Duration,
    /// Whether requests are compressed.
    pub compression: Compression,
    /// The certificates of connections over TLS.
    pub tls: Tls,
    /// What happens to finished spans.
    pub exporter: Exporter,
    /// Which traces are recorded.
    pub sampling: Sampling,
    /// How spans are gathered into requests.
    pub batch: Batch,
    /// Where spans are kept on disk that cannot be sent yet; they are not unless this is set.
    pub spool: Option<Spool>,
    /// How much one span may hold.
    pub limits: Limits,
    /// What must not leave the process.
    pub privacy: Privacy,
    /// In whose terms spans are recorded.
    pub semconv: SemConv,
    /// Whether telemetry is switched off.
    pub disabled: bool,
}

/// An address; shown without the user and the query that it may contain.
///
/// ```
/// let telemetry = a2a_otel::Telemetry::builder().endpoint("http://me:secret@localhost").tracing(false).init()?;
/// let endpoint = telemetry.settings().endpoint.as_ref().unwrap();
/// assert_eq!(endpoint.to_string(), "http://****@localhost/v1/traces");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// The address as it is used, secrets included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_endpoint(&self.0))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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

/// The certificates of connections over TLS: files in PEM. They are read when a connection is made, so that a file may
/// be renewed while the process runs.
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
    /// What this side shows of itself, where the receiver asks for it: its certificate, and those that lead to the
    /// authority.
    pub client_certificate: Option<PathBuf>,
    /// The key that belongs to it, unless that lies in the same file.
    pub client_key: Option<PathBuf>,
}

/// What happens to finished spans, unless the builder was given exporters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// They are sent over OTLP.
    Otlp,
    /// They are printed as trees.
    Console,
    /// Nothing.
    None,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sampling {
    /// What is decided for a trace that begins here.
    pub root: Root,
    /// Whether the decision of a parent is followed.
    pub follows_parent: bool,
}

/// What is decided for a trace that begins here.
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

impl Sampling {
    /// What the sampler is known to decide.
    pub(crate) fn foresight(self) -> Foresight {
        Foresight { follows_parent: self.follows_parent, samples_roots: self.root == Root::On }
    }
}

/// How spans are gathered into requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// How long a span waits for others.
    pub delay: Duration,
    /// How many bytes the waiting spans of one backend may take; what comes on top is dropped and counted.
    pub queue_bytes: usize,
    /// How many spans may wait beside, if that is limited.
    pub queue: Option<usize>,
    /// How many spans go into one request.
    pub size: usize,
    /// How many bytes go into one request, before compression. A span that is longer on its own is cut.
    pub bytes: usize,
    /// How long one batch may take.
    pub timeout: Duration,
}

/// Where spans are kept on disk that cannot be sent yet.
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
    /// The folder, which several processes may share.
    pub folder: PathBuf,
    /// How many bytes may lie there for one receiver; the oldest go first.
    pub bytes: u64,
    /// How long they may lie there.
    pub age: Duration,
}

impl Spool {
    /// At most 512 MiB for at most seven days, after which Phoenix would not show them unasked.
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
    /// Bytes of a recorded value.
    pub value_length: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        let links = SpanLimits::default().max_links_per_span;
        Self { attributes: 10_000, events: 10_000, links, value_length: None }
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

/// What the code asks for.
#[derive(Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) service_name: Option<String>,
    pub(crate) project_name: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) tls: Tls,
    pub(crate) spool: Option<Spool>,
    pub(crate) privacy: Privacy,
    pub(crate) semconv: Option<SemConv>,
}

const fn variable<T>(
    names: &'static [&'static str],
    parse: fn(&str) -> Option<T>,
    accepted: &'static str,
) -> Variable<T> {
    Variable { names, parse, accepted, secret: false }
}

const WHOLE: &str = "a whole number";
const POSITIVE: &str = "a whole number above 0";
const MILLISECONDS: &str = "milliseconds, a whole number above 0";
const BASE_ENDPOINT: &str = "http(s)://host[:port][/path]";

const DISABLED: Variable<bool> = variable(&["OTEL_SDK_DISABLED"], boolean, "true or false");
const TRACES_ENDPOINT: Variable<String> =
    variable(&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], full_endpoint, "http(s)://host[:port]/path");
const ENDPOINT: Variable<String> =
    variable(&["PHOENIX_COLLECTOR_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"], base_endpoint, BASE_ENDPOINT);
const TIMEOUT: Variable<Duration> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    milliseconds,
    MILLISECONDS,
);
const COMPRESSION: Variable<Compression> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
    compression,
    "gzip or none",
);
const CERTIFICATE: Variable<PathBuf> =
    variable(&["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"], path, "a file");
const CLIENT_CERTIFICATE: Variable<PathBuf> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"],
    path,
    "a file",
);
const CLIENT_KEY: Variable<PathBuf> =
    variable(&["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"], path, "a file");
const PROTOCOL: Variable<Protocol> = variable(
    &["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    protocol,
    if cfg!(feature = "otlp-grpc") {
        "http/protobuf or grpc; http/protobuf is used: point the endpoint at the HTTP port (Phoenix 6006, collector 4318)"
    } else {
        "http/protobuf, which is used (the feature `otlp-grpc` is off): point the endpoint at the HTTP port (Phoenix \
         6006, collector 4318)"
    },
);
const EXPORTER: Variable<Exporter> = variable(
    &["OTEL_TRACES_EXPORTER"],
    exporter,
    if cfg!(feature = "otlp") {
        "otlp, console or none"
    } else {
        "console or none (the feature `otlp` is off)"
    },
);
const SAMPLER: Variable<Sampling> = variable(
    &["OTEL_TRACES_SAMPLER"],
    sampling,
    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio",
);
const SAMPLER_RATIO: Variable<f64> =
    variable(&["OTEL_TRACES_SAMPLER_ARG"], probability, "a number from 0 to 1");
const DELAY: Variable<Duration> = variable(&["OTEL_BSP_SCHEDULE_DELAY"], milliseconds, MILLISECONDS);
const QUEUE_BYTES: Variable<usize> =
    variable(&["A2A_OTEL_QUEUE_BYTES"], positive, "bytes, a whole number above 0");
const SPOOL_FOLDER: Variable<PathBuf> = variable(&["A2A_OTEL_SPOOL_DIR"], path, "a folder");
const SPOOL_BYTES: Variable<usize> =
    variable(&["A2A_OTEL_SPOOL_BYTES"], positive, "bytes, a whole number above 0");
const QUEUE: Variable<usize> = variable(&["OTEL_BSP_MAX_QUEUE_SIZE"], positive, POSITIVE);
const BATCH_SIZE: Variable<usize> = variable(&["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"], positive, POSITIVE);
const BATCH_TIMEOUT: Variable<Duration> = variable(&["OTEL_BSP_EXPORT_TIMEOUT"], milliseconds, MILLISECONDS);
const ATTRIBUTES: Variable<u32> =
    variable(&["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"], count, WHOLE);
const EVENTS: Variable<u32> = variable(&["OTEL_SPAN_EVENT_COUNT_LIMIT"], count, WHOLE);
const LINKS: Variable<u32> = variable(&["OTEL_SPAN_LINK_COUNT_LIMIT"], count, WHOLE);
const VALUE_LENGTH: Variable<usize> =
    variable(&["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"], length, WHOLE);
const SEMCONV: Variable<SemConv> = variable(&["A2A_OTEL_SEMCONV"], semconv, "openinference, gen_ai or both");
const GEN_AI_BESIDE: Variable<bool> =
    variable(&["OPENINFERENCE_ENABLE_GENAI_SEMCONV"], boolean, "true or false");

/// Later ones win.
const HEADERS: [&str; 3] =
    ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "PHOENIX_CLIENT_HEADERS"];

const API_KEY: Variable<String> = Variable {
    names: &["PHOENIX_API_KEY"],
    parse: |text| is_header_value(text).then(|| format!("Bearer {text}")),
    accepted: "visible ASCII characters",
    secret: true,
};

fn path(text: &str) -> Option<PathBuf> {
    text.parse().ok()
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

fn exporter(text: &str) -> Option<Exporter> {
    match text {
        "otlp" if cfg!(feature = "otlp") => Some(Exporter::Otlp),
        "console" => Some(Exporter::Console),
        "none" => Some(Exporter::None),
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

impl Settings {
    /// `executable` names the service when nobody else does.
    pub(crate) fn resolve(
        overrides: &Overrides,
        environment: &mut Environment<'_>,
        executable: &str,
    ) -> Settings {
        let mut resource = resource_attributes(environment);
        let service_name = service_name(overrides, environment, &mut resource, executable);
        let project_name = project_name(overrides, environment, &mut resource);
        let protocol = environment.read(&PROTOCOL).unwrap_or_default();
        Settings {
            endpoint: endpoint(overrides, environment, protocol),
            protocol,
            headers: headers(overrides, environment, &project_name),
            timeout: environment.read(&TIMEOUT).unwrap_or(Duration::from_secs(10)),
            compression: environment.read(&COMPRESSION).unwrap_or(Compression::Gzip),
            tls: tls(overrides, environment),
            exporter: environment.read(&EXPORTER).unwrap_or(default_exporter()),
            sampling: sampling_setting(environment),
            batch: batch(environment),
            spool: spool(overrides, environment),
            limits: limits(environment),
            privacy: overrides.privacy.resolve(environment),
            semconv: semconv_setting(overrides, environment),
            disabled: environment.read(&DISABLED).unwrap_or(false),
            service_name,
            project_name,
            resource,
        }
    }

    /// These settings for another receiver, whose headers are its own.
    #[cfg(feature = "otlp")]
    pub(crate) fn for_receiver(
        &self,
        endpoint: &str,
        headers: &[(String, String)],
        warnings: &mut Vec<Warning>,
    ) -> Settings {
        let nothing = |_: &str| None;
        let mut environment = Environment::new(&nothing);
        let overrides = Overrides {
            endpoint: Some(endpoint.to_owned()),
            headers: headers.to_vec(),
            ..Overrides::default()
        };
        let endpoint = self::endpoint(&overrides, &mut environment, self.protocol);
        let headers = self::headers(&overrides, &mut environment, &self.project_name);
        warnings.append(&mut environment.warnings);
        Settings { endpoint, headers, exporter: Exporter::Otlp, ..self.clone() }
    }

    /// Everything that the resource says.
    pub(crate) fn resource_attributes(&self) -> impl Iterator<Item = (String, String)> {
        let own = [(SERVICE_ATTRIBUTE, &self.service_name), (PROJECT_NAME, &self.project_name)];
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        self.resource.clone().into_iter().chain(own)
    }
}

fn default_exporter() -> Exporter {
    if cfg!(feature = "otlp") { Exporter::Otlp } else { Exporter::Console }
}

fn resource_attributes(environment: &mut Environment<'_>) -> BTreeMap<String, String> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let Some(text) = environment.text(NAME) else { return BTreeMap::new() };
    let (attributes, complete) = pairs(&text);
    if !complete {
        environment.reject_part(NAME, &text, PAIRS, false);
    }
    attributes
}

fn service_name(
    overrides: &Overrides,
    environment: &Environment<'_>,
    resource: &mut BTreeMap<String, String>,
    executable: &str,
) -> String {
    let from_resource = resource.remove(SERVICE_ATTRIBUTE).filter(|name| !name.is_empty());
    let configured = overrides.service_name.clone().or_else(|| environment.text("OTEL_SERVICE_NAME"));
    configured.or(from_resource).unwrap_or_else(|| executable.to_owned())
}

fn project_name(
    overrides: &Overrides,
    environment: &mut Environment<'_>,
    resource: &mut BTreeMap<String, String>,
) -> String {
    let from_resource = resource.remove(PROJECT_NAME).filter(|name| !name.is_empty());
    let project = environment.text("PHOENIX_PROJECT");
    let alias = environment.text("PHOENIX_PROJECT_NAME");
    if let (Some(project), Some(alias)) = (&project, &alias)
        && project != alias
    {
        environment.notice(format!(
            "PHOENIX_PROJECT={project:?} and PHOENIX_PROJECT_NAME={alias:?} differ: the first is used"
        ));
    }
    let configured = overrides.project_name.clone().or(project).or(alias).or(from_resource);
    configured.unwrap_or_else(|| "default".to_owned())
}

/// An address that was given and is malformed must not send the traces elsewhere, so none of the others is tried.
fn endpoint(
    overrides: &Overrides,
    environment: &mut Environment<'_>,
    protocol: Protocol,
) -> Option<Endpoint> {
    let Some((name, text, variable)) = configured_endpoint(overrides, environment) else {
        let default = match protocol {
            Protocol::HttpProtobuf => DEFAULT_ENDPOINT,
            Protocol::Grpc => DEFAULT_GRPC_ENDPOINT,
        };
        return Some(Endpoint(default.to_owned()));
    };
    let endpoint = (variable.parse)(&text);
    if endpoint.is_none() {
        let accepted = format!("{}; no spans are sent", variable.accepted);
        environment.reject(name, &shown_endpoint(&text), &accepted, false);
    }
    let is_grpc = protocol == Protocol::Grpc;
    // The path belongs to HTTP; gRPC has its own.
    endpoint.map(|endpoint| match server_of(&endpoint) {
        Some(server) if is_grpc => Endpoint(server.to_owned()),
        _ => Endpoint(endpoint),
    })
}

fn configured_endpoint(
    overrides: &Overrides,
    environment: &Environment<'_>,
) -> Option<(&'static str, String, &'static Variable<String>)> {
    let code = overrides.endpoint.clone().map(|text| ("endpoint", text, &ENDPOINT));
    let names =
        |variable: &'static Variable<String>| variable.names.iter().map(move |name| (*name, variable));
    let mut names = [&TRACES_ENDPOINT, &ENDPOINT].into_iter().flat_map(names);
    code.or_else(|| names.find_map(|(name, variable)| Some((name, environment.text(name)?, variable))))
}

fn headers(overrides: &Overrides, environment: &mut Environment<'_>, project: &str) -> Headers {
    let mut headers = BTreeMap::new();
    for name in HEADERS {
        let Some(text) = environment.text(name) else { continue };
        let (pairs, complete) = pairs(&text);
        let valid = add_headers(&mut headers, pairs);
        if !(complete && valid) {
            environment.reject_part(name, &text, HEADER_PAIRS, true);
        }
    }
    if !add_headers(&mut headers, overrides.headers.iter().cloned()) {
        environment.reject_part(
            "headers",
            "",
            "names and values that HTTP allows, of headers that a request does not set itself",
            true,
        );
    }
    if let Some(authorization) = environment.read(&API_KEY) {
        headers.entry("authorization".to_owned()).or_insert(authorization);
    }
    // The resource names the project too, which serves the names that no header can carry.
    if is_header_value(project) {
        headers.entry(PROJECT_HEADER.to_owned()).or_insert_with(|| project.to_owned());
    }
    Headers(headers)
}

/// Adds the headers that HTTP allows, and tells whether those were all.
fn add_headers(
    headers: &mut BTreeMap<String, String>,
    pairs: impl IntoIterator<Item = (String, String)>,
) -> bool {
    let mut valid = true;
    for (name, value) in pairs {
        match header(&name, &value) {
            Some((name, value)) => drop(headers.insert(name, value)),
            None => valid = false,
        }
    }
    valid
}

fn tls(overrides: &Overrides, environment: &mut Environment<'_>) -> Tls {
    let mut setting = |said: &Option<PathBuf>, variable| said.clone().or_else(|| environment.read(variable));
    let said = &overrides.tls;
    Tls {
        certificate: setting(&said.certificate, &CERTIFICATE),
        client_certificate: setting(&said.client_certificate, &CLIENT_CERTIFICATE),
        client_key: setting(&said.client_key, &CLIENT_KEY),
    }
}

fn sampling_setting(environment: &mut Environment<'_>) -> Sampling {
    let default = Sampling { root: Root::On, follows_parent: true };
    let mut sampling = environment.read(&SAMPLER).unwrap_or(default);
    if let Root::Ratio(ratio) = &mut sampling.root {
        *ratio = environment.read(&SAMPLER_RATIO).unwrap_or(*ratio);
    }
    sampling
}

/// The variable of OpenInference's Python package only adds to what it does by itself.
fn semconv_setting(overrides: &Overrides, environment: &mut Environment<'_>) -> SemConv {
    let said = overrides.semconv.or_else(|| environment.read(&SEMCONV));
    let beside = || environment.read(&GEN_AI_BESIDE).and_then(|beside| beside.then_some(SemConv::Both));
    said.or_else(beside).unwrap_or_default()
}

fn batch(environment: &mut Environment<'_>) -> Batch {
    let queue = environment.read(&QUEUE);
    let size = environment.read(&BATCH_SIZE);
    if let (Some(size), Some(queue)) = (size, queue)
        && size > queue
    {
        environment.notice(format!(
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE={size} is above the size of the queue: {queue} is used"
        ));
    }
    Batch {
        delay: environment.read(&DELAY).unwrap_or(Duration::from_secs(1)),
        queue_bytes: environment.read(&QUEUE_BYTES).unwrap_or(64 * MEBIBYTE),
        queue,
        size: size.unwrap_or(512).min(queue.unwrap_or(usize::MAX)),
        bytes: LARGEST_REQUEST,
        timeout: environment.read(&BATCH_TIMEOUT).unwrap_or(Duration::from_secs(30)),
    }
}

fn spool(overrides: &Overrides, environment: &mut Environment<'_>) -> Option<Spool> {
    let bytes = environment.read(&SPOOL_BYTES);
    let from_environment = environment.read(&SPOOL_FOLDER).map(|folder| {
        let default = Spool::new(folder);
        Spool { bytes: bytes.map_or(default.bytes, |bytes| bytes as u64), ..default }
    });
    overrides.spool.clone().or(from_environment)
}

fn limits(environment: &mut Environment<'_>) -> Limits {
    let default = Limits::default();
    Limits {
        attributes: environment.read(&ATTRIBUTES).unwrap_or(default.attributes),
        events: environment.read(&EVENTS).unwrap_or(default.events),
        links: environment.read(&LINKS).unwrap_or(default.links),
        value_length: environment.read(&VALUE_LENGTH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    /// Variables of the environment, calls of the builder, what then is asked, the beginnings of the warnings.
    struct Row(Pairs, Pairs, Pairs, &'static [&'static str]);

    #[rustfmt::skip]
    const TABLE: &[Row] = &[
        // Nothing said.
        Row(&[], &[], &[("service", "agent"), ("project", "default"), ("disabled", "false"), ("sampling", "On, parent true")], &[]),
        Row(&[], &[], &[("endpoint", "http://localhost:6006/v1/traces"), ("header x-project-name", "default")], &[]),
        Row(&[], &[], &[("timeout", "10s"), ("compression", "Gzip"), ("batch", "1s None 512 30s"), ("limits", "10000 10000 128 None")], &[]),
        // The service.
        Row(&[("OTEL_SERVICE_NAME", "env")], &[("service_name", "code")], &[("service", "code")], &[]),
        Row(&[("OTEL_SERVICE_NAME", "env"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=res")], &[], &[("service", "env")], &[]),
        Row(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=res,deployment=a%20b")], &[], &[("service", "res"), ("resource deployment", "a b"), ("resource service.name", "-")], &[]),
        Row(&[("OTEL_SERVICE_NAME", "  ")], &[], &[("service", "agent")], &[]),
        Row(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1,b")], &[], &[("resource a", "1")], &["OTEL_RESOURCE_ATTRIBUTES=\"a=1,b\" is used in part: expected name=value"]),
        Row(&[("OTEL_RESOURCE_ATTRIBUTES", "a=%zz,b=2")], &[], &[("resource a", "-"), ("resource b", "2")], &["OTEL_RESOURCE_ATTRIBUTES="]),
        // The project.
        Row(&[("PHOENIX_PROJECT", "env")], &[("project_name", "code")], &[("project", "code"), ("header x-project-name", "code")], &[]),
        Row(&[("PHOENIX_PROJECT", "env")], &[], &[("project", "env")], &[]),
        Row(&[("PHOENIX_PROJECT_NAME", "alias")], &[], &[("project", "alias")], &[]),
        Row(&[("PHOENIX_PROJECT", "a"), ("PHOENIX_PROJECT_NAME", "a")], &[], &[("project", "a")], &[]),
        Row(&[("PHOENIX_PROJECT", "a"), ("PHOENIX_PROJECT_NAME", "b")], &[], &[("project", "a")], &["PHOENIX_PROJECT=\"a\" and PHOENIX_PROJECT_NAME=\"b\" differ"]),
        Row(&[("OTEL_RESOURCE_ATTRIBUTES", "openinference.project.name=res")], &[], &[("project", "res")], &[]),
        Row(&[("PHOENIX_CLIENT_HEADERS", "X-Project-Name=mine")], &[("project_name", "code")], &[("project", "code"), ("header x-project-name", "mine")], &[]),
        Row(&[], &[("project_name", "日本")], &[("project", "日本"), ("header x-project-name", "-")], &[]),
        // The endpoint.
        Row(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x")], &[("endpoint", "http://c:2")], &[("endpoint", "http://c:2/v1/traces")], &[]),
        Row(&[], &[("endpoint", "https://c/s/space/v1/traces")], &[("endpoint", "https://c/s/space/v1/traces")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x?key=1"), ("PHOENIX_COLLECTOR_ENDPOINT", "http://p")], &[], &[("endpoint", "http://t:1/x?key=1")], &[]),
        Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://p:6006"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://o")], &[], &[("endpoint", "http://p:6006/v1/traces")], &[]),
        Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "https://app/s/space/")], &[], &[("endpoint", "https://app/s/space/v1/traces")], &[]),
        Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "http://p:6006/v1/traces")], &[], &[("endpoint", "http://p:6006/v1/traces")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4318")], &[], &[("endpoint", "http://[::1]:4318/v1/traces")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]")], &[], &[("endpoint", "http://[::1]/v1/traces")], &[]),
        Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "localhost:6006")], &[], &[("endpoint", "-")], &["PHOENIX_COLLECTOR_ENDPOINT=\"localhost:6006\" is ignored: expected http(s)://host[:port][/path]; no spans are sent"]),
        Row(&[("PHOENIX_COLLECTOR_ENDPOINT", "ftp://h"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://o")], &[], &[("endpoint", "-")], &["PHOENIX_COLLECTOR_ENDPOINT=\"ftp://h\""]),
        Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:port")], &[], &[("endpoint", "-")], &["OTEL_EXPORTER_OTLP_ENDPOINT=\"http://h:port\""]),
        Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://")], &[], &[("endpoint", "-")], &["OTEL_EXPORTER_OTLP_ENDPOINT=\"http://\""]),
        Row(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:secret@h?k=secret")], &[], &[("endpoint", "-")], &["OTEL_EXPORTER_OTLP_ENDPOINT=\"http://****@h\" is ignored"]),
        Row(&[], &[("endpoint", "phoenix")], &[("endpoint", "-")], &["endpoint=\"phoenix\" is ignored"]),
        // Headers.
        Row(&[("OTEL_EXPORTER_OTLP_HEADERS", "A=1,b=1,c=1,d=1"), ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2,c=2,d=2"), ("PHOENIX_CLIENT_HEADERS", "c=3,d=3")], &[("header", "D=4")],
            &[("header a", "1"), ("header b", "2"), ("header c", "3"), ("header d", "4")], &[]),
        Row(&[("PHOENIX_CLIENT_HEADERS", "x=a%20b%2Cc")], &[], &[("header x", "a b,c")], &[]),
        Row(&[("PHOENIX_API_KEY", "key")], &[], &[("header authorization", "Bearer key")], &[]),
        Row(&[("PHOENIX_API_KEY", "key"), ("PHOENIX_CLIENT_HEADERS", "Authorization=Basic%20x")], &[], &[("header authorization", "Basic x")], &[]),
        Row(&[("PHOENIX_API_KEY", "key")], &[("header", "authorization=mine")], &[("header authorization", "mine")], &[]),
        Row(&[("PHOENIX_API_KEY", "schlüssel")], &[], &[("header authorization", "-")], &["PHOENIX_API_KEY=**** is ignored: expected visible ASCII characters"]),
        Row(&[("PHOENIX_CLIENT_HEADERS", "secret,ok=1")], &[], &[("header ok", "1")], &["PHOENIX_CLIENT_HEADERS=**** is used in part: expected name=value"]),
        Row(&[("PHOENIX_CLIENT_HEADERS", "bad name=1,ok=%0A")], &[], &[("header ok", "-")], &["PHOENIX_CLIENT_HEADERS=****"]),
        Row(&[], &[("header", "ü=1")], &[], &["headers=**** is used in part"]),
        Row(&[("PHOENIX_CLIENT_HEADERS", "Content-Length=3,ok=1")], &[], &[("header content-length", "-"), ("header ok", "1")], &["PHOENIX_CLIENT_HEADERS=**** is used in part"]),
        // The request.
        Row(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "2000")], &[], &[("timeout", "2s")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "300")], &[], &[("timeout", "300ms")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "2s")], &[], &[("timeout", "10s")], &["OTEL_EXPORTER_OTLP_TIMEOUT=\"2s\" is ignored: expected milliseconds"]),
        Row(&[("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "5")], &[], &[("timeout", "5ms")], &["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=\"0\""]),
        Row(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "none")], &[], &[("compression", "None")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "none"), ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip")], &[], &[("compression", "Gzip")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/a"), ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/b"), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/c")], &[], &[("certificate", "/b"), ("client_key", "/c")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/a")], &[("certificate", "/b")], &[("certificate", "/b")], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")], &[], &[("compression", "Gzip")], &["OTEL_EXPORTER_OTLP_COMPRESSION=\"zstd\" is ignored: expected gzip or none"]),
        Row(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], &[], &[], &[]),
        Row(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], &[], &[], if cfg!(feature = "otlp-grpc") { &[] } else { &["OTEL_EXPORTER_OTLP_PROTOCOL=\"grpc\" is ignored: expected http/protobuf"] }),
        Row(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")], &[], &[], &["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=\"http/json\""]),
        // What is recorded and what becomes of it.
        Row(&[("OTEL_SDK_DISABLED", "TRUE")], &[], &[("disabled", "true")], &[]),
        Row(&[("OTEL_SDK_DISABLED", "1")], &[], &[("disabled", "false")], &["OTEL_SDK_DISABLED=\"1\" is ignored: expected true or false"]),
        Row(&[("OTEL_TRACES_EXPORTER", "console")], &[], &[("exporter", "Console")], &[]),
        Row(&[("OTEL_TRACES_EXPORTER", "none")], &[], &[("exporter", "None")], &[]),
        Row(&[("OTEL_TRACES_EXPORTER", "zipkin")], &[], &[], &["OTEL_TRACES_EXPORTER=\"zipkin\" is ignored"]),
        Row(&[("OTEL_TRACES_SAMPLER", "always_on")], &[], &[("sampling", "On, parent false")], &[]),
        Row(&[("OTEL_TRACES_SAMPLER", "always_off")], &[], &[("sampling", "Off, parent false")], &[]),
        Row(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")], &[], &[("sampling", "Ratio(0.5), parent false")], &[]),
        Row(&[("OTEL_TRACES_SAMPLER", "parentbased_always_on")], &[], &[("sampling", "On, parent true")], &[]),
        Row(&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")], &[], &[("sampling", "Off, parent true")], &[]),
        Row(&[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")], &[], &[("sampling", "Ratio(0.1), parent true")], &[]),
        Row(&[("OTEL_TRACES_SAMPLER", "traceidratio")], &[], &[("sampling", "Ratio(1.0), parent false")], &[]),
        Row(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")], &[], &[("sampling", "Ratio(1.0), parent false")], &["OTEL_TRACES_SAMPLER_ARG=\"2\" is ignored: expected a number from 0 to 1"]),
        Row(&[("OTEL_TRACES_SAMPLER", "parentbased_xray")], &[], &[("sampling", "On, parent true")], &["OTEL_TRACES_SAMPLER=\"parentbased_xray\""]),
        // What must not leave the process.
        Row(&[], &[], &[("privacy hides: []", "true"), ("privacy length: None", "true")], &[]),
        Row(&[("OPENINFERENCE_HIDE_INPUTS", " True "), ("OPENINFERENCE_HIDE_CHOICES", "false")], &[], &[("privacy [\"OPENINFERENCE_HIDE_INPUTS\"]", "true")], &[]),
        Row(&[("OPENINFERENCE_HIDE_EMBEDDING_VECTORS", "1"), ("OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS", "false")], &[], &[("privacy [\"OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS\"]", "true")], &["OPENINFERENCE_HIDE_EMBEDDING_VECTORS=\"1\" is read as true: expected true or false"]),
        Row(&[("OPENINFERENCE_HIDE_OUTPUTS", "true")], &[("hide_outputs", "false")], &[("privacy hides: []", "true")], &[]),
        Row(&[("OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH", "10")], &[], &[("privacy length: Some(10)", "true")], &[]),
        Row(&[("OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH", "-1")], &[], &[("privacy length: None", "true")], &["OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH=\"-1\" is ignored: expected a whole number"]),
        // In whose terms.
        Row(&[], &[], &[("semconv", "OpenInference")], &[]),
        Row(&[("A2A_OTEL_SEMCONV", "gen_ai")], &[], &[("semconv", "GenAi")], &[]),
        Row(&[("A2A_OTEL_SEMCONV", "both")], &[("semconv", "openinference")], &[("semconv", "OpenInference")], &[]),
        Row(&[("OPENINFERENCE_ENABLE_GENAI_SEMCONV", "True")], &[], &[("semconv", "Both")], &[]),
        Row(&[("OPENINFERENCE_ENABLE_GENAI_SEMCONV", "false")], &[], &[("semconv", "OpenInference")], &[]),
        Row(&[("OPENINFERENCE_ENABLE_GENAI_SEMCONV", "true"), ("A2A_OTEL_SEMCONV", "gen_ai")], &[], &[("semconv", "GenAi")], &[]),
        Row(&[("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")], &[], &[("semconv", "OpenInference")], &[]),
        Row(&[("A2A_OTEL_SEMCONV", "genai")], &[], &[("semconv", "OpenInference")], &["A2A_OTEL_SEMCONV=\"genai\" is ignored: expected openinference, gen_ai or both"]),
        // Batches and limits.
        Row(&[("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_BSP_MAX_QUEUE_SIZE", "64"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32"), ("OTEL_BSP_EXPORT_TIMEOUT", "900")], &[], &[("batch", "200ms Some(64) 32 900ms")], &[]),
        Row(&[("OTEL_BSP_MAX_QUEUE_SIZE", "64")], &[], &[("batch", "1s Some(64) 64 30s")], &[]),
        Row(&[("OTEL_BSP_MAX_QUEUE_SIZE", "64"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "65")], &[], &[("batch", "1s Some(64) 64 30s")], &["OTEL_BSP_MAX_EXPORT_BATCH_SIZE=65 is above"]),
        Row(&[("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "-1")], &[], &[("batch", "1s None 512 30s")], &["OTEL_BSP_MAX_QUEUE_SIZE=\"0\"", "OTEL_BSP_SCHEDULE_DELAY=\"-1\""]),
        Row(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "7")], &[], &[("limits", "7 10000 128 None")], &[]),
        Row(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "8")], &[], &[("limits", "8 10000 128 None")], &[]),
        Row(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "1"), ("OTEL_SPAN_LINK_COUNT_LIMIT", "2")], &[], &[("limits", "10000 1 2 None")], &[]),
        Row(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100")], &[], &[("limits", "10000 10000 128 Some(100)")], &[]),
        Row(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"), ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")], &[], &[("limits", "10000 10000 128 Some(5)")], &[]),
        Row(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "many")], &[], &[("limits", "10000 10000 128 None")], &["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=\"many\" is ignored: expected a whole number"]),
    ];

    fn overrides(calls: Pairs) -> Overrides {
        let mut overrides = Overrides::default();
        for (call, value) in calls {
            let value = (*value).to_owned();
            match *call {
                "service_name" => overrides.service_name = Some(value),
                "project_name" => overrides.project_name = Some(value),
                "endpoint" => overrides.endpoint = Some(value),
                "certificate" => overrides.tls.certificate = Some(value.into()),
                "semconv" => overrides.semconv = semconv(&value),
                "hide_outputs" => overrides.privacy = Privacy::new().hide_outputs(value == "true"),
                _ => overrides
                    .headers
                    .extend(value.split_once('=').map(|(name, value)| (name.into(), value.into()))),
            }
        }
        overrides
    }

    fn answer(settings: &Settings, question: &str) -> String {
        let Settings { sampling, batch, limits, .. } = settings;
        let or_none = |value: Option<&str>| value.unwrap_or("-").to_owned();
        let file = |path: &Option<PathBuf>| or_none(path.as_deref().and_then(std::path::Path::to_str));
        match question.split_once(' ').unwrap_or((question, "")) {
            ("service", _) => settings.service_name.clone(),
            ("project", _) => settings.project_name.clone(),
            ("endpoint", _) => or_none(settings.endpoint.as_ref().map(Endpoint::as_str)),
            ("header", name) => or_none(settings.headers.0.get(name).map(String::as_str)),
            ("resource", name) => or_none(settings.resource.get(name).map(String::as_str)),
            ("disabled", _) => settings.disabled.to_string(),
            ("timeout", _) => format!("{:?}", settings.timeout),
            ("compression", _) => format!("{:?}", settings.compression),
            ("certificate", _) => file(&settings.tls.certificate),
            ("client_key", _) => file(&settings.tls.client_key),
            ("exporter", _) => format!("{:?}", settings.exporter),
            ("semconv", _) => format!("{:?}", settings.semconv),
            ("privacy", part) => format!("{:?}", settings.privacy).contains(part).to_string(),
            ("sampling", _) => format!("{:?}, parent {}", sampling.root, sampling.follows_parent),
            ("batch", _) => format!("{:?} {:?} {} {:?}", batch.delay, batch.queue, batch.size, batch.timeout),
            ("limits", _) => {
                format!("{} {} {} {:?}", limits.attributes, limits.events, limits.links, limits.value_length)
            }
            _ => unreachable!("{question}"),
        }
    }

    #[test]
    fn every_combination_resolves_as_the_table_says() {
        for Row(variables, calls, questions, expected) in TABLE {
            let lookup = |name: &str| {
                variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            };
            let mut environment = Environment::new(&lookup);
            let settings = Settings::resolve(&overrides(calls), &mut environment, "agent");
            for (question, expected) in *questions {
                assert_eq!(answer(&settings, question), *expected, "{question} of {variables:?} {calls:?}");
            }
            let warnings: Vec<_> = environment.warnings.iter().map(ToString::to_string).collect();
            assert_eq!(warnings.len(), expected.len(), "{warnings:?} of {variables:?} {calls:?}");
            for (warning, expected) in warnings.iter().zip(*expected) {
                assert!(warning.starts_with(expected), "{warning} should start with {expected}");
            }
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let variables = [
            ("PHOENIX_API_KEY", "hidden"),
            ("PHOENIX_CLIENT_HEADERS", "a=hidden"),
            ("PHOENIX_COLLECTOR_ENDPOINT", "http://user:hidden@h/"),
        ];
        let lookup = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::resolve(&Overrides::default(), &mut Environment::new(&lookup), "agent");
        let shown = format!("{settings:?} {}", settings.endpoint.clone().unwrap());
        assert!(!shown.contains("hidden"), "{shown}");
        assert!(shown.contains("authorization"), "{shown}");
    }

    #[test]
    fn the_resource_names_service_and_project() {
        let settings = Settings::resolve(&Overrides::default(), &mut Environment::new(&|_| None), "agent");
        let attributes: BTreeMap<_, _> = settings.resource_attributes().collect();
        assert_eq!(attributes["service.name"], "agent");
        assert_eq!(attributes["openinference.project.name"], "default");
    }
}
