//! A server's request for a completion, as a request to a model and its answer.

use rmcp::model::{
    CreateMessageRequestParams, CreateMessageResult, Role, SamplingMessage,
    SamplingMessageContentBlock as Block,
};
use serde_json::json;

use crate::record::{Message, Part, Request, Response, ToolCall, ToolSchema};

/// The request to the model.
pub(super) fn request(params: &CreateMessageRequestParams) -> Request {
    let system = params.system_prompt.iter().map(|prompt| Message::of("system").content(prompt));
    let mut parameters = json!({ "max_tokens": params.max_tokens });
    if let Some(temperature) = params.temperature {
        parameters["temperature"] = json!(temperature);
    }
    if let Some(stop) = &params.stop_sequences {
        parameters["stop_sequences"] = json!(stop);
    }
    let tools = params.tools.iter().flatten().map(|tool| ToolSchema::new().json_schema(tool));
    Request::new()
        .messages(system.chain(params.messages.iter().map(message)))
        .tools(tools)
        .parameters(&parameters)
}

/// The model's answer.
pub(super) fn response(result: &CreateMessageResult) -> Response {
    let response = Response::new().model(&result.model).messages([message(&result.message)]);
    result.stop_reason.iter().fold(response, Response::finish_reason)
}

fn message(message: &SamplingMessage) -> Message {
    let blocks: Vec<_> = message.content.iter().collect();
    let calls = blocks.iter().filter_map(|block| call(block));
    let result = blocks.iter().find_map(|block| match block {
        Block::ToolResult(result) => Some(result),
        _ => None,
    });
    let role = match (&message.role, result) {
        (_, Some(_)) => "tool",
        (Role::Assistant, None) => "assistant",
        (Role::User, None) => "user",
    };
    let recorded = Message::of(role).tool_calls(calls);
    let recorded = result.iter().fold(recorded, |message, result| message.tool_call_id(&result.tool_use_id));
    match blocks.as_slice() {
        [Block::Text(text)] => recorded.content(&text.text),
        [Block::ToolResult(result)] => recorded.content(json!(result.content).to_string()),
        blocks => recorded.parts(blocks.iter().filter_map(|block| part(block))),
    }
}

fn call(block: &Block) -> Option<ToolCall> {
    let Block::ToolUse(call) = block else { return None };
    Some(ToolCall::new().id(&call.id).name(&call.name).arguments(&call.input))
}

fn part(block: &Block) -> Option<Part> {
    match block {
        Block::Text(text) => Some(Part::new().kind("text").text(&text.text)),
        Block::Image(image) => {
            let url = format!("data:{};base64,{}", image.mime_type, image.data);
            Some(Part::new().kind("image").image_url(url))
        }
        Block::Audio(audio) => {
            let url = format!("data:{};base64,{}", audio.mime_type, audio.data);
            Some(Part::new().kind("audio").audio_url(url).audio_mime_type(&audio.mime_type))
        }
        _ => None,
    }
}
