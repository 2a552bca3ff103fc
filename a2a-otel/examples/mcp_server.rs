//! An MCP server with a tool, over standard input and output. The example `mcp_client` starts it.

use std::error::Error;

use a2a_otel::mcp::TracedServer;
use a2a_otel::mcp_tool;
use rmcp::transport::stdio;
use rmcp::{ServerHandler, ServiceExt as _, tool, tool_handler, tool_router};

struct Shop;

#[tool_router]
impl Shop {
    /// Says how many lamps are in stock.
    #[mcp_tool]
    #[tool]
    async fn count_lamps(&self) -> String {
        "3".to_owned()
    }
}

#[tool_handler]
impl ServerHandler for Shop {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Traces and messages go to standard error: standard output belongs to MCP.
    let _telemetry = a2a_otel::init();
    TracedServer::new(Shop).serve(stdio()).await?.waiting().await?;
    Ok(())
}
