//! The dashboard of agents' performance.

use super::panel::Look::{Heatmap, Lines, Number, Quantiles, Stack};
use super::panel::Spec;
use super::{About, Section};
use crate::promql::{calls, failing, quantile, rate};

pub(super) const ABOUT: About = About {
    path: "grafana/agent-performance.json",
    uid: "a2a-otel-agents",
    title: "Agent performance",
    description: "How much agents, tools and models are asked, how long they take, and what they use.",
};

pub(super) const SECTIONS: &[Section] = &[
    Section { title: "At a glance", panels: GLANCE },
    Section { title: "Requests to agents", panels: REQUESTS },
    Section { title: "Runs of agents", panels: RUNS },
    Section { title: "Tools", panels: TOOLS },
    Section { title: "Models", panels: MODELS },
    Section { title: "Tokens and costs", panels: COSTS },
    Section { title: "Evaluations", panels: EVALUATIONS },
    Section { title: "Processes", panels: PROCESSES },
    Section { title: "Runtimes", panels: RUNTIMES },
];

const GLANCE: &[Spec] = &[
    Spec {
        title: "Requests",
        description: "Requests to the agents per second.",
        unit: "reqps",
        look: Number,
        queries: &[("", "sum(rate(<a2a.server.operation.duration>_count{@s}[@i]))", "")],
    },
    Spec {
        title: "Failing requests",
        description: "The part of requests to the agents that fails.",
        unit: "percentunit",
        look: Number,
        queries: &[(
            "",
            "(sum(rate(<a2a.server.operation.duration>_count{error_type!=\"\",@s}[@i])) or vector(0)) \
             / (sum(rate(<a2a.server.operation.duration>_count{@s}[@i])) > 0)",
            "",
        )],
    },
    Spec {
        title: "Duration of requests",
        description: "95 of 100 requests to the agents are faster.",
        unit: "s",
        look: Number,
        queries: &[(
            "",
            "histogram_quantile(0.95, sum by (le) (rate(<a2a.server.operation.duration>_bucket{@s}[@i])))",
            "",
        )],
    },
    Spec {
        title: "Active tasks",
        description: "Tasks that the agents are working on now.",
        unit: "short",
        look: Number,
        queries: &[("", "sum(<a2a.server.active_tasks>{@s})", "")],
    },
];

const REQUESTS: &[Spec] = &[
    Spec {
        title: "How much are the agents asked?",
        description: "Requests to each agent per second, over A2A.",
        unit: "reqps",
        look: Lines,
        queries: &[(
            "{{service_name}}",
            calls!("service_name", "a2a.server.operation.duration", "@s", "@i"),
            "",
        )],
    },
    Spec {
        title: "How often do requests fail?",
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
        title: "How long do requests take?",
        description: "Half, 95 and 99 of 100 requests to each agent are faster.",
        unit: "s",
        look: Quantiles,
        queries: &[
            (
                "{{service_name}} p50",
                quantile!("0.5", "service_name", "a2a.server.operation.duration", "@s", "@i"),
                "",
            ),
            (
                "{{service_name}} p95",
                quantile!("0.95", "service_name", "a2a.server.operation.duration", "@s", "@i"),
                "",
            ),
            (
                "{{service_name}} p99",
                quantile!("0.99", "service_name", "a2a.server.operation.duration", "@s", "@i"),
                "",
            ),
        ],
    },
    Spec {
        title: "Durations of requests",
        description: "How many requests take how long: two bands are two kinds of requests.",
        unit: "short",
        look: Heatmap,
        queries: &[("{{le}}", "sum by (le) (increase(<a2a.server.operation.duration>_bucket{@s}[@i]))", "")],
    },
    Spec {
        title: "How busy are the agents?",
        description: "Tasks that each agent is working on.",
        unit: "short",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (<a2a.server.active_tasks>{@s})", "")],
    },
];

const RUNS: &[Spec] = &[
    Spec {
        title: "How often do agents run?",
        description: "Runs of each agent per second; an agent may run several times for one request.",
        unit: "ops",
        look: Lines,
        queries: &[(
            "{{gen_ai_agent_name}}",
            calls!("gen_ai_agent_name", "gen_ai.invoke_agent.duration", "@s,@a", "@i"),
            "",
        )],
    },
    Spec {
        title: "How long does a run take?",
        description: "Half and 95 of 100 runs of each agent are faster.",
        unit: "s",
        look: Quantiles,
        queries: &[
            (
                "{{gen_ai_agent_name}} p50",
                quantile!("0.5", "gen_ai_agent_name", "gen_ai.invoke_agent.duration", "@s,@a", "@i"),
                "",
            ),
            (
                "{{gen_ai_agent_name}} p95",
                quantile!("0.95", "gen_ai_agent_name", "gen_ai.invoke_agent.duration", "@s,@a", "@i"),
                "",
            ),
        ],
    },
    Spec {
        title: "How many model calls does a run need?",
        description: "95 of 100 runs need fewer. Many calls mean that an agent goes round in circles.",
        unit: "short",
        look: Lines,
        queries: &[(
            "{{gen_ai_agent_name}}",
            quantile!("0.95", "gen_ai_agent_name", "gen_ai.invoke_agent.inference_calls", "@s,@a", "@i"),
            "",
        )],
    },
    Spec {
        title: "How many tool calls does a run need?",
        description: "95 of 100 runs need fewer.",
        unit: "short",
        look: Lines,
        queries: &[(
            "{{gen_ai_agent_name}}",
            quantile!("0.95", "gen_ai_agent_name", "gen_ai.invoke_agent.tool_calls", "@s,@a", "@i"),
            "",
        )],
    },
];

const TOOLS: &[Spec] = &[
    Spec {
        title: "How often are tools called?",
        description: "Calls of each tool per second.",
        unit: "ops",
        look: Lines,
        queries: &[(
            "{{gen_ai_tool_name}}",
            calls!("gen_ai_tool_name", "gen_ai.execute_tool.duration", "@s,@a", "@i"),
            "",
        )],
    },
    Spec {
        title: "How long do tools take?",
        description: "95 of 100 calls of each tool are faster.",
        unit: "s",
        look: Quantiles,
        queries: &[(
            "{{gen_ai_tool_name}}",
            quantile!("0.95", "gen_ai_tool_name", "gen_ai.execute_tool.duration", "@s,@a", "@i"),
            "",
        )],
    },
];

const MODELS: &[Spec] = &[
    Spec {
        title: "How often are models called?",
        description: "Calls of each model per second.",
        unit: "ops",
        look: Lines,
        queries: &[(
            "{{gen_ai_request_model}}",
            calls!(
                "gen_ai_request_model",
                ["gen_ai.client.operation.duration" | "gen_ai.client.inference.duration"],
                "@s,@a",
                "@i"
            ),
            "",
        )],
    },
    Spec {
        title: "How long do models take?",
        description: "95 of 100 calls of each model are faster, to the end of the answer.",
        unit: "s",
        look: Quantiles,
        queries: &[(
            "{{gen_ai_request_model}}",
            quantile!(
                "0.95",
                "gen_ai_request_model",
                ["gen_ai.client.operation.duration" | "gen_ai.client.inference.duration"],
                "@s,@a",
                "@i"
            ),
            "",
        )],
    },
    Spec {
        title: "How long do people wait for a first word?",
        description: "95 of 100 streamed answers begin sooner.",
        unit: "s",
        look: Quantiles,
        queries: &[(
            "{{gen_ai_request_model}}",
            quantile!(
                "0.95",
                "gen_ai_request_model",
                ["gen_ai.client.operation.time_to_first_chunk"
                    | "gen_ai.client.inference.time_to_first_chunk"],
                "@s,@a",
                "@i"
            ),
            "",
        )],
    },
    Spec {
        title: "How fast does the answer come?",
        description: "Time from a chunk of a streamed answer to the next; half of them are faster.",
        unit: "s",
        look: Quantiles,
        queries: &[(
            "{{gen_ai_request_model}}",
            quantile!(
                "0.5",
                "gen_ai_request_model",
                ["gen_ai.client.operation.time_per_output_chunk"
                    | "gen_ai.client.inference.time_per_output_chunk"],
                "@s,@a",
                "@i"
            ),
            "",
        )],
    },
];

/// The rate of tokens by type, which version 0.1.0 of the GenAI conventions has in a metric for each type.
macro_rules! tokens {
    ($by:literal) => {
        concat!(
            "sum by (",
            $by,
            ") (",
            rate!("gen_ai.client.token.usage", "_sum", "@s,@a", "@i"),
            " or label_replace(",
            rate!("gen_ai.client.inference.usage.input_tokens", "", "@s,@a", "@i"),
            ", \"gen_ai_token_type\", \"input\", \"\", \"\") or label_replace(",
            rate!("gen_ai.client.inference.usage.output_tokens", "", "@s,@a", "@i"),
            ", \"gen_ai_token_type\", \"output\", \"\", \"\"))"
        )
    };
}

const COSTS: &[Spec] = &[
    Spec {
        title: "Which agents use how many tokens?",
        description: "Tokens of each agent per second, by type.",
        unit: "cps",
        look: Stack,
        queries: &[(
            "{{gen_ai_agent_name}} {{gen_ai_token_type}}",
            tokens!("gen_ai_agent_name, gen_ai_token_type"),
            "",
        )],
    },
    Spec {
        title: "Which models use how many tokens?",
        description: "Tokens of each model per second.",
        unit: "cps",
        look: Stack,
        queries: &[("{{gen_ai_request_model}}", tokens!("gen_ai_request_model"), "")],
    },
    Spec {
        title: "What do agents cost?",
        description: "Costs of each agent's model calls per hour.",
        unit: "currencyUSD",
        look: Stack,
        queries: &[(
            "{{gen_ai_agent_name}}",
            "3600 * sum by (gen_ai_agent_name) (rate(<gen_ai.client.cost>{@s,@a}[@i]))",
            "",
        )],
    },
    Spec {
        title: "What do models cost?",
        description: "Costs of each model's calls per hour.",
        unit: "currencyUSD",
        look: Stack,
        queries: &[(
            "{{gen_ai_request_model}}",
            "3600 * sum by (gen_ai_request_model) (rate(<gen_ai.client.cost>{@s,@a}[@i]))",
            "",
        )],
    },
    Spec {
        title: "Which models have no price?",
        description: "Calls per second that are missing from the costs, because no price is known.",
        unit: "ops",
        look: Lines,
        queries: &[(
            "{{gen_ai_request_model}}",
            "sum by (gen_ai_request_model) (rate(<gen_ai.client.unpriced_calls>{@s}[@i]))",
            "",
        )],
    },
];

const EVALUATIONS: &[Spec] = &[
    Spec {
        title: "How good are the answers?",
        description: "The mean score of each evaluation.",
        unit: "short",
        look: Lines,
        queries: &[(
            "{{gen_ai_evaluation_name}}",
            "sum by (gen_ai_evaluation_name) (rate(<a2a_otel.evaluation.score>_sum{@s,@a}[@i])) \
             / (sum by (gen_ai_evaluation_name) (rate(<a2a_otel.evaluation.score>_count{@s,@a}[@i])) > 0)",
            "",
        )],
    },
    Spec {
        title: "What are the verdicts?",
        description: "Evaluations per second, by verdict.",
        unit: "ops",
        look: Stack,
        queries: &[(
            "{{gen_ai_evaluation_name}} {{gen_ai_evaluation_score_label}}",
            "sum by (gen_ai_evaluation_name, gen_ai_evaluation_score_label) (rate(<a2a_otel.evaluations>{@s,@a}[@i]))",
            "",
        )],
    },
];

const PROCESSES: &[Spec] = &[
    Spec {
        title: "How much CPU do agents use?",
        description: "CPUs that each process keeps busy, on average.",
        unit: "short",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (rate(<process.cpu.time>{@s}[@i]))", "")],
    },
    Spec {
        title: "How much memory do agents take?",
        description: "Physical memory of each process, and the limit at which it is killed.",
        unit: "bytes",
        look: Lines,
        queries: &[
            ("{{service_name}}", "sum by (service_name) (<process.memory.usage>{@s})", ""),
            ("{{service_name}} limit", "sum by (service_name) (<process.memory.limit>{@s})", ""),
        ],
    },
    Spec {
        title: "Are files and connections closed?",
        description: "Open files, sockets and the like, as a part of those that are allowed.",
        unit: "percentunit",
        look: Lines,
        queries: &[(
            "{{service_name}}",
            "max by (service_name) (<process.unix.file_descriptor.count>{@s} / <process.unix.file_descriptor.limit>{@s})",
            "",
        )],
    },
    Spec {
        title: "Threads",
        description: "Threads of each process.",
        unit: "short",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (<process.thread.count>{@s})", "")],
    },
    Spec {
        title: "When were the processes started?",
        description: "The time since each process was started. It falls when a process is started again.",
        unit: "s",
        look: Lines,
        queries: &[("{{service_name}}", "min by (service_name) (<process.uptime>{@s})", "")],
    },
];

const RUNTIMES: &[Spec] = &[
    Spec {
        title: "Do the runtimes need more workers?",
        description: "The part of the time in which the workers of each runtime are busy.",
        unit: "percentunit",
        look: Lines,
        queries: &[("{{service_name}}", "max by (service_name) (<tokio.busy_ratio>{@s})", "")],
    },
    Spec {
        title: "Do tasks wait for a worker?",
        description: "Tasks in the global queue of each runtime.",
        unit: "short",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (<tokio.global_queue_depth>{@s})", "")],
    },
    Spec {
        title: "Do tasks pile up?",
        description: "Tasks of each runtime that have not ended.",
        unit: "short",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (<tokio.alive_tasks>{@s})", "")],
    },
    Spec {
        title: "Does something block the runtimes?",
        description: "Seconds per second in which no worker takes a new task, after the first second of each stall.",
        unit: "s",
        look: Lines,
        queries: &[("{{service_name}}", "sum by (service_name) (rate(<tokio.stall.time>{@s}[@i]))", "")],
    },
];
