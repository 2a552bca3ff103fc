//! A real Phoenix, and what it tells about the spans that it was sent.

mod answers;
mod project;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

pub use answers::{Amount, Cost, Event, Session, Span, Trace, TraceDetails};
pub use project::Project;
use serde_json::{Value, json};
use ureq::Agent;

use crate::python::python_environment;
use crate::services::{Service, free_ports, unique, workshop};

/// The version that these tests run against.
pub const VERSION: &str = "20.26.1";

/// A cold start takes 10 s, and twice that on a busy machine.
const START: Duration = Duration::from_secs(120);

/// Ports are free when they are chosen, and Phoenix binds them seconds later.
const ATTEMPTS: usize = 3;

/// A running Phoenix with an empty database, which ends with its owner.
#[derive(Debug)]
pub struct Phoenix {
    service: Service,
    agent: Agent,
    url: String,
    grpc_url: String,
    ports: [u16; 2],
    bearer: Option<String>,
}

/// An HTTP status and the JSON that came with it, or null for any other body.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What was said.
    pub body: Value,
}

impl Phoenix {
    /// The one instance for all tests of a test binary, started by the first of them.
    ///
    /// # Errors
    ///
    /// If it cannot be had on this machine; see [`require`](crate::services::require).
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Phoenix, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// An instance for a test that shall not see the spans of others.
    ///
    /// # Errors
    ///
    /// If it cannot be had on this machine.
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[])
    }

    /// An instance with more environment variables; with `PHOENIX_ADMIN_SECRET` it is asked in that one's name.
    ///
    /// # Errors
    ///
    /// If it cannot be had on this machine.
    pub fn start_with(variables: &[(&str, &str)]) -> Result<Self, String> {
        let python = python()?;
        let mut outcome = Self::launch(&python, free_ports(), variables);
        for _ in 1..ATTEMPTS {
            outcome = outcome.or_else(|_| Self::launch(&python, free_ports(), variables));
        }
        outcome
    }

    /// Ends it as an operator does, and starts it again after this time, at the same address. It remembers what it was
    /// told only if its variables name a database that is a file.
    ///
    /// # Errors
    ///
    /// If it does not come back.
    pub fn restart(self, pause: Duration, variables: &[(&str, &str)]) -> Result<Self, String> {
        let Self { service, ports, .. } = self;
        drop(service);
        std::thread::sleep(pause);
        Self::launch(&python()?, ports, variables)
    }

    fn launch(python: &Path, ports: [u16; 2], variables: &[(&str, &str)]) -> Result<Self, String> {
        let [http_port, grpc_port] = ports;
        let service = Service::start("phoenix", &serve(python, http_port, grpc_port, variables)?)?;
        let bearer = variables.iter().find(|(key, _)| *key == "PHOENIX_ADMIN_SECRET");
        let mut phoenix = Self {
            service,
            ports,
            agent: local_agent(),
            url: format!("http://127.0.0.1:{http_port}"),
            grpc_url: format!("http://127.0.0.1:{grpc_port}"),
            bearer: bearer.map(|(_, secret)| format!("Bearer {secret}")),
        };
        phoenix.wait_until_ready()?;
        Ok(phoenix)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let Self { service, agent, url, .. } = self;
        // Anything else but these two answers 200 with the page of the user interface.
        let says = |path: &str, expected: &str| {
            let answer = agent.get(format!("{url}{path}")).call();
            answer
                .and_then(|mut answer| answer.body_mut().read_to_string())
                .is_ok_and(|text| text == expected)
        };
        service.wait_until(START, || says("/healthz", "OK") && says("/arize_phoenix_version", VERSION))
    }

    /// Where its user interface and its OTLP/HTTP receiver are, without a final slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its OTLP/gRPC receiver is.
    #[must_use]
    pub fn grpc_url(&self) -> &str {
        &self.grpc_url
    }

    /// The end of its log, without the requests that went well.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.service.last_words_except(|line| line.contains("HTTP/1.1\" 2"))
    }

    /// A project that no other test writes to; Phoenix makes it with its first span.
    #[must_use]
    pub fn project(&self, topic: &str) -> Project<'_> {
        self.project_named(&unique(topic))
    }

    /// The project of this name.
    #[must_use]
    pub fn project_named(&self, name: &str) -> Project<'_> {
        Project::new(self, name)
    }

    /// What Phoenix says about a trace as a whole, once it has it.
    #[must_use]
    #[track_caller]
    pub fn trace(&self, trace_id: &str) -> Option<TraceDetails> {
        let field = format!("getTraceByOtelId(traceId: $id) {{ {} }}", TraceDetails::FIELDS);
        TraceDetails::read(&self.by_id(&field, trace_id)["getTraceByOtelId"])
    }

    /// What a span cost, once Phoenix has worked it out, which it does for kind LLM and models that it knows.
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

    /// Asks the GraphQL API, whose schema is Phoenix's own business and may change with its version.
    ///
    /// # Panics
    ///
    /// If Phoenix reports errors, which it does with status 200.
    #[must_use]
    #[track_caller]
    pub fn graphql(&self, query: &str, variables: &Value) -> Value {
        let mut answer = self.post("/graphql", &json!({ "query": query, "variables": variables }));
        assert!(answer.body["errors"].is_null(), "{query}\n{variables}\n{:#}", answer.body["errors"]);
        answer.body["data"].take()
    }

    /// Asks the REST API.
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

    /// Tells the REST API.
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

/// The Python of an environment with Phoenix in it.
fn python() -> Result<PathBuf, String> {
    python_environment(&format!("phoenix-{VERSION}"), &[&format!("arize-phoenix=={VERSION}")])
}

/// An agent that goes straight to this machine, whatever proxy the environment names.
fn local_agent() -> Agent {
    Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

fn serve(
    python: &Path,
    http_port: u16,
    grpc_port: u16,
    variables: &[(&str, &str)],
) -> Result<Command, String> {
    // Phoenix reads settings from files in the folders above where it is started.
    let folder = workshop()?.join("phoenix-work");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut command = Command::new(python);
    command.args(["-m", "phoenix.server.main", "serve"]).current_dir(&folder);
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

/// What the environment of the test says to Phoenix's own clients, or to another Phoenix.
fn inherited_settings() -> impl Iterator<Item = OsString> {
    let is_setting = |key: &OsString| key.to_string_lossy().starts_with("PHOENIX_");
    env::vars_os().map(|(key, _)| key).filter(is_setting)
}
