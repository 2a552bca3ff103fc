//! Conversations in the words of each provider. Each text in them is another one.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Stands for a text, until the texts are numbered.
const TEXT: &str = "§";

/// A provider's interface, a request, and its answer.
pub(crate) type Conversation = (&'static str, Value, Value);

/// The provider that alone has this interface.
pub(crate) fn provider(interface: &str) -> Option<&'static str> {
    const PROVIDERS: &[(&str, &str)] = &[
        ("anthropic", "anthropic"),
        ("gemini", "google"),
        ("ollama chat", "ollama"),
        ("ollama generate", "ollama"),
    ];
    PROVIDERS.iter().find(|(name, _)| *name == interface).map(|(_, provider)| *provider)
}

pub(crate) fn any() -> impl Strategy<Value = Conversation> {
    prop_oneof![
        chat(),
        responses(),
        anthropic(),
        gemini(),
        ollama_chat(),
        prop_oneof![ollama_generate(), completions()],
        genai_crate(),
    ]
    .prop_map(|(name, mut request, mut answer)| {
        let mut count = 0;
        number(&mut request, &mut count);
        number(&mut answer, &mut count);
        (name, request, answer)
    })
}

/// Makes each text another one, with characters that JSON escapes.
fn number(value: &mut Value, count: &mut usize) {
    match value {
        Value::String(text) if text.contains(TEXT) => {
            *count += 1;
            *text = text.replace(TEXT, &format!("text {count} \"ü\"\n"));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| number(item, count)),
        Value::Object(fields) => fields.values_mut().for_each(|field| number(field, count)),
        _ => {}
    }
}

/// A value that no reader knows.
fn unknown() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(TEXT)), Just(json!(1)), Just(json!(true)), Just(Value::Null)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{3}_[a-z]{3}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// One of these values, in any of which an unknown value may stand for `null`.
fn one_of(values: Vec<Value>) -> impl Strategy<Value = Value> {
    (prop::sample::select(values), unknown()).prop_map(|(mut value, unknown)| {
        fill(&mut value, &unknown);
        value
    })
}

fn fill(value: &mut Value, unknown: &Value) {
    match value {
        Value::Null => *value = unknown.clone(),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, unknown)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, unknown)),
        _ => {}
    }
}

fn many(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(value, 1..4)
}

/// An object, to which any of these fields are added.
fn with_some(object: Value, fields: &[(&'static str, Value)]) -> impl Strategy<Value = Value> + use<> {
    let some = prop::sample::subsequence(fields.to_vec(), 0..=fields.len());
    (some, unknown()).prop_map(move |(some, unknown)| {
        let mut object = object.clone();
        for (name, mut value) in some {
            fill(&mut value, &unknown);
            object[name] = value;
        }
        object
    })
}

fn chat_message() -> impl Strategy<Value = Value> {
    let part = one_of(vec![
        json!({"type": "text", "text": TEXT}),
        json!({"type": "refusal", "refusal": TEXT}),
        json!({"type": "thinking", "thinking": [{"type": "text", "text": TEXT}, {"type": "text", "text": TEXT}]}),
        json!({"type": "thinking", "thinking": [{"type": "text", "text": TEXT}, {"type": "other", "value": TEXT}]}),
        json!({"type": "image_url", "image_url": {"url": "https://shop/§.png"}}),
        json!({"type": "video_url", "video_url": {"url": "https://shop/§.mp4"}}),
        json!({"type": "input_audio", "input_audio": {"data": "UklG§", "format": "mp3"}}),
        json!({"type": "file", "file": {"filename": TEXT, "file_data": "data:text/plain;base64,§"}}),
        json!({"type": "file", "file": {"file_name": TEXT}}),
        json!({"type": "document_url", "document_url": "https://shop/§.pdf", "document_name": TEXT}),
        json!({"type": "something_new", "value": null, "text": TEXT}),
        json!({"value": null}),
        json!(TEXT),
    ]);
    let content = prop_oneof![Just(json!(TEXT)), many(part).prop_map(Value::from), unknown()];
    let message = with_some(
        json!({"role": "assistant"}),
        &[
            ("refusal", json!(TEXT)),
            ("name", json!(TEXT)),
            ("reasoning", json!(TEXT)),
            ("reasoning_content", json!(TEXT)),
            (
                "reasoning_details",
                json!([
                    {"type": "reasoning.text", "text": TEXT, "signature": TEXT},
                    {"type": "reasoning.summary", "summary": TEXT},
                    {"type": "reasoning.encrypted", "data": TEXT},
                    {"type": "reasoning.new", "value": null},
                ]),
            ),
            ("thinking_blocks", json!([{"type": "thinking", "thinking": TEXT, "signature": TEXT}])),
            (
                "tool_calls",
                json!([
                    {"id": TEXT, "type": "function", "function": {"name": TEXT, "arguments": "{\"query\": 1}"}},
                    {"id": TEXT, "type": "function", "function": {"name": TEXT, "arguments": {"query": null}}},
                    {"id": TEXT, "type": "custom", "custom": {"name": TEXT, "input": TEXT}},
                    {"id": TEXT, "type": "something_new", "something_new": null},
                ]),
            ),
            ("function_call", json!({"name": TEXT, "arguments": TEXT})),
            ("tool_call_id", json!(TEXT)),
            ("audio", json!({"id": "a", "data": "UklG§", "transcript": TEXT})),
            ("images", json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,§"}}])),
            ("annotations", json!([{"type": "url_citation", "url_citation": {"url": TEXT, "title": TEXT}}])),
            ("executed_tools", json!(null)),
            ("tool_plan", json!(TEXT)),
        ],
    );
    (message, content).prop_map(|(mut message, content)| {
        message["content"] = content;
        message
    })
}

fn chat() -> impl Strategy<Value = Conversation> {
    let answer = with_some(
        json!({"object": "chat.completion", "model": "the model"}),
        &[("citations", json!([TEXT])), ("search_results", json!([{"title": TEXT, "url": TEXT}]))],
    );
    (many(chat_message()), many(chat_message()), answer).prop_map(|(messages, answers, mut answer)| {
        let request = json!({
            "model": "the model", "messages": messages, "temperature": 0.5,
            "tools": [{"type": "function", "function": {"name": TEXT, "description": TEXT}}],
        });
        let choice = |(index, message)| json!({"index": index, "message": message, "finish_reason": "stop"});
        answer["choices"] = answers.into_iter().enumerate().map(choice).collect();
        ("chat", request, answer)
    })
}

fn responses() -> impl Strategy<Value = Conversation> {
    let item = || {
        one_of(vec![
            json!({"type": "message", "role": "user", "content": TEXT}),
            json!({"role": "user", "content": [{"type": "input_text", "text": TEXT}]}),
            json!({"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": TEXT, "annotations": [{"type": "url_citation", "url": TEXT, "title": TEXT}]},
                {"type": "refusal", "refusal": TEXT},
                {"type": "output_audio", "data": "UklG§", "transcript": TEXT},
                {"type": "something_new", "value": null},
            ]}),
            json!({"role": "user", "content": [
                {"type": "input_image", "image_url": "https://shop/§.png"},
                {"type": "input_image", "file_id": TEXT},
                {"type": "input_file", "filename": TEXT, "file_data": "data:application/pdf;base64,§"},
                {"type": "input_file", "filename": TEXT, "file_url": "https://shop/§.pdf"},
                {"type": "input_file", "file_id": TEXT},
                {"type": "input_audio", "input_audio": {"data": "UklG§", "format": "mp3"}},
            ]}),
            json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": TEXT}], "encrypted_content": TEXT}),
            json!({"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": TEXT}]}),
            json!({"type": "function_call", "call_id": TEXT, "name": TEXT, "arguments": "{\"query\": 1}"}),
            json!({"type": "function_call_output", "call_id": TEXT, "output": TEXT}),
            json!({"type": "function_call_output", "call_id": TEXT, "output": [{"type": "input_text", "text": TEXT}]}),
            json!({"type": "custom_tool_call", "call_id": TEXT, "name": TEXT, "input": TEXT}),
            json!({"type": "custom_tool_call_output", "call_id": TEXT, "output": TEXT}),
            json!({"type": "web_search_call", "action": {"type": "search", "query": TEXT, "sources": [{"url": TEXT}]}}),
            json!({"type": "file_search_call", "queries": [TEXT], "results": [{"filename": TEXT, "text": TEXT}]}),
            json!({"type": "code_interpreter_call", "code": TEXT, "container_id": TEXT, "outputs": [{"type": "logs", "logs": TEXT}]}),
            json!({"type": "mcp_call", "name": TEXT, "server_label": TEXT, "arguments": "{}", "output": TEXT}),
            json!({"type": "mcp_call", "name": TEXT, "server_label": TEXT, "arguments": "{}", "error": {"message": TEXT}}),
            json!({"type": "mcp_list_tools", "server_label": TEXT, "tools": [{"name": TEXT, "input_schema": null}]}),
            json!({"type": "mcp_approval_request", "name": TEXT, "arguments": TEXT, "server_label": TEXT}),
            json!({"type": "mcp_approval_response", "approval_request_id": TEXT, "approve": false, "reason": TEXT}),
            json!({"type": "computer_call", "call_id": TEXT, "action": {"type": "type", "text": TEXT}}),
            json!({"type": "computer_call_output", "call_id": TEXT, "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,§"}}),
            json!({"type": "local_shell_call", "call_id": TEXT, "action": {"type": "exec", "command": [TEXT]}}),
            json!({"type": "shell_call_output", "call_id": TEXT, "output": [{"stdout": TEXT, "stderr": TEXT}]}),
            json!({"type": "apply_patch_call", "call_id": TEXT, "operation": {"type": "update_file", "diff": TEXT}}),
            json!({"type": "image_generation_call", "result": "iVBOR§", "revised_prompt": TEXT}),
            json!({"type": "something_new", "value": null, "name": TEXT}),
        ])
    };
    let request = with_some(
        json!({"model": "the model", "instructions": TEXT}),
        &[("prompt", json!({"id": "p", "version": "2", "variables": {"name": TEXT, "other": null}}))],
    );
    (request, many(item()), many(item())).prop_map(|(mut request, input, output)| {
        request["input"] = input.into();
        ("responses", request, json!({"object": "response", "model": "the model", "output": output}))
    })
}

fn anthropic() -> impl Strategy<Value = Conversation> {
    let block = || {
        one_of(vec![
            json!({"type": "text", "text": TEXT}),
            json!({"type": "text", "text": TEXT, "citations": [{"type": "page_location", "cited_text": TEXT, "document_title": TEXT}]}),
            json!({"type": "thinking", "thinking": TEXT, "signature": TEXT}),
            json!({"type": "redacted_thinking", "data": TEXT}),
            json!({"type": "tool_use", "id": TEXT, "name": TEXT, "input": {"query": null}}),
            json!({"type": "server_tool_use", "id": TEXT, "name": TEXT, "input": {"query": TEXT}}),
            json!({"type": "web_search_tool_result", "tool_use_id": TEXT, "content": [{"url": TEXT, "title": TEXT}]}),
            json!({"type": "image", "source": {"type": "url", "url": "https://shop/§.png"}}),
            json!({"type": "document", "title": TEXT, "source": {"type": "text", "data": TEXT}}),
            json!({"type": "something_new", "value": null}),
        ])
    };
    let result = one_of(vec![
        json!({"type": "tool_result", "tool_use_id": TEXT, "content": TEXT}),
        json!({"type": "tool_result", "tool_use_id": TEXT, "content": [{"type": "text", "text": TEXT}, {"type": "other", "value": null}]}),
    ]);
    (many(block()), many(result), many(block())).prop_map(|(blocks, results, answer)| {
        let request = json!({
            "model": "claude-4", "max_tokens": 9, "system": [{"type": "text", "text": TEXT}],
            "messages": [{"role": "user", "content": TEXT}, {"role": "assistant", "content": blocks}, {"role": "user", "content": results}],
            "tools": [{"name": TEXT, "input_schema": {"description": TEXT}}],
        });
        let answer = json!({
            "type": "message", "role": "assistant", "model": "claude-4", "content": answer, "stop_reason": "end_turn",
        });
        ("anthropic", request, answer)
    })
}

fn gemini() -> impl Strategy<Value = Conversation> {
    let part = || {
        one_of(vec![
            json!({"text": TEXT}),
            json!({"text": TEXT, "thought": true, "thoughtSignature": TEXT}),
            json!({"functionCall": {"id": TEXT, "name": TEXT, "args": {"query": null, "other": TEXT}}}),
            json!({"functionResponse": {"id": TEXT, "name": TEXT, "response": {"found": TEXT}}}),
            json!({"functionResponse": {"name": TEXT, "response": {"found": null}, "parts": [{"new_part": TEXT}]}}),
            json!({"inlineData": {"mimeType": "image/png", "data": "iVBOR§", "displayName": TEXT}}),
            json!({"inline_data": {"mime_type": "audio/wav", "data": "UklG§"}}),
            json!({"fileData": {"mimeType": "application/pdf", "fileUri": "https://shop/§.pdf"}}),
            json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://shop/§.mp4"}}),
            json!({"executableCode": {"language": "PYTHON", "code": TEXT}}),
            json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": TEXT}}),
            json!({"somethingNew": null, "other": TEXT}),
        ])
    };
    let candidate = with_some(
        json!({"finishReason": "STOP", "index": 0}),
        &[
            (
                "groundingMetadata",
                json!({"webSearchQueries": [TEXT], "groundingChunks": [{"web": {"uri": TEXT, "title": TEXT}}]}),
            ),
            ("urlContextMetadata", json!({"urlMetadata": [{"retrievedUrl": TEXT}]})),
            ("finishMessage", json!(TEXT)),
            ("somethingNew", json!(null)),
        ],
    );
    (many(part()), many(part()), candidate).prop_map(|(parts, answer, mut candidate)| {
        let request = json!({
            "systemInstruction": {"parts": [{"text": TEXT}]},
            "contents": [{"role": "user", "parts": parts}],
            "tools": [{"functionDeclarations": [{"name": TEXT, "description": TEXT}]}, {"googleSearch": {}}],
        });
        candidate["content"] = json!({"role": "model", "parts": answer});
        ("gemini", request, json!({"candidates": [candidate]}))
    })
}

fn ollama_chat() -> impl Strategy<Value = Conversation> {
    let message = || {
        with_some(
            json!({"role": "assistant", "content": TEXT}),
            &[
                ("thinking", json!(TEXT)),
                ("images", json!(["iVBOR§"])),
                ("tool_name", json!(TEXT)),
                (
                    "tool_calls",
                    json!([{"function": {"name": TEXT, "arguments": {"query": null, "other": TEXT}}}]),
                ),
                ("something_new", json!(null)),
            ],
        )
    };
    (many(message()), message()).prop_map(|(messages, answer)| {
        let request = json!({"model": "the model", "messages": messages, "options": {"temperature": 0.1}});
        ("ollama chat", request, json!({"model": "the model", "done": true, "message": answer}))
    })
}

fn ollama_generate() -> impl Strategy<Value = Conversation> {
    let request = with_some(
        json!({"model": "the model", "prompt": TEXT, "options": {}}),
        &[
            ("system", json!(TEXT)),
            ("suffix", json!(TEXT)),
            ("template", json!(TEXT)),
            ("images", json!(["iVBOR§"])),
        ],
    );
    let answer = with_some(
        json!({"model": "the model", "done": true, "response": TEXT}),
        &[("thinking", json!(TEXT))],
    );
    (request, answer).prop_map(|(request, answer)| ("ollama generate", request, answer))
}

fn completions() -> impl Strategy<Value = Conversation> {
    let request = one_of(vec![
        json!({"model": "the model", "prompt": TEXT}),
        json!({"model": "the model", "prompt": [TEXT, TEXT]}),
        json!({"model": "the model", "prompt": TEXT, "suffix": TEXT, "max_tokens": 3}),
    ]);
    request.prop_map(|request| {
        let answer = json!({"object": "text_completion", "model": "the model", "choices": [{"index": 0, "text": TEXT}, {"index": 1, "text": TEXT}]});
        ("completions", request, answer)
    })
}

fn genai_crate() -> impl Strategy<Value = Conversation> {
    let part = || {
        one_of(vec![
            json!({"Text": TEXT}),
            json!({"ToolCall": {"call_id": TEXT, "fn_name": TEXT, "fn_arguments": {"query": null, "other": TEXT}}}),
            json!({"ReasoningContent": TEXT}),
            json!({"ThoughtSignature": TEXT}),
            json!({"Binary": {"content_type": "image/png", "source": {"Base64": "iVBOR§"}}}),
            json!({"Binary": {"content_type": "application/pdf", "source": {"Url": "https://shop/§.pdf"}, "name": TEXT}}),
            json!({"Custom": {"data": null, "other": TEXT}}),
        ])
    };
    let result = Just(vec![json!({"ToolResponse": {"call_id": TEXT, "content": TEXT}})]);
    let content = prop_oneof![many(part()), result];
    (content, many(part())).prop_map(|(content, answer)| {
        let request = json!({"system": TEXT, "messages": [{"role": "User", "content": content}], "tools": [{"name": TEXT}]});
        let model = json!({"adapter_kind": "OpenAI", "model_name": "the model"});
        let answer = json!({
            "content": answer, "reasoning_content": TEXT, "model_iden": model, "provider_model_iden": model, "usage": {},
        });
        ("genai", request, answer)
    })
}
