//! Serves a dozen customers in its own marketplace, or in one that is already running, and tells what came of it.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use a2a_otel::settings::{Explanation, Exporter};
use a2a_otel::{Builder, Telemetry, TreePrinter};
use a2a_otel_examples::market::Market;
use a2a_otel_examples::report::Report;
use a2a_otel_examples::story::{Story, Unprinted, say};
use a2a_otel_examples::{customers, errors};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

const USAGE: &str = "\
usage: marketplace [--coordinator URL] [--traces] [--logs]

  --coordinator URL  asks the coordinator of a marketplace that is already running
  --traces           prints every trace as a tree, in the form that A2A_OTEL_CONSOLE names
  --logs             prints log lines, those that RUST_LOG selects";

/// How long sending the last spans may take.
const FLUSH: Duration = Duration::from_secs(5);

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    coordinator: Option<String>,
    traces: bool,
    logs: bool,
    help: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = arguments(std::env::args().skip(1));
    errors::run_program(USAGE, arguments, |arguments| arguments.help, run).await
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(argument) = given.next() {
        match &*argument {
            "--coordinator" => arguments.coordinator = Some(given.next()?),
            "--traces" => arguments.traces = true,
            "--logs" => arguments.logs = true,
            "--help" | "-h" => arguments.help = true,
            _ => return None,
        }
    }
    Some(arguments)
}

/// Starts telemetry, which prints only what is asked for: the story takes one screen.
fn observed(arguments: &Arguments, story: &Story) -> Telemetry {
    let mut builder = story.listen(Telemetry::builder());
    if arguments.traces {
        builder = printing(builder);
    } else if !cfg!(feature = "otlp") && std::env::var_os("OTEL_TRACES_EXPORTER").is_none() {
        builder = builder.span_exporter(Unprinted);
    }
    if arguments.logs || std::env::var_os("RUST_LOG").is_some() {
        return builder.start();
    }
    let telemetry = builder.tracing(false).start();
    // Spans and events of `tracing` join the traces, without log lines.
    let silent = tracing_subscriber::registry().with(a2a_otel::tracing_layer());
    if let Err(error) = silent.try_init() {
        eprintln!("events of tracing do not join the traces: {error}");
    }
    telemetry
}

/// Prints all traces, unless the exporters that the environment selects do it anyway.
fn printing(builder: Builder) -> Builder {
    let settings = Explanation::of_process("marketplace").resolved;
    match settings.exporter {
        Exporter::Console | Exporter::OtlpAndConsole => builder,
        _ => builder.span_processor(TreePrinter::stderr().form(settings.console)),
    }
}

async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let story = Story::default();
    let telemetry = observed(arguments, &story);
    let run = customers::new_run();
    say(&"A dozen customers ask a marketplace of four agents:\n");
    let served = match &arguments.coordinator {
        None => serve_here(&run).await,
        Some(url) => customers::serve_all(url, &run).await.map_err(Into::into),
    };
    if let Ok(as_expected) = served {
        let verdict = if as_expected { "as expected" } else { "not as expected; see the marks" };
        // A request that is not sampled has no trace.
        let trace = story.trace_of(&customers::session(1, &run)).unwrap_or_default();
        let title = if trace.is_empty() { "" } else { " The trace of the first request:\n\n" };
        say(&format_args!("\nAll is {verdict}.{title}{}", trace.trim_end()));
    }
    say(&format_args!("\n{}", Report(telemetry.metrics())));
    say(&story.sums());
    let delivery = telemetry.shutdown(FLUSH);
    say(&delivery);
    show_what_is_next(&telemetry, delivery.delivered > 0).await;
    served
}

async fn show_what_is_next(telemetry: &Telemetry, is_delivered: bool) {
    if !(is_delivered && show_link(telemetry).await) {
        say(&"See the traces in Phoenix: pip install arize-phoenix && phoenix serve, and then");
        say(&"  cargo run -p a2a-otel-examples --features otlp --bin marketplace");
    }
    say(&"See more here: --traces, --logs, OTEL_METRICS_EXPORTER=console");
    say(&"See how the agents are annotated: examples/src/agent.rs, examples/src/tools.rs");
}

/// Prints the link to the project once Phoenix has created it. Phoenix does that when it stores the first span, which
/// may be a while after it has accepted the span.
#[cfg(feature = "otlp")]
async fn show_link(telemetry: &Telemetry) -> bool {
    if !telemetry.settings().exporter.is_otlp() {
        return false;
    }
    for _ in 0..20 {
        if let Some(url) = telemetry.phoenix_url() {
            say(&format_args!("The traces in Phoenix: {url}"));
            return true;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    false
}

#[cfg(not(feature = "otlp"))]
#[allow(clippy::unused_async, reason = "with the feature, it waits for Phoenix")]
async fn show_link(_telemetry: &Telemetry) -> bool {
    false
}

async fn serve_here(run: &str) -> Result<bool, Box<dyn Error>> {
    let market = Market::open().await?;
    let served = customers::serve_all(market.coordinator(), run).await;
    market.close().await;
    Ok(served?)
}
