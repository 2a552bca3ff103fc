//! `deploy/local.sh` as a user runs it: the marketplace with a real Phoenix and a real Prometheus, without containers.

mod support;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use a2a_otel_tests::debian::unpacked;
use a2a_otel_tests::phoenix::{self, Phoenix};
use a2a_otel_tests::prometheus;
use a2a_otel_tests::services::{eventually, free_ports, require, unique};
use a2a_otel_tests::tree::Tree;
use support::get;
use support::watch::workspace;

/// How long everything may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(400);

/// What is started, in this order.
const PROCESSES: [&str; 9] = [
    "phoenix",
    "prometheus",
    "llm",
    "catalogue",
    "product",
    "inventory",
    "sales",
    "coordinator",
    "customers",
];

/// The parts of the marketplace, each at a port of its own.
const PARTS: u16 = 7;

#[test]
fn one_command_runs_everything_and_ctrl_c_ends_all() {
    let Some(path) = require("Phoenix and Prometheus", path()) else { return };
    let _turn = take_turns();
    let script = Script::start(&path);
    let lines = script.lines_until("Ctrl-C ends everything.");
    for (line, process) in lines.iter().zip(PROCESSES) {
        assert!(line.starts_with(process) && line.contains(" healthy "), "{lines:#?}");
    }
    let processes = script.processes();
    assert_eq!(processes.len(), PROCESSES.len());

    script.await_answer("/api/v1/query?query=count(up%7Bjob=%22agents%22%7D%3D%3D1)", "\"7\"");
    script.await_answer("/api/v1/rules", "AgentDown");

    let phoenix = Phoenix::of_others(script.phoenix, script.grpc);
    let project = phoenix.project_named(&script.project).with_patience(PATIENCE);
    // A trace through an agent that the coordinator calls, and the tool of the catalogue.
    let path =
        ["CHAIN customer request", "...", "AGENT coordinator", "...", "AGENT product-agent", "...", "TOOL"];
    let is_whole = |tree: &Tree| tree.has_path(&path);
    let _ = project.wait_for_spans(|spans| Tree::forest(spans).iter().any(is_whole));

    let (status, lines) = script.signal("INT");
    assert_eq!(status.code(), Some(130), "{lines:#?}");
    let ended: Vec<_> = lines.iter().filter_map(|line| line.strip_suffix(" ended")).map(str::trim).collect();
    let expected: Vec<_> = PROCESSES.into_iter().rev().collect();
    assert_eq!(ended, expected);
    assert_gone(&processes);
}

#[test]
fn it_can_be_ended_while_it_starts() {
    let Some(path) = require("Phoenix and Prometheus", path()) else { return };
    let _turn = take_turns();
    let script = Script::start(&path);
    let first = || Some(script.processes()).filter(|processes| !processes.is_empty());
    let processes = eventually(PATIENCE, first).expect("Phoenix starts");
    let (status, lines) = script.signal("TERM");
    assert_eq!(status.code(), Some(143), "{lines:#?}");
    assert_gone(&processes);
}

#[test]
fn it_says_everything_that_is_missing_at_once() {
    let tools = Folder::new("tools");
    for tool in ["bash", "dirname"] {
        symlink(found(tool), tools.0.join(tool)).expect("a link");
    }
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let mut command = Command::new(workspace().join("deploy/local.sh"));
    command.env("PATH", &tools.0).env("PHOENIX_PORT", &port).env("PHOENIX_ENABLE_PROMETHEUS", "false");
    command.env("MARKETPLACE_PORT", port).env("A2A_OTEL_LOCAL", &tools.0);
    let output = command.output().expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for expected in [
        "Phoenix is not installed",
        "pip install arize-phoenix",
        "Prometheus is not installed",
        "apt-get install prometheus",
        "is in use. End what listens there, or choose another port with PHOENIX_PORT.",
        "is in use. End what listens there, or choose another port with MARKETPLACE_PORT.",
    ] {
        assert!(said.contains(expected), "no {expected:?} in {said}");
    }
}

#[test]
fn a_process_that_ends_by_itself_is_reported_and_ends_the_others() {
    let Some(path) = require("Phoenix and Prometheus", path()) else { return };
    let _turn = take_turns();
    let programs = Folder::new("programs");
    // A marketplace whose first part cannot start.
    symlink(found("false"), programs.0.join("agent")).expect("a link");
    let script = Script::start_with(&path, &[("A2A_OTEL_PROGRAMS", &programs.0)]);
    let processes = eventually(PATIENCE, || Some(script.processes()).filter(|it| !it.is_empty()));
    let (status, lines) = script.wait();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("llm ended with status 1; the end of ")), "{lines:#?}");
    assert_gone(&processes.expect("Phoenix started"));
}

#[test]
fn the_scripts_are_well_written() {
    let shellcheck = unpacked("shellcheck-0.9.0", "bookworm", &["shellcheck=0.9.0*"]);
    let Some(folder) = require("shellcheck", shellcheck) else { return };
    let mut check = Command::new(folder.join("usr/bin/shellcheck"));
    let output = check.arg(workspace().join("deploy/local.sh")).output().expect("shellcheck runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Several that start at the same time take longer than one after another.
fn take_turns() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A path on which Phoenix and Prometheus are found.
fn path() -> Result<OsString, String> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders =
        [phoenix::programs()?, prometheus::programs()?].into_iter().chain(env::split_paths(&inherited));
    env::join_paths(folders).map_err(|error| error.to_string())
}

fn found(tool: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(tool))
        .find(|it| it.exists())
        .expect("a tool of every system")
}

/// A folder that goes with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(unique(&format!("a2a-otel-local-{name}")));
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The running script. If a test fails, it gets the signal that ends it and all that it has started.
struct Script {
    child: Child,
    lines: Receiver<String>,
    phoenix: u16,
    grpc: u16,
    prometheus: u16,
    project: String,
    _folder: Folder,
}

impl Script {
    fn start(path: &OsStr) -> Self {
        let programs = Path::new(env!("CARGO_BIN_EXE_agent")).parent().expect("a folder");
        Self::start_with(path, &[("A2A_OTEL_PROGRAMS", programs)])
    }

    fn start_with(path: &OsStr, environment: &[(&str, &Path)]) -> Self {
        let folder = Folder::new("data");
        let [phoenix, grpc, prometheus] = free_ports();
        let project = unique("local");
        // A shell cannot trap a signal that is ignored when it starts, as in what another shell runs in the background.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(workspace().join("deploy/local.sh"));
        for variable in
            ["OPENAI_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "A2A_OTEL_SPOOL_DIR", "MARKETPLACE_PAUSE"]
        {
            command.env_remove(variable);
        }
        command.env("PATH", path).env("A2A_OTEL_LOCAL", &folder.0).env("PHOENIX_PROJECT", &project);
        // Its port is always the same, and another test may use it.
        command.env("PHOENIX_ENABLE_PROMETHEUS", "false");
        for (variable, port) in [
            ("PHOENIX_PORT", phoenix),
            ("PHOENIX_GRPC_PORT", grpc),
            ("PROMETHEUS_PORT", prometheus),
            ("MARKETPLACE_PORT", adjacent_ports()),
        ] {
            command.env(variable, port.to_string());
        }
        command.envs(environment.iter().copied());
        // As a shell starts a command: in a process group of its own, to which Ctrl-C sends the signal.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        command.process_group(0).stdin(Stdio::null());
        command.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        let child = command.spawn().expect("the script starts");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(reader).lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        Self { child, lines, phoenix, grpc, prometheus, project, _folder: folder }
    }

    fn lines_until(&self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != last) {
            let line = self.lines.recv_timeout(PATIENCE);
            lines.push(line.unwrap_or_else(|error| panic!("{error} after {lines:#?}")));
        }
        lines
    }

    /// The ids of the processes that it has started and that still run, except those that it waits for.
    fn processes(&self) -> Vec<u32> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("a process");
        let ids = children.split_whitespace().map(|id| id.parse().expect("a number"));
        // A helper such as `sleep` is in the process group of the script.
        ids.filter(|child| group_of(*child) == Some(*child)).collect()
    }

    /// Waits until Prometheus answers with this text.
    #[track_caller]
    fn await_answer(&self, path: &str, expected: &str) {
        let ask = || get(&format!("http://127.0.0.1:{}", self.prometheus), path);
        let found = eventually(PATIENCE, || ask().contains(expected).then_some(()));
        assert!(found.is_some(), "no {expected} in {}", ask());
    }

    /// Sends a signal to its process group, as a terminal does.
    fn signal(self, name: &str) -> (ExitStatus, Vec<String>) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill").args(["-s", name, "--", &group]).status().expect("kill runs");
        assert!(sent.success());
        self.wait()
    }

    fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let status = eventually(PATIENCE, || self.child.try_wait().expect("a child")).expect("it ends");
        (status, self.lines.iter().collect())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status();
            let _ = self.child.wait();
        }
    }
}

/// The first of as many adjacent ports as there are parts, all of them free.
fn adjacent_ports() -> u16 {
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let first = || {
        let [port] = free_ports();
        (port < u16::MAX - PARTS && (port..port + PARTS).all(is_free)).then_some(port)
    };
    eventually(PATIENCE, first).expect("adjacent ports")
}

/// The process group of a process, which is the third field after its name.
fn group_of(process: u32) -> Option<u32> {
    let mut stat = String::new();
    fs::File::open(format!("/proc/{process}/stat")).ok()?.read_to_string(&mut stat).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

#[track_caller]
fn assert_gone(processes: &[u32]) {
    let alive = |id: &&u32| Path::new(&format!("/proc/{id}")).exists();
    let left: Vec<_> = processes.iter().filter(alive).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}
