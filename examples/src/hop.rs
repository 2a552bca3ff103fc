//! How trace context crosses from one process to the next: in HTTP headers for A2A, in
//! `params._meta` for MCP.

use a2a::A2AError;
use a2a_client::ServiceParams;
use a2a_client::middleware::CallInterceptor;
use a2a_otel::opentelemetry::trace::FutureExt;
use a2a_otel::propagation;
use async_trait::async_trait;
use rmcp::model::{CallToolRequestParams, JsonObject, RequestParamsMeta};

/// Client side of A2A: every request carries the caller's context in its headers.
pub struct SendContext;

#[async_trait]
impl CallInterceptor for SendContext {
    async fn before(&self, _method: &str, params: &mut ServiceParams) -> Result<(), A2AError> {
        propagation::inject(&mut propagation::ServiceParams(params));
        Ok(())
    }
}

/// Server side of A2A: runs an executor's work under the context that came in its headers.
///
/// The SDK runs executors in a task of its own, where no middleware's context is current.
pub fn under_caller<F: Future>(params: &ServiceParams, work: F) -> impl Future<Output = F::Output> + use<F> {
    work.with_context(propagation::extract(&propagation::ServiceParamsRef(params)))
}

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
