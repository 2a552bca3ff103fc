//! Tests that the provider and telemetry can end in either order, and are flushed by either.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a_otel::Privacy;
use a2a_otel::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use a2a_otel::opentelemetry::{Context, global};
use a2a_otel::telemetry::Condition;
use a2a_otel::testing::{Behaviour, Receiver};
use a2a_otel_tests::child::in_own_process;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::{Application, SOON, agent, listen, messages, names, no_messages, sending_to};

#[test]
fn the_provider_and_telemetry_flush_the_pipeline() {
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    application.work("one");
    application.provider.force_flush().unwrap();
    assert_eq!(names(&receiver), ["one"]);
    application.work("two");
    assert_eq!(telemetry.flush(SOON).delivered, 2);
    assert_eq!(names(&receiver), ["one", "two"]);
}

#[test]
fn a_provider_that_ends_first_sends_everything_and_telemetry_counts_it() {
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    application.work("work");
    drop(application);
    assert_eq!(names(&receiver), ["work"]);
    let health = telemetry.health();
    assert_eq!(health.provider, Condition::ShutDown);
    assert_eq!(telemetry.flush(SOON).delivered, 1, "nothing is left to wait for");
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.delivered, delivery.dropped_total()), (1, 1, 0), "{delivery}");
}

#[test]
fn telemetry_that_ends_first_sends_everything_and_the_provider_goes_on() {
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    application.work("before");
    drop(telemetry);
    assert_eq!(names(&receiver), ["before"]);
    application.work("after");
    application.provider.force_flush().unwrap();
    assert_eq!(application.beside().len(), 2, "the other exporter has both");
    application.provider.shutdown().unwrap();
    assert_eq!(names(&receiver), ["before"]);
}

#[test]
fn what_is_open_or_waiting_at_the_end_is_counted_whoever_ends_first() {
    for provider_first in [true, false] {
        let receiver = Receiver::start();
        receiver.behave(Behaviour::Hang);
        let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
        let application = Application::new(processor);
        let open = application.provider.tracer("theirs").start("open");
        application.work("waits");
        let moment = Duration::from_millis(50);
        if provider_first {
            let _ = application.provider.shutdown_with_timeout(moment);
        }
        let delivery = telemetry.shutdown(moment);
        let dropped: Vec<_> = delivery.dropped.iter().map(|(reason, spans)| (*reason, *spans)).collect();
        assert_eq!(dropped, [("not sent in time", 1), ("still open at shutdown", 1)], "{delivery}");
        assert_eq!((delivery.generated, delivery.delivered), (2, 0), "{delivery}");
        drop(open);
    }
}

#[test]
fn telemetry_that_ends_before_the_provider_is_built_leaves_a_processor_that_does_nothing() {
    const NAME: &str =
        "endings::telemetry_that_ends_before_the_provider_is_built_leaves_a_processor_that_does_nothing";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let (processor, _) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    no_messages();
    application.work("one");
    application.work("two");
    application.provider.force_flush().unwrap();
    assert_eq!(application.beside().len(), 2);
    application.provider.shutdown().unwrap();
    assert_eq!(receiver.spans(), []);
    let said = messages();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("as in `let (processor, _telemetry) = ..`"), "{said:?}");
}

#[test]
fn a_processor_that_no_provider_takes_ends_quietly() {
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    drop(processor);
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.dropped_total()), (0, 0));
}

#[test]
fn calls_after_the_end_are_not_recorded_and_nothing_is_said() {
    const NAME: &str = "endings::calls_after_the_end_are_not_recorded_and_nothing_is_said";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    global::set_tracer_provider(application.provider.clone());
    agent("which");
    application.provider.shutdown().unwrap();
    telemetry.shutdown(SOON);
    agent("which");
    assert_eq!(receiver.spans().len(), 2);
    no_messages();
}

/// What is called at the end of a pipeline and later.
#[derive(Clone, Debug, Default)]
struct Journal(Arc<Mutex<Vec<&'static str>>>);

impl Journal {
    fn note(&self, call: &'static str) {
        self.0.lock().unwrap().push(call);
    }

    fn calls(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

impl SpanProcessor for Journal {
    fn on_start(&self, _span: &mut Span, _context: &Context) {
        self.note("start");
    }

    fn on_end(&self, _span: SpanData) {
        self.note("end");
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.note("flush");
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.note("shutdown");
        Ok(())
    }
}

#[test]
fn a_pipeline_that_has_ended_neither_masks_nor_passes_on_and_ends_its_processors_once() {
    for provider_first in [true, false] {
        let (receiver, journal) = (Receiver::start(), Journal::default());
        let masks = journal.clone();
        let redactor = move |_: &str, value| {
            masks.note("mask");
            Some(value)
        };
        let builder = sending_to(&receiver).privacy(Privacy::new().redactor(redactor));
        let (processor, telemetry) = builder.span_processor(journal.clone()).processor().unwrap();
        let application = Application::new(processor);
        application.chat();
        if provider_first {
            application.provider.shutdown().unwrap();
        }
        telemetry.flush(SOON);
        telemetry.shutdown(SOON);
        let calls = journal.calls();
        assert_eq!(calls.last(), Some(&"shutdown"), "{calls:?}");
        assert!(calls.contains(&"mask"), "{calls:?}");
        application.chat();
        let _ = application.provider.force_flush();
        let _ = application.provider.shutdown();
        assert_eq!(journal.calls(), calls);
        assert_eq!(calls.iter().filter(|call| **call == "shutdown").count(), 1, "{calls:?}");
        assert_eq!(names(&receiver), ["chat"]);
    }
}
