//! MCP over [rmcp](https://docs.rs/rmcp): a request is recorded as one span on the client and one on the server, in one
//! trace, with every transport.
//!
//! Two lines, one on each side:
//!
//! ```
//! use a2a_otel::mcp::{TracedClient, TracedServer};
//! use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData};
//! use rmcp::service::RequestContext;
//! use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
//!
//! struct Greeter;
//!
//! impl ServerHandler for Greeter {
//!     async fn call_tool(
//!         &self,
//!         _: CallToolRequestParams,
//!         _: RequestContext<RoleServer>,
//!     ) -> Result<CallToolResponse, ErrorData> {
//!         Ok(CallToolResult::success(vec![ContentBlock::text("Hello.")]).into())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let capturing = a2a_otel::testing::capture();
//! # let (theirs, ours) = tokio::io::duplex(4096);
//! # let serving = tokio::spawn(async {
//! let server = TracedServer::new(Greeter).serve(theirs).await?; // for example of `stdio()`
//! # server.waiting().await?;
//! # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//! # });
//! let client = TracedClient::connect((), ours).await?;
//! client.call_tool(CallToolRequestParams::new("greet")).await?;
//! # assert_eq!(capturing.tree(), "TOOL tools/call greet\n  TOOL tools/call greet\n");
//! # drop((client, serving));
//! # Ok(())
//! # }
//! ```
//!
//! The context crosses in `params._meta` (SEP-414): `traceparent`, `tracestate`, and session and user as `baggage`.
//!
//! A function with `#[mcp_tool]` or `#[tool_span]` shares its span with the MCP call that it makes or serves: the
//! function's input and output are recorded, and the call adds the protocol's attributes. Both have to be about the
//! same tool. If a function calls its tool again, or copes with a call that failed or was given up, each call is a span
//! below the function's. See [`docs/mcp.md`](crate::guide::mcp) for what is recorded.

#[expect(deprecated, reason = "rmcp still sends these requests for servers, so they are observed")]
mod caller;
mod checks;
mod client;
mod connection;
mod figures;
mod handler;
#[expect(deprecated, reason = "rmcp still accepts these requests, so they are observed")]
mod message;
mod method;
mod notice;
#[expect(deprecated, reason = "rmcp still has these requests, so they are observed")]
mod sampling;
#[expect(deprecated, reason = "rmcp still passes these to servers, so they are passed on")]
mod server;

pub use self::caller::TracedCaller;
pub use self::client::{TracedClient, TracedPeer};
pub use self::handler::TracedHandler;
pub use self::server::TracedServer;
