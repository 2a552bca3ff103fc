//! Alerts about agents that do not reach each other.

use super::alert::{Alert, Case, Category, Course, Dashboard, Severity, Value, failing_calls, high_values};
use crate::promql::{failing, quantile};

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "AgentDown",
        category: Category::Communication,
        severity: Severity::Critical,
        expr: "min by (job, instance, service_name) (up{job=\"agents\"}) == 0",
        hold: "1m",
        // Until what follows from it has ended too: the callers' failures stay in their windows for minutes.
        keep: "10m",
        summary: "{service_name} at {instance} cannot be reached by Prometheus",
        value: Value::Number,
        description: "The process has ended, hangs, or cannot be reached over the network.",
        dashboard: Dashboard::Communication,
        peer: Some("service_name"),
        case: Case {
            series: &[(
                "up{instance=\"127.0.0.1:9464\",job=\"agents\",service_name=\"sales\"}",
                Course::Level(0, 1),
            )],
            labels: &[("instance", "127.0.0.1:9464"), ("job", "agents"), ("service_name", "sales")],
            value: "0",
        },
    },
    Alert {
        name: "AgentAbsent",
        category: Category::Communication,
        severity: Severity::Critical,
        expr: "group by (service_name) (last_over_time(<otel.sdk.span.started>[1h])) \
               unless group by (service_name) (<otel.sdk.span.started>)",
        hold: "5m",
        keep: "10m",
        summary: "{service_name} has sent no metrics for minutes, but did within the hour",
        value: Value::Number,
        description: "The agent was removed, is named differently, or cannot send its metrics.",
        dashboard: Dashboard::Communication,
        peer: Some("service_name"),
        case: Case {
            series: &[(
                "<otel.sdk.span.started>{service_name=\"sales\"}",
                Course::Text("0+60x80 stale _x39", "4860+60x120", "0x120"),
            )],
            labels: &[("service_name", "sales")],
            value: "1",
        },
    },
    Alert {
        name: "PeerUnreachable",
        category: Category::Communication,
        severity: Severity::Critical,
        expr: concat!(
            failing!("service_name, gen_ai_agent_name", "a2a.client.operation.duration", "", "5m"),
            " > 0.5"
        ),
        hold: "3m",
        keep: "3m",
        summary: "{value} of the calls from {service_name} to {gen_ai_agent_name} fail",
        value: Value::Percentage,
        description: "The called agent is down or overloaded, its address is wrong, or it refuses the caller.",
        dashboard: Dashboard::Communication,
        peer: Some("gen_ai_agent_name"),
        case: Case {
            series: failing_calls!(
                "a2a.client.operation.duration",
                "gen_ai_agent_name=\"sales\",service_name=\"coordinator\""
            ),
            labels: &[("gen_ai_agent_name", "sales"), ("service_name", "coordinator")],
            value: "100%",
        },
    },
    Alert {
        name: "RetryStorm",
        category: Category::Communication,
        severity: Severity::Warning,
        expr: "sum by (service_name, gen_ai_agent_name) (rate(<a2a.client.retries>[5m])) \
               / (sum by (service_name, gen_ai_agent_name) (rate(<a2a.client.operation.duration>_count[5m])) > 0) > 0.5",
        hold: "5m",
        keep: "5m",
        summary: "{service_name} tries {value} of its calls of {gen_ai_agent_name} again",
        value: Value::Percentage,
        description: "Further attempts add to the load of an agent that is overloaded.",
        dashboard: Dashboard::Communication,
        peer: Some("gen_ai_agent_name"),
        case: Case {
            series: &[
                (
                    "<a2a.client.retries>{gen_ai_agent_name=\"sales\",service_name=\"coordinator\"}",
                    Course::Rate(60, 0),
                ),
                (
                    "<a2a.client.operation.duration>_count{gen_ai_agent_name=\"sales\",service_name=\"coordinator\"}",
                    Course::Rate(60, 60),
                ),
            ],
            labels: &[("gen_ai_agent_name", "sales"), ("service_name", "coordinator")],
            value: "100%",
        },
    },
    Alert {
        name: "TasksStuck",
        category: Category::Communication,
        severity: Severity::Warning,
        expr: "sum by (service_name) (min_over_time(<a2a.server.active_tasks>[15m])) > 0 \
               unless on (service_name) sum by (service_name) (increase(<a2a.server.tasks>[15m])) > 0",
        hold: "5m",
        keep: "",
        summary: "{value} tasks of {service_name} have not moved for a quarter of an hour",
        value: Value::Number,
        description: "The agent waits for something that does not come, or a task is never ended.",
        dashboard: Dashboard::Communication,
        peer: Some("service_name"),
        case: Case {
            series: &[
                ("<a2a.server.active_tasks>{service_name=\"sales\"}", Course::Level(3, 0)),
                (
                    "<a2a.server.tasks>{a2a_task_state=\"TASK_STATE_COMPLETED\",service_name=\"sales\"}",
                    Course::Rate(0, 60),
                ),
            ],
            labels: &[("service_name", "sales")],
            value: "3",
        },
    },
    Alert {
        name: "CallsSlowBetweenAgents",
        category: Category::Communication,
        severity: Severity::Warning,
        expr: concat!(
            quantile!("0.95", "a2a_method_name", "a2a.client.operation.duration", "", "10m"),
            " - ",
            quantile!("0.95", "a2a_method_name", "a2a.server.operation.duration", "", "10m"),
            " > 1"
        ),
        hold: "10m",
        keep: "",
        summary: "{a2a_method_name} takes {value} longer for callers than for the called agents",
        value: Value::Duration,
        description: "Time is spent between the agents: in the network, in queues, or in proxies.",
        dashboard: Dashboard::Communication,
        peer: None,
        case: Case {
            series: &[
                (
                    "<a2a.client.operation.duration>_bucket{a2a_method_name=\"SendMessage\",le=\"1\"}",
                    Course::Rate(0, 60),
                ),
                (
                    "<a2a.client.operation.duration>_bucket{a2a_method_name=\"SendMessage\",le=\"5\"}",
                    Course::Rate(0, 60),
                ),
                (
                    "<a2a.client.operation.duration>_bucket{a2a_method_name=\"SendMessage\",le=\"10\"}",
                    Course::Rate(60, 60),
                ),
                (
                    "<a2a.client.operation.duration>_bucket{a2a_method_name=\"SendMessage\",le=\"+Inf\"}",
                    Course::Rate(60, 60),
                ),
                (
                    "<a2a.server.operation.duration>_bucket{a2a_method_name=\"SendMessage\",le=\"1\"}",
                    Course::Rate(60, 60),
                ),
                (
                    "<a2a.server.operation.duration>_bucket{a2a_method_name=\"SendMessage\",le=\"+Inf\"}",
                    Course::Rate(60, 60),
                ),
            ],
            labels: &[("a2a_method_name", "SendMessage")],
            value: "8.8s",
        },
    },
    Alert {
        name: "MessagesLarge",
        category: Category::Communication,
        severity: Severity::Warning,
        expr: concat!(
            quantile!("0.95", "service_name, gen_ai_agent_name", "a2a.client.message.size", "", "15m"),
            " > 1048576"
        ),
        hold: "10m",
        keep: "",
        summary: "5 of 100 messages between {service_name} and {gen_ai_agent_name} have {value}B or more",
        value: Value::Bytes,
        description: "Conversations or files are passed on whole, which ends up in the models' requests.",
        dashboard: Dashboard::Communication,
        peer: None,
        case: Case {
            series: high_values!(
                "a2a.client.message.size",
                "gen_ai_agent_name=\"sales\",service_name=\"coordinator\"",
                "4194304" to "16777216", later "1024"
            ),
            labels: &[("gen_ai_agent_name", "sales"), ("service_name", "coordinator")],
            value: "15.4Mi",
        },
    },
];
