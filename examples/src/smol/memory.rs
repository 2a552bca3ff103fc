//! The memory of an agent during a run.

use std::collections::HashMap;

use a2a_otel::current;
use a2a_otel::record::Usage;
use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, ChatCompletionResponseMessage, CompletionUsage,
};

use super::AgentError;
use crate::chat::{repeated, result_of};
use crate::errors::with_sources;

pub(super) struct Memory {
    messages: Vec<ChatCompletionRequestMessage>,
    /// Tokens of the prompts and of the answers.
    tokens: (u64, u64),
    /// How often each tool has failed since it last succeeded.
    failures: HashMap<String, usize>,
}

impl Memory {
    pub(super) fn new(instructions: &str, task: &str) -> Self {
        let instructions = ChatCompletionRequestSystemMessage::from(instructions);
        let task = ChatCompletionRequestUserMessage::from(task);
        Self { messages: vec![instructions.into(), task.into()], tokens: (0, 0), failures: HashMap::new() }
    }

    pub(super) fn messages(&self) -> &[ChatCompletionRequestMessage] {
        &self.messages
    }

    pub(super) fn latest(&self) -> Option<&ChatCompletionRequestMessage> {
        self.messages.last()
    }

    pub(super) fn failures_of(&self, tool: &str) -> usize {
        self.failures.get(tool).copied().unwrap_or_default()
    }

    pub(super) fn count(&mut self, usage: Option<&CompletionUsage>) {
        let Some(usage) = usage else { return };
        self.tokens.0 += u64::from(usage.prompt_tokens);
        self.tokens.1 += u64::from(usage.completion_tokens);
    }

    /// Records the run's tokens, if the provider reports them. Those of managed agents are recorded on their own runs.
    pub(super) fn record_usage(&self) {
        let (prompt, completion) = self.tokens;
        if prompt + completion > 0 {
            let usage = Usage::new().prompt(prompt).completion(completion).total(prompt + completion);
            current().record(&usage);
        }
    }

    /// Stores the model's calls and their results, including failures, so that the model can try again.
    pub(super) fn observe(
        &mut self,
        message: ChatCompletionResponseMessage,
        calls: &[ChatCompletionMessageToolCall],
        results: &[Result<String, AgentError>],
    ) {
        self.messages.push(repeated(message).into());
        for (call, result) in calls.iter().zip(results) {
            let failures = self.failures.entry(call.function.name.clone()).or_default();
            *failures = if result.is_ok() { 0 } else { *failures + 1 };
            let text = result.as_ref().map_or_else(|error| with_sources(error), Clone::clone);
            self.messages.push(result_of(call.clone(), text).into());
        }
    }

    /// Stores a message in which the model called no tool, with an error that tells it so.
    pub(super) fn correct(&mut self, message: ChatCompletionResponseMessage, error: &AgentError) {
        if message.content.is_some() {
            self.messages.push(repeated(message).into());
        }
        self.messages.push(ChatCompletionRequestUserMessage::from(error.to_string()).into());
    }
}
