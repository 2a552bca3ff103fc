//! Files of Prometheus: rules, and their unit tests for promtool.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Rules {
    pub(super) groups: Vec<Group>,
}

/// The same rules as a resource of the Prometheus Operator.
#[derive(Serialize)]
pub(super) struct PrometheusRule {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Rules,
}

#[derive(Serialize)]
struct Metadata {
    name: &'static str,
}

impl PrometheusRule {
    pub(super) fn new(spec: Rules) -> Self {
        let api_version = "monitoring.coreos.com/v1";
        Self { api_version, kind: "PrometheusRule", metadata: Metadata { name: "a2a-otel" }, spec }
    }
}

#[derive(Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Rule {
    Recording {
        record: String,
        expr: String,
    },
    Alerting {
        alert: String,
        expr: String,
        #[serde(rename = "for", skip_serializing_if = "String::is_empty")]
        hold: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        keep_firing_for: String,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    },
}

#[derive(Serialize)]
pub(super) struct TestFile {
    pub(super) rule_files: Vec<String>,
    pub(super) evaluation_interval: &'static str,
    pub(super) tests: Vec<Test>,
}

#[derive(Serialize)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) interval: &'static str,
    pub(super) input_series: Vec<Series>,
    #[serde(rename = "alert_rule_test")]
    pub(super) checks: Vec<Check>,
}

#[derive(Serialize)]
pub(super) struct Series {
    pub(super) series: String,
    pub(super) values: String,
}

#[derive(Serialize)]
pub(super) struct Check {
    pub(super) eval_time: String,
    pub(super) alertname: String,
    pub(super) exp_alerts: Vec<Expected>,
}

#[derive(Clone, Serialize)]
pub(super) struct Expected {
    pub(super) exp_labels: BTreeMap<String, String>,
    pub(super) exp_annotations: BTreeMap<String, String>,
}
