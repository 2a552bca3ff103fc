//! The OTLP sender: blocking, so that it needs nobody's runtime.

use std::future::{Future, ready};
use std::io::Read;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use ureq::Agent;
use ureq::http::Uri;

use crate::lock::lock;
use crate::telemetry::settings::{Compression, Endpoint, Settings};

/// An answer of OTLP is a few bytes; more than this is not OTLP.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Enough of an error page to recognise it.
const SHOWN_OF_ANSWER: usize = 200;

/// An exporter that says why it failed, in words for the user.
#[derive(Debug)]
pub(crate) struct OtlpExporter {
    inner: opentelemetry_otlp::SpanExporter,
    client: Client,
}

pub(crate) fn otlp_exporter(
    settings: &Settings,
    endpoint: &Endpoint,
) -> Result<OtlpExporter, ExporterBuildError> {
    let timeout = settings.timeout.min(settings.batch.timeout);
    let client = Client::new(settings, endpoint, timeout);
    let builder = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client.clone())
        .with_endpoint(endpoint.as_str())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(timeout);
    let builder = match settings.compression {
        Compression::Gzip => builder.with_compression(opentelemetry_otlp::Compression::Gzip),
        Compression::None => builder,
    };
    Ok(OtlpExporter { inner: builder.build()?, client })
}

impl SpanExporter for OtlpExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.inner.export(batch).await;
        result.map_err(|error| self.client.take_trouble().map_or(error, OTelSdkError::InternalFailure))
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// A blocking client for one server.
///
/// A proxy is never asked for an address of this machine, and a redirect is never followed: it turns a POST into a GET
/// of some page, whose 200 would pass for success.
pub(crate) fn agent(endpoint: &str, timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .accept("*/*");
    let config = if is_loopback(endpoint) { config.proxy(None) } else { config };
    config.build().new_agent()
}

fn is_loopback(endpoint: &str) -> bool {
    let uri: Option<Uri> = endpoint.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default().trim_matches(['[', ']']);
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

#[derive(Clone, Debug)]
struct Client {
    agent: Agent,
    headers: HeaderMap,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Client {
    fn new(settings: &Settings, endpoint: &Endpoint, timeout: Duration) -> Self {
        let agent = agent(endpoint.as_str(), timeout);
        Client { agent, headers: header_map(settings), trouble: Arc::default() }
    }

    fn take_trouble(&self) -> Option<String> {
        lock(&self.trouble).take()
    }

    fn note_trouble(&self, trouble: String) {
        *lock(&self.trouble) = Some(trouble);
    }

    /// The exporter repeats what failed with a status that allows it, so every status goes back to it.
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut parts, body) = request.into_parts();
        // Put on here, for the exporter lets variables of the environment override the headers that it is given.
        for (name, value) in &self.headers {
            parts.headers.insert(name.clone(), value.clone());
        }
        let answer =
            self.agent.run(Request::from_parts(parts, body.as_ref())).map_err(|error| self.fail(error))?;
        let (parts, body) = answer.into_parts();
        let mut content = Vec::new();
        let read = body.into_reader().take(LONGEST_ANSWER).read_to_end(&mut content);
        read.map_err(|error| self.fail(error.into()))?;
        let answer = Response::from_parts(parts, Bytes::from(content));
        self.check(&answer)?;
        Ok(answer)
    }

    fn fail(&self, error: ureq::Error) -> HttpError {
        let cause = match &error {
            // Without the number of the error, which tells the user nothing.
            ureq::Error::Io(error) => error.kind().to_string(),
            error => error.to_string(),
        };
        self.note_trouble(format!("{cause}; is Phoenix running?"));
        error.into()
    }

    fn check(&self, answer: &Response<Bytes>) -> Result<(), HttpError> {
        let status = answer.status();
        if !status.is_success() {
            self.note_trouble(describe(answer));
        } else if is_web_page(answer) {
            let trouble = "it answers with a web page, which no receiver of traces does";
            self.note_trouble(trouble.to_owned());
            return Err(trouble.into());
        }
        Ok(())
    }
}

/// The form that the macro of the trait's crate gives to an async method, written out to spare us a dependency on it.
impl HttpClient for Client {
    fn send_bytes<'client, 'send>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'send>>
    where
        'client: 'send,
        Self: 'send,
    {
        Box::pin(ready(self.send(request)))
    }
}

pub(crate) fn header_map(settings: &Settings) -> HeaderMap {
    let parse = |(name, value): (&str, &str)| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    settings.headers.iter().filter_map(parse).collect()
}

fn is_web_page(answer: &Response<Bytes>) -> bool {
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| content_type.starts_with("text/html"))
}

fn describe(answer: &Response<Bytes>) -> String {
    let status = answer.status();
    match status.as_u16() {
        // The body is left out: it may repeat the key.
        401 | 403 => format!("status {status}; check PHOENIX_API_KEY"),
        404 | 405 => format!("status {status}; check the endpoint"),
        _ if answer.body().is_empty() || is_web_page(answer) => format!("status {status}"),
        _ => format!("status {status}: {}", beginning(answer.body())),
    }
}

fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(SHOWN_OF_ANSWER).collect()
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_recognised() {
        for endpoint in ["http://localhost:6006/v1/traces", "http://127.0.0.2/x", "http://[::1]:1/"] {
            assert!(is_loopback(endpoint), "{endpoint}");
        }
        for endpoint in ["http://phoenix:6006", "https://localhost.example.com", "http://10.0.0.1"] {
            assert!(!is_loopback(endpoint), "{endpoint}");
        }
    }
}
