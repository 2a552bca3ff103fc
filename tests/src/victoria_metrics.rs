//! A real receiver of metrics over OTLP: `VictoriaMetrics`, from Debian.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::debian::unpacked;
use crate::services::{Service, eventually, local_agent, on_free_ports, unique, workshop};

/// The version that these tests run against, and the suite of Debian that has it.
pub const VERSION: &str = "1.112.0";
const SUITE: &str = "trixie";

/// The time limit for a start.
const START: Duration = Duration::from_secs(60);

/// How long it may take until a query finds what was sent.
const FOUND: Duration = Duration::from_secs(60);

/// A running `VictoriaMetrics` without data. It ends when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct VictoriaMetrics {
    service: Service,
    agent: Agent,
    url: String,
    folder: PathBuf,
}

impl VictoriaMetrics {
    /// Starts an instance.
    ///
    /// # Errors
    ///
    /// If it is not available on this machine; see [`require`](crate::services::require).
    pub fn start() -> Result<Self, String> {
        let package = format!("victoria-metrics={VERSION}*");
        let program = unpacked(&format!("victoria-metrics-{VERSION}"), SUITE, &[&package])?;
        let program = program.join("usr/bin/victoria-metrics");
        on_free_ports(|[port]| Self::launch(&program, port))
    }

    fn launch(program: &PathBuf, port: u16) -> Result<Self, String> {
        let folder = workshop()?.join(unique("victoria-metrics-work"));
        let mut command = Command::new(program);
        command
            .arg(format!("-storageDataPath={}", folder.display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args(["-opentelemetry.usePrometheusNaming", "-search.latencyOffset=0s"]);
        let mut service = Service::start("victoria-metrics", &command)?;
        let agent = local_agent(Duration::from_secs(30));
        let url = format!("http://127.0.0.1:{port}");
        service.wait_until(START, || {
            agent.get(format!("{url}/health")).call().is_ok_and(|answer| answer.status() == 200)
        })?;
        Ok(Self { service, agent, url, folder })
    }

    /// Where it accepts metrics over OTLP.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/opentelemetry/v1/metrics", self.url)
    }

    /// The values that a query finds, once it finds any: one for each series, as text, with its labels.
    ///
    /// # Panics
    ///
    /// If it never finds any.
    #[must_use]
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<(Value, String)> {
        eventually(FOUND, || Some(self.ask(expression)).filter(|found| !found.is_empty()))
            .unwrap_or_else(|| panic!("nothing for {expression}; it said:\n{}", self.service.last_words()))
    }

    #[track_caller]
    fn ask(&self, expression: &str) -> Vec<(Value, String)> {
        let request = self.agent.get(format!("{}/api/v1/query", self.url)).query("query", expression);
        let mut answer = request
            .call()
            .unwrap_or_else(|error| panic!("{expression}: {error}\n{}", self.service.last_words()));
        let answer: Value = answer.body_mut().read_json().expect("JSON");
        assert_eq!(answer["status"], "success", "{expression}: {answer:#}");
        let series = answer["data"]["result"].as_array().expect("a vector");
        let value = |series: &Value| series["value"][1].as_str().expect("a number").to_owned();
        series.iter().map(|series| (series["metric"].clone(), value(series))).collect()
    }
}

impl Drop for VictoriaMetrics {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
