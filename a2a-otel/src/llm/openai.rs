//! OpenAI's chat completions, as `POST /v1/chat/completions` takes and answers them.
//!
//! Source: the API reference of OpenAI, and OpenInference's `llm_spans` for the names.

use serde_json::{Map, Value};

use super::Read;
use crate::semconv::openinference as names;

pub(super) fn read_request(request: &Value, read: &mut Read) {
    let (Some(fields), Some(messages)) = (request.as_object(), request["messages"].as_array()) else {
        return;
    };
    read_messages(names::LLM_INPUT_MESSAGES, &messages.iter().collect::<Vec<_>>(), read);
    for (index, tool) in request["tools"].as_array().into_iter().flatten().enumerate() {
        read.json(format!("{}.{index}.tool.json_schema", names::LLM_TOOLS), tool);
    }
    let parameters: Map<_, _> = fields
        .iter()
        .filter(|(name, value)| !matches!(name.as_str(), "messages" | "tools") && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    read.json(names::LLM_INVOCATION_PARAMETERS, &Value::Object(parameters));
}

pub(super) fn read_response(response: &Value, read: &mut Read) {
    let Some(choices) = response["choices"].as_array() else { return };
    let messages: Vec<_> = choices.iter().map(|choice| &choice["message"]).collect();
    read_messages(names::LLM_OUTPUT_MESSAGES, &messages, read);
    if let Some(first) = choices.first() {
        read.text(names::LLM_FINISH_REASON, &first["finish_reason"]);
    }
    read_usage(&response["usage"], read);
}

fn read_usage(usage: &Value, read: &mut Read) {
    let (prompt, completion) = (&usage["prompt_tokens_details"], &usage["completion_tokens_details"]);
    let counts = [
        (names::LLM_TOKEN_COUNT_PROMPT, &usage["prompt_tokens"]),
        (names::LLM_TOKEN_COUNT_COMPLETION, &usage["completion_tokens"]),
        (names::LLM_TOKEN_COUNT_TOTAL, &usage["total_tokens"]),
        (names::LLM_TOKEN_COUNT_PROMPT_CACHE_READ, &prompt["cached_tokens"]),
        (names::LLM_TOKEN_COUNT_PROMPT_AUDIO, &prompt["audio_tokens"]),
        (names::LLM_TOKEN_COUNT_COMPLETION_REASONING, &completion["reasoning_tokens"]),
        (names::LLM_TOKEN_COUNT_COMPLETION_AUDIO, &completion["audio_tokens"]),
    ];
    for (key, count) in counts {
        read.count(key, count);
    }
}

fn read_messages(prefix: &str, messages: &[&Value], read: &mut Read) {
    for (index, message) in messages.iter().enumerate() {
        let prefix = format!("{prefix}.{index}.message");
        for name in ["role", "content", "name", "tool_call_id"] {
            read.text(format!("{prefix}.{name}"), &message[name]);
        }
        for (part, content) in message["content"].as_array().into_iter().flatten().enumerate() {
            read_content(&format!("{prefix}.contents.{part}.message_content"), content, read);
        }
        for (call, tool_call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
            read_tool_call(&format!("{prefix}.tool_calls.{call}.tool_call"), tool_call, read);
        }
    }
}

/// One part of a multimodal message.
fn read_content(prefix: &str, content: &Value, read: &mut Read) {
    match content["type"].as_str() {
        Some("text") => {
            read.text(format!("{prefix}.type"), &content["type"]);
            read.text(format!("{prefix}.text"), &content["text"]);
        }
        Some("image_url") => {
            read.text(format!("{prefix}.type"), &Value::from("image"));
            read.text(format!("{prefix}.image.image.url"), &content["image_url"]["url"]);
        }
        _ => {}
    }
}

fn read_tool_call(prefix: &str, tool_call: &Value, read: &mut Read) {
    read.text(format!("{prefix}.id"), &tool_call["id"]);
    read.text(format!("{prefix}.function.name"), &tool_call["function"]["name"]);
    read.text(format!("{prefix}.function.arguments"), &tool_call["function"]["arguments"]);
}
