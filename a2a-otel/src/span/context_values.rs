//! What a span leaves in the context of its call, for its end and for the spans below.

#[cfg(feature = "tracing")]
use opentelemetry::Context;
use opentelemetry::trace::SpanId;

use crate::llm::Model;

/// The kind whose requests hold texts to embed.
pub(super) const EMBEDDING: &str = "EMBEDDING";

/// The kinds that are a call of a model.
pub(super) const MODELS: [&str; 2] = ["LLM", EMBEDDING];

/// The model that was asked for, which is the span's model where no response names another.
pub(super) struct RequestedModel {
    /// The span that asked, for the context is its children's as well.
    pub(super) span: SpanId,
    pub(super) model: Model,
}

/// The kind of a span, kept until its end where it matters what is hidden, and for what a model's call makes of itself.
pub(super) struct EnclosingKind(pub(super) &'static str);

/// Whether the innermost of our spans is a call of a model.
#[cfg(feature = "tracing")]
pub(crate) fn is_within_model_call(context: &Context) -> bool {
    context.get::<EnclosingKind>().is_some_and(|kind| MODELS.contains(&kind.0))
}
