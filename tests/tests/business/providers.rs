//! Metrics go to the meter provider that is global at the time of the call, and nothing is computed if there is none.

use std::cell::Cell;
use std::sync::Arc;
use std::thread;

use a2a_otel::opentelemetry::InstrumentationScope;
use a2a_otel::opentelemetry::global;
use a2a_otel::opentelemetry::metrics::{Meter, MeterProvider, NoopMeterProvider};
use a2a_otel::{Telemetry, business_metric};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::{Own, in_own_process, messages};

thread_local! {
    static COMPUTED: Cell<usize> = const { Cell::new(0) };
}

fn computed<T>(value: T) -> T {
    COMPUTED.set(COMPUTED.get() + 1);
    value
}

#[business_metric(counter = "computed", value = computed(1), attributes(early = computed(1), late = computed(output)))]
fn compute() -> bool {
    true
}

#[business_metric(counter = "calls")]
fn call() {}

#[business_metric(counter = "calls.later")]
async fn later() {}

#[test]
fn the_provider_of_the_moment_gets_the_values() {
    if in_own_process("providers::the_provider_of_the_moment_gets_the_values", &[]).is_some() {
        return;
    }
    call();
    compute();
    assert_eq!(COMPUTED.get(), 0, "there is no provider yet");

    let (first, second) = (Own::new(), Own::new());
    first.install();
    call();
    thread::spawn(call).join().unwrap();
    futures::executor::block_on(later());
    compute();
    assert_eq!((first.count("calls"), first.count("calls.later"), first.count("computed")), (2, 1, 1));
    assert_eq!(COMPUTED.take(), 3);

    second.install();
    (0..100).for_each(|_| call());
    assert_eq!((first.count("calls"), second.count("calls")), (2, 100));

    second.provider.shutdown().unwrap();
    call();
    let third = Own::new();
    third.install();
    call();
    assert_eq!(third.count("calls"), 1);

    let telemetry = Telemetry::builder().tracing(false).init().unwrap();
    call();
    assert_eq!((third.count("calls"), telemetry.metrics().sum("calls").to_string()), (1, "1".to_owned()));
    // Somebody keeps the provider that is replaced.
    let kept = global::meter_provider();
    let fourth = Own::new();
    fourth.install();
    (0..100).for_each(|_| call());
    assert!(fourth.count("calls") >= 68, "{}", fourth.count("calls"));
    let before = fourth.count("calls");
    (0..100).for_each(|_| call());
    assert_eq!(fourth.count("calls") - before, 100);
    drop(kept);

    // The API's own provider, as if none were set.
    global::set_meter_provider(NoopMeterProvider::new());
    COMPUTED.set(0);
    compute();
    assert_eq!(COMPUTED.get(), 0);
    assert_eq!(fourth.count("calls") - before, 100);
}

/// A provider without state, which passes everything on.
struct Stateless;

static PASSED_ON: std::sync::OnceLock<Own> = std::sync::OnceLock::new();

impl MeterProvider for Stateless {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        PASSED_ON.get_or_init(Own::new).provider.meter_with_scope(scope)
    }
}

#[test]
fn a_provider_without_state_is_no_missing_one() {
    if in_own_process("providers::a_provider_without_state_is_no_missing_one", &[]).is_some() {
        return;
    }
    global::set_meter_provider(Stateless);
    (0..3).for_each(|_| call());
    assert_eq!(PASSED_ON.get().unwrap().count("calls"), 3);
}

#[test]
fn nothing_is_computed_if_telemetry_is_disabled() {
    let test = "providers::nothing_is_computed_if_telemetry_is_disabled";
    let Some(stderr) = in_own_process(test, &[("OTEL_SDK_DISABLED", "true")]) else {
        let own = Own::new();
        own.install();
        let telemetry = Telemetry::builder().tracing(false).init().unwrap();
        compute();
        assert_eq!((COMPUTED.get(), own.count("computed")), (0, 0));
        drop(telemetry);
        compute();
        assert_eq!(own.count("computed"), 0, "it stays disabled until the process ends");
        return;
    };
    assert_eq!(messages(&stderr), [""; 0]);
}

/// What happens in a process, in any order.
#[derive(Clone, Debug)]
enum Event {
    /// The application sets another provider.
    Replace,
    /// A new thread calls this often.
    NewThread(u64),
    /// This thread calls this often.
    Calls(u64),
    /// Another part of the application asks for the provider, and lets go of it.
    Look,
    /// The provider is shut down, but stays.
    ShutDown,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        2 => Just(Event::Replace),
        2 => (0..70_u64).prop_map(Event::NewThread),
        4 => (0..70_u64).prop_map(Event::Calls),
        2 => Just(Event::Look),
        1 => Just(Event::ShutDown),
    ];
    prop::collection::vec(event, 1..30)
}

#[test]
fn every_call_counts_with_the_provider_of_its_time() {
    if in_own_process("providers::every_call_counts_with_the_provider_of_its_time", &[]).is_some() {
        return;
    }
    let run = |events: Vec<Event>| {
        let mut own = Arc::new(Own::new());
        own.install();
        let (mut expected, mut is_up) = (0, true);
        for event in events {
            match event {
                Event::Replace => {
                    if is_up {
                        prop_assert_eq!(own.count("calls"), expected);
                    }
                    own = Arc::new(Own::new());
                    own.install();
                    (expected, is_up) = (0, true);
                }
                Event::NewThread(calls) => {
                    thread::spawn(move || (0..calls).for_each(|_| call())).join().unwrap();
                    expected += calls;
                }
                Event::Calls(calls) => {
                    (0..calls).for_each(|_| call());
                    expected += calls;
                }
                Event::Look => drop(global::meter_provider()),
                Event::ShutDown => {
                    let _ = own.provider.shutdown();
                    is_up = false;
                }
            }
        }
        if is_up {
            prop_assert_eq!(own.count("calls"), expected);
        }
        Ok(())
    };
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config).run(&events(), run).unwrap();
}

#[test]
fn four_threads_lose_nothing() {
    if in_own_process("providers::four_threads_lose_nothing", &[]).is_some() {
        return;
    }
    let telemetry = Telemetry::builder().tracing(false).init().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10_000).for_each(|_| call()));
        }
    });
    assert_eq!(telemetry.metrics().sum("calls").to_string(), "40000");
}
