//! Tests that run in parallel see their own figures.

use std::thread;
use std::time::Duration;

use a2a_otel::testing::{Capturing, capture};
use a2a_otel::{InCurrentSpan as _, business_metric};

#[business_metric(counter = "captured.calls", attributes(test = test))]
#[business_metric(histogram = "captured.duration", unit = "ms", on = always)]
async fn call(test: u32) -> u32 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    test
}

fn assert_own(capturing: &Capturing, test: u32, calls: u64) {
    let figures = capturing.metrics();
    let [point] = figures.points("captured.calls") else { panic!("only its own:\n{figures}") };
    assert_eq!(
        (&point.attributes["test"], point.reading.to_string()),
        (&test.to_string(), calls.to_string())
    );
    assert_eq!(figures.count("captured.duration"), calls);
}

#[test]
fn captures_in_parallel_are_apart() {
    thread::scope(|scope| {
        for test in 1..=4 {
            scope.spawn(move || {
                let capturing = capture();
                assert_eq!(capturing.metrics(), a2a_otel::metrics::MetricsSnapshot::default());
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
                for _ in 0..test {
                    runtime.block_on(call(test));
                }
                runtime.block_on(async { tokio::spawn(call(test).in_current_span()).await.unwrap() });
                assert_own(&capturing, test, u64::from(test) + 1);
            });
        }
    });
}
