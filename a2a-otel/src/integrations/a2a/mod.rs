//! A2A, with the official SDK: `a2a-client-lf`, `a2a-server-lf`, and `a2a-grpc` on top of them.
//!
//! A call is recorded as a span of kind CLIENT on the calling side and one of kind SERVER on the called side, in one
//! trace, with the agent's own spans below, with every binding. Two lines on the calling side:
//!
//! ```
//! # async fn ask(card: &a2a::AgentCard) -> Result<(), a2a::A2AError> {
//! let factory = a2a_otel::a2a::client_factory().build(); // instead of A2AClientFactory::builder().build()
//! let client = factory.create_from_card(card).await?;
//! # Ok(())
//! # }
//! ```
//!
//! and two on the called side:
//!
//! ```
//! use std::sync::Arc;
//!
//! use a2a_otel::a2a::{TracedExecutor, TracedHandler};
//! use a2a_server::{AgentExecutor, DefaultRequestHandler, InMemoryTaskStore, jsonrpc::jsonrpc_router};
//!
//! # fn serve(executor: impl AgentExecutor, card: a2a::AgentCard) -> axum::Router {
//! let executor = TracedExecutor::new(executor, &card);
//! let handler = TracedHandler::new(DefaultRequestHandler::new(executor, InMemoryTaskStore::new()));
//! jsonrpc_router(Arc::new(handler))
//! # }
//! ```
//!
//! The context id becomes the session of everything below, unless [`with_session`](crate::with_session) or the caller
//! has set another. `docs/a2a.md` describes what is recorded, and what public agents should do.

use std::sync::Arc;

use a2a_client::A2AClientFactory;
use a2a_client::factory::A2AClientFactoryBuilder;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_client::rest::RestTransportFactory;

/// A value of any type that can be recorded, or nothing for `None`.
macro_rules! shown {
    ($value:expr) => {
        Capture::new(&$value).a2a_otel_value()
    };
}

mod asked;
mod card;
mod client;
mod content;
mod facts;
mod figures;
mod hop;
mod methods;
mod outcome;
mod passage;
mod progress;
mod push;
mod refusal;
mod response_trace;
mod server;
mod work;

pub use self::client::{ContextInterceptor, TracedTransport, TracedTransportFactory};
pub use self::push::record_push;
pub use self::response_trace::traceability_extension;
pub use self::server::{TracedExecutor, TracedHandler};

/// Returns the SDK's client factory, with all calls over JSON-RPC and REST recorded. See [the module](self) for an
/// example.
///
/// Clients that need their own HTTP client register [`TracedTransportFactory`] around the SDK's factories.
#[must_use]
pub fn client_factory() -> A2AClientFactoryBuilder {
    A2AClientFactory::builder()
        .register(Arc::new(TracedTransportFactory::new(JsonRpcTransportFactory::new(None))))
        .register(Arc::new(TracedTransportFactory::new(RestTransportFactory::new(None))))
}
