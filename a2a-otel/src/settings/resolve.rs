//! How a configuration is resolved: code takes precedence over the environment, and that over the defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::endpoint::{self, Endpoint};
#[cfg(feature = "performance")]
use super::variables::PERFORMANCE;
#[cfg(feature = "cost")]
use super::variables::PRICES;
use super::variables::{
    API_KEY, ATTRIBUTES, BATCH_SIZE, BATCH_TIMEOUT, CARDINALITY, CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY,
    COMPRESSION, CONSOLE, DELAY, DISABLED, ENDPOINT, EVENTS, EXPORTER, GEN_AI_TOO, HEADERS, LINKS, PROJECT,
    PROJECT_ALIAS, PROTOCOL, QUEUE, QUEUE_BYTES, RESOURCE, SAMPLER, SAMPLER_RATIO, SEMCONV, SERVICE,
    SPOOL_BYTES, SPOOL_FOLDER, STABILITY_OPT_IN, TIMEOUT, TRACES_ENDPOINT, VALUE_LENGTH,
};
use super::{
    Batch, CARDINALITIES, Compression, Exporter, Headers, Limits, Logs, MEBIBYTE, Metrics, MetricsOverrides,
    Protocol, Root, Sampling, Settings, Spool, Tls,
};
#[cfg(feature = "otlp")]
use crate::environment::Warning;
use crate::environment::values::{header, is_header_value};
use crate::environment::{Environment, Variable};
use crate::privacy::Privacy;
use crate::semconv::openinference::resource::PROJECT_NAME;
use crate::semconv::{GenAiVersion, SemConv};

/// Below the 4 MiB that a gRPC server accepts by default, with room for what encloses the spans.
const LARGEST_REQUEST: usize = 4 * MEBIBYTE - 64 * 1024;

/// The limit of OpenTelemetry's specification.
const USUAL_CARDINALITY: usize = 2_000;

/// The header that names the project to Phoenix.
pub(crate) const PROJECT_HEADER: &str = "x-project-name";
/// The resource attribute that names the service.
pub(crate) const SERVICE_ATTRIBUTE: &str = "service.name";
/// The project that Phoenix uses if none is named.
pub(crate) const DEFAULT_PROJECT: &str = "default";

/// The settings that were made in code.
#[derive(Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) service_name: Option<String>,
    pub(crate) project_name: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) tls: Tls,
    pub(crate) spool: Option<Spool>,
    /// Whether no spool is used, whatever else is set.
    pub(crate) without_spool: bool,
    pub(crate) cardinality_limit: Option<usize>,
    pub(crate) metrics: MetricsOverrides,
    #[cfg(feature = "cost")]
    pub(crate) prices: Option<PathBuf>,
    #[cfg(feature = "performance")]
    pub(crate) performance: Option<bool>,
    pub(crate) privacy: Privacy,
    pub(crate) semconv: Option<SemConv>,
    pub(crate) gen_ai_version: Option<GenAiVersion>,
}

impl Settings {
    /// Resolves all settings. `executable` names the service if no setting does.
    pub(crate) fn resolve(
        overrides: &Overrides,
        environment: &mut Environment<'_>,
        executable: &str,
    ) -> Settings {
        let mut resource = resource_attributes(environment);
        let service_name = service_name(overrides, environment, &mut resource, executable);
        let project_name = project_name(overrides, environment, &mut resource);
        let protocol = environment.read(&PROTOCOL).unwrap_or_default();
        let batch = batch(environment);
        Settings {
            endpoint: resolve_endpoint(overrides, environment, protocol),
            protocol,
            headers: headers(overrides, environment, &project_name),
            timeout: environment.read(&TIMEOUT).unwrap_or(Duration::from_secs(10)),
            compression: environment.read(&COMPRESSION).unwrap_or(Compression::Gzip),
            tls: tls(overrides, environment),
            exporter: environment.read(&EXPORTER).unwrap_or(default_exporter()),
            console: environment.read(&CONSOLE).unwrap_or_default(),
            sampling: sampling_setting(environment),
            batch,
            spool: spool(overrides, environment),
            limits: limits(environment),
            cardinality_limit: cardinality_limit(overrides, environment),
            metrics: Metrics::resolve(&overrides.metrics, &overrides.tls, environment),
            #[cfg(feature = "cost")]
            prices: overrides.prices.clone().or_else(|| environment.read(&PRICES)),
            #[cfg(feature = "performance")]
            performance: overrides.performance.or_else(|| environment.read(&PERFORMANCE)).unwrap_or(true),
            logs: Logs::resolve(&overrides.tls, &batch, environment),
            privacy: overrides.privacy.resolve(environment),
            semconv: semconv_setting(overrides, environment),
            gen_ai_version: gen_ai_version(overrides, environment),
            disabled: environment.read(&DISABLED).unwrap_or(false),
            service_name,
            project_name,
            resource,
        }
    }

    /// Returns these settings for another receiver, which has its own headers.
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
        let endpoint = resolve_endpoint(&overrides, &mut environment, self.protocol);
        let headers = self::headers(&overrides, &mut environment, &self.project_name);
        warnings.append(&mut environment.warnings);
        Settings { endpoint, headers, exporter: Exporter::Otlp, ..self.clone() }
    }

    /// Returns these settings without the project's header if no project is named, so that the resource of a provider can
    /// name it: Phoenix asks the header first.
    pub(crate) fn without_default_project(mut self) -> Settings {
        self.headers.0.retain(|name, value| name != PROJECT_HEADER || value != DEFAULT_PROJECT);
        self
    }

    /// Returns these settings for the traces of another project.
    #[cfg(all(feature = "evaluation", feature = "otlp"))]
    pub(crate) fn for_project(mut self, name: &str) -> Settings {
        self.headers.0.remove(PROJECT_HEADER);
        if is_header_value(name) {
            self.headers.0.insert(PROJECT_HEADER.to_owned(), name.to_owned());
        }
        Settings { project_name: name.to_owned(), ..self }
    }

    /// Returns these settings for the receiver of log records.
    #[cfg(feature = "logs")]
    pub(crate) fn for_logs(&self, logs: &Logs) -> Settings {
        let logs = logs.clone();
        Settings {
            endpoint: Some(logs.endpoint),
            protocol: logs.protocol,
            headers: logs.headers,
            timeout: logs.timeout,
            compression: logs.compression,
            tls: logs.tls,
            ..self.clone()
        }
    }

    /// Returns these settings for the receiver of metrics.
    #[cfg(all(feature = "otlp", feature = "metrics"))]
    pub(crate) fn for_metrics(&self) -> Settings {
        let metrics = self.metrics.clone();
        Settings {
            endpoint: metrics.endpoint,
            protocol: metrics.protocol,
            headers: metrics.headers,
            timeout: metrics.request_timeout.min(metrics.timeout),
            compression: metrics.compression,
            tls: metrics.tls,
            ..self.clone()
        }
    }

    /// Returns all attributes of the resource.
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
    let mut attributes = BTreeMap::new();
    environment.read_list(&RESOURCE, |(name, value)| {
        attributes.insert(name, value);
        true
    });
    attributes
}

fn service_name(
    overrides: &Overrides,
    environment: &mut Environment<'_>,
    resource: &mut BTreeMap<String, String>,
    executable: &str,
) -> String {
    let from_resource = resource.remove(SERVICE_ATTRIBUTE).filter(|name| !name.is_empty());
    let configured = overrides.service_name.clone().or_else(|| environment.read(&SERVICE));
    configured.or(from_resource).unwrap_or_else(|| executable.to_owned())
}

fn project_name(
    overrides: &Overrides,
    environment: &mut Environment<'_>,
    resource: &mut BTreeMap<String, String>,
) -> String {
    let from_resource = resource.remove(PROJECT_NAME).filter(|name| !name.is_empty());
    let project = environment.read(&PROJECT);
    let alias = environment.read(&PROJECT_ALIAS);
    if let (Some(project), Some(alias)) = (&project, &alias)
        && project != alias
    {
        environment.notice(format!(
            "PHOENIX_PROJECT={project:?} and PHOENIX_PROJECT_NAME={alias:?} differ: the first is used"
        ));
    }
    let configured = overrides.project_name.clone().or(project).or(alias).or(from_resource);
    configured.unwrap_or_else(|| DEFAULT_PROJECT.to_owned())
}

/// Resolves the endpoint. If the first address that is set is malformed, no other is tried, so that traces do not go
/// elsewhere.
fn resolve_endpoint(
    overrides: &Overrides,
    environment: &mut Environment<'_>,
    protocol: Protocol,
) -> Option<Endpoint> {
    let endpoint = match configured_endpoint(overrides, environment) {
        None if protocol == Protocol::Grpc => Endpoint::parse(endpoint::DEFAULT_GRPC),
        None => Endpoint::parse(endpoint::DEFAULT),
        Some((name, text, variable)) => (variable.parse)(&text).or_else(|| {
            let accepted = format!("{}; no spans are sent", variable.accepted);
            environment.reject(name, &endpoint::shown(&text), &accepted, false);
            None
        }),
    }?;
    // OTLP over gRPC has a path of its own.
    let server = endpoint.server().filter(|_| protocol == Protocol::Grpc);
    Some(server.unwrap_or(endpoint))
}

fn configured_endpoint(
    overrides: &Overrides,
    environment: &Environment<'_>,
) -> Option<(&'static str, String, &'static Variable<Endpoint>)> {
    let code = overrides.endpoint.clone().map(|text| ("endpoint", text, &ENDPOINT));
    let names =
        |variable: &'static Variable<Endpoint>| variable.names.iter().map(move |name| (*name, variable));
    let mut names = [&TRACES_ENDPOINT, &ENDPOINT].into_iter().flat_map(names);
    code.or_else(|| names.find_map(|(name, variable)| Some((name, environment.text(name)?, variable))))
}

fn headers(overrides: &Overrides, environment: &mut Environment<'_>, project: &str) -> Headers {
    let mut headers = BTreeMap::new();
    environment.read_list(&HEADERS, |(name, value)| add_header(&mut headers, &name, &value));
    let add = |(name, value): &(String, String)| add_header(&mut headers, name, value);
    if overrides.headers.iter().map(add).filter(|is_valid| !is_valid).count() > 0 {
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
    // A name that no header can carry still reaches Phoenix in the resource.
    if is_header_value(project) {
        headers.entry(PROJECT_HEADER.to_owned()).or_insert_with(|| project.to_owned());
    }
    Headers(headers)
}

/// Adds a header if HTTP allows it, and returns whether it does.
fn add_header(headers: &mut BTreeMap<String, String>, name: &str, value: &str) -> bool {
    header(name, value).map(|(name, value)| headers.insert(name, value)).is_some()
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

/// Resolves the conventions. The variable of OpenInference's Python package can only add GenAI.
fn semconv_setting(overrides: &Overrides, environment: &mut Environment<'_>) -> SemConv {
    let said = overrides.semconv.or_else(|| environment.read(&SEMCONV));
    let both = || environment.read(&GEN_AI_TOO).and_then(|too| too.then_some(SemConv::Both));
    said.or_else(both).unwrap_or_default()
}

/// Resolves the version of the GenAI conventions.
fn gen_ai_version(overrides: &Overrides, environment: &mut Environment<'_>) -> GenAiVersion {
    overrides.gen_ai_version.or_else(|| environment.read(&STABILITY_OPT_IN)).unwrap_or_default()
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
    overrides.spool.clone().or(from_environment).filter(|_| !overrides.without_spool)
}

fn limits(environment: &mut Environment<'_>) -> Limits {
    let default = Limits::default();
    Limits {
        attributes: environment.read(&ATTRIBUTES).unwrap_or(default.attributes),
        events: environment.read(&EVENTS).unwrap_or(default.events),
        links: environment.read(&LINKS).unwrap_or(default.links),
        value_length: environment.read(&VALUE_LENGTH).unwrap_or(default.value_length),
    }
}

fn cardinality_limit(overrides: &Overrides, environment: &mut Environment<'_>) -> usize {
    let configured = overrides.cardinality_limit.or_else(|| environment.read(&CARDINALITY));
    configured.unwrap_or(USUAL_CARDINALITY).clamp(*CARDINALITIES.start(), *CARDINALITIES.end())
}
