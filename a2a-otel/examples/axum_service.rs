//! A service with axum that continues the trace of its callers and serves its metrics, and a caller.
//!
//! ```sh
//! cargo run -p a2a-otel --example axum_service --features http,metrics
//! ```

use std::error::Error;

use a2a_otel::http::{ExtractLayer, headers, metrics};
use a2a_otel::{agent_span, chain_span, with_session};
use axum::Router;
use axum::routing::post;
use tokio::net::TcpListener;

#[agent_span]
async fn answer(question: String) -> String {
    question.to_uppercase()
}

fn service() -> Router {
    Router::new()
        .route("/ask", post(answer))
        // Reads `traceparent` and `baggage`, so that `answer` is below the caller's span, and in its session.
        .layer(ExtractLayer::new())
        .route_service("/metrics", metrics())
}

/// The caller: usually, another process.
#[chain_span]
async fn ask(address: &str, question: &'static str) -> Result<String, reqwest::Error> {
    let request = reqwest::Client::new().post(format!("{address}/ask")).headers(headers()).body(question);
    request.send().await?.text().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _telemetry = a2a_otel::init();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, service()).await });

    println!("{}", with_session("conversation-42").wrap(ask(&address, "why?")).await?);
    let metrics = reqwest::get(format!("{address}/metrics")).await?.text().await?;
    println!("{} lines of metrics", metrics.lines().count());
    Ok(())
}
