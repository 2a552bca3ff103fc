//! What an agent needs of a model.

use async_openai::error::OpenAIError;
use async_openai::types::chat::{CreateChatCompletionRequest, CreateChatCompletionResponse};

use crate::llm::Llm;

/// A model that answers requests of `OpenAI`'s chat API.
pub trait Model: Send + Sync {
    /// Its name, for requests.
    fn name(&self) -> &str;

    /// Who serves it, as `llm.provider` has it: `openai`, `azure` and so on. Not every client knows.
    fn provider(&self) -> Option<&str> {
        None
    }

    /// Answers a request, by one call of the provider: one call is one span.
    fn generate(
        &self,
        request: &CreateChatCompletionRequest,
    ) -> impl Future<Output = Result<CreateChatCompletionResponse, OpenAIError>> + Send;
}

impl Model for Llm {
    fn name(&self) -> &str {
        self.model()
    }

    async fn generate(
        &self,
        request: &CreateChatCompletionRequest,
    ) -> Result<CreateChatCompletionResponse, OpenAIError> {
        self.create(request.clone()).await
    }
}
