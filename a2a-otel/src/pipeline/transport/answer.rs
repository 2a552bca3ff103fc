//! What a receiver's answer means for the spans that it was sent.

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

/// No receiver may silence us for longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The spans are in, except so many.
    Accepted { rejected: u64, message: String },
    /// Not now; perhaps after this time.
    Later { cause: String, after: Option<Duration> },
    /// Nobody is there to answer.
    Absent { cause: String },
    /// Fewer spans at a time.
    TooLarge { cause: String },
    /// Something is wrong with the spans, or with one of them.
    Unacceptable { cause: String },
    /// Something is wrong with the request, whatever spans it holds: the key, for one.
    Refused { cause: String },
    /// Nothing is taken in at this address.
    Unknown { cause: String },
    /// Something is wrong with the receiver, or with one of the spans: it does not say.
    Broken { cause: String },
}

impl Answer {
    /// The kind of error that it is.
    pub(crate) fn error(&self) -> Option<&'static str> {
        Some(match self {
            Answer::Accepted { .. } => return None,
            Answer::Later { .. } => "unavailable",
            Answer::Absent { .. } => "no_connection",
            Answer::TooLarge { .. } => "too_large",
            Answer::Unacceptable { .. } | Answer::Refused { .. } | Answer::Unknown { .. } => "refused",
            Answer::Broken { .. } => "server_error",
        })
    }
}

/// What a receiver says of a batch that it took.
pub(super) fn accepted(response: ExportTraceServiceResponse) -> Answer {
    let partial = response.partial_success.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected_spans).unwrap_or_default();
    Answer::Accepted { rejected, message: beginning(partial.error_message.as_bytes()) }
}

/// Enough of a page of an error to recognise it.
const SHOWN: usize = 200;

/// The beginning of what a receiver says, in one line.
pub(super) fn beginning(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(SHOWN).collect()
}

/// How a receiver's status is to be understood.
///
/// Source: <https://opentelemetry.io/docs/specs/otlp/#failures-1>. Beyond it a 500 is tried again, for a receiver that
/// stumbles over one span answers so, and one that is being restarted as well.
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

/// The header `Retry-After`: seconds, or a date.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>.
pub(super) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let seconds = header.trim().parse().ok().map(Duration::from_secs);
    let date =
        || httpdate::parse_http_date(header).ok().map(|date| date.duration_since(now).unwrap_or_default());
    Some(seconds.or_else(date)?.min(LONGEST_PAUSE))
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
    fn a_pause_is_seconds_or_a_date_and_never_endless() {
        let now = httpdate::parse_http_date("Wed, 25 Nov 2026 12:00:00 GMT").unwrap();
        for (header, seconds) in [
            ("2", Some(2)),
            ("0", Some(0)),
            ("Wed, 25 Nov 2026 12:00:07 GMT", Some(7)),
            ("Wed, 25 Nov 2026 11:00:00 GMT", Some(0)),
            ("99999999999", Some(300)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(header, now), seconds.map(Duration::from_secs), "{header}");
        }
    }
}
