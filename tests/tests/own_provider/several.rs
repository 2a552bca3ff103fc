//! Tests several processors: in one provider, and each in a provider of its own.

use a2a_otel::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use a2a_otel::testing::Receiver;
use a2a_otel::{Privacy, SemConv};
use a2a_otel_tests::child::in_own_process;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

use super::{Application, SOON, agent, names, of, received, sending_to, sums};

#[test]
fn two_processors_in_one_provider_have_masks_conventions_and_accounts_of_their_own() {
    const NAME: &str =
        "several::two_processors_in_one_provider_have_masks_conventions_and_accounts_of_their_own";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let (phoenix, collector) = (Receiver::start(), Receiver::start());
    let (open, to_phoenix) = sending_to(&phoenix).processor().unwrap();
    let masked = sending_to(&collector).privacy(Privacy::new().hide_inputs(true)).semconv(SemConv::GenAi);
    let (masked, to_collector) = masked.processor().unwrap();
    let application = Application::of([open, masked]);
    to_phoenix.use_tracer_provider(&application.provider);
    agent("which");
    application.provider.force_flush().unwrap();

    let (open, masked) = (received(&phoenix), received(&collector));
    assert_eq!(open["agent"].span_id, masked["agent"].span_id);
    assert_eq!(open["agent"].attributes["input.value"], "which");
    assert_eq!(open["agent"].attributes["openinference.span.kind"], "AGENT");
    assert!(!open["agent"].attributes.contains_key("gen_ai.operation.name"));
    assert_eq!(masked["agent"].attributes["gen_ai.operation.name"], "invoke_agent");
    assert!(!masked["agent"].attributes.contains_key("openinference.span.kind"), "GenAI's terms alone");
    assert!(masked["agent"].attributes.values().all(|value| !value.to_string().contains("which\"")));
    assert_eq!(of(&application.beside()["agent"], "input.value").unwrap().as_str(), "which");

    // One ends, and the other goes on.
    assert_eq!(to_phoenix.shutdown(SOON).delivered, 2);
    to_collector.use_tracer_provider(&application.provider);
    agent("which");
    let delivery = to_collector.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.delivered), (4, 4), "{delivery}");
    assert_eq!((phoenix.spans().len(), collector.spans().len()), (2, 4));
}

#[test]
fn two_providers_with_a_processor_each_do_not_mix() {
    let (one, other) = (Receiver::start(), Receiver::start());
    let begin = |receiver: &Receiver| {
        let (processor, telemetry) = sending_to(receiver).processor().unwrap();
        (Application::new(processor), telemetry)
    };
    let (first, telemetry_of_first) = begin(&one);
    let (second, telemetry_of_second) = begin(&other);
    first.work("of the first");
    second.work("of the second");
    assert_eq!(telemetry_of_first.shutdown(SOON).delivered, 1);
    second.chat();
    assert_eq!(telemetry_of_second.shutdown(SOON).delivered, 2);
    assert_eq!(names(&one), ["of the first"]);
    assert_eq!(names(&other), ["chat", "of the second"]);
}

#[test]
fn the_figures_of_several_pipelines_add_up_in_one_meter_provider() {
    const NAME: &str = "several::the_figures_of_several_pipelines_add_up_in_one_meter_provider";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let receiver = Receiver::start();
    let exporter = InMemoryMetricExporter::default();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    let begin = || sending_to(&receiver).meter_provider(meters.clone()).processor().unwrap();
    let ((one, _first), (other, _second)) = (begin(), begin());
    let (one, other) = (Application::new(one), Application::new(other));
    let _open = [&one, &other].map(|application| application.provider.tracer("theirs").start("open"));
    other.work("ended");
    meters.force_flush().unwrap();
    let counted = sums(&exporter);
    assert!(counted.contains(&("otel.sdk.span.started".to_owned(), 3)), "{counted:?}");
    assert!(counted.contains(&("otel.sdk.span.live".to_owned(), 2)), "{counted:?}");
}
