//! OpenTelemetry's conventions for the Model Context Protocol, which are in development.
//!
//! Source: <https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md>; the methods are
//! those of the protocol's schema of 2026-07-28 and its extensions.

/// What is asked for, such as `tools/call`.
pub(crate) const METHOD_NAME: &str = "mcp.method.name";
/// The version of the protocol that both speak.
pub(crate) const PROTOCOL_VERSION: &str = "mcp.protocol.version";
/// The resource that is read.
pub(crate) const RESOURCE_URI: &str = "mcp.resource.uri";
/// The tool that is called.
pub(crate) const TOOL_NAME: &str = "gen_ai.tool.name";
/// The prompt that is asked for.
pub(crate) const PROMPT_NAME: &str = "gen_ai.prompt.name";
/// On a tool's call, and nowhere else, [`EXECUTE_TOOL`].
pub(crate) const OPERATION_NAME: &str = "gen_ai.operation.name";
/// The number of the request, as text.
pub(crate) const REQUEST_ID: &str = "jsonrpc.request.id";
/// The code of the error that came as the answer, as text.
pub(crate) const STATUS_CODE: &str = "rpc.response.status_code";

/// The operation of a tool's call.
pub(crate) const EXECUTE_TOOL: &str = "execute_tool";
/// The `error.type` of a tool that answers with `isError`.
pub(crate) const TOOL_ERROR: &str = "tool_error";

/// Each method, and the kind of span that it is to OpenInference.
macro_rules! methods {
    ($($name:ident = $method:literal, $kind:literal;)*) => {$(
        pub(crate) const $name: (&str, &str) = ($method, $kind);
    )*};
}

methods! {
    INITIALIZE = "initialize", "CHAIN";
    DISCOVER = "server/discover", "CHAIN";
    PING = "ping", "CHAIN";
    CALL_TOOL = "tools/call", "TOOL";
    LIST_TOOLS = "tools/list", "CHAIN";
    GET_PROMPT = "prompts/get", "PROMPT";
    LIST_PROMPTS = "prompts/list", "CHAIN";
    READ_RESOURCE = "resources/read", "RETRIEVER";
    LIST_RESOURCES = "resources/list", "CHAIN";
    LIST_RESOURCE_TEMPLATES = "resources/templates/list", "CHAIN";
    READ_RESOURCE_DIRECTORY = "resources/directory/read", "CHAIN";
    SUBSCRIBE = "resources/subscribe", "CHAIN";
    UNSUBSCRIBE = "resources/unsubscribe", "CHAIN";
    COMPLETE = "completion/complete", "CHAIN";
    SET_LEVEL = "logging/setLevel", "CHAIN";
    GET_TASK = "tasks/get", "CHAIN";
    UPDATE_TASK = "tasks/update", "CHAIN";
    CANCEL_TASK = "tasks/cancel", "CHAIN";
    LIST_SKILLS = "skills/list", "CHAIN";
    GET_SKILL = "skills/get", "CHAIN";
}

/// The kind of span that a method of somebody's own is.
pub(crate) const CUSTOM: &str = "CHAIN";
