//! The instrumentation scope, which says whose spans and metrics these are.

use std::sync::LazyLock;

use opentelemetry::{InstrumentationScope, InstrumentationScopeBuilder};

use super::version;
use crate::semconv::GenAiVersion;

/// The instrumentation scope of all spans and metrics of this crate. Its schema is that of the GenAI conventions, if spans follow
/// them; OpenInference has none.
pub(crate) fn scope() -> InstrumentationScope {
    static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| scope_builder().build());
    static GEN_AI: LazyLock<Vec<InstrumentationScope>> = LazyLock::new(|| {
        let of = |version: &GenAiVersion| scope_builder().with_schema_url(version.schema_url()).build();
        GenAiVersion::ALL.iter().map(of).collect()
    });
    match version() {
        Some(version) => GEN_AI[version as usize].clone(),
        None => SCOPE.clone(),
    }
}

fn scope_builder() -> InstrumentationScopeBuilder {
    InstrumentationScope::builder("a2a-otel").with_version(env!("CARGO_PKG_VERSION"))
}
