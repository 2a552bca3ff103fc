//! What corresponds to what in OpenInference and in OpenTelemetry's conventions for generative AI (GenAI): one row per
//! pair.
//!
//! A row serves both directions: the writer, which records in GenAI's terms what a span says in OpenInference's, and
//! the reader, which records in OpenInference's terms what spans of other libraries say in GenAI's. A row for only one
//! of them says so.
//!
//! The reader's rows follow the source of the crates `rig-core`, `rig-agent`, `genai` with its feature `otel`, and
//! `a2a-protocol-server`. Tests run these crates. What other libraries have names of their own for is in `foreign.rs`.

use super::gen_ai::{
    AGENT_NAME, CONVERSATION_ID, EMBEDDINGS_DIMENSION_COUNT, INPUT_MESSAGES, OUTPUT_MESSAGES,
    REQUEST_CHOICE_COUNT, REQUEST_ENCODING_FORMATS, REQUEST_FREQUENCY_PENALTY, REQUEST_MAX_TOKENS,
    REQUEST_MODEL, REQUEST_PRESENCE_PENALTY, REQUEST_SEED, REQUEST_STOP_SEQUENCES, REQUEST_STREAM,
    REQUEST_TEMPERATURE, REQUEST_TOP_K, REQUEST_TOP_P, RESPONSE_MODEL, TOOL_CALL_ARGUMENTS, TOOL_CALL_ID,
    TOOL_CALL_RESULT, TOOL_DESCRIPTION, TOOL_NAME, USAGE_AUDIO_INPUT_TOKENS, USAGE_AUDIO_OUTPUT_TOKENS,
    USAGE_CACHE_CREATION_INPUT_TOKENS, USAGE_CACHE_READ_INPUT_TOKENS, USAGE_CACHE_WRITE_INPUT_TOKENS,
    USAGE_INPUT_TOKENS, USAGE_OUTPUT_TOKENS, USAGE_REASONING_OUTPUT_TOKENS, operation,
};
use super::openinference as oi;
use super::openinference::system;
use super::{GenAiVersion, SpanKind};

/// How an operation and the kind of its spans determine each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The writer records this operation for spans of this kind, unless it knows more.
    Usual,
    /// The operation implies the kind.
    Implies,
    /// The operation determines the kind for the reader only. The writer keeps the kind, which receivers could not
    /// derive.
    ReadOnly,
}

/// A value of `gen_ai.operation.name`, and the kind of its spans.
pub(crate) struct Operation(pub(crate) &'static str, pub(crate) SpanKind, pub(crate) Standing);

/// Kinds without a row have no operation.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation(operation::INVOKE_AGENT, SpanKind::Agent, Standing::Usual),
    Operation("create_agent", SpanKind::Agent, Standing::Implies),
    Operation("plan", SpanKind::Agent, Standing::ReadOnly),
    Operation("invoke_workflow", SpanKind::Chain, Standing::ReadOnly),
    Operation(operation::EXECUTE_TOOL, SpanKind::Tool, Standing::Usual),
    Operation("chat", SpanKind::Llm, Standing::Usual),
    Operation(operation::TEXT_COMPLETION, SpanKind::Llm, Standing::Implies),
    Operation(operation::GENERATE_CONTENT, SpanKind::Llm, Standing::Implies),
    Operation("transcription", SpanKind::Llm, Standing::ReadOnly),
    Operation("image_generation", SpanKind::Llm, Standing::ReadOnly),
    Operation("audio_generation", SpanKind::Llm, Standing::ReadOnly),
    Operation("embeddings", SpanKind::Embedding, Standing::Usual),
    Operation("retrieval", SpanKind::Retriever, Standing::Usual),
    Operation("rerank", SpanKind::Reranker, Standing::ReadOnly),
    Operation("search_memory", SpanKind::Retriever, Standing::ReadOnly),
    Operation("create_memory", SpanKind::Chain, Standing::ReadOnly),
    Operation("update_memory", SpanKind::Chain, Standing::ReadOnly),
    Operation("upsert_memory", SpanKind::Chain, Standing::ReadOnly),
    Operation("delete_memory", SpanKind::Chain, Standing::ReadOnly),
    Operation("create_memory_store", SpanKind::Chain, Standing::ReadOnly),
    Operation("delete_memory_store", SpanKind::Chain, Standing::ReadOnly),
];

/// Who uses a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The writer on every span, the reader on spans of every kind.
    Both,
    /// The writer on every span, the reader on spans of this kind.
    BothOn(SpanKind),
    /// Only the writer.
    Write,
    /// Only the reader, on spans of this kind.
    ReadOn(SpanKind),
}

impl Use {
    pub(crate) const fn is_written(self) -> bool {
        !matches!(self, Self::ReadOn(_))
    }

    pub(crate) fn is_read_on(self, kind: SpanKind) -> bool {
        match self {
            Self::Both => true,
            Self::BothOn(only) | Self::ReadOn(only) => only == kind,
            Self::Write => false,
        }
    }
}

/// An attribute of OpenInference, the attribute of GenAI with the same value, and who uses the row.
pub(crate) struct Same(pub(crate) &'static str, pub(crate) &'static str, pub(crate) Use);

/// Of several rows with one target, the first that has a value counts.
pub(crate) const SAME: &[Same] = &[
    Same(oi::SESSION_ID, CONVERSATION_ID, Use::Both),
    Same(oi::AGENT_NAME, AGENT_NAME, Use::BothOn(SpanKind::Agent)),
    Same(oi::TOOL_NAME, TOOL_NAME, Use::BothOn(SpanKind::Tool)),
    Same(oi::TOOL_DESCRIPTION, TOOL_DESCRIPTION, Use::BothOn(SpanKind::Tool)),
    Same(oi::TOOL_ID, TOOL_CALL_ID, Use::BothOn(SpanKind::Tool)),
    Same(oi::LLM_REQUEST_MODEL_NAME, REQUEST_MODEL, Use::Write),
    Same(oi::LLM_RESPONSE_MODEL_NAME, RESPONSE_MODEL, Use::Write),
    Same(oi::LLM_MODEL_NAME, RESPONSE_MODEL, Use::ReadOn(SpanKind::Llm)),
    Same(oi::LLM_MODEL_NAME, REQUEST_MODEL, Use::BothOn(SpanKind::Llm)),
    Same(oi::EMBEDDING_MODEL_NAME, RESPONSE_MODEL, Use::ReadOn(SpanKind::Embedding)),
    Same(oi::EMBEDDING_MODEL_NAME, REQUEST_MODEL, Use::BothOn(SpanKind::Embedding)),
    Same(oi::reranker::MODEL_NAME, REQUEST_MODEL, Use::ReadOn(SpanKind::Reranker)),
    Same(oi::LLM_TOKEN_COUNT_PROMPT, USAGE_INPUT_TOKENS, Use::BothOn(SpanKind::Llm)),
    Same(oi::LLM_TOKEN_COUNT_PROMPT, USAGE_INPUT_TOKENS, Use::ReadOn(SpanKind::Embedding)),
    Same(oi::LLM_TOKEN_COUNT_COMPLETION, USAGE_OUTPUT_TOKENS, Use::BothOn(SpanKind::Llm)),
    Same(
        oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ,
        USAGE_CACHE_READ_INPUT_TOKENS,
        Use::BothOn(SpanKind::Llm),
    ),
    Same(
        oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE,
        USAGE_CACHE_CREATION_INPUT_TOKENS,
        Use::BothOn(SpanKind::Llm),
    ),
    Same(
        oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE,
        USAGE_CACHE_WRITE_INPUT_TOKENS,
        Use::BothOn(SpanKind::Llm),
    ),
    Same(oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO, USAGE_AUDIO_INPUT_TOKENS, Use::BothOn(SpanKind::Llm)),
    Same(oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO, USAGE_AUDIO_OUTPUT_TOKENS, Use::BothOn(SpanKind::Llm)),
    Same(
        oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING,
        USAGE_REASONING_OUTPUT_TOKENS,
        Use::BothOn(SpanKind::Llm),
    ),
    Same(
        oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING,
        "gen_ai.usage.reasoning_tokens",
        Use::ReadOn(SpanKind::Llm),
    ),
];

/// The input or the output of a call, in both conventions.
pub(crate) struct Side {
    /// OpenInference's list of messages.
    pub(crate) messages: &'static str,
    /// OpenInference's list of texts, for calls without messages, and the key of an item's text.
    pub(crate) texts: [&'static str; 2],
    /// OpenInference's value of the whole, and its MIME type.
    pub(crate) value: [&'static str; 2],
    /// GenAI's messages.
    pub(crate) gen_ai_messages: &'static str,
    /// GenAI's value of the whole on the call of a tool.
    pub(crate) gen_ai_tool_value: &'static str,
    /// The value of the whole on an agent's span, as some libraries call it. It is only read.
    pub(crate) gen_ai_agent_value: &'static str,
    /// The role of a message that has none.
    pub(crate) role: &'static str,
}

pub(crate) const INPUT: Side = Side {
    messages: oi::LLM_INPUT_MESSAGES,
    texts: [oi::LLM_PROMPTS, oi::prompt::TEXT],
    value: [oi::INPUT_VALUE, oi::INPUT_MIME_TYPE],
    gen_ai_messages: INPUT_MESSAGES,
    gen_ai_tool_value: TOOL_CALL_ARGUMENTS,
    gen_ai_agent_value: "gen_ai.prompt",
    role: "user",
};

pub(crate) const OUTPUT: Side = Side {
    messages: oi::LLM_OUTPUT_MESSAGES,
    texts: [oi::LLM_CHOICES, oi::completion::TEXT],
    value: [oi::OUTPUT_VALUE, oi::OUTPUT_MIME_TYPE],
    gen_ai_messages: OUTPUT_MESSAGES,
    gen_ai_tool_value: TOOL_CALL_RESULT,
    gen_ai_agent_value: "gen_ai.completion",
    role: "assistant",
};

/// For which values of `llm.system` the writer records the name of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Systems {
    /// For all.
    Any,
    /// For the row's `system` only.
    One,
    /// For none: the row is only read.
    None,
}

/// A provider of models.
pub(crate) struct Provider {
    /// `gen_ai.provider.name`.
    pub(crate) name: &'static str,
    /// `llm.provider`.
    pub(crate) served_by: &'static str,
    /// `llm.system`, where the name implies it.
    pub(crate) system: Option<&'static str>,
    pub(crate) written_for: Systems,
}

const fn provider(
    name: &'static str,
    served_by: &'static str,
    system: Option<&'static str>,
    written_for: Systems,
) -> Provider {
    Provider { name, served_by, system, written_for }
}

/// The first row that fits counts, in either direction. A provider without a row has the same name in both conventions.
pub(crate) const PROVIDERS: &[Provider] = &[
    provider("openai", system::OPENAI, Some(system::OPENAI), Systems::Any),
    provider("anthropic", system::ANTHROPIC, Some(system::ANTHROPIC), Systems::Any),
    provider("cohere", system::COHERE, Some(system::COHERE), Systems::Any),
    provider("mistral_ai", system::MISTRALAI, Some(system::MISTRALAI), Systems::Any),
    provider("gcp.vertex_ai", system::GOOGLE, Some(system::VERTEXAI), Systems::One),
    provider("gcp.gen_ai", system::GOOGLE, Some(system::VERTEXAI), Systems::Any),
    provider("gcp.gemini", system::GOOGLE, Some(system::VERTEXAI), Systems::None),
    // Some spans have only `llm.system`.
    provider("gcp.vertex_ai", system::VERTEXAI, None, Systems::Any),
    provider("azure.ai.openai", "azure", Some(system::OPENAI), Systems::One),
    provider("azure.ai.inference", "azure", None, Systems::Any),
    provider("aws.bedrock", "aws", None, Systems::Any),
    provider("x_ai", "xai", None, Systems::Any),
    // The names of adk-rust and langchain-rust.
    provider("gemini", system::GOOGLE, Some(system::VERTEXAI), Systems::None),
    provider("azure-openai", "azure", Some(system::OPENAI), Systems::None),
    provider("azure-ai", "azure", None, Systems::None),
    provider("bedrock", "aws", None, Systems::None),
    provider("openai-responses", system::OPENAI, Some(system::OPENAI), Systems::None),
    provider("mistralai", system::MISTRALAI, Some(system::MISTRALAI), Systems::None),
];

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ParameterType {
    Number,
    Whole,
    /// A whole number since this version, any number before.
    WholeSince(GenAiVersion),
    Flag,
    Texts,
}

/// A parameter of requests.
pub(crate) struct Parameter {
    /// GenAI's attribute.
    pub(crate) key: &'static str,
    pub(crate) value: ParameterType,
    /// The names that providers have for it. The reader uses the first one.
    pub(crate) names: &'static [&'static str],
    /// Whether the reader takes it from spans of models' calls. The writer takes it on every span.
    pub(crate) is_read: bool,
}

const fn parameter(key: &'static str, value: ParameterType, names: &'static [&'static str]) -> Parameter {
    Parameter { key, value, names, is_read: true }
}

const fn write_only(key: &'static str, value: ParameterType, names: &'static [&'static str]) -> Parameter {
    Parameter { is_read: false, ..parameter(key, value, names) }
}

pub(crate) const PARAMETERS: &[Parameter] = &[
    parameter(REQUEST_TEMPERATURE, ParameterType::Number, &["temperature"]),
    parameter(REQUEST_TOP_P, ParameterType::Number, &["top_p", "topP"]),
    parameter(REQUEST_TOP_K, ParameterType::WholeSince(GenAiVersion::V0_1_0), &["top_k", "topK"]),
    parameter(
        REQUEST_MAX_TOKENS,
        ParameterType::Whole,
        &["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "num_predict"],
    ),
    parameter(REQUEST_FREQUENCY_PENALTY, ParameterType::Number, &["frequency_penalty", "frequencyPenalty"]),
    parameter(REQUEST_PRESENCE_PENALTY, ParameterType::Number, &["presence_penalty", "presencePenalty"]),
    parameter(REQUEST_SEED, ParameterType::Whole, &["seed"]),
    parameter(REQUEST_STREAM, ParameterType::Flag, &["stream"]),
    parameter(REQUEST_CHOICE_COUNT, ParameterType::Whole, &["n", "candidate_count", "candidateCount"]),
    parameter(REQUEST_STOP_SEQUENCES, ParameterType::Texts, &["stop", "stop_sequences", "stopSequences"]),
    write_only(REQUEST_ENCODING_FORMATS, ParameterType::Texts, &["encoding_format"]),
    write_only(
        EMBEDDINGS_DIMENSION_COUNT,
        ParameterType::Whole,
        &["dimensions", "output_dimensionality", "outputDimensionality"],
    ),
];

/// Where requests ask for JSON or plain text.
pub(crate) const OUTPUT_FORMATS: &[&str] =
    &["response_format", "responseMimeType", "response_mime_type", "format"];

/// The objects that some providers put their parameters into.
pub(crate) const PARAMETER_GROUPS: &[&str] = &["generationConfig", "generation_config", "options", "text"];

/// Why a model stopped: the providers' words, and the word of GenAI's messages.
pub(crate) const FINISH_REASONS: &[(&str, &str)] = &[
    ("tool_calls", "tool_call"),
    ("tool_use", "tool_call"),
    ("function_call", "tool_call"),
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("STOP", "stop"),
    ("max_tokens", "length"),
    ("MAX_TOKENS", "length"),
    ("refusal", "content_filter"),
    ("SAFETY", "content_filter"),
];

/// Parts of a message that are not text: GenAI's modality, which is OpenInference's type, and where OpenInference has
/// the URL and the MIME type.
pub(crate) const MEDIA: &[(&str, &str, &str)] = &[
    ("image", oi::PART_IMAGE_URL, ""),
    ("audio", oi::PART_AUDIO_URL, oi::PART_AUDIO_MIME_TYPE),
    ("video", oi::PART_VIDEO_URL, ""),
    ("document", oi::PART_DOCUMENT_URL, oi::PART_DOCUMENT_MIME_TYPE),
];
