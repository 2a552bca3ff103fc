//! Shorthands for verbose parts of `async-openai`: messages that call tools, and definitions of tools.

use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionMessageToolCalls, ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestToolMessage, ChatCompletionResponseMessage, ChatCompletionTool, ChatCompletionTools,
    FunctionObject,
};
use serde_json::Value;

/// The tools that a message calls.
pub(crate) fn function_calls(message: &ChatCompletionResponseMessage) -> Vec<ChatCompletionMessageToolCall> {
    let function = |call: &ChatCompletionMessageToolCalls| match call {
        ChatCompletionMessageToolCalls::Function(call) => Some(call.clone()),
        ChatCompletionMessageToolCalls::Custom(_) => None,
    };
    message.tool_calls.iter().flatten().filter_map(function).collect()
}

/// Converts the model's message for the next request.
pub(crate) fn repeated(message: ChatCompletionResponseMessage) -> ChatCompletionRequestAssistantMessage {
    ChatCompletionRequestAssistantMessage {
        content: message.content.map(Into::into),
        tool_calls: message.tool_calls,
        ..Default::default()
    }
}

/// The result of a tool call, as a message to the model.
pub(crate) fn result_of(
    call: ChatCompletionMessageToolCall,
    result: String,
) -> ChatCompletionRequestToolMessage {
    ChatCompletionRequestToolMessage { content: result.into(), tool_call_id: call.id }
}

/// The definition of a tool, for a request to a model.
pub(crate) fn definition(name: &str, description: &str, parameters: Value) -> ChatCompletionTools {
    let function = FunctionObject {
        name: name.into(),
        description: Some(description.into()),
        parameters: Some(parameters),
        strict: None,
    };
    ChatCompletionTools::Function(ChatCompletionTool { function })
}
