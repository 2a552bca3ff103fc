//! Links to what Phoenix shows.
//!
//! They need no answer of Phoenix, which finds the page by the id when somebody opens it: a link may go into a log line or
//! an answer before the span has ended. All are `None` where spans do not go to a Phoenix: telemetry is off or was not
//! started by this library, or the endpoint does not end in `/v1/traces`.
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

use std::fmt::Display;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::Request;

use crate::Telemetry;
use crate::environment::values::server_of;
use crate::pipeline::annotations;
use crate::pipeline::transport::{agent, header_map};
use crate::settings::Exporter;

/// Nobody should wait long for a link.
const TIMEOUT: Duration = Duration::from_secs(2);

/// More than any list of projects that the filter leaves.
const LONGEST_ANSWER: u64 = 1024 * 1024;

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    name: String,
}

/// The page of the current span, in its trace; nothing where there is no span, or it is not sampled.
///
/// ```
/// assert_eq!(a2a_otel::phoenix::url(), None, "there is no span here");
/// ```
#[must_use]
pub fn url() -> Option<String> {
    span_url(crate::current().span_id()?)
}

/// The page of a span, in its trace, by the id that [`Current::span_id`](crate::Current::span_id) gives.
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

/// The page of a trace, by the id that [`Current::trace_id`](crate::Current::trace_id) gives.
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

/// The page of a session, by the id that [`with_session`](crate::with_session) was given.
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

/// Phoenix knows its pages by ids of its own, and leads from ours to them.
fn page(list: &str, id: &dyn Display) -> Option<String> {
    let annotator = annotations::current()?;
    let server = without_credentials(annotator.server()?);
    Some(format!("{server}/redirects/{list}/{}", percent_encode(&id.to_string())))
}

impl Telemetry {
    /// The page on which Phoenix shows the traces of this project, if there is a Phoenix behind the endpoint and it has
    /// seen the project: it makes one with the first span. It asks over HTTP, and blocks for two seconds at most for
    /// each question.
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
        if settings.disabled || settings.exporter != Exporter::Otlp {
            return None;
        }
        let base = server_of(settings.endpoint.as_ref()?.as_str())?;
        let project = self.find_project(base, &settings.project_name)?;
        Some(format!("{}/projects/{}", without_credentials(base), project.id))
    }

    /// Phoenix takes a name in the path only if it is made of plain characters; any name can be searched for.
    fn find_project(&self, base: &str, name: &str) -> Option<Project> {
        let encoded = percent_encode(name);
        if encoded == name {
            return self.get(&format!("{base}/v1/projects/{name}"));
        }
        let found: Vec<Project> =
            self.get(&format!("{base}/v1/projects?limit=100&name_contains={encoded}"))?;
        found.into_iter().find(|project| project.name == name)
    }

    fn get<T: DeserializeOwned>(&self, url: &str) -> Option<T> {
        let mut request = Request::get(url).body(()).ok()?;
        request.headers_mut().extend(header_map(self.settings()));
        let answer = agent(url, TIMEOUT, &self.settings().tls).ok()?.run(request).ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let text = answer.into_body().into_with_config().limit(LONGEST_ANSWER).read_to_string().ok()?;
        serde_json::from_str::<Answer<T>>(&text).ok().map(|answer| answer.data)
    }
}

/// A link is for people and logs, and Phoenix has a login of its own.
fn without_credentials(base: &str) -> String {
    match base.split_once("://") {
        Some((scheme, rest)) => {
            let (server, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = server.rsplit('@').next().unwrap_or(server);
            format!("{scheme}://{host}{path}")
        }
        None => base.to_owned(),
    }
}

fn percent_encode(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode =
        |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn a_link_shows_no_password() {
        for (base, link) in [
            ("http://me:secret@phoenix:6006", "http://phoenix:6006"),
            ("https://host/s/@space", "https://host/s/@space"),
        ] {
            assert_eq!(without_credentials(base), link);
        }
    }
}
