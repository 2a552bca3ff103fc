//! What an agent needs from a model.

use async_openai::error::OpenAIError;
use async_openai::types::chat::{CreateChatCompletionRequest, CreateChatCompletionResponse};

use crate::llm::Llm;

/// A model that answers requests in the form of `OpenAI`'s chat API.
pub trait Model: Send + Sync {
    /// Its name, for requests.
    fn name(&self) -> &str;

    /// The provider that serves it, as a value of `llm.provider`: `openai`, `azure` and so on. Not every client knows
    /// it.
    fn provider(&self) -> Option<&str> {
        None
    }

    /// Answers a request with one call to the provider, which is recorded as one span.
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
