//! Alerts about calls that fail.
//!
//! The error budget is watched over two windows each, so that an alert comes soon and also ends soon.
//!
//! Source: the chapter "Alerting on SLOs" of Google's Site Reliability Workbook.

use super::alert::{Alert, Case, Category, Course, Dashboard, Severity, Value, failing_calls};
use crate::promql::failing;

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "AgentErrorBudgetBurnsFast",
        category: Category::Errors,
        severity: Severity::Critical,
        expr: "service_name:a2a_server_errors:ratio_rate1h > 14.4 * (1 - @objective) \
               and service_name:a2a_server_errors:ratio_rate5m > 14.4 * (1 - @objective)",
        hold: "2m",
        keep: "5m",
        summary: "{service_name} fails {value} of its requests",
        value: Value::Percentage,
        description: "At this rate, the failures that are allowed in 30 days are used up in two.",
        dashboard: Dashboard::Errors,
        peer: Some("service_name"),
        case: Case {
            series: failing_calls!("a2a.server.operation.duration", "service_name=\"sales\""),
            labels: &[("service_name", "sales")],
            value: "100%",
        },
    },
    Alert {
        name: "AgentErrorBudgetBurnsSlowly",
        category: Category::Errors,
        severity: Severity::Warning,
        expr: "service_name:a2a_server_errors:ratio_rate6h > 6 * (1 - @objective) \
               and service_name:a2a_server_errors:ratio_rate30m > 6 * (1 - @objective)",
        hold: "15m",
        keep: "",
        summary: "{service_name} has failed {value} of its requests for hours",
        value: Value::Percentage,
        description: "At this rate, the failures that are allowed in 30 days are used up in five.",
        dashboard: Dashboard::Errors,
        peer: Some("service_name"),
        case: Case {
            series: failing_calls!("a2a.server.operation.duration", "service_name=\"sales\""),
            labels: &[("service_name", "sales")],
            value: "100%",
        },
    },
    Alert {
        name: "AgentRunsFail",
        category: Category::Errors,
        severity: Severity::Warning,
        expr: concat!(
            failing!("service_name, gen_ai_agent_name", "gen_ai.invoke_agent.duration", "", "10m"),
            " > 0.2"
        ),
        hold: "5m",
        keep: "5m",
        summary: "{value} of the runs of {gen_ai_agent_name} fail",
        value: Value::Percentage,
        description: "A run fails if the agent's function returns an error, panics or is cancelled.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: failing_calls!(
                "gen_ai.invoke_agent.duration",
                "gen_ai_agent_name=\"sales-agent\",service_name=\"sales\""
            ),
            labels: &[("gen_ai_agent_name", "sales-agent"), ("service_name", "sales")],
            value: "100%",
        },
    },
    Alert {
        name: "ModelCallsFail",
        category: Category::Errors,
        severity: Severity::Critical,
        expr: concat!(
            "(",
            failing!(
                "gen_ai_provider_name, gen_ai_request_model",
                ["gen_ai.client.operation.duration" | "gen_ai.client.inference.duration"],
                "",
                "10m"
            ),
            ") > 0.2"
        ),
        hold: "5m",
        keep: "5m",
        summary: "{value} of the calls of {gen_ai_request_model} fail",
        value: Value::Percentage,
        description: "The provider refuses requests, limits their rate, or does not answer.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: failing_calls!(
                "gen_ai.client.operation.duration",
                "gen_ai_provider_name=\"openai\",gen_ai_request_model=\"small\",service_name=\"sales\""
            ),
            labels: &[("gen_ai_provider_name", "openai"), ("gen_ai_request_model", "small")],
            value: "100%",
        },
    },
    Alert {
        name: "ToolCallsFail",
        category: Category::Errors,
        severity: Severity::Warning,
        expr: concat!(
            failing!("service_name, gen_ai_tool_name", "gen_ai.execute_tool.duration", "", "10m"),
            " > 0.2"
        ),
        hold: "5m",
        keep: "5m",
        summary: "{value} of the calls of the tool {gen_ai_tool_name} fail",
        value: Value::Percentage,
        description: "A model may call a tool that fails again and again, which costs tokens.",
        dashboard: Dashboard::Errors,
        peer: None,
        case: Case {
            series: failing_calls!(
                "gen_ai.execute_tool.duration",
                "gen_ai_tool_name=\"search\",service_name=\"product\""
            ),
            labels: &[("gen_ai_tool_name", "search"), ("service_name", "product")],
            value: "100%",
        },
    },
    Alert {
        name: "McpRequestsFail",
        category: Category::Errors,
        severity: Severity::Warning,
        expr: concat!(
            failing!(
                "service_name, mcp_method_name, gen_ai_tool_name",
                "mcp.client.operation.duration",
                "",
                "10m"
            ),
            " > 0.2"
        ),
        hold: "5m",
        keep: "5m",
        summary: "{value} of the MCP requests {mcp_method_name} {gen_ai_tool_name} fail",
        value: Value::Percentage,
        description: "The MCP server answers with errors, or not at all.",
        dashboard: Dashboard::Communication,
        peer: None,
        case: Case {
            series: failing_calls!(
                "mcp.client.operation.duration",
                "gen_ai_tool_name=\"search\",mcp_method_name=\"tools/call\",service_name=\"product\""
            ),
            labels: &[
                ("gen_ai_tool_name", "search"),
                ("mcp_method_name", "tools/call"),
                ("service_name", "product"),
            ],
            value: "100%",
        },
    },
    Alert {
        name: "TasksFail",
        category: Category::Errors,
        severity: Severity::Warning,
        expr: "sum by (service_name) (rate(<a2a.server.tasks>{a2a_task_state=~\"TASK_STATE_(FAILED|REJECTED)\"}[10m])) \
               / (sum by (service_name) (rate(<a2a.server.tasks>\
               {a2a_task_state=~\"TASK_STATE_(COMPLETED|FAILED|REJECTED|CANCELED)\"}[10m])) > 0) > 0.2",
        hold: "5m",
        keep: "5m",
        summary: "{value} of the tasks of {service_name} fail or are rejected",
        value: Value::Percentage,
        description: "The agent answers, but does not do what it is asked for.",
        dashboard: Dashboard::Errors,
        peer: Some("service_name"),
        case: Case {
            series: &[
                (
                    "<a2a.server.tasks>{a2a_task_state=\"TASK_STATE_FAILED\",service_name=\"sales\"}",
                    Course::Rate(30, 0),
                ),
                (
                    "<a2a.server.tasks>{a2a_task_state=\"TASK_STATE_COMPLETED\",service_name=\"sales\"}",
                    Course::Rate(30, 60),
                ),
                (
                    "<a2a.server.tasks>{a2a_task_state=\"TASK_STATE_WORKING\",service_name=\"sales\"}",
                    Course::Rate(60, 60),
                ),
            ],
            labels: &[("service_name", "sales")],
            value: "50%",
        },
    },
];
