//! Starts the marketplace as users do: as one process, or as several processes that connect to each other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

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

/// Serves the dozen customers, and returns what the run printed.
pub(crate) fn marketplace(arguments: &[&str], environment: Environment<'_>) -> String {
    let run =
        command(env!("CARGO_BIN_EXE_marketplace"), environment).args(arguments).output().expect("a run");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{text}\n{}", String::from_utf8_lossy(&run.stderr));
    text
}

/// Each part in a separate process.
pub(crate) struct Parts(Vec<Part>);

struct Part {
    name: &'static str,
    url: String,
    child: Child,
}

impl Parts {
    pub(crate) fn start(environment: Environment<'_>) -> Self {
        let mut parts = Self(Vec::new());
        for (name, needs) in PARTS {
            parts.0.push(Part::start(name, needs, &parts.0, environment));
        }
        parts
    }

    pub(crate) fn coordinator(&self) -> &str {
        self.0.iter().find(|part| part.name == "coordinator").map(|part| &part.url).expect("a coordinator")
    }

    /// The name and the address of every part.
    #[allow(dead_code, reason = "not every test scrapes them")]
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.0.iter().map(|part| {
            let address = part.url.strip_prefix("http://").and_then(|address| address.parse().ok());
            (part.name, address.expect("an address"))
        })
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

    /// Terminates every part, and asserts that each exits successfully.
    pub(crate) fn terminate(self) {
        self.0.into_iter().for_each(Part::terminate);
    }
}

impl Part {
    fn start(name: &'static str, needs: &[&str], running: &[Self], environment: Environment<'_>) -> Self {
        let mut command = command(env!("CARGO_BIN_EXE_agent"), environment);
        command.args([name, "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        for peer in running.iter().filter(|part| needs.contains(&part.name)) {
            command.args(["--peer", &format!("{}={}", peer.name, peer.url)]);
        }
        let mut child = command.spawn().expect("the agent starts");
        let url = announced(&mut child);
        Self { name, url, child }
    }

    fn terminate(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(sent.success());
        let status = self.child.wait().expect("the process ends");
        assert!(status.success(), "{} ended with {status}", self.name);
    }
}

impl Drop for Part {
    /// Kills the process, so that a failed assertion does not leave it running.
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// A command without the variables of the tester's own model and telemetry.
fn command(program: &str, environment: Environment<'_>) -> Command {
    let mut command = Command::new(program);
    let foreign = |name: &str| ["OPENAI_", "OTEL_", "PHOENIX_"].iter().any(|prefix| name.starts_with(prefix));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(foreign) {
            command.env_remove(name);
        }
    }
    command.envs(environment.iter().copied());
    command
}

fn get(url: &str, path: &str) -> String {
    let server = url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(server).expect("a server");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn announced(child: &mut Child) -> String {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = output.lines().map(|line| line.expect("text"));
    lines.find_map(|line| line.strip_prefix("listening on ").map(String::from)).expect("an address")
}
