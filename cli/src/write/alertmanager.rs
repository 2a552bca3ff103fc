//! An example of Alertmanager's configuration.

use serde::Serialize;

use super::{File, Pace, yaml};
use crate::message::Failure;

const PURPOSE: &str = "\
An example of Alertmanager's configuration. Copy it under another name before you change it: the URL of the webhook is
yours. An agent that is down inhibits what follows from that.";

const WEBHOOK: &str = "webhook";
const NOBODY: &str = "nobody";

#[derive(Serialize)]
struct Configuration {
    route: Route,
    inhibit_rules: Vec<Inhibition>,
    receivers: Vec<Receiver>,
}

#[derive(Serialize)]
struct Route {
    receiver: &'static str,
    group_by: [&'static str; 2],
    group_wait: String,
    group_interval: String,
    repeat_interval: String,
    routes: Vec<Branch>,
}

#[derive(Serialize)]
struct Branch {
    receiver: &'static str,
    matchers: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_wait: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_interval: Option<String>,
}

#[derive(Serialize)]
struct Inhibition {
    source_matchers: Vec<&'static str>,
    target_matchers: Vec<&'static str>,
    equal: Vec<&'static str>,
}

#[derive(Serialize)]
struct Receiver {
    name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    webhook_configs: Vec<Webhook>,
}

#[derive(Serialize)]
struct Webhook {
    url: &'static str,
    send_resolved: bool,
}

pub(super) fn file(pace: Pace) -> Result<File, Failure> {
    let configuration = Configuration {
        route: Route {
            receiver: WEBHOOK,
            group_by: ["alertname", "service_name"],
            group_wait: pace.duration("30s"),
            group_interval: pace.duration("5m"),
            repeat_interval: pace.duration("12h"),
            routes: vec![
                Branch {
                    receiver: NOBODY,
                    matchers: vec!["severity=\"none\""],
                    group_wait: None,
                    repeat_interval: None,
                },
                Branch {
                    receiver: WEBHOOK,
                    matchers: vec!["severity=\"critical\""],
                    group_wait: Some(pace.duration("10s")),
                    repeat_interval: Some(pace.duration("1h")),
                },
            ],
        },
        inhibit_rules: inhibitions(),
        receivers: vec![
            Receiver {
                name: WEBHOOK,
                webhook_configs: vec![Webhook { url: "http://localhost:9095/alerts", send_resolved: true }],
            },
            Receiver { name: NOBODY, webhook_configs: Vec::new() },
        ],
    };
    yaml::file("alertmanager/alertmanager.yaml", PURPOSE, &configuration)
}

fn inhibitions() -> Vec<Inhibition> {
    vec![
        // The agent at fault is the label `peer` of both, whoever has noticed it.
        Inhibition {
            source_matchers: vec!["alertname=~\"AgentDown|AgentAbsent\""],
            target_matchers: vec!["alertname!~\"AgentDown|AgentAbsent\"", "peer!=\"\""],
            equal: vec!["peer"],
        },
        Inhibition {
            source_matchers: vec!["alertname=\"AgentDown\""],
            target_matchers: vec!["alertname=\"AgentAbsent\"", "peer!=\"\""],
            equal: vec!["peer"],
        },
        Inhibition {
            source_matchers: vec!["alertname=\"AgentErrorBudgetBurnsFast\""],
            target_matchers: vec!["alertname=\"AgentErrorBudgetBurnsSlowly\""],
            equal: vec!["service_name"],
        },
        Inhibition {
            source_matchers: vec!["alertname=\"PhoenixDown\""],
            target_matchers: vec!["alertname=~\"ExportStalled|QueueFills|SpoolGrows|SpansDropped\""],
            equal: vec![],
        },
    ]
}
