//! Google's Gemini, `POST /v1beta/models/{model}:generateContent`, also on Vertex AI.
//!
//! Source: Google's API reference. What is recorded follows OpenInference's instrumentation of the `google-genai`
//! package. Google accepts names in snake case, and some clients use them.

use super::openai_chat::number;
use super::parts::{data_url, push_unknown_fields};
use crate::json::Node;
use crate::llm::exchange::{Message, Operation, Part, Request, Response, Text, ToolCall, Usage};
use crate::llm::fold::Rule;
use crate::llm::fold::Rule::{Append, Keep, Numbered, Object};
use crate::llm::parameters;
use crate::llm::shape::{Fit, Marks, Shape};
use crate::semconv::openinference::system;

pub(super) static SHAPE: Shape = Shape {
    operation: Operation::Chat,
    system: Some(system::VERTEXAI),
    provider: Some(system::GOOGLE),
    names_both_models: false,
    fits_request: |request| Fit::certain_if(request.get("contents").is_some()),
    marks: Marks::NONE,
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
    let messages = candidates().map(|(index, node)| answer(index, node));
    Response {
        model: response.any(&["modelVersion", "model_version"]).and_then(Node::text),
        messages: messages.collect(),
        finish_reason: reason.or_else(|| blocked(response)),
        usage: response.any(USAGE).map(usage).unwrap_or_default(),
        ..Response::default()
    }
}

/// A candidate: its content, and what Google's own tools found for it.
fn answer(index: usize, candidate: Node<'_>) -> Message<'_> {
    let content = candidate.get("content");
    let mut message = content.map(|content| message(index, content)).unwrap_or_default();
    message.index = index;
    push_unknown_fields(&mut message, candidate, CANDIDATE_FIELDS);
    message
}

/// The fields of a candidate that are recorded elsewhere, or say nothing about the answer: ratings, and the sampler's
/// numbers.
const CANDIDATE_FIELDS: &[&str] = &[
    "content",
    "finishReason",
    "finish_reason",
    "safetyRatings",
    "safety_ratings",
    "logprobsResult",
    "logprobs_result",
];

/// Why there is no answer: a blocked prompt has no candidates.
fn blocked(response: Node<'_>) -> Option<Text<'_>> {
    response.any(&["promptFeedback", "prompt_feedback"])?.any(&["blockReason", "block_reason"])?.text()
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
    let prompts = usage.any(&["promptTokensDetails", "prompt_tokens_details"]);
    let completions = usage.any(&["candidatesTokensDetails", "candidates_tokens_details"]);
    Usage {
        prompt,
        completion,
        total: sum(prompt, completion).max(used(["totalTokenCount", "total_token_count"])),
        cache_read: used(["cachedContentTokenCount", "cached_content_token_count"]),
        prompt_audio: of_modality(prompts, "AUDIO"),
        completion_audio: of_modality(completions, "AUDIO"),
        reasoning,
        prompt_image: of_modality(prompts, "IMAGE"),
        completion_image: of_modality(completions, "IMAGE"),
        ..Usage::default()
    }
}

fn of_modality(details: Option<Node<'_>>, wanted: &str) -> Option<i64> {
    let is_wanted = |count: &Node<'_>| count.filled("modality").is_some_and(|modality| modality == wanted);
    let counts = details?.items().filter(is_wanted);
    let counts = counts.filter_map(|count| count.count("tokenCount").or_else(|| count.count("token_count")));
    Some(counts.fold(0, i64::saturating_add)).filter(|count| *count != 0)
}

/// Adds a content. If it holds results of functions beside other parts, each of them becomes a message, as with other
/// providers.
fn push_messages<'a>(messages: &mut Vec<Message<'a>>, content: Node<'a>) {
    let is_result = |part: &Node<'a>| part.any(RESULT).is_some();
    if content.list("parts").count() < 2 || !content.list("parts").any(|part| is_result(&part)) {
        return messages.push(message(messages.len(), content));
    }
    for part in content.list("parts").filter(is_result) {
        let mut result = Message::of_text(messages.len(), "tool", None);
        push_part(&mut result, part, true);
        messages.push(result);
    }
    let mut others = content.list("parts").filter(|part| !is_result(part)).peekable();
    if others.peek().is_some() {
        messages.push(of_parts(messages.len(), content, others));
    }
}

const RESULT: &[&str] = &["functionResponse", "function_response"];

fn message(index: usize, content: Node<'_>) -> Message<'_> {
    let mut message = of_parts(index, content, content.list("parts"));
    message.content = message.content.or_else(|| content.text());
    message
}

fn of_parts<'a>(index: usize, content: Node<'a>, parts: impl Iterator<Item = Node<'a>>) -> Message<'a> {
    let role = content.filled("role").unwrap_or("user".into());
    let mut message = Message { index, role, ..Message::default() };
    let parts: Vec<_> = parts.collect();
    for part in &parts {
        push_part(&mut message, *part, parts.len() == 1);
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
    } else if let Some(result) = part.any(RESULT).filter(|_| is_single) {
        message.name = result.filled("name");
        message.tool_call_id = result.filled("id");
        message.content = result.get("response").map(|response| response.raw().into());
        push_unknown_fields(message, result, &["id", "name", "response"]);
    } else if let Some(file) = file(part) {
        message.parts.push(file);
    } else {
        // Code that Google runs, what it prints, and parts that are new.
        push_unknown_fields(message, part, &["thoughtSignature", "thought_signature"]);
    }
}

/// A file, inline or by URL.
fn file(part: Node<'_>) -> Option<Part<'_>> {
    let file = part.any(&["inlineData", "inline_data", "fileData", "file_data"])?;
    let mime_type = file.any(&["mimeType", "mime_type"])?.text()?;
    let url = match file.filled("data") {
        Some(data) => data_url(&mime_type, &data),
        None => file.any(&["fileUri", "file_uri"])?.text()?,
    };
    Some(Part {
        name: file.any(&["displayName", "display_name"]).and_then(Node::text),
        ..Part::file(mime_type, url)
    })
}

/// How chunks join into a response.
const CHUNK: Rule = Object(&[("candidates", "candidates", Numbered(&CANDIDATE))]);
const CANDIDATE: Rule = Object(&[("content", "content", CONTENT)]);
const CONTENT: Rule = Object(&[("role", "role", Keep), ("parts", "parts", Append)]);
