//! An agent for the reliability tests: it creates the requested number of spans, and prints what became of them.
//!
//! `generator spans=2000 per_second=500 bytes=100 poison=7 scores=true shape=events open=3 flush_at=100 timeout=30
//! exit=shutdown`; the environment configures telemetry. The output is one line of JSON.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::future;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use a2a_otel::{Handle, Telemetry, current, tool_span};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;

struct Arguments(HashMap<String, String>);

impl Arguments {
    fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).map(|text| text.parse().expect("an argument should be a whole number"))
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// Makes the current span large: many events, event names, keys or entries of a list.
fn grow(shape: &str) {
    use a2a_otel::opentelemetry::trace::get_active_span;
    use a2a_otel::opentelemetry::{Array, KeyValue, StringValue, Value};
    let text = "x ".repeat(150);
    let attributes =
        |count: usize| (0..count).map(|number| KeyValue::new(format!("key{number}"), text.clone())).collect();
    get_active_span(|span| match shape {
        "events" => (0..10_000).for_each(|_| span.add_event("event", attributes(10))),
        "names" => (0..20_000).for_each(|number| span.add_event(format!("{number}{text}"), Vec::new())),
        "keys" => {
            (0..20_000).for_each(|number| span.set_attribute(KeyValue::new(format!("{number}{text}"), true)));
        }
        "list" => {
            let entry = StringValue::from(format!("{text}{text}"));
            let list = Value::Array(Array::String(vec![entry; 30_000]));
            span.set_attribute(KeyValue::new("list", list));
        }
        _ => {}
    });
}

#[tool_span(name = name)]
fn work_on_a_large_span(name: &str, shape: &str) {
    grow(shape);
}

#[tool_span(name = name)]
fn work(name: &str, number: u64, text: &str, scores: bool) -> usize {
    if scores {
        current().score(name, 0.5, "good", text);
    }
    text.len()
}

#[tool_span]
async fn wait_for_ever() {
    future::pending().await
}

/// Begins spans that do not end before the returned futures are dropped.
fn open_spans(number: u64) -> Vec<BoxFuture<'static, ()>> {
    let mut open: Vec<_> = (0..number).map(|_| wait_for_ever().boxed()).collect();
    for future in &mut open {
        assert_eq!(future.now_or_never(), None);
    }
    open
}

/// How many spans have been created.
static CREATED: AtomicU64 = AtomicU64::new(0);

/// Flushes in another thread once this many spans were created. Returns how many there were before and after, and how
/// many of them had been delivered.
fn flush_at(created: u64, handle: Handle) -> JoinHandle<[u64; 3]> {
    thread::spawn(move || {
        while CREATED.load(Ordering::SeqCst) < created {
            thread::sleep(Duration::from_millis(1));
        }
        let before = CREATED.load(Ordering::SeqCst);
        let delivered = handle.flush(Duration::from_secs(600)).delivered;
        [before, CREATED.load(Ordering::SeqCst), delivered]
    })
}

fn main() {
    let pairs = env::args().skip(1).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let arguments = Arguments(pairs.collect());
    let builder = Telemetry::builder().shutdown_on_signals(arguments.text("exit") == "signal");
    let telemetry = match arguments.text("mirror") {
        "" => builder.start(),
        mirror => builder.also_to(mirror, [("x-mirror", "yes")]).start(),
    };
    if !arguments.text("shape").is_empty() {
        work_on_a_large_span("large", arguments.text("shape"));
    }
    let open = open_spans(arguments.number("open").unwrap_or(0));
    let flush = arguments.number("flush_at").map(|created| flush_at(created, telemetry.handle()));
    let slowest = generate(&arguments);
    linger(&telemetry, Duration::from_secs(arguments.number("linger").unwrap_or(0)));
    match arguments.text("exit") {
        "panic" => panic!("on purpose"),
        "drop" => return drop(telemetry),
        "leak" | "signal" => {
            println!("{}", json!({ "generated": arguments.number("spans") }));
            return thread::sleep(Duration::from_secs(600));
        }
        _ => {}
    }
    let flushed = flush.map(|flush| flush.join().expect("the flush ends"));
    let is_healthy = telemetry.health().is_good();
    let delivery = telemetry.shutdown(Duration::from_secs(arguments.number("timeout").unwrap_or(30)));
    drop(open);
    let report = json!({
        "generated": delivery.generated,
        "delivered": delivery.delivered,
        "spooled": delivery.spooled,
        "dropped": delivery.dropped,
        "recovered": delivery.recovered,
        "replayed": delivery.replayed,
        "recovered_dropped": delivery.recovered_dropped,
        "annotations": {
            "generated": delivery.annotations.generated,
            "delivered": delivery.annotations.delivered,
            "dropped": delivery.annotations.dropped,
        },
        "flushed": flushed,
        "is_healthy": is_healthy,
        "slowest_microseconds": slowest,
        "cpu_milliseconds": cpu_milliseconds(),
        "peak_kilobytes": peak_kilobytes(),
    });
    println!("{report}");
    if arguments.text("exit") == "process::exit" {
        process::exit(0);
    }
}

/// Waits for this time, or until nothing remains to be sent.
fn linger(telemetry: &Telemetry, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        let delivery = telemetry.flush(Duration::from_millis(100));
        let settled = delivery.replayed + delivery.recovered_dropped.values().sum::<u64>();
        let left = delivery.recovered - settled + delivery.spooled + delivery.waiting();
        if left == 0 {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Creates the spans at a steady rate, and returns the 99th percentile of the calls' durations.
fn generate(arguments: &Arguments) -> u128 {
    let spans = arguments.number("spans").unwrap_or(1000);
    // Words, because a run of letters that long would be taken for a file.
    let text = "x ".repeat(usize::try_from(arguments.number("bytes").unwrap_or(100) / 2).unwrap_or_default());
    let scores = arguments.text("scores") == "true";
    let start = Instant::now();
    let mut times = Vec::new();
    for number in 0..spans {
        if let Some(pace) = arguments.number("per_second") {
            let due = start + Duration::from_secs(number) / u32::try_from(pace).expect("a pace is small");
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let name = if arguments.number("poison") == Some(number) { "poison" } else { "work" };
        let before = Instant::now();
        work(name, number, &text, scores);
        times.push(before.elapsed().as_micros());
        CREATED.fetch_add(1, Ordering::SeqCst);
    }
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

/// The CPU time that the process has used, by the clock of Linux with 100 ticks a second.
fn cpu_milliseconds() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * 10)
}

/// The peak memory of the process, as Linux counts it.
fn peak_kilobytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
