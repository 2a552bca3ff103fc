//! Serves a dozen customers in its own marketplace, or with `--coordinator URL` in one that is already running.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use a2a_otel::Telemetry;
use a2a_otel_examples::market::Market;
use a2a_otel_examples::report::Report;
use a2a_otel_examples::{customers, errors};

const USAGE: &str = "usage: marketplace [--coordinator URL]";
/// How long sending the last spans may take.
const FLUSH: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    errors::exit(run(observed()).await)
}

/// Starts telemetry that prints traces, whether or not they are also sent to a Phoenix.
fn observed() -> Telemetry {
    let builder = Telemetry::builder();
    #[cfg(feature = "otlp")]
    let builder = builder.span_processor(a2a_otel::TreePrinter::stderr());
    builder.start()
}

async fn run(telemetry: Telemetry) -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let served = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => serve_here().await,
        ["--coordinator", url] => customers::serve_all(url).await.map_err(Into::into),
        _ => Err(USAGE.into()),
    };
    println!("{}", Report(telemetry.metrics()));
    let delivery = telemetry.shutdown(FLUSH);
    println!("{delivery}");
    #[cfg(feature = "otlp")]
    if delivery.delivered > 0 && telemetry.settings().exporter.is_otlp() {
        show_link(&telemetry).await;
    }
    served
}

/// Prints the link to the project once Phoenix has created it. Phoenix does that when it stores the first span, which
/// may be a while after it has accepted the span.
#[cfg(feature = "otlp")]
async fn show_link(telemetry: &Telemetry) {
    for _ in 0..20 {
        if let Some(url) = telemetry.phoenix_url() {
            return println!("The traces in Phoenix: {url}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn serve_here() -> Result<bool, Box<dyn Error>> {
    let market = Market::open().await?;
    let served = customers::serve_all(market.coordinator()).await;
    market.close().await;
    Ok(served?)
}
