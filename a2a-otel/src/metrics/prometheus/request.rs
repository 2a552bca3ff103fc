//! The heads of requests, as far as the listener needs them.

use httparse::{EMPTY_HEADER, Request as Parser, Status};

use super::scraper::Asked;

/// The longest head of a request, in bytes. Those of Prometheus have some 300.
pub(super) const LONGEST: usize = 8 * 1024;

/// The most headers of a request.
const MOST_HEADERS: usize = 64;

/// The path at which metrics are served.
const PATH: &str = "/metrics";

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) wish: Wish,
    /// Whether only the head of the answer is asked for.
    pub(super) is_head: bool,
    /// Whether another request may follow.
    pub(super) keeps_alive: bool,
    /// The length of the head, in bytes.
    pub(super) length: usize,
}

/// What is to be answered.
#[derive(Debug)]
pub(super) enum Wish {
    Metrics(Asked),
    Refuse(Refusal),
}

/// An answer without metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Refusal {
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLong,
    Unavailable,
}

impl Refusal {
    /// The status, headers of this answer alone, and the body.
    pub(super) const fn answer(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::BadRequest => ("400 Bad Request", "", "this is not a request of HTTP/1.1\n"),
            Self::NotFound => ("404 Not Found", "", "metrics are at /metrics\n"),
            Self::MethodNotAllowed => ("405 Method Not Allowed", "allow: GET, HEAD\r\n", "use GET or HEAD\n"),
            Self::HeadTooLong => ("431 Request Header Fields Too Large", "", "the head is too long\n"),
            Self::Unavailable => {
                ("503 Service Unavailable", "", "no metrics were collected; try again later\n")
            }
        }
    }
}

impl Request {
    /// Reads the head of a request. `None` if it is not complete yet.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut parser = Parser::new(&mut headers);
        match parser.parse(bytes) {
            Ok(Status::Complete(length)) => Some(Self::of(&parser, length)),
            Ok(Status::Partial) if bytes.len() >= LONGEST => Some(Self::refused(Refusal::HeadTooLong)),
            Ok(Status::Partial) => None,
            Err(httparse::Error::TooManyHeaders) => Some(Self::refused(Refusal::HeadTooLong)),
            Err(_) => Some(Self::refused(Refusal::BadRequest)),
        }
    }

    /// A request after which the connection cannot be used.
    fn refused(refusal: Refusal) -> Self {
        Self { wish: Wish::Refuse(refusal), is_head: false, keeps_alive: false, length: 0 }
    }

    fn of(parser: &Parser<'_, '_>, length: usize) -> Self {
        let header = |name: &str| {
            let found = parser.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(found.value).ok()
        };
        let has_body = header("transfer-encoding").is_some()
            || header("content-length").is_some_and(|length| length.trim() != "0");
        let closes = header("connection")
            .is_some_and(|options| options.split(',').any(|it| it.trim().eq_ignore_ascii_case("close")));
        let method = parser.method.unwrap_or_default();
        let wish = if path(parser.path.unwrap_or_default()) != PATH {
            Wish::Refuse(Refusal::NotFound)
        } else if method == "GET" || method == "HEAD" {
            Wish::Metrics(Asked::new(header))
        } else {
            Wish::Refuse(Refusal::MethodNotAllowed)
        };
        let keeps_alive = parser.version == Some(1) && !closes && !has_body;
        Self { wish, is_head: method == "HEAD", keeps_alive, length }
    }
}

/// The path of a request's target, which a proxy may give as a whole address.
fn path(target: &str) -> &str {
    let target = target.split('?').next().unwrap_or_default();
    match target.strip_prefix("http://") {
        Some(address) => address.find('/').map_or("/", |start| &address[start..]),
        None => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(request: &[u8]) -> Option<Refusal> {
        match Request::parse(request)?.wish {
            Wish::Metrics(_) => None,
            Wish::Refuse(refusal) => Some(refusal),
        }
    }

    #[test]
    fn only_what_is_asked_for_properly_is_answered_with_metrics() {
        for (request, refused) in [
            ("GET /metrics HTTP/1.1\r\nhost: shop\r\n\r\n", None),
            ("HEAD /metrics?name=up HTTP/1.0\r\n\r\n", None),
            ("GET http://shop:9464/metrics HTTP/1.1\r\n\r\n", None),
            ("GET http://shop HTTP/1.1\r\n\r\n", Some(Refusal::NotFound)),
            ("GET / HTTP/1.1\r\n\r\n", Some(Refusal::NotFound)),
            ("GET /metrics/ HTTP/1.1\r\n\r\n", Some(Refusal::NotFound)),
            ("POST /metrics HTTP/1.1\r\n\r\n", Some(Refusal::MethodNotAllowed)),
            ("\u{16}\u{3}\u{1}\u{2}", Some(Refusal::BadRequest)),
            ("GET /metrics\r\n\r\n", Some(Refusal::BadRequest)),
            ("GET /metrics HTTP/2.0\r\n\r\n", Some(Refusal::BadRequest)),
        ] {
            assert_eq!(refusal(request.as_bytes()), refused, "{request:?}");
        }
        let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65));
        assert_eq!(refusal(many.as_bytes()), Some(Refusal::HeadTooLong));
        assert!(Request::parse(b"GET /metr").is_none());
    }

    #[test]
    fn a_connection_is_kept_if_both_sides_know_where_the_next_request_begins() {
        for (headers, kept) in [
            ("", true),
            ("content-length: 0\r\n", true),
            ("connection: keep-alive, Close\r\n", false),
            ("content-length: 5\r\n", false),
            ("transfer-encoding: chunked\r\n", false),
        ] {
            let request = format!("GET /metrics HTTP/1.1\r\n{headers}\r\n");
            assert_eq!(Request::parse(request.as_bytes()).unwrap().keeps_alive, kept, "{headers}");
        }
        assert!(!Request::parse(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap().keeps_alive);
    }
}
