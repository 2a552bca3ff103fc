//! Tests the library with few features: what an annotated package depends on, that its functions are observed by its
//! application's own SDK, and that metrics and addresses without their features are reported.

use a2a_otel_tests::package::{Package, library, run};

/// A library with an application that uses it.
const PROGRAM: &str = r#"
use std::error::Error;

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

/// What the library has.
mod shop {
    use a2a_otel::opentelemetry::Value;
    use a2a_otel::record::Usage;

    #[derive(Debug)]
    pub struct Order(pub u32);

    #[a2a_otel::agent_span(name = "seller", fields("orders" = output.len()))]
    pub fn sell(customer: &str) -> Vec<Order> {
        a2a_otel::current().attribute("customer.kind", Value::from("new"));
        vec![order(customer).unwrap()]
    }

    #[a2a_otel::tool_span]
    #[a2a_otel::business_metric(counter = "orders")]
    fn order(customer: &str) -> Result<Order, std::num::ParseIntError> {
        Ok(Order(customer.len() as u32))
    }

    #[a2a_otel::llm_call(model = "gpt-4o-mini")]
    pub fn answer(question: &str) -> String {
        a2a_otel::current().record(&Usage::new().prompt(3).completion(4));
        format!("{question}!")
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    a2a_otel::opentelemetry::global::set_tracer_provider(provider);
    a2a_otel::with_session("s-1").run(|| shop::sell("Ada"));
    shop::answer("why");
    for span in exporter.get_finished_spans()? {
        let mut attributes: Vec<_> =
            span.attributes.iter().map(|one| format!("{}={}", one.key, one.value.as_str())).collect();
        attributes.sort();
        println!("{}: {}", span.name, attributes.join(" "));
    }
    Ok(())
}
"#;

const SEEN: &str = "\
order: input.mime_type=application/json input.value={\"customer\":\"Ada\"} openinference.span.kind=TOOL \
output.mime_type=text/plain output.value=Order(3) session.id=s-1 tool.name=order
seller: agent.name=seller customer.kind=new input.mime_type=text/plain input.value=Ada openinference.span.kind=AGENT \
orders=1 output.mime_type=text/plain output.value=[Order(3)] session.id=s-1
answer: input.mime_type=text/plain input.value=why llm.model_name=gpt-4o-mini llm.system=openai \
llm.token_count.completion=4 llm.token_count.prompt=3 openinference.span.kind=LLM output.mime_type=text/plain \
output.value=why!
";

/// The crates that a package depends on, itself left out.
fn dependencies(package: &Package) -> Vec<String> {
    let tree = run(&mut package.cargo(&["tree", "--edges", "normal", "--prefix", "none"])).stdout;
    let tree = String::from_utf8(tree).expect("cargo prints UTF-8");
    let names = tree.lines().skip(1).filter_map(|line| line.split(' ').next());
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn package(name: &str, features: &[&str]) -> Package {
    let package = Package::new(env!("CARGO_TARGET_TMPDIR"), name, &[library(features)]);
    package.write("src/lib.rs", "#[a2a_otel::agent_span]\npub fn sell() {}\n");
    package
}

#[test]
fn a_library_depends_on_what_it_uses() {
    let attributes = dependencies(&package("library-attributes", &[]));
    assert_eq!(attributes.len(), 6, "{attributes:?}");
    let traced = dependencies(&package("library-trace", &["trace"]));
    assert_eq!(traced.len(), 20, "{traced:?}");
    for only_for_applications in ["opentelemetry_sdk", "rand", "futures-util", "tracing"] {
        assert!(!traced.iter().any(|name| name == only_for_applications), "{traced:?}");
    }
    for only_with_trace in ["opentelemetry", "serde_json", "futures-core"] {
        assert!(!attributes.iter().any(|name| name == only_with_trace), "{attributes:?}");
    }
}

#[test]
fn a_library_is_observed_by_the_sdk_of_its_application() {
    let sdk = "opentelemetry_sdk = { version = \"0.33\", default-features = false, features = [\"trace\", \"testing\"] }";
    let package =
        Package::new(env!("CARGO_TARGET_TMPDIR"), "library-observed", &[library(&["trace"]), sdk.to_owned()]);
    package.write("src/main.rs", PROGRAM);
    let printed = run(&mut package.cargo(&["run"])).stdout;
    assert_eq!(String::from_utf8_lossy(&printed), SEEN);
}

/// What a program with the feature `sdk` alone prints on standard error.
fn reported(name: &str, program: &str) -> String {
    let package = Package::new(env!("CARGO_TARGET_TMPDIR"), name, &[library(&["sdk"])]);
    package.write("src/main.rs", program);
    let printed = run(package.cargo(&["run"]).env_remove("OTEL_SDK_DISABLED")).stderr;
    String::from_utf8_lossy(&printed).into_owned()
}

/// A program with a metric and without the feature `metrics`. Before `init`, nobody has asked for metrics.
const UNHEARD: &str = r#"
#[a2a_otel::business_metric(counter = "orders")]
fn order() {}

fn main() {
    order();
    eprintln!("init");
    let _telemetry = a2a_otel::init();
    order();
    order();
    std::thread::spawn(order).join().unwrap();
    eprintln!("end");
}
"#;

#[test]
fn a_metric_that_goes_nowhere_is_reported_once() {
    let printed = reported("library-unheard", UNHEARD);
    let said = printed.split("init\n").nth(1).and_then(|rest| rest.split("end\n").next());
    let expected = "a2a-otel: warning: metrics such as \"orders\" go nowhere, because no meter provider is set: enable the \
                    feature `metrics`, with which init sets one, or set one with \
                    opentelemetry::global::set_meter_provider(..)\n";
    assert_eq!(said, Some(expected), "{printed}");
}

/// A program that names receivers, without the feature that sends to them.
const UNSENT: &str = r#"
use a2a_otel::Telemetry;

fn main() {
    let builder = || Telemetry::builder().endpoint("http://localhost:6006").metrics_endpoint("http://localhost:4318");
    eprintln!("{}", builder().init().unwrap_err());
    drop(builder().start());
    eprintln!("end");
}
"#;

#[test]
fn an_address_without_the_feature_that_sends_is_refused_and_reported() {
    let spans = "endpoint(..) has no effect without the feature `otlp` of a2a-otel: enable the feature, or remove the call";
    let metrics = "metrics_endpoint(..) has no effect without the features `otlp` and `metrics` of a2a-otel: enable the \
                   features, or remove the call";
    let expected = format!("{spans}\na2a-otel: warning: {spans}\na2a-otel: warning: {metrics}\nend\n");
    assert_eq!(reported("library-unsent", UNSENT), expected);
}
