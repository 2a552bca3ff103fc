//! What a span stores in the context of its call, for its own end and for its children.

use std::sync::Mutex;

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt as _};

use crate::llm::Pending;
use crate::lock::lock;
use crate::privacy;
use crate::semconv::SpanKind;

/// The kind of calls to an embedding model.
pub(super) const EMBEDDING: &str = SpanKind::Embedding.as_str();

/// The kinds of calls to a model.
pub(super) const MODELS: [&str; 2] = [SpanKind::Llm.as_str(), EMBEDDING];

/// The request to a model, until its answer has come.
pub(super) struct Request {
    /// The span that made the request; its children inherit the context.
    span: SpanId,
    pending: Mutex<Option<Box<Pending>>>,
}

impl Request {
    pub(super) fn new(span: SpanId, pending: Pending) -> Self {
        Self { span, pending: Mutex::new(Some(Box::new(pending))) }
    }

    /// The request of the current span, the first time.
    pub(super) fn take(context: &Context) -> Option<Box<Pending>> {
        let request = context.get::<Self>()?;
        let is_own = request.span == context.span().span_context().span_id();
        if is_own { lock(&request.pending).take() } else { None }
    }
}

/// The kind of the innermost span of ours. It is stored only if masking depends on it, or if the `tracing` bridge has
/// to know calls to a model.
pub(super) struct EnclosingKind(pub(super) &'static str);

/// The kind of the innermost span of ours, if masking depends on it.
pub(super) fn kind_at(context: &Context) -> &'static str {
    let kind = privacy::is_hiding().then(|| context.get::<EnclosingKind>()).flatten();
    kind.map_or("", |kind| kind.0)
}

/// Whether the innermost span of ours is a call to a model.
#[cfg(feature = "tracing")]
pub(crate) fn is_within_model_call(context: &Context) -> bool {
    context.get::<EnclosingKind>().is_some_and(|kind| MODELS.contains(&kind.0))
}
