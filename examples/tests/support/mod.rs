//! Starts the marketplace as users do: as one process, or as several processes that connect to each other.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod deployment;
pub(crate) mod watch;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

/// Additional environment variables for the processes of a test.
pub(crate) type Environment<'a> = &'a [(&'a str, &'a str)];

/// Every part, with the parts whose addresses it needs.
const PARTS: [(&str, &[&str]); 6] = [
    ("llm", &[]),
    ("catalogue", &[]),
    ("product", &["llm", "catalogue"]),
    ("inventory", &["llm", "catalogue"]),
    ("sales", &["llm", "catalogue"]),
    ("coordinator", &["llm", "product", "inventory", "sales"]),
];

/// Serves the dozen customers, and returns what the run printed to standard output.
pub(crate) fn marketplace(arguments: &[&str], environment: Environment<'_>) -> String {
    told(arguments, environment).0
}

/// Serves the dozen customers, and returns what the run printed to standard output and to standard error.
pub(crate) fn told(arguments: &[&str], environment: Environment<'_>) -> (String, String) {
    let run =
        command(env!("CARGO_BIN_EXE_marketplace"), environment).args(arguments).output().expect("a run");
    let [text, errors] = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(run.status.success(), "{text}\n{errors}");
    (text, errors)
}

/// Serves the dozen customers for nobody who reads standard output, and returns how the run ended.
pub(crate) fn unread(environment: Environment<'_>) -> ExitStatus {
    let mut run = command(env!("CARGO_BIN_EXE_marketplace"), environment);
    let mut run = run.stdout(Stdio::piped()).spawn().expect("a run");
    drop(run.stdout.take());
    run.wait().expect("the process ends")
}

/// Each part in a separate process.
pub(crate) struct Parts(Vec<Part>);

struct Part {
    name: &'static str,
    /// Where it listens.
    url: String,
    /// Where other parts reach it.
    public: String,
    /// What starts it again at the same address.
    command: Command,
    child: Child,
}

/// What is different for some parts.
#[derive(Default)]
pub(crate) struct Special<'a> {
    /// Additional environment variables of parts.
    pub(crate) environments: &'a [(&'a str, Environment<'a>)],
    /// A part that others reach at another address than the one where it listens.
    pub(crate) public: Option<(&'a str, &'a str)>,
}

impl Parts {
    pub(crate) fn start(environment: Environment<'_>) -> Self {
        Self::start_with(environment, &Special::default())
    }

    pub(crate) fn start_with(environment: Environment<'_>, special: &Special<'_>) -> Self {
        Self::start_behind(environment, special, |_| ())
    }

    /// Starts them, and says where the part is that others reach at another address, before others need it.
    pub(crate) fn start_behind(
        environment: Environment<'_>,
        special: &Special<'_>,
        is_at: impl Fn(SocketAddr),
    ) -> Self {
        let mut parts = Self(Vec::new());
        for (name, needs) in PARTS {
            let own = special.environments.iter().filter(|(part, _)| *part == name);
            let own = own.flat_map(|(_, environment)| environment.iter().copied());
            let environment: Vec<_> = environment.iter().copied().chain(own).collect();
            let public = special.public.filter(|(part, _)| *part == name).map(|(_, url)| url);
            let part = Part::start(name, needs, public, &parts.0, &environment);
            if public.is_some() {
                is_at(part.address());
            }
            parts.0.push(part);
        }
        parts
    }

    pub(crate) fn coordinator(&self) -> &str {
        &self.part("coordinator").url
    }

    /// The name and the address of every part.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.0.iter().map(|part| (part.name, part.address()))
    }

    /// The address of a part.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.part(name).address()
    }

    fn part(&self, name: &str) -> &Part {
        self.0.iter().find(|part| part.name == name).expect("a part")
    }

    /// Kills a part, which has no time to end well.
    pub(crate) fn kill(&mut self, name: &str) {
        let part = self.0.iter_mut().find(|part| part.name == name).expect("a part");
        part.child.kill().expect("the process can be killed");
        part.child.wait().expect("the process ends");
    }

    /// Starts a killed part again.
    pub(crate) fn restart(&mut self, name: &str) {
        let part = self.0.iter_mut().find(|part| part.name == name).expect("a part");
        part.child = part.command.spawn().expect("the agent starts");
        assert_eq!(announced(&mut part.child), part.url);
    }

    /// Asserts that every part reports that it is alive.
    pub(crate) fn check_health(&self) {
        for part in &self.0 {
            let answer = get(&part.url, "/healthz");
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{}: {answer}", part.name);
            let answer = get(&part.url, "/readyz");
            assert!(
                answer.starts_with("HTTP/1.1 200") && answer.contains("spans: good"),
                "{}: {answer}",
                part.name
            );
        }
    }

    /// Terminates all parts at once, and asserts that each exits successfully.
    pub(crate) fn terminate(self) {
        self.0.iter().for_each(Part::terminate);
        self.0.into_iter().for_each(Part::check_end);
    }
}

impl Part {
    fn start(
        name: &'static str,
        needs: &[&str],
        public: Option<&str>,
        running: &[Self],
        environment: Environment<'_>,
    ) -> Self {
        let arguments = |listen: &str| {
            let mut command = command(env!("CARGO_BIN_EXE_agent"), environment);
            command.args([name, "--listen", listen]).stdout(Stdio::piped()).stderr(Stdio::null());
            if let Some(url) = public {
                command.args(["--url", url]);
            }
            for peer in running.iter().filter(|part| needs.contains(&part.name)) {
                command.args(["--peer", &format!("{}={}", peer.name, peer.public)]);
            }
            command
        };
        let mut child = arguments("127.0.0.1:0").spawn().expect("the agent starts");
        let url = announced(&mut child);
        let command = arguments(url.strip_prefix("http://").expect("an address"));
        let public = public.unwrap_or(&url).to_owned();
        Self { name, url, public, command, child }
    }

    fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("an address")
    }

    fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    fn check_end(mut self) {
        let status = self.child.wait().expect("the process ends");
        assert!(status.success(), "{} ended with {status}", self.name);
    }
}

impl Drop for Part {
    /// Kills the process, so that a failed assertion does not leave it running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that serves metrics, and ends with this.
pub(crate) struct Extra {
    address: SocketAddr,
    child: Child,
}

impl Extra {
    /// The customers, who come again and again.
    pub(crate) fn customers(coordinator: &str, environment: Environment<'_>) -> Self {
        // Dashboards and alerts soon show something.
        let environment = [&[("MARKETPLACE_PAUSE", "4")], environment].concat();
        let mut command = command(env!("CARGO_BIN_EXE_agent"), &environment);
        let coordinator = format!("coordinator={coordinator}");
        Self::start(command.args(["customers", "--listen", "127.0.0.1:0", "--peer", &coordinator]))
    }

    /// A built-in model, which nobody else asks.
    pub(crate) fn idle(environment: Environment<'_>) -> Self {
        let mut command = command(env!("CARGO_BIN_EXE_agent"), environment);
        Self::start(command.args(["llm", "--listen", "127.0.0.1:0"]))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let url = announcement(&mut lines);
        // What else it prints has to be read, or it would wait for that.
        thread::spawn(move || lines.for_each(drop));
        let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
        Self { address: address.expect("an address"), child }
    }

    /// Where its metrics are.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The variables of the tester's own model, telemetry and marketplace begin with these.
const FOREIGN: [&str; 7] =
    ["A2A_OTEL_", "MARKETPLACE_", "OPENAI_", "OPENINFERENCE_", "OTEL_", "PHOENIX_", "RUST_LOG"];

/// A command without the variables of the tester's own.
fn command(program: &str, environment: Environment<'_>) -> Command {
    let mut command = Command::new(program);
    let foreign = |name: &str| FOREIGN.iter().any(|prefix| name.starts_with(prefix));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(foreign) {
            command.env_remove(name);
        }
    }
    command.envs(environment.iter().copied());
    command
}

/// The whole answer to a request.
pub(crate) fn get(url: &str, path: &str) -> String {
    let server = url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(server).expect("a server");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn announced(child: &mut Child) -> String {
    announcement(&mut BufReader::new(child.stdout.take().expect("a pipe")).lines())
}

fn announcement(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    lines
        .map(|line| line.expect("text"))
        .find_map(|line| line.strip_prefix("listening on ").map(String::from))
        .expect("an address")
}
