//! Serves a dozen customers: in a marketplace of its own, or with `--coordinator URL` in one that runs.

use std::error::Error;
use std::process::ExitCode;

use a2a_otel_examples::customers;
use a2a_otel_examples::market::Market;

const USAGE: &str = "usage: marketplace [--coordinator URL]";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let served = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => serve_here().await?,
        ["--coordinator", url] => customers::serve_all(url).await?,
        _ => return Err(USAGE.into()),
    };
    Ok(if served { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn serve_here() -> Result<bool, Box<dyn Error>> {
    let market = Market::open().await?;
    let served = customers::serve_all(market.coordinator()).await;
    market.close().await;
    Ok(served?)
}
