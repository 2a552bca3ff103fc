//! The failure of a model's answer that began well: providers report it in a chunk of a stream that has the status 200.
//!
//! Sources: the API references of OpenAI (`error`, `response.failed`), Anthropic (`error`), Google (`error`), Ollama
//! (`error`) and OpenRouter (`error` in a chunk).

use crate::json::Node;

/// What a provider says of its failure.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The provider's type of the error.
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl Failure {
    /// The failure that a chunk reports.
    pub(super) fn of_chunk<'a>(chunk: Node<'a>) -> Option<Self> {
        let is_event = |name: &str| chunk.filled("type").is_some_and(|kind| kind == name);
        // Many answers have the field with nothing in it.
        let filled = |holder: Node<'a>| {
            holder.get("error").filter(|error| !["null", "\"\"", "{}"].contains(&error.raw()))
        };
        let error = filled(chunk).or_else(|| filled(chunk.get("response")?));
        match error {
            Some(error) if error.is_text() => error.text().map(|text| Self::new("error", &text)),
            Some(error) if error.is_object() => Some(Self::of_object(error)),
            // The event of OpenAI's responses has the fields of its error itself.
            _ if is_event("error") => Some(Self::of_object(chunk)),
            _ => None,
        }
    }

    fn of_object(error: Node<'_>) -> Self {
        // The type of an event is no type of an error.
        let named = ["type", "status", "code"].iter().filter_map(|name| error.get(name));
        let named = named.filter(|kind| !kind.is_null()).map(Node::text_or_json);
        let kind = named.into_iter().find(|kind| !kind.is_empty() && kind != "error");
        let message = error.filled("message").unwrap_or_else(|| error.raw().into());
        Self::new(kind.as_deref().unwrap_or("error"), &message)
    }

    fn new(kind: &str, message: &str) -> Self {
        Self { kind: kind.to_owned(), message: message.to_owned() }
    }
}
