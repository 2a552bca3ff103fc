//! GenAI's terms for single values.

use std::sync::Arc;

use opentelemetry::StringValue;

use crate::semconv::SpanKind;
use crate::semconv::equivalents::{OPERATIONS, Operation, PROVIDERS, SAME, Same, Standing, Systems};

/// The kind of span that an operation implies.
pub(crate) fn kind_of(operation: &str) -> Option<SpanKind> {
    let is_it =
        |Operation(name, _, standing): &&Operation| *name == operation && *standing != Standing::ReadOnly;
    OPERATIONS.iter().find(is_it).map(|Operation(_, kind, _)| *kind)
}

/// The usual operation of a span of this kind.
pub(super) fn usual_operation(kind: SpanKind) -> Option<&'static str> {
    let is_it = |Operation(_, own, standing): &&Operation| *own == kind && *standing == Standing::Usual;
    OPERATIONS.iter().find(is_it).map(|Operation(name, ..)| *name)
}

/// GenAI's name for an attribute of OpenInference that has the same value in both.
pub(crate) fn name_of(key: &str) -> Option<&'static str> {
    let is_it = |Same(own, _, used): &&Same| *own == key && used.is_written();
    SAME.iter().find(is_it).map(|Same(_, name, _)| *name)
}

/// `gen_ai.provider.name`, by `llm.provider` (or `llm.system` if there is none) and `llm.system`. `None` if it is the
/// same.
fn provider_name(provider: &str, system: &str) -> Option<&'static str> {
    let mut rows = PROVIDERS.iter().filter(|row| row.served_by == provider);
    let row = rows.find(|row| match row.written_for {
        Systems::Any => true,
        Systems::One => row.system == Some(system),
        Systems::None => false,
    });
    row.map(|row| row.name)
}

/// `gen_ai.provider.name`, by `llm.provider` and `llm.system`, either of which may be empty.
pub(crate) fn provider_of(provider: &str, system: &str) -> Option<StringValue> {
    let (provider, system) = (provider.to_lowercase(), system.to_lowercase());
    let either = if provider.is_empty() { &system } else { &provider };
    let name =
        provider_name(either, &system).map_or_else(|| Arc::<str>::from(&**either).into(), StringValue::from);
    (!either.is_empty()).then_some(name)
}
