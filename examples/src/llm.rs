//! The agents' model: any endpoint that offers `OpenAI`'s chat API.
//!
//! One function makes exactly one call to the provider. Retries are a loop around it, so that each attempt is a span.

use std::time::Duration;

use a2a_otel::llm_call;
use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatChoice, ChatCompletionMessageToolCall, ChatCompletionMessageToolCallChunk,
    ChatCompletionRequestUserMessage, ChatCompletionResponseMessage, ChatCompletionResponseStream,
    ChatCompletionStreamOptions, CreateChatCompletionRequest, CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse, Role,
};
use futures::StreamExt;
use tracing::warn;

use crate::https::{Https, is_connect};

const DEFAULT_MODEL: &str = "gpt-4o-mini";
/// The code of an error that asks to try again later.
pub(crate) const RATE_LIMIT: &str = "rate_limit_exceeded";
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Receives every finished line of an answer while the answer is streamed.
pub type OnLine<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Why there is no model to ask.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// Neither a real endpoint nor the built-in one is configured.
    #[error(
        "no model to ask: set OPENAI_API_KEY or OPENAI_BASE_URL, or name the built-in one with --peer llm=URL"
    )]
    NoEndpoint,
}

/// A client of one model.
#[derive(Clone)]
pub struct Llm {
    client: Client<OpenAIConfig>,
    model: String,
}

impl Llm {
    /// Connects to the built-in model if there is one, or else to the one that `OPENAI_BASE_URL` and `OPENAI_API_KEY`
    /// select.
    ///
    /// # Errors
    ///
    /// When there is neither.
    pub fn connect(built_in: Option<&str>) -> Result<Self, LlmError> {
        let config = match built_in {
            Some(url) => OpenAIConfig::new().with_api_base(format!("{url}/v1")).with_api_key("built-in"),
            None if real_endpoint_is_named() => OpenAIConfig::new(),
            None => return Err(LlmError::NoEndpoint),
        };
        let model = std::env::var("OPENAI_MODEL").unwrap_or_else(|_| DEFAULT_MODEL.into());
        // A service that sends and nothing else replaces the client's hidden retries.
        let client = Client::with_config(config).with_http_service(Https::new());
        Ok(Self { client, model })
    }

    /// The model's name, for requests.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Asks the model until the provider answers or has refused too often. With `on_line`, the answer is streamed.
    ///
    /// # Errors
    ///
    /// Returns the provider's last error.
    pub async fn complete_with_retry(
        &self,
        request: &CreateChatCompletionRequest,
        on_line: Option<OnLine<'_>>,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(request, on_line).await {
                Err(error) if is_temporary(&error) => {
                    warn!(%error, ?pause, "the model refused, trying again");
                }
                settled => return settled,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.attempt(request, on_line).await
    }

    /// Asks a question without tools, and returns the model's text.
    ///
    /// # Errors
    ///
    /// Returns the provider's last error.
    pub async fn say(&self, question: &str) -> Result<String, OpenAIError> {
        let message = ChatCompletionRequestUserMessage::from(question);
        let request = CreateChatCompletionRequest {
            model: self.model.clone(),
            messages: vec![message.into()],
            ..Default::default()
        };
        let answer = self.complete_with_retry(&request, None).await?;
        Ok(answer.choices.into_iter().find_map(|choice| choice.message.content).unwrap_or_default())
    }

    async fn attempt(
        &self,
        request: &CreateChatCompletionRequest,
        on_line: Option<OnLine<'_>>,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        match on_line {
            Some(on_line) => self.complete_streaming(streamed(request), on_line).await,
            None => self.complete(request.clone()).await,
        }
    }

    #[llm_call(name = format!("chat {}", request.model), request = request, replay)]
    async fn complete(
        &self,
        request: CreateChatCompletionRequest,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        self.create(request).await
    }

    /// Asks the model once, for callers that record the call themselves.
    pub(crate) async fn create(
        &self,
        request: CreateChatCompletionRequest,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        self.client.chat().create(request).await
    }

    #[llm_call(name = format!("chat {}", request.model), request = request, replay)]
    async fn chunks(
        &self,
        request: CreateChatCompletionRequest,
    ) -> Result<ChatCompletionResponseStream, OpenAIError> {
        self.client.chat().create_stream(request).await
    }

    async fn complete_streaming(
        &self,
        request: CreateChatCompletionRequest,
        on_line: OnLine<'_>,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        let mut chunks = self.chunks(request).await?;
        let mut answer = Answer::default();
        while let Some(chunk) = chunks.next().await {
            answer.add(chunk?);
            answer.hand_over_lines(on_line);
        }
        answer.hand_over_rest(on_line);
        Ok(answer.into_response())
    }
}

/// Whether the environment names a model.
#[must_use]
pub fn real_endpoint_is_named() -> bool {
    ["OPENAI_BASE_URL", "OPENAI_API_KEY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn is_temporary(error: &OpenAIError) -> bool {
    match error {
        OpenAIError::ApiError(answer) => {
            answer.status_code.as_u16() == 429 || answer.status_code.is_server_error()
        }
        // A refusal that is replayed from a recording has only its text.
        OpenAIError::Boxed(error) => is_connect(error.as_ref()) || error.to_string().contains(RATE_LIMIT),
        _ => false,
    }
}

fn streamed(request: &CreateChatCompletionRequest) -> CreateChatCompletionRequest {
    let options = ChatCompletionStreamOptions { include_usage: Some(true), include_obfuscation: None };
    CreateChatCompletionRequest { stream: Some(true), stream_options: Some(options), ..request.clone() }
}

/// The part of a streamed answer that has arrived.
#[derive(Default)]
struct Answer {
    response: CreateChatCompletionResponse,
    choice: ChatChoice,
    text: String,
    handed_over: usize,
    calls: Vec<ChatCompletionMessageToolCall>,
}

impl Answer {
    fn add(&mut self, chunk: CreateChatCompletionStreamResponse) {
        self.response.id = chunk.id;
        self.response.model = chunk.model;
        self.response.created = chunk.created;
        self.response.usage = chunk.usage.or(self.response.usage.take());
        for choice in chunk.choices {
            self.text += choice.delta.content.as_deref().unwrap_or_default();
            self.choice.finish_reason = choice.finish_reason.or(self.choice.finish_reason);
            for piece in choice.delta.tool_calls.into_iter().flatten() {
                self.add_to_call(piece);
            }
        }
    }

    /// Adds a piece of a tool call. The first piece has the tool's name; later ones only contain more of its arguments.
    fn add_to_call(&mut self, piece: ChatCompletionMessageToolCallChunk) {
        let index = piece.index as usize;
        if self.calls.len() <= index {
            self.calls.resize_with(index + 1, Default::default);
        }
        let call = &mut self.calls[index];
        let function = piece.function.unwrap_or_default();
        call.id += &piece.id.unwrap_or_default();
        call.function.name += &function.name.unwrap_or_default();
        call.function.arguments += &function.arguments.unwrap_or_default();
    }

    fn hand_over_lines(&mut self, on_line: OnLine<'_>) {
        while let Some(end) = self.text[self.handed_over..].find('\n') {
            let next = self.handed_over + end + 1;
            on_line(&self.text[self.handed_over..next]);
            self.handed_over = next;
        }
    }

    fn hand_over_rest(&self, on_line: OnLine<'_>) {
        if self.handed_over < self.text.len() {
            on_line(&self.text[self.handed_over..]);
        }
    }

    fn into_response(self) -> CreateChatCompletionResponse {
        let message = ChatCompletionResponseMessage {
            role: Role::Assistant,
            content: (!self.text.is_empty()).then_some(self.text),
            tool_calls: (!self.calls.is_empty()).then(|| self.calls.into_iter().map(Into::into).collect()),
            ..Default::default()
        };
        CreateChatCompletionResponse {
            object: "chat.completion".into(),
            choices: vec![ChatChoice { message, ..self.choice }],
            ..self.response
        }
    }
}
