//! OpenTelemetry's conventions for the Model Context Protocol, which are in development.
//!
//! Source: <https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md>; the methods are
//! those of the protocol's schema of 2026-07-28 and its extensions.

use super::SpanKind;
/// A call of a tool has the tool's name, and the operation `execute_tool`, which no other method has.
pub(crate) use super::gen_ai::operation::EXECUTE_TOOL;
pub(crate) use super::gen_ai::{OPERATION_NAME, TOOL_NAME};

/// The method, such as `tools/call`.
pub(crate) const METHOD_NAME: &str = "mcp.method.name";
/// The version of the protocol that both sides use.
pub(crate) const PROTOCOL_VERSION: &str = "mcp.protocol.version";
/// The resource that is read.
pub(crate) const RESOURCE_URI: &str = "mcp.resource.uri";
/// The prompt that is requested.
pub(crate) const PROMPT_NAME: &str = "gen_ai.prompt.name";
/// The number of the request, as text.
pub(crate) const REQUEST_ID: &str = "jsonrpc.request.id";
/// The code of the error in the response, as text.
pub(crate) const STATUS_CODE: &str = "rpc.response.status_code";

pub(crate) use super::opentelemetry::TOOL_ERROR;

/// Each method, and the kind of its span.
macro_rules! methods {
    ($($name:ident = $method:literal, $kind:ident;)*) => {$(
        pub(crate) const $name: (&str, SpanKind) = ($method, SpanKind::$kind);
    )*};
}

methods! {
    INITIALIZE = "initialize", Chain;
    DISCOVER = "server/discover", Chain;
    PING = "ping", Chain;
    CALL_TOOL = "tools/call", Tool;
    LIST_TOOLS = "tools/list", Chain;
    GET_PROMPT = "prompts/get", Prompt;
    LIST_PROMPTS = "prompts/list", Chain;
    READ_RESOURCE = "resources/read", Retriever;
    LIST_RESOURCES = "resources/list", Chain;
    LIST_RESOURCE_TEMPLATES = "resources/templates/list", Chain;
    READ_RESOURCE_DIRECTORY = "resources/directory/read", Chain;
    SUBSCRIBE = "resources/subscribe", Chain;
    UNSUBSCRIBE = "resources/unsubscribe", Chain;
    COMPLETE = "completion/complete", Chain;
    SET_LEVEL = "logging/setLevel", Chain;
    GET_TASK = "tasks/get", Chain;
    UPDATE_TASK = "tasks/update", Chain;
    CANCEL_TASK = "tasks/cancel", Chain;
    LIST_SKILLS = "skills/list", Chain;
    GET_SKILL = "skills/get", Chain;
    LIST_ROOTS = "roots/list", Chain;
    ELICIT = "elicitation/create", Chain;
    PROGRESS = "notifications/progress", Chain;
    MESSAGE = "notifications/message", Chain;
    RESOURCE_UPDATED = "notifications/resources/updated", Chain;
    RESOURCES_CHANGED = "notifications/resources/list_changed", Chain;
    TOOLS_CHANGED = "notifications/tools/list_changed", Chain;
    PROMPTS_CHANGED = "notifications/prompts/list_changed", Chain;
    ROOTS_CHANGED = "notifications/roots/list_changed", Chain;
    TASK_STATUS = "notifications/tasks", Chain;
}

/// A server's request for a completion: the server only asks, and the client calls the model.
pub(crate) const CREATE_MESSAGE: (&str, SpanKind, SpanKind) =
    ("sampling/createMessage", SpanKind::Chain, SpanKind::Llm);

/// The kind of the span of a custom method.
pub(crate) const CUSTOM: SpanKind = SpanKind::Chain;
