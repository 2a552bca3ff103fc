//! An example of Prometheus's configuration.

use serde::Serialize;

use super::{File, yaml};
use crate::message::Failure;

const PURPOSE: &str = "\
An example of Prometheus's configuration. Copy it under another name before you change it.

The agents are listed in files, which are read again when they change:

  # agents.d/sales.yaml
  - targets: [\"sales.example.com:9464\"]
    labels: { service_name: sales }

The label service_name is that of the agent's own metrics, so that `up` has it too. Phoenix serves its metrics with
PHOENIX_ENABLE_PROMETHEUS=true.";

#[derive(Serialize)]
struct Configuration {
    global: Global,
    rule_files: [&'static str; 1],
    alerting: Alerting,
    scrape_configs: [Job; 2],
}

#[derive(Serialize)]
struct Global {
    scrape_interval: &'static str,
    evaluation_interval: &'static str,
}

#[derive(Serialize)]
struct Alerting {
    alertmanagers: [Static; 1],
}

#[derive(Serialize)]
struct Static {
    static_configs: [Targets; 1],
}

#[derive(Serialize)]
struct Targets {
    targets: [&'static str; 1],
}

#[derive(Serialize)]
struct Job {
    #[serde(rename = "job_name")]
    name: &'static str,
    /// Whether labels of the metrics take precedence over those of the target.
    honor_labels: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_sd_configs: Option<[Files; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    static_configs: Option<[Targets; 1]>,
}

#[derive(Serialize)]
struct Files {
    files: [&'static str; 1],
}

pub(super) fn file() -> Result<File, Failure> {
    let configuration = Configuration {
        global: Global { scrape_interval: "15s", evaluation_interval: "15s" },
        rule_files: ["rules.yaml"],
        alerting: Alerting {
            alertmanagers: [Static { static_configs: [Targets { targets: ["localhost:9093"] }] }],
        },
        scrape_configs: [
            Job {
                name: "agents",
                honor_labels: true,
                file_sd_configs: Some([Files { files: ["agents.d/*.yaml"] }]),
                static_configs: None,
            },
            Job {
                name: "phoenix",
                honor_labels: false,
                file_sd_configs: None,
                static_configs: Some([Targets { targets: ["phoenix:9090"] }]),
            },
        ],
    };
    yaml::file("prometheus/prometheus.yaml", PURPOSE, &configuration)
}
