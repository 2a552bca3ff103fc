//! An agent and its tool.
//!
//! ```sh
//! cargo run -p a2a-otel --example hello
//! ```

use a2a_otel::{agent_span, tool_span};

#[tool_span]
fn look_up(text: &str) -> Result<Vec<String>, std::io::Error> {
    Ok(vec![format!("a {text}")])
}

#[agent_span(name = "product-agent", session = customer)]
async fn find(customer: &str, text: &str) -> Result<Vec<String>, std::io::Error> {
    look_up(text)
}

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    // At its end, `main` prints or sends the spans that are waiting.
    let _telemetry = a2a_otel::init();
    println!("{:?}", find("customer-07", "lamp").await?);
    Ok(())
}
