//! What is known of a span when the program is compiled.

use opentelemetry::trace::SpanKind;

use crate::capture::Fixed;

/// The kind of span that two may share.
pub(super) const TOOL: &str = "TOOL";

/// What is known of a span when the program is compiled.
pub struct Site {
    /// The span's name, unless it is given another.
    pub name: &'static str,
    /// `openinference.span.kind`.
    pub kind: &'static str,
    /// OpenTelemetry's own kind.
    pub opentelemetry: SpanKind,
    /// Attributes with values known at compile time.
    pub fixed: &'static [(&'static str, Fixed)],
    /// The names of the values that make the input; an empty one where a single value stands for itself.
    pub arguments: &'static [&'static str],
    /// Attributes that hold one of the values as it is, and its index.
    pub fields: &'static [(&'static str, usize)],
}

impl Site {
    pub(super) fn is_of_function(&self) -> bool {
        self.opentelemetry == SpanKind::Internal
    }

    /// Whether a second may join the span.
    #[inline]
    pub(super) fn is_of_tool(&self) -> bool {
        cfg!(feature = "mcp") && self.kind == TOOL
    }

    /// Whether the input waits for a function's attribute to say more of it.
    pub(super) fn defers_input(&self) -> bool {
        self.is_of_tool() && self.opentelemetry == SpanKind::Server
    }
}
