//! What to do about each kind of trouble with a receiver.

use std::io;

use a2a_otel::pipeline::{Data, Target, TroubleKind};
use a2a_otel::settings::{Explanation, Protocol};

/// Values that are never shown, the longest first, so that none is left in part.
pub(super) struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

impl Secrets {
    fn new(mut secrets: Vec<String>) -> Self {
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    pub(super) fn masked(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "****"))
    }
}

/// What the environment says about a receiver.
pub(super) struct Asked<'a> {
    target: &'a Target,
    explanation: &'a Explanation,
    protocol: Protocol,
    pub(super) secrets: Secrets,
}

impl<'a> Asked<'a> {
    pub(super) fn new(target: &'a Target, explanation: &'a Explanation) -> Self {
        let settings = &explanation.resolved;
        let (protocol, headers) = match (target.data(), &settings.logs) {
            (Data::Metrics, _) => (settings.metrics.protocol, &settings.metrics.headers),
            (Data::Logs, Some(logs)) => (logs.protocol, &logs.headers),
            _ => (settings.protocol, &settings.headers),
        };
        let is_secret = |(name, value): &(&str, &str)| *name != "x-project-name" && !value.is_empty();
        let values = headers.iter().filter(is_secret).map(|(_, value)| value.to_owned());
        let mut secrets: Vec<_> = values.flat_map(|value| with_part_after_scheme(&value)).collect();
        secrets.extend(credentials(target.endpoint().as_str()));
        Asked { target, explanation, protocol, secrets: Secrets::new(secrets) }
    }

    /// Returns a text of the receiver without the secrets that it may repeat.
    pub(super) fn masked(&self, text: &str) -> String {
        self.secrets.masked(text)
    }

    pub(super) fn protocol(&self) -> &'static str {
        match (self.is_grpc(), self.target.endpoint().is_tls()) {
            (true, true) => "over gRPC with TLS",
            (true, false) => "over gRPC",
            (false, _) => "over HTTP",
        }
    }

    fn is_grpc(&self) -> bool {
        self.protocol == Protocol::Grpc
    }

    /// The variable to set for another address: the one that the address comes from, or the first of its kind.
    fn address(&self) -> &'static str {
        let (name, usual) = match self.target.data() {
            Data::Metrics => ("metrics.endpoint", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"),
            Data::Logs => ("logs.endpoint", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"),
            _ => ("endpoint", "PHOENIX_COLLECTOR_ENDPOINT"),
        };
        let setting = self.explanation.settings.iter().find(|setting| setting.name == name);
        let is_address = |source: &&&'static str| source.ends_with("ENDPOINT");
        setting.and_then(|setting| setting.sources.iter().find(is_address)).copied().unwrap_or(usual)
    }

    /// The variable with the key or the headers.
    fn key(&self) -> &'static str {
        match self.target.data() {
            Data::Metrics => "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            Data::Logs => "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            _ => "PHOENIX_API_KEY",
        }
    }

    fn has_key(&self) -> bool {
        let name = match self.target.data() {
            Data::Metrics => "metrics.headers",
            Data::Logs => "logs.headers",
            _ => "headers",
        };
        let setting = self.explanation.settings.iter().find(|setting| setting.name == name);
        setting.is_some_and(|setting| !setting.sources.is_empty())
    }

    pub(super) fn about_the_name(&self) -> String {
        format!(
            "check the spelling in {}; inside a container, use the name of the service, not of the machine",
            self.address()
        )
    }

    pub(super) fn about_the_connection(&self, error: io::ErrorKind) -> String {
        let address = self.address();
        match (error, self.target.data()) {
            (io::ErrorKind::ConnectionRefused, Data::Spans) => format!(
                "start the receiver (Phoenix: `pip install arize-phoenix && phoenix serve`), or set {address} to where it \
                 listens; inside a container, localhost is the container itself"
            ),
            (io::ErrorKind::ConnectionRefused, _) => {
                format!("start the receiver, or set {address} to where it listens")
            }
            _ => format!("check {address}, and whether a firewall is between this machine and the receiver"),
        }
    }

    pub(super) fn about_no_tls(&self) -> String {
        let address = self.address();
        format!(
            "begin {address} with http:// if the port does not speak TLS, or use the receiver's port for TLS"
        )
    }

    pub(super) fn about_tls(&self, cause: &str) -> String {
        let address = self.address();
        if cause.contains("InvalidContentType") || cause.contains("corrupt message") {
            return self.about_no_tls();
        }
        if cause.contains("UnknownIssuer") {
            return "name the file of the authority that signed the certificate in OTEL_EXPORTER_OTLP_CERTIFICATE"
                .to_owned();
        }
        if cause.contains("certificate") || cause.contains(".pem") || cause.contains("PEM") {
            return "correct the files in OTEL_EXPORTER_OTLP_CERTIFICATE, ..._CLIENT_CERTIFICATE and ..._CLIENT_KEY, or the \
                    receiver's certificate"
                .to_owned();
        }
        format!("check whether the port of {address} speaks TLS, and the certificates")
    }

    /// Where OTLP is accepted.
    fn right_port(&self) -> &'static str {
        if self.is_grpc() { "Phoenix 4317, collector 4317" } else { "Phoenix 6006, collector 4318" }
    }
}

/// What to do about this kind of trouble.
pub(super) fn advice(kind: TroubleKind, asked: &Asked<'_>) -> String {
    let (address, ports) = (asked.address(), asked.right_port());
    match kind {
        TroubleKind::Timeout => {
            format!(
                "check whether {address} names an OTLP receiver ({ports}), and whether it is overloaded; --timeout \
                     waits longer"
            )
        }
        TroubleKind::Unauthorised if asked.has_key() => {
            format!(
                "the receiver does not accept this key: set {} to another one, which may write",
                asked.key()
            )
        }
        TroubleKind::Unauthorised => match asked.target.data() {
            Data::Spans => {
                "set PHOENIX_API_KEY to a key of Phoenix (Settings, API Keys), or another receiver's key in \
                            OTEL_EXPORTER_OTLP_HEADERS"
                    .to_owned()
            }
            _ => format!("set the receiver's key in {}", asked.key()),
        },
        TroubleKind::UnknownPath if asked.target.data() == Data::Spans => {
            format!("set {address} to an OTLP receiver ({ports}); over HTTP, the path ends in /v1/traces")
        }
        TroubleKind::UnknownPath => {
            let [items, endpoint, exporter] = match asked.target.data() {
                Data::Metrics => ["metrics", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER"],
                _ => ["log records", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_LOGS_EXPORTER"],
            };
            format!(
                "set {endpoint} to a receiver of {items}, or {exporter} to none; Phoenix, for example, accepts spans only"
            )
        }
        TroubleKind::Redirect => {
            format!("redirects are not followed: set {address} to the address that answers itself")
        }
        TroubleKind::OtherProtocol | TroubleKind::NoConnection => format!(
            "check whether {address} names an OTLP receiver ({ports}) and begins with http:// or https:// as it listens, \
             and OTEL_EXPORTER_OTLP_PROTOCOL; bypass a proxy or a login page"
        ),
        TroubleKind::Unavailable => {
            "wait, or look at the receiver's log; a program would send again until it is accepted".to_owned()
        }
        TroubleKind::ServerError => "look at the receiver's log; a program would try again".to_owned(),
        _ => format!("follow the receiver's message, and check {address}"),
    }
}

/// A value such as `Bearer key`, and the key alone.
fn with_part_after_scheme(value: &str) -> Vec<String> {
    let part = value.split_once(' ').map(|(_, part)| part.trim().to_owned()).filter(|part| !part.is_empty());
    part.into_iter().chain([value.to_owned()]).collect()
}

/// The user, the password and the query of an address.
fn credentials(address: &str) -> Vec<String> {
    let (before, query) = address.split_once('?').unwrap_or((address, ""));
    let authority =
        before.split_once("://").map_or(before, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let password = user.split_once(':').map_or("", |(_, password)| password);
    [user, password, query].into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
