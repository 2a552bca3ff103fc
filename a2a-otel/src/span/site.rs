//! What is known of a span at compile time.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind};

use crate::capture::Fixed;
use crate::semconv;

/// The kind of spans that two observers may share.
pub(super) const TOOL: &str = semconv::SpanKind::Tool.as_str();

/// What the figures of a call count it as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Nothing, or its protocol counts it.
    Nothing,
    /// A run of an agent.
    Agent,
    /// A call of a tool.
    Tool,
    /// A call of a language model.
    Model,
    /// A call of an embedding model.
    Embedding,
    /// A search for documents.
    Retrieval,
    /// A call of another agent.
    A2a,
}

/// What is known of a span at compile time.
pub struct Site {
    /// The span's name, unless another is set at run time.
    pub name: &'static str,
    /// `openinference.span.kind`.
    pub kind: &'static str,
    /// OpenTelemetry's kind.
    pub opentelemetry: SpanKind,
    /// What figures count the call as.
    pub measured: Measured,
    /// Attributes with values known at compile time.
    pub fixed: &'static [(&'static str, Fixed)],
    /// The names of the values that make up the input. A single empty name means that the value is the input itself.
    pub arguments: &'static [&'static str],
    /// Attributes that hold one of the values unchanged, and the value's index.
    pub fields: &'static [(&'static str, usize)],
}

impl Site {
    /// A span of the site that is not started yet.
    pub(super) fn builder(&self, name: Cow<'static, str>, attributes: Vec<KeyValue>) -> SpanBuilder {
        let (span_kind, attributes) = (Some(self.opentelemetry.clone()), Some(attributes));
        SpanBuilder { name, span_kind, attributes, ..SpanBuilder::default() }
    }

    pub(super) fn is_of_function(&self) -> bool {
        self.opentelemetry == SpanKind::Internal
    }

    /// Whether a second observer may join the span.
    #[inline]
    pub(super) fn is_of_tool(&self) -> bool {
        cfg!(feature = "mcp") && self.kind == TOOL
    }

    /// Whether the input is held back until the end, because a function's attribute macro may record a masked one.
    pub(super) fn defers_input(&self) -> bool {
        self.is_of_tool() && self.opentelemetry == SpanKind::Server
    }
}
