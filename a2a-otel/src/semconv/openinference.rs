//! OpenInference, version 0.1.42 of its semantic conventions.

/// An attribute of the resource.
pub(crate) const PROJECT_NAME: &str = "openinference.project.name";

pub(crate) const SPAN_KIND: &str = "openinference.span.kind";
pub(crate) const INPUT_VALUE: &str = "input.value";
pub(crate) const INPUT_MIME_TYPE: &str = "input.mime_type";
pub(crate) const OUTPUT_VALUE: &str = "output.value";
pub(crate) const OUTPUT_MIME_TYPE: &str = "output.mime_type";
pub(crate) const MIME_JSON: &str = "application/json";
pub(crate) const MIME_TEXT: &str = "text/plain";

pub(crate) const SESSION_ID: &str = "session.id";
pub(crate) const USER_ID: &str = "user.id";
pub(crate) const TAG_TAGS: &str = "tag.tags";
pub(crate) const METADATA: &str = "metadata";

pub(crate) const LLM_MODEL_NAME: &str = "llm.model_name";
pub(crate) const LLM_SYSTEM: &str = "llm.system";
pub(crate) const LLM_INVOCATION_PARAMETERS: &str = "llm.invocation_parameters";
pub(crate) const LLM_FINISH_REASON: &str = "llm.finish_reason";
pub(crate) const LLM_INPUT_MESSAGES: &str = "llm.input_messages";
pub(crate) const LLM_OUTPUT_MESSAGES: &str = "llm.output_messages";
pub(crate) const LLM_TOOLS: &str = "llm.tools";
pub(crate) const LLM_PROMPT_TEMPLATE: &str = "llm.prompt_template.template";
pub(crate) const LLM_PROMPT_TEMPLATE_VERSION: &str = "llm.prompt_template.version";
pub(crate) const LLM_PROMPT_TEMPLATE_VARIABLES: &str = "llm.prompt_template.variables";

pub(crate) const LLM_TOKEN_COUNT_PROMPT: &str = "llm.token_count.prompt";
pub(crate) const LLM_TOKEN_COUNT_COMPLETION: &str = "llm.token_count.completion";
pub(crate) const LLM_TOKEN_COUNT_TOTAL: &str = "llm.token_count.total";
pub(crate) const LLM_TOKEN_COUNT_PROMPT_CACHE_READ: &str = "llm.token_count.prompt_details.cache_read";
pub(crate) const LLM_TOKEN_COUNT_PROMPT_AUDIO: &str = "llm.token_count.prompt_details.audio";
pub(crate) const LLM_TOKEN_COUNT_COMPLETION_REASONING: &str = "llm.token_count.completion_details.reasoning";
pub(crate) const LLM_TOKEN_COUNT_COMPLETION_AUDIO: &str = "llm.token_count.completion_details.audio";

/// The event of a streamed answer's first chunk, as OpenInference's instrumentations call it.
pub(crate) const FIRST_TOKEN: &str = "First Token Stream Event";

/// Values of `llm.system`.
pub(crate) mod system {
    pub(crate) const OPENAI: &str = "openai";
    pub(crate) const ANTHROPIC: &str = "anthropic";
    pub(crate) const COHERE: &str = "cohere";
    pub(crate) const MISTRALAI: &str = "mistralai";
    pub(crate) const VERTEXAI: &str = "vertexai";
}
