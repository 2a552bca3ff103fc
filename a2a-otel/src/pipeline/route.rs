//! How the requests of an OTLP signal reach their receiver.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::sender::Outlet;
#[cfg(feature = "otlp-grpc")]
use super::transport::Grpc;
use super::transport::{Credentials, Hints, Http};
use crate::environment::Warning;
use crate::lock::lock;
use crate::report::report;
use crate::settings::{Endpoint, Headers, Settings};

/// Parts of the names of headers whose values are secret.
const SECRET: [&str; 7] = ["auth", "cookie", "credential", "key", "password", "secret", "token"];

/// The hosts about which this process has warned.
static IN_THE_CLEAR: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The route to a receiver.
pub(crate) struct Route<'a> {
    /// What messages call the items.
    pub(crate) items: &'static str,
    pub(crate) settings: &'a Settings,
    pub(crate) endpoint: &'a Endpoint,
    /// The gRPC method that accepts the items.
    #[cfg(feature = "otlp-grpc")]
    pub(crate) method: &'static str,
    pub(crate) hints: &'static Hints,
}

impl Route<'_> {
    /// Opens the route for requests that are encoded like this. `None` if the address cannot be used at all.
    pub(crate) fn open<R: 'static>(
        &self,
        body: fn(&R) -> Vec<u8>,
        warnings: &mut Vec<Warning>,
    ) -> Option<Outlet<R>> {
        let Route { items, settings, endpoint, .. } = *self;
        match self.outlet(body) {
            Ok(outlet) => {
                warn_of_secrets_in_the_clear(endpoint, &settings.headers);
                if let Err(cause) = Credentials::read(endpoint, &settings.tls) {
                    warnings
                        .push(Warning::Malformed(format!("no {items} reach {endpoint} for now: {cause}")));
                }
                Some(outlet)
            }
            Err(cause) => {
                warnings.push(Warning::Malformed(format!("no {items} are sent to {endpoint}: {cause}")));
                None
            }
        }
    }

    #[cfg_attr(not(feature = "otlp-grpc"), expect(clippy::unnecessary_wraps, reason = "gRPC may be refused"))]
    fn outlet<R: 'static>(&self, body: fn(&R) -> Vec<u8>) -> Result<Outlet<R>, String> {
        #[cfg(feature = "otlp-grpc")]
        if self.settings.protocol == crate::settings::Protocol::Grpc {
            let mut grpc = Grpc::new(self.settings, self.endpoint, self.method, self.hints)?;
            return Ok(Box::new(move |request, patience| grpc.send(body(request), patience)));
        }
        let mut http = Http::otlp(self.settings, self.endpoint, self.hints);
        Ok(Box::new(move |request, patience| http.send(body(request), patience)))
    }
}

/// Warns once for each host to which secrets are sent without encryption, unless it is this machine.
fn warn_of_secrets_in_the_clear(endpoint: &Endpoint, headers: &Headers) {
    let is_secret = |name: &str| SECRET.iter().any(|part| name.contains(part));
    let has_secret = headers.iter().any(|(name, _)| is_secret(name));
    if has_secret
        && !endpoint.is_tls()
        && !endpoint.is_loopback()
        && lock(&IN_THE_CLEAR).insert(endpoint.host().to_owned())
    {
        report(&format_args!(
            "{endpoint} is reached without encryption, so others can read the key in the headers on its way; use https"
        ));
    }
}
