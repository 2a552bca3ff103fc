//! An agent for the tests of metrics: it measures, and prints what became of the figures.
//!
//! `measurer rounds=3 pause=100 series=1 spans=0 callback=panic waits=true timeout=30`; the environment configures
//! telemetry. The last line of the output is JSON.

use std::collections::HashMap;
use std::env;
use std::io;
use std::thread;
use std::time::Duration;

use a2a_otel::opentelemetry::{KeyValue, global};
use a2a_otel::{Telemetry, business_metric, tool_span};
use serde_json::json;

struct Arguments(HashMap<String, String>);

impl Arguments {
    fn number(&self, name: &str, usual: u64) -> u64 {
        self.0.get(name).map_or(usual, |text| text.parse().expect("an argument should be a whole number"))
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

#[business_metric(counter = "shop.orders", unit = "{order}", description = "What was ordered", attributes(category = category))]
#[business_metric(histogram = "shop.basket", unit = "EUR", value = total)]
fn order(category: &'static str, total: f64) -> f64 {
    total
}

#[tool_span]
fn search(number: u64) -> u64 {
    counted(number)
}

#[business_metric(counter = "shop.searches")]
fn counted(number: u64) -> u64 {
    number
}

fn main() {
    let pairs = env::args().skip(1).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let arguments = Arguments(pairs.collect());
    let telemetry = Telemetry::builder().tracing(false).start();
    observe(arguments.text("callback"));
    for round in 0..arguments.number("rounds", 1) {
        measure(&arguments, round);
        thread::sleep(Duration::from_millis(arguments.number("pause", 0)));
    }
    for number in 0..arguments.number("spans", 0) {
        search(number);
    }
    if arguments.text("waits") == "true" {
        // Until the test says how to go on.
        println!("measured");
        let _ = io::stdin().read_line(&mut String::new());
    }
    if arguments.text("flush") == "true" {
        telemetry.flush(Duration::from_secs(30));
    }
    let snapshot = telemetry.metrics();
    let health = telemetry.health();
    let delivery = telemetry.shutdown(Duration::from_secs(arguments.number("timeout", 30)));
    let report = json!({
        "generated": delivery.metrics.generated,
        "delivered": delivery.metrics.delivered,
        "replaced": delivery.metrics.replaced,
        "dropped": delivery.metrics.dropped,
        "spans": { "generated": delivery.generated, "delivered": delivery.delivered },
        "orders": snapshot.sum("shop.orders"),
        "median": snapshot.percentile("shop.basket", 0.5),
        "health": health.to_string(),
        "is_healthy": health.is_good(),
    });
    println!("{report}");
}

/// One order, and a value of every other kind of instrument.
fn measure(arguments: &Arguments, round: u64) {
    order("lamps", 12.5);
    let meter = global::meter("shop");
    meter.i64_up_down_counter("shop.open").with_unit("{order}").build().add(-1, &[]);
    meter.f64_gauge("shop.price").with_unit("EUR").build().record(2.5, &[KeyValue::new("sale", true)]);
    meter.u64_counter("shop.huge").build().add(u64::MAX / 2 + 1, &[]);
    let numbered = meter.u64_counter("shop.series").build();
    for series in 0..arguments.number("series", 0) {
        let attributes =
            [KeyValue::new("number", series.to_string()), KeyValue::new("text", "x".repeat(200))];
        numbered.add(round + 1, &attributes);
    }
}

fn observe(callback: &str) {
    let meter = global::meter("shop");
    meter.u64_observable_gauge("shop.shelves").with_callback(|observer| observer.observe(7, &[])).build();
    let stock = meter.u64_observable_gauge("shop.stock");
    match callback {
        "panic" => stock.with_callback(|_| panic!("the stock is unknown")).build(),
        "hang" => stock.with_callback(|_| thread::sleep(Duration::from_secs(3600))).build(),
        _ => stock.with_callback(|observer| observer.observe(3, &[])).build(),
    };
    meter.u64_observable_counter("shop.visits").with_callback(|observer| observer.observe(9, &[])).build();
}
