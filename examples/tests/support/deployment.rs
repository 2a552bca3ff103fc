//! The marketplace of `deploy/compose.yaml` in a real engine.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use a2a_otel_tests::engine::{Engine, printed};
use a2a_otel_tests::phoenix::{Phoenix, Span};
use a2a_otel_tests::services::{eventually, free_ports};
use serde_json::{Map, Value, json};

use super::watch::workspace;

/// The project of the traces in `deploy/compose.yaml`.
pub(crate) const PROJECT: &str = "a2a-multi-agent";

/// The agents, and the parts that they need.
pub(crate) const PARTS: [&str; 7] =
    ["model", "catalogue", "product", "inventory", "sales", "coordinator", "customers"];

/// The target for which the program is built, which is static.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How long it may take until something is seen. A machine that does nothing else needs two minutes for the slowest, an alert;
/// only what never comes takes this long.
const SEEN: Duration = Duration::from_secs(20 * 60);

/// A program for the images, from this repository, below its root.
pub(crate) fn program() -> Result<String, String> {
    let mut build = Command::new(env!("CARGO"));
    build
        .current_dir(workspace())
        .args(["build", "--locked", "--profile", "image", "--target", TARGET, "-p", "a2a-otel-examples"])
        .args(["--features", "otlp-grpc", "--bin", "agent"])
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("CARGO_TARGET_DIR", workspace().join("target"));
    // What cargo tells tests would let it compile again what depends on these variables.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_a_test) {
            build.env_remove(name);
        }
    }
    printed(&mut build)?;
    Ok(format!("target/{TARGET}/image/agent"))
}

fn is_of_a_test(variable: &str) -> bool {
    let prefixes =
        ["CARGO_BIN_EXE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];
    variable == "CARGO" || prefixes.iter().any(|prefix| variable.starts_with(prefix))
}

/// A file for Compose with more time for what starts: a machine that is busy is not ill.
fn patience() -> String {
    let services = PARTS.into_iter().chain(["phoenix", "prometheus", "alertmanager", "alerts", "grafana"]);
    let patience = json!({ "healthcheck": { "timeout": "60s", "start_period": "20m" } });
    let services: Map<_, _> = services.map(|name| (name.to_owned(), patience.clone())).collect();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("patience.json");
    fs::write(&file, json!({ "services": services }).to_string()).expect("a file");
    file.display().to_string()
}

/// The marketplace, whose containers go with the engine.
pub(crate) struct Deployment<'a> {
    engine: &'a Engine,
    variables: BTreeMap<&'static str, String>,
}

impl<'a> Deployment<'a> {
    pub(crate) fn new(engine: &'a Engine, program: &str) -> Self {
        let names = [
            "COORDINATOR_PORT",
            "PHOENIX_PORT",
            "PHOENIX_GRPC_PORT",
            "PROMETHEUS_PORT",
            "ALERTMANAGER_PORT",
            "GRAFANA_PORT",
        ];
        let ports: [u16; 6] = free_ports();
        let mut variables: BTreeMap<_, _> =
            names.into_iter().zip(ports.map(|port| port.to_string())).collect();
        variables.insert("PROGRAM", program.to_owned());
        // Quicker than by default, and still slower than Phoenix stores on a busy machine.
        variables.insert("MARKETPLACE_PAUSE", "8".to_owned());
        // Whatever has a shell: the program is built.
        variables.insert("BUILDER", "alpine:3.22".to_owned());
        variables.insert("COMPOSE_FILE", format!("compose.yaml:{}", patience()));
        Self { engine, variables }
    }

    /// Sets a variable of `.env.example` for what follows.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.variables.insert(name, value.to_owned());
    }

    /// Runs `docker compose` with these arguments.
    #[track_caller]
    pub(crate) fn compose(&self, arguments: &[&str]) -> String {
        self.try_compose(arguments).unwrap_or_else(|error| panic!("{error}\n{}", self.states()))
    }

    pub(crate) fn try_compose(&self, arguments: &[&str]) -> Result<String, String> {
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut command = self.engine.compose(&variables);
        command.current_dir(workspace().join("deploy")).args(["--ansi", "never", "--progress", "quiet"]);
        printed(command.args(arguments))
    }

    #[track_caller]
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        self.engine.docker(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts services, and waits until they are healthy.
    #[track_caller]
    pub(crate) fn up(&self, services: &[&str]) {
        self.compose(&[&["up", "--detach", "--pull", "never", "--no-build", "--wait"], services].concat());
    }

    /// What containers say about themselves, for messages of failures.
    pub(crate) fn states(&self) -> String {
        let all = self.engine.docker(&["ps", "--all", "--format", "{{.Names}}\t{{.Status}}"]);
        let logs = self.try_compose(&["logs", "--tail", "5"]);
        [all, logs].map(|text| text.unwrap_or_else(|error| error)).join("\n")
    }

    /// What a service has printed since its container was created.
    #[track_caller]
    pub(crate) fn log(&self, service: &str) -> String {
        self.log_of(&container(service))
    }

    /// What a container has printed, on standard output and standard error.
    #[track_caller]
    pub(crate) fn log_of(&self, container: &str) -> String {
        self.engine.logs(container).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What the health check of a part runs.
    pub(crate) fn health(&self, part: &str) -> Result<String, String> {
        self.exec(part, &["/agent", "health"])
    }

    /// Runs a program in the container of a service. Docker itself does it several times as fast as Compose.
    pub(crate) fn exec(&self, service: &str, program: &[&str]) -> Result<String, String> {
        self.engine.docker(&[&["exec", &container(service)], program].concat())
    }

    pub(crate) fn port(&self, name: &str) -> u16 {
        self.variables[name].parse().expect("a port")
    }

    pub(crate) fn phoenix(&self) -> Phoenix {
        Phoenix::of_others(self.port("PHOENIX_PORT"), self.port("PHOENIX_GRPC_PORT"))
    }

    /// Waits for an answer of a service in JSON.
    #[track_caller]
    pub(crate) fn await_json(&self, port: &str, path: &str) -> Value {
        let found = eventually(SEEN, || self.ask(port, path));
        found.unwrap_or_else(|| panic!("{port} does not answer {path}\n{}", self.states()))
    }

    /// An answer of a service in JSON.
    fn ask(&self, port: &str, path: &str) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}{path}", self.port(port));
        let answer = ureq::get(url).call();
        answer.ok()?.body_mut().read_json().ok()
    }

    /// Waits for a result of a query to Prometheus.
    #[track_caller]
    pub(crate) fn await_query(&self, query: &str) {
        self.await_answer(&format!("query={}", encoded(query)));
    }

    /// Waits for a result of a query to Prometheus as it was at a time.
    #[track_caller]
    pub(crate) fn await_query_at(&self, query: &str, time: SystemTime) {
        self.await_answer(&format!("query={}&time={}", encoded(query), since_1970(time)));
    }

    #[track_caller]
    fn await_answer(&self, query: &str) {
        let found = eventually(SEEN, || {
            let answer = self.ask("PROMETHEUS_PORT", &format!("/api/v1/query?{query}"))?;
            (!answer["data"]["result"].as_array()?.is_empty()).then_some(())
        });
        assert!(found.is_some(), "{query} has no result\n{}", self.states());
    }

    /// Waits until a service has printed a text.
    #[track_caller]
    pub(crate) fn await_log(&self, service: &str, text: &str) -> String {
        let found = eventually(SEEN, || Some(self.log(service)).filter(|log| log.contains(text)));
        found.unwrap_or_else(|| panic!("{service} does not say {text:?}\n{}", self.states()))
    }

    /// How many visits the customers have printed since their container was created.
    pub(crate) fn visits(&self) -> usize {
        self.log("customers").lines().filter(|line| is_visit(line)).count()
    }

    /// Waits for that many more visits.
    #[track_caller]
    pub(crate) fn await_visits(&self, more: usize) {
        let before = self.visits();
        let came = eventually(SEEN, || (self.visits() >= before + more).then_some(()));
        assert!(came.is_some(), "no {more} visits after {before}\n{}", self.states());
    }

    /// Waits until a service has printed a text that comes from an alert.
    #[track_caller]
    pub(crate) fn await_alert(&self, service: &str, text: &str) -> String {
        let found = eventually(SEEN, || Some(self.log(service)).filter(|log| log.contains(text)));
        found.unwrap_or_else(|| {
            let rules = self.ask("PROMETHEUS_PORT", "/api/v1/rules?type=alert");
            let alerts = self.ask("ALERTMANAGER_PORT", "/api/v2/alerts");
            panic!("no {text:?} in\n{}\n{rules:#?}\n{alerts:#?}\n{}", self.log(service), self.states())
        })
    }

    /// Waits until the health check of a part succeeds with this text, and returns all that it says.
    #[track_caller]
    pub(crate) fn await_health(&self, part: &str, text: &str) -> String {
        let health = eventually(SEEN, || self.health(part).ok().filter(|says| says.contains(text)));
        health.unwrap_or_else(|| panic!("{part}: {:?}\n{}", self.health(part), self.states()))
    }

    /// Waits until these parts have delivered what they have recorded.
    #[track_caller]
    pub(crate) fn await_delivered(&self, parts: &[&str]) {
        for part in parts {
            let delivered = eventually(SEEN, || {
                let account = self.health(part).ok().and_then(|says| Account::of(&says))?;
                (account.undelivered == 0).then_some(())
            });
            assert!(delivered.is_some(), "{part}: {:?}\n{}", self.health(part), self.states());
        }
    }

    /// What became of the spans of a part that has ended, as its last line says.
    #[track_caller]
    pub(crate) fn account(&self, part: &str) -> Account {
        let log = self.log(part);
        log.lines().rev().find_map(Account::of).unwrap_or_else(|| panic!("{part} gives no account:\n{log}"))
    }

    /// Waits until these many services, given as a regular expression, have no open span, by what Prometheus reads from now on.
    #[track_caller]
    pub(crate) fn await_quiet(&self, services: &str, number: usize) {
        let now = since_1970(SystemTime::now());
        let open = format!(r#"otel_sdk_span_live{{job="agents",service_name=~"{services}"}}"#);
        self.await_query(&format!(
            "min(timestamp({open})) > {now} and sum({open}) == 0 and count(group by (service_name) ({open})) == {number}"
        ));
    }

    /// All spans in Phoenix, once there are this many.
    #[track_caller]
    pub(crate) fn spans(&self, at_least: usize) -> Vec<Span> {
        self.phoenix().project_named(PROJECT).with_patience(SEEN).wait_for_number(at_least)
    }

    /// All spans in Phoenix, once this many of them have started after a time.
    #[track_caller]
    pub(crate) fn spans_since(&self, time: SystemTime, number: usize) -> Vec<Span> {
        let phoenix = self.phoenix();
        let project = phoenix.project_named(PROJECT).with_patience(SEEN);
        project.wait_for_spans(|spans| started_since(spans, time) >= number)
    }

    /// All spans in Phoenix, once no more have come for a while.
    #[track_caller]
    pub(crate) fn settled_spans(&self) -> Vec<Span> {
        let phoenix = self.phoenix();
        let project = phoenix.project_named(PROJECT);
        let mut before = None;
        let settled = eventually(SEEN, || {
            let now = project.number();
            let same = before == Some(now);
            before = Some(now);
            std::thread::sleep(Duration::from_secs(5));
            same.then(|| project.spans())
        });
        settled.unwrap_or_else(|| panic!("Phoenix has {before:?} spans, and stores more and more"))
    }

    /// The state of a container, by a template of `docker inspect`.
    #[track_caller]
    pub(crate) fn inspect(&self, container: &str, template: &str) -> String {
        self.docker(&["inspect", "--format", template, container]).trim().to_owned()
    }

    /// Waits until what the health check of a part runs fails with this text, and returns all that it says.
    #[track_caller]
    pub(crate) fn await_complaint(&self, part: &str, text: &str) -> String {
        let complaint = eventually(SEEN, || self.health(part).err().filter(|says| says.contains(text)));
        complaint.unwrap_or_else(|| panic!("{part}: {:?}\n{}", self.health(part), self.states()))
    }

    /// Waits until the state of a container is this one, by a template of `docker inspect`.
    #[track_caller]
    pub(crate) fn await_state(&self, container: &str, template: &str, state: &str) {
        let reached = eventually(SEEN, || (self.inspect(container, template) == state).then_some(()));
        let now = || self.inspect(container, "{{json .State}}");
        assert!(reached.is_some(), "{container} is not {state}: {}", now());
    }

    /// Waits until the health check of a container has failed with this text, and returns all that it said.
    #[track_caller]
    pub(crate) fn await_illness(&self, container: &str, text: &str) -> String {
        self.await_state(container, "{{.State.Health.Status}}", "unhealthy");
        // The first checks of a part that starts fail for another reason.
        let said = || self.inspect(container, "{{range .State.Health.Log}}{{json .Output}}\n{{end}}");
        let last = || said().lines().last().and_then(|line| serde_json::from_str(line).ok());
        let complaint = eventually(SEEN, || last().filter(|says: &String| says.contains(text)));
        complaint.unwrap_or_else(|| panic!("{container} does not say {text:?}, but {}", said()))
    }
}

/// What became of the spans of a part.
#[derive(Debug)]
pub(crate) struct Account {
    /// By this run, from its start on.
    pub(crate) recorded: usize,
    /// Those of this run that are on disk or in memory.
    pub(crate) undelivered: usize,
    pub(crate) dropped: usize,
    /// By earlier runs, which had not delivered them.
    pub(crate) left: usize,
    /// Those of earlier runs that this one has delivered.
    pub(crate) replayed: usize,
}

impl Account {
    /// Reads `9 spans: 5 delivered, 4 spooled, 0 dropped; of 4 left by an earlier run, 3 delivered`, alone or in an answer of
    /// a health check.
    fn of(text: &str) -> Option<Self> {
        let mut parts = text.trim().split("; ");
        let spans = parts.find(|part| number_before(part, "spans:").is_some())?;
        let earlier = parts.find(|part| part.contains(" left by an earlier run")).unwrap_or_default();
        let number = |part, word| number_before(part, word).unwrap_or_default();
        Some(Self {
            recorded: number_before(spans, "spans:")?,
            undelivered: number(spans, "spooled") + number(spans, "waiting"),
            dropped: number(spans, "dropped") + number(earlier, "dropped"),
            left: number(earlier, "left"),
            replayed: number(earlier, "delivered"),
        })
    }
}

/// The number before a word.
fn number_before(text: &str, word: &str) -> Option<usize> {
    let words: Vec<_> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let pair = words.windows(2).find(|pair| pair[1] == word && pair[0].parse::<usize>().is_ok())?;
    pair[0].parse().ok()
}

/// How many spans have started after a time.
pub(crate) fn started_since(spans: &[Span], time: SystemTime) -> usize {
    spans.iter().filter(|span| span.start >= time).count()
}

/// The container of a service.
pub(crate) fn container(service: &str) -> String {
    format!("a2a-marketplace-{service}-1")
}

fn is_visit(line: &str) -> bool {
    line.starts_with("customer-") && (line.contains(" [as expected] ") || line.contains(" [UNEXPECTED] "))
}

fn since_1970(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970").as_secs()
}

fn encoded(query: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.~".contains(byte);
    query
        .bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The folder of the files for the deployment.
pub(crate) fn folder() -> PathBuf {
    workspace().join("deploy")
}
