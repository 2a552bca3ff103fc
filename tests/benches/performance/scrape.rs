//! Measures the CPU time of a scrape of 10,000 series.

use std::process::Command;

use a2a_otel::opentelemetry::metrics::{Meter, MeterProvider as _};
use a2a_otel::opentelemetry::{KeyValue, global};
use a2a_otel::{Telemetry, http};
use axum::http::Request;
use futures::executor::block_on;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use tower_service::Service as _;

use crate::measure::{Figure, run};
use crate::pipeline::cpu_seconds;
use crate::rows::{OPEN_METRICS, OURS, PLAIN, PROMETHEUS};

const SCRAPES: u32 = 200;

/// Attributes of an agent's metrics, with these many different values.
const AGENTS: i64 = 20;
const TOOLS: i64 = 50;

/// Milliseconds of CPU time for a scrape. Each variant runs in a separate process.
pub(crate) fn figures() -> Vec<Figure> {
    let ways = [("none", PLAIN), ("ours", OURS), ("open-metrics", OPEN_METRICS), ("prometheus", PROMETHEUS)];
    ways.map(|(way, name)| {
        let mut child = Command::new(std::env::current_exe().expect("a running program has a path"));
        let output = run(child.args(["--scrape", way, &SCRAPES.to_string()]));
        let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds");
        (name.to_owned(), seconds * 1e3 / f64::from(SCRAPES))
    })
    .into()
}

/// The child's side: scrapes so many times, and prints the CPU seconds of all its threads.
pub(crate) fn scrape(way: &str, scrapes: &str) {
    let scrapes: u32 = scrapes.parse().expect("a number of scrapes");
    match way {
        "ours" => scrape_ours("text/plain", scrapes),
        "open-metrics" => scrape_ours("application/openmetrics-text", scrapes),
        "prometheus" => scrape_theirs(scrapes),
        _ => scrape_ours("text/plain", 0),
    }
    println!("{}", cpu_seconds());
}

fn scrape_ours(accept: &str, scrapes: u32) {
    let telemetry = Telemetry::builder().service_name("shop").tracing(false).start();
    measure(&global::meter("benchmark"));
    let mut service = http::metrics();
    for _ in 0..scrapes {
        let request = Request::builder().header("accept", accept).body(()).expect("a request");
        let Ok(answer) = block_on(service.call(request));
        let length = axum::body::HttpBody::size_hint(answer.body()).exact().expect("a length");
        assert!(length > 1_000_000, "{length} bytes");
    }
    drop(telemetry);
}

fn scrape_theirs(scrapes: u32) {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(exporter.expect("an exporter")).build();
    measure(&provider.meter("benchmark"));
    for _ in 0..scrapes {
        let text = TextEncoder::new().encode_to_string(&registry.gather()).expect("metrics");
        assert!(text.len() > 1_000_000, "{} bytes", text.len());
    }
}

/// Measures 10,000 series: 2,000 counters, 2,000 gauges, and 334 histograms, each with 16 buckets, a sum and a count.
fn measure(meter: &Meter) {
    let counters = [meter.u64_counter("tool.calls").build(), meter.u64_counter("tool.errors").build()];
    let gauges = ["tool.load", "tool.share"].map(|name| meter.f64_gauge(name).build());
    let duration = meter.f64_histogram("tool.duration").with_unit("s").with_boundaries(bounds()).build();
    for number in 0..AGENTS * TOOLS {
        let attributes = [
            KeyValue::new("gen_ai.agent.name", format!("agent-{:02}", number / TOOLS)),
            KeyValue::new("gen_ai.tool.name", format!("tool-{:02}", number % TOOLS)),
            KeyValue::new("error.type", "none"),
        ];
        for counter in &counters {
            counter.add(number.unsigned_abs(), &attributes);
        }
        let fraction = f64::from(u32::try_from(number).expect("a small number")) / 7.0;
        for gauge in &gauges {
            gauge.record(fraction, &attributes);
        }
        if number % 3 == 0 {
            (1..4).for_each(|times| duration.record(fraction * f64::from(times) / 10.0, &attributes));
        }
    }
}

fn bounds() -> Vec<f64> {
    vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]
}
