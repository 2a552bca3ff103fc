//! Measures a call that a metric counts, with one label, compared with a counter that is kept by hand.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use a2a_otel::opentelemetry::metrics::{Counter, Histogram};
use a2a_otel::opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use a2a_otel::opentelemetry::{Context, KeyValue, global};
use a2a_otel::{Telemetry, business_metric};

use crate::measure::Variant;
use crate::rows::{INSTRUMENT_KEPT, NO_EXEMPLARS, OURS, PLAIN};

const CATEGORY: &str = "lamps";
const THREADS: u32 = 4;

#[business_metric(counter = "ours.counted", attributes(category = category))]
fn counted(number: i64, category: &'static str) -> i64 {
    work(number, category)
}

/// Prometheus has no exemplars of such a metric, so that it costs what a counter costs without them.
#[business_metric(up_down_counter = "ours.open", value = 1, attributes(category = category))]
fn counted_without_exemplar(number: i64, category: &'static str) -> i64 {
    work(number, category)
}

#[business_metric(counter = "ours.closed", value = 1, attributes(category = category))]
fn counted_with_exemplar(number: i64, category: &'static str) -> i64 {
    work(number, category)
}

#[business_metric(counter = "ours.counted.copied", attributes(category = category))]
fn counted_copied(number: i64, category: &str) -> i64 {
    work(number, category)
}

#[business_metric(histogram = "ours.timed", unit = "s", attributes(category = category))]
fn timed(number: i64, category: &'static str) -> i64 {
    work(number, category)
}

fn work(number: i64, category: &str) -> i64 {
    black_box(number + i64::try_from(category.len()).unwrap_or(0))
}

fn counted_by_hand(counter: &Counter<u64>, number: i64, category: &'static str) -> i64 {
    let result = work(number, category);
    counter.add(1, &[KeyValue::new("category", category)]);
    result
}

fn counted_copied_by_hand(counter: &Counter<u64>, number: i64, category: &str) -> i64 {
    let result = work(number, category);
    counter.add(1, &[KeyValue::new("category", category.to_owned())]);
    result
}

fn timed_by_hand(histogram: &Histogram<f64>, number: i64, category: &'static str) -> i64 {
    let start = Instant::now();
    let result = work(number, category);
    histogram.record(start.elapsed().as_secs_f64(), &[KeyValue::new("category", category)]);
    result
}

/// Starts our telemetry with its meter provider, until the process ends.
fn start() {
    let telemetry = Telemetry::builder().tracing(false).init();
    Box::leak(Box::new(telemetry.expect("a plain environment")));
}

fn counter() -> Counter<u64> {
    global::meter("benchmark").u64_counter("by_hand.counted").build()
}

fn plain() -> Variant {
    Variant::of_call(PLAIN, |number| work(number, CATEGORY))
}

fn ours() -> Variant {
    Variant::of_call(OURS, |number| counted(number, CATEGORY))
}

pub(crate) fn count() -> Vec<Variant> {
    start();
    let counter = counter();
    let by_hand = move |number| counted_by_hand(&counter, number, CATEGORY);
    vec![ours(), Variant::of_call(INSTRUMENT_KEPT, by_hand), plain()]
}

pub(crate) fn count_copied() -> Vec<Variant> {
    start();
    let counter = counter();
    let by_hand = move |number| counted_copied_by_hand(&counter, number, CATEGORY);
    let ours = Variant::of_call(OURS, |number| counted_copied(number, CATEGORY));
    vec![ours, Variant::of_call(INSTRUMENT_KEPT, by_hand)]
}

pub(crate) fn time() -> Vec<Variant> {
    start();
    let histogram = global::meter("benchmark").f64_histogram("by_hand.timed").with_unit("s").build();
    let by_hand = move |number| timed_by_hand(&histogram, number, CATEGORY);
    let ours = Variant::of_call(OURS, |number| timed(number, CATEGORY));
    vec![ours, Variant::of_call(INSTRUMENT_KEPT, by_hand)]
}

/// Inside of a sampled span, while something exports exemplars.
pub(crate) fn count_with_exemplar() -> Vec<Variant> {
    start();
    let _ = a2a_otel::http::metrics();
    let inside = || Context::current_with_span(global::tracer("benchmark").start("parent")).attach();
    let ours = Variant::of_call(OURS, |number| counted_with_exemplar(number, CATEGORY));
    let without = Variant::of_call(NO_EXEMPLARS, |number| counted_without_exemplar(number, CATEGORY));
    vec![ours.inside(inside), without.inside(inside)]
}

/// All threads count with the same label, so that they write to the same sum.
pub(crate) fn count_on_threads() -> Vec<Variant> {
    start();
    let counter = counter();
    let ours = on_threads(OURS, |number| counted(number, CATEGORY));
    vec![ours, on_threads(INSTRUMENT_KEPT, move |number| counted_by_hand(&counter, number, CATEGORY))]
}

fn on_threads(name: &'static str, call: impl Fn(i64) -> i64 + Sync + 'static) -> Variant {
    let run = move |calls: u32| {
        let share = || {
            for number in 0..calls / THREADS {
                black_box(call(black_box(number.into())));
            }
        };
        thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(share))));
    };
    Variant::new(name, run)
}

pub(crate) fn without_provider() -> Vec<Variant> {
    vec![ours(), plain()]
}

pub(crate) fn disabled() -> Vec<Variant> {
    start();
    vec![ours(), plain()]
}
