//! Alerts about calls that are slow, or that use more than before.

use super::alert::{Alert, Case, Category, Course, Dashboard, Severity, Value, high_values};
use crate::promql::quantile;

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "AgentSlow",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: "service_name:a2a_server_duration_seconds:p95_rate5m > 30",
        hold: "10m",
        keep: "5m",
        summary: "5 of 100 requests to {service_name} take {value} or longer",
        value: Value::Duration,
        description: "Callers and people wait. Usually the model or a tool is slow, or the agent takes more steps.",
        dashboard: Dashboard::Agents,
        peer: Some("service_name"),
        case: Case {
            series: high_values!("a2a.server.operation.duration", "service_name=\"sales\"", "30" to "60", later "0.1"),
            labels: &[("service_name", "sales")],
            value: "58.5s",
        },
    },
    Alert {
        name: "AgentSlowerThanBefore",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: "service_name:a2a_server_duration_seconds:p95_rate5m \
               / (service_name:a2a_server_duration_seconds:p95_rate5m offset 1h > 0) > 2 \
               and service_name:a2a_server_duration_seconds:p95_rate5m > 1",
        hold: "10m",
        keep: "",
        summary: "{service_name} is {value} times as slow as an hour ago",
        value: Value::Number,
        description: "Something has changed: a deployment, a prompt, a model's load, or the size of what is asked.",
        dashboard: Dashboard::Agents,
        peer: Some("service_name"),
        case: Case {
            series: &[
                (
                    "<a2a.server.operation.duration>_bucket{le=\"1\",service_name=\"sales\"}",
                    Course::Text("0+60x80 4800x39", "4860+60x120", "0x120"),
                ),
                (
                    "<a2a.server.operation.duration>_bucket{le=\"2\",service_name=\"sales\"}",
                    Course::Text("0+60x80 4800x39", "4860+60x120", "0x120"),
                ),
                (
                    "<a2a.server.operation.duration>_bucket{le=\"4\",service_name=\"sales\"}",
                    Course::Rate(60, 60),
                ),
                (
                    "<a2a.server.operation.duration>_bucket{le=\"+Inf\",service_name=\"sales\"}",
                    Course::Rate(60, 60),
                ),
            ],
            labels: &[("service_name", "sales")],
            value: "4.105",
        },
    },
    Alert {
        name: "FirstChunkSlow",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: concat!(
            "(",
            quantile!(
                "0.95",
                "gen_ai_provider_name, gen_ai_request_model",
                ["gen_ai.client.operation.time_to_first_chunk"
                    | "gen_ai.client.inference.time_to_first_chunk"],
                "",
                "10m"
            ),
            ") > 5"
        ),
        hold: "10m",
        keep: "5m",
        summary: "5 of 100 answers of {gen_ai_request_model} begin after {value} or later",
        value: Value::Duration,
        description: "People wait for a first word. The provider is busy, or the requests have become long.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: high_values!(
                "gen_ai.client.operation.time_to_first_chunk",
                "gen_ai_provider_name=\"openai\",gen_ai_request_model=\"small\"",
                "8.192" to "16.384", later "0.128"
            ),
            labels: &[("gen_ai_provider_name", "openai"), ("gen_ai_request_model", "small")],
            value: "15.97s",
        },
    },
    Alert {
        name: "ModelSlow",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: concat!(
            "(",
            quantile!(
                "0.95",
                "gen_ai_provider_name, gen_ai_request_model",
                ["gen_ai.client.operation.duration" | "gen_ai.client.inference.duration"],
                "",
                "10m"
            ),
            ") > 30"
        ),
        hold: "10m",
        keep: "5m",
        summary: "5 of 100 calls of {gen_ai_request_model} take {value} or longer",
        value: Value::Duration,
        description: "The provider is busy, or the answers have become long.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: high_values!(
                "gen_ai.client.operation.duration",
                "gen_ai_provider_name=\"openai\",gen_ai_request_model=\"small\"",
                "40.96" to "81.92", later "0.16"
            ),
            labels: &[("gen_ai_provider_name", "openai"), ("gen_ai_request_model", "small")],
            value: "1m 19s",
        },
    },
    Alert {
        name: "ToolSlow",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: concat!(
            quantile!("0.95", "service_name, gen_ai_tool_name", "gen_ai.execute_tool.duration", "", "10m"),
            " > 10"
        ),
        hold: "10m",
        keep: "5m",
        summary: "5 of 100 calls of the tool {gen_ai_tool_name} take {value} or longer",
        value: Value::Duration,
        description: "What the tool uses is slow: a database, a service, another agent.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: high_values!(
                "gen_ai.execute_tool.duration",
                "gen_ai_tool_name=\"search\",service_name=\"product\"",
                "10.24" to "20.48", later "0.16"
            ),
            labels: &[("gen_ai_tool_name", "search"), ("service_name", "product")],
            value: "19.97s",
        },
    },
    Alert {
        name: "AgentGoesInCircles",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: concat!(
            quantile!(
                "0.95",
                "service_name, gen_ai_agent_name",
                "gen_ai.invoke_agent.inference_calls",
                "",
                "15m"
            ),
            " > 32"
        ),
        hold: "10m",
        keep: "",
        summary: "5 of 100 runs of {gen_ai_agent_name} need {value} model calls or more",
        value: Value::Number,
        description: "The agent repeats its steps, which costs time and tokens.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: high_values!(
                "gen_ai.invoke_agent.inference_calls",
                "gen_ai_agent_name=\"sales-agent\",service_name=\"sales\"",
                "32" to "64", later "4"
            ),
            labels: &[("gen_ai_agent_name", "sales-agent"), ("service_name", "sales")],
            value: "62.4",
        },
    },
    Alert {
        name: "TokensSpike",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: "sum by (service_name) (rate(<gen_ai.client.token.usage>_sum[15m])) \
               / (sum by (service_name) (rate(<gen_ai.client.token.usage>_sum[15m] offset 1h)) > 0) > 3 \
               or sum by (service_name) (rate(<gen_ai.client.inference.usage.input_tokens>[15m])) \
               / (sum by (service_name) (rate(<gen_ai.client.inference.usage.input_tokens>[15m] offset 1h)) > 0) > 3",
        hold: "10m",
        keep: "",
        summary: "{service_name} uses {value} times as many tokens as an hour ago",
        value: Value::Number,
        description: "More is asked, requests have become longer, or an agent goes round in circles.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[(
                "<gen_ai.client.token.usage>_sum{gen_ai_token_type=\"input\",service_name=\"sales\"}",
                Course::Text("0+100x80 8500+500x39", "28000x120", "0x120"),
            )],
            labels: &[("service_name", "sales")],
            value: "5",
        },
    },
    Alert {
        name: "CostsSpike",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: "sum by (service_name) (rate(<gen_ai.client.cost>[15m])) \
               / (sum by (service_name) (rate(<gen_ai.client.cost>[15m] offset 1h)) > 0) > 3",
        hold: "10m",
        keep: "",
        summary: "{service_name} costs {value} times as much as an hour ago",
        value: Value::Number,
        description: "More is asked, a dearer model is used, or an agent goes round in circles.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[(
                "<gen_ai.client.cost>{gen_ai_request_model=\"small\",service_name=\"sales\"}",
                Course::Text("0+100x80 8500+500x39", "28000x120", "0x120"),
            )],
            labels: &[("service_name", "sales")],
            value: "5",
        },
    },
    Alert {
        name: "EvaluationScoresDrop",
        category: Category::Performance,
        severity: Severity::Warning,
        expr: "sum by (gen_ai_evaluation_name) (rate(<a2a_otel.evaluation.score>_sum[30m])) \
               / (sum by (gen_ai_evaluation_name) (rate(<a2a_otel.evaluation.score>_count[30m])) > 0) \
               / (sum by (gen_ai_evaluation_name) (rate(<a2a_otel.evaluation.score>_sum[30m] offset 1h)) \
               / sum by (gen_ai_evaluation_name) (rate(<a2a_otel.evaluation.score>_count[30m] offset 1h)) > 0) < 0.8",
        hold: "10m",
        keep: "",
        summary: "The scores of {gen_ai_evaluation_name} are at {value} of those an hour ago",
        value: Value::Percentage,
        description: "Answers have become worse: look at what has been deployed, and at some traces.",
        dashboard: Dashboard::Agents,
        peer: None,
        case: Case {
            series: &[
                (
                    "<a2a_otel.evaluation.score>_sum{gen_ai_evaluation_name=\"correct\"}",
                    Course::Text("0+100x80 8050+50x39", "10100+100x120", "0x120"),
                ),
                (
                    "<a2a_otel.evaluation.score>_count{gen_ai_evaluation_name=\"correct\"}",
                    Course::Rate(100, 100),
                ),
            ],
            labels: &[("gen_ai_evaluation_name", "correct")],
            value: "50%",
        },
    },
];
