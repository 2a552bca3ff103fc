//! What other Rust libraries call things on their spans, besides the names of OpenTelemetry's GenAI conventions. The
//! rows are only read (`gen_ai/read`).
//!
//! Sources:
//!
//! - Langfuse: <https://langfuse.com/integrations/native/opentelemetry>, and the constants of the crate `langfuse-sdk`
//!   0.1.1 (`tracing/attributes.rs`).
//! - swiftide 0.33: `swiftide-agents/src/agent.rs`, `swiftide-integrations/src/openai/chat_completion.rs`,
//!   `swiftide-langfuse/src/tracing_layer.rs`. It describes its spans in events of level DEBUG.
//! - autoagents-telemetry 0.4: `runner/mapper.rs`, `providers/langfuse.rs`.
//! - adk-rust 2.3: `adk-telemetry/src/{spans,semconv,events}.rs`, `adk-agent/src/llm_agent.rs`,
//!   `adk-runner/src/runner.rs`.
//! - langchain-rust 7.0: `observability.rs`, `agent/executor.rs`, `chain/`.
//! - rig 0.44: `rig-core/src/telemetry/mod.rs`, `rig-agent/src/agent/{engine,telemetry}.rs`.
//! - GenAI 0.1.0, retrieval and memory: `model/gen-ai/spans.yaml` of `open-telemetry/semantic-conventions-genai`.

use super::SpanKind;
use super::gen_ai::{PROVIDER_NAME, RETRIEVAL_DOCUMENTS, RETRIEVAL_QUERY_TEXT};
use super::openinference as oi;
use super::opentelemetry::{ERROR_TYPE, EXCEPTION_MESSAGE};

/// The beginning of Langfuse's attributes.
pub(crate) const LANGFUSE: &str = "langfuse.";

/// Where tracing-opentelemetry records the module that a span is from.
pub(crate) const TARGET: &str = "target";

/// The fields of an event that holds the content of its span, and the names of such events.
#[cfg(feature = "tracing")]
pub(crate) const EVENT_NAME: &str = "event_name";
#[cfg(feature = "tracing")]
pub(crate) const CONTENT: &str = "content";
#[cfg(feature = "tracing")]
pub(crate) const CONTENT_EVENTS: &[&str] = &[CONTENT_PROMPT, CONTENT_COMPLETION];

const CONTENT_PROMPT: &str = "gen_ai.content.prompt";
const CONTENT_COMPLETION: &str = "gen_ai.content.completion";

const ADK_AGENT: &str = "adk_agent";
const ADK_RUNNER: &str = "adk_runner";
const ADK_TELEMETRY: &str = "adk_telemetry";
const AUTOAGENTS: &str = "autoagents_telemetry";
const LANGCHAIN: &str = "langchain_rust";
const SWIFTIDE_AGENTS: &str = "swiftide_agents";

/// What tells the kind of a span.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign {
    /// One of these attributes has this value, in upper or lower case.
    Value(&'static [&'static str], &'static str),
    /// The span is from this crate and has this name. If it ends in `*`, the span's name begins with it.
    Name(&'static str, &'static str),
    /// The span has this attribute.
    Attribute(&'static str),
}

/// Langfuse's type of an observation: its own name, and that of swiftide.
const TYPES: &[&str] = &["langfuse.observation.type", "langfuse.type"];

/// The kinds of spans. The first sign that a span has counts.
pub(crate) const KINDS: &[(Sign, SpanKind)] = &[
    (Sign::Value(TYPES, "generation"), SpanKind::Llm),
    (Sign::Value(TYPES, "agent"), SpanKind::Agent),
    (Sign::Value(TYPES, "tool"), SpanKind::Tool),
    (Sign::Value(TYPES, "chain"), SpanKind::Chain),
    (Sign::Value(TYPES, "retriever"), SpanKind::Retriever),
    (Sign::Value(TYPES, "embedding"), SpanKind::Embedding),
    (Sign::Value(TYPES, "evaluator"), SpanKind::Evaluator),
    (Sign::Value(TYPES, "guardrail"), SpanKind::Guardrail),
    (Sign::Name(SWIFTIDE_AGENTS, "agent.*"), SpanKind::Agent),
    (Sign::Name(SWIFTIDE_AGENTS, "tool.*"), SpanKind::Tool),
    (Sign::Name(AUTOAGENTS, "autoagents.task"), SpanKind::Agent),
    (Sign::Name(AUTOAGENTS, "autoagents.turn"), SpanKind::Chain),
    (Sign::Name(AUTOAGENTS, "autoagents.tool_call"), SpanKind::Tool),
    (Sign::Name(ADK_RUNNER, "agent.execute"), SpanKind::Agent),
    (Sign::Name(ADK_TELEMETRY, "agent.execute"), SpanKind::Agent),
    (Sign::Name(ADK_TELEMETRY, "agent.run"), SpanKind::Agent),
    // The call of the model is a span below it, or its tokens would count twice.
    (Sign::Name(ADK_AGENT, "call_llm"), SpanKind::Chain),
    (Sign::Name(ADK_TELEMETRY, "gen_ai.generate"), SpanKind::Llm),
    (Sign::Name(ADK_TELEMETRY, "model.call"), SpanKind::Llm),
    (Sign::Name(ADK_AGENT, "execute_tool *"), SpanKind::Tool),
    (Sign::Name(ADK_TELEMETRY, "execute_tool"), SpanKind::Tool),
    (Sign::Name(ADK_TELEMETRY, "tool.execute"), SpanKind::Tool),
    (Sign::Name(LANGCHAIN, "llm.generate"), SpanKind::Llm),
    (Sign::Name(LANGCHAIN, "embed.*"), SpanKind::Embedding),
    (Sign::Name(LANGCHAIN, "tool.call"), SpanKind::Tool),
    (Sign::Name(LANGCHAIN, "agent.run"), SpanKind::Agent),
    (Sign::Name(LANGCHAIN, "agent.plan"), SpanKind::Chain),
    (Sign::Name(LANGCHAIN, "chain.call"), SpanKind::Chain),
    // Langfuse takes an observation with a model for a generation.
    (Sign::Attribute("langfuse.observation.model.name"), SpanKind::Llm),
    (Sign::Attribute("langfuse.model"), SpanKind::Llm),
];

/// What an attribute holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    /// The value of this attribute of OpenInference.
    Same(&'static str),
    /// The same, as text.
    Text(&'static str),
    /// The name of the provider that serves the model.
    Provider,
    /// The whole input. A text that is JSON is its text.
    Input,
    /// The whole output, in the same way.
    Output,
    /// The documents that were found, as JSON, which are the output as well.
    Documents,
    /// How many tokens were used, as JSON.
    Tokens,
    /// What the tokens cost, as JSON.
    Costs,
    /// Metadata: an object as JSON, or a value by the end of its key.
    Metadata,
    /// Tags: a list of texts, or the same as JSON.
    Tags,
    /// The span has failed if this is the value.
    Fails(&'static str),
    /// Why the span has failed, if it has.
    Reason,
    /// Why the span has failed.
    Failure,
}

impl Meaning {
    /// The attributes of OpenInference that hold the same, as masks know them.
    pub(crate) fn targets(&self) -> &[&'static str] {
        match self {
            Self::Same(target) | Self::Text(target) => std::slice::from_ref(target),
            Self::Input => &[oi::INPUT_VALUE],
            Self::Output => &[oi::OUTPUT_VALUE],
            Self::Documents => &[oi::OUTPUT_VALUE, "retrieval.documents.0.document.content"],
            Self::Metadata => &[oi::METADATA],
            Self::Reason | Self::Failure => &[EXCEPTION_MESSAGE],
            Self::Provider | Self::Tokens | Self::Costs | Self::Tags | Self::Fails(_) => &[],
        }
    }
}

/// An attribute of another library.
pub(crate) struct Field {
    /// The key. If it ends in `*`, the beginning of keys.
    pub(crate) key: &'static str,
    pub(crate) holds: Meaning,
    /// The kind of span that the row is for, if it is not for all.
    pub(crate) on: Option<SpanKind>,
    /// The crate whose spans the row is for, if the key alone says too little.
    pub(crate) of: Option<&'static str>,
}

impl Field {
    /// Whether the row is for this key.
    pub(crate) fn covers(&self, key: &str) -> bool {
        self.key.strip_suffix('*').map_or(self.key == key, |start| key.starts_with(start))
    }
}

const fn field(key: &'static str, holds: Meaning) -> Field {
    Field { key, holds, on: None, of: None }
}

const fn field_on(on: SpanKind, key: &'static str, holds: Meaning) -> Field {
    Field { on: Some(on), ..field(key, holds) }
}

const fn field_of(of: &'static str, on: SpanKind, key: &'static str, holds: Meaning) -> Field {
    Field { of: Some(of), ..field_on(on, key, holds) }
}

const fn langchain(key: &'static str, holds: Meaning) -> Field {
    Field { of: Some(LANGCHAIN), ..field(key, holds) }
}

/// The attributes. Of several rows with one target, the first that has a value counts.
pub(crate) const FIELDS: &[Field] = &[
    field(PROVIDER_NAME, Meaning::Provider),
    // GenAI's older name.
    field("gen_ai.system", Meaning::Provider),
    // Retrieval and memory in GenAI 0.1.0. The records of a search are found; all other records are given.
    field_on(SpanKind::Retriever, RETRIEVAL_QUERY_TEXT, Meaning::Input),
    field_on(SpanKind::Retriever, RETRIEVAL_DOCUMENTS, Meaning::Documents),
    field_on(SpanKind::Retriever, "gen_ai.memory.query.text", Meaning::Input),
    field_on(SpanKind::Retriever, "gen_ai.memory.records", Meaning::Documents),
    field_on(SpanKind::Chain, "gen_ai.memory.records", Meaning::Input),
    field_on(SpanKind::Chain, "gen_ai.memory.record.id", Meaning::Input),
    // Langfuse.
    field("langfuse.observation.input", Meaning::Input),
    field("langfuse.observation.output", Meaning::Output),
    field("langfuse.trace.input", Meaning::Input),
    field("langfuse.trace.output", Meaning::Output),
    field_on(SpanKind::Agent, "langfuse.observation.name", Meaning::Same(oi::AGENT_NAME)),
    field_on(SpanKind::Tool, "langfuse.observation.name", Meaning::Same(oi::TOOL_NAME)),
    field_on(SpanKind::Llm, "langfuse.observation.model.name", Meaning::Same(oi::LLM_MODEL_NAME)),
    field_on(SpanKind::Embedding, "langfuse.observation.model.name", Meaning::Same(oi::EMBEDDING_MODEL_NAME)),
    field_on(
        SpanKind::Llm,
        "langfuse.observation.model.parameters",
        Meaning::Same(oi::LLM_INVOCATION_PARAMETERS),
    ),
    field_on(
        SpanKind::Embedding,
        "langfuse.observation.model.parameters",
        Meaning::Same(oi::EMBEDDING_INVOCATION_PARAMETERS),
    ),
    field_on(SpanKind::Llm, "langfuse.observation.usage_details", Meaning::Tokens),
    field_on(SpanKind::Llm, "langfuse.observation.cost_details", Meaning::Costs),
    field("langfuse.observation.prompt.name", Meaning::Text(oi::PROMPT_ID)),
    field("langfuse.observation.prompt.version", Meaning::Text(oi::LLM_PROMPT_TEMPLATE_VERSION)),
    field("langfuse.observation.metadata", Meaning::Metadata),
    field("langfuse.observation.metadata.*", Meaning::Metadata),
    field("langfuse.trace.metadata", Meaning::Metadata),
    field("langfuse.trace.metadata.*", Meaning::Metadata),
    field("langfuse.trace.name", Meaning::Metadata),
    field("langfuse.version", Meaning::Metadata),
    field("langfuse.release", Meaning::Metadata),
    field("langfuse.environment", Meaning::Metadata),
    field("langfuse.trace.tags", Meaning::Tags),
    field("langfuse.session.id", Meaning::Same(oi::SESSION_ID)),
    field("langfuse.user.id", Meaning::Same(oi::USER_ID)),
    field("langfuse.observation.level", Meaning::Fails("ERROR")),
    field("langfuse.observation.status_message", Meaning::Reason),
    // swiftide, which records a status message only for a failure.
    field("langfuse.input", Meaning::Input),
    field("langfuse.output", Meaning::Output),
    field_on(SpanKind::Llm, "langfuse.model", Meaning::Same(oi::LLM_MODEL_NAME)),
    field_on(SpanKind::Embedding, "langfuse.model", Meaning::Same(oi::EMBEDDING_MODEL_NAME)),
    field_on(SpanKind::Llm, "langfuse.model_parameters", Meaning::Same(oi::LLM_INVOCATION_PARAMETERS)),
    field_on(SpanKind::Llm, "langfuse.usage", Meaning::Tokens),
    field("langfuse.status_message", Meaning::Failure),
    field_of(SWIFTIDE_AGENTS, SpanKind::Tool, "tool_name", Meaning::Same(oi::TOOL_NAME)),
    // autoagents, without its attributes for Langfuse.
    field_of(AUTOAGENTS, SpanKind::Agent, "actor_name", Meaning::Same(oi::AGENT_NAME)),
    field_of(AUTOAGENTS, SpanKind::Agent, "task.description", Meaning::Input),
    field_of(AUTOAGENTS, SpanKind::Agent, "task.result", Meaning::Output),
    field_of(AUTOAGENTS, SpanKind::Tool, "tool_name", Meaning::Same(oi::TOOL_NAME)),
    field_of(AUTOAGENTS, SpanKind::Tool, "tool_call_id", Meaning::Same(oi::TOOL_ID)),
    field_of(AUTOAGENTS, SpanKind::Tool, "tool.arguments", Meaning::Input),
    field_of(AUTOAGENTS, SpanKind::Tool, "tool.result", Meaning::Output),
    // adk-rust.
    field(CONTENT_PROMPT, Meaning::Input),
    field(CONTENT_COMPLETION, Meaning::Output),
    field("gcp.vertex.agent.llm_request", Meaning::Input),
    field("gcp.vertex.agent.llm_response", Meaning::Output),
    field("gcp.vertex.agent.session_id", Meaning::Same(oi::SESSION_ID)),
    field("adk.user_id", Meaning::Same(oi::USER_ID)),
    field_on(SpanKind::Tool, "gen_ai.tool.call_id", Meaning::Same(oi::TOOL_ID)),
    field_of(ADK_TELEMETRY, SpanKind::Llm, "model.name", Meaning::Same(oi::LLM_MODEL_NAME)),
    field_on(SpanKind::Llm, "gen_ai.usage.total_tokens", Meaning::Same(oi::LLM_TOKEN_COUNT_TOTAL)),
    field_on(
        SpanKind::Llm,
        "gen_ai.usage.cache_read_tokens",
        Meaning::Same(oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ),
    ),
    field_on(
        SpanKind::Llm,
        "gen_ai.usage.cache_creation_tokens",
        Meaning::Same(oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE),
    ),
    field_on(
        SpanKind::Llm,
        "gen_ai.usage.thinking_tokens",
        Meaning::Same(oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING),
    ),
    field_on(
        SpanKind::Llm,
        "gen_ai.usage.audio_input_tokens",
        Meaning::Same(oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO),
    ),
    field_on(
        SpanKind::Llm,
        "gen_ai.usage.audio_output_tokens",
        Meaning::Same(oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO),
    ),
    // langchain-rust.
    langchain("provider", Meaning::Provider),
    langchain("error", Meaning::Failure),
    field_of(LANGCHAIN, SpanKind::Llm, "model", Meaning::Same(oi::LLM_MODEL_NAME)),
    field_of(LANGCHAIN, SpanKind::Embedding, "model", Meaning::Same(oi::EMBEDDING_MODEL_NAME)),
    field_of(LANGCHAIN, SpanKind::Llm, "prompt_tokens", Meaning::Same(oi::LLM_TOKEN_COUNT_PROMPT)),
    field_of(LANGCHAIN, SpanKind::Llm, "completion_tokens", Meaning::Same(oi::LLM_TOKEN_COUNT_COMPLETION)),
    field_of(LANGCHAIN, SpanKind::Llm, "total_tokens", Meaning::Same(oi::LLM_TOKEN_COUNT_TOTAL)),
    field_of(LANGCHAIN, SpanKind::Tool, "tool", Meaning::Same(oi::TOOL_NAME)),
    // rig. What the tools of a provider add to the prompt is a part of it.
    field_on(SpanKind::Tool, "gen_ai.tool.call.outcome", Meaning::Fails("error")),
    field_on(SpanKind::Tool, "gen_ai.tool.error.type", Meaning::Same(ERROR_TYPE)),
    field_on(
        SpanKind::Llm,
        "gen_ai.usage.tool_use_prompt_tokens",
        Meaning::Same("llm.token_count.prompt_details.tool_use"),
    ),
];

/// A number in JSON about tokens or costs.
pub(crate) struct Detail {
    /// The key below `llm.token_count` or `llm.cost`.
    pub(crate) key: &'static str,
    /// Where the JSON has it, as a path whose names are separated by dots. The first path that has a number counts.
    pub(crate) paths: &'static [&'static str],
}

const fn detail(key: &'static str, paths: &'static [&'static str]) -> Detail {
    Detail { key, paths }
}

/// Langfuse's own names of the whole of a side. Other numbers whose names contain them are in addition to it, unless
/// the total says otherwise.
pub(crate) const WHOLES: &[&str] = &["input", "output"];

/// Langfuse's name of the total.
pub(crate) const TOTAL: &str = "total";

/// The numbers: Langfuse's names, those that its SDKs make of OpenAI's and Anthropic's, and OpenAI's own, which swiftide
/// keeps below `details`.
pub(crate) const DETAILS: &[Detail] = &[
    detail("prompt", &["input", "prompt_tokens", "input_tokens"]),
    detail("completion", &["output", "completion_tokens", "output_tokens"]),
    detail("total", &[TOTAL, "total_tokens"]),
    detail(
        "prompt_details.cache_read",
        &[
            "cache_read_input_tokens",
            "input_cache_read",
            "input_cached_tokens",
            "cached_tokens",
            "prompt_tokens_details.cached_tokens",
            "input_tokens_details.cached_tokens",
            "details.prompt_tokens_details.cached_tokens",
            "details.input_tokens_details.cached_tokens",
        ],
    ),
    detail(
        "prompt_details.cache_write",
        &[
            "cache_creation_input_tokens",
            "cache_write_input_tokens",
            "input_cache_creation",
            "input_cache_write",
        ],
    ),
    detail(
        "prompt_details.audio",
        &[
            "input_audio_tokens",
            "input_audio",
            "prompt_tokens_details.audio_tokens",
            "details.prompt_tokens_details.audio_tokens",
        ],
    ),
    detail(
        "completion_details.reasoning",
        &[
            "output_reasoning_tokens",
            "output_reasoning",
            "reasoning_tokens",
            "completion_tokens_details.reasoning_tokens",
            "output_tokens_details.reasoning_tokens",
            "details.completion_tokens_details.reasoning_tokens",
            "details.output_tokens_details.reasoning_tokens",
        ],
    ),
    detail(
        "completion_details.audio",
        &[
            "output_audio_tokens",
            "output_audio",
            "completion_tokens_details.audio_tokens",
            "details.completion_tokens_details.audio_tokens",
        ],
    ),
];
