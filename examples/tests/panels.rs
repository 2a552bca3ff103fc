//! Every query of every dashboard in `deploy/`, against a real Prometheus that scrapes the marketplace and a real Phoenix,
//! while customers come and things go wrong.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::prometheus::Prometheus;
use a2a_otel_tests::services::{eventually, require, unique};
use serde_json::{Value, json};
use support::watch::{self, FaultFile, deployed};
use support::{Extra, Parts, Special};

const DASHBOARDS: [&str; 4] = ["agent-performance", "a2a-communication", "business", "errors"];

/// What Grafana replaces in queries. The ranges cover the whole run.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "5m"), ("$__range", "5m"), ("$service", ".*"), ("$agent", ".*")];

/// Queries that the marketplace cannot answer: the panel, a part of the query, and why.
const UNANSWERED: &[(&str, &str, &str)] = &[
    ("Which agents have to be asked again?", "", "the coordinator asks each agent once"),
    ("How much memory do agents take?", "process_memory_limit_bytes", "not every machine limits memory"),
];

/// Panels that may show nothing but zeros, and why.
const ZERO: &[(&str, &str)] = &[
    ("Retries", "the coordinator asks each agent once"),
    ("Which agents have stuck tasks?", "no task is stuck for a quarter of an hour"),
    ("Firing alerts", "alerts wait for minutes, and the run is shorter; their drills are a test of its own"),
    ("Does Phoenix refuse or lose spans?", "Phoenix keeps up"),
    ("Does Phoenix keep up?", "it does"),
    ("What waits on disk?", "the receiver is there"),
    ("Do tasks wait for a worker?", "a moment in which some do is seldom hit"),
];

/// How long it may take until something is scraped.
const SCRAPED: Duration = Duration::from_secs(120);
/// How long it may take until every query has an answer.
const ANSWERED: Duration = Duration::from_secs(120);

#[test]
fn no_panel_is_empty_after_a_run_with_faults() {
    let metrics = [("PHOENIX_ENABLE_PROMETHEUS", "true")];
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&metrics)) else { return };
    let (project, faults) = (unique("panels"), FaultFile::new("panels"));
    let spool = std::env::temp_dir().join(unique("panels-spool"));
    let environment = [
        ("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url()),
        ("PHOENIX_PROJECT", project.as_str()),
        ("MARKETPLACE_FAULTS", faults.path()),
    ];
    // One agent has a model without a price, one writes the newest GenAI conventions, and one part cannot send all its spans.
    let special = Special {
        environments: &[
            ("product", &[("OPENAI_MODEL", "house-model")]),
            (
                "sales",
                &[
                    ("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental"),
                    ("A2A_OTEL_SPOOL_DIR", spool.to_str().expect("a path that is text")),
                ],
            ),
            ("catalogue", &[("OTEL_BSP_MAX_QUEUE_SIZE", "1")]),
        ],
        ..Special::default()
    };
    let mut parts = Parts::start_with(&environment, &special);
    let customers = Extra::customers(parts.coordinator(), &environment);
    let mut agents = watch::agents(&parts);
    agents.push(("customers", customers.address()));
    let rules = deployed("prometheus/rules.yaml");
    let started = watch::prometheus(rules, &agents, phoenix.metrics_address(), None);
    let Some(prometheus) = require("Prometheus", started) else { return };

    await_result(&prometheus, "sum(marketplace_customer_requests_total) > 20");
    // No search succeeds while its tool fails, and a counter grows from its second scrape on.
    await_result(&prometheus, "sum(increase(marketplace_product_searches_total[5m])) > 0");
    faults
        .set(&json!({ "failing_tools": ["search_products"], "model_delay": 0.5, "blocked": ["catalogue"] }));
    parts.kill("inventory");
    await_result(&prometheus, r#"up{service_name="inventory-agent"} == 0"#);
    await_result(
        &prometheus,
        r#"a2a_client_operation_duration_seconds_count{gen_ai_agent_name="inventory-agent",error_type!=""}"#,
    );
    parts.restart("inventory");

    let mut open = queries();
    assert!(open.len() > 100, "only {} queries", open.len());
    let answered = eventually(ANSWERED, || {
        open.retain(|query| fault(&prometheus, query).is_some());
        open.is_empty().then_some(())
    });
    let faults_left: Vec<_> = open.iter().filter_map(|query| fault(&prometheus, query)).collect();
    assert!(answered.is_some(), "{faults_left:#?}\n{}", prometheus.last_words());
    check_graph(&prometheus);
    faults.clear();
    drop(customers);
    parts.terminate();
    let _ = std::fs::remove_dir_all(spool);
}

#[track_caller]
fn await_result(prometheus: &Prometheus, query: &str) {
    let found = eventually(SCRAPED, || (!prometheus.query(query).is_empty()).then_some(()));
    assert!(found.is_some(), "{query} has no result; {}", prometheus.last_words());
}

/// The graph of calls has each agent once, and its edges lead from one to another.
fn check_graph(prometheus: &Prometheus) {
    let graph = queries().into_iter().filter(|query| query.place == "a2a-communication, Who calls whom?");
    let frames: Vec<_> = graph.map(|query| prometheus.query(&query.text)).collect();
    let [edges, nodes] = frames.as_slice() else { panic!("{frames:#?}") };
    let values = |frame: &[Value], label: &str| -> BTreeSet<String> {
        frame.iter().map(|row| row["metric"][label].as_str().expect("a field").to_owned()).collect()
    };
    let agents = ["coordinator", "inventory-agent", "product-agent", "sales-agent"];
    let all = ["customers"].into_iter().chain(agents).map(str::to_owned).collect();
    assert_eq!(values(nodes, "id"), all, "{nodes:#?}");
    assert_eq!(values(nodes, "title"), all);
    assert_eq!(nodes.len(), all.len());
    assert_eq!(values(edges, "source"), ["coordinator", "customers"].map(str::to_owned).into());
    assert_eq!(values(edges, "target"), agents.map(str::to_owned).into());
    assert_eq!(values(edges, "id").len(), edges.len());
}

/// A query of a panel: the dashboard and the panel, and what Prometheus is asked.
struct Query {
    place: String,
    may_be_zero: bool,
    text: String,
}

/// Every query of every dashboard, but those that the marketplace cannot answer.
fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for name in DASHBOARDS {
        let dashboard: Value =
            serde_json::from_str(&deployed(&format!("grafana/{name}.json"))).expect("JSON");
        for panel in dashboard["panels"].as_array().expect("panels") {
            let title = panel["title"].as_str().expect("a title");
            for target in panel["targets"].as_array().into_iter().flatten() {
                let text = target["expr"].as_str().expect("a query").to_owned();
                if !UNANSWERED.iter().any(|(panel, part, _)| *panel == title && text.contains(part)) {
                    let text = VARIABLES.iter().fold(text, |text, (name, value)| text.replace(name, value));
                    let may_be_zero = ZERO.iter().any(|(panel, _)| *panel == title);
                    queries.push(Query { place: format!("{name}, {title}"), may_be_zero, text });
                }
            }
        }
    }
    queries
}

/// What is wrong with the answer to a query.
fn fault(prometheus: &Prometheus, Query { place, may_be_zero, text }: &Query) -> Option<String> {
    let answer = prometheus.query(text);
    let all_are = |value: &str| answer.iter().all(|series| series["value"][1] == value);
    let fault = if answer.is_empty() {
        "is empty"
    } else if all_are("NaN") {
        "is not a number"
    } else if all_are("0") && !may_be_zero {
        "is zero"
    } else {
        return None;
    };
    Some(format!("{place}: {fault}: {text}"))
}
