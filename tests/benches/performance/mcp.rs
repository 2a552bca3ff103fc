//! Measures a call of a tool from client to server, with SDK and over pipes in memory. Both are on one thread, so that the
//! time is CPU time.

use std::rc::Rc;

use a2a_otel::mcp::{TracedClient, TracedServer};
use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::{ServerHandler, ServiceExt as _, tool, tool_handler, tool_router};
use serde_json::json;
use tokio::io::{DuplexStream, duplex};
use tokio::runtime::{self, Runtime};

use crate::call::start_ours;
use crate::measure::Variant;
use crate::rows::{OURS, PLAIN};

struct Shop;

#[tool_router]
impl Shop {
    /// Says how many lamps are in stock.
    #[tool]
    async fn count_lamps(&self) -> String {
        "3".to_owned()
    }
}

#[tool_handler]
impl ServerHandler for Shop {}

pub(crate) fn variants() -> Vec<Variant> {
    start_ours();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let runtime = Rc::new(runtime);
    let plain = runtime.block_on(async { ().serve(serve(Shop)).await.expect("a connection") });
    let ours = runtime.block_on(async {
        TracedClient::connect((), serve(TracedServer::new(Shop))).await.expect("a connection")
    });
    vec![
        variant(PLAIN, &runtime, async move || plain.call_tool(request()).await.expect("an answer")),
        variant(OURS, &runtime, async move || ours.call_tool(request()).await.expect("an answer")),
    ]
}

/// The client's end of the pipe to a server.
fn serve(server: impl ServerHandler) -> DuplexStream {
    let (theirs, ours) = duplex(1 << 16);
    tokio::spawn(async { server.serve(theirs).await.expect("a connection").waiting().await });
    ours
}

fn request() -> CallToolRequestParams {
    let arguments = json!({ "colour": "red", "at_least": 2 });
    CallToolRequestParams::new("count_lamps")
        .with_arguments(arguments.as_object().cloned().unwrap_or_default())
}

fn variant(
    name: &'static str,
    runtime: &Rc<Runtime>,
    ask: impl AsyncFn() -> CallToolResult + 'static,
) -> Variant {
    let runtime = Rc::clone(runtime);
    Variant::of_call(name, move |_| runtime.block_on(ask()))
}
