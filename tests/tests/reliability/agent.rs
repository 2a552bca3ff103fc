//! Runs the agent whose spans are checked: `tests/src/bin/generator.rs`.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use a2a_otel::testing::{ReceivedSpan, Receiver};
use serde_json::Value;

/// An agent that is about to start.
pub(crate) struct Agent {
    command: Command,
}

/// A running agent.
pub(crate) struct Running {
    child: Child,
}

/// The report that it prints at its end.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) generated: u64,
    pub(crate) delivered: u64,
    pub(crate) spooled: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
    pub(crate) recovered: u64,
    pub(crate) replayed: u64,
    pub(crate) recovered_dropped: BTreeMap<String, u64>,
    pub(crate) annotations: Annotations,
    /// How many spans there were before and after the flush amid the work, and how many it had delivered.
    pub(crate) flushed: Vec<u64>,
    /// Whether telemetry was in good health before the end.
    pub(crate) is_healthy: bool,
    pub(crate) peak_kilobytes: u64,
    pub(crate) cpu_milliseconds: u64,
    /// The messages that it printed.
    pub(crate) messages: Vec<String>,
}

/// The counts of its annotations.
#[derive(Debug)]
pub(crate) struct Annotations {
    pub(crate) generated: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
}

impl Agent {
    pub(crate) fn new(endpoint: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_generator"));
        command.args(arguments).env("PHOENIX_COLLECTOR_ENDPOINT", endpoint);
        for variable in ["A2A_OTEL_SPOOL_DIR", "RUST_LOG"] {
            command.env_remove(variable);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Agent { command }
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    /// Limits the size of the files that it writes, in kilobytes.
    pub(crate) fn with_file_size_limit(self, kilobytes: u64) -> Self {
        let mut command = limited(&kilobytes.to_string());
        command.arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Agent { command }
    }

    pub(crate) fn start(mut self) -> Running {
        Running { child: self.command.spawn().expect("the generator should start") }
    }

    pub(crate) fn run(self) -> Report {
        self.start().wait()
    }
}

impl Running {
    pub(crate) fn wait(mut self) -> Report {
        let mut stderr = self.child.stderr.take().expect("standard error is a pipe");
        let messages = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("standard output is a pipe");
        pipe.read_to_string(&mut stdout).expect("the generator prints text");
        self.child.wait().expect("the generator should end");
        let messages = messages.join().expect("the reader ends").expect("the generator prints text");
        Report::new(&stdout, &messages)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, and waits for the end.
    pub(crate) fn signal(mut self, name: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("kill runs").success());
        self.child.wait().expect("the generator should end")
    }

    /// Kills the agent with `SIGKILL`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the generator should still work");
        self.child.wait().expect("the generator should end");
    }

    /// The line that it prints before it waits.
    pub(crate) fn wait_for_line(&mut self) {
        let stdout = self.child.stdout.take().expect("standard output is a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the generator prints a line");
    }
}

impl Report {
    fn new(stdout: &str, messages: &str) -> Self {
        let report: Value = serde_json::from_str(stdout.trim()).unwrap_or_default();
        let number = |name: &str| report[name].as_u64().unwrap_or_default();
        let annotations = &report["annotations"];
        Report {
            generated: number("generated"),
            delivered: number("delivered"),
            spooled: number("spooled"),
            dropped: reasons(&report["dropped"]),
            recovered: number("recovered"),
            replayed: number("replayed"),
            recovered_dropped: reasons(&report["recovered_dropped"]),
            annotations: Annotations {
                generated: annotations["generated"].as_u64().unwrap_or_default(),
                delivered: annotations["delivered"].as_u64().unwrap_or_default(),
                dropped: reasons(&annotations["dropped"]),
            },
            flushed: report["flushed"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect(),
            is_healthy: report["is_healthy"] == true,
            peak_kilobytes: number("peak_kilobytes"),
            cpu_milliseconds: number("cpu_milliseconds"),
            messages: messages.lines().map(str::to_owned).collect(),
        }
    }

    /// Asserts that every annotation is counted once, and that this many were delivered.
    #[track_caller]
    pub(crate) fn assert_annotated(&self, generated: u64, delivered: u64) {
        let Annotations { dropped, .. } = &self.annotations;
        assert_eq!(self.annotations.generated, generated, "{self:?}");
        assert_eq!(self.annotations.delivered, delivered, "{self:?}");
        assert_eq!(delivered + dropped.values().sum::<u64>(), generated, "{self:?}");
    }

    /// Asserts that every span is counted once.
    #[track_caller]
    pub(crate) fn assert_balanced(&self, generated: u64) {
        assert_eq!(self.generated, generated, "{self:?}");
        let dropped: u64 = self.dropped.values().sum();
        assert_eq!(self.generated, self.delivered + self.spooled + dropped, "{self:?}");
    }

    /// Asserts that every span was delivered.
    #[track_caller]
    pub(crate) fn assert_delivered(&self, generated: u64, receiver: &Receiver) {
        self.assert_balanced(generated);
        assert_eq!(self.delivered, generated, "{self:?}");
        assert_eq!(distinct(&receiver.spans()) as u64, generated);
    }

    #[track_caller]
    pub(crate) fn assert_said(&self, texts: &[&str]) {
        assert_eq!(self.messages.len(), texts.len(), "{:#?}", self.messages);
        for (message, text) in self.messages.iter().zip(texts) {
            assert!(message.contains(text), "{message:?} should contain {text:?}");
        }
    }
}

/// A shell that runs its further arguments as a program, which can only write files of this many kilobytes.
pub(crate) fn limited(kilobytes: &str) -> Command {
    let mut command = Command::new("bash");
    // Without the trap, the limit's signal would end the process instead of failing the write.
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\""), "bash"]);
    command
}

fn reasons(dropped: &Value) -> BTreeMap<String, u64> {
    let dropped = dropped.as_object().into_iter().flatten();
    dropped.map(|(reason, lost)| (reason.clone(), lost.as_u64().unwrap_or_default())).collect()
}

/// The number of different spans.
pub(crate) fn distinct(spans: &[ReceivedSpan]) -> usize {
    spans.iter().map(|span| &span.span_id).collect::<HashSet<_>>().len()
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
