//! The MCP server of the tests as a separate process: over standard input and output, or over HTTP if an address is
//! given.

use a2a_otel::mcp::TracedServer;
use a2a_otel_tests::shop::{Shop, serve_http};
use rmcp::ServiceExt as _;
use rmcp::transport::stdio;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _telemetry = a2a_otel::init();
    match std::env::args().nth(1) {
        Some(address) => serve_http(TcpListener::bind(address).await?).await?,
        None => {
            TracedServer::new(Shop::new()).serve(stdio()).await?.waiting().await?;
        }
    }
    Ok(())
}
