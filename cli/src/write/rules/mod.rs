//! Prometheus's rules and their unit tests, from tables.

mod alert;
mod communication;
mod errors;
mod performance;
mod recording;
mod resources;
mod schema;
mod telemetry;
mod tests;

pub use alert::{Alert, Category, Severity};

use std::collections::BTreeMap;

use self::recording::RECORDED;
use self::schema::{Group, PrometheusRule, Rule, Rules};
use super::{Choices, File, yaml};
use crate::message::Failure;
use crate::model::Model;
use crate::promql::{SERVICE, fill};

const RULES: &str = "prometheus/rules.yaml";
const FOR_KUBERNETES: &str = "kubernetes/monitoring/rules.yaml";

/// Every alert, whether or not its metrics are recorded. Each has a runbook with its name.
///
/// ```
/// let names: Vec<_> = a2a_otel_cli::write::rules::alerts().map(|alert| alert.name).collect();
/// assert!(names.contains(&"AgentDown"));
/// ```
pub fn alerts() -> impl Iterator<Item = &'static Alert> {
    [errors::ALERTS, performance::ALERTS, communication::ALERTS, resources::ALERTS, telemetry::ALERTS]
        .into_iter()
        .flatten()
}

pub(super) fn files(model: &Model, choices: &Choices) -> Result<Vec<File>, Failure> {
    let rules = Rules { groups: groups(model, choices) };
    let purpose = format!("Rules for an objective of {}: recorded series, and alerts.", choices.objective);
    let plain = yaml::file(RULES, &purpose, &rules)?;
    let resource = PrometheusRule::new(rules);
    let purpose = format!("{purpose}\nThey are those of {RULES}, as a resource of the Prometheus Operator.");
    Ok(vec![plain, yaml::file(FOR_KUBERNETES, &purpose, &resource)?, tests::file(model, choices)?])
}

fn groups(model: &Model, choices: &Choices) -> Vec<Group> {
    let recording = RECORDED.iter().filter_map(|(name, query)| {
        let expr = choices.pace.query(&fill(query, model, choices.objective)?);
        Some(Rule::Recording { record: (*name).to_owned(), expr })
    });
    let mut groups = vec![Group { name: "a2a-otel-recording".to_owned(), rules: recording.collect() }];
    for category in Category::ALL {
        let ours = alerts().filter(|alert| alert.category == category);
        let rules: Vec<_> = ours.filter_map(|alert| alert.rule(model, choices)).collect();
        if !rules.is_empty() {
            groups.push(Group { name: format!("a2a-otel-{category}"), rules });
        }
    }
    groups
}

impl Alert {
    fn rule(&self, model: &Model, choices: &Choices) -> Option<Rule> {
        Some(Rule::Alerting {
            alert: self.name.to_owned(),
            expr: choices.pace.query(&fill(self.expr, model, choices.objective)?),
            hold: choices.pace.duration(self.hold),
            keep_firing_for: choices.pace.duration(self.keep),
            labels: self.labels(|label| format!("{{{{ $labels.{label} }}}}")),
            annotations: self
                .annotations(choices, self.template(), |label| format!("{{{{ $labels.{label} }}}}")),
        })
    }

    fn labels(&self, value: impl Fn(&str) -> String) -> BTreeMap<String, String> {
        let fixed = [("severity", self.severity.to_string()), ("category", self.category.to_string())];
        let peer = self.peer.map(|label| ("peer", value(label)));
        fixed.into_iter().chain(peer).map(|(label, value)| (label.to_owned(), value)).collect()
    }

    fn annotations(
        &self,
        choices: &Choices,
        summary: String,
        value: impl Fn(&str) -> String,
    ) -> BTreeMap<String, String> {
        let selected = if self.case.labels.iter().any(|(label, _)| *label == SERVICE) {
            format!("?var-service={}", value(SERVICE))
        } else {
            String::new()
        };
        let dashboard = format!("{}/d/{}{selected}", choices.grafana, self.dashboard.uid());
        let annotations = [
            ("summary", summary),
            ("description", self.description.to_owned()),
            ("dashboard", dashboard),
            ("runbook_url", format!("{}/{}.md", choices.runbooks, self.name)),
        ];
        annotations.map(|(name, text)| (name.to_owned(), text)).into()
    }
}
