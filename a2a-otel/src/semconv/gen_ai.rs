//! OpenTelemetry's conventions for generative AI, version 1.41: the keys of its attributes, and what corresponds to them
//! in OpenInference.
//!
//! They are experimental. Of the names that changed since, cache tokens keep that of this version, which Phoenix reads.
//!
//! Source: the repository `open-telemetry/semantic-conventions-genai`, `docs/gen-ai`.

use super::openinference as oi;
use super::openinference::system;

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

/// The event that a judgement is.
pub(crate) const EVALUATION_RESULT: &str = "gen_ai.evaluation.result";

/// Values of `gen_ai.operation.name` that no kind of span implies.
pub(crate) mod operation {
    pub(crate) const TEXT_COMPLETION: &str = "text_completion";
    pub(crate) const GENERATE_CONTENT: &str = "generate_content";
}

/// Kinds of spans with what they do; the first row of a kind is what it usually does. The other kinds do nothing that
/// has a name here.
pub(crate) const OPERATIONS: &[(&str, &str)] = &[
    ("AGENT", "invoke_agent"),
    ("AGENT", "create_agent"),
    ("TOOL", "execute_tool"),
    ("LLM", "chat"),
    ("LLM", operation::TEXT_COMPLETION),
    ("LLM", operation::GENERATE_CONTENT),
    ("EMBEDDING", "embeddings"),
    ("RETRIEVER", "retrieval"),
];

/// OpenInference's attributes whose value has another name here. Of two with one name, the first that is there counts.
pub(crate) const SAME: &[(&str, &str)] = &[
    (oi::SESSION_ID, CONVERSATION_ID),
    (oi::AGENT_NAME, AGENT_NAME),
    (oi::TOOL_NAME, TOOL_NAME),
    (oi::TOOL_DESCRIPTION, TOOL_DESCRIPTION),
    (oi::TOOL_ID, TOOL_CALL_ID),
    (oi::LLM_REQUEST_MODEL_NAME, REQUEST_MODEL),
    (oi::LLM_RESPONSE_MODEL_NAME, RESPONSE_MODEL),
    (oi::LLM_MODEL_NAME, REQUEST_MODEL),
    (oi::EMBEDDING_MODEL_NAME, REQUEST_MODEL),
    (oi::LLM_TOKEN_COUNT_PROMPT, USAGE_INPUT_TOKENS),
    (oi::LLM_TOKEN_COUNT_COMPLETION, USAGE_OUTPUT_TOKENS),
    (oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ, USAGE_CACHE_READ_INPUT_TOKENS),
    (oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE, USAGE_CACHE_CREATION_INPUT_TOKENS),
    (oi::LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO, USAGE_AUDIO_INPUT_TOKENS),
    (oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO, USAGE_AUDIO_OUTPUT_TOKENS),
    (oi::LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING, USAGE_REASONING_OUTPUT_TOKENS),
];

/// `gen_ai.provider.name` by `llm.provider` and `llm.system`, of which an empty one may be anything. What is not here has
/// the same name in both.
pub(crate) const PROVIDERS: &[(&str, &str, &str)] = &[
    ("azure", system::OPENAI, "azure.ai.openai"),
    ("azure", "", "azure.ai.inference"),
    ("aws", "", "aws.bedrock"),
    (system::GOOGLE, system::VERTEXAI, "gcp.vertex_ai"),
    (system::GOOGLE, "", "gcp.gen_ai"),
    (system::MISTRALAI, "", "mistral_ai"),
    ("xai", "", "x_ai"),
    (system::VERTEXAI, "", "gcp.vertex_ai"),
];

/// What a parameter of a request is recorded as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Number,
    Whole,
    Flag,
    Texts,
}

/// The parameters of requests, with the names that providers have for them.
pub(crate) const PARAMETERS: &[(&str, Form, &[&str])] = &[
    (REQUEST_TEMPERATURE, Form::Number, &["temperature"]),
    (REQUEST_TOP_P, Form::Number, &["top_p", "topP"]),
    (REQUEST_TOP_K, Form::Number, &["top_k", "topK"]),
    (
        REQUEST_MAX_TOKENS,
        Form::Whole,
        &["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "num_predict"],
    ),
    (REQUEST_FREQUENCY_PENALTY, Form::Number, &["frequency_penalty", "frequencyPenalty"]),
    (REQUEST_PRESENCE_PENALTY, Form::Number, &["presence_penalty", "presencePenalty"]),
    (REQUEST_SEED, Form::Whole, &["seed"]),
    (REQUEST_STREAM, Form::Flag, &["stream"]),
    (REQUEST_STOP_SEQUENCES, Form::Texts, &["stop", "stop_sequences", "stopSequences"]),
    (REQUEST_CHOICE_COUNT, Form::Whole, &["n", "candidate_count", "candidateCount"]),
    (REQUEST_ENCODING_FORMATS, Form::Texts, &["encoding_format"]),
    (
        EMBEDDINGS_DIMENSION_COUNT,
        Form::Whole,
        &["dimensions", "output_dimensionality", "outputDimensionality"],
    ),
];

/// Where providers ask for JSON or plain text.
pub(crate) const OUTPUT_FORMATS: &[&str] =
    &["response_format", "responseMimeType", "response_mime_type", "format"];

/// What some providers put their parameters into.
pub(crate) const PARAMETER_GROUPS: &[&str] = &["generationConfig", "generation_config", "options", "text"];

/// Why a model stopped, in the words of the convention's messages, by those of the providers.
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

/// Parts of a message that are more than text: what they are, and where OpenInference has the address and the MIME type.
pub(crate) const MEDIA: &[(&str, &str, &str)] = &[
    ("image", oi::PART_IMAGE_URL, ""),
    ("audio", oi::PART_AUDIO_URL, oi::PART_AUDIO_MIME_TYPE),
    ("video", oi::PART_VIDEO_URL, ""),
    ("document", oi::PART_DOCUMENT_URL, oi::PART_DOCUMENT_MIME_TYPE),
];
