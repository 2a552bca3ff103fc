//! The dashboard of calls between agents, and to MCP servers.

use super::panel::Look::{Graph, Lines, Number, Quantiles, Stack, Table};
use super::panel::Spec;
use super::{About, Section};
use crate::promql::{calls, failing, quantile};

pub(super) const ABOUT: About = About {
    path: "grafana/a2a-communication.json",
    uid: "a2a-otel-communication",
    title: "A2A communication",
    description: "Who calls whom, how that goes, and what becomes of the tasks.",
};

pub(super) const SECTIONS: &[Section] = &[
    Section { title: "Who calls whom", panels: MATRIX },
    Section { title: "How calls go", panels: CALLS },
    Section { title: "Tasks", panels: TASKS },
    Section { title: "Messages", panels: MESSAGES },
    Section { title: "MCP", panels: MCP },
    Section { title: "Availability", panels: AVAILABILITY },
];

const MATRIX: &[Spec] = &[AS_A_TABLE, AS_A_GRAPH];

const AS_A_TABLE: Spec = Spec {
    title: "Which agent calls which, and how does that go?",
    description: "Each pair of agents: the calls in the selected time, the part that fails, and the duration within \
                  which 95 of 100 calls are answered.",
    unit: "short",
    look: Table,
    queries: &[
        (
            "calls",
            "sum by (service_name, gen_ai_agent_name) (increase(<a2a.client.operation.duration>_count{@s}[$__range]))",
            "short",
        ),
        (
            "failing",
            failing!("service_name, gen_ai_agent_name", "a2a.client.operation.duration", "@s,", "$__range"),
            "percentunit",
        ),
        (
            "p95",
            quantile!(
                "0.95",
                "service_name, gen_ai_agent_name",
                "a2a.client.operation.duration",
                "@s",
                "$__range"
            ),
            "s",
        ),
    ],
};

/// The label of the called agent becomes `target`, that of the caller `source`; an agent is one node if its service has its
/// name.
const AS_A_GRAPH: Spec = Spec {
    title: "Who calls whom?",
    description: "Each agent and program with the calls that it answers, and each pair with its calls, per second in the \
                  selected time. An agent is one node if its service.name is the name on its card.",
    unit: "reqps",
    look: Graph,
    queries: &[
        (
            "edges",
            concat!(
                "sum by (id, source, target) (label_join(",
                "label_replace(label_replace(",
                calls!("service_name, gen_ai_agent_name", "a2a.client.operation.duration", "@s", "$__range"),
                ", \"source\", \"$1\", \"service_name\", \"(.*)\"), \"target\", \"$1\", \"gen_ai_agent_name\", \"(.*)\")",
                ", \"id\", \" calls \", \"source\", \"target\"))"
            ),
            "",
        ),
        (
            "nodes",
            concat!(
                "sum by (id, title) (label_join(label_replace(",
                calls!("gen_ai_agent_name", "a2a.client.operation.duration", "@s", "$__range"),
                ", \"id\", \"$1\", \"gen_ai_agent_name\", \"(.*)\") or label_replace(0 * ",
                calls!("service_name", "a2a.client.operation.duration", "@s", "$__range"),
                ", \"id\", \"$1\", \"service_name\", \"(.*)\"), \"title\", \"\", \"id\"))"
            ),
            "",
        ),
    ],
};

const CALLS: &[Spec] = &[
    Spec {
        title: "Calls",
        description: "Calls of other agents per second.",
        unit: "reqps",
        look: Number,
        queries: &[("", "sum(rate(<a2a.client.operation.duration>_count{@s}[@i]))", "")],
    },
    Spec {
        title: "Failing calls",
        description: "The part of calls of other agents that fails.",
        unit: "percentunit",
        look: Number,
        queries: &[(
            "",
            "(sum(rate(<a2a.client.operation.duration>_count{error_type!=\"\",@s}[@i])) or vector(0)) \
             / (sum(rate(<a2a.client.operation.duration>_count{@s}[@i])) > 0)",
            "",
        )],
    },
    Spec {
        title: "Duration of calls",
        description: "95 of 100 calls of other agents are faster.",
        unit: "s",
        look: Number,
        queries: &[(
            "",
            "histogram_quantile(0.95, sum by (le) (rate(<a2a.client.operation.duration>_bucket{@s}[@i])))",
            "",
        )],
    },
    Spec {
        title: "Retries",
        description: "Further attempts of calls per second.",
        unit: "ops",
        look: Number,
        queries: &[("", "sum(rate(<a2a.client.retries>{@s}[@i])) or vector(0)", "")],
    },
    Spec {
        title: "Which methods are called?",
        description: "Calls of each method per second.",
        unit: "reqps",
        look: Lines,
        queries: &[(
            "{{a2a_method_name}}",
            calls!("a2a_method_name", "a2a.client.operation.duration", "@s", "@i"),
            "",
        )],
    },
    Spec {
        title: "Which agents fail to answer?",
        description: "The part of calls of each agent that fails, as its callers see it.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{gen_ai_agent_name}}",
            failing!("gen_ai_agent_name", "a2a.client.operation.duration", "@s,@a,", "@i"),
            "",
        )],
    },
    Spec {
        title: "How long do agents take to answer?",
        description: "95 of 100 calls of each agent are faster, as its callers see it.",
        unit: "s",
        look: Quantiles,
        queries: &[(
            "{{gen_ai_agent_name}}",
            quantile!("0.95", "gen_ai_agent_name", "a2a.client.operation.duration", "@s,@a", "@i"),
            "",
        )],
    },
    Spec {
        title: "How much time is spent between the agents?",
        description: "The duration that callers see minus the one that the called agents see, each for 95 of 100 \
                      requests of a method: network, queues, and what stands between them.",
        unit: "s",
        look: Lines,
        queries: &[(
            "{{a2a_method_name}}",
            concat!(
                quantile!("0.95", "a2a_method_name", "a2a.client.operation.duration", "@s", "@i"),
                " - ",
                quantile!("0.95", "a2a_method_name", "a2a.server.operation.duration", "@s", "@i")
            ),
            "",
        )],
    },
    Spec {
        title: "Do calls carry their traces?",
        description: "The part of requests to each program, over A2A and MCP, that name their caller's span. Others begin a \
                      trace of their own, so that a trace ends at the caller.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{service_name}} {{a2a_otel_protocol}}",
            "(sum by (service_name, a2a_otel_protocol) \
             (rate(<a2a_otel.server.requests>{otel_span_parent_origin=\"remote\",@s}[@i])) \
             or 0 * sum by (service_name, a2a_otel_protocol) (rate(<a2a_otel.server.requests>{@s}[@i]))) \
             / (sum by (service_name, a2a_otel_protocol) (rate(<a2a_otel.server.requests>{@s}[@i])) > 0)",
            "",
        )],
    },
    Spec {
        title: "Which agents have to be asked again?",
        description: "Further attempts of calls of each agent per second.",
        unit: "ops",
        look: Lines,
        queries: &[(
            "{{gen_ai_agent_name}}",
            "sum by (gen_ai_agent_name) (rate(<a2a.client.retries>{@s,@a}[@i]))",
            "",
        )],
    },
];

const TASKS: &[Spec] = &[
    Spec {
        title: "What becomes of tasks?",
        description: "Tasks that reach each state, per second.",
        unit: "ops",
        look: Stack,
        queries: &[("{{a2a_task_state}}", "sum by (a2a_task_state) (rate(<a2a.server.tasks>{@s}[@i]))", "")],
    },
    Spec {
        title: "Which agents have stuck tasks?",
        description: "Active tasks of agents of which no task has reached a state within 15m.",
        unit: "short",
        look: Lines,
        queries: &[(
            "{{service_name}}",
            "sum by (service_name) (min_over_time(<a2a.server.active_tasks>{@s}[15m])) \
             * on (service_name) (sum by (service_name) (increase(<a2a.server.tasks>{@s}[15m])) == bool 0)",
            "",
        )],
    },
];

const MESSAGES: &[Spec] = &[Spec {
    title: "How much is passed between agents?",
    description: "95 of 100 messages to and from each agent are smaller.",
    unit: "bytes",
    look: Lines,
    queries: &[(
        "{{gen_ai_agent_name}} {{network_io_direction}}",
        quantile!(
            "0.95",
            "gen_ai_agent_name, network_io_direction",
            "a2a.client.message.size",
            "@s,@a",
            "@i"
        ),
        "",
    )],
}];

const MCP: &[Spec] = &[
    Spec {
        title: "Which MCP methods are called?",
        description: "Requests of each method to MCP servers per second.",
        unit: "reqps",
        look: Lines,
        queries: &[(
            "{{mcp_method_name}}",
            calls!("mcp_method_name", "mcp.client.operation.duration", "@s", "@i"),
            "",
        )],
    },
    Spec {
        title: "How long do MCP servers take?",
        description: "95 of 100 requests of each method are faster, as the clients see it.",
        unit: "s",
        look: Quantiles,
        queries: &[(
            "{{mcp_method_name}}",
            quantile!("0.95", "mcp_method_name", "mcp.client.operation.duration", "@s", "@i"),
            "",
        )],
    },
    Spec {
        title: "How often do MCP requests fail?",
        description: "The part of requests to MCP servers that fails, by tool.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{gen_ai_tool_name}}",
            failing!("gen_ai_tool_name", "mcp.client.operation.duration", "@s,", "@i"),
            "",
        )],
    },
    Spec {
        title: "How much are the MCP servers asked?",
        description: "Requests to MCP servers of these programs per second, by tool.",
        unit: "reqps",
        look: Lines,
        queries: &[(
            "{{gen_ai_tool_name}}",
            calls!("gen_ai_tool_name", "mcp.server.operation.duration", "@s", "@i"),
            "",
        )],
    },
];

const AVAILABILITY: &[Spec] = &[Spec {
    title: "Which programs can be scraped?",
    description: "1 while Prometheus gets metrics from a program, 0 while it does not.",
    unit: "short",
    look: Lines,
    queries: &[("{{job}} {{instance}}", "min by (job, instance) (up)", "")],
}];
