//! Percent-encoding, with the strictness that lists of names and values need.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode};

/// Decodes a text. A malformed `%` is an error here; the crate leaves it as it is.
pub(crate) fn decode(text: &str) -> Option<String> {
    let starts_with_digits =
        |text: &str| text.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let is_valid = text.split('%').skip(1).all(starts_with_digits);
    is_valid.then(|| percent_decode_str(text).decode_utf8().ok()).flatten().map(Cow::into_owned)
}

/// Encodes a text for any part of a URL or a list: everything except what RFC 3986 calls unreserved.
pub(crate) fn encode(text: &str) -> PercentEncode<'_> {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, RESERVED)
}
