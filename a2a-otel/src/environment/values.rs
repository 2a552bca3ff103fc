//! The forms of configuration values.

use std::time::Duration;

#[cfg(feature = "sdk")]
use crate::percent;

/// Reads `true` or `false`. The specification allows nothing else, so that no spelling is true by accident.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

pub(crate) fn text(text: &str) -> Option<String> {
    text.parse().ok()
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

#[cfg(feature = "sdk")]
/// Reads a pair as in `name=two%20words`.
pub(crate) fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    let key = percent::decode(key.trim())?;
    (!key.is_empty()).then_some((key, percent::decode(value.trim())?))
}

/// Headers that a request sets itself. Another value would break it.
const OWN_HEADERS: &[&str] =
    &["connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"];

/// Returns a header with its name in lower case, if HTTP allows its name and value.
pub(crate) fn header(name: &str, value: &str) -> Option<(String, String)> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let valid = !name.is_empty() && name.bytes().all(is_name) && is_header_value(value);
    let name = name.to_ascii_lowercase();
    (valid && !OWN_HEADERS.contains(&&*name)).then(|| (name, value.to_owned()))
}

/// Returns whether a text can be the value of a header.
pub(crate) fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
