//! Sends requests over HTTP. The client blocks its thread, so that it needs no runtime.

use std::error::Error;
use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use http::{Request, Response};
use ureq::Agent;

use super::answer::{Answer, Hints, PHOENIX};
use super::otlp::{accepted, beginning, of_status, retry_after};
use super::secrets::Secrets;
use super::sight::{
    CHECK_NAME, MAYBE_NO_TLS, MAYBE_OTHER, NO_TLS, Sight, TroubleKind, is_no_tls, is_unresolved,
};
use super::tls::Credentials;
use crate::settings::{Compression, Endpoint, Settings, Tls};

/// The largest number of bytes that is read of an answer. OTLP answers have only a few.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// How long it may take to resolve a name.
const RESOLVE: Duration = Duration::from_secs(3);

/// A client for one server.
#[derive(Debug)]
pub(crate) struct Http {
    /// Replaced after each failed connection, so that the next one reads the certificates again.
    agent: Option<Agent>,
    /// Whether anything has ever answered in HTTP.
    has_answered: bool,
    endpoint: Endpoint,
    /// Reads a successful answer.
    accepted: fn(&Response<Vec<u8>>, &Secrets) -> Answer,
    tls: Tls,
    headers: HeaderMap,
    secrets: Secrets,
    compression: Compression,
    hints: &'static Hints,
}

impl Http {
    /// Creates a client for OTLP, with protobuf.
    pub(crate) fn otlp(settings: &Settings, endpoint: &Endpoint, hints: &'static Hints) -> Self {
        let mut http = Http::new(settings, endpoint, "application/x-protobuf", hints);
        http.accepted = |answer, secrets| accepted(answer.body(), text(answer, &CONTENT_TYPE), secrets);
        http.compression = settings.compression;
        if settings.compression == Compression::Gzip {
            http.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        http
    }

    /// Creates a client for Phoenix's REST interface, with JSON. Phoenix does not read compressed requests there.
    pub(crate) fn json(settings: &Settings, endpoint: &Endpoint) -> Self {
        Http::new(settings, endpoint, "application/json", &PHOENIX)
    }

    fn new(
        settings: &Settings,
        endpoint: &Endpoint,
        content_type: &'static str,
        hints: &'static Hints,
    ) -> Self {
        let mut headers = header_map(settings);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Http {
            agent: None,
            has_answered: false,
            endpoint: endpoint.clone(),
            accepted: |_, _| Answer::accepted(),
            tls: settings.tls.clone(),
            headers,
            secrets: Secrets::of(settings, endpoint),
            compression: Compression::None,
            hints,
        }
    }

    /// Posts to the endpoint.
    pub(crate) fn send(&mut self, body: Vec<u8>, patience: Duration) -> Answer {
        let endpoint = self.endpoint.clone();
        self.post(endpoint.as_str(), body, patience)
    }

    /// Posts to another address of the same server.
    pub(crate) fn post(&mut self, url: &str, body: Vec<u8>, patience: Duration) -> Answer {
        let answer = self.ask(url, body, patience);
        answer.told(|text| self.secrets.masked(text))
    }

    fn ask(&mut self, url: &str, body: Vec<u8>, patience: Duration) -> Answer {
        let agent = match self.agent.take().map_or_else(|| agent(&self.endpoint, patience, &self.tls), Ok) {
            Ok(agent) => agent,
            Err(cause) => return Answer::Later { cause, after: None },
        };
        match self.exchange(&agent, url, body, patience) {
            Ok(answer) => {
                self.agent = Some(agent);
                self.has_answered = true;
                self.meaning(&answer)
            }
            Err(error) => self.not_answered(&error),
        }
    }

    /// Returns the meaning of an answer.
    fn meaning(&self, answer: &Response<Vec<u8>>) -> Answer {
        let refusal = refusal(answer, self.hints, &self.secrets);
        refusal.unwrap_or_else(|| (self.accepted)(answer, &self.secrets))
    }

    /// Returns the meaning of a request without an answer, with advice if the other side may speak another protocol.
    fn not_answered(&self, error: &ureq::Error) -> Answer {
        let is_other = matches!(error, ureq::Error::Protocol(_)) || (is_closed(error) && !self.has_answered);
        let answer = not_answered(error, self.hints);
        if !is_other {
            return answer;
        }
        let advice = if self.endpoint.is_tls() { MAYBE_NO_TLS } else { MAYBE_OTHER };
        answer.told(|cause| format!("{cause}; {advice}"))
    }

    /// Posts to the endpoint once, and returns all that can be seen of the receiver.
    pub(crate) fn look(&self, body: Vec<u8>, patience: Duration) -> Sight {
        let agent = match agent(&self.endpoint, patience, &self.tls) {
            Ok(agent) => agent,
            Err(cause) => return Sight::failed(TroubleKind::Tls, cause),
        };
        match self.exchange(&agent, self.endpoint.as_str(), body, patience) {
            Ok(answer) => seen(&answer, self.meaning(&answer), &self.secrets),
            Err(error) => {
                let cause = self.not_answered(&error).into_text();
                Sight::failed(kind_of(&error), self.secrets.masked(&cause))
            }
        }
    }

    fn exchange(
        &self,
        agent: &Agent,
        url: &str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Response<Vec<u8>>, ureq::Error> {
        let body = match self.compression {
            Compression::Gzip => compressed(&body)?,
            Compression::None => body,
        };
        let mut request = Request::post(url).body(body)?;
        *request.headers_mut() = self.headers.clone();
        let request = agent.configure_request(request).timeout_global(Some(patience)).build();
        let (parts, body) = agent.run(request)?.into_parts();
        let mut content = Vec::new();
        body.into_reader().take(LONGEST_ANSWER).read_to_end(&mut content)?;
        Ok(Response::from_parts(parts, content))
    }
}

/// Compresses with the fastest level. Requests are mostly text, so this already removes most of their size.
fn compressed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Level::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Returns the meaning of the answer, or `None` if it means success.
fn refusal(answer: &Response<Vec<u8>>, hints: &Hints, secrets: &Secrets) -> Option<Answer> {
    let status = answer.status();
    if !status.is_success() {
        let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = header.and_then(|header| retry_after(header, SystemTime::now()));
        return Some(of_status(status.as_u16(), describe(answer, hints, secrets), after));
    }
    is_web_page(answer).then(|| Answer::Refused {
        cause: "it answers with a web page, which no OTLP receiver does; check the endpoint".to_owned(),
    })
}

/// Returns a header of an answer, or an empty text.
fn text<'a>(answer: &'a Response<Vec<u8>>, name: &HeaderName) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn seen(answer: &Response<Vec<u8>>, meaning: Answer, secrets: &Secrets) -> Sight {
    let status = answer.status().as_u16();
    let kind = match status {
        300..=399 => TroubleKind::Redirect,
        401 | 403 => TroubleKind::Unauthorised,
        404 | 405 => TroubleKind::UnknownPath,
        408 | 425 | 429 | 502 | 503 | 504 => TroubleKind::Unavailable,
        400 | 422 => TroubleKind::Unacceptable,
        200..=299 | 415 => TroubleKind::OtherProtocol,
        500.. => TroubleKind::ServerError,
        _ => TroubleKind::Refused,
    };
    let is_accepted = matches!(meaning, Answer::Accepted { .. });
    let trouble = (!is_accepted).then(|| (kind, secrets.masked(&meaning.into_text())));
    let date = httpdate::parse_http_date(text(answer, &DATE)).ok();
    // The target may hold secrets in its query.
    let location = answer.headers().contains_key(LOCATION).then(|| {
        let target = text(answer, &LOCATION).split(['?', '#']).next().unwrap_or_default();
        secrets.masked(target)
    });
    Sight { trouble, date, location }
}

fn kind_of(error: &ureq::Error) -> TroubleKind {
    match error {
        ureq::Error::Timeout(_) => TroubleKind::Timeout,
        ureq::Error::Tls(_) | ureq::Error::Pem(_) | ureq::Error::Rustls(_) => TroubleKind::Tls,
        ureq::Error::Io(error)
            if error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) =>
        {
            TroubleKind::Tls
        }
        ureq::Error::Protocol(_) => TroubleKind::OtherProtocol,
        _ => TroubleKind::NoConnection,
    }
}

/// Returns why Phoenix has not answered, and what to check.
#[cfg(feature = "evaluation")]
pub(crate) fn unanswered(error: &ureq::Error) -> String {
    not_answered(error, &PHOENIX).into_text()
}

/// Returns the meaning of a request without an answer.
fn not_answered(error: &ureq::Error, hints: &Hints) -> Answer {
    let text = error.to_string();
    match error {
        // Leaves out the number of the error, which does not help the user.
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Answer::Absent { cause: format!("{}; {}", error.kind(), hints.absent) }
        }
        ureq::Error::HostNotFound => Answer::Absent { cause: format!("{error}; {CHECK_NAME}") },
        ureq::Error::Timeout(ureq::Timeout::Resolve) => {
            Answer::Absent { cause: format!("the host's name is not resolved in time; {CHECK_NAME}") }
        }
        ureq::Error::Io(_) if is_unresolved(&text) => {
            Answer::Absent { cause: format!("{text}; {CHECK_NAME}") }
        }
        _ if is_no_tls(&text) => Answer::Later { cause: format!("{text}; {NO_TLS}"), after: None },
        // An error of TLS is inside.
        ureq::Error::Io(error) => {
            let cause = error.get_ref().map_or_else(|| error.kind().to_string(), ToString::to_string);
            Answer::Later { cause, after: None }
        }
        _ => Answer::Later { cause: text, after: None },
    }
}

/// Whether the other side has closed the connection.
fn is_closed(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, UnexpectedEof};
    let ureq::Error::Io(error) = error else { return false };
    matches!(error.kind(), ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// A blocking client for one server.
///
/// A proxy is never used for an address of this machine, and a redirect is never followed, because it turns a POST into
/// a GET of some page, whose status 200 would look like success.
///
/// # Errors
///
/// If the certificates cannot be used.
pub(crate) fn agent(endpoint: &Endpoint, timeout: Duration, tls: &Tls) -> Result<Agent, String> {
    let tls = Credentials::read(endpoint, tls)?.map(|credentials| credentials.for_http());
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .timeout_resolve(Some(timeout.min(RESOLVE)))
        .http_status_as_error(false)
        .max_redirects(0)
        .tls_config(tls.unwrap_or_default())
        .accept("*/*");
    let config = if endpoint.is_loopback() { config.proxy(None) } else { config };
    Ok(config.build().new_agent())
}

/// The proxy that requests to this address go through, as `host:port`, if the environment names one.
pub(crate) fn proxy_of(endpoint: &Endpoint) -> Option<(String, u16)> {
    let uri = endpoint.as_str().parse().ok()?;
    let proxy =
        ureq::Proxy::try_from_env().filter(|proxy| !endpoint.is_loopback() && !proxy.is_no_proxy(&uri))?;
    Some((proxy.host().to_owned(), proxy.port()))
}

pub(crate) fn header_map(settings: &Settings) -> HeaderMap {
    let parse = |(name, value): (&str, &str)| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    settings.headers.iter().filter_map(parse).collect()
}

fn is_web_page(answer: &Response<Vec<u8>>) -> bool {
    text(answer, &CONTENT_TYPE).starts_with("text/html")
}

fn describe(answer: &Response<Vec<u8>>, hints: &Hints, secrets: &Secrets) -> String {
    let status = answer.status();
    match status.as_u16() {
        // The body is left out because it may contain the API key.
        401 | 403 => format!("status {status}; {}", hints.unauthorised),
        404 | 405 => format!("status {status}; {}", hints.unknown),
        _ if answer.body().is_empty() || is_web_page(answer) => format!("status {status}"),
        _ => format!("status {status}: {}", beginning(answer.body(), secrets)),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn io_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> ureq::Error {
        ureq::Error::Io(io::Error::other(error))
    }

    #[test]
    fn a_request_without_an_answer_says_what_to_check() {
        let absent = |cause: String| Answer::Absent { cause };
        let later = |cause: String| Answer::Later { cause, after: None };
        let unknown = "failed to lookup address information";
        for (error, expected) in [
            (
                ureq::Error::Io(io::ErrorKind::ConnectionRefused.into()),
                absent("connection refused; is Phoenix running?".to_owned()),
            ),
            (ureq::Error::HostNotFound, absent(format!("host not found; {CHECK_NAME}"))),
            (
                ureq::Error::Timeout(ureq::Timeout::Resolve),
                absent(format!("the host's name is not resolved in time; {CHECK_NAME}")),
            ),
            (io_error(unknown), absent(format!("io: {unknown}; {CHECK_NAME}"))),
            (io_error("corrupt message"), later(format!("io: corrupt message; {NO_TLS}"))),
            (io_error("a broken pipe"), later("a broken pipe".to_owned())),
        ] {
            assert_eq!(not_answered(&error, &PHOENIX), expected, "{error:?}");
        }
    }

    #[test]
    fn a_status_says_what_is_wrong() {
        for (statuses, kind) in [
            (&[301_u16, 308][..], TroubleKind::Redirect),
            (&[401, 403][..], TroubleKind::Unauthorised),
            (&[404, 405][..], TroubleKind::UnknownPath),
            (&[408, 425, 429, 502, 503, 504][..], TroubleKind::Unavailable),
            (&[400, 422][..], TroubleKind::Unacceptable),
            (&[200, 415][..], TroubleKind::OtherProtocol),
            (&[500, 501][..], TroubleKind::ServerError),
            (&[409, 410][..], TroubleKind::Refused),
        ] {
            for status in statuses {
                let answer = Response::builder().status(*status).body(Vec::new()).unwrap();
                let sight = seen(&answer, Answer::Refused { cause: "why".to_owned() }, &Secrets::default());
                assert_eq!(sight.trouble, Some((kind, "why".to_owned())), "{status}");
            }
        }
    }

    #[test]
    fn a_request_without_an_answer_has_a_kind() {
        for (error, kind) in [
            (ureq::Error::Timeout(ureq::Timeout::Global), TroubleKind::Timeout),
            (ureq::Error::Tls("no certificate"), TroubleKind::Tls),
            (io_error(rustls::Error::HandshakeNotComplete), TroubleKind::Tls),
            (io_error("a broken pipe"), TroubleKind::NoConnection),
            (ureq::Error::HostNotFound, TroubleKind::NoConnection),
        ] {
            assert_eq!(kind_of(&error), kind, "{error:?}");
        }
    }
}
