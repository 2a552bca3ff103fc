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
pub(crate) const LLM_REQUEST_MODEL_NAME: &str = "llm.request.model_name";
pub(crate) const LLM_RESPONSE_MODEL_NAME: &str = "llm.response.model_name";
pub(crate) const LLM_PROVIDER: &str = "llm.provider";
pub(crate) const LLM_SYSTEM: &str = "llm.system";
pub(crate) const LLM_INVOCATION_PARAMETERS: &str = "llm.invocation_parameters";
pub(crate) const LLM_FINISH_REASON: &str = "llm.finish_reason";
pub(crate) const LLM_INPUT_MESSAGES: &str = "llm.input_messages";
pub(crate) const LLM_OUTPUT_MESSAGES: &str = "llm.output_messages";
pub(crate) const LLM_TOOLS: &str = "llm.tools";
pub(crate) const LLM_PROMPT_TEMPLATE: &str = "llm.prompt_template.template";
pub(crate) const LLM_PROMPT_TEMPLATE_VERSION: &str = "llm.prompt_template.version";
pub(crate) const LLM_PROMPT_TEMPLATE_VARIABLES: &str = "llm.prompt_template.variables";
pub(crate) const TOOL_JSON_SCHEMA: &str = "tool.json_schema";
pub(crate) const LLM_PROMPTS: &str = "llm.prompts";
pub(crate) const PROMPT_TEXT: &str = "prompt.text";
pub(crate) const LLM_CHOICES: &str = "llm.choices";
pub(crate) const COMPLETION_TEXT: &str = "completion.text";
pub(crate) const OUTPUT_IMAGES: &str = "output.images";
pub(crate) const IMAGE_URL: &str = "image.url";

pub(crate) const EMBEDDING_MODEL_NAME: &str = "embedding.model_name";
pub(crate) const EMBEDDING_INVOCATION_PARAMETERS: &str = "embedding.invocation_parameters";
pub(crate) const EMBEDDING_EMBEDDINGS: &str = "embedding.embeddings";
pub(crate) const EMBEDDING_TEXT: &str = "embedding.text";
pub(crate) const EMBEDDING_VECTOR: &str = "embedding.vector";

pub(crate) const LLM_TOKEN_COUNT_PROMPT: &str = "llm.token_count.prompt";
pub(crate) const LLM_TOKEN_COUNT_COMPLETION: &str = "llm.token_count.completion";
pub(crate) const LLM_TOKEN_COUNT_TOTAL: &str = "llm.token_count.total";
pub(crate) const LLM_TOKEN_COUNT_PROMPT_CACHE_READ: &str = "llm.token_count.prompt_details.cache_read";
pub(crate) const LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE: &str = "llm.token_count.prompt_details.cache_write";
pub(crate) const LLM_TOKEN_COUNT_PROMPT_AUDIO: &str = "llm.token_count.prompt_details.audio";
pub(crate) const LLM_TOKEN_COUNT_COMPLETION_REASONING: &str = "llm.token_count.completion_details.reasoning";
pub(crate) const LLM_TOKEN_COUNT_COMPLETION_AUDIO: &str = "llm.token_count.completion_details.audio";

/// The event of a streamed answer's first chunk, as OpenInference's instrumentations call it.
pub(crate) const FIRST_TOKEN: &str = "First Token Stream Event";

/// Below each of `llm.input_messages` and `llm.output_messages`.
pub(crate) mod message {
    pub(crate) const ROLE: &str = "message.role";
    pub(crate) const CONTENT: &str = "message.content";
    pub(crate) const CONTENTS: &str = "message.contents";
    pub(crate) const NAME: &str = "message.name";
    pub(crate) const TOOL_CALL_ID: &str = "message.tool_call_id";
    pub(crate) const TOOL_CALLS: &str = "message.tool_calls";
    pub(crate) const FUNCTION_CALL_NAME: &str = "message.function_call_name";
    pub(crate) const FUNCTION_CALL_ARGUMENTS: &str = "message.function_call_arguments_json";
}

/// Below each of `message.contents`.
pub(crate) mod message_content {
    pub(crate) const TYPE: &str = "message_content.type";
    pub(crate) const TEXT: &str = "message_content.text";
    pub(crate) const IMAGE_URL: &str = "message_content.image.image.url";
    pub(crate) const AUDIO_URL: &str = "message_content.audio.audio.url";
    pub(crate) const AUDIO_MIME_TYPE: &str = "message_content.audio.audio.mime_type";
    pub(crate) const SIGNATURE: &str = "message_content.signature";
    pub(crate) const DATA: &str = "message_content.data";
    pub(crate) const ENCRYPTED_CONTENT: &str = "message_content.encrypted_content";
}

/// Below each of `message.tool_calls`, and in a part that is a tool call.
pub(crate) mod tool_call {
    pub(crate) const ID: &str = "tool_call.id";
    pub(crate) const FUNCTION_NAME: &str = "tool_call.function.name";
    pub(crate) const FUNCTION_ARGUMENTS: &str = "tool_call.function.arguments";
    pub(crate) const REASONING_SIGNATURE: &str = "tool_call.reasoning_signature";
}

/// Values of `llm.system` and `llm.provider`.
pub(crate) mod system {
    pub(crate) const OPENAI: &str = "openai";
    pub(crate) const ANTHROPIC: &str = "anthropic";
    pub(crate) const COHERE: &str = "cohere";
    pub(crate) const MISTRALAI: &str = "mistralai";
    pub(crate) const VERTEXAI: &str = "vertexai";
    pub(crate) const GOOGLE: &str = "google";
    pub(crate) const OLLAMA: &str = "ollama";
}
