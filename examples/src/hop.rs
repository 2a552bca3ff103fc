//! How trace context crosses to the catalogue: in `params._meta`, as MCP has it.

use a2a_otel::opentelemetry::trace::FutureExt;
use a2a_otel::propagation;
use rmcp::model::{CallToolRequestParams, JsonObject, RequestParamsMeta};

/// Client side of MCP: to be called in the caller's task, for the transport sends from another.
#[must_use]
pub fn with_context(mut params: CallToolRequestParams) -> CallToolRequestParams {
    propagation::inject(&mut propagation::Meta(params.meta_or_default()));
    params
}

/// Server side of MCP: runs a request's work under the context that came in its `_meta`.
///
/// rmcp runs handlers below a span of its own that lasts as long as the session.
pub fn under_client<F: Future>(meta: &JsonObject, work: F) -> impl Future<Output = F::Output> + use<F> {
    work.with_context(propagation::extract(&propagation::MetaRef(meta)))
}
