//! OpenTelemetry's conventions for generative AI, version 1.41: the keys of its attributes. `equivalents.rs` has what
//! corresponds to them in OpenInference.
//!
//! They are experimental. Where names have changed since, the cache tokens keep the name of this version, which
//! Phoenix reads.
//!
//! Source: the repository `open-telemetry/semantic-conventions-genai`, `docs/gen-ai`.

attributes! {
    OPERATION_NAME = "gen_ai.operation.name", "text";
    PROVIDER_NAME = "gen_ai.provider.name", "text";
    CONVERSATION_ID = "gen_ai.conversation.id", "text";
    OUTPUT_TYPE = "gen_ai.output.type", "text";
    AGENT_ID = "gen_ai.agent.id", "text";
    AGENT_NAME = "gen_ai.agent.name", "text";
    AGENT_DESCRIPTION = "gen_ai.agent.description", "text";
    AGENT_VERSION = "gen_ai.agent.version", "text";
    REQUEST_MODEL = "gen_ai.request.model", "text";
    REQUEST_TEMPERATURE = "gen_ai.request.temperature", "number";
    REQUEST_TOP_P = "gen_ai.request.top_p", "number";
    REQUEST_TOP_K = "gen_ai.request.top_k", "number";
    REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens", "whole number";
    REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty", "number";
    REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty", "number";
    REQUEST_SEED = "gen_ai.request.seed", "whole number";
    REQUEST_STREAM = "gen_ai.request.stream", "true or false";
    REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences", "list of texts";
    REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count", "whole number, unless it is 1";
    REQUEST_ENCODING_FORMATS = "gen_ai.request.encoding_formats", "list of texts";
    EMBEDDINGS_DIMENSION_COUNT = "gen_ai.embeddings.dimension.count", "whole number";
    RESPONSE_ID = "gen_ai.response.id", "text";
    RESPONSE_MODEL = "gen_ai.response.model", "text";
    RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons", "list of texts";
    RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk", "seconds from the request, a number";
    USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens", "whole number";
    USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens", "whole number";
    USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens", "whole number";
    USAGE_CACHE_CREATION_INPUT_TOKENS = "gen_ai.usage.cache_creation.input_tokens", "whole number";
    USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens", "whole number";
    USAGE_AUDIO_INPUT_TOKENS = "gen_ai.usage.audio.input_tokens", "whole number";
    USAGE_AUDIO_OUTPUT_TOKENS = "gen_ai.usage.audio.output_tokens", "whole number";
    INPUT_MESSAGES = "gen_ai.input.messages", "JSON as text";
    OUTPUT_MESSAGES = "gen_ai.output.messages", "JSON as text";
    SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions", "JSON as text";
    TOOL_DEFINITIONS = "gen_ai.tool.definitions", "JSON as text";
    TOOL_NAME = "gen_ai.tool.name", "text";
    TOOL_TYPE = "gen_ai.tool.type", "text";
    TOOL_DESCRIPTION = "gen_ai.tool.description", "text";
    TOOL_CALL_ID = "gen_ai.tool.call.id", "text";
    TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments", "JSON as text";
    TOOL_CALL_RESULT = "gen_ai.tool.call.result", "JSON as text";
    RETRIEVAL_QUERY_TEXT = "gen_ai.retrieval.query.text", "text";
    RETRIEVAL_DOCUMENTS = "gen_ai.retrieval.documents", "JSON as text";
    EVALUATION_NAME = "gen_ai.evaluation.name", "text";
    EVALUATION_SCORE_VALUE = "gen_ai.evaluation.score.value", "number";
    EVALUATION_SCORE_LABEL = "gen_ai.evaluation.score.label", "text";
    EVALUATION_EXPLANATION = "gen_ai.evaluation.explanation", "text";
}

/// The event of an evaluation.
pub(crate) const EVALUATION_RESULT: &str = "gen_ai.evaluation.result";

/// Values of `gen_ai.operation.name` that are needed by name.
pub(crate) mod operation {
    pub(crate) const INVOKE_AGENT: &str = "invoke_agent";
    pub(crate) const EXECUTE_TOOL: &str = "execute_tool";
    pub(crate) const TEXT_COMPLETION: &str = "text_completion";
    pub(crate) const GENERATE_CONTENT: &str = "generate_content";
}
