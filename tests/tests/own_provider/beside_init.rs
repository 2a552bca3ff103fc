//! Tests what `init` says about providers that were set before it.

use a2a_otel::evaluation::{Annotation, annotate_session};
use a2a_otel::opentelemetry::global;
use a2a_otel::testing::Receiver;
use a2a_otel::{Handle, Telemetry};
use a2a_otel_tests::child::in_own_process;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};

use super::{Application, SOON, agent, listen, messages, no_messages, sending_to};

#[test]
fn init_says_once_that_it_replaces_providers_and_records_nothing_with_them() {
    const NAME: &str = "beside_init::init_says_once_that_it_replaces_providers_and_records_nothing_with_them";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_simple_exporter(exporter.clone())
        .build();
    global::set_tracer_provider(provider);
    let meters = SdkMeterProvider::builder().with_periodic_exporter(InMemoryMetricExporter::default());
    global::set_meter_provider(meters.build());

    let receiver = Receiver::start();
    let begin = || sending_to(&receiver).tracing(false).init().unwrap();
    let telemetry = begin();
    let said = messages();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("init replaces the global tracer provider"), "{said:?}");
    assert!(said[0].contains("Telemetry::builder().processor()"), "{said:?}");
    assert!(said[1].contains("init replaces the global meter provider"), "{said:?}");
    assert!(said[1].contains("Telemetry::builder().meter_provider(provider)"), "{said:?}");
    agent("which");
    assert_eq!(telemetry.shutdown(SOON).delivered, 2);
    assert_eq!(exporter.get_finished_spans().unwrap(), [], "to find out, nothing is recorded");

    drop(begin());
    no_messages();
}

#[test]
fn init_says_nothing_if_it_replaces_nothing() {
    const NAME: &str = "beside_init::init_says_nothing_if_it_replaces_nothing";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let begin = || sending_to(&receiver).tracing(false);
    for _ in 0..2 {
        let telemetry = begin().init().unwrap();
        agent("which");
        telemetry.shutdown(SOON);
    }
    no_messages();
}

#[test]
fn init_says_nothing_about_a_provider_that_it_leaves_alone() {
    const NAME: &str = "beside_init::init_says_nothing_about_a_provider_that_it_leaves_alone";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let provider = SdkTracerProvider::builder().build();
    global::set_tracer_provider(provider.clone());
    let meters =
        SdkMeterProvider::builder().with_periodic_exporter(InMemoryMetricExporter::default()).build();
    global::set_meter_provider(meters.clone());
    let builder = Telemetry::builder().tracer_provider(provider).meter_provider(meters).tracing(false);
    let telemetry = builder.init().unwrap();
    agent("which");
    telemetry.shutdown(SOON);
    no_messages();
}

#[test]
fn init_with_the_provider_of_a_processor_leaves_scores_and_probes_to_the_processor() {
    const NAME: &str =
        "beside_init::init_with_the_provider_of_a_processor_leaves_scores_and_probes_to_the_processor";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    let named = Telemetry::builder().tracer_provider(application.provider).tracing(false).init().unwrap();
    agent("which");
    annotate_session("s-1", Annotation::new("tone").label("friendly"));
    assert_eq!(Handle::installed().unwrap().health().exporters.len(), 1, "probes show the pipeline");
    named.shutdown(SOON);
    annotate_session("s-2", Annotation::new("tone").label("friendly"));
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.delivered, delivery.annotations.delivered), (2, 2), "{delivery}");
    assert_eq!(receiver.annotations().len(), 2);
}

#[test]
fn a_processor_takes_scores_and_probes_over_from_telemetry_that_has_ended() {
    const NAME: &str = "beside_init::a_processor_takes_scores_and_probes_over_from_telemetry_that_has_ended";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let (first, second) = (Receiver::start(), Receiver::start());
    let ended = sending_to(&first).tracing(false).init().unwrap();
    ended.shutdown(SOON);
    let (_processor, telemetry) = sending_to(&second).service_name("second").processor().unwrap();
    annotate_session("s-1", Annotation::new("tone").label("friendly"));
    assert_eq!(Handle::installed().unwrap().settings().service_name, "second");
    assert!(a2a_otel::phoenix::session_url("s-1").is_some());
    assert_eq!(telemetry.shutdown(SOON).annotations.delivered, 1);
    assert_eq!(a2a_otel::phoenix::session_url("s-1"), None);
    assert_eq!((first.annotations().len(), second.annotations().len()), (0, 1));
    annotate_session("s-1", Annotation::new("tone").label("unfriendly"));
    assert_eq!(telemetry.shutdown(SOON).annotations.generated, 1, "nobody takes scores any more");
}

#[test]
fn telemetry_that_runs_keeps_its_scores() {
    if in_own_process("beside_init::telemetry_that_runs_keeps_its_scores", &[]).is_some() {
        return;
    }
    let (first, second) = (Receiver::start(), Receiver::start());
    let telemetry = sending_to(&first).tracing(false).init().unwrap();
    let (_processor, _beside) = sending_to(&second).processor().unwrap();
    assert_eq!(telemetry.health().annotations, None);
    annotate_session("s-1", Annotation::new("tone").label("friendly"));
    assert!(telemetry.health().annotations.is_some());
    assert_eq!(telemetry.flush(SOON).annotations.delivered, 1);
    assert_eq!((first.annotations().len(), second.annotations().len()), (1, 0));
}
