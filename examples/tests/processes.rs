//! The marketplace as its users start it: as processes that find each other, and as one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const AGENT: &str = env!("CARGO_BIN_EXE_agent");
const MARKETPLACE: &str = env!("CARGO_BIN_EXE_marketplace");

/// Every part, with the parts whose addresses it needs.
const PARTS: [(&str, &[&str]); 6] = [
    ("llm", &[]),
    ("catalogue", &[]),
    ("product", &["llm", "catalogue"]),
    ("inventory", &["llm", "catalogue"]),
    ("sales", &["llm", "catalogue"]),
    ("coordinator", &["llm", "product", "inventory", "sales"]),
];

struct Process {
    name: &'static str,
    url: String,
    child: Child,
}

impl Process {
    fn start(name: &'static str, needs: &[&str], running: &[Self]) -> Self {
        let mut command = Command::new(AGENT);
        command.args([name, "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        for peer in running.iter().filter(|process| needs.contains(&process.name)) {
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

impl Drop for Process {
    /// A failed assertion must not leave processes behind. One that has ended already is not harmed.
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn announced(child: &mut Child) -> String {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = output.lines().map(|line| line.expect("text"));
    lines.find_map(|line| line.strip_prefix("listening on ").map(String::from)).expect("an address")
}

#[test]
fn six_processes_serve_a_run_and_end_cleanly() {
    let mut running = Vec::new();
    for (name, needs) in PARTS {
        running.push(Process::start(name, needs, &running));
    }
    let coordinator = &running.last().expect("the coordinator").url;
    let run = Command::new(MARKETPLACE).args(["--coordinator", coordinator]).output().expect("a run");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}");
    assert!(text.contains("Sold 2 of P-0012"), "{text}");
    running.into_iter().for_each(Process::terminate);
}

#[test]
fn one_process_serves_a_run_and_reports_its_business() {
    let mut marketplace = Command::new(MARKETPLACE);
    // The figures are those of the built-in model.
    marketplace.env_remove("OPENAI_BASE_URL").env_remove("OPENAI_API_KEY");
    let run = marketplace.output().expect("a run");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}");
    for (label, value) in [("customer requests", "12"), ("orders", "2"), ("conversion", "16.7 %")] {
        let shows = |line: &str| line.starts_with(label) && line.trim_end().ends_with(value);
        assert!(text.lines().any(shows), "no {label} of {value} in:\n{text}");
    }
    assert!(text.contains(" 0 dropped"), "{text}");
}
