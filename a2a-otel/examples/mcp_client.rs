//! An agent that calls a tool of an MCP server, which it starts as a process. Both processes record their part of one trace.
//!
//! ```sh
//! cargo build -p a2a-otel --example mcp_server --features mcp
//! cargo run -p a2a-otel --example mcp_client --features mcp
//! ```

use std::error::Error;
use std::path::Path;

use a2a_otel::agent_span;
use a2a_otel::mcp::TracedClient;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::TokioChildProcess;
use tokio::process::Command;

#[agent_span(skip_all)]
async fn shop(server: &Path) -> Result<String, Box<dyn Error>> {
    let client = TracedClient::connect((), TokioChildProcess::new(Command::new(server))?).await?;
    let answer = client.call_tool(CallToolRequestParams::new("count_lamps")).await?;
    let text = answer.content.first().and_then(|part| part.as_text()).map(|part| part.text.clone());
    client.into_inner().cancel().await?;
    text.ok_or_else(|| "the tool answered without a text".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _telemetry = a2a_otel::init();
    // Cargo puts all examples into one folder.
    let server =
        std::env::current_exe()?.with_file_name(format!("mcp_server{}", std::env::consts::EXE_SUFFIX));
    println!("{} lamps", shop(&server).await?);
    Ok(())
}
