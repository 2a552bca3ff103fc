//! Every query of the dashboards against a real Prometheus, which scrapes made series of every metric of the model.

mod support;

use std::fs;

use serde_json::Value;
use support::prometheus::{Server, ask, exposition, serve};
use support::services::require;
use support::{marketplace, workspace};

/// What Grafana replaces in queries. Intervals are short, so that little has to be scraped.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "10s"), ("$__range", "20s"), ("$service", ".*"), ("$agent", ".*")];

#[test]
fn every_query_answers_with_numbers() {
    let metrics = marketplace().metrics().to_vec();
    let agent = serve(move |scrape| exposition(&metrics, scrape));
    let Some(server) = require("Prometheus", Server::start(agent)) else { return };
    let ask = |query: &str| ask(&server.url, query);

    server.wait_for_values();
    // The check can fail.
    assert_eq!((ask("rate(up)"), ask("of_nobody")), (None, Some(Vec::new())));
    let queries = queries();
    assert!(queries.len() > 60, "only {} queries", queries.len());
    let faults: Vec<_> = queries
        .into_iter()
        .filter_map(|(place, query)| {
            let fault = match ask(&query) {
                None => "fails",
                Some(answer) if answer.is_empty() => "is empty",
                Some(answer) if answer.iter().all(|value| value == "NaN") => "is not a number",
                Some(_) => return None,
            };
            Some(format!("{place}: {fault}: {query}"))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Every query of every dashboard, with its place.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for name in ["agent-performance", "a2a-communication", "business", "errors"] {
        let path = workspace().join(format!("deploy/grafana/{name}.json"));
        let dashboard: Value =
            serde_json::from_str(&fs::read_to_string(path).expect("a dashboard")).expect("JSON");
        for panel in dashboard["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let query = target["expr"].as_str().expect("a query").to_owned();
                let filled = VARIABLES.iter().fold(query, |query, (name, value)| query.replace(name, value));
                queries.push((format!("{name}, {}", panel["title"]), filled));
            }
        }
    }
    queries
}
