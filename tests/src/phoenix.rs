//! A real Phoenix, and queries about the spans that were sent to it.

mod answers;
mod project;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

pub use answers::{Amount, Cost, Event, Session, Span, Trace, TraceDetails};
pub use project::Project;
use serde_json::{Value, json};
use ureq::Agent;

use crate::python::python_environment;
use crate::services::{Service, local_agent, on_free_ports, unique, workshop};

/// The version that these tests run against.
pub const VERSION: &str = "20.26.1";

/// The time limit for a start. A cold start takes 10 s, and twice that on a busy machine.
const START: Duration = Duration::from_secs(120);

/// Lets Phoenix serve its metrics on a port that is free: its own is always 9090.
const METRICS_ON_A_FREE_PORT: &str = "\
import os, runpy, prometheus_client
serve = prometheus_client.start_http_server
port = int(os.environ['A2A_OTEL_TEST_METRICS_PORT'])
prometheus_client.start_http_server = lambda _, addr: serve(port, addr='127.0.0.1')
runpy.run_module('phoenix.server.main', run_name='__main__', alter_sys=True)
";

/// A Phoenix that was stopped, and can be started again.
#[derive(Debug)]
pub struct Stopped([u16; 3]);

impl Stopped {
    /// Starts it again, at the same addresses.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start(self, variables: &[(&str, &str)]) -> Result<Phoenix, String> {
        Phoenix::launch(&python()?, self.0, variables)
    }
}

/// A running Phoenix with an empty database. It ends when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Phoenix {
    /// None for one that others run.
    service: Option<Service>,
    agent: Agent,
    url: String,
    grpc_url: String,
    ports: [u16; 3],
    bearer: Option<String>,
}

/// An HTTP answer: the status, and the JSON body, or null for any other body.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Phoenix {
    /// The instance that all tests of a test binary share. The first test starts it.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine; see [`require`](crate::services::require).
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Phoenix, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// An instance for a test that must not see the spans of other tests.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine.
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[])
    }

    /// An instance with additional environment variables. With `PHOENIX_ADMIN_SECRET`, requests use that secret.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine.
    pub fn start_with(variables: &[(&str, &str)]) -> Result<Self, String> {
        let python = python()?;
        on_free_ports(|ports| Self::launch(&python, ports, variables))
    }

    /// Stops it as an operator does, and starts it again after this time, at the same address. It keeps its data only
    /// if its variables select a database in a file.
    ///
    /// # Errors
    ///
    /// If it does not start again.
    pub fn restart(self, pause: Duration, variables: &[(&str, &str)]) -> Result<Self, String> {
        let stopped = self.stop();
        std::thread::sleep(pause);
        stopped.start(variables)
    }

    /// Stops it as an operator does.
    #[must_use]
    pub fn stop(self) -> Stopped {
        Stopped(self.ports)
    }

    fn launch(python: &Path, ports: [u16; 3], variables: &[(&str, &str)]) -> Result<Self, String> {
        let [http_port, grpc_port, _] = ports;
        let service = Service::start("phoenix", &serve(python, ports, variables)?)?;
        let bearer = variables.iter().find(|(key, _)| *key == "PHOENIX_ADMIN_SECRET");
        let phoenix = Self {
            service: None,
            ports,
            agent: local_agent(Duration::from_secs(60)),
            url: format!("http://127.0.0.1:{http_port}"),
            grpc_url: format!("http://127.0.0.1:{grpc_port}"),
            bearer: bearer.map(|(_, secret)| format!("Bearer {secret}")),
        };
        phoenix.ready(service)
    }

    /// One that others run on this machine, such as an engine for containers.
    #[must_use]
    pub fn of_others(port: u16, grpc_port: u16) -> Self {
        Self {
            service: None,
            agent: local_agent(Duration::from_secs(5 * 60)),
            url: format!("http://127.0.0.1:{port}"),
            grpc_url: format!("http://127.0.0.1:{grpc_port}"),
            ports: [port, grpc_port, 0],
            bearer: None,
        }
    }

    fn ready(self, mut service: Service) -> Result<Self, String> {
        let Self { agent, url, .. } = &self;
        // All paths except these two answer 200 with the page of the user interface.
        let says = |path: &str, expected: &str| {
            let answer = agent.get(format!("{url}{path}")).call();
            answer
                .and_then(|mut answer| answer.body_mut().read_to_string())
                .is_ok_and(|text| text == expected)
        };
        service.wait_until(START, || says("/healthz", "OK") && says("/arize_phoenix_version", VERSION))?;
        Ok(Self { service: Some(service), ..self })
    }

    /// The address of its user interface and its OTLP/HTTP receiver, without a final slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of its OTLP/gRPC receiver.
    #[must_use]
    pub fn grpc_url(&self) -> &str {
        &self.grpc_url
    }

    /// Where it serves its own metrics, with `PHOENIX_ENABLE_PROMETHEUS`.
    #[must_use]
    pub fn metrics_address(&self) -> SocketAddr {
        let [.., port] = self.ports;
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// The end of its log, without successful requests.
    #[must_use]
    pub fn last_words(&self) -> String {
        let service = self.service.as_ref();
        service.map(|it| it.last_words_except(|line| line.contains("HTTP/1.1\" 2"))).unwrap_or_default()
    }

    /// A project that no other test writes to. Phoenix creates it with its first span.
    #[must_use]
    pub fn project(&self, topic: &str) -> Project<'_> {
        self.project_named(&unique(topic))
    }

    /// The project with this name.
    #[must_use]
    pub fn project_named(&self, name: &str) -> Project<'_> {
        Project::new(self, name)
    }

    /// Phoenix's details of a trace, once it has stored the trace.
    #[must_use]
    #[track_caller]
    pub fn trace(&self, trace_id: &str) -> Option<TraceDetails> {
        let field = format!("getTraceByOtelId(traceId: $id) {{ {} }}", TraceDetails::FIELDS);
        TraceDetails::read(&self.by_id(&field, trace_id)["getTraceByOtelId"])
    }

    /// The cost of a span, once Phoenix has computed it, which it does for spans of kind LLM with a known model.
    #[must_use]
    #[track_caller]
    pub fn span_cost(&self, span_id: &str) -> Option<Cost> {
        let field = format!("getSpanByOtelId(spanId: $id) {{ {} }}", Cost::FIELDS);
        Cost::read(&self.by_id(&field, span_id)["getSpanByOtelId"]["costSummary"])
    }

    #[track_caller]
    fn by_id(&self, field: &str, id: &str) -> Value {
        self.graphql(&format!("query($id: String!) {{ {field} }}"), &json!({ "id": id }))
    }

    /// Queries the GraphQL API, whose schema is internal to Phoenix and may change with its version.
    ///
    /// # Panics
    ///
    /// If Phoenix reports errors, which have status 200.
    #[must_use]
    #[track_caller]
    pub fn graphql(&self, query: &str, variables: &Value) -> Value {
        let mut answer = self.post("/graphql", &json!({ "query": query, "variables": variables }));
        assert!(answer.body["errors"].is_null(), "{query}\n{variables}\n{:#}", answer.body["errors"]);
        answer.body["data"].take()
    }

    /// Sends a GET request to the REST API.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.url));
        self.answered(path, self.authorized(request).call())
    }

    /// Sends a POST request to the REST API.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.url));
        self.answered(path, self.authorized(request).send_json(body))
    }

    fn authorized<Body>(&self, request: ureq::RequestBuilder<Body>) -> ureq::RequestBuilder<Body> {
        match &self.bearer {
            Some(bearer) => request.header("authorization", bearer),
            None => request,
        }
    }

    #[track_caller]
    fn answered(&self, path: &str, result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut response =
            result.unwrap_or_else(|error| panic!("{path}: {error}; Phoenix said:\n{}", self.last_words()));
        let status = response.status().as_u16();
        Answer {
            status,
            body: response.body_mut().with_config().limit(u64::MAX).read_json().unwrap_or_default(),
        }
    }
}

/// The Python of an environment in which Phoenix is installed.
fn python() -> Result<PathBuf, String> {
    python_environment(&format!("phoenix-{VERSION}"), &[&format!("arize-phoenix=={VERSION}")])
}

/// The folder with the command `phoenix`.
///
/// # Errors
///
/// If it is not available on this machine.
pub fn programs() -> Result<PathBuf, String> {
    let python = python()?;
    Ok(python.parent().ok_or("a program is in a folder")?.to_owned())
}

/// The folder of its packages, for an image of it.
pub(crate) fn site_packages() -> Result<PathBuf, String> {
    let python = python()?;
    let environment = python.ancestors().nth(2).ok_or("an environment has folders")?;
    let mut versions = fs::read_dir(environment.join("lib")).map_err(|error| error.to_string())?.flatten();
    let version = versions.next().ok_or("an environment has packages")?;
    Ok(version.path().join("site-packages"))
}

fn serve(python: &Path, ports: [u16; 3], variables: &[(&str, &str)]) -> Result<Command, String> {
    let [http_port, grpc_port, metrics_port] = ports;
    // Phoenix reads settings from files in the parents of its working directory.
    let folder = workshop()?.join("phoenix-work");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut command = Command::new(python);
    if variables.iter().any(|(key, _)| *key == "PHOENIX_ENABLE_PROMETHEUS") {
        command
            .args(["-c", METRICS_ON_A_FREE_PORT])
            .env("A2A_OTEL_TEST_METRICS_PORT", metrics_port.to_string());
    } else {
        command.args(["-m", "phoenix.server.main"]);
    }
    command.arg("serve").current_dir(&folder);
    for key in inherited_settings() {
        command.env_remove(key);
    }
    command
        .env("PHOENIX_WORKING_DIR", &folder)
        .env("PHOENIX_SQL_DATABASE_URL", "sqlite:///:memory:")
        .env("PHOENIX_HOST", "127.0.0.1")
        .env("PHOENIX_PORT", http_port.to_string())
        .env("PHOENIX_GRPC_PORT", grpc_port.to_string())
        .env("PHOENIX_TELEMETRY_ENABLED", "false")
        .env("PHOENIX_LOG_MIGRATIONS", "false")
        .env("PHOENIX_DISABLE_AGENT_ASSISTANT", "true")
        .env("PHOENIX_ALLOW_EXTERNAL_RESOURCES", "false")
        .envs(variables.iter().copied());
    Ok(command)
}

/// Variables in the test's environment that are meant for Phoenix's own clients, or for another Phoenix.
fn inherited_settings() -> impl Iterator<Item = OsString> {
    let is_setting = |key: &OsString| key.to_string_lossy().starts_with("PHOENIX_");
    env::vars_os().map(|(key, _)| key).filter(is_setting)
}
