//! A real Prometheus from Debian, its `promtool`, and the parsers of Python's `prometheus_client`.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::debian::unpacked;
use crate::python::python_environment;
use crate::services::{Service, eventually, local_agent, on_free_ports, unique, workshop};

/// The version that these tests run against, and the suite of Debian that has it.
pub const VERSION: &str = "2.53.3";
const SUITE: &str = "trixie";

/// The version of Python's `prometheus_client`.
const CLIENT: &str = "0.26.0";

/// The time limit for a start.
const START: Duration = Duration::from_secs(60);

/// How long Prometheus may take until it has scraped something.
const SCRAPED: Duration = Duration::from_secs(60);

/// A running Prometheus without data. It ends when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Prometheus {
    service: Service,
    agent: Agent,
    url: String,
    folder: PathBuf,
}

/// What Prometheus scrapes: a name, the format as in `scrape_protocols`, and the address.
pub type Job<'a> = (&'a str, &'a str, SocketAddr);

impl Prometheus {
    /// An instance that scrapes these addresses every second, and keeps exemplars.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine; see [`require`](crate::services::require).
    pub fn start(jobs: &[Job<'_>]) -> Result<Self, String> {
        Self::start_with(&[("prometheus.yaml", configured(jobs))])
    }

    /// An instance with these files in its folder, the first of which is its configuration.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine.
    pub fn start_with(files: &[(&str, String)]) -> Result<Self, String> {
        on_free_ports(|[port]| Self::launch(files, port))
    }

    fn launch(files: &[(&str, String)], port: u16) -> Result<Self, String> {
        let folder = workshop()?.join(unique("prometheus-work"));
        write_all(&folder, files).map_err(|error| format!("{}: {error}", folder.display()))?;
        let configuration = folder.join(files.first().map_or("prometheus.yaml", |(name, _)| name));
        let mut command = Command::new(program("prometheus")?);
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--enable-feature=exemplar-storage");
        let mut service = Service::start("prometheus", &command)?;
        let agent = local_agent(Duration::from_secs(30));
        let url = format!("http://127.0.0.1:{port}");
        service.wait_until(START, || {
            agent.get(format!("{url}/-/ready")).call().is_ok_and(|answer| answer.status() == 200)
        })?;
        Ok(Self { service, agent, url, folder })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The `data` of an answer of its API.
    ///
    /// # Panics
    ///
    /// If the answer is not a success.
    #[must_use]
    #[track_caller]
    pub fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let request = self.agent.get(format!("{}{path}", self.url)).query_pairs(parameters.iter().copied());
        let mut answer =
            request.call().unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.service.last_words()));
        let mut answer: Value = answer.body_mut().read_json().expect("JSON");
        assert_eq!(answer["status"], "success", "{path} {parameters:?}: {answer:#}");
        answer["data"].take()
    }

    /// The result of an instant query.
    ///
    /// # Panics
    ///
    /// If it is not a vector.
    #[must_use]
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.ask("/api/v1/query", &[("query", expression)]);
        answer["result"].as_array().expect("a vector").clone()
    }

    /// The result of an instant query, once it has as many series.
    ///
    /// # Panics
    ///
    /// If it never has.
    #[must_use]
    #[track_caller]
    pub fn wait_for(&self, expression: &str, series: usize) -> Vec<Value> {
        let found = eventually(SCRAPED, || Some(self.query(expression)).filter(|it| it.len() == series));
        found.unwrap_or_else(|| {
            let (got, targets) = (self.query(expression), self.ask("/api/v1/targets", &[]));
            panic!("{expression}: {got:#?}\n{targets:#}")
        })
    }

    /// The end of its log.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.service.last_words()
    }

    /// The exemplars of the series that an expression selects, of the last hour, with their labels, once there are any.
    ///
    /// # Panics
    ///
    /// If there never are.
    #[must_use]
    #[track_caller]
    pub fn exemplars(&self, expression: &str) -> Vec<Value> {
        let ask = || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
            let (start, end) = ((now.as_secs() - 3600).to_string(), (now.as_secs() + 60).to_string());
            let parameters = [("query", expression), ("start", &*start), ("end", &*end)];
            let answer = self.ask("/api/v1/query_exemplars", &parameters);
            answer.as_array().filter(|found| !found.is_empty()).cloned()
        };
        eventually(SCRAPED, ask).unwrap_or_else(|| panic!("no exemplars of {expression}"))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn write_all(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, content)?;
    }
    Ok(())
}

fn configured(jobs: &[Job<'_>]) -> String {
    let jobs: Vec<_> = jobs
        .iter()
        .map(|(name, protocol, address)| {
            json!({
                "job_name": name,
                "scrape_protocols": [protocol],
                "static_configs": [{ "targets": [address.to_string()] }],
            })
        })
        .collect();
    let global = json!({ "scrape_interval": "1s", "scrape_timeout": "1s" });
    // Every JSON document is a YAML document.
    json!({ "global": global, "scrape_configs": jobs }).to_string()
}

/// Asks `promtool check metrics` what is wrong with metrics in the text format: its exit status and its output.
///
/// # Errors
///
/// If it is not available on this machine.
///
/// # Panics
///
/// If its input is not piped, which it is.
pub fn promtool_check(metrics: &str) -> Result<(bool, String), String> {
    let mut promtool = Command::new(program("promtool")?);
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().map_err(|error| format!("promtool: {error}"))?;
    let written = promtool.stdin.take().expect("it is piped").write_all(metrics.as_bytes());
    written.map_err(|error| format!("promtool: {error}"))?;
    let output = promtool.wait_with_output().map_err(|error| format!("promtool: {error}"))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// The folder with the command `prometheus`.
///
/// # Errors
///
/// If it is not available on this machine.
pub fn programs() -> Result<PathBuf, String> {
    Ok(folder()?.join("usr/bin"))
}

/// The path of a program of Prometheus.
fn program(name: &str) -> Result<PathBuf, String> {
    Ok(programs()?.join(name))
}

/// The folder into which its packages are unpacked.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let packages = ["prometheus", "promtool"].map(|package| format!("{package}={VERSION}*"));
    unpacked(&format!("prometheus-{VERSION}"), SUITE, &packages.each_ref().map(String::as_str))
}

/// Python's parsers in a process that is kept. It ends when this is dropped.
#[derive(Debug)]
pub struct Parser {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Parser {
    /// Starts Python.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine.
    pub fn start() -> Result<Self, String> {
        let name = format!("prometheus-client-{CLIENT}");
        let python = python_environment(&name, &[&format!("prometheus_client=={CLIENT}")])?;
        let mut command = Command::new(python);
        command.arg("-c").arg(include_str!("prometheus/parse.py"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("python: {error}"))?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else { return Err("no pipes".to_owned()) };
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    /// Parses metrics, as `text` or `openmetrics`. They are a list of families, each with a list of samples.
    ///
    /// # Errors
    ///
    /// If they are not in the format.
    ///
    /// # Panics
    ///
    /// If Python does not answer.
    pub fn parse(&mut self, format: &str, metrics: &str) -> Result<Value, String> {
        let question = json!({ "format": format, "metrics": metrics });
        writeln!(self.input, "{question}").expect("Python reads");
        self.input.flush().expect("Python reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("Python answers");
        let mut answer: Value = serde_json::from_str(&line).expect("Python answers in JSON");
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["families"].take()),
        }
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
