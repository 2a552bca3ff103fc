//! Tests a provider that is not global: it is named, or it is said that nobody sees the spans.

use a2a_otel::opentelemetry::global;
use a2a_otel::opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use a2a_otel::testing::Receiver;
use a2a_otel::{Privacy, SemConv, Telemetry, business_metric, tracing_layer};
use a2a_otel_tests::child::in_own_process;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Application, SOON, agent, listen, messages, names, no_messages, of, sending_to, sums};

#[test]
fn a_provider_that_is_neither_global_nor_named_is_noticed_and_one_that_is_named_is_used() {
    const NAME: &str =
        "named::a_provider_that_is_neither_global_nor_named_is_noticed_and_one_that_is_named_is_used";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    agent("which");
    no_messages();
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    agent("which");
    agent("which");
    let said = messages();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("nobody sees the spans of the attribute macros"), "{said:?}");
    assert!(said[0].contains("telemetry.use_tracer_provider(&provider)"), "{said:?}");

    telemetry.use_tracer_provider(&application.provider);
    let layer = tracing_subscriber::registry().with(tracing_layer());
    tracing::subscriber::with_default(layer, || tracing::info_span!("step").in_scope(|| agent("which")));
    assert_eq!(telemetry.flush(SOON).delivered, 3);
    assert_eq!(names(&receiver), ["agent", "step", "tool"]);
    let beside = application.beside();
    assert_eq!(beside["agent"].parent_span_id, beside["step"].span_context.span_id());
    assert!(!records_globally(), "nothing is global");

    telemetry.shutdown(SOON);
    agent("which");
    assert_eq!(application.beside().len(), 3, "telemetry no longer uses the provider");
    telemetry.use_tracer_provider(&application.provider);
    let said = messages();
    assert!(said.len() == 1 && said[0].contains("telemetry has ended"), "{said:?}");
}

/// Whether the global provider records.
fn records_globally() -> bool {
    global::tracer("other").start("other").is_recording()
}

#[test]
fn a_provider_that_is_named_lives_until_telemetry_ends() {
    const NAME: &str = "named::a_provider_that_is_named_lives_until_telemetry_ends";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let Application { provider, beside } = Application::new(processor);
    telemetry.use_tracer_provider(&provider);
    drop(provider);
    agent("which");
    assert_eq!(beside.get_finished_spans().unwrap().len(), 2);
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.delivered), (2, 2), "{delivery}");
    let after = beside.get_finished_spans().unwrap();
    assert_eq!(after.len(), 0, "the provider has ended, and shut its exporter down, which then forgets");
    no_messages();
}

#[test]
fn the_provider_that_is_named_last_is_used_and_an_older_guard_does_not_take_it_away() {
    const NAME: &str =
        "named::the_provider_that_is_named_last_is_used_and_an_older_guard_does_not_take_it_away";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let (one, other) = (Receiver::start(), Receiver::start());
    let begin = |receiver: &Receiver| {
        let (processor, telemetry) = sending_to(receiver).processor().unwrap();
        let application = Application::new(processor);
        telemetry.use_tracer_provider(&application.provider);
        (application, telemetry)
    };
    let (_first, telemetry_of_first) = begin(&one);
    agent("which");
    let (_second, telemetry_of_second) = begin(&other);
    agent("which");
    assert_eq!(telemetry_of_first.shutdown(SOON).delivered, 2);
    agent("which");
    assert_eq!(telemetry_of_second.shutdown(SOON).delivered, 4);
    assert_eq!((one.spans().len(), other.spans().len()), (2, 4));
}

#[test]
fn init_uses_a_provider_that_is_named_and_sets_none() {
    const NAME: &str = "named::init_uses_a_provider_that_is_named_and_sets_none";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter.clone()).build();
    let builder = || Telemetry::builder().tracer_provider(provider.clone()).tracing(false);
    let refusal = builder().sampler(Sampler::AlwaysOn).init().unwrap_err().to_string();
    assert!(refusal.contains("give the sampler to the provider"), "{refusal}");
    let refusal = builder().span_exporter(exporter.clone()).init().unwrap_err().to_string();
    assert!(refusal.contains("give them to the provider, or use processor()"), "{refusal}");

    for builder in
        [builder().semconv(SemConv::Both), builder().privacy(Privacy::new().redactor(|_, value| Some(value)))]
    {
        let refusal = builder.init().unwrap_err().to_string();
        assert!(refusal.contains("because they need our pipeline"), "{refusal}");
    }

    let telemetry = builder().privacy(Privacy::new().hide_inputs(true)).init().unwrap();
    agent("which");
    assert!(!records_globally(), "nothing is global");
    telemetry.flush(SOON);
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 2, "the provider is flushed");
    for span in &spans {
        assert_eq!(of(span, "input.value").unwrap().as_str(), "__REDACTED__");
    }
    assert!(telemetry.health().is_good());
    agent("which");
    assert_eq!(telemetry.shutdown(SOON).generated, 0, "it has no account of another's exporters");
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 4, "flushed, and not shut down");
    provider.tracer("theirs").start("goes on");
    provider.force_flush().unwrap();
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 5);
    no_messages();
}

#[business_metric(counter = "shop.sales", unit = "{sale}")]
fn sell() {}

#[test]
fn a_meter_provider_that_is_named_gets_the_metrics_of_calls_and_of_the_pipeline() {
    const NAME: &str = "named::a_meter_provider_that_is_named_gets_the_metrics_of_calls_and_of_the_pipeline";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let exporter = InMemoryMetricExporter::default();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    let (processor, telemetry) = sending_to(&receiver).meter_provider(meters.clone()).processor().unwrap();
    let application = Application::new(processor);
    telemetry.use_tracer_provider(&application.provider);
    sell();
    agent("which");
    telemetry.flush(SOON);
    meters.force_flush().unwrap();
    let counted = sums(&exporter);
    assert!(counted.contains(&("shop.sales".to_owned(), 1)), "{counted:?}");
    assert!(counted.contains(&("otel.sdk.exporter.span.exported".to_owned(), 2)), "{counted:?}");
    telemetry.shutdown(SOON);
    sell();
    meters.force_flush().unwrap();
    assert!(sums(&exporter).contains(&("shop.sales".to_owned(), 1)), "telemetry no longer uses it");

    let telemetry = sending_to(&receiver).meter_provider(meters.clone()).tracing(false).init().unwrap();
    sell();
    meters.force_flush().unwrap();
    assert!(sums(&exporter).contains(&("shop.sales".to_owned(), 2)), "{:?}", sums(&exporter));
    assert_eq!(telemetry.metrics().to_string(), "", "they are the application's");
    no_messages();
}

#[test]
fn a_meter_provider_that_two_have_named_is_used_until_both_have_ended() {
    const NAME: &str = "named::a_meter_provider_that_two_have_named_is_used_until_both_have_ended";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    for last_first in [true, false] {
        let receiver = Receiver::start();
        let exporter = InMemoryMetricExporter::default();
        let meters = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let begin = || sending_to(&receiver).meter_provider(meters.clone()).processor().unwrap();
        let ((_, first), (_, last)) = (begin(), begin());
        let (earlier, later) = if last_first { (last, first) } else { (first, last) };
        for telemetry in [earlier, later] {
            sell();
            telemetry.shutdown(SOON);
        }
        sell();
        meters.force_flush().unwrap();
        assert!(sums(&exporter).contains(&("shop.sales".to_owned(), 2)), "{:?}", sums(&exporter));
    }
}
