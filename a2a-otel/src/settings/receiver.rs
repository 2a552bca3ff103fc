//! How the receiver of a signal other than spans is resolved.

use std::path::PathBuf;
use std::time::Duration;

use super::endpoint::{self, Endpoint};
use super::variables::ReceiverVariables;
use super::{Compression, Headers, Protocol, Tls};
use crate::environment::values::header;
use crate::environment::{Environment, Variable};

/// A signal, for its receiver.
pub(super) struct Signal {
    pub(super) variables: &'static ReceiverVariables,
    /// The path that OTLP over HTTP has for it.
    pub(super) path: &'static str,
    /// What messages call it.
    pub(super) name: &'static str,
}

/// What code says about the receiver.
#[derive(Default)]
pub(super) struct Said<'a> {
    pub(super) endpoint: Option<&'a str>,
    pub(super) headers: &'a [(String, String)],
}

/// Where and how a signal is sent.
pub(super) struct Receiver {
    /// `None` if no receiver was named: Phoenix takes spans only.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) protocol: Protocol,
    pub(super) headers: Headers,
    pub(super) timeout: Duration,
    pub(super) compression: Compression,
    pub(super) tls: Tls,
}

impl Receiver {
    pub(super) fn resolve(
        signal: &Signal,
        said: &Said<'_>,
        tls: &Tls,
        environment: &mut Environment<'_>,
    ) -> Self {
        let variables = signal.variables;
        let protocol = environment.read(&variables.protocol).unwrap_or_default();
        let mut file = |said: &Option<PathBuf>, variable| said.clone().or_else(|| environment.read(variable));
        let tls = Tls {
            certificate: file(&tls.certificate, &variables.certificate),
            client_certificate: file(&tls.client_certificate, &variables.client_certificate),
            client_key: file(&tls.client_key, &variables.client_key),
        };
        Receiver {
            endpoint: resolve_endpoint(signal, said, environment, protocol),
            protocol,
            headers: headers(signal, said, environment),
            timeout: environment.read(&variables.timeout).unwrap_or(Duration::from_secs(10)),
            compression: environment.read(&variables.compression).unwrap_or(Compression::Gzip),
            tls,
        }
    }
}

impl Signal {
    /// Whether the environment names a receiver for this signal alone.
    pub(super) fn is_named(&self, environment: &Environment<'_>) -> bool {
        environment.text(self.variables.endpoint.names[0]).is_some()
    }

    /// Notes that the signal is asked for, and goes nowhere. A malformed address is reported already.
    pub(super) fn note_missing(&self, environment: &mut Environment<'_>) {
        let is_general = environment.text(self.variables.server.names[0]).is_some();
        if !is_general && !self.is_named(environment) {
            let (name, variable) = (self.name, self.variables.endpoint.names[0]);
            environment.notice(format!(
                "no {name} are sent over OTLP: no receiver is named; set {variable} to one that accepts {name}, which \
                 Phoenix does not"
            ));
        }
    }
}

/// Resolves the address. That of a Phoenix is none, so neither its variable nor the default of spans counts.
fn resolve_endpoint(
    signal: &Signal,
    said: &Said<'_>,
    environment: &mut Environment<'_>,
    protocol: Protocol,
) -> Option<Endpoint> {
    let Signal { variables, path, name: what } = *signal;
    let from_environment = |variable: &'static Variable<Endpoint>| {
        Some((variable.names[0].to_owned(), environment.text(variable.names[0])?, variable))
    };
    let from_code =
        said.endpoint.map(|text| (format!("{what}_endpoint"), text.to_owned(), &variables.server));
    let named = from_code
        .or_else(|| from_environment(&variables.endpoint))
        .or_else(|| from_environment(&variables.server));
    let (name, text, variable) = named?;
    let Some(endpoint) = (variable.parse)(&text) else {
        // Spans may have reported the same address.
        if !environment.has_rejected(&name) {
            let accepted = format!("{}; no {what} are sent", variable.accepted);
            environment.reject(&name, &endpoint::shown(&text), &accepted, false);
        }
        return None;
    };
    // OTLP over gRPC has a path of its own.
    let server = endpoint.without_path(path).filter(|_| protocol == Protocol::Grpc);
    Some(server.unwrap_or(endpoint))
}

fn headers(signal: &Signal, said: &Said<'_>, environment: &mut Environment<'_>) -> Headers {
    let mut headers = Headers::default();
    let mut add = |(name, value): (String, String)| {
        header(&name, &value).map(|(name, value)| headers.0.insert(name, value)).is_some()
    };
    environment.read_list(&signal.variables.headers, &mut add);
    if said.headers.iter().cloned().map(add).filter(|is_valid| !is_valid).count() > 0 {
        environment.reject_part(
            &format!("{}_headers", signal.name),
            "",
            "names and values that HTTP allows, of headers that a request does not set itself",
            true,
        );
    }
    headers
}
