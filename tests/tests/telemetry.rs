//! Tests our telemetry together with other telemetry in the process. There is only one test, because telemetry is
//! global.

use std::sync::Mutex;

use a2a_otel::opentelemetry::Context;
use a2a_otel::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use a2a_otel::testing::capture;
use a2a_otel::{Telemetry, chain_span, suppress, tool_span};
use futures::stream::{self, Stream, StreamExt as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler};

#[tool_span]
fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[chain_span]
fn numbers() -> impl Stream<Item = u32> {
    stream::iter(0..3).map(|number| add(number, number))
}

/// The context of a caller that does not record.
fn below_unsampled() -> Context {
    let caller =
        SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::NOT_SAMPLED, true, TraceState::NONE);
    Context::new().with_remote_span_context(caller)
}

fn recorded(telemetry: &Telemetry) -> u64 {
    let guard = below_unsampled().attach();
    assert_eq!(add(1, 2), 3);
    drop(guard);
    telemetry.shutdown(std::time::Duration::from_secs(5)).generated
}

/// The messages about telemetry, in this process.
static MESSAGES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn messages() -> Vec<String> {
    std::mem::take(&mut *MESSAGES.lock().unwrap())
}

#[test]
fn a_sampler_of_the_users_is_asked_and_captures_go_on_afterwards() {
    let builder = || Telemetry::builder().span_exporter(InMemorySpanExporter::default()).tracing(false);
    a2a_otel::telemetry::on_message(|message| MESSAGES.lock().unwrap().push(message.to_owned()));
    let _ = builder().start();
    assert_eq!(messages(), Vec::<String>::new(), "nothing is lost yet");
    assert_eq!(add(1, 2) + add(3, 4), 10);
    let said = messages();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("Keep it until the end, as in `let _telemetry = a2a_otel::init();`"),
        "{said:?}"
    );

    assert_eq!(recorded(&builder().start()), 0, "the usual sampler follows the caller");
    assert_eq!(recorded(&builder().sampler(Sampler::AlwaysOn).start()), 1, "this one does not");

    let telemetry = builder().start();
    let suppressed = suppress().wrap(numbers());
    assert_eq!(futures::executor::block_on(suppressed.count()), 3);
    let delivery = telemetry.shutdown(std::time::Duration::from_secs(5));
    assert_eq!((delivery.generated, delivery.dropped.len()), (0, 0), "a span that was suppressed is no loss");

    assert_eq!(add(1, 2), 3);
    assert_eq!(messages(), Vec::<String>::new(), "telemetry was used before it ended");

    let capturing = capture();
    assert_eq!(add(3, 4), 7);
    assert_eq!(capturing.tree(), "TOOL add\n");
}
