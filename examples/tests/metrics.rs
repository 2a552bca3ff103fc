//! Lets a real Prometheus scrape the marketplace's six processes while customers come, and compares what it counts with
//! the spans in a real Phoenix.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_otel::semconv::GenAiVersion;
use a2a_otel::semconv::metrics::{self, Source};
use a2a_otel_tests::phoenix::{Phoenix, Span};
use a2a_otel_tests::prometheus::Prometheus;
use a2a_otel_tests::services::{eventually, require};
use serde_json::Value;
use support::{Parts, marketplace};

/// How long it takes until the last values are scraped.
const SCRAPED: Duration = Duration::from_secs(30);

/// The parts that are agents.
const AGENTS: [&str; 4] = ["coordinator", "inventory-agent", "product-agent", "sales-agent"];

/// A query, and the number of spans that it counts.
type Row = (&'static str, fn(&Span) -> bool);

/// What is counted in both. The customers' own process is not scraped.
const COUNTED: &[Row] = &[
    ("sum(gen_ai_client_operation_duration_seconds_count)", is_model_call),
    (r#"sum(gen_ai_client_operation_duration_seconds_count{error_type!=""})"#, |span| {
        is_model_call(span) && has_failed(span)
    }),
    ("sum(gen_ai_invoke_agent_duration_seconds_count)", |span| span.kind == "AGENT"),
    (r#"sum(gen_ai_invoke_agent_duration_seconds_count{error_type!=""})"#, |span| {
        span.kind == "AGENT" && has_failed(span)
    }),
    ("sum(gen_ai_invoke_agent_inference_calls_sum)", is_model_call),
    (r#"sum(mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call"})"#, is_served_tool),
    (r#"sum(mcp_client_operation_duration_seconds_count{mcp_method_name="tools/call"})"#, is_served_tool),
    (
        r#"sum(mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",error_type!=""})"#,
        |span| is_served_tool(span) && has_failed(span),
    ),
    (r#"sum(a2a_server_operation_duration_seconds_count{a2a_method_name="SendMessage"})"#, |span| {
        span.name == "SendMessage"
    }),
    (r#"sum(a2a_server_operation_duration_seconds_count{a2a_method_name="SendStreamingMessage"})"#, |span| {
        span.name == "SendStreamingMessage"
    }),
    ("sum(marketplace_agent_calls_total)", is_call_of_a_specialist),
    (r#"sum(marketplace_agent_calls_total{outcome!="ok"})"#, |span| {
        is_call_of_a_specialist(span) && has_failed(span)
    }),
    ("sum(marketplace_orders_total)", |span| span.name == "tools/call record_sale" && !has_failed(span)),
];

fn is_model_call(span: &Span) -> bool {
    span.kind == "LLM"
}

fn has_failed(span: &Span) -> bool {
    span.status_code == "ERROR"
}

fn is_served_tool(span: &Span) -> bool {
    span.name.starts_with("tools/call ")
}

fn is_call_of_a_specialist(span: &Span) -> bool {
    ["SendMessage ", "SendStreamingMessage "].iter().any(|method| span.name.starts_with(method))
        && span.name.ends_with("-agent")
}

/// Metrics that the marketplace has no occasion for.
const ELSEWHERE: &[&str] = &[
    "a2a.client.retries",
    "a2a_otel.evaluation",
    "a2a_otel.spool",
    "gen_ai.client.unpriced_calls",
    "otel.sdk",
    "process.memory.limit",
    "process.memory.virtual.limit",
    "tokio.stall",
];

#[test]
fn prometheus_counts_what_phoenix_shows() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("metrics");
    let environment = [("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()), ("PHOENIX_PROJECT", project.name())];
    let parts = Parts::start(&environment);
    parts.check_health();
    let Some(prometheus) = require("Prometheus", scraping(&parts)) else { return };
    let printed = marketplace(&["--coordinator", parts.coordinator()], &environment);
    assert!(printed.contains(" 0 dropped"), "{printed}");
    let spans = project.wait_for_spans(|spans| {
        let roots = spans.iter().filter(|span| span.name == "customer request").count();
        roots == 12 && spans.iter().filter_map(|span| span.parent_id.as_ref()).all(|id| has_id(spans, id))
    });
    for (query, counts) in COUNTED {
        let expected = spans.iter().filter(|span| counts(span)).map(|_| 1).sum();
        assert!(expected > 0, "nothing of {query} in Phoenix");
        assert_becomes(&prometheus, query, expected);
    }
    check_tokens(&prometheus, &spans);
    check_cost(&prometheus, project.cost().expect("a cost").total.dollars);
    check_parts(&prometheus);
    check_exemplars(&prometheus, &spans);
    check_table(&prometheus);
    assert_becomes(&prometheus, "sum(a2a_server_active_tasks)", 0);
    parts.terminate();
}

#[test]
fn figures_do_not_need_sampled_spans() {
    let environment = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")];
    let parts = Parts::start(&environment);
    let Some(prometheus) = require("Prometheus", scraping(&parts)) else { return };
    let _printed = marketplace(&["--coordinator", parts.coordinator()], &environment);
    assert_becomes(&prometheus, "sum(marketplace_orders_total)", 2);
    for (query, _) in COUNTED {
        let counted = eventually(SCRAPED, || value(&prometheus, query).filter(|count| *count > 0.0));
        assert!(counted.is_some(), "{query} counts nothing");
    }
    for kind in ["input", "output"] {
        let query = format!(r#"sum(gen_ai_client_token_usage_sum{{gen_ai_token_type="{kind}"}})"#);
        assert!(value(&prometheus, &query).is_some_and(|tokens| tokens > 100.0), "{query}");
    }
    parts.terminate();
}

fn scraping(parts: &Parts) -> Result<Prometheus, String> {
    let jobs: Vec<_> =
        parts.addresses().map(|(name, address)| (name, "OpenMetricsText1.0.0", address)).collect();
    Prometheus::start(&jobs)
}

fn has_id(spans: &[Span], id: &str) -> bool {
    spans.iter().any(|span| span.span_id == id)
}

/// The value of a query with one result.
fn value(prometheus: &Prometheus, query: &str) -> Option<f64> {
    prometheus.query(query).first()?["value"][1].as_str()?.parse().ok()
}

#[track_caller]
fn assert_becomes(prometheus: &Prometheus, query: &str, expected: u64) {
    let expected = f64::from(u32::try_from(expected).expect("a count"));
    let is_it = |found: &f64| (found - expected).abs() < 1e-9;
    let becomes = eventually(SCRAPED, || value(prometheus, query).filter(is_it));
    assert!(becomes.is_some(), "{query} is {:?}, not {expected}", value(prometheus, query));
}

fn check_tokens(prometheus: &Prometheus, spans: &[Span]) {
    for (kind, key) in [("input", "llm.token_count.prompt"), ("output", "llm.token_count.completion")] {
        let tokens: u64 = spans.iter().filter_map(|span| span.attributes.get(key)?.as_u64()).sum();
        let query = format!(r#"sum(gen_ai_client_token_usage_sum{{gen_ai_token_type="{kind}"}})"#);
        assert_becomes(prometheus, &query, tokens);
    }
    // Who used them.
    let by_agent = "sum by (service_name, gen_ai_agent_name) (gen_ai_client_token_usage_sum)";
    let agents =
        eventually(SCRAPED, || Some(prometheus.query(by_agent).len()).filter(|it| *it == AGENTS.len()));
    assert!(agents.is_some(), "{:#?}", prometheus.query(by_agent));
}

/// Phoenix computes costs with prices of its own.
fn check_cost(prometheus: &Prometheus, expected: f64) {
    let query = "sum(gen_ai_client_cost_USD_total)";
    let is_it = |found: &f64| (found / expected - 1.0).abs() < 0.01;
    let becomes = eventually(SCRAPED, || value(prometheus, query).filter(is_it));
    assert!(becomes.is_some(), "{query} is {:?}, not {expected} USD", value(prometheus, query));
}

fn check_parts(prometheus: &Prometheus) {
    assert_becomes(prometheus, "sum(up)", 6);
    assert_services(prometheus, "gen_ai_invoke_agent_duration_seconds_count", &AGENTS);
    let all = [&AGENTS[..], &["catalogue", "llm"]].concat();
    assert_services(prometheus, r#"process_cpu_time_seconds_total{cpu_mode="user"} > 0"#, &all);
    assert_services(prometheus, "tokio_workers > 0", &all);
}

/// Waits until the series of a query are those of these services. A scrape may fail on a busy machine.
#[track_caller]
fn assert_services(prometheus: &Prometheus, query: &str, expected: &[&str]) {
    let services = || -> BTreeSet<String> {
        let of_series = |series: &Value| series["metric"]["service_name"].as_str().map(str::to_owned);
        prometheus.query(query).iter().filter_map(of_series).collect()
    };
    let expected: BTreeSet<_> = expected.iter().map(|name| (*name).to_owned()).collect();
    let becomes = eventually(SCRAPED, || (services() == expected).then_some(()));
    assert!(becomes.is_some(), "{query} has {:?}, not {expected:?}", services());
}

/// From the duration of a model call to its span.
fn check_exemplars(prometheus: &Prometheus, spans: &[Span]) {
    let series = prometheus.exemplars("gen_ai_client_operation_duration_seconds_bucket");
    let exemplars = series.iter().flat_map(|series| series["exemplars"].as_array().expect("a list"));
    let mut found = 0;
    for exemplar in exemplars {
        let id = |key: &str| exemplar["labels"][key].as_str().unwrap_or_default().to_owned();
        let span =
            spans.iter().find(|span| (&span.trace_id, &span.span_id) == (&id("trace_id"), &id("span_id")));
        assert!(span.is_some_and(is_model_call), "{exemplar}: {span:?}");
        found += 1;
    }
    assert!(found > 0);
}

/// Prometheus has each metric of the table, except for those of another version of a convention. Some need two scrapes.
fn check_table(prometheus: &Prometheus) {
    let is_complete = eventually(SCRAPED, || missing(prometheus).is_empty().then_some(()));
    assert!(is_complete.is_some(), "Prometheus does not have {:?}", missing(prometheus));
}

fn missing(prometheus: &Prometheus) -> Vec<&'static str> {
    let known = prometheus.ask("/api/v1/label/__name__/values", &[]);
    let known: Vec<_> = known.as_array().expect("names").iter().filter_map(Value::as_str).collect();
    let is_here = |name: &str| {
        let name = name.replace('.', "_");
        let is_end = |rest: &str| rest.is_empty() || rest.starts_with('_');
        known.iter().any(|other| other.strip_prefix(&name).is_some_and(is_end))
    };
    let is_elsewhere = |name: &str| ELSEWHERE.iter().any(|start| name.starts_with(start));
    let is_of_another_version = |source: Source| source == Source::GenAiOnly(GenAiVersion::V0_1_0);
    metrics::all()
        .filter(|row| !is_of_another_version(row.source) && !is_elsewhere(row.name) && !is_here(row.name))
        .map(|row| row.name)
        .collect()
}
