//! An agent: a loop that asks a model and runs the tools that the model calls.

use a2a_otel::{agent_span, chain_span};
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, ChatCompletionResponseMessage, ChatCompletionTools,
    CreateChatCompletionRequest,
};
use futures::future::join_all;
use serde::Serialize;
use tracing::info;

use crate::chat::{function_calls, repeated, result_of};
use crate::llm::{Llm, OnLine};
use crate::roles::{Guard, Refusal, Role};
use crate::tools::{ToolError, Toolbox};

const MOST_STEPS: usize = 8;

/// Why an agent gave up.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The request is malformed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The model failed.
    #[error("the model did not answer; check its endpoint, key and limits")]
    Llm(#[from] OpenAIError),
    /// The model sent an empty response.
    #[error("the model sent neither text nor tool calls; ask again or use another model")]
    NoAnswer,
    /// A tool is broken. This is different from a tool that refuses the model's request.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The model kept calling tools.
    #[error("no answer after {MOST_STEPS} steps; ask for less at a time")]
    TooManySteps,
}

/// A request to an agent.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// The customer's session, which all agents that work on the request share.
    pub session: String,
    /// The text of the request.
    pub text: String,
}

/// One agent of the marketplace.
pub struct Agent {
    role: &'static Role,
    llm: Llm,
    tools: Toolbox,
    definitions: Vec<ChatCompletionTools>,
}

impl Agent {
    /// Creates an agent from a role, a model and tools.
    ///
    /// # Errors
    ///
    /// When the tools cannot be listed.
    pub async fn new(role: &'static Role, llm: Llm, tools: Toolbox) -> Result<Self, ToolError> {
        let definitions = tools.definitions(role.tools).await?;
        Ok(Self { role, llm, tools, definitions })
    }

    /// The agent's role.
    #[must_use]
    pub fn role(&self) -> &'static Role {
        self.role
    }

    /// Works on a request until the model has an answer.
    ///
    /// # Errors
    ///
    /// When the request is malformed, the model fails, or a tool is broken.
    #[agent_span(name = self.role.name, session = request.session.as_str(), input = request.text.as_str())]
    pub async fn run(&self, request: &Request, on_line: OnLine<'_>) -> Result<String, AgentError> {
        info!(session = request.session, request = request.text, "working");
        if let Some(guard) = self.role.guard {
            check(guard, &request.text)?;
        }
        let mut conversation = Conversation::begin(self.role, request);
        for number in 1..=MOST_STEPS {
            if let Some(answer) = self.step(number, &mut conversation, on_line).await? {
                return Ok(answer);
            }
        }
        Err(AgentError::TooManySteps)
    }

    /// Stops the work of other agents for a session.
    pub async fn abandon(&self, session: &str) {
        self.tools.abandon(session).await;
    }

    /// Runs one step, which returns the model's answer or the results of the tools that it calls.
    #[chain_span(name = format!("step {number}"), input = conversation.latest())]
    async fn step(
        &self,
        number: usize,
        conversation: &mut Conversation,
        on_line: OnLine<'_>,
    ) -> Result<Option<String>, AgentError> {
        let message = self.think(conversation, on_line).await?;
        let calls = function_calls(&message);
        if calls.is_empty() {
            return message.content.map(Some).ok_or(AgentError::NoAnswer);
        }
        info!(number, calls = calls.len(), "calling tools");
        conversation.add(repeated(message));
        let results = join_all(calls.iter().map(|call| self.use_tool(call, &conversation.session))).await;
        for (call, result) in calls.into_iter().zip(results) {
            conversation.add(result_of(call, result?));
        }
        Ok(None)
    }

    async fn think(
        &self,
        conversation: &Conversation,
        on_line: OnLine<'_>,
    ) -> Result<ChatCompletionResponseMessage, AgentError> {
        let request = CreateChatCompletionRequest {
            model: self.llm.model().into(),
            messages: conversation.messages.clone(),
            tools: Some(self.definitions.clone()),
            prompt_cache_key: Some(conversation.session.clone()),
            ..Default::default()
        };
        let on_line = self.role.streams.then_some(on_line);
        let response = self.llm.complete_with_retry(&request, on_line).await?;
        response.choices.into_iter().next().map(|choice| choice.message).ok_or(AgentError::NoAnswer)
    }

    /// Runs a tool. A refusal is returned to the model, which can try again; a broken tool ends the run.
    async fn use_tool(
        &self,
        call: &ChatCompletionMessageToolCall,
        session: &str,
    ) -> Result<String, ToolError> {
        let function = &call.function;
        match self.tools.call(&function.name, &function.arguments, session).await {
            Err(error) if error.is_refusal() => Ok(error.to_string()),
            settled => settled,
        }
    }
}

fn check(guard: Guard, request: &str) -> Result<(), Refusal> {
    guard(request)
}

struct Conversation {
    session: String,
    messages: Vec<ChatCompletionRequestMessage>,
}

impl Conversation {
    fn begin(role: &Role, request: &Request) -> Self {
        let prompt = ChatCompletionRequestSystemMessage::from(role.prompt);
        let wish = ChatCompletionRequestUserMessage::from(request.text.as_str());
        Self { session: request.session.clone(), messages: vec![prompt.into(), wish.into()] }
    }

    fn latest(&self) -> Option<&ChatCompletionRequestMessage> {
        self.messages.last()
    }

    fn add(&mut self, message: impl Into<ChatCompletionRequestMessage>) {
        self.messages.push(message.into());
    }
}
