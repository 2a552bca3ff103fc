//! The built-in model: a stand-in that needs no key, no network and no money.
//!
//! It offers `OpenAI`'s chat API over a real socket, with tool calls, streams, usage and rate
//! limits, but its answers come from the rules in `llm_rules` instead of a language model, and its
//! token counts are estimates.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_openai::types::chat::{
    ChatChoice, ChatChoiceStream, ChatCompletionMessageToolCall, ChatCompletionMessageToolCallChunk,
    ChatCompletionMessageToolCalls, ChatCompletionResponseMessage, ChatCompletionStreamResponseDelta,
    CompletionUsage, CreateChatCompletionRequest, CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse, FinishReason, FunctionCall, FunctionCallStream, FunctionType, Role,
};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::faults::Faults;
use crate::llm::RATE_LIMIT;
use crate::llm_rules::{Call, Move, Talk};

/// A request with these words is refused once with status 429, as on a busy day.
const BUSY: &str = "rush hour";
/// A product search with these words takes longer than impatient customers wait.
const UNHURRIED: &str = "no hurry";
const UNHURRIED_TIME: Duration = Duration::from_secs(8);
const TIME_PER_TOKEN: Duration = Duration::from_millis(1);
const RELEASE: &str = "-2024-07-18";

#[derive(Clone, Default)]
struct Server {
    refused: Arc<Mutex<HashSet<String>>>,
}

/// The routes of the built-in model.
pub fn router() -> Router {
    Router::new().route("/v1/chat/completions", post(chat)).with_state(Server::default())
}

async fn chat(State(server): State<Server>, Json(request): Json<CreateChatCompletionRequest>) -> Response {
    let talk = Talk::of(&request);
    if talk.says(BUSY) && server.refuses(request.prompt_cache_key.as_deref().unwrap_or_default()) {
        return too_many_requests();
    }
    let response = respond(&request, &talk);
    tokio::time::sleep(thinking_time(&talk, &response)).await;
    if request.stream == Some(true) {
        Sse::new(events(response)).into_response()
    } else {
        Json(response).into_response()
    }
}

impl Server {
    /// Whether to refuse a call: only the first one of a conversation.
    fn refuses(&self, conversation: &str) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(conversation.to_owned())
    }
}

fn too_many_requests() -> Response {
    let error = json!({ "error": {
        "message": "Rate limit reached, try again later.",
        "type": "requests", "param": null, "code": RATE_LIMIT,
    }});
    (StatusCode::TOO_MANY_REQUESTS, Json(error)).into_response()
}

fn thinking_time(talk: &Talk<'_>, response: &CreateChatCompletionResponse) -> Duration {
    let tokens = response.usage.as_ref().map_or(0, |usage| usage.completion_tokens);
    let unhurried = talk.offers("search_products") && talk.says(UNHURRIED);
    let unhurried = if unhurried { UNHURRIED_TIME } else { Duration::ZERO };
    TIME_PER_TOKEN * tokens + unhurried + Faults::now().model_delay()
}

fn respond(request: &CreateChatCompletionRequest, talk: &Talk<'_>) -> CreateChatCompletionResponse {
    let (message, finish_reason) = match talk.next_move() {
        Move::Say(text) => (says(text), FinishReason::Stop),
        Move::Call(calls) => (calls_tools(calls), FinishReason::ToolCalls),
    };
    CreateChatCompletionResponse {
        id: format!("chatcmpl-{}", Uuid::new_v4().simple()),
        object: "chat.completion".into(),
        created: now(),
        model: released(&request.model),
        usage: Some(usage(request, &message)),
        choices: vec![ChatChoice { message, finish_reason: Some(finish_reason), ..Default::default() }],
        ..Default::default()
    }
}

fn says(text: String) -> ChatCompletionResponseMessage {
    ChatCompletionResponseMessage { role: Role::Assistant, content: Some(text), ..Default::default() }
}

fn calls_tools(calls: Vec<Call>) -> ChatCompletionResponseMessage {
    let calls = calls.into_iter().map(|call| ChatCompletionMessageToolCall {
        id: format!("call_{}", Uuid::new_v4().simple()),
        function: FunctionCall { name: call.tool.into(), arguments: call.arguments.to_string() },
    });
    ChatCompletionResponseMessage {
        role: Role::Assistant,
        tool_calls: Some(calls.map(Into::into).collect()),
        ..Default::default()
    }
}

/// The dated name of a model, which `OpenAI` returns in its answers.
fn released(model: &str) -> String {
    if model.ends_with(RELEASE) { model.into() } else { format!("{model}{RELEASE}") }
}

fn now() -> u32 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since_epoch.as_secs()).unwrap_or(u32::MAX)
}

fn usage(request: &CreateChatCompletionRequest, message: &ChatCompletionResponseMessage) -> CompletionUsage {
    let prompt_tokens = tokens(&request.messages) + request.tools.as_ref().map_or(0, tokens);
    let completion_tokens = tokens(&(&message.content, &message.tool_calls));
    let total_tokens = prompt_tokens + completion_tokens;
    CompletionUsage { prompt_tokens, completion_tokens, total_tokens, ..Default::default() }
}

/// Estimates the number of tokens: about four characters each.
fn tokens(texts: &impl Serialize) -> u32 {
    let characters = serde_json::to_string(texts).map_or(0, |text| text.chars().count());
    u32::try_from(characters.div_ceil(4)).unwrap_or(u32::MAX)
}

/// The same response as a stream: words or tool calls, the end, the usage, `[DONE]`.
fn events(response: CreateChatCompletionResponse) -> impl Stream<Item = Result<Event, Infallible>> {
    let chunks = chunks(response).into_iter().map(|chunk| Event::default().json_data(chunk));
    let done = std::iter::once(Ok(Event::default().data("[DONE]")));
    stream::iter(chunks.chain(done).flatten()).then(|event| async {
        tokio::time::sleep(TIME_PER_TOKEN).await;
        Ok(event)
    })
}

fn chunks(mut response: CreateChatCompletionResponse) -> Vec<CreateChatCompletionStreamResponse> {
    let usage = response.usage.take();
    let choices = std::mem::take(&mut response.choices);
    let frame = CreateChatCompletionStreamResponse {
        id: response.id,
        object: "chat.completion.chunk".into(),
        created: response.created,
        model: response.model,
        ..Default::default()
    };
    let mut chunks: Vec<_> = choices
        .into_iter()
        .flat_map(choice_pieces)
        .map(|choice| CreateChatCompletionStreamResponse { choices: vec![choice], ..frame.clone() })
        .collect();
    chunks.push(CreateChatCompletionStreamResponse { usage, ..frame });
    chunks
}

fn choice_pieces(choice: ChatChoice) -> Vec<ChatChoiceStream> {
    let message = choice.message;
    let first = ChatCompletionStreamResponseDelta { role: Some(Role::Assistant), ..Default::default() };
    let words = message.content.iter().flat_map(|text| text.split_inclusive(' ')).map(word);
    let calls = message.tool_calls.iter().flatten().zip(0..).filter_map(call_piece);
    let mut pieces: Vec<_> = std::iter::once(first)
        .chain(words)
        .chain(calls)
        .map(|delta| ChatChoiceStream { delta, ..Default::default() })
        .collect();
    pieces.push(ChatChoiceStream { finish_reason: choice.finish_reason, ..Default::default() });
    pieces
}

fn word(text: &str) -> ChatCompletionStreamResponseDelta {
    ChatCompletionStreamResponseDelta { content: Some(text.into()), ..Default::default() }
}

fn call_piece(
    (call, index): (&ChatCompletionMessageToolCalls, u32),
) -> Option<ChatCompletionStreamResponseDelta> {
    let ChatCompletionMessageToolCalls::Function(call) = call else { return None };
    let piece = ChatCompletionMessageToolCallChunk {
        index,
        id: Some(call.id.clone()),
        r#type: Some(FunctionType::Function),
        function: Some(FunctionCallStream {
            name: Some(call.function.name.clone()),
            arguments: Some(call.function.arguments.clone()),
        }),
    };
    Some(ChatCompletionStreamResponseDelta { tool_calls: Some(vec![piece]), ..Default::default() })
}
