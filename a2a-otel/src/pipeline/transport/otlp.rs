//! Interprets the answers of OTLP receivers, over HTTP and gRPC.

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::Value;

use super::answer::Answer;
use super::secrets::Secrets;

/// How many characters of an error page are shown, so that it can be recognised.
const SHOWN: usize = 200;

/// Reads the answer to an accepted request. The responses of all signals have the same fields.
pub(super) fn accepted(body: &[u8], content_type: &str, secrets: &Secrets) -> Answer {
    match rejected(body, content_type) {
        Some((rejected, message)) => {
            Answer::Accepted { rejected, message: beginning(message.as_bytes(), secrets) }
        }
        None => Answer::Refused {
            cause: format!(
                "it answers with success, but not as an OTLP receiver does: {}; check the endpoint",
                beginning(body, secrets)
            ),
        },
    }
}

/// How many items a response rejects, and why. `None` if it is no response of OTLP. An empty body is one.
///
/// Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>. A response has the type of the request, protobuf;
/// some receivers answer in JSON nevertheless.
fn rejected(body: &[u8], content_type: &str) -> Option<(u64, String)> {
    if body.is_empty() {
        return Some(Default::default());
    }
    if content_type.contains("json") || body.starts_with(b"{") {
        return rejected_in_json(body);
    }
    let response = ExportTraceServiceResponse::decode(body).ok()?;
    // Only with its type, the response may have fields that are not known yet. Any text may look like such fields.
    if !content_type.contains("protobuf") && response.encoded_len() != body.len() {
        return None;
    }
    let partial = response.partial_success.unwrap_or_default();
    Some((u64::try_from(partial.rejected_spans).unwrap_or_default(), partial.error_message))
}

/// Source: <https://protobuf.dev/programming-guides/json/>: 64-bit numbers may be texts.
fn rejected_in_json(body: &[u8]) -> Option<(u64, String)> {
    let Value::Object(response) = serde_json::from_slice(body).ok()? else { return None };
    if response.is_empty() {
        return Some(Default::default());
    }
    let partial = response.get("partialSuccess").or_else(|| response.get("partial_success"));
    let partial = partial.filter(|_| response.len() == 1)?.as_object()?;
    let rejected = partial.iter().find(|(name, _)| name.starts_with("rejected")).map(|(_, number)| number);
    let number = |number: &Value| number.as_u64().or_else(|| number.as_str()?.parse().ok());
    let message =
        partial.get("errorMessage").or_else(|| partial.get("error_message")).and_then(Value::as_str);
    Some((rejected.and_then(number).unwrap_or_default(), message.unwrap_or_default().to_owned()))
}

/// Returns the beginning of a text from the receiver, on one line, without secrets.
pub(super) fn beginning(text: &[u8], secrets: &Secrets) -> String {
    let text = secrets.masked(&String::from_utf8_lossy(text));
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(SHOWN).collect()
}

/// Returns the meaning of an HTTP status.
///
/// Source: <https://opentelemetry.io/docs/specs/otlp/#failures-1>. In addition, a 500 is retried: receivers return it
/// while they restart, and also if one item makes them fail.
pub(super) fn of_status(status: u16, cause: String, after: Option<Duration>) -> Answer {
    match status {
        408 | 425 | 429 | 502 | 503 | 504 => Answer::Later { cause, after },
        413 => Answer::TooLarge { cause },
        400 | 422 => Answer::Unacceptable { cause },
        404 | 405 => Answer::Unknown { cause },
        500.. => Answer::Broken { cause },
        _ => Answer::Refused { cause },
    }
}

/// Parses the header `Retry-After`: seconds, or a date.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let seconds = header.trim().parse().ok().map(Duration::from_secs);
    let date =
        || httpdate::parse_http_date(header).ok().map(|date| date.duration_since(now).unwrap_or_default());
    seconds.or_else(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_to_do() {
        let answer = |status| of_status(status, String::new(), None);
        let cause = String::new;
        assert_eq!(answer(503), Answer::Later { cause: cause(), after: None });
        assert_eq!(answer(413), Answer::TooLarge { cause: cause() });
        assert_eq!(answer(422), Answer::Unacceptable { cause: cause() });
        assert_eq!(answer(500), Answer::Broken { cause: cause() });
        assert_eq!(answer(404), Answer::Unknown { cause: cause() });
        for status in [302, 401, 403, 415] {
            assert_eq!(answer(status), Answer::Refused { cause: cause() }, "{status}");
        }
    }

    #[test]
    fn only_a_response_of_otlp_is_a_delivery() {
        const PROTOBUF: &str = "application/x-protobuf";
        let partial = b"\x0a\x07\x08\x02\x12\x03why";
        for (body, content_type, rejects) in [
            (&b""[..], PROTOBUF, Some((0, ""))),
            (b"", "text/plain", Some((0, ""))),
            (b"", "", Some((0, ""))),
            (b"\x0a\x00", PROTOBUF, Some((0, ""))),
            (partial, PROTOBUF, Some((2, "why"))),
            (partial, "", Some((2, "why"))),
            (b"\x18\x01", PROTOBUF, Some((0, ""))),
            (b"\x18\x01", "", None),
            (b"{}", "application/json", Some((0, ""))),
            (br#"{"partialSuccess":{}}"#, "application/json; charset=utf-8", Some((0, ""))),
            (br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"why"}}"#, "", Some((2, "why"))),
            (br#"{"partialSuccess":{"rejectedDataPoints":2}}"#, "application/json", Some((2, ""))),
            (br#"{"error":"no"}"#, "application/json", None),
            (br#"{"error":"no"}"#, PROTOBUF, None),
            (br#"{"partialSuccess":{},"error":"no"}"#, "application/json", None),
            (b"null", "application/json", None),
            (b"[]", "application/json", None),
            (b"OK", "text/plain", None),
            (b"hello", "", None),
            (b"\0\0", PROTOBUF, None),
        ] {
            let expected = rejects.map(|(rejected, message): (u64, &str)| (rejected, message.to_owned()));
            assert_eq!(rejected(body, content_type), expected, "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 25 Nov 2026 12:00:00 GMT").unwrap();
        for (header, seconds) in [
            ("2", Some(2)),
            ("0", Some(0)),
            ("Wed, 25 Nov 2026 12:00:07 GMT", Some(7)),
            ("Wed, 25 Nov 2026 11:00:00 GMT", Some(0)),
            ("99999999999", Some(99_999_999_999)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(header, now), seconds.map(Duration::from_secs), "{header}");
        }
    }
}
