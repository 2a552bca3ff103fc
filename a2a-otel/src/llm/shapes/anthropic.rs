//! Anthropic's messages, `POST /v1/messages`.
//!
//! Source: Anthropic's API reference. What is recorded follows OpenInference's instrumentation of the `anthropic`
//! package.

use super::parts::push_unknown_fields;
use crate::json::Node;
use crate::llm::exchange::{Message, Operation, Part, Request, Response, Text, ToolCall, Usage, tier, tools};
use crate::llm::fold::Rule::{Append, AppendJson, Elements, Keep, Largest, Object, Push, Skip};
use crate::llm::fold::{Grown, Rule};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: Some(system::ANTHROPIC),
    provider: Some(system::ANTHROPIC),
    names_both_models: true,
    fits_request: |request| Fit::possible_if(request.get("messages").is_some_and(Node::is_list)),
    marks: Marks {
        fields: &[
            "anthropic_version",
            "container",
            "context_management",
            "mcp_servers",
            "output_config",
            "stop_sequences",
            "system",
            "top_k",
        ],
        // Routers name the maker before a slash, and have OpenAI's interface.
        is_model: |model| model.contains("claude") && !model.contains('/'),
        tool_fields: &["input_schema"],
        part_types: &[
            "document",
            "image",
            "redacted_thinking",
            "search_result",
            "server_tool_use",
            "tool_result",
            "tool_use",
        ],
        foreign: &["tool_calls", "system", "developer", "tool", "function"],
        ..Marks::NONE
    },
    is_response: |response| response.get("content").is_some_and(Node::is_list) && response.has("stop_reason"),
    is_chunk: |event| event.filled("type").is_some_and(|kind| EVENTS.contains(&&*kind)),
    request,
    response,
    fold,
};

const EVENTS: &[&str] = &[
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
];

fn request(request: Node<'_>) -> Request<'_> {
    let mut messages: Vec<_> = request.get("system").and_then(system_message).into_iter().collect();
    for message in request.list("messages") {
        push_message(&mut messages, message);
    }
    Request {
        model: request.filled("model"),
        messages,
        tools: tools(request),
        parameters: parameters::ANTHROPIC.of(request),
        ..Request::default()
    }
}

fn system_message(system: Node<'_>) -> Option<Message<'_>> {
    let mut message = Message::of_text(0, "system", system.text());
    push_blocks(&mut message, system.items());
    let is_empty = message.parts.is_empty() && message.content.as_deref().is_none_or(str::is_empty);
    (!is_empty).then_some(message)
}

/// Adds a message. Each tool result in it becomes a separate message before it, as with other providers.
fn push_message<'a>(messages: &mut Vec<Message<'a>>, message: Node<'a>) {
    let blocks = || message.list("content");
    for result in blocks().filter(|block| is_of(*block, "tool_result")) {
        messages.push(Message {
            tool_call_id: result.filled("tool_use_id"),
            ..Message::of_text(messages.len(), "tool", result.get("content").map(text_or_redacted))
        });
    }
    let rest = || blocks().filter(|block| !is_of(*block, "tool_result"));
    if rest().next().is_none() && blocks().next().is_some() {
        return;
    }
    let content = message.get("content").and_then(Node::text);
    let role = message.filled("role").unwrap_or_default();
    let mut message = Message::of_text(messages.len(), role, content);
    push_blocks(&mut message, rest());
    messages.push(message);
}

fn response(response: Node<'_>) -> Response<'_> {
    let mut message = Message::of_text(0, response.filled("role").unwrap_or("assistant".into()), None);
    push_blocks(&mut message, response.list("content"));
    Response {
        model: response.filled("model"),
        messages: vec![message],
        finish_reason: response.filled("stop_reason"),
        usage: response.get("usage").map(usage).unwrap_or_default(),
        ..Response::default()
    }
}

/// Anthropic counts the tokens of the cache separately from the input; everywhere else the input includes them.
fn usage(usage: Node<'_>) -> Usage {
    let used = |name| usage.count(name).filter(|count| *count != 0);
    let (cache_read, cache_write) = (used("cache_read_input_tokens"), used("cache_creation_input_tokens"));
    let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
    let prompt = usage.count("input_tokens").map(|input| input.saturating_add(cached));
    let completion = usage.count("output_tokens");
    let details = usage.get("output_tokens_details");
    Usage {
        prompt,
        completion,
        total: prompt.zip(completion).map(|(prompt, completion)| prompt.saturating_add(completion)),
        cache_read,
        cache_write,
        reasoning: details.and_then(|details| details.count("thinking_tokens")).filter(|count| *count != 0),
        cache_write_1h: usage
            .get("cache_creation")
            .and_then(|kinds| kinds.count("ephemeral_1h_input_tokens")),
        tier: usage.filled("service_tier").and_then(|reported| tier(&reported)),
        ..Usage::default()
    }
}

fn is_of(block: Node<'_>, kind: &str) -> bool {
    block.filled("type").is_some_and(|of| of == kind)
}

fn push_blocks<'a>(message: &mut Message<'a>, blocks: impl Iterator<Item = Node<'a>>) {
    let mut cited = Vec::new();
    for block in blocks {
        if block.has("citations") && is_of(block, "text") {
            cited.push(block);
        }
        match block.filled("type").as_deref() {
            Some("tool_use" | "server_tool_use" | "mcp_tool_use") => message.push_tool_part(ToolCall {
                id: block.filled("id"),
                name: block.filled("name"),
                arguments: block.get("input").map(Node::text_or_json),
                ..ToolCall::default()
            }),
            kind => message.parts.push(part(kind.unwrap_or("unknown"), block)),
        }
    }
    // They come last, so that each block keeps its number.
    for block in cited {
        push_unknown_fields(message, block, &["text"]);
    }
}

fn part<'a>(kind: &str, block: Node<'a>) -> Part<'a> {
    let text = |name| block.get(name).and_then(Node::text);
    let signature = block.filled("signature");
    match kind {
        "text" => Part::text(text("text")),
        "thinking" => Part { signature, ..Part::reasoning(text("thinking")) },
        "redacted_thinking" => Part { data: text("data"), ..Part::reasoning(None) },
        "compaction" => {
            Part { signature, encrypted: block.filled("encrypted_content"), ..Part::text(text("content")) }
        }
        "image" => block.get("source").and_then(image).unwrap_or_else(|| other(kind, block)),
        _ => other(kind, block),
    }
}

fn image(source: Node<'_>) -> Option<Part<'_>> {
    let url = match source.filled("type").as_deref() {
        Some("base64") => {
            let (mime_type, data) = (source.filled("media_type")?, source.filled("data")?);
            format!("data:{mime_type};base64,{data}").into()
        }
        Some("url") => source.filled("url")?,
        _ => return None,
    };
    Some(Part::image(Some(url)))
}

/// A block that an exchange has no field for, as JSON.
fn other<'a>(kind: &str, block: Node<'a>) -> Part<'a> {
    Part::other(kind.to_owned(), text_or_redacted(block))
}

/// The text or JSON of a value, without the documents and images in it, which are whole files in base64.
fn text_or_redacted(value: Node<'_>) -> Text<'_> {
    const REDACTED: &str = "\"__REDACTED__\"";
    let mut files = Vec::new();
    collect_files(value, &mut files);
    if files.is_empty() {
        return value.text_or_json();
    }
    files.into_iter().fold(value.raw().to_owned(), |json, file| json.replace(file, REDACTED)).into()
}

fn collect_files<'a>(value: Node<'a>, files: &mut Vec<&'a str>) {
    let source = value.get("source").filter(|source| is_of(*source, "base64"));
    files.extend(source.and_then(|source| source.get("data")).map(Node::raw));
    // Results of tools hold blocks. Nothing below these holds files.
    for block in value.items().chain(value.list("content")) {
        let source = block.get("source").filter(|source| is_of(*source, "base64"));
        files.extend(source.and_then(|source| source.get("data")).map(Node::raw));
    }
}

/// How events join into a message.
const MESSAGE: Rule = Object(&[("content", "content", Elements(&BLOCK)), ("usage", "usage", USAGE)]);
/// Counts grow. A client may write zero for a count that an event does not have.
const USAGE: Rule = Object(&[
    ("input_tokens", "input_tokens", Largest),
    ("output_tokens", "output_tokens", Largest),
    ("cache_read_input_tokens", "cache_read_input_tokens", Largest),
    ("cache_creation_input_tokens", "cache_creation_input_tokens", Largest),
    ("cache_creation", "cache_creation", CACHE_CREATION),
    ("service_tier", "service_tier", Keep),
]);
const CACHE_CREATION: Rule = Object(&[
    ("ephemeral_1h_input_tokens", "ephemeral_1h_input_tokens", Largest),
    ("ephemeral_5m_input_tokens", "ephemeral_5m_input_tokens", Largest),
]);
const BLOCK: Rule = Object(&[
    ("id", "id", Keep),
    ("name", "name", Keep),
    ("type", "type", Keep),
    ("text", "text", Append),
    ("thinking", "thinking", Append),
    ("signature", "signature", Append),
]);
const DELTA: Rule = Object(&[
    // The type of the delta, not of the block.
    ("type", "type", Skip),
    ("text", "text", Append),
    ("thinking", "thinking", Append),
    ("signature", "signature", Append),
    ("partial_json", "input", AppendJson),
    ("citation", "citations", Push),
]);

fn fold(grown: &mut Grown, event: Node<'_>) {
    let message = grown.root();
    let index = event.count("index").unwrap_or_default();
    match event.filled("type").as_deref() {
        Some("message_start") => message.merge(&MESSAGE, event.get("message")),
        Some("content_block_start") => {
            message.field("content").begin(index).merge(&BLOCK, event.get("content_block"));
        }
        Some("content_block_delta") => message.field("content").item(index).merge(&DELTA, event.get("delta")),
        Some("message_delta") => {
            message.merge(&MESSAGE, event.get("delta"));
            grown.root().field("usage").merge(&USAGE, event.get("usage"));
            let edits = "context_management";
            grown.root().field(edits).merge(&Rule::Update, event.get(edits));
        }
        _ => {}
    }
}
