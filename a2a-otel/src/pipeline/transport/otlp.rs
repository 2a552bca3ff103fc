//! Interprets the answers of OTLP receivers, over HTTP and gRPC.

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use super::answer::Answer;

/// How many characters of an error page are shown, so that it can be recognised.
const SHOWN: usize = 200;

/// Reads the answer to an accepted request. The responses of all signals have the same fields.
pub(super) fn accepted(body: &[u8]) -> Answer {
    // If the body is not protobuf, the receiver does not report what it rejects.
    let partial =
        ExportTraceServiceResponse::decode(body).unwrap_or_default().partial_success.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected_spans).unwrap_or_default();
    Answer::Accepted { rejected, message: beginning(partial.error_message.as_bytes()) }
}

/// Returns the beginning of a text from the receiver, on one line.
pub(super) fn beginning(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
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
pub(super) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
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
