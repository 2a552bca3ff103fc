//! Tests telemetry against a receiver. Tests that change global state run in child processes.

use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::trace::{Span, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData, SpanExporter};

use super::spans::{Built, Spans};
use super::*;
use crate::pipeline::Delivery;
use crate::testing::{Behaviour, ReceivedStatus, Receiver};

const SOON: Duration = Duration::from_secs(5);

/// An address at which nothing listens, because the port is reserved.
fn refused() -> String {
    "http://127.0.0.1:1".to_owned()
}

/// Telemetry with these environment variables that is not installed globally.
fn prepare(builder: Builder, variables: &[(&str, &str)]) -> Telemetry {
    let lookup = |name: &str| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    };
    let prepared = builder.prepare(&lookup);
    assert_eq!(prepared.warnings, []);
    Telemetry(Handle(Arc::new(prepared.running)))
}

fn sending_to(endpoint: &str) -> Telemetry {
    prepare(Telemetry::builder(), &[("PHOENIX_COLLECTOR_ENDPOINT", endpoint)])
}

/// The provider that telemetry has built.
fn provider(telemetry: &Telemetry) -> &SdkTracerProvider {
    match &telemetry.0.0.spans {
        Spans::Built(Built { provider, .. }) => provider,
        other => panic!("{other:?}"),
    }
}

fn make_spans(telemetry: &Telemetry, number: usize) {
    let tracer = provider(telemetry).tracer("test");
    (0..number).for_each(|_| drop(tracer.start("work")));
}

fn assert_balanced(delivery: &Delivery) {
    assert_eq!(
        delivery.generated,
        delivery.delivered + delivery.spooled + delivery.dropped_total(),
        "{delivery}"
    );
}

#[test]
fn a_request_is_what_phoenix_takes() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint();
    let variables = [
        ("PHOENIX_COLLECTOR_ENDPOINT", endpoint.as_str()),
        ("PHOENIX_API_KEY", "key"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment=a%20b"),
    ];
    let telemetry = prepare(Telemetry::builder().service_name("agent").project_name("shop"), &variables);
    make_spans(&telemetry, 1);
    assert_eq!(telemetry.shutdown(SOON).delivered, 1);

    let request = receiver.requests().remove(0);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/traces"));
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
        ("x-project-name", "shop"),
        ("authorization", "Bearer key"),
    ];
    for (name, value) in headers {
        assert_eq!(request.headers[name], value);
    }
    let resource = &receiver.spans()[0].resource;
    assert_eq!(resource["service.name"], "agent");
    assert_eq!(resource["openinference.project.name"], "shop");
    assert_eq!(resource["deployment"], "a b");
    assert_eq!(resource["telemetry.sdk.language"], "rust");
}

#[test]
fn compression_can_be_switched_off() {
    let receiver = Receiver::start();
    let endpoint = receiver.endpoint();
    let variables = [("PHOENIX_COLLECTOR_ENDPOINT", &*endpoint), ("OTEL_EXPORTER_OTLP_COMPRESSION", "none")];
    let telemetry = prepare(Telemetry::builder(), &variables);
    make_spans(&telemetry, 1);
    assert_eq!(telemetry.shutdown(SOON).delivered, 1);
    assert!(!receiver.requests()[0].headers.contains_key("content-encoding"));
}

#[test]
fn localhost_is_tried_in_both_families() {
    let receiver = Receiver::start();
    let telemetry = sending_to(&receiver.endpoint().replace("127.0.0.1", "localhost"));
    make_spans(&telemetry, 1);
    assert_eq!(telemetry.shutdown(SOON).delivered, 1);
}

#[test]
fn a_proxy_is_not_asked_for_this_machine() {
    let receiver = Receiver::start();
    let proxy = refused();
    let endpoint = receiver.endpoint();
    let variables =
        [("PHOENIX_COLLECTOR_ENDPOINT", &*endpoint), ("HTTP_PROXY", &proxy), ("ALL_PROXY", &proxy)];
    assert_eq!(run_child("child_without_runtime", &variables), Vec::<String>::new());
    assert!(receiver.spans().iter().any(|span| span.name == "work"));
}

#[test]
fn a_span_arrives_whole() {
    let receiver = Receiver::start();
    let telemetry = sending_to(&receiver.endpoint());
    let tracer = provider(&telemetry).tracer("test");
    let root = Context::new().with_span(tracer.start("root"));
    let mut span = tracer.start_with_context("child", &root);
    (0..500).for_each(|number| span.set_attribute(KeyValue::new(format!("key.{number}"), number)));
    span.add_event("asked", vec![KeyValue::new("again", true)]);
    span.set_status(Status::error("no stock"));
    drop(span);
    drop(root);
    telemetry.shutdown(SOON);

    let [child, root] = receiver.spans().try_into().unwrap();
    assert_eq!((child.attributes.len(), &child.attributes["key.499"]), (500, &499.into()));
    assert_eq!((child.parent_span_id, child.trace_id), (root.span_id, root.trace_id));
    assert_eq!(root.parent_span_id, "");
    assert_eq!(child.status, ReceivedStatus::Error("no stock".to_owned()));
    assert_eq!(
        (child.events[0].name.as_str(), &child.events[0].attributes["again"]),
        ("asked", &true.into())
    );
}

#[test]
fn flush_delivers_and_says_so() {
    let receiver = Receiver::start();
    let telemetry = sending_to(&receiver.endpoint());
    make_spans(&telemetry, 1000);
    let delivery = telemetry.flush(SOON);
    assert_eq!((delivery.generated, delivery.delivered, delivery.waiting()), (1000, 1000, 0));
    assert!(telemetry.health().is_good(), "{}", telemetry.health());
    make_spans(&telemetry, 1);
    assert_eq!(telemetry.shutdown(SOON).delivered, 1001);
    assert_eq!(telemetry.health().provider, Condition::ShutDown);
    assert_eq!(telemetry.flush(SOON), telemetry.shutdown(SOON));
    assert_eq!(receiver.spans().len(), 1001);
}

#[cfg(feature = "metrics")]
#[test]
fn flush_waits_for_a_slow_receiver_of_metrics() {
    let receiver = Receiver::start();
    receiver.behave(Behaviour::Slow(Duration::from_millis(300)));
    let endpoint = receiver.endpoint();
    let metrics_endpoint = format!("{endpoint}/v1/metrics");
    let variables = [
        ("PHOENIX_COLLECTOR_ENDPOINT", &*endpoint),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*metrics_endpoint),
    ];
    let telemetry = prepare(Telemetry::builder(), &variables);
    telemetry.flush(SOON);
    assert!(!receiver.metrics().is_empty());
}

#[test]
fn a_caller_may_wait_as_long_as_it_takes() {
    let receiver = Receiver::start();
    let telemetry = sending_to(&receiver.endpoint());
    make_spans(&telemetry, 10);
    assert_eq!(telemetry.flush(Duration::MAX).delivered, 10);
    make_spans(&telemetry, 10);
    let delivery = telemetry.shutdown(Duration::MAX);
    assert_eq!(delivery.delivered, 20, "{delivery}");
    assert_balanced(&delivery);
}

#[test]
fn what_waits_is_not_printed() {
    let telemetry = sending_to(&refused());
    let tracer = provider(&telemetry).tracer("test");
    drop(tracer.start("a question"));
    let printed = format!("{telemetry:?} {:?}", telemetry.handle());
    assert!(printed.contains("waiting: Amount { items: 1,"), "{printed}");
    assert!(!printed.contains("a question"), "{printed}");
}

#[test]
fn every_span_is_accounted_for_where_phoenix_is_absent() {
    let telemetry = sending_to(&refused());
    make_spans(&telemetry, 2000);
    let delivery = telemetry.shutdown(SOON);
    assert_eq!((delivery.generated, delivery.delivered), (2000, 0));
    assert_eq!(delivery.dropped["not sent in time"], 2000);
    assert_balanced(&delivery);
}

#[test]
fn a_hanging_phoenix_does_not_keep_the_agent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let telemetry = sending_to(&format!("http://{}", listener.local_addr().unwrap()));
    make_spans(&telemetry, 10);
    let delivery = telemetry.shutdown(Duration::from_millis(300));
    assert_eq!(delivery.dropped["not sent in time"], 10);
    assert_balanced(&delivery);
}

#[test]
fn failures_are_named_and_recovered_from() {
    let receiver = Receiver::start();
    let telemetry = sending_to(&receiver.endpoint());
    for (status, cause) in [
        (401, "status 401 Unauthorized; check PHOENIX_API_KEY"),
        (405, "status 405 Method Not Allowed; check the endpoint"),
        (302, "status 302 Found"),
    ] {
        receiver.answer(status);
        make_spans(&telemetry, 1);
        telemetry.flush(SOON);
        assert_eq!(telemetry.health().exporters[0].condition, Condition::Failing(cause.to_owned()));
    }
    receiver.answer(200);
    make_spans(&telemetry, 1);
    let delivery = telemetry.flush(SOON);
    assert_eq!((delivery.delivered, delivery.dropped_total()), (4, 0));
    assert!(telemetry.health().is_good());
}

#[test]
fn a_busy_phoenix_is_asked_again() {
    let receiver = Receiver::start();
    receiver.answer(503);
    let telemetry = sending_to(&receiver.endpoint());
    make_spans(&telemetry, 1);
    thread::scope(|scope| {
        scope.spawn(|| {
            while receiver.requests().is_empty() {
                thread::sleep(Duration::from_millis(5));
            }
            receiver.answer(200);
        });
        assert_eq!(telemetry.flush(SOON).delivered, 1);
    });
    assert!(receiver.requests().len() >= 2);
}

#[cfg(feature = "metrics")]
#[test]
fn the_books_are_metrics_as_well() {
    let receiver = Receiver::start();
    let telemetry = sending_to(&receiver.endpoint());
    let kept = provider(&telemetry).tracer("test").start("under way");
    make_spans(&telemetry, 5);
    telemetry.flush(SOON);
    receiver.behave(Behaviour::Reject("work".to_owned()));
    make_spans(&telemetry, 2);
    telemetry.flush(SOON);

    let metrics = telemetry.metrics();
    let of = |name: &str, error: Option<&str>| {
        let points = metrics.points(name).iter();
        let found = points.filter(|point| point.attributes.get("error.type").map(String::as_str) == error);
        found.map(|point| format!("{}", point.reading)).collect::<Vec<_>>().join(" ")
    };
    for (name, error, expected) in [
        ("otel.sdk.span.started", None, "8"),
        ("otel.sdk.span.live", None, "1"),
        ("otel.sdk.processor.span.processed", None, "7"),
        ("otel.sdk.processor.span.processed", Some("queue_full"), "0"),
        ("otel.sdk.processor.span.queue.size", None, "0"),
        ("otel.sdk.exporter.span.exported", None, "5"),
        ("otel.sdk.exporter.span.exported", Some("rejected"), "2"),
        ("otel.sdk.exporter.span.inflight", None, "0"),
        ("a2a_otel.queue.capacity", None, "67108864"),
        ("a2a_otel.spool.spans", None, "0"),
    ] {
        assert_eq!(of(name, error), expected, "{name} {error:?} of\n{metrics}");
    }
    assert_eq!(metrics.count("otel.sdk.exporter.operation.duration"), 2);
    let point = &metrics.points("otel.sdk.exporter.span.exported")[0];
    assert_eq!(point.attributes["otel.component.type"], "otlp_http_span_exporter");
    assert_eq!(point.attributes["otel.component.name"], "otlp_http_span_exporter/0");
    drop(kept);
}

/// Starts a server that answers every request with this page.
fn web_server(page: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n{page}");
        }
    });
    format!("http://{address}")
}

#[test]
fn a_web_page_is_no_success() {
    let page = "content-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    let telemetry = sending_to(&web_server(page));
    make_spans(&telemetry, 1);
    let delivery = telemetry.shutdown(SOON);
    assert_eq!(delivery.dropped["refused by the receiver"], 1);
    let Condition::Failing(cause) = &telemetry.health().exporters[0].condition else { panic!() };
    assert!(cause.contains("web page"), "{cause}");
}

/// An exporter that blocks until the gate is opened.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

impl SpanExporter for Gate {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |open| !*open).unwrap());
        Ok(())
    }
}

#[test]
fn a_full_queue_is_counted() {
    let gate = Gate::default();
    let variables = [("OTEL_BSP_MAX_QUEUE_SIZE", "8"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")];
    let telemetry = prepare(Telemetry::builder().span_exporter(gate.clone()), &variables);
    make_spans(&telemetry, 100);
    gate.open();
    let delivery = telemetry.shutdown(SOON);
    assert_eq!(delivery.generated, 100);
    assert!((8..=16).contains(&delivery.delivered), "{delivery}");
    assert_eq!(delivery.dropped["queue full"], 100 - delivery.delivered);
    assert_balanced(&delivery);
}

#[test]
fn each_exporter_gets_every_span() {
    let exporters = [InMemorySpanExporter::default(), InMemorySpanExporter::default()];
    let [one, another] = exporters.clone();
    let telemetry = prepare(Telemetry::builder().span_exporter(one).span_exporter(another), &[]);
    make_spans(&telemetry, 3);
    let delivery = telemetry.flush(SOON);
    for exporter in exporters {
        assert_eq!(exporter.get_finished_spans().unwrap().len(), 3);
    }
    assert_eq!((delivery.generated, delivery.delivered), (6, 6));
    assert_eq!(telemetry.health().exporters[0].target, "InMemorySpanExporter");
}

#[derive(Debug)]
struct Clumsy;

impl SpanExporter for Clumsy {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        panic!("on purpose");
    }
}

/// An exporter that blocks the sending thread for longer than the test.
#[derive(Debug)]
struct Hanging;

impl SpanExporter for Hanging {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        thread::sleep(SOON * 10);
        Ok(())
    }
}

#[test]
fn an_exporter_that_hangs_does_not_take_the_others_time() {
    let good = InMemorySpanExporter::default();
    let builder = Telemetry::builder().span_exporter(Hanging).span_exporter(good.clone());
    let telemetry = prepare(builder, &[]);
    make_spans(&telemetry, 2);
    let delivery = telemetry.shutdown(Duration::from_secs(1));
    assert_eq!((delivery.delivered, delivery.dropped["not sent in time"]), (2, 2), "{delivery}");
}

/// An exporter that waits for something else, and notes when it is shut down.
#[derive(Clone, Debug, Default)]
struct Patient(Arc<AtomicBool>);

impl SpanExporter for Patient {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        let mut has_waited = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(Ok(()));
            }
            let waker = context.waker().clone();
            thread::spawn(move || waker.wake());
            Poll::Pending
        })
        .await
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.0.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn an_exporter_may_wait_and_is_shut_down_at_the_end() {
    let exporter = Patient::default();
    let telemetry = prepare(Telemetry::builder().span_exporter(exporter.clone()), &[]);
    make_spans(&telemetry, 1);
    assert_eq!(telemetry.shutdown(SOON).delivered, 1);
    let end = Instant::now() + SOON;
    while !exporter.0.load(Ordering::Relaxed) {
        assert!(Instant::now() < end, "it is not shut down");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_exporter_that_panics_ends_nothing() {
    let telemetry = prepare(Telemetry::builder().span_exporter(Clumsy), &[]);
    for dropped in 1..=2 {
        make_spans(&telemetry, 1);
        assert_eq!(telemetry.flush(SOON).dropped["export failed"], dropped);
    }
    let expected = Condition::Failing("the exporter panicked".to_owned());
    assert_eq!(telemetry.health().exporters[0].condition, expected);
}

#[test]
fn unsampled_spans_are_not_generated() {
    let exporter = InMemorySpanExporter::default();
    let variables = [("OTEL_TRACES_SAMPLER", "always_off")];
    let telemetry = prepare(Telemetry::builder().span_exporter(exporter.clone()), &variables);
    make_spans(&telemetry, 3);
    assert_eq!(telemetry.shutdown(SOON), Delivery::default());
    let always = opentelemetry_sdk::trace::Sampler::AlwaysOn;
    let telemetry = prepare(Telemetry::builder().span_exporter(exporter).sampler(always), &variables);
    make_spans(&telemetry, 3);
    assert_eq!(telemetry.shutdown(SOON).delivered, 3);
}

#[test]
fn spans_that_go_nowhere_are_accounted_for() {
    let telemetry = prepare(Telemetry::builder(), &[("OTEL_TRACES_EXPORTER", "none")]);
    make_spans(&telemetry, 3);
    assert_eq!(telemetry.shutdown(SOON).dropped["no exporter"], 3);

    let prepared = Telemetry::builder().endpoint("phoenix").prepare(&|_| None);
    assert_eq!(prepared.warnings.len(), 1);
    let telemetry = Telemetry(Handle(Arc::new(prepared.running)));
    make_spans(&telemetry, 3);
    assert_eq!(telemetry.shutdown(SOON).dropped["no exporter"], 3);
}

#[test]
fn a_strict_start_refuses_what_is_malformed() {
    let error = Telemetry::builder().endpoint("phoenix").init().unwrap_err();
    assert_eq!(
        error.to_string(),
        "endpoint=\"phoenix\" is ignored: expected http(s)://host[:port][/path]; no spans are sent"
    );
}

#[test]
fn disabled_telemetry_does_nothing() {
    let telemetry = prepare(Telemetry::builder(), &[("OTEL_SDK_DISABLED", "true")]);
    assert!(telemetry.0.0.spans.are_off());
    assert_eq!(telemetry.health().to_string(), "spans: disabled");
    assert_eq!(telemetry.shutdown(SOON), Delivery::default());
}

#[test]
fn phoenix_names_the_page_of_a_project() {
    let head = "content-type: application/json\r\nconnection: close\r\n\r\n";
    let one =
        web_server(Box::leak(format!(r#"{head}{{"data":{{"name":"shop","id":"UHJ"}}}}"#).into_boxed_str()));
    let telemetry = prepare(Telemetry::builder().project_name("shop").endpoint(&one), &[]);
    assert_eq!(telemetry.phoenix_url(), Some(format!("{one}/projects/UHJ")));

    let list = r#"{"data":[{"name":"a/b/c","id":"1"},{"name":"a/b","id":"2"}],"next_cursor":null}"#;
    let many = web_server(Box::leak(format!("{head}{list}").into_boxed_str()));
    let telemetry = prepare(Telemetry::builder().project_name("a/b").endpoint(&many), &[]);
    assert_eq!(telemetry.phoenix_url(), Some(format!("{many}/projects/2")));

    let telemetry = prepare(Telemetry::builder().project_name("a/d").endpoint(&many), &[]);
    assert_eq!(telemetry.phoenix_url(), None);
    assert_eq!(sending_to(&refused()).phoenix_url(), None);
}

/// The variable that marks the child process of a test.
const CHILD: &str = "A2A_OTEL_TEST_CHILD";

/// Runs one of the tests below in a child process, and returns the messages that it prints.
fn run_child(name: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let printed = print_child(name, variables);
    printed.lines().filter(|line| line.starts_with("a2a-otel: ")).map(str::to_owned).collect()
}

fn print_child(name: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("telemetry::tests::{name}"), "--exact", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

fn work() {
    let tracer = global::tracer("test");
    let _work = Context::current_with_span(tracer.start("work")).attach();
    #[cfg(feature = "tracing")]
    tracing::info_span!("step").in_scope(|| tracing::info!("inside"));
}

#[test]
#[ignore = "a child"]
fn child_without_runtime() {
    if is_child() {
        let _telemetry = init();
        work();
    }
}

#[test]
#[ignore = "a child"]
fn child_in_current_thread() {
    if is_child() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let _telemetry = init();
            tokio::spawn(async { work() }).await.unwrap();
        });
    }
}

#[test]
#[ignore = "a child"]
fn child_in_multi_thread() {
    if is_child() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let telemetry = init();
            tokio::spawn(async move {
                work();
                drop(telemetry);
            })
            .await
            .unwrap();
        });
    }
}

#[test]
#[ignore = "a child"]
fn child_that_panics() {
    if is_child() {
        let _telemetry = init();
        work();
        panic!("on purpose");
    }
}

#[test]
fn the_guard_delivers_wherever_it_is_dropped() {
    for child in
        ["child_without_runtime", "child_in_current_thread", "child_in_multi_thread", "child_that_panics"]
    {
        let receiver = Receiver::start();
        let variables = [("PHOENIX_COLLECTOR_ENDPOINT", &*receiver.endpoint()), ("RUST_LOG", "off")];
        assert_eq!(run_child(child, &variables), Vec::<String>::new(), "{child}");
        let spans = receiver.spans();
        let work =
            spans.iter().find(|span| span.name == "work").unwrap_or_else(|| panic!("{child}: {spans:?}"));
        #[cfg(feature = "tracing")]
        {
            let step = spans.iter().find(|span| span.name == "step").unwrap();
            assert_eq!((step.parent_span_id.as_str(), step.kind()), (work.span_id.as_str(), "CHAIN"));
            assert_eq!(step.events[0].name, "inside");
        }
        assert_eq!(work.parent_span_id, "");
    }
}

#[test]
fn the_console_shows_a_tree() {
    let printed =
        print_child("child_without_runtime", &[("OTEL_TRACES_EXPORTER", "console"), ("RUST_LOG", "off")]);
    assert!(printed.contains("└─ SPAN work"), "{printed}");
}

#[test]
fn what_is_sent_can_be_printed_as_well() {
    let receiver = Receiver::start();
    let variables = [
        ("OTEL_TRACES_EXPORTER", "otlp,console"),
        ("PHOENIX_COLLECTOR_ENDPOINT", &*receiver.endpoint()),
        ("RUST_LOG", "off"),
    ];
    let printed = print_child("child_without_runtime", &variables);
    assert!(printed.contains("└─ SPAN work"), "{printed}");
    assert!(receiver.spans().iter().any(|span| span.name == "work"));
}

#[cfg(feature = "tracing")]
#[test]
fn log_lines_are_printed_even_if_telemetry_is_disabled() {
    let printed = print_child("child_without_runtime", &[("OTEL_SDK_DISABLED", "true")]);
    assert!(printed.contains("INFO a2a_otel::telemetry::tests: inside"), "{printed}");
}

#[test]
#[ignore = "a child"]
fn child_that_sends_many_batches() {
    if is_child() {
        let telemetry = init();
        for _ in 0..3 {
            work();
            telemetry.flush(SOON);
        }
    }
}

#[test]
fn a_refused_endpoint_is_reported_once() {
    let endpoint = refused();
    let warnings = run_child("child_that_sends_many_batches", &[("PHOENIX_COLLECTOR_ENDPOINT", &endpoint)]);
    let expected = [
        format!(
            "a2a-otel: warning: cannot send spans to {endpoint}/v1/traces: connection refused; is Phoenix running? \
             The agent continues; spans wait until the receiver answers"
        ),
        format!(
            "a2a-otel: warning: 6 spans for {endpoint}/v1/traces were not sent in time and are lost; with \
             A2A_OTEL_SPOOL_DIR they would be kept for the next start"
        ),
    ];
    assert_eq!(warnings, expected);
}

#[test]
#[ignore = "a child"]
fn child_in_a_hurry() {
    if is_child() {
        let telemetry = init();
        work();
        telemetry.shutdown(Duration::from_millis(300));
    }
}

#[test]
fn spans_that_a_silent_receiver_costs_are_reported() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let warnings = run_child("child_in_a_hurry", &[("PHOENIX_COLLECTOR_ENDPOINT", &endpoint)]);
    // The request's timeout is the one of `shutdown`, so its failure may be reported as well.
    let is_loss = |warning: &&String| warning.contains("were not sent in time and are lost");
    let is_failure =
        |warning: &&String| warning.contains("cannot send spans to") && warning.contains("timeout");
    assert_eq!(warnings.iter().filter(is_loss).count(), 1, "{warnings:?}");
    assert!(warnings.iter().all(|warning| is_loss(&warning) || is_failure(&warning)), "{warnings:?}");
}

#[test]
#[ignore = "a child"]
fn child_whose_receiver_recovers() {
    if is_child() {
        let receiver = Receiver::start();
        receiver.answer(500);
        let telemetry = Telemetry::builder().endpoint(receiver.endpoint()).init().unwrap();
        for status in [500, 500, 200, 200] {
            receiver.answer(status);
            work();
            telemetry.flush(SOON);
        }
    }
}

#[test]
fn a_recovery_is_reported_once() {
    let warnings = run_child("child_whose_receiver_recovers", &[]);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("cannot send spans to"), "{warnings:?}");
    assert!(warnings[1].starts_with("a2a-otel: spans reach http://"), "{warnings:?}");
}

#[test]
fn a_lenient_start_reports_what_is_malformed() {
    let receiver = Receiver::start();
    let variables = [
        ("PHOENIX_COLLECTOR_ENDPOINT", &*receiver.endpoint()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("RUST_LOG", "x=loud"),
    ];
    let warnings = run_child("child_without_runtime", &variables);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("a2a-otel: warning: OTEL_BSP_MAX_QUEUE_SIZE=\"many\" is ignored: expected")
    );
    assert!(receiver.spans().iter().any(|span| span.name == "work"));
}

#[cfg(feature = "tracing")]
#[test]
#[ignore = "a child"]
fn child_with_a_subscriber() {
    if is_child() {
        use tracing_subscriber::layer::SubscriberExt;
        let subscriber = tracing_subscriber::registry().with(crate::tracing_layer());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        let _telemetry = init();
        work();
    }
}

#[cfg(feature = "tracing")]
#[test]
fn a_layer_made_before_init_works_and_the_user_gets_a_hint() {
    let receiver = Receiver::start();
    let warnings =
        run_child("child_with_a_subscriber", &[("PHOENIX_COLLECTOR_ENDPOINT", &*receiver.endpoint())]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("a2a_otel::tracing_layer()"), "{warnings:?}");
    let [step, work] = receiver.spans().try_into().unwrap();
    assert_eq!((step.name.as_str(), step.parent_span_id), ("step", work.span_id));
}

#[test]
#[ignore = "a child"]
fn child_that_exports_headers() {
    if is_child() {
        let telemetry = Telemetry::builder().headers([("X-Team", "code")]).init().unwrap();
        work();
        assert_eq!(telemetry.shutdown(SOON).dropped_total(), 0);
    }
}

#[test]
fn code_overrides_the_headers_that_the_exporter_reads_itself() {
    let receiver = Receiver::start();
    let variables = [
        ("PHOENIX_COLLECTOR_ENDPOINT", &*receiver.endpoint()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=environment,x-other=kept"),
    ];
    assert_eq!(run_child("child_that_exports_headers", &variables), Vec::<String>::new());
    let headers = receiver.requests().remove(0).headers;
    assert_eq!((headers["x-team"].as_str(), headers["x-other"].as_str()), ("code", "kept"));
}
