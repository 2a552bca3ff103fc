//! The dashboard of errors, and of telemetry's own health.

use super::panel::Look::{Lines, Number, Stack, Table};
use super::panel::Spec;
use super::{About, Section};
use crate::promql::failing;

pub(super) const ABOUT: About = About {
    path: "grafana/errors.json",
    uid: "a2a-otel-errors",
    title: "Errors",
    description: "What fails, where, and how much of it is still allowed; and whether telemetry itself works.",
};

pub(super) const SECTIONS: &[Section] = &[
    Section { title: "Error budget", panels: BUDGET },
    Section { title: "What fails", panels: FAILURES },
    Section { title: "Telemetry", panels: TELEMETRY },
    Section { title: "Phoenix", panels: PHOENIX },
];

/// How many times faster than allowed the budget is used, over a window.
macro_rules! burn_rate {
    ($window:literal) => {
        concat!(
            "(",
            failing!("service_name", "a2a.server.operation.duration", "@s,", $window),
            ") / (1 - @objective)"
        )
    };
}

const BUDGET: &[Spec] = &[
    Spec {
        title: "Failing requests",
        description: "The part of requests to the agents that fails, in the selected time.",
        unit: "percentunit",
        look: Number,
        queries: &[(
            "",
            "(sum(rate(<a2a.server.operation.duration>_count{error_type!=\"\",@s}[$__range])) or vector(0)) \
             / (sum(rate(<a2a.server.operation.duration>_count{@s}[$__range])) > 0)",
            "",
        )],
    },
    Spec {
        title: "Error budget left",
        description: "What is left of the failures that the objective allows in 30d: below 0 it is missed.",
        unit: "percentunit",
        look: Number,
        queries: &[(
            "",
            "1 - (sum(rate(<a2a.server.operation.duration>_count{error_type!=\"\",@s}[30d])) or vector(0)) \
             / (sum(rate(<a2a.server.operation.duration>_count{@s}[30d])) > 0) / (1 - @objective)",
            "",
        )],
    },
    Spec {
        title: "Firing alerts",
        description: "Alerts that are firing now.",
        unit: "short",
        look: Number,
        queries: &[(
            "",
            "count(ALERTS{alertstate=\"firing\",alertname!=\"TelemetryWatchdog\"}) or vector(0)",
            "",
        )],
    },
    Spec {
        title: "Failing runs of agents",
        description: "Runs of agents that fail, per second.",
        unit: "ops",
        look: Number,
        queries: &[(
            "",
            "sum(rate(<gen_ai.invoke_agent.duration>_count{error_type!=\"\",@s,@a}[@i])) or vector(0)",
            "",
        )],
    },
    Spec {
        title: "How fast is the error budget used?",
        description: "1 uses it up in 30 days; 14.4, over 1h, in two days; 6, over 6h, in five.",
        unit: "short",
        look: Lines,
        queries: &[
            ("{{service_name}} 1h", burn_rate!("1h"), ""),
            ("{{service_name}} 6h", burn_rate!("6h"), ""),
        ],
    },
    Spec {
        title: "Which requests fail?",
        description: "The part of each agent's requests that fails.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{service_name}}",
            failing!("service_name", "a2a.server.operation.duration", "@s,", "@i"),
            "",
        )],
    },
    Spec {
        title: "Which alerts are firing or pending?",
        description: "Alerts of these rules, with the labels that they have.",
        unit: "short",
        look: Table,
        queries: &[(
            "alerts",
            "count by (alertname, alertstate, severity, service_name) (ALERTS{alertname!=\"TelemetryWatchdog\"})",
            "",
        )],
    },
];

const FAILURES: &[Spec] = &[
    Spec {
        title: "Which errors occur?",
        description: "Failing requests to agents per second, by the type of the error.",
        unit: "ops",
        look: Stack,
        queries: &[(
            "{{error_type}}",
            "sum by (error_type) (rate(<a2a.server.operation.duration>_count{error_type!=\"\",@s}[@i]))",
            "",
        )],
    },
    Spec {
        title: "Which agents fail?",
        description: "The part of each agent's runs that fails.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{gen_ai_agent_name}}",
            failing!("gen_ai_agent_name", "gen_ai.invoke_agent.duration", "@s,@a,", "@i"),
            "",
        )],
    },
    Spec {
        title: "Which tools fail?",
        description: "The part of each tool's calls that fails.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{gen_ai_tool_name}}",
            failing!("gen_ai_tool_name", "gen_ai.execute_tool.duration", "@s,@a,", "@i"),
            "",
        )],
    },
    Spec {
        title: "Which models fail?",
        description: "The part of each model's calls that fails.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{gen_ai_request_model}}",
            failing!(
                "gen_ai_request_model",
                ["gen_ai.client.operation.duration" | "gen_ai.client.inference.duration"],
                "@s,@a,",
                "@i"
            ),
            "",
        )],
    },
    Spec {
        title: "Which pairs of agents fail most?",
        description: "The ten pairs of caller and called agent with the most failing calls, in the selected time.",
        unit: "short",
        look: Table,
        queries: &[(
            "failing calls",
            "topk(10, sum by (service_name, gen_ai_agent_name, error_type) \
             (increase(<a2a.client.operation.duration>_count{error_type!=\"\",@s,@a}[$__range])) > 0)",
            "",
        )],
    },
    Spec {
        title: "Which tasks fail?",
        description: "Tasks per second that fail, are rejected or are cancelled.",
        unit: "ops",
        look: Stack,
        queries: &[(
            "{{service_name}} {{a2a_task_state}}",
            "sum by (service_name, a2a_task_state) (rate(<a2a.server.tasks>\
             {a2a_task_state=~\"TASK_STATE_(FAILED|REJECTED|CANCELED)\",@s}[@i]))",
            "",
        )],
    },
    Spec {
        title: "Which MCP requests fail?",
        description: "Failing requests to MCP servers per second, by tool and by the type of the error.",
        unit: "ops",
        look: Stack,
        queries: &[(
            "{{gen_ai_tool_name}} {{error_type}}",
            "sum by (gen_ai_tool_name, error_type) (rate(<mcp.client.operation.duration>_count{error_type!=\"\",@s}[@i]))",
            "",
        )],
    },
];

const TELEMETRY: &[Spec] = &[
    Spec {
        title: "Are spans recorded?",
        description: "Spans that are started per second.",
        unit: "ops",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (rate(<otel.sdk.span.started>{@s}[@i]))", "")],
    },
    Spec {
        title: "Are spans lost before they are sent?",
        description: "Spans per second that are lost, by the reason.",
        unit: "ops",
        look: Stack,
        queries: &[(
            "{{service_name}} {{error_type}}",
            "sum by (service_name, error_type) (rate(<otel.sdk.processor.span.processed>{error_type!=\"\",@s}[@i]))",
            "",
        )],
    },
    Spec {
        title: "Are spans delivered?",
        description: "Spans per second that the receiver has confirmed, and those that it has not accepted.",
        unit: "ops",
        look: Lines,
        queries: &[(
            "{{service_name}} {{error_type}}",
            "sum by (service_name, error_type) (rate(<otel.sdk.exporter.span.exported>{@s}[@i]))",
            "",
        )],
    },
    Spec {
        title: "How long does the receiver take?",
        description: "95 of 100 requests to the receiver are faster.",
        unit: "s",
        look: Lines,
        queries: &[(
            "{{service_name}}",
            "histogram_quantile(0.95, sum by (le, service_name) (rate(<otel.sdk.exporter.operation.duration>_bucket{@s}[@i])))",
            "",
        )],
    },
    Spec {
        title: "How full is the queue?",
        description: "Memory of waiting spans, as a part of what they may take. A full queue loses spans.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{service_name}}",
            "max by (service_name) (<a2a_otel.queue.bytes>{@s} / (<a2a_otel.queue.capacity>{@s} > 0))",
            "",
        )],
    },
    Spec {
        title: "What waits on disk?",
        description: "Spans that wait for a receiver that is away.",
        unit: "short",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (<a2a_otel.spool.spans>{@s})", "")],
    },
];

const PHOENIX: &[Spec] = &[
    Spec {
        title: "Does Phoenix keep up?",
        description: "Spans that Phoenix has received and not stored yet.",
        unit: "short",
        look: Lines,
        queries: &[("{{instance}}", "max by (instance) (phoenix_span_queue_size)", "")],
    },
    Spec {
        title: "Does Phoenix refuse or lose spans?",
        description: "Refused requests, and spans that could not be stored, per second.",
        unit: "ops",
        look: Lines,
        queries: &[
            ("refused", "sum(rate(phoenix_span_queue_rejections_total[@i]))", ""),
            ("not stored", "sum(rate(phoenix_bulk_loader_span_exceptions_total[@i]))", ""),
        ],
    },
    Spec {
        title: "How long does Phoenix take to store spans?",
        description: "95 of 100 insertions into its database are faster.",
        unit: "s",
        look: Lines,
        queries: &[(
            "{{instance}}",
            "histogram_quantile(0.95, sum by (le, instance) (rate(phoenix_bulk_loader_span_insertion_time_seconds_bucket[@i])))",
            "",
        )],
    },
    Spec {
        title: "When did Phoenix last store spans?",
        description: "The time since then. It grows while no spans come, or while the database is away.",
        unit: "s",
        look: Lines,
        queries: &[(
            "{{instance}}",
            "time() - (max by (instance) (phoenix_span_ingestion_last_success_timestamp_seconds) > 0)",
            "",
        )],
    },
];
