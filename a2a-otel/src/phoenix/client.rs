//! A client of Phoenix's REST interface.

use std::fmt;
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Agent;
use ureq::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use ureq::http::{Method, Request, Response};

use super::{Answer, PhoenixError};
use crate::deadline;
use crate::environment::Environment;
use crate::lock::lock;
use crate::pipeline::transport::{Backoff, Secrets, agent, header_map, retry_after, unanswered};
use crate::report::report;
use crate::settings::{Endpoint, Overrides, Settings};

/// How long one attempt may take. Phoenix stores 1,000 examples a second.
const ATTEMPT: Duration = Duration::from_secs(5 * 60);

/// How long an attempt may take at the end of the patience.
const SHORTEST: Duration = Duration::from_millis(100);

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a request is tried if the user says nothing else.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any dataset that Phoenix shows.
const LONGEST_ANSWER: u64 = 1024 * 1024 * 1024;

/// How much of a refusal is shown, in characters.
const SHOWN: usize = 500;

/// A client of Phoenix's REST interface, for datasets, experiments and prompts.
///
/// Its methods block, so call them outside of asynchronous tasks, or with `tokio::task::spawn_blocking`. They make no
/// spans. A request that Phoenix cannot answer now is tried again, with growing pauses, for at most 30 s; clones share
/// their connections.
///
/// ```no_run
/// use a2a_otel::phoenix::{Client, PhoenixError};
///
/// let client = Client::from_env()?;
/// if let Some(dataset) = client.dataset("lamps")? {
///     println!("{} examples", dataset.len());
/// }
/// # Ok::<(), PhoenixError>(())
/// ```
///
/// Source: <https://arize.com/docs/phoenix/sdk-api-reference/rest-api>.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// How long a request is tried.
    patience: Duration,
    /// How long one attempt may take.
    attempt: Duration,
}

struct Shared {
    settings: Settings,
    server: Endpoint,
    headers: HeaderMap,
    secrets: Secrets,
    /// Replaced after each failure: Phoenix closes a connection after a status 500 without saying so.
    agent: Mutex<Option<Agent>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.shared.server).finish_non_exhaustive()
    }
}

/// A request, which can be sent more than once.
pub(super) struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Option<Value>,
    /// Whether a second request does no harm if the first has been answered unheard.
    is_repeatable: bool,
    /// Whether Phoenix may need longer than the patience, because much is sent.
    is_long: bool,
}

impl<'a> Call<'a> {
    fn post(path: &'a str, body: Value) -> Self {
        Self { method: Method::POST, path, body: Some(body), is_repeatable: true, is_long: false }
    }
}

/// Why an attempt failed, and whether another one may help.
struct Failure {
    error: PhoenixError,
    again: Again,
}

enum Again {
    Never,
    /// If Phoenix may already have done what the request asks for.
    IfRepeatable(Option<Duration>),
    Always(Option<Duration>),
}

impl Client {
    /// Creates a client of the Phoenix that these settings send spans to, with their headers and certificates.
    ///
    /// # Errors
    ///
    /// If the endpoint of the settings does not end in `/v1/traces`.
    ///
    /// ```
    /// use a2a_otel::Telemetry;
    /// use a2a_otel::phoenix::Client;
    ///
    /// let telemetry = Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
    /// let client = Client::new(telemetry.settings());
    /// assert!(client.is_ok());
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn new(settings: &Settings) -> Result<Self, PhoenixError> {
        let server = settings.endpoint.as_ref().and_then(Endpoint::server).ok_or(PhoenixError::NoPhoenix)?;
        let shared = Shared {
            settings: settings.clone(),
            headers: header_map(settings),
            secrets: Secrets::of(settings, &server),
            agent: Mutex::new(None),
            server,
        };
        Ok(Client { shared: Arc::new(shared), patience: PATIENCE, attempt: ATTEMPT })
    }

    /// Creates a client of the Phoenix that the environment names, as [`init`](crate::init) reads it.
    ///
    /// # Errors
    ///
    /// If the endpoint is malformed, or does not end in `/v1/traces`.
    pub fn from_env() -> Result<Self, PhoenixError> {
        let variable = |name: &str| std::env::var(name).ok();
        let mut environment = Environment::new(&variable);
        let settings = Settings::resolve(&Overrides::default(), &mut environment, "evaluation");
        environment.warnings.iter().for_each(|warning| report(warning));
        Self::new(&settings)
    }

    /// Sets for how long a request is tried while Phoenix does not answer, or answers that it cannot now. The default is
    /// 30 s.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Client { patience, ..self }
    }

    /// The settings that it was made of.
    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Returns a client for requests that are not worth a long wait.
    pub(crate) fn within(self, patience: Duration) -> Self {
        Client { patience, attempt: patience, ..self }
    }

    /// Returns the address of a page, for people.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.shared.server.without_credentials())
    }

    /// Asks for something, and reads the answer.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, PhoenixError> {
        read(&self.text(path)?)
    }

    /// Asks for something that may be missing: `None` for status 404.
    pub(super) fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, PhoenixError> {
        match self.get(path) {
            Ok(answer) => Ok(Some(answer)),
            Err(PhoenixError::Rejected { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for a text.
    pub(super) fn text(&self, path: &str) -> Result<String, PhoenixError> {
        self.send(&Call { method: Method::GET, path, body: None, is_repeatable: true, is_long: false })
    }

    /// Asks for all pages of a list.
    pub(super) fn all<T: DeserializeOwned>(&self, path: &str, most: usize) -> Result<Vec<T>, PhoenixError> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Page<T> = self.get(&format!("{path}{cursor}"))?;
            all.extend(page.data);
            match page.next_cursor {
                Some(next) if all.len() < most => {
                    cursor = format!("&cursor={}", crate::percent::encode(&next));
                }
                _ => break,
            }
        }
        all.truncate(most);
        Ok(all)
    }

    /// Posts something that may arrive twice.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: Value) -> Result<T, PhoenixError> {
        read(&self.send(&Call::post(path, body))?)
    }

    /// Posts something large that may arrive twice.
    pub(super) fn post_large<T: DeserializeOwned>(&self, path: &str, body: Value) -> Result<T, PhoenixError> {
        read(&self.send(&Call { is_long: true, ..Call::post(path, body) })?)
    }

    /// Posts something that must not arrive twice. It is tried again only if it cannot have arrived.
    pub(super) fn post_once<T: DeserializeOwned>(&self, path: &str, body: Value) -> Result<T, PhoenixError> {
        // A connection that Phoenix has closed in the meantime would make the outcome uncertain.
        *lock(&self.shared.agent) = None;
        read(&self.send(&Call { is_repeatable: false, ..Call::post(path, body) })?)
    }

    /// Sends a request until it is answered, or the patience is over.
    pub(super) fn send(&self, call: &Call<'_>) -> Result<String, PhoenixError> {
        let deadline = deadline::after(self.patience);
        let mut backoff = Backoff::default();
        loop {
            let left = deadline::left(deadline).max(SHORTEST);
            let timeout = if call.is_long { self.attempt } else { self.attempt.min(left) };
            let Failure { error, again } = match self.shared.attempt(call, timeout) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let after = match again {
                Again::Always(after) => after,
                Again::IfRepeatable(after) if call.is_repeatable => after,
                Again::IfRepeatable(_) | Again::Never => return Err(error),
            };
            let pause = backoff.next(after);
            if pause > deadline::left(deadline) {
                return Err(error);
            }
            thread::sleep(pause);
        }
    }
}

impl Shared {
    fn attempt(&self, call: &Call<'_>, timeout: Duration) -> Result<String, Failure> {
        let answer = self.exchange(call, timeout);
        if answer.as_ref().map_or(true, |answer| answer.status().is_server_error()) {
            *lock(&self.agent) = None;
        }
        let answer = answer?;
        if answer.status().is_success() && !is_web_page(&answer) {
            return String::from_utf8(answer.into_body()).map_err(|_| Failure {
                error: PhoenixError::Unreadable("it is not UTF-8".to_owned()),
                again: Again::Never,
            });
        }
        Err(self.refusal(call, &answer))
    }

    fn exchange(&self, call: &Call<'_>, timeout: Duration) -> Result<Response<Vec<u8>>, Failure> {
        let agent = self.agent()?;
        let body = call.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let url = format!("{}{}", self.server.as_str(), call.path);
        let request = Request::builder().method(&call.method).uri(url).body(body);
        let mut request = request.map_err(|error| Failure::of(&error.into(), self))?;
        request.headers_mut().extend(self.headers.clone());
        if call.body.is_some() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let request = agent
            .configure_request(request)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(CONNECT)))
            .build();
        let (parts, body) = agent.run(request).map_err(|error| Failure::of(&error, self))?.into_parts();
        let mut content = Vec::new();
        let read = body.into_with_config().limit(LONGEST_ANSWER).reader().read_to_end(&mut content);
        read.map_err(|error| Failure::of(&error.into(), self))?;
        Ok(Response::from_parts(parts, content))
    }

    fn agent(&self) -> Result<Agent, Failure> {
        let mut kept = lock(&self.agent);
        if let Some(agent) = &*kept {
            return Ok(agent.clone());
        }
        let agent = agent(&self.server, ATTEMPT, &self.settings.tls).map_err(|cause| Failure {
            error: PhoenixError::Unanswered(self.secrets.masked(&cause)),
            again: Again::Never,
        })?;
        Ok(kept.insert(agent).clone())
    }

    /// A 500 is not tried again: Phoenix returns it for an id that it does not know.
    fn refusal(&self, call: &Call<'_>, answer: &Response<Vec<u8>>) -> Failure {
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            return Failure { error: PhoenixError::NoPhoenix, again: Again::Never };
        }
        let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = header.and_then(|header| retry_after(header, SystemTime::now()));
        let again = match status {
            425 | 429 | 503 => Again::Always(after),
            408 | 502 | 504 => Again::IfRepeatable(after),
            _ => Again::Never,
        };
        let reason = match status {
            // The body is left out because it may contain the API key.
            401 | 403 => "check PHOENIX_API_KEY".to_owned(),
            _ if is_web_page(answer) => "it answers with a web page; check the endpoint".to_owned(),
            _ => self.shown(answer.body()),
        };
        let path = call.path.split('?').next().unwrap_or_default();
        let request = format!("{} {path}", call.method);
        Failure { error: PhoenixError::Rejected { request, status, reason }, again }
    }

    /// What Phoenix says about a request: a text, or a list of fields that are wrong.
    fn shown(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let fields = serde_json::from_str::<Value>(&text).ok();
        let fields = fields.as_ref().and_then(|answer| answer["detail"].as_array());
        let text = fields.map(|fields| fields.iter().map(fault).collect::<Vec<_>>().join("; "));
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.secrets.masked(&line).chars().take(SHOWN).collect()
    }
}

impl Failure {
    fn of(error: &ureq::Error, shared: &Shared) -> Self {
        let is_absent = match error {
            ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
            ureq::Error::HostNotFound => true,
            _ => false,
        };
        let is_hopeless =
            matches!(error, ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::Tls(_));
        let again = match () {
            () if is_absent => Again::Always(None),
            () if is_hopeless => Again::Never,
            () => Again::IfRepeatable(None),
        };
        Failure { error: PhoenixError::Unanswered(shared.secrets.masked(&unanswered(error))), again }
    }
}

/// One page of a list.
#[derive(serde::Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// A field that is wrong: where it is in the request, and why.
fn fault(field: &Value) -> String {
    let place = field["loc"].as_array().map(Vec::as_slice).unwrap_or_default();
    let place = place.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
    let place = place.collect::<Vec<_>>().join(".");
    format!("{place}: {}", field["msg"].as_str().unwrap_or_default())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, PhoenixError> {
    serde_json::from_str(text).map_err(|error| PhoenixError::Unreadable(error.to_string()))
}

/// Reads an answer whose content is in `data`.
pub(super) fn data<T>(answer: Answer<T>) -> T {
    answer.data
}

/// Phoenix answers unknown paths with the page of its user interface.
fn is_web_page(answer: &Response<Vec<u8>>) -> bool {
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| content_type.starts_with("text/html"))
}

#[cfg(test)]
mod tests;
