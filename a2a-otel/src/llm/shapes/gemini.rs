//! Google's Gemini, `POST /v1beta/models/{model}:generateContent`, also on Vertex AI.
//!
//! Source: Google's API reference. What is recorded follows OpenInference's instrumentation of the `google-genai`
//! package. Google accepts names in snake case, and some clients use them.

use super::openai_chat::number;
use crate::json::Node;
use crate::llm::exchange::{Message, Operation, Part, Request, Response, Text, ToolCall, Usage};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Elements, ExtendText, Object};
use crate::llm::parameters;
use crate::llm::shape::Shape;
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: Some(system::VERTEXAI),
    provider: Some(system::GOOGLE),
    names_both_models: false,
    is_request: |request| request.get("contents").is_some(),
    is_response: is_answer,
    is_chunk: is_answer,
    request,
    response,
    fold: |grown, chunk| grown.root().merge(&CHUNK, Some(chunk)),
};

const INSTRUCTION: &[&str] = &["systemInstruction", "system_instruction"];

fn is_answer(response: Node<'_>) -> bool {
    response.get("candidates").is_some_and(Node::is_list) || response.any(USAGE).is_some()
}

const USAGE: &[&str] = &["usageMetadata", "usage_metadata"];

fn request(request: Node<'_>) -> Request<'_> {
    let instruction =
        request.any(INSTRUCTION).map(|node| Message { role: "system".into(), ..message(0, node) });
    let first = usize::from(instruction.is_some());
    let contents = request.get("contents");
    let text = contents.and_then(Node::text).map(|text| Message::of_text(first, "user", Some(text)));
    let mut messages: Vec<_> = instruction.into_iter().chain(text).collect();
    for content in contents.into_iter().flat_map(Node::items) {
        push_messages(&mut messages, content);
    }
    Request {
        model: request.filled("model").map(model),
        messages,
        tools: request.list("tools").flat_map(tools).collect(),
        parameters: parameters::GEMINI.of(request),
        ..Request::default()
    }
}

/// The name of a model. Some clients send it as a resource name.
fn model(model: Text<'_>) -> Text<'_> {
    match model.rsplit_once("models/") {
        Some((_, name)) => name.to_owned().into(),
        None => model,
    }
}

/// A tool declares one or more functions. Tools without functions are Google's own.
fn tools(tool: Node<'_>) -> Vec<Text<'_>> {
    match tool.any(&["functionDeclarations", "function_declarations"]) {
        Some(functions) => functions.items().map(|function| function.raw().into()).collect(),
        None => vec![tool.raw().into()],
    }
}

fn response(response: Node<'_>) -> Response<'_> {
    let candidates = || response.list("candidates").enumerate();
    let candidates = || candidates().map(|(place, candidate)| (number(candidate, place), candidate));
    let first = candidates().find(|(index, _)| *index == 0);
    let reason = first.and_then(|(_, candidate)| candidate.any(&["finishReason", "finish_reason"])?.text());
    let messages = candidates().filter_map(|(index, node)| Some(message(index, node.get("content")?)));
    Response {
        model: response.any(&["modelVersion", "model_version"]).and_then(Node::text),
        messages: messages.collect(),
        finish_reason: reason,
        usage: response.any(USAGE).map(usage).unwrap_or_default(),
        ..Response::default()
    }
}

/// Google counts reasoning and the prompts of tools separately; everywhere else the totals include them.
fn usage(usage: Node<'_>) -> Usage {
    let used = |names: [&str; 2]| names.iter().find_map(|name| usage.count(name)).filter(|count| *count != 0);
    let sum = |one: Option<i64>, other: Option<i64>| match (one, other) {
        (None, None) => None,
        _ => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
    };
    let reasoning = used(["thoughtsTokenCount", "thoughts_token_count"]);
    let tools = used(["toolUsePromptTokenCount", "tool_use_prompt_token_count"]);
    let prompt = sum(used(["promptTokenCount", "prompt_token_count"]), tools);
    let completion = sum(used(["candidatesTokenCount", "candidates_token_count"]), reasoning);
    Usage {
        prompt,
        completion,
        total: sum(prompt, completion).max(used(["totalTokenCount", "total_token_count"])),
        cache_read: used(["cachedContentTokenCount", "cached_content_token_count"]),
        prompt_audio: audio(usage.any(&["promptTokensDetails", "prompt_tokens_details"])),
        completion_audio: audio(usage.any(&["candidatesTokensDetails", "candidates_tokens_details"])),
        reasoning,
        ..Usage::default()
    }
}

fn audio(details: Option<Node<'_>>) -> Option<i64> {
    let is_audio = |count: &Node<'_>| count.filled("modality").is_some_and(|modality| modality == "AUDIO");
    let counts = details?.items().filter(is_audio);
    let counts = counts.filter_map(|count| count.count("tokenCount").or_else(|| count.count("token_count")));
    Some(counts.fold(0, i64::saturating_add)).filter(|count| *count != 0)
}

/// Adds a content. If it holds several results of functions, each of them becomes a message, as with other providers.
fn push_messages<'a>(messages: &mut Vec<Message<'a>>, content: Node<'a>) {
    let results = || content.list("parts").filter_map(|part| part.any(RESULT));
    let has_others = content.list("parts").any(|part| part.any(RESULT).is_none());
    if has_others || results().count() < 2 {
        return messages.push(message(messages.len(), content));
    }
    for result in results() {
        messages.push(Message {
            name: result.filled("name"),
            tool_call_id: result.filled("id"),
            ..Message::of_text(
                messages.len(),
                "tool",
                result.get("response").map(|response| response.raw().into()),
            )
        });
    }
}

const RESULT: &[&str] = &["functionResponse", "function_response"];

fn message(index: usize, content: Node<'_>) -> Message<'_> {
    let role = content.filled("role").unwrap_or("user".into());
    let mut message = Message { index, role, content: content.text(), ..Message::default() };
    let is_single = content.list("parts").count() == 1;
    for part in content.list("parts") {
        push_part(&mut message, part, is_single);
    }
    message
}

fn push_part<'a>(message: &mut Message<'a>, part: Node<'a>, is_single: bool) {
    let signature = part.any(&["thoughtSignature", "thought_signature"]).and_then(Node::text);
    let text = part.get("text").and_then(Node::text);
    if part.get("thought").is_some_and(|thought| thought.raw() == "true") {
        if text.is_some() || signature.is_some() {
            message.parts.push(Part { signature, ..Part::reasoning(text) });
        }
    } else if let Some(text) = text {
        match signature {
            None if is_single => message.content = Some(text),
            None if text.is_empty() => {}
            signature => message.parts.push(Part { signature, ..Part::text(Some(text)) }),
        }
    } else if let Some(call) = part.any(&["functionCall", "function_call"]) {
        let (id, name) = (call.filled("id"), call.filled("name"));
        let arguments = call.get("args").map(|arguments| arguments.raw().into());
        message.tool_calls.push(ToolCall { id, name, arguments, signature });
    } else if let Some(result) = part.any(RESULT) {
        let content = result.get("response").map(|response| response.raw().into());
        message.tool_call_id = result.filled("id").or(message.tool_call_id.take());
        match content {
            Some(content) if is_single => message.content = Some(content),
            Some(content) => message.parts.push(Part::text(Some(content))),
            None => {}
        }
    } else {
        message.parts.extend(file(part));
    }
}

/// An image or audio, inline or by URL.
fn file(part: Node<'_>) -> Option<Part<'_>> {
    let file = part.any(&["inlineData", "inline_data", "fileData", "file_data"])?;
    let mime_type = file.any(&["mimeType", "mime_type"])?.text()?;
    let url = match file.filled("data") {
        Some(data) => format!("data:{mime_type};base64,{data}").into(),
        None => file.any(&["fileUri", "file_uri"])?.text()?,
    };
    match mime_type.split('/').next() {
        Some("image") => Some(Part::image(Some(url))),
        Some("audio") => Some(Part::audio(url, mime_type)),
        _ => None,
    }
}

/// How chunks join into a response.
const CHUNK: Rule = Object(&[("candidates", "candidates", Elements(&CANDIDATE))]);
const CANDIDATE: Rule = Object(&[("content", "content", CONTENT)]);
const CONTENT: Rule = Object(&[("parts", "parts", ExtendText)]);
