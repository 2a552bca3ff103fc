//! The instrumentation scope, which says whose spans and metrics these are.

use std::sync::LazyLock;

use opentelemetry::{InstrumentationScope, InstrumentationScopeBuilder};

use super::version;
use crate::semconv::GenAiVersion;

/// The name of the instrumentation scope of all spans and metrics of this crate.
pub(super) const NAME: &str = "a2a-otel";

/// The instrumentation scope of all spans and metrics of this crate. Its schema is that of the GenAI conventions, if spans follow
/// them; OpenInference has none.
pub(crate) fn scope() -> InstrumentationScope {
    static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| scope_builder().build());
    version().map_or_else(|| SCOPE.clone(), scope_of)
}

/// The instrumentation scope of spans that follow this version of the GenAI conventions.
pub(super) fn scope_of(version: GenAiVersion) -> InstrumentationScope {
    static GEN_AI: LazyLock<Vec<InstrumentationScope>> = LazyLock::new(|| {
        let of = |version: &GenAiVersion| scope_builder().with_schema_url(version.schema_url()).build();
        GenAiVersion::ALL.iter().map(of).collect()
    });
    GEN_AI[version as usize].clone()
}

fn scope_builder() -> InstrumentationScopeBuilder {
    InstrumentationScope::builder(NAME).with_version(env!("CARGO_PKG_VERSION"))
}
