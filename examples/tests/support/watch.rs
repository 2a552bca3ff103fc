//! A Prometheus that watches the marketplace as `deploy/` says.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use a2a_otel_examples::market::Part;
use a2a_otel_tests::prometheus::Prometheus;
use serde_json::json;

use super::Parts;

/// What is scraped: the name of a service, and its address.
pub(crate) type Agent = (&'static str, SocketAddr);

/// The root of the repository.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member of the workspace")
}

/// A file of `deploy/`.
pub(crate) fn deployed(path: &str) -> String {
    fs::read_to_string(workspace().join("deploy").join(path)).expect("a generated file")
}

/// Every part as it is listed in `agents.d`.
pub(crate) fn agents(parts: &Parts) -> Vec<Agent> {
    let service = |name| Part::named(name).expect("a part").service_name();
    parts.addresses().map(|(name, address)| (service(name), address)).collect()
}

/// Prometheus with the committed configuration, in which only addresses and the intervals are others.
pub(crate) fn prometheus(
    rules: String,
    agents: &[Agent],
    phoenix: SocketAddr,
    alertmanager: Option<SocketAddr>,
) -> Result<Prometheus, String> {
    let mut configuration = deployed("prometheus/prometheus.yaml");
    let alertmanager = alertmanager.map_or("127.0.0.1:1".to_owned(), |address| address.to_string());
    for (written, here) in [
        // A scrape may take as long, which on a busy machine is more than a second.
        ("scrape_interval: 15s", "scrape_interval: 2s".to_owned()),
        ("evaluation_interval: 15s", "evaluation_interval: 1s".to_owned()),
        ("localhost:9093", alertmanager),
        ("- phoenix:9090", format!("- {phoenix}")),
    ] {
        assert!(configuration.contains(written), "{written} in {configuration}");
        configuration = configuration.replace(written, &here);
    }
    let mut files = vec![("prometheus.yaml", configuration), ("rules.yaml", rules)];
    let targets = agents.iter().map(|(service, address)| {
        json!({ "targets": [address.to_string()], "labels": { "service_name": service } })
    });
    // JSON is YAML.
    files.push(("agents.d/agents.yaml", json!(targets.collect::<Vec<_>>()).to_string()));
    Prometheus::start_with(&files)
}

/// A file of faults for the processes of a test, which goes with it.
pub(crate) struct FaultFile(PathBuf);

impl FaultFile {
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("{}.json", a2a_otel_tests::services::unique(name))))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }

    /// Lets these things go wrong.
    pub(crate) fn set(&self, faults: &serde_json::Value) {
        // Nobody reads a half of it.
        let new = self.0.with_extension("new");
        fs::write(&new, faults.to_string()).and_then(|()| fs::rename(&new, &self.0)).expect("a file");
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Drop for FaultFile {
    fn drop(&mut self) {
        self.clear();
    }
}
