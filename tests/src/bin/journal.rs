//! An agent for the random faults: it creates spans until its standard input is closed, and keeps a journal on its
//! standard output.
//!
//! `journal per_second=50 timeout=5`; the environment configures telemetry. A line of the journal is JSON: a span that has
//! ended (`[microseconds since 1970, "its id"]`), or the account so far.

use std::env;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use a2a_otel::opentelemetry::trace::get_active_span;
use a2a_otel::{Delivery, Telemetry, tool_span};
use serde_json::{Value, json};

/// Every one of this many spans has a name that the receiver may refuse.
const POISONED: u64 = 199;

/// Every one of this many spans has a long text.
const LONG: u64 = 53;

#[tool_span(name = name)]
fn work(name: &str, text: &str) -> (usize, String) {
    let mut id = String::new();
    get_active_span(|span| id = span.span_context().span_id().to_string());
    (text.len(), id)
}

/// Notices that the standard input is closed.
fn watch_input() -> Arc<AtomicBool> {
    let is_closed = Arc::new(AtomicBool::new(false));
    let closed = is_closed.clone();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        closed.store(true, Ordering::SeqCst);
    });
    is_closed
}

fn create(number: u64) {
    let name = if number % POISONED == 100 { "poison" } else { "work" };
    // Words, because a run of letters that long would be taken for a file.
    let text = "x ".repeat(if number % LONG == 50 { 20_000 } else { 200 });
    let (_, id) = work(name, &text);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    println!("{}", json!([u64::try_from(since.as_micros()).unwrap_or(u64::MAX), id]));
}

fn account(delivery: &Delivery) -> Value {
    json!({
        "generated": delivery.generated,
        "delivered": delivery.delivered,
        "spooled": delivery.spooled,
        "dropped": delivery.dropped,
        "recovered": delivery.recovered,
        "replayed": delivery.replayed,
        "recovered_dropped": delivery.recovered_dropped,
        "kilobytes": kilobytes(),
    })
}

/// The memory of the process, as Linux counts it.
fn kilobytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with("VmRSS:"))?.split_whitespace().nth(1)?.parse().ok()
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let number = |name: &str| {
        let value = arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
        value.map_or(0, |value| value.parse::<u32>().expect("an argument should be a whole number"))
    };
    let telemetry = Telemetry::builder().start();
    let is_closed = watch_input();
    let (start, mut spans) = (Instant::now(), 0_u32);
    while !is_closed.load(Ordering::SeqCst) {
        let due = start + Duration::from_secs(1) * spans / number("per_second").max(1);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        create(spans.into());
        spans += 1;
        if spans.is_multiple_of(10) {
            println!("{}", account(&telemetry.health().exporters[0].delivery));
        }
    }
    println!("{}", account(&telemetry.shutdown(Duration::from_secs(number("timeout").into()))));
}
