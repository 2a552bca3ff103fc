//! What a span stores in the context of its call, for its own end and for its children.

#[cfg(feature = "tracing")]
use opentelemetry::Context;
use opentelemetry::trace::SpanId;

use crate::llm::Model;

/// The kind of calls to an embedding model.
pub(super) const EMBEDDING: &str = "EMBEDDING";

/// The kinds of calls to a model.
pub(super) const MODELS: [&str; 2] = ["LLM", EMBEDDING];

/// The model that the request names: the span's model unless the response names another.
pub(super) struct RequestedModel {
    /// The span that made the request; its children inherit the context.
    pub(super) span: SpanId,
    pub(super) model: Model,
}

/// The kind of the innermost span of ours. It is stored only if masking depends on it, or if the `tracing` bridge has
/// to know calls to a model.
pub(super) struct EnclosingKind(pub(super) &'static str);

/// Whether the innermost span of ours is a call to a model.
#[cfg(feature = "tracing")]
pub(crate) fn is_within_model_call(context: &Context) -> bool {
    context.get::<EnclosingKind>().is_some_and(|kind| MODELS.contains(&kind.0))
}
