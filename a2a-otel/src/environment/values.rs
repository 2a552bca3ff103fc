//! The forms that configuration values take.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where traces go when the user says nothing: a Phoenix on this machine.
pub(crate) const DEFAULT_ENDPOINT: &str = "http://localhost:6006/v1/traces";

/// The same, over gRPC.
pub(crate) const DEFAULT_GRPC_ENDPOINT: &str = "http://localhost:4317";

const TRACES_PATH: &str = "/v1/traces";

/// `true` or `false`; the specification allows nothing else, so that no spelling is true by accident.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

pub(crate) fn count(text: &str) -> Option<u32> {
    text.parse().ok()
}

pub(crate) fn length(text: &str) -> Option<usize> {
    text.parse().ok()
}

pub(crate) fn positive(text: &str) -> Option<usize> {
    length(text).filter(|number| *number > 0)
}

pub(crate) fn milliseconds(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|number| *number > 0).map(Duration::from_millis)
}

pub(crate) fn probability(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number| (0.0..=1.0).contains(number))
}

/// The address of a server, to which the path of the traces is added unless it is there.
pub(crate) fn base_endpoint(text: &str) -> Option<String> {
    let base = full_endpoint(text)?;
    if base.contains(['?', '#']) {
        return None;
    }
    let base = base.trim_end_matches('/');
    Some(if base.ends_with(TRACES_PATH) { base.to_owned() } else { format!("{base}{TRACES_PATH}") })
}

/// An address that is used as it is.
pub(crate) fn full_endpoint(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let (authority, _) = split_authority(rest);
    let plain = text.chars().all(|character| character.is_ascii_graphic());
    (known && plain && is_host_and_port(authority)).then(|| text.to_owned())
}

/// The address of the server that an endpoint belongs to, prefixes of its path kept.
pub(crate) fn server_of(endpoint: &str) -> Option<&str> {
    endpoint.strip_suffix(TRACES_PATH)
}

/// An address without what may be secret in it: the user and the query.
pub(crate) fn shown_endpoint(endpoint: &str) -> String {
    let (scheme, rest) = endpoint.split_at(endpoint.find("://").map_or(0, |end| end + "://".len()));
    let (authority, path) = split_authority(rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}****@{host}{path}"),
        None => format!("{scheme}{authority}{path}"),
    }
}

fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

fn is_host_and_port(authority: &str) -> bool {
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let (host, port) = match address.rsplit_once(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    !host.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Pairs as in `a=1,b=two%20words`, and whether all of the text could be read.
pub(crate) fn pairs(text: &str) -> (BTreeMap<String, String>, bool) {
    let mut complete = true;
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pairs = parts.filter_map(|part| {
        let pair = pair(part);
        complete &= pair.is_some();
        pair
    });
    (pairs.collect(), complete)
}

fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    let key = percent_decode(key.trim())?;
    (!key.is_empty()).then_some((key, percent_decode(value.trim())?))
}

/// What a request says of itself: another value would only break it.
const OWN_HEADERS: &[&str] =
    &["connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"];

/// A header whose name and value HTTP allows, the name in lower case.
pub(crate) fn header(name: &str, value: &str) -> Option<(String, String)> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let valid = !name.is_empty() && name.bytes().all(is_name) && is_header_value(value);
    let name = name.to_ascii_lowercase();
    (valid && !OWN_HEADERS.contains(&&*name)).then(|| (name, value.to_owned()))
}

/// Whether a text can be sent as the value of a header.
pub(crate) fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}

fn hexadecimal(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}
