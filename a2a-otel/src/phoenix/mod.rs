//! Links to pages of Phoenix.
//!
//! Creating a link needs no request to Phoenix, which finds the page by the id when somebody opens it. So a link can go
//! into a log line or an answer before the span has ended. All functions return `None` if spans do not go to a Phoenix:
//! telemetry is off or was not started by this library, or the endpoint does not end in `/v1/traces`.
//!
//! ```
//! #[a2a_otel::agent_span]
//! fn answer(question: &str) -> String {
//!     if let Some(url) = a2a_otel::phoenix::url() {
//!         println!("see {url}");
//!     }
//!     format!("You asked: {question}")
//! }
//! # answer("Which lamps do you have?");
//! ```

#[cfg(feature = "evaluation")]
mod client;
#[cfg(feature = "evaluation")]
mod datasets;
#[cfg(feature = "evaluation")]
mod experiments;
#[cfg(feature = "evaluation")]
mod prompts;
#[cfg(feature = "evaluation")]
mod spans;
#[cfg(feature = "evaluation")]
mod timestamp;

use std::fmt::Display;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Request;

#[cfg(feature = "evaluation")]
pub use self::client::Client;
#[cfg(feature = "evaluation")]
pub use self::datasets::DatasetVersion;
#[cfg(feature = "evaluation")]
pub(crate) use self::experiments::{NewExperiment, RemoteEvaluation, RemoteRun};
#[cfg(feature = "evaluation")]
pub use self::prompts::{Prompt, PromptMessage, PromptQuery, PromptQueryWithFallback, RenderError};
#[cfg(feature = "evaluation")]
pub use self::spans::SpanQuery;
#[cfg(feature = "evaluation")]
use crate::dataset::DatasetError;
use crate::percent;
use crate::pipeline::annotations;
use crate::pipeline::transport::{agent, header_map};
use crate::settings::Endpoint;
use crate::span::current;
use crate::telemetry::Telemetry;

/// A link is not worth a long wait.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Longer than any filtered list of projects.
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// Why Phoenix did not answer a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhoenixError {
    /// Spans do not go to a Phoenix, over HTTP, at an endpoint whose path ends in `/v1/traces`.
    #[error("spans do not go to a Phoenix over HTTP, at an endpoint whose path ends in /v1/traces")]
    NoPhoenix,
    /// There was no answer, for this reason.
    #[error("Phoenix does not answer: {0}")]
    Unanswered(String),
    /// It answered with this HTTP status.
    #[error("Phoenix answers with status {0}")]
    Refused(u16),
    /// Its answer is not JSON, for this reason.
    #[error("Phoenix's answer cannot be read: {0}")]
    Unreadable(String),
    /// It rejected a request.
    #[cfg(feature = "evaluation")]
    #[error("Phoenix rejects {request} with status {status}: {reason}")]
    Rejected {
        /// The method and the path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// What Phoenix says.
        reason: String,
    },
    /// Examples of a dataset have other keys than those that Phoenix has.
    #[cfg(feature = "evaluation")]
    #[error(
        "the dataset `{dataset}` in Phoenix has other columns: {difference}; rename the keys, name the dataset \
         differently, or call upload_with_other_columns"
    )]
    OtherColumns {
        /// The dataset's name.
        dataset: String,
        /// Which keys differ.
        difference: String,
    },
    /// A dataset cannot be sent.
    #[cfg(feature = "evaluation")]
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

#[cfg(feature = "evaluation")]
impl PhoenixError {
    /// Whether the same request may be answered later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unanswered(_) => true,
            Self::Rejected { status, .. } => matches!(status, 408 | 425 | 429 | 502..=504),
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    name: String,
}

/// Returns the page of the current span, in its trace, or nothing if there is no span or it is not sampled.
///
/// ```
/// assert_eq!(a2a_otel::phoenix::url(), None, "there is no span here");
/// ```
#[must_use]
pub fn url() -> Option<String> {
    span_url(current().span_id()?)
}

/// Returns the page of a span, in its trace, by the id that [`Current::span_id`](crate::Current::span_id) returns.
///
/// ```
/// # let telemetry = a2a_otel::Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
/// let url = a2a_otel::phoenix::span_url("53995c3f42cd8ad8").unwrap();
/// assert_eq!(url, "http://127.0.0.1:9/redirects/spans/53995c3f42cd8ad8");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[must_use]
pub fn span_url(span_id: impl Display) -> Option<String> {
    page("spans", &span_id)
}

/// Returns the page of a trace, by the id that [`Current::trace_id`](crate::Current::trace_id) returns.
///
/// ```
/// let trace_id = a2a_otel::current().trace_id();
/// let url = trace_id.and_then(a2a_otel::phoenix::trace_url);
/// # assert_eq!(url, None);
/// ```
#[must_use]
pub fn trace_url(trace_id: impl Display) -> Option<String> {
    page("traces", &trace_id)
}

/// Returns the page of a session, by the id that was passed to [`with_session`](crate::with_session).
///
/// ```
/// # let telemetry = a2a_otel::Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
/// let url = a2a_otel::phoenix::session_url("chat 1").unwrap();
/// assert_eq!(url, "http://127.0.0.1:9/redirects/sessions/chat%201");
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[must_use]
pub fn session_url(session_id: impl Display) -> Option<String> {
    page("sessions", &session_id)
}

/// Phoenix has its own ids for pages, and redirects from ours.
fn page(list: &str, id: &dyn Display) -> Option<String> {
    let annotator = annotations::current()?;
    // A link goes to people and logs. It needs no credentials: Phoenix has its own login.
    let server = annotator.server()?.without_credentials();
    Some(format!("{server}/redirects/{list}/{}", percent::encode(&id.to_string())))
}

impl Telemetry {
    /// Returns the page on which Phoenix shows the traces of this project, if the endpoint is a Phoenix and has the
    /// project, which it creates with the first span. This asks Phoenix over HTTP, and blocks for at most two seconds
    /// per request.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
    /// if let Some(url) = telemetry.phoenix_url() {
    ///     println!("see {url}");
    /// }
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    #[must_use]
    pub fn phoenix_url(&self) -> Option<String> {
        let settings = self.settings();
        if settings.disabled || !settings.exporter.is_otlp() {
            return None;
        }
        let server = settings.endpoint.as_ref()?.server()?;
        let project = self.find_project(&server, &settings.project_name)?;
        Some(format!("{}/projects/{}", server.without_credentials(), project.id))
    }

    /// Asks Phoenix's REST interface, with the headers and certificates of the settings, and returns its answer. It blocks
    /// for at most two seconds.
    ///
    /// # Errors
    ///
    /// If spans do not go to a Phoenix over HTTP, or it does not answer, refuses, or answers something else than JSON.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
    /// match telemetry.ask_phoenix("/v1/projects?limit=1") {
    ///     Ok(projects) => println!("{}", projects["data"]),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    ///
    /// Source: <https://arize.com/docs/phoenix/sdk-api-reference/rest-api>.
    pub fn ask_phoenix(&self, path: &str) -> Result<Value, PhoenixError> {
        let text = self.phoenix_text(path)?;
        serde_json::from_str(&text).map_err(|error| PhoenixError::Unreadable(error.to_string()))
    }

    /// Returns the version of the Phoenix that spans go to. It blocks for at most two seconds.
    ///
    /// # Errors
    ///
    /// If spans do not go to a Phoenix over HTTP, or it does not answer.
    ///
    /// ```
    /// # let telemetry = a2a_otel::Telemetry::builder().endpoint("http://127.0.0.1:9").tracing(false).init()?;
    /// assert!(telemetry.phoenix_version().is_err(), "nothing listens there");
    /// # Ok::<(), a2a_otel::InitError>(())
    /// ```
    pub fn phoenix_version(&self) -> Result<String, PhoenixError> {
        let version = self.phoenix_text("/arize_phoenix_version")?;
        // Anything else may answer with a page.
        let is_version = version.starts_with(|first: char| first.is_ascii_digit()) && version.len() < 40;
        if is_version { Ok(version) } else { Err(PhoenixError::NoPhoenix) }
    }

    fn phoenix_text(&self, path: &str) -> Result<String, PhoenixError> {
        let settings = self.settings();
        let endpoint =
            settings.endpoint.as_ref().filter(|_| !settings.disabled && settings.exporter.is_otlp());
        let server = endpoint.and_then(Endpoint::server).ok_or(PhoenixError::NoPhoenix)?;
        self.fetch(&server, path)
    }

    /// Phoenix accepts a name in the path only if it is made of plain characters. Every name can be searched for.
    fn find_project(&self, server: &Endpoint, name: &str) -> Option<Project> {
        let encoded = percent::encode(name).to_string();
        if encoded == name {
            return self.get(server, &format!("/v1/projects/{name}"));
        }
        let found: Vec<Project> =
            self.get(server, &format!("/v1/projects?limit=100&name_contains={encoded}"))?;
        found.into_iter().find(|project| project.name == name)
    }

    fn get<T: DeserializeOwned>(&self, server: &Endpoint, path: &str) -> Option<T> {
        let text = self.fetch(server, path).ok()?;
        serde_json::from_str::<Answer<T>>(&text).ok().map(|answer| answer.data)
    }

    fn fetch(&self, server: &Endpoint, path: &str) -> Result<String, PhoenixError> {
        let unanswered = |error: ureq::Error| PhoenixError::Unanswered(error.to_string());
        let request = Request::get(format!("{}{path}", server.as_str())).body(());
        let mut request = request.map_err(|error| unanswered(error.into()))?;
        request.headers_mut().extend(header_map(self.settings()));
        let agent = agent(server, TIMEOUT, &self.settings().tls).map_err(PhoenixError::Unanswered)?;
        let answer = agent.run(request).map_err(unanswered)?;
        if !answer.status().is_success() {
            return Err(PhoenixError::Refused(answer.status().as_u16()));
        }
        answer.into_body().into_with_config().limit(LONGEST_ANSWER).read_to_string().map_err(unanswered)
    }
}
