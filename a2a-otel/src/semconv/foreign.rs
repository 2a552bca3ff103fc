//! What other libraries record of their work in OpenTelemetry's conventions for generative AI, in OpenInference's terms.
//!
//! Read at the source and held to by tests: the crates `rig-core`, `rig-agent`, `genai` with its
//! feature `otel`, and `a2a-protocol-server`.
//!
//! Source: <https://github.com/open-telemetry/semantic-conventions-genai>, and how OpenInference's own converters read it.

use super::openinference as names;

/// Says what a span of theirs is of.
pub(crate) const OPERATION_NAME: &str = "gen_ai.operation.name";

/// The kind of each operation.
pub(crate) const OPERATIONS: &[(&str, &str)] = &[
    ("chat", "LLM"),
    ("text_completion", "LLM"),
    ("generate_content", "LLM"),
    ("transcription", "LLM"),
    ("image_generation", "LLM"),
    ("audio_generation", "LLM"),
    ("embeddings", "EMBEDDING"),
    ("rerank", "RERANKER"),
    ("retrieval", "RETRIEVER"),
    ("execute_tool", "TOOL"),
    ("create_agent", "AGENT"),
    ("invoke_agent", "AGENT"),
    ("plan", "AGENT"),
    ("invoke_workflow", "CHAIN"),
];

/// What is the same by another name, on spans of a kind or of all: the first that is there says it.
pub(crate) const SAME: &[(&str, &str, &str)] = &[
    ("", "gen_ai.conversation.id", names::SESSION_ID),
    ("AGENT", "gen_ai.agent.name", names::AGENT_NAME),
    ("AGENT", "gen_ai.prompt", names::INPUT_VALUE),
    ("AGENT", "gen_ai.completion", names::OUTPUT_VALUE),
    ("LLM", "gen_ai.response.model", names::LLM_MODEL_NAME),
    ("LLM", "gen_ai.request.model", names::LLM_MODEL_NAME),
    ("LLM", "gen_ai.usage.input_tokens", names::LLM_TOKEN_COUNT_PROMPT),
    ("LLM", "gen_ai.usage.output_tokens", names::LLM_TOKEN_COUNT_COMPLETION),
    ("LLM", "gen_ai.usage.cache_read.input_tokens", names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ),
    ("LLM", "gen_ai.usage.cache_creation.input_tokens", names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE),
    ("LLM", "gen_ai.usage.cache_write.input_tokens", names::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE),
    ("LLM", "gen_ai.usage.reasoning.output_tokens", names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING),
    ("LLM", "gen_ai.usage.reasoning_tokens", names::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING),
    ("EMBEDDING", "gen_ai.response.model", names::EMBEDDING_MODEL_NAME),
    ("EMBEDDING", "gen_ai.request.model", names::EMBEDDING_MODEL_NAME),
    ("RERANKER", "gen_ai.request.model", names::reranker::MODEL_NAME),
    ("TOOL", "gen_ai.tool.name", names::TOOL_NAME),
    ("TOOL", "gen_ai.tool.description", names::TOOL_DESCRIPTION),
    ("TOOL", "gen_ai.tool.call.id", names::TOOL_ID),
    ("TOOL", "gen_ai.tool.call.arguments", names::INPUT_VALUE),
    ("TOOL", "gen_ai.tool.call.result", names::OUTPUT_VALUE),
];

/// Who serves a model: their name, `llm.provider` and `llm.system`. Others keep their name.
pub(crate) const PROVIDERS: &[(&str, &str, Option<&str>)] = &[
    ("openai", "openai", Some("openai")),
    ("anthropic", "anthropic", Some("anthropic")),
    ("cohere", "cohere", Some("cohere")),
    ("mistral_ai", "mistralai", Some("mistralai")),
    ("gcp.gemini", "google", Some("vertexai")),
    ("gcp.gen_ai", "google", Some("vertexai")),
    ("gcp.vertex_ai", "google", Some("vertexai")),
    ("azure.ai.openai", "azure", Some("openai")),
    ("azure.ai.inference", "azure", None),
    ("aws.bedrock", "aws", None),
    ("x_ai", "xai", None),
];

/// What a model is called with, and the parameter's usual name.
pub(crate) const PARAMETERS: &[(&str, &str)] = &[
    ("gen_ai.request.temperature", "temperature"),
    ("gen_ai.request.top_p", "top_p"),
    ("gen_ai.request.top_k", "top_k"),
    ("gen_ai.request.max_tokens", "max_tokens"),
    ("gen_ai.request.frequency_penalty", "frequency_penalty"),
    ("gen_ai.request.presence_penalty", "presence_penalty"),
    ("gen_ai.request.seed", "seed"),
    ("gen_ai.request.stream", "stream"),
    ("gen_ai.request.choice.count", "n"),
    ("gen_ai.request.stop_sequences", "stop"),
];

pub(crate) const PROVIDER_NAME: &str = "gen_ai.provider.name";
pub(crate) const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub(crate) const SYSTEM_INSTRUCTIONS: &str = "gen_ai.system_instructions";
pub(crate) const INPUT_MESSAGES: &str = "gen_ai.input.messages";
pub(crate) const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
pub(crate) const TOOL_DEFINITIONS: &str = "gen_ai.tool.definitions";
