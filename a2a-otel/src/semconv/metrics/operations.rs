//! The metrics of operations: runs of agents, calls of tools and models, requests over MCP and A2A, evaluations.
//!
//! Sources: [`Source`](super::Source) names the repositories. The bounds of MCP are those of its page; `a2a.*` follows
//! MCP, because OpenTelemetry's draft for A2A has no metrics yet.

use super::row::Source::{GenAi, GenAiOnly, Mcp, Ours};
use super::row::rows;
use crate::semconv::GenAiVersion::{V0_1_0, V1_41};
use crate::semconv::gen_ai::{
    AGENT_NAME, EVALUATION_NAME, EVALUATION_SCORE_LABEL, OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL,
    RESPONSE_MODEL, TOOL_NAME,
};
use crate::semconv::opentelemetry::ERROR_TYPE;

pub(crate) const TOKEN_TYPE: &str = "gen_ai.token.type";
pub(crate) const TOKEN_MODALITY: &str = "gen_ai.token.modality";
pub(crate) const A2A_METHOD_NAME: &str = "a2a.method.name";
pub(crate) const A2A_TASK_STATE: &str = "a2a.task.state";
pub(crate) const MCP_METHOD_NAME: &str = "mcp.method.name";
pub(crate) const MCP_PROTOCOL_VERSION: &str = "mcp.protocol.version";
pub(crate) const RPC_STATUS_CODE: &str = "rpc.response.status_code";
pub(crate) const NETWORK_TRANSPORT: &str = "network.transport";
/// `a2a` or `mcp`.
pub(crate) const PROTOCOL: &str = "a2a_otel.protocol";
/// `remote` if there is a parent in another process, else `none`, as OpenTelemetry's conventions for SDKs name it.
pub(crate) const PARENT_ORIGIN: &str = "otel.span.parent.origin";
/// `transmit` or `receive`.
pub(crate) const IO_DIRECTION: &str = "network.io.direction";

/// 0.01 s, times 2, to 81.92 s: models and tools.
const CALLS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// As [`CALLS`], from 0.001 s.
const CHUNKS: &[f64] = &[
    0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
    32.768, 65.536,
];
/// 0.1 s, times 2, to 409.6 s.
const AGENT_RUNS: &[f64] = &[0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6];
/// 1, times 2, to 128.
const CALLS_OF_A_RUN: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// MCP's and ours.
const REQUESTS: &[f64] = &[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// Most scores lie between 0 and 1; some scales go to 5, 10 or 100.
const SCORES: &[f64] = &[
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0,
    25.0, 50.0, 75.0, 100.0,
];

rows! {
    AGENT_RUN_DURATION = Histogram "gen_ai.invoke_agent.duration", "s", bounds AGENT_RUNS, [AGENT_NAME, ERROR_TYPE], GenAi,
        "Duration of an agent's run", "How long do agents take, and how often do they fail?";
    AGENT_MODEL_CALLS = Histogram "gen_ai.invoke_agent.inference_calls", "{inference_call}", bounds CALLS_OF_A_RUN, [AGENT_NAME], GenAi,
        "Model calls of an agent's run, without those of other agents that it calls",
        "How many model calls does a run need, and does an agent go round in circles?";
    AGENT_TOOL_CALLS = Histogram "gen_ai.invoke_agent.tool_calls", "{tool_call}", bounds CALLS_OF_A_RUN, [AGENT_NAME], GenAi,
        "Tool calls of an agent's run, without those of other agents that it calls",
        "How many tool calls does a run need?";
    TOOL_DURATION = Histogram "gen_ai.execute_tool.duration", "s", bounds CALLS, [TOOL_NAME, AGENT_NAME, ERROR_TYPE], GenAi,
        "Duration of a tool call", "Which tools are slow or fail?";

    OPERATION_DURATION = Histogram "gen_ai.client.operation.duration", "s", bounds CALLS,
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, ERROR_TYPE], GenAi,
        "Duration of a model call; in version 0.1.0 only of embeddings and retrievals",
        "Which models are slow or fail?";
    TOKEN_USAGE = Histogram "gen_ai.client.token.usage", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, TOKEN_TYPE], GenAiOnly(V1_41),
        "Tokens of a model call, by type", "Which agents and models use how many tokens?";
    TIME_TO_FIRST_CHUNK = Histogram "gen_ai.client.operation.time_to_first_chunk", "s", bounds CHUNKS,
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME], GenAiOnly(V1_41),
        "Time to the first chunk of a streamed answer", "How long do people wait for a first word?";
    TIME_PER_OUTPUT_CHUNK = Histogram "gen_ai.client.operation.time_per_output_chunk", "s", bounds CHUNKS,
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME], GenAiOnly(V1_41),
        "Time from a chunk of a streamed answer to the next", "How fast does the answer come?";

    INFERENCE_DURATION = Histogram "gen_ai.client.inference.duration", "s", bounds CALLS,
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, ERROR_TYPE], GenAiOnly(V0_1_0),
        "Duration of a call of a language model", "Which models are slow or fail?";
    INFERENCE_TIME_TO_FIRST_CHUNK = Histogram "gen_ai.client.inference.time_to_first_chunk", "s", bounds CHUNKS,
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME], GenAiOnly(V0_1_0),
        "Time to the first chunk of a streamed answer", "How long do people wait for a first word?";
    INFERENCE_TIME_PER_OUTPUT_CHUNK = Histogram "gen_ai.client.inference.time_per_output_chunk", "s", bounds CHUNKS,
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME], GenAiOnly(V0_1_0),
        "Time from a chunk of a streamed answer to the next", "How fast does the answer come?";
    INPUT_TOKENS = Counter "gen_ai.client.inference.usage.input_tokens", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, TOKEN_MODALITY], GenAiOnly(V0_1_0),
        "Tokens of requests, with cached ones", "Which agents and models use how many input tokens?";
    OUTPUT_TOKENS = Counter "gen_ai.client.inference.usage.output_tokens", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, TOKEN_MODALITY], GenAiOnly(V0_1_0),
        "Tokens of answers, with those of reasoning", "Which agents and models use how many output tokens?";
    CACHE_READ_TOKENS = Counter "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, TOKEN_MODALITY], GenAiOnly(V0_1_0),
        "Input tokens that were read from the provider's cache", "How much does the provider's cache save?";
    CACHE_WRITE_TOKENS = Counter "gen_ai.client.inference.usage.cache_write.input_tokens", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, TOKEN_MODALITY], GenAiOnly(V0_1_0),
        "Input tokens that were written to the provider's cache", "How much does filling the cache cost?";
    REASONING_TOKENS = Counter "gen_ai.client.inference.usage.reasoning.output_tokens", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME, TOKEN_MODALITY], GenAiOnly(V0_1_0),
        "Output tokens of reasoning", "How much of the output is reasoning?";
    INPUT_TOKENS_OF_A_CALL = Histogram "gen_ai.client.inference.operation.input_tokens", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME], GenAiOnly(V0_1_0),
        "Input tokens of a call", "How long are the requests?";
    OUTPUT_TOKENS_OF_A_CALL = Histogram "gen_ai.client.inference.operation.output_tokens", "{token}",
        [OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, AGENT_NAME], GenAiOnly(V0_1_0),
        "Output tokens of a call", "How long are the answers?";

    MCP_CLIENT_DURATION = Histogram "mcp.client.operation.duration", "s", bounds REQUESTS,
        [MCP_METHOD_NAME, TOOL_NAME, ERROR_TYPE, RPC_STATUS_CODE, NETWORK_TRANSPORT, MCP_PROTOCOL_VERSION], Mcp,
        "Duration of a request to an MCP server, as the client sees it",
        "Which tools of other servers are slow or fail?";
    MCP_SERVER_DURATION = Histogram "mcp.server.operation.duration", "s", bounds REQUESTS,
        [MCP_METHOD_NAME, TOOL_NAME, ERROR_TYPE, RPC_STATUS_CODE, NETWORK_TRANSPORT, MCP_PROTOCOL_VERSION], Mcp,
        "Duration of a request to this MCP server", "How does this server do, by method and tool?";

    A2A_CLIENT_DURATION = Histogram "a2a.client.operation.duration", "s", bounds REQUESTS,
        [A2A_METHOD_NAME, AGENT_NAME, A2A_TASK_STATE, ERROR_TYPE], Ours,
        "Duration of a request to another agent, as the caller sees it",
        "Which agents does this one call, how long do they take, and how often do they fail?";
    A2A_SERVER_DURATION = Histogram "a2a.server.operation.duration", "s", bounds REQUESTS,
        [A2A_METHOD_NAME, A2A_TASK_STATE, ERROR_TYPE], Ours,
        "Duration of a request to this agent", "How much is this agent asked, and how does it do?";
    A2A_RETRIES = Counter "a2a.client.retries", "{retry}", [A2A_METHOD_NAME, AGENT_NAME], Ours,
        "Further attempts of a call of another agent", "Which agents have to be asked again?";
    A2A_MESSAGE_SIZE = Histogram "a2a.client.message.size", "By", [A2A_METHOD_NAME, AGENT_NAME, IO_DIRECTION], Ours,
        "Size of the content of messages to and from other agents", "How much is passed between agents?";
    A2A_TASKS = Counter "a2a.server.tasks", "{task}", [A2A_TASK_STATE], Ours,
        "Tasks of this agent that have reached a state", "How many tasks are completed, fail, or wait for people?";
    A2A_ACTIVE_TASKS = UpDownCounter "a2a.server.active_tasks", "{task}", [], Ours,
        "Tasks that this agent is working on", "How busy is this agent?";

    SERVER_REQUESTS = Counter "a2a_otel.server.requests", "{request}", [PROTOCOL, PARENT_ORIGIN], Ours,
        "Requests to this program over A2A and MCP, with their callers' traces or without",
        "Do callers pass their traces on, so that a trace is whole?";

    EVALUATIONS = Counter "a2a_otel.evaluations", "{evaluation}", [EVALUATION_NAME, EVALUATION_SCORE_LABEL, AGENT_NAME], Ours,
        "Evaluations, by verdict", "How often is an answer found to be right?";
    EVALUATION_SCORE = Histogram "a2a_otel.evaluation.score", "{score}", bounds SCORES, [EVALUATION_NAME, AGENT_NAME], Ours,
        "Scores of evaluations", "How good are the answers, and do they get worse?";
}
