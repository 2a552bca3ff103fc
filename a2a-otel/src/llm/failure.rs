//! The failure that a model's answer reports itself: in a chunk of a stream that began well, or in a whole answer.
//!
//! Sources: the API references of OpenAI (`error`, `response.failed`), Anthropic (`error`), Google (`error`), Ollama
//! (`error`), OpenRouter (`error` in a chunk or a choice), Groq (`x_groq.error`) and vLLM (`object` is `error`).

use crate::json::Node;

/// What a provider says of its failure.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The provider's type of the error.
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl Failure {
    /// The failure that a chunk, or the answer of a known interface, reports.
    pub(super) fn of(answer: Node<'_>) -> Option<Self> {
        // OpenAI's events hold the response, Groq's chunks have a field of their own, OpenRouter's fail a choice.
        let holders = [answer.get("response"), answer.get("x_groq")].into_iter().flatten();
        let mut holders = std::iter::once(answer).chain(holders).chain(answer.list("choices"));
        let reported = holders.find_map(error);
        let named = |field: &str, name: &str| answer.filled(field).is_some_and(|value| value == name);
        match reported {
            Some(error) if error.is_text() => {
                error.text().map(|text| Self::new(&kind(answer, &TEXT_KINDS), &text))
            }
            Some(error) => Some(Self::of_object(error)),
            // OpenAI's event and vLLM's body have the fields of the error themselves.
            None if named("type", "error") || named("object", "error") => Some(Self::of_object(answer)),
            None if named("status", "failed") && named("object", "response") => {
                Some(Self::new("failed", "the response failed, and does not say why"))
            }
            None => None,
        }
    }

    /// The failure that a whole answer of no known interface reports. A program's own answer may have a text in a field
    /// `error`, so that counts only if it stands alone.
    pub(super) fn of_unknown(answer: Node<'_>) -> Option<Self> {
        let is_text = error(answer).is_some_and(Node::is_text);
        let is_alone = || answer.entries().count() == 1;
        if is_text && !is_alone() { None } else { Self::of(answer) }
    }

    fn of_object(error: Node<'_>) -> Self {
        let message = error.filled("message").unwrap_or_else(|| error.raw().into());
        Self::new(&kind(error, &KINDS), &message)
    }

    fn new(kind: &str, message: &str) -> Self {
        Self { kind: kind.to_owned(), message: message.to_owned() }
    }
}

/// The fields that name the type of an error, beside its message.
const KINDS: [&str; 3] = ["type", "status", "code"];

/// The field that does so if the error is a text. Source: the API reference of Text Generation Inference.
const TEXT_KINDS: [&str; 1] = ["error_type"];

/// The error in an answer. Many answers have the field with nothing in it.
fn error(holder: Node<'_>) -> Option<Node<'_>> {
    let error = holder.get("error").filter(|error| !["\"\"", "{}"].contains(&error.raw()))?;
    (error.is_text() || error.is_object()).then_some(error)
}

fn kind(error: Node<'_>, fields: &[&str]) -> String {
    let mut kinds = fields.iter().filter_map(|field| error.get(field)).map(Node::text_or_json);
    // The type of an event is no type of an error.
    kinds.find(|kind| !kind.is_empty() && kind != "error").unwrap_or("error".into()).into_owned()
}
