//! OpenInference, version 0.1.42 of its semantic conventions: the keys of its attributes, and some of their values.
//!
//! The key of a list of objects is followed by an object's number and the object's attribute, as in
//! `llm.input_messages.0.message.role`. The attributes of objects have modules of their own.
//!
//! Source: the package `openinference-semantic-conventions`.

attributes! {
    ANNOTATIONS = "annotations", "list of objects";
    EVALUATIONS = "evaluations", "list of objects";
    TRACE_ANNOTATIONS = "trace.annotations", "list of objects";
    TRACE_EVALUATIONS = "trace.evaluations", "list of objects";
    SESSION_ANNOTATIONS = "session.annotations", "list of objects";
    SESSION_EVALUATIONS = "session.evaluations", "list of objects";
    OUTPUT_VALUE = "output.value", "text";
    OUTPUT_MIME_TYPE = "output.mime_type", "text";
    INPUT_VALUE = "input.value", "text";
    INPUT_MIME_TYPE = "input.mime_type", "text";
    INPUT_IMAGES = "input.images", "list of objects";
    OUTPUT_IMAGES = "output.images", "list of objects";
    INPUT_DOCUMENTS = "input.documents", "list of objects";
    OUTPUT_DOCUMENTS = "output.documents", "list of objects";
    EMBEDDING_EMBEDDINGS = "embedding.embeddings", "list of objects";
    EMBEDDING_INVOCATION_PARAMETERS = "embedding.invocation_parameters", "JSON as text";
    EMBEDDING_MODEL_NAME = "embedding.model_name", "text";
    LLM_FUNCTION_CALL = "llm.function_call", "JSON as text";
    LLM_INVOCATION_PARAMETERS = "llm.invocation_parameters", "JSON as text";
    LLM_INPUT_MESSAGES = "llm.input_messages", "list of objects";
    LLM_OUTPUT_MESSAGES = "llm.output_messages", "list of objects";
    LLM_MODEL_NAME = "llm.model_name", "text";
    LLM_REQUEST_MODEL_NAME = "llm.request.model_name", "text";
    LLM_RESPONSE_MODEL_NAME = "llm.response.model_name", "text";
    LLM_PROVIDER = "llm.provider", "text";
    LLM_SYSTEM = "llm.system", "text";
    DECISION_MODEL_NAME = "decision.model_name", "text";
    DECISION_REQUEST_MODEL_NAME = "decision.request.model_name", "text";
    DECISION_RESPONSE_MODEL_NAME = "decision.response.model_name", "text";
    DECISION_PROVIDER = "decision.provider", "text";
    DECISION_SYSTEM = "decision.system", "text";
    DECISION_TOKEN_COUNT_INPUT = "decision.token_count.input", "whole number";
    DECISION_TOKEN_COUNT_OUTPUT = "decision.token_count.output", "whole number";
    LLM_PROMPTS = "llm.prompts", "list of objects";
    LLM_CHOICES = "llm.choices", "list of objects";
    LLM_PROMPT_TEMPLATE = "llm.prompt_template.template", "text";
    LLM_PROMPT_TEMPLATE_VARIABLES = "llm.prompt_template.variables", "JSON as text";
    LLM_PROMPT_TEMPLATE_VERSION = "llm.prompt_template.version", "text";
    LLM_TOKEN_COUNT_COMPLETION = "llm.token_count.completion", "whole number";
    LLM_TOKEN_COUNT_COMPLETION_DETAILS_AUDIO = "llm.token_count.completion_details.audio", "whole number";
    LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING = "llm.token_count.completion_details.reasoning", "whole number";
    LLM_TOKEN_COUNT_PROMPT = "llm.token_count.prompt", "whole number";
    LLM_TOKEN_COUNT_PROMPT_DETAILS = "llm.token_count.prompt_details", "object";
    LLM_TOKEN_COUNT_PROMPT_DETAILS_AUDIO = "llm.token_count.prompt_details.audio", "whole number";
    LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_INPUT = "llm.token_count.prompt_details.cache_input", "whole number";
    LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ = "llm.token_count.prompt_details.cache_read", "whole number";
    LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE = "llm.token_count.prompt_details.cache_write", "whole number";
    LLM_TOKEN_COUNT_TOTAL = "llm.token_count.total", "whole number";
    LLM_FINISH_REASON = "llm.finish_reason", "text";
    LLM_COST_COMPLETION = "llm.cost.completion", "number";
    LLM_COST_COMPLETION_DETAILS = "llm.cost.completion_details", "object";
    LLM_COST_COMPLETION_DETAILS_AUDIO = "llm.cost.completion_details.audio", "number";
    LLM_COST_COMPLETION_DETAILS_OUTPUT = "llm.cost.completion_details.output", "number";
    LLM_COST_COMPLETION_DETAILS_REASONING = "llm.cost.completion_details.reasoning", "number";
    LLM_COST_PROMPT = "llm.cost.prompt", "number";
    LLM_COST_PROMPT_DETAILS = "llm.cost.prompt_details", "object";
    LLM_COST_PROMPT_DETAILS_AUDIO = "llm.cost.prompt_details.audio", "number";
    LLM_COST_PROMPT_DETAILS_CACHE_INPUT = "llm.cost.prompt_details.cache_input", "number";
    LLM_COST_PROMPT_DETAILS_CACHE_READ = "llm.cost.prompt_details.cache_read", "number";
    LLM_COST_PROMPT_DETAILS_CACHE_WRITE = "llm.cost.prompt_details.cache_write", "number";
    LLM_COST_PROMPT_DETAILS_INPUT = "llm.cost.prompt_details.input", "number";
    LLM_COST_TOTAL = "llm.cost.total", "number";
    LLM_TOOLS = "llm.tools", "list of objects";
    TOOL_NAME = "tool.name", "text";
    TOOL_DESCRIPTION = "tool.description", "text";
    TOOL_PARAMETERS = "tool.parameters", "JSON as text";
    TOOL_ID = "tool.id", "text";
    RETRIEVAL_DOCUMENTS = "retrieval.documents", "list of objects";
    METADATA = "metadata", "JSON as text";
    TAG_TAGS = "tag.tags", "list of texts";
    SPAN_KIND = "openinference.span.kind", "text";
    SESSION_ID = "session.id", "text";
    USER_ID = "user.id", "text";
    AGENT_NAME = "agent.name", "text";
    GRAPH_NODE_ID = "graph.node.id", "text";
    GRAPH_NODE_NAME = "graph.node.name", "text";
    GRAPH_NODE_PARENT_ID = "graph.node.parent_id", "text";
    PROMPT_VENDOR = "prompt.vendor", "text";
    PROMPT_ID = "prompt.id", "text";
    PROMPT_URL = "prompt.url", "text";
}

/// Attributes of the resource.
pub mod resource {
    attributes! {
        PROJECT_NAME = "openinference.project.name", "text";
    }
}

/// Attributes of each item of `llm.input_messages` and `llm.output_messages`.
pub mod message {
    attributes! {
        ROLE = "message.role", "text";
        CONTENT = "message.content", "text";
        CONTENTS = "message.contents", "list of objects";
        NAME = "message.name", "text";
        TOOL_CALLS = "message.tool_calls", "list of objects";
        FUNCTION_CALL_NAME = "message.function_call_name", "text";
        FUNCTION_CALL_ARGUMENTS = "message.function_call_arguments_json", "JSON as text";
        TOOL_CALL_ID = "message.tool_call_id", "text";
    }
}

/// Attributes of each item of `message.contents`.
pub mod message_content {
    attributes! {
        TYPE = "message_content.type", "text";
        TEXT = "message_content.text", "text";
        IMAGE = "message_content.image", "object";
        AUDIO = "message_content.audio", "object";
        VIDEO = "message_content.video", "object";
        DOCUMENT = "message_content.document", "object";
        ID = "message_content.id", "text";
        SIGNATURE = "message_content.signature", "text";
        DATA = "message_content.data", "text";
        ENCRYPTED_CONTENT = "message_content.encrypted_content", "text";
    }
}

/// Attributes of each item of `message.tool_calls`, and of a part that is a tool call.
pub mod tool_call {
    attributes! {
        ID = "tool_call.id", "text";
        FUNCTION_NAME = "tool_call.function.name", "text";
        FUNCTION_ARGUMENTS = "tool_call.function.arguments", "JSON as text";
        REASONING_SIGNATURE = "tool_call.reasoning_signature", "text";
    }
}

/// Attributes of each item of `llm.tools`.
pub mod tool {
    attributes! {
        JSON_SCHEMA = "tool.json_schema", "JSON as text";
        NAME = "tool.name", "text";
        DESCRIPTION = "tool.description", "text";
    }
}

/// Attributes of each item of `llm.prompts`.
pub mod prompt {
    attributes! {
        TEXT = "prompt.text", "text";
    }
}

/// Attributes of each item of `llm.choices`.
pub mod completion {
    attributes! {
        TEXT = "completion.text", "text";
    }
}

/// Attributes of each item of `input.images` and `output.images`, and of a part that is an image.
pub mod image {
    attributes! {
        URL = "image.url", "text";
    }
}

/// Attributes of a part that is audio.
pub mod audio {
    attributes! {
        URL = "audio.url", "text";
        MIME_TYPE = "audio.mime_type", "text";
        TRANSCRIPT = "audio.transcript", "text";
    }
}

/// Attributes of a part that is a video.
pub mod video {
    attributes! {
        URL = "video.url", "text";
    }
}

/// Attributes of each item of a list of documents.
pub mod document {
    attributes! {
        ID = "document.id", "text";
        SCORE = "document.score", "number";
        CONTENT = "document.content", "text";
        METADATA = "document.metadata", "JSON as text";
        URL = "document.url", "text";
        MIME_TYPE = "document.mime_type", "text";
        NAME = "document.name", "text";
    }
}

/// Attributes of a span of kind `RERANKER`.
pub mod reranker {
    attributes! {
        INPUT_DOCUMENTS = "reranker.input_documents", "list of objects";
        OUTPUT_DOCUMENTS = "reranker.output_documents", "list of objects";
        QUERY = "reranker.query", "text";
        MODEL_NAME = "reranker.model_name", "text";
        TOP_K = "reranker.top_k", "whole number";
    }
}

/// Attributes of each item of `embedding.embeddings`.
pub mod embedding {
    attributes! {
        TEXT = "embedding.text", "text";
        VECTOR = "embedding.vector", "list of numbers";
    }
}

/// Attributes of each item of a list of annotations.
pub mod annotation {
    attributes! {
        NAME = "annotation.name", "text";
        SCORE = "annotation.score", "number";
        LABEL = "annotation.label", "text";
        EXPLANATION = "annotation.explanation", "text";
        ANNOTATOR_KIND = "annotation.annotator_kind", "text";
        IDENTIFIER = "annotation.identifier", "text";
        METADATA = "annotation.metadata", "JSON as text";
    }
}

/// Attributes of each item of a list of evaluations.
pub mod evaluation {
    attributes! {
        NAME = "evaluation.name", "text";
        SCORE = "evaluation.score", "number";
        LABEL = "evaluation.label", "text";
        EXPLANATION = "evaluation.explanation", "text";
        ANNOTATOR_KIND = "evaluation.annotator_kind", "text";
        IDENTIFIER = "evaluation.identifier", "text";
        METADATA = "evaluation.metadata", "JSON as text";
    }
}

/// Values of `*.mime_type`.
pub mod mime_type {
    /// JSON.
    pub const JSON: &str = "application/json";
    /// Any other text.
    pub const TEXT: &str = "text/plain";
}

/// The event of a streamed answer's first chunk, named as in OpenInference's instrumentations.
pub const FIRST_TOKEN: &str = "First Token Stream Event";

// The keys of the files in parts of a message.
pub(crate) const PART_IMAGE_URL: &str = "message_content.image.image.url";
pub(crate) const PART_AUDIO_URL: &str = "message_content.audio.audio.url";
pub(crate) const PART_AUDIO_MIME_TYPE: &str = "message_content.audio.audio.mime_type";
pub(crate) const PART_AUDIO_TRANSCRIPT: &str = "message_content.audio.audio.transcript";
pub(crate) const PART_VIDEO_URL: &str = "message_content.video.video.url";
pub(crate) const PART_DOCUMENT_URL: &str = "message_content.document.document.url";
pub(crate) const PART_DOCUMENT_MIME_TYPE: &str = "message_content.document.document.mime_type";
pub(crate) const PART_DOCUMENT_NAME: &str = "message_content.document.document.name";

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
