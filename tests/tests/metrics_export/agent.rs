//! Runs the agent whose metrics are checked: `tests/src/bin/measurer.rs`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use a2a_otel::testing::{ReceivedMetric, ReceivedReading, Receiver};
use serde_json::Value;

/// Variables that configure telemetry. Those of the test's own environment must not reach the agent.
const PREFIXES: [&str; 4] = ["OTEL_", "PHOENIX_", "A2A_OTEL_", "OPENINFERENCE_"];

/// An agent that is about to start.
pub(crate) struct Agent {
    command: Command,
}

/// A running agent.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// What the agent prints.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) generated: u64,
    pub(crate) delivered: u64,
    pub(crate) replaced: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
    /// The other figures.
    pub(crate) json: Value,
    /// Its messages.
    pub(crate) messages: Vec<String>,
    /// What it printed before the report.
    pub(crate) printed: String,
}

impl Agent {
    /// An agent without any exporter of spans.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_measurer"));
        command.args(arguments);
        let is_setting = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.env("OTEL_TRACES_EXPORTER", "none").env_remove("RUST_LOG");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Agent { command }
    }

    /// An agent that sends metrics to this receiver.
    pub(crate) fn to(receiver: &Receiver, arguments: &[&str]) -> Self {
        let endpoint = format!("{}/v1/metrics", receiver.endpoint());
        Self::new(arguments).with("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &endpoint)
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the agent should start");
        let stdout = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        Running { child, stdout }
    }

    pub(crate) fn run(self) -> Report {
        self.start().wait()
    }
}

impl Running {
    /// Waits until it has measured, with the argument `waits=true`.
    pub(crate) fn has_measured(&mut self) {
        self.stdout.read_line(&mut String::new()).expect("the agent prints a line");
    }

    /// Lets it end, and returns its report.
    pub(crate) fn wait(mut self) -> Report {
        drop(self.child.stdin.take());
        let mut stderr = self.child.stderr.take().expect("standard error is a pipe");
        let messages = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed).expect("the agent prints text");
        self.child.wait().expect("the agent should end");
        let messages = messages.join().expect("the reader ends").expect("the agent prints text");
        Report::new(&printed, &messages)
    }
}

impl Report {
    fn new(printed: &str, messages: &str) -> Self {
        let (printed, report) = printed.trim_end().rsplit_once('\n').unwrap_or(("", printed.trim_end()));
        let json: Value = serde_json::from_str(report).unwrap_or_else(|_| panic!("{report}\n{messages}"));
        let number = |name: &str| json[name].as_u64().expect("a number");
        let dropped = json["dropped"].as_object().into_iter().flatten();
        Report {
            generated: number("generated"),
            delivered: number("delivered"),
            replaced: number("replaced"),
            dropped: dropped
                .map(|(reason, lost)| (reason.clone(), lost.as_u64().unwrap_or_default()))
                .collect(),
            json,
            messages: messages.lines().map(str::to_owned).collect(),
            printed: printed.to_owned(),
        }
    }

    /// Asserts that every data point is counted once.
    #[track_caller]
    pub(crate) fn assert_balanced(&self) {
        let dropped: u64 = self.dropped.values().sum();
        assert_eq!(self.generated, self.delivered + self.replaced + dropped, "{self:?}");
    }

    /// Asserts that every data point was delivered, and that nothing was said.
    #[track_caller]
    pub(crate) fn assert_delivered(&self, receiver: &Receiver) {
        self.assert_balanced();
        assert_eq!((self.generated, self.replaced), (self.delivered, 0), "{self:?}");
        assert!(self.generated > 0, "{self:?}");
        let arrived: usize = receiver.metrics().iter().map(|metric| metric.points.len()).sum();
        assert_eq!(arrived as u64, self.delivered, "{self:?}");
        self.assert_said(&[]);
    }

    /// The messages of this crate.
    pub(crate) fn said(&self) -> Vec<&str> {
        let said = self.messages.iter().filter(|message| message.starts_with("a2a-otel: "));
        said.map(String::as_str).collect()
    }

    #[track_caller]
    pub(crate) fn assert_said(&self, texts: &[&str]) {
        let said = self.said();
        assert_eq!(said.len(), texts.len(), "{said:#?}");
        for (message, text) in said.iter().zip(texts) {
            assert!(message.contains(text), "{message:?} should contain {text:?}");
        }
    }
}

/// The last metric of this name that has arrived.
#[track_caller]
pub(crate) fn last(metrics: &[ReceivedMetric], name: &str) -> ReceivedMetric {
    let found = metrics.iter().rfind(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in {metrics:#?}")).clone()
}

/// The readings of a metric in all requests.
pub(crate) fn readings(metrics: &[ReceivedMetric], name: &str) -> Vec<ReceivedReading> {
    let of_name = metrics.iter().filter(|metric| metric.name == name);
    of_name.flat_map(|metric| metric.points.iter().map(|point| point.reading.clone())).collect()
}

/// How many requests with metrics have come.
pub(crate) fn requests(receiver: &Receiver) -> usize {
    receiver.requests().iter().filter(|request| request.path == "/v1/metrics").count()
}

/// Waits until a condition holds, for at most half a minute.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("still not so after half a minute: {what}");
}
