//! What one sampled span with ten attributes costs, four of them computed, beside the ways to do it without us:
//! the OpenTelemetry API by hand, and `#[tracing::instrument]` with tracing-opentelemetry.
//!
//! `cargo bench -p a2a-otel-tests`. Machines are shared, so each figure is the least of many rounds, the rounds
//! of the three take turns, and what counts is the ratio.

use std::hint::black_box;
use std::time::{Duration, Instant};

use a2a_otel::Telemetry;
use a2a_otel::opentelemetry::trace::{
    Span as _, SpanKind, Status, TraceContextExt as _, Tracer, TracerProvider as _,
};
use a2a_otel::opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing_subscriber::layer::SubscriberExt as _;

const ROUNDS: usize = 200;
const CALLS: u32 = 2_000;

/// Counts, as the cheapest of all backends would.
#[derive(Debug)]
struct Count;

impl SpanProcessor for Count {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        black_box(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[a2a_otel::chain_span(skip_all, fields(
    "a" = 1, "b" = 2, "c" = "three", "d" = "four", "e" = true,
    "f" = number + 1, "g" = number * 2, "h" = text.len(), "i" = text
))]
fn by_attribute(number: i64, text: &str) -> i64 {
    black_box(number + i64::try_from(text.len()).unwrap_or(0))
}

#[tracing::instrument(skip_all, fields(
    kind = "CHAIN", a = 1, b = 2, c = "three", d = "four", e = true,
    f = number + 1, g = number * 2, h = text.len(), i = text
))]
fn by_tracing(number: i64, text: &str) -> i64 {
    black_box(number + i64::try_from(text.len()).unwrap_or(0))
}

fn by_hand(tracer: &SdkTracer, number: i64, text: &str) -> i64 {
    let length = i64::try_from(text.len()).unwrap_or(0);
    let mut span =
        tracer.build(tracer.span_builder("by_hand").with_kind(SpanKind::Internal).with_attributes([
            KeyValue::new("openinference.span.kind", "CHAIN"),
            KeyValue::new("a", 1),
            KeyValue::new("b", 2),
            KeyValue::new("c", "three"),
            KeyValue::new("d", "four"),
            KeyValue::new("e", true),
            KeyValue::new("f", number + 1),
            KeyValue::new("g", number * 2),
            KeyValue::new("h", length),
            KeyValue::new("i", text.to_owned()),
        ]));
    span.set_status(Status::Ok);
    let context = Context::current_with_span(span);
    let _guard = context.clone().attach();
    let result = black_box(number + length);
    context.span().end();
    result
}

/// Nanoseconds a call, of one round.
fn round(mut call: impl FnMut(i64) -> i64) -> f64 {
    let start = Instant::now();
    for number in 0..CALLS {
        black_box(call(i64::from(number)));
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// Configured as a user would who wants nothing behind the spans.
fn again_without_exporter() {
    let program = std::env::current_exe().expect("a running program has a path");
    let status = std::process::Command::new(program).env("OTEL_TRACES_EXPORTER", "none").status();
    assert!(status.expect("the program starts again").success());
}

fn main() {
    if std::env::var("OTEL_TRACES_EXPORTER").as_deref() != Ok("none") {
        return again_without_exporter();
    }
    let telemetry = Telemetry::builder().span_processor(Count).tracing(false).metrics(false).init();
    let telemetry = telemetry.expect("a plain environment");
    let provider = SdkTracerProvider::builder().with_span_processor(Count).build();
    let tracer = provider.tracer("by hand");
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("tracing"));
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));

    let [mut ours, mut hand, mut tracing] = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        ours = ours.min(round(|number| by_attribute(number, "a lamp for the desk")));
        hand = hand.min(round(|number| by_hand(&tracer, number, "a lamp for the desk")));
        tracing = tracing.min(tracing::dispatcher::with_default(&dispatch, || {
            round(|number| by_tracing(number, "a lamp for the desk"))
        }));
    }
    println!("one sampled span with 10 attributes, nothing behind it");
    println!("{:<58}{:>8} {:>14}", "", "ns", "ours / theirs");
    println!("{:<58}{ours:>8.0}", "#[chain_span]");
    println!("{:<58}{hand:>8.0} {:>14.2}", "OpenTelemetry API by hand", ours / hand);
    println!(
        "{:<58}{tracing:>8.0} {:>14.2}",
        "#[tracing::instrument] + tracing-opentelemetry 0.34",
        ours / tracing
    );
    drop(telemetry);
}
