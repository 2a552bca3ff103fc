//! OTLP over HTTP, and what else is posted to the same server: blocking, so that it needs nobody's runtime.

use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Request, Response};
use prost::Message;
use ureq::Agent;

use super::Transport;
use super::answer::{Answer, accepted, beginning, of_status, retry_after};
use super::tls::Credentials;
use crate::settings::{Compression, Endpoint, Settings, Tls};

/// An answer of OTLP is a few bytes; more than this is not OTLP.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// One server, and how it is spoken to.
#[derive(Debug)]
pub(crate) struct Http {
    /// Until something goes wrong on the way; the next one reads the certificates again.
    agent: Option<Agent>,
    endpoint: Endpoint,
    tls: Tls,
    headers: HeaderMap,
    compression: Compression,
}

impl Http {
    /// For spans.
    pub(crate) fn new(settings: &Settings, endpoint: &Endpoint) -> Self {
        let mut http = Http::plain(settings, endpoint, "application/x-protobuf");
        http.compression = settings.compression;
        if settings.compression == Compression::Gzip {
            http.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        http
    }

    /// For what is not compressed, because Phoenix reads nothing but spans that is.
    pub(crate) fn plain(settings: &Settings, endpoint: &Endpoint, content_type: &'static str) -> Self {
        let mut headers = header_map(settings);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Http {
            agent: None,
            endpoint: endpoint.clone(),
            tls: settings.tls.clone(),
            headers,
            compression: Compression::None,
        }
    }

    /// Posts to an address of the server. The answer is one of success; what any other means is the error.
    pub(crate) fn post(
        &mut self,
        url: &str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Response<Vec<u8>>, Answer> {
        let agent = match self.agent.take() {
            Some(agent) => agent,
            None => agent(&self.endpoint, patience, &self.tls)
                .map_err(|cause| Answer::Later { cause, after: None })?,
        };
        let answer = self.exchange(&agent, url, body, patience).map_err(|error| not_answered(&error))?;
        self.agent = Some(agent);
        refusal(&answer).map_or(Ok(answer), Err)
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

impl Transport for Http {
    fn send(&mut self, body: Vec<u8>, patience: Duration) -> Answer {
        let endpoint = self.endpoint.clone();
        match self.post(endpoint.as_str(), body, patience) {
            // What is no protobuf comes from a receiver that does not say what it rejects.
            Ok(answer) => accepted(Message::decode(answer.body().as_slice()).unwrap_or_default()),
            Err(answer) => answer,
        }
    }
}

/// The fastest level: a request is mostly text, of which it already takes most away.
fn compressed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Level::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// What the answer means, unless it is one of success.
fn refusal(answer: &Response<Vec<u8>>) -> Option<Answer> {
    let status = answer.status();
    if !status.is_success() {
        let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = header.and_then(|header| retry_after(header, SystemTime::now()));
        return Some(of_status(status.as_u16(), describe(answer), after));
    }
    is_web_page(answer).then(|| Answer::Refused {
        cause: "it answers with a web page, which no receiver of traces does; check the endpoint".to_owned(),
    })
}

fn not_answered(error: &ureq::Error) -> Answer {
    match error {
        // Without the number of the error, which tells the user nothing.
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Answer::Absent { cause: format!("{}; is Phoenix running?", error.kind()) }
        }
        ureq::Error::HostNotFound => Answer::Absent { cause: format!("{error}; check the endpoint") },
        // What TLS has to say stands inside.
        ureq::Error::Io(error) => {
            let cause = error.get_ref().map_or_else(|| error.kind().to_string(), ToString::to_string);
            Answer::Later { cause, after: None }
        }
        error => Answer::Later { cause: error.to_string(), after: None },
    }
}

/// A blocking client for one server.
///
/// A proxy is never asked for an address of this machine, and a redirect is never followed: it turns a POST into a GET
/// of some page, whose 200 would pass for success.
///
/// # Errors
///
/// If the certificates cannot be used.
pub(crate) fn agent(endpoint: &Endpoint, timeout: Duration, tls: &Tls) -> Result<Agent, String> {
    let tls = Credentials::read(endpoint, tls)?.map(|credentials| credentials.for_http());
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .tls_config(tls.unwrap_or_default())
        .accept("*/*");
    let config = if endpoint.is_loopback() { config.proxy(None) } else { config };
    Ok(config.build().new_agent())
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
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| content_type.starts_with("text/html"))
}

fn describe(answer: &Response<Vec<u8>>) -> String {
    let status = answer.status();
    match status.as_u16() {
        // The body is left out: it may repeat the key.
        401 | 403 => format!("status {status}; check PHOENIX_API_KEY"),
        404 | 405 => format!("status {status}; check the endpoint"),
        _ if answer.body().is_empty() || is_web_page(answer) => format!("status {status}"),
        _ => format!("status {status}: {}", beginning(answer.body())),
    }
}
