//! OpenTelemetry's conventions for generative AI: the keys of its attributes, and in which version each is written.
//! `equivalents.rs` has what corresponds to them in OpenInference.
//!
//! All versions are experimental. Version 1.41 was the last of the main conventions; version 0.1.0 is the first of their
//! own, on version 1.45 of the main ones. Cache writes have a new name in 0.1.0. Both names are written in every version:
//! Phoenix 20.26 reads only the old one.
//!
//! Sources: the repository `open-telemetry/semantic-conventions`, `docs/gen-ai` of version 1.41.0; the repository
//! `open-telemetry/semantic-conventions-genai`, `CHANGELOG.md` and `docs/gen-ai/non-normative/migration.md`.

use self::GenAiVersion::V0_1_0;
use self::Written::{Always, NotOnInternalAgentsSince};

/// A version of OpenTelemetry's GenAI conventions, for [`Builder::gen_ai_version`](crate::Builder::gen_ai_version).
///
/// [`docs/semconv.md`](crate::guide::semconv) lists how they differ. The variable is `OTEL_SEMCONV_STABILITY_OPT_IN`: the value
/// `gen_ai_latest_experimental` in its list chooses the latest version.
///
/// ```
/// use a2a_otel::semconv::GenAiVersion;
///
/// assert_eq!(GenAiVersion::default(), GenAiVersion::V1_41);
/// assert_eq!(GenAiVersion::LATEST.schema_url(), "https://opentelemetry.io/schemas/gen-ai/0.1.0");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GenAiVersion {
    /// Version 1.41 of the main conventions, which dashboards read.
    #[default]
    V1_41,
    /// Version 0.1.0 of the conventions of their own.
    V0_1_0,
}

impl GenAiVersion {
    /// The latest version.
    pub const LATEST: Self = V0_1_0;

    /// Every version, the oldest first.
    pub const ALL: &[Self] = &[Self::V1_41, V0_1_0];

    /// The schema URL of scopes whose spans follow this version.
    #[must_use]
    pub const fn schema_url(self) -> &'static str {
        match self {
            Self::V1_41 => "https://opentelemetry.io/schemas/1.41.0",
            V0_1_0 => "https://opentelemetry.io/schemas/gen-ai/0.1.0",
        }
    }
}

/// In which versions an attribute is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Always,
    /// Since this version, not on spans of agents within the process.
    NotOnInternalAgentsSince(GenAiVersion),
}

/// One row per key: the constant, the key, the type of the value, and when it is written.
macro_rules! keys {
    ($($name:ident = $key:literal, $holds:literal, $written:expr;)*) => {
        attributes! { $($name = $key, $holds;)* }

        const WRITTEN: &[(&str, Written)] = &[$(($name, $written)),*];
    };
}

keys! {
    OPERATION_NAME = "gen_ai.operation.name", "text", Always;
    PROVIDER_NAME = "gen_ai.provider.name", "text", NotOnInternalAgentsSince(V0_1_0);
    CONVERSATION_ID = "gen_ai.conversation.id", "text", Always;
    OUTPUT_TYPE = "gen_ai.output.type", "text", Always;
    AGENT_ID = "gen_ai.agent.id", "text", NotOnInternalAgentsSince(V0_1_0);
    AGENT_NAME = "gen_ai.agent.name", "text", Always;
    AGENT_DESCRIPTION = "gen_ai.agent.description", "text", Always;
    AGENT_VERSION = "gen_ai.agent.version", "text", NotOnInternalAgentsSince(V0_1_0);
    REQUEST_MODEL = "gen_ai.request.model", "text", Always;
    REQUEST_TEMPERATURE = "gen_ai.request.temperature", "number", Always;
    REQUEST_TOP_P = "gen_ai.request.top_p", "number", Always;
    REQUEST_TOP_K = "gen_ai.request.top_k", "number; a whole number since 0.1.0", Always;
    REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens", "whole number", Always;
    REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty", "number", Always;
    REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty", "number", Always;
    REQUEST_SEED = "gen_ai.request.seed", "whole number", Always;
    REQUEST_STREAM = "gen_ai.request.stream", "true or false", Always;
    REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences", "list of texts", Always;
    REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count", "whole number, unless it is 1", Always;
    REQUEST_ENCODING_FORMATS = "gen_ai.request.encoding_formats", "list of texts", Always;
    EMBEDDINGS_DIMENSION_COUNT = "gen_ai.embeddings.dimension.count", "whole number", Always;
    RESPONSE_ID = "gen_ai.response.id", "text", Always;
    RESPONSE_MODEL = "gen_ai.response.model", "text", Always;
    RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons", "list of texts", Always;
    RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk", "seconds from the request, a number", Always;
    USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens", "whole number", Always;
    USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens", "whole number", Always;
    USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens", "whole number", NotOnInternalAgentsSince(V0_1_0);
    USAGE_CACHE_CREATION_INPUT_TOKENS = "gen_ai.usage.cache_creation.input_tokens", "whole number", NotOnInternalAgentsSince(V0_1_0);
    USAGE_CACHE_WRITE_INPUT_TOKENS = "gen_ai.usage.cache_write.input_tokens", "whole number", NotOnInternalAgentsSince(V0_1_0);
    USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens", "whole number", Always;
    USAGE_AUDIO_INPUT_TOKENS = "gen_ai.usage.audio.input_tokens", "whole number", Always;
    USAGE_AUDIO_OUTPUT_TOKENS = "gen_ai.usage.audio.output_tokens", "whole number", Always;
    INPUT_MESSAGES = "gen_ai.input.messages", "JSON as text", Always;
    OUTPUT_MESSAGES = "gen_ai.output.messages", "JSON as text", Always;
    SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions", "JSON as text", Always;
    TOOL_DEFINITIONS = "gen_ai.tool.definitions", "JSON as text", Always;
    TOOL_NAME = "gen_ai.tool.name", "text", Always;
    TOOL_TYPE = "gen_ai.tool.type", "text", Always;
    TOOL_DESCRIPTION = "gen_ai.tool.description", "text", Always;
    TOOL_CALL_ID = "gen_ai.tool.call.id", "text", Always;
    TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments", "JSON as text", Always;
    TOOL_CALL_RESULT = "gen_ai.tool.call.result", "JSON as text", Always;
    RETRIEVAL_QUERY_TEXT = "gen_ai.retrieval.query.text", "text", Always;
    RETRIEVAL_DOCUMENTS = "gen_ai.retrieval.documents", "JSON as text", Always;
    EVALUATION_NAME = "gen_ai.evaluation.name", "text", Always;
    EVALUATION_SCORE_VALUE = "gen_ai.evaluation.score.value", "number", Always;
    EVALUATION_SCORE_LABEL = "gen_ai.evaluation.score.label", "text", Always;
    EVALUATION_EXPLANATION = "gen_ai.evaluation.explanation", "text", Always;
}

/// The event of an evaluation.
pub(crate) const EVALUATION_RESULT: &str = "gen_ai.evaluation.result";

/// Values of `gen_ai.operation.name` that are needed by name.
pub(crate) mod operation {
    pub(crate) const INVOKE_AGENT: &str = "invoke_agent";
    pub(crate) const EXECUTE_TOOL: &str = "execute_tool";
    pub(crate) const TEXT_COMPLETION: &str = "text_completion";
    pub(crate) const GENERATE_CONTENT: &str = "generate_content";
    pub(crate) const CHAT: &str = "chat";
    pub(crate) const EMBEDDINGS: &str = "embeddings";
    pub(crate) const RETRIEVAL: &str = "retrieval";
}

/// Whether an attribute is written on the span of an agent within the process.
pub(crate) fn is_written_on_internal_agents(key: &str, version: GenAiVersion) -> bool {
    let row = WRITTEN.iter().find(|(own, _)| *own == key);
    match row.map(|(_, written)| *written) {
        Some(NotOnInternalAgentsSince(since)) => version < since,
        Some(Always) | None => true,
    }
}
