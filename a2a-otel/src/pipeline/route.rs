//! How the requests of an OTLP signal reach their receiver.

use super::sender::Outlet;
#[cfg(feature = "otlp-grpc")]
use super::transport::Grpc;
use super::transport::{Credentials, Hints, Http};
use crate::environment::Warning;
use crate::settings::{Endpoint, Settings};

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
