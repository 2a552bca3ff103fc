//! The address of a receiver. This is the only parser of addresses in the crate.

use std::fmt;
use std::net::IpAddr;

/// The default: a Phoenix on this machine.
pub(super) const DEFAULT: &str = "http://localhost:6006/v1/traces";

/// The default over gRPC.
pub(super) const DEFAULT_GRPC: &str = "http://localhost:4317";

const TRACES_PATH: &str = "/v1/traces";

pub(super) const METRICS_PATH: &str = "/v1/metrics";

pub(super) const LOGS_PATH: &str = "/v1/logs";

/// The address of a receiver. It is displayed without the user and the query, which may be secret.
///
/// ```
/// let telemetry = a2a_otel::Telemetry::builder().endpoint("http://me:secret@localhost").tracing(false).init()?;
/// let endpoint = telemetry.settings().endpoint.as_ref().unwrap();
/// assert_eq!(endpoint.to_string(), "http://****@localhost/v1/traces");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    /// With the port, if there is one.
    host: String,
    is_tls: bool,
    is_loopback: bool,
}

impl Endpoint {
    /// Returns the address as it is used, secrets included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Returns the host without the port, as in `localhost` or `[::1]`.
    ///
    /// ```
    /// let telemetry = a2a_otel::Telemetry::builder().endpoint("https://phoenix.shop").tracing(false).init()?;
    /// let endpoint = telemetry.settings().endpoint.as_ref().unwrap();
    /// assert_eq!((endpoint.host_name(), endpoint.port(), endpoint.is_tls()), ("phoenix.shop", 443, true));
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn host_name(&self) -> &str {
        host_name(&self.host).unwrap_or(&self.host)
    }

    /// Returns the port: that of the address, or else the usual one of its scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        let port = self.host.strip_prefix(self.host_name()).and_then(|port| port.strip_prefix(':'));
        port.and_then(|port| port.parse().ok()).unwrap_or(if self.is_tls { 443 } else { 80 })
    }

    /// Returns whether connections to it use TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Parses an address that is used as given.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Parts { scheme, host, .. } = Parts::of(text);
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "http://" => false,
            "https://" => true,
            _ => return None,
        };
        let name = host_name(host)?;
        let is_plain = text.chars().all(|character| character.is_ascii_graphic());
        is_plain.then(|| Endpoint {
            url: text.to_owned(),
            host: host.to_owned(),
            is_tls,
            is_loopback: is_loopback(name),
        })
    }

    /// Parses the address of a server, and adds the path of the traces unless the address ends in it.
    pub(super) fn parse_server(text: &str) -> Option<Self> {
        Self::parse_with_path(text, TRACES_PATH)
    }

    /// Parses the address of a server, and adds the path of the metrics. The address may end in the path of a signal.
    pub(super) fn parse_server_of_metrics(text: &str) -> Option<Self> {
        Self::parse_server_of(text, METRICS_PATH)
    }

    /// Like [`parse_server_of_metrics`](Self::parse_server_of_metrics), for log records.
    pub(super) fn parse_server_of_logs(text: &str) -> Option<Self> {
        Self::parse_server_of(text, LOGS_PATH)
    }

    fn parse_server_of(text: &str, path: &str) -> Option<Self> {
        let base = text.trim_end_matches('/');
        Self::parse_with_path(base.strip_suffix(TRACES_PATH).unwrap_or(base), path)
    }

    fn parse_with_path(text: &str, path: &str) -> Option<Self> {
        let endpoint = Self::parse(text)?;
        if text.contains(['?', '#']) {
            return None;
        }
        let base = text.trim_end_matches('/');
        let path = if base.ends_with(path) { "" } else { path };
        Some(Endpoint { url: format!("{base}{path}"), ..endpoint })
    }

    /// Returns the address without this path, if it ends in it.
    pub(super) fn without_path(&self, path: &str) -> Option<Self> {
        let url = self.url.strip_suffix(path)?.to_owned();
        Some(Endpoint { url, ..self.clone() })
    }

    /// Returns the address without the path of the traces. The server's other paths are known only if the address ends
    /// in that path.
    pub(crate) fn server(&self) -> Option<Self> {
        self.without_path(TRACES_PATH)
    }
}

#[cfg(feature = "otlp")]
impl Endpoint {
    /// Returns host and port, as in `localhost:6006`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Returns the address without the user and the query, for links.
    pub(crate) fn without_credentials(&self) -> String {
        let Parts { scheme, host, path, .. } = Parts::of(&self.url);
        format!("{scheme}{host}{path}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Parts::of(&self.url), f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns a text, which need not be an address, without the parts that may be secret: the user and the query.
pub(super) fn shown(text: &str) -> String {
    Parts::of(text).to_string()
}

/// The parts of a text that is read as an address, even if it is not one. They are displayed without the user and the
/// query.
struct Parts<'a> {
    /// With `://`, or empty.
    scheme: &'a str,
    has_user: bool,
    /// With the port.
    host: &'a str,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (scheme, text) = text.split_at(text.find("://").map_or(0, |end| end + "://".len()));
        let (authority, text) = split_before(text, &['/', '?', '#']);
        let (path, _) = split_before(text, &['?', '#']);
        let (has_user, host) =
            authority.rsplit_once('@').map_or((false, authority), |(_, host)| (true, host));
        Parts { scheme, has_user, host, path }
    }
}

impl fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { scheme, has_user, host, path, .. } = self;
        write!(f, "{scheme}{}{host}{path}", if *has_user { "****@" } else { "" })
    }
}

fn split_before<'a>(text: &'a str, characters: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(characters).unwrap_or(text.len()))
}

/// Returns the host without its port, or `None` if one of the two is malformed.
fn host_name(address: &str) -> Option<&str> {
    let (name, port) = match address.rsplit_once(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (address, None),
    };
    let is_valid = !name.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok());
    is_valid.then_some(name)
}

fn is_loopback(name: &str) -> bool {
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(all(test, feature = "otlp"))]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Endpoint {
        Endpoint::parse(text).unwrap_or_else(|| panic!("{text} is an address"))
    }

    #[test]
    fn an_address_is_taken_apart_once() {
        let rows = [
            ("http://phoenix:6006/v1/traces", "phoenix:6006", false, Some("http://phoenix:6006")),
            ("HTTPS://me:a@b@host/s/space/v1/traces", "host", true, Some("HTTPS://me:a@b@host/s/space")),
            ("https://[::1]:4318?key=1", "[::1]:4318", true, None),
            ("http://host/v1/traces#x", "host", false, None),
        ];
        for (text, host, is_tls, server) in rows {
            let endpoint = parsed(text);
            assert_eq!((endpoint.as_str(), endpoint.host(), endpoint.is_tls()), (text, host, is_tls));
            assert_eq!(endpoint.server().as_ref().map(Endpoint::as_str), server, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "phoenix", "phoenix:6006", "ftp://host", "http://", "http://host:port", "http://a b"]
        {
            assert!(Endpoint::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (text, host, port) in [
            ("http://phoenix:6006/v1/traces", "phoenix", 6006),
            ("https://me@host/s", "host", 443),
            ("http://[::1]", "[::1]", 80),
            ("http://[::1]:4318", "[::1]", 4318),
        ] {
            assert_eq!((parsed(text).host_name(), parsed(text).port()), (host, port), "{text}");
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for endpoint in ["http://localhost:6006/v1/traces", "http://127.0.0.2/x", "http://[::1]:1/"] {
            assert!(parsed(endpoint).is_loopback(), "{endpoint}");
        }
        for endpoint in ["http://phoenix:6006", "https://localhost.example.com", "http://10.0.0.1"] {
            assert!(!parsed(endpoint).is_loopback(), "{endpoint}");
        }
    }

    #[test]
    fn a_link_shows_no_password() {
        for (base, link) in [
            ("http://me:secret@phoenix:6006", "http://phoenix:6006"),
            ("https://host/s/@space", "https://host/s/@space"),
        ] {
            assert_eq!(parsed(base).without_credentials(), link);
        }
    }
}
