//! Asks Prometheus, within a time limit, and says what went wrong if that fails.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use thiserror::Error;
use ureq::Agent;
use ureq::http::Uri;

use super::host::{is_loopback, without_login};
use super::html::shortened;
use super::time::Window;

/// An answer is read up to this size, in bytes.
const ANSWER: u64 = 64 << 20;

pub(crate) type Labels = BTreeMap<String, String>;

/// A Prometheus.
#[derive(Clone, Debug)]
pub(crate) struct Prometheus {
    agent: Agent,
    /// With a user's name and password, if it has any.
    url: String,
    /// Without them.
    pub(crate) shown: String,
    timeout: Duration,
}

/// A series: its labels, and its values over time.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Series {
    #[serde(rename = "metric", default)]
    pub(crate) labels: Labels,
    /// Seconds since 1970, and the value at that time. None of native histograms.
    #[serde(default)]
    values: Vec<Point>,
    /// Of a query at one time.
    value: Option<Point>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "(f64, Written)")]
pub(crate) struct Point {
    pub(crate) time: f64,
    pub(crate) value: f64,
}

/// A number in a text, because JSON has neither NaN nor infinity.
#[derive(Deserialize)]
struct Written(String);

impl From<(f64, Written)> for Point {
    fn from((time, Written(value)): (f64, Written)) -> Self {
        Self { time, value: value.parse().unwrap_or(f64::NAN) }
    }
}

impl Series {
    pub(crate) fn points(&self) -> impl Iterator<Item = Point> + Clone {
        self.values.iter().chain(&self.value).copied()
    }
}

/// A single observation, with the labels that it has besides those of its series.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Exemplar {
    pub(crate) labels: Labels,
    #[serde(deserialize_with = "number")]
    pub(crate) value: f64,
    #[serde(rename = "timestamp")]
    pub(crate) time: f64,
}

fn number<'de, D: serde::Deserializer<'de>>(text: D) -> Result<f64, D::Error> {
    Ok(String::deserialize(text)?.parse().unwrap_or(f64::NAN))
}

/// Why Prometheus did not answer a question.
#[derive(Clone, Debug, Error, PartialEq)]
pub(crate) enum Fault {
    #[error("{url} cannot be reached: {cause}. Start Prometheus, or correct --prometheus.")]
    Absent { url: String, cause: String },
    #[error(
        "{url} has not answered within {}. Choose a shorter time, or raise --timeout.",
        super::time::written(limit.as_secs_f64())
    )]
    Slow { url: String, limit: Duration },
    #[error("{url} wants a login (status {status}). Write it into --prometheus: https://name:password@host.")]
    Login { url: String, status: u16 },
    #[error(
        "{url} has no API of Prometheus (status {status}). Correct --prometheus, with its path if it has one."
    )]
    Missing { url: String, status: u16 },
    #[error("{url} answers with status {status}. Look into Prometheus's log.")]
    Status { url: String, status: u16 },
    #[error("{url} does not answer as Prometheus does: {cause}. Correct --prometheus.")]
    Garbled { url: String, cause: String },
    #[error("{url} answers with more than {} MiB. Choose a shorter time or fewer services.", ANSWER >> 20)]
    Large { url: String },
    #[error("Prometheus refuses the query: {0}. Correct it in the dashboard's file, or update Prometheus.")]
    Query(String),
    #[error("Prometheus cannot answer the query: {0}. Choose a shorter time or fewer services.")]
    Failed(String),
}

impl Fault {
    /// Whether it is Prometheus's and not the query's: then, the other queries need not be tried.
    pub(crate) fn of_the_server(&self) -> bool {
        !matches!(self, Self::Large { .. } | Self::Query(_) | Self::Failed(_))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<T> {
    status: String,
    data: Option<T>,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Answered {
    Matrix(Vec<Series>),
    Vector(Vec<Series>),
    Scalar(Point),
    String(IgnoredAny),
}

#[derive(Deserialize)]
struct WithExemplars {
    #[serde(default)]
    exemplars: Vec<Exemplar>,
}

impl Prometheus {
    /// The one at a URL, which has been checked.
    pub(crate) fn new(uri: &Uri, timeout: Duration) -> Self {
        let url = uri.to_string().trim_end_matches('/').to_owned();
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).accept("*/*");
        // A proxy cannot know this machine.
        let config = if is_loopback(uri.host().unwrap_or_default()) { config.proxy(None) } else { config };
        Self { agent: config.build().new_agent(), shown: without_login(uri), url, timeout }
    }

    /// When a page that is begun now has to be finished.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// The values of a query over a window.
    pub(crate) fn over(&self, query: &str, window: &Window, deadline: Instant) -> Result<Vec<Series>, Fault> {
        let (start, end, step) = (window.start.to_string(), window.end.to_string(), window.step.to_string());
        let form = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
        self.ask("query_range", &form, deadline).map(series)
    }

    /// The values of a query at the end of a window.
    pub(crate) fn at_the_end(
        &self,
        query: &str,
        window: &Window,
        deadline: Instant,
    ) -> Result<Vec<Series>, Fault> {
        self.ask("query", &[("query", query), ("time", &window.end.to_string())], deadline).map(series)
    }

    /// The observations that are kept of the series in a query.
    pub(crate) fn exemplars(
        &self,
        query: &str,
        window: &Window,
        deadline: Instant,
    ) -> Result<Vec<Exemplar>, Fault> {
        let (start, end) = (window.start.to_string(), window.end.to_string());
        let form = [("query", query), ("start", &start), ("end", &end)];
        let series: Vec<WithExemplars> = self.ask("query_exemplars", &form, deadline)?;
        Ok(series.into_iter().flat_map(|one| one.exemplars).collect())
    }

    /// The values that a label has in a window.
    pub(crate) fn values_of(
        &self,
        label: &str,
        of: Option<&str>,
        window: &Window,
        deadline: Instant,
    ) -> Result<Vec<String>, Fault> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("start", &window.start.to_string()).append_pair("end", &window.end.to_string());
        if let Some(series) = of {
            form.append_pair("match[]", series);
        }
        let path = format!("label/{label}/values?{}", form.finish());
        self.get(&path, deadline)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<T, Fault> {
        let left = self.left(deadline)?;
        let limit = left.as_secs_f64().to_string();
        let form = form.iter().copied().chain([("timeout", &*limit)]);
        let request = self.agent.post(format!("{}/api/v1/{path}", self.url));
        let answer = request.config().timeout_global(Some(left)).build().send_form(form);
        self.read(answer)
    }

    fn get<T: DeserializeOwned>(&self, path: &str, deadline: Instant) -> Result<T, Fault> {
        let left = self.left(deadline)?;
        let request = self.agent.get(format!("{}/api/v1/{path}", self.url));
        self.read(request.config().timeout_global(Some(left)).build().call())
    }

    fn left(&self, deadline: Instant) -> Result<Duration, Fault> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.slow()) } else { Ok(left) }
    }

    fn slow(&self) -> Fault {
        Fault::Slow { url: self.shown.clone(), limit: self.timeout }
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Fault> {
        let answer = answer.map_err(|error| self.not_answered(error))?;
        let status = answer.status().as_u16();
        let body = answer.into_body().into_with_config().limit(ANSWER).read_to_vec();
        let body = body.map_err(|error| self.not_answered(error))?;
        let url = self.shown.clone();
        match serde_json::from_slice::<Answer<T>>(&body) {
            Ok(Answer { status, data: Some(data), .. }) if status == "success" => Ok(data),
            Ok(Answer { status, error, error_type, .. }) if status == "error" => {
                let error = shortened(&error, 400);
                Err(match error_type.as_str() {
                    "bad_data" => Fault::Query(error),
                    "timeout" | "canceled" => self.slow(),
                    _ => Fault::Failed(error),
                })
            }
            other => Err(match (status, other) {
                (401 | 403, _) => Fault::Login { url, status },
                (300..=399 | 404 | 405, _) => Fault::Missing { url, status },
                (200, Err(error)) => Fault::Garbled { url, cause: error.to_string() },
                (200, Ok(_)) => Fault::Garbled { url, cause: "it has no data".to_owned() },
                _ => Fault::Status { url, status },
            }),
        }
    }

    fn not_answered(&self, error: ureq::Error) -> Fault {
        let url = self.shown.clone();
        match error {
            ureq::Error::Timeout(_) => self.slow(),
            ureq::Error::BodyExceedsLimit(_) => Fault::Large { url },
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Fault::Absent { url, cause: "the connection is refused".to_owned() }
            }
            ureq::Error::HostNotFound => Fault::Absent { url, cause: "the host is not known".to_owned() },
            ureq::Error::Protocol(error) => Fault::Garbled { url, cause: error.to_string() },
            other => Fault::Absent { url, cause: other.to_string() },
        }
    }
}

fn series(answer: Answered) -> Vec<Series> {
    match answer {
        Answered::Matrix(series) | Answered::Vector(series) => series,
        Answered::Scalar(point) => {
            vec![Series { labels: Labels::new(), values: Vec::new(), value: Some(point) }]
        }
        Answered::String(_) => Vec::new(),
    }
}
