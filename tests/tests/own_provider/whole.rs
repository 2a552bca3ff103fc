//! Tests that nothing of the pipeline is missing in a provider of the application's own.

use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use a2a_otel::evaluation::{Annotation, annotate_session};
use a2a_otel::opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _};
use a2a_otel::opentelemetry::{Context, KeyValue, Value, global};
use a2a_otel::telemetry::Condition;
use a2a_otel::testing::{Behaviour, Receiver};
use a2a_otel::{
    Builder, Handle, InitError, Privacy, SemConv, Telemetry, chain_span, current, propagation, tracing_layer,
    with_session,
};
use a2a_otel_tests::child::in_own_process;
use a2a_otel_tests::services::{eventually, unique};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{
    Application, MESSAGES, SOON, agent, listen, messages, names, no_messages, of, received, sending_to,
};

#[test]
fn spans_are_masked_translated_counted_and_sent_and_those_of_others_are_left_alone() {
    const NAME: &str =
        "whole::spans_are_masked_translated_counted_and_sent_and_those_of_others_are_left_alone";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let redactor = |key: &str, value| (key != "gen_ai.request.model").then_some(value);
    let (processor, telemetry) = sending_to(&receiver)
        .project_name("marketplace")
        .privacy(Privacy::new().hide_inputs(true).redactor(redactor))
        .semconv(SemConv::Both)
        .processor()
        .unwrap();
    assert_eq!(telemetry.health().exporters, [], "the pipeline begins with the provider");
    let application = Application::new(processor);
    global::set_tracer_provider(application.provider.clone());

    assert_eq!(agent("which"), "which: 4");
    application.chat();
    let delivery = telemetry.flush(SOON);
    assert_eq!((delivery.generated, delivery.delivered), (3, 3), "{delivery}");

    let sent = received(&receiver);
    assert_eq!(sent["agent"].attributes["input.value"], "__REDACTED__");
    assert_eq!(sent["agent"].attributes["output.value"], "which: 4");
    assert_eq!(sent["agent"].attributes["gen_ai.operation.name"], "invoke_agent");
    assert_eq!(sent["tool"].attributes["gen_ai.tool.name"], "tool");
    assert_eq!(sent["tool"].parent_span_id, sent["agent"].span_id);
    assert_eq!(sent["chat"].kind(), "LLM");
    assert_eq!(sent["chat"].attributes["llm.model_name"], "gpt-4o");
    assert!(!sent["chat"].attributes.contains_key("gen_ai.request.model"), "the redactor drops it");
    assert_eq!(sent["agent"].resource["service.name"], "shop", "the provider's name");
    assert_eq!(sent["agent"].resource["openinference.project.name"], "marketplace");

    let beside = application.beside();
    assert_eq!(beside.len(), 3);
    assert_eq!(of(&beside["agent"], "input.value").unwrap().as_str(), "which");
    assert_eq!(of(&beside["agent"], "gen_ai.operation.name"), None);
    assert_eq!(of(&beside["chat"], "openinference.span.kind"), None);
    assert_eq!(beside["agent"].span_context.span_id().to_string(), sent["agent"].span_id);

    let health = telemetry.health();
    assert!(health.is_good(), "{health}");
    assert_eq!((health.provider, health.metrics), (Condition::Good, Condition::Disabled));
    assert_eq!(health.exporters[0].delivery.delivered, 3);
    assert!(Handle::installed().is_some(), "probes find it");

    let mut headers = HashMap::new();
    propagation::inject(&mut headers);
    assert!(headers.is_empty(), "the propagator is the application's");
    assert!(!tracing::dispatcher::has_been_set(), "so is the subscriber");
    no_messages();
}

#[test]
fn annotations_go_to_the_receiver_of_the_processor_with_its_masks() {
    const NAME: &str = "whole::annotations_go_to_the_receiver_of_the_processor_with_its_masks";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let receiver = Receiver::start();
    let redactor = |_: &str, value: Value| Some(value.as_str().replace("secret", "***").into());
    let (processor, telemetry) =
        sending_to(&receiver).privacy(Privacy::new().redactor(redactor)).processor().unwrap();
    let application = Application::new(processor);
    global::set_tracer_provider(application.provider);
    let annotation = Annotation::new("tone").label("a secret");
    annotate_session("s-1", annotation.clone());
    let delivery = telemetry.shutdown(SOON);
    assert_eq!(delivery.annotations.delivered, 1, "{delivery}");
    assert_eq!(receiver.annotations()[0].content["result"]["label"], "a ***");
    annotate_session("s-2", annotation);
    assert_eq!(telemetry.flush(SOON).annotations.generated, 1, "telemetry has ended");
}

#[test]
fn what_cannot_be_sent_waits_in_the_spool_for_the_next_process() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Status(503));
    let folder = std::env::temp_dir().join(unique("a2a-otel-own-provider"));
    let begin = || {
        let (processor, telemetry) = sending_to(&receiver).spool(&folder).processor().unwrap();
        (Application::new(processor), telemetry)
    };
    let (application, telemetry) = begin();
    application.work("one");
    application.work("two");
    let _ = application.provider.shutdown();
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.spooled), (2, 2), "{delivery}");

    receiver.behave(Behaviour::Accept);
    let (application, telemetry) = begin();
    application.work("three");
    let all = eventually(SOON, || (receiver.spans().len() == 3).then_some(()));
    assert!(all.is_some(), "the spans of before arrive");
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.delivered, delivery.replayed), (1, 1, 2), "{delivery}");
    assert_eq!(names(&receiver), ["one", "three", "two"]);
    std::fs::remove_dir_all(&folder).expect("the spool can be removed");
}

#[test]
fn the_resource_is_the_providers_and_what_it_lacks_is_added() {
    let receiver = Receiver::start();
    let resource_of = |theirs: Resource, builder: Builder| {
        let (processor, telemetry) = builder.processor().unwrap();
        let provider =
            SdkTracerProvider::builder().with_resource(theirs).with_span_processor(processor).build();
        Application { provider, beside: InMemorySpanExporter::default() }.work("work");
        telemetry.shutdown(SOON);
        let project = receiver.requests().pop().unwrap().headers.get("x-project-name").cloned();
        (receiver.spans().pop().unwrap().resource, project)
    };
    let theirs = || {
        let attribute = |key: &'static str, value: &'static str| KeyValue::new(key, value);
        let attributes =
            [attribute("service.name", "shop"), attribute("openinference.project.name", "market")];
        Resource::builder_empty().with_attributes(attributes).build()
    };

    let (resource, project) = resource_of(theirs(), sending_to(&receiver));
    assert_eq!((resource["service.name"].as_str(), project), (Some("shop"), None));
    assert_eq!(resource["openinference.project.name"], "market", "Phoenix takes it from the resource");
    assert_eq!(resource["telemetry.sdk.language"], "rust");

    let named = sending_to(&receiver).service_name("agent").project_name("agents");
    let (resource, project) = resource_of(theirs(), named);
    assert_eq!(resource["service.name"], "agent", "it is named for the pipeline");
    assert_eq!(resource["openinference.project.name"], "agents");
    assert_eq!(project.as_deref(), Some("agents"));

    let (resource, _) = resource_of(Resource::builder().build(), sending_to(&receiver));
    let service = resource["service.name"].as_str().unwrap();
    assert!(service.starts_with("own_provider"), "the name of the program, not {service}");
}

/// A processor that passes on only spans, as one that an application writes in a hurry.
#[derive(Debug)]
struct Chosen<P>(P);

impl<P: SpanProcessor> SpanProcessor for Chosen<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.name != "noise" {
            self.0.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
}

#[test]
fn a_processor_that_passes_no_resource_on_still_works() {
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).service_name("agent").processor().unwrap();
    let provider = SdkTracerProvider::builder().with_span_processor(Chosen(processor)).build();
    let application = Application { provider, beside: InMemorySpanExporter::default() };
    application.work("work");
    application.work("noise");
    let delivery = telemetry.flush(SOON);
    assert_eq!((delivery.generated, delivery.delivered), (1, 1), "{delivery}");
    assert_eq!(received(&receiver)["work"].resource["service.name"], "agent");
}

/// A processor that starts a span when it gets its resource.
#[derive(Debug)]
struct Curious;

impl SpanProcessor for Curious {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, _resource: &Resource) {
        global::tracer("theirs").start("inside");
    }
}

#[test]
fn a_processor_may_start_a_span_while_the_pipeline_begins() {
    const NAME: &str = "whole::a_processor_may_start_a_span_while_the_pipeline_begins";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).span_processor(Curious).processor().unwrap();
    let provider = SdkTracerProvider::builder().with_span_processor(Chosen(processor)).build();
    global::set_tracer_provider(provider);
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        drop(global::tracer("theirs").start("work"));
        done.send(()).unwrap();
    });
    assert_eq!(wait.recv_timeout(SOON), Ok(()), "the pipeline waits for itself");
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.delivered), (1, 1), "{delivery}");
    assert_eq!(names(&receiver), ["work"]);
}

#[test]
fn the_provider_decides_what_is_sampled_and_a_second_sampler_is_refused() {
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let provider =
        SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).with_span_processor(processor).build();
    Application { provider, beside: InMemorySpanExporter::default() }.work("work");
    assert_eq!(telemetry.shutdown(SOON).generated, 0);

    let InitError::Malformed(message) =
        Telemetry::builder().sampler(Sampler::AlwaysOn).processor().unwrap_err()
    else {
        panic!("another error")
    };
    assert!(message.contains("give the sampler to the provider"), "{message}");
}

#[test]
fn a_provider_that_cuts_spans_is_named_once() {
    const NAME: &str = "whole::a_provider_that_cuts_spans_is_named_once";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    global::set_tracer_provider(application.provider.clone());
    for _ in 0..2 {
        long_conversation();
    }
    assert_eq!(telemetry.flush(SOON).delivered, 2);
    let said = messages();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("it keeps 128 attributes and has dropped 7"), "{said:?}");
    assert!(said[0].contains(".with_max_attributes_per_span(10_000)"), "{said:?}");
}

#[chain_span(name = "conversation")]
fn long_conversation() {
    let missing = 128 + 7 - 1;
    for number in 0..missing {
        current().attribute(format!("message.{number}"), "hello");
    }
}

#[test]
fn session_and_trace_travel_with_the_propagator_that_an_application_sets() {
    const NAME: &str = "whole::session_and_trace_travel_with_the_propagator_that_an_application_sets";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    global::set_tracer_provider(Application::new(processor).provider);
    global::set_text_map_propagator(propagation::propagator());
    let headers = with_session("s-1").run(call_another);
    telemetry.flush(SOON);
    let call = &received(&receiver)["call_another"];
    assert_eq!(call.attributes["session.id"], "s-1");
    assert_eq!(headers["traceparent"], format!("00-{}-{}-01", call.trace_id, call.span_id));
    assert_eq!(headers["baggage"], "session.id=s-1");
}

#[chain_span]
fn call_another() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    propagation::inject(&mut headers);
    headers
}

#[test]
fn a_process_without_telemetry_has_a_processor_that_does_nothing() {
    const NAME: &str = "whole::a_process_without_telemetry_has_a_processor_that_does_nothing";
    if in_own_process(NAME, &[("OTEL_SDK_DISABLED", "true")]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let (processor, telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    global::set_tracer_provider(application.provider.clone());
    agent("which");
    assert_eq!(application.beside().len(), 2, "the application's telemetry goes on");
    assert_eq!(telemetry.health().provider, Condition::Disabled);
    assert_eq!(telemetry.shutdown(SOON).generated, 0);
    assert_eq!(receiver.spans(), []);
    no_messages();
}

#[test]
fn a_listener_may_log_while_the_span_that_a_message_is_about_is_locked() {
    const NAME: &str = "whole::a_listener_may_log_while_the_span_that_a_message_is_about_is_locked";
    if in_own_process(NAME, &[]).is_some() {
        return;
    }
    a2a_otel::telemetry::on_message(|message| {
        tracing::warn!("{message}");
        MESSAGES.lock().unwrap().push(message.to_owned());
    });
    let layer = tracing_subscriber::registry().with(tracing_layer());
    tracing::subscriber::set_global_default(layer).unwrap();
    let receiver = Receiver::start();
    let (processor, _telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        let many = (0..200).map(|number| KeyValue::new(format!("message.{number}"), "hello"));
        let tracer = application.provider.tracer("theirs");
        let span = tracer.span_builder("conversation").with_attributes(many).start(&tracer);
        let _inside = Context::current_with_span(span).attach();
        Context::current().span().end();
        done.send(()).unwrap();
    });
    assert_eq!(wait.recv_timeout(SOON), Ok(()), "the listener waits for the span that ends");
    let said = messages();
    assert!(said.len() == 1 && said[0].contains("has cut the span"), "{said:?}");
}

#[test]
fn events_that_a_provider_has_dropped_are_told() {
    if in_own_process("whole::events_that_a_provider_has_dropped_are_told", &[]).is_some() {
        return;
    }
    listen();
    let receiver = Receiver::start();
    let (processor, _telemetry) = sending_to(&receiver).processor().unwrap();
    let application = Application::new(processor);
    let mut span = application.provider.tracer("theirs").start("conversation");
    (0..200).for_each(|number| span.add_event(format!("message {number}"), Vec::new()));
    span.end();
    let said = messages();
    assert!(said.len() == 1 && said[0].contains("has cut the span"), "{said:?}");
}
