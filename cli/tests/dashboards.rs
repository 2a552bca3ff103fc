//! The dashboards of the marketplace: a linter by the rules of Grafana's dashboard-linter, every query by a parser and by
//! the names of metrics, and the types of Grafana's own schema.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::{Value, json};
use support::services::{npm, promtool, require};
use support::{OTHERS, known_series, marketplace, workspace};
use tempfile::TempDir;

const DASHBOARDS: [&str; 4] = ["agent-performance", "a2a-communication", "business", "errors"];

/// What Grafana replaces in queries, and an example.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "1m"), ("$__range", "1h"), ("$service", ".*"), ("$agent", ".*")];

fn dashboard(name: &str) -> Value {
    let path = workspace().join(format!("deploy/grafana/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).expect("a dashboard")).expect("JSON")
}

/// Every panel but the headings, with the name of its dashboard.
fn panels() -> Vec<(String, Value)> {
    let all = DASHBOARDS.iter().flat_map(|name| {
        let panels = dashboard(name)["panels"].as_array().expect("panels").clone();
        panels.into_iter().filter(|panel| panel["type"] != "row").map(|panel| ((*name).to_owned(), panel))
    });
    all.collect()
}

fn targets(panel: &Value) -> Vec<Value> {
    panel["targets"].as_array().expect("targets").clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is missing: {value:#}"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// A query with examples for Grafana's variables.
fn filled(expr: &str) -> String {
    VARIABLES.iter().fold(expr.to_owned(), |expr, (name, example)| expr.replace(name, example))
}

#[test]
fn every_dashboard_is_found_and_selects_its_source() {
    let mut uids = BTreeSet::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        assert!(uids.insert(text(&dashboard, "uid").to_owned()), "{name}: the uid is taken");
        assert!(
            !text(&dashboard, "title").is_empty() && !text(&dashboard, "description").is_empty(),
            "{name}"
        );
        assert_eq!(dashboard["editable"], false, "{name}");
        assert_eq!(dashboard["schemaVersion"], 42, "{name}");
        let variables = dashboard["templating"]["list"].as_array().expect("variables");
        let names: Vec<_> = variables.iter().map(|variable| text(variable, "name")).collect();
        assert_eq!(names, ["datasource", "service", "agent", "phoenix"], "{name}");
        for variable in variables {
            assert!(!text(variable, "label").is_empty(), "{name}");
            if variable["type"] == "query" {
                assert_eq!(variable["refresh"], 2, "{name}: values are read when the time range changes");
                assert_eq!(variable["datasource"]["uid"], "${datasource}", "{name}");
                assert!(variable["multi"] == true && variable["includeAll"] == true, "{name}");
            }
        }
        let links = dashboard["links"].as_array().expect("links");
        assert!(
            links.iter().any(|link| link["tags"][0] == dashboard["tags"][0]),
            "{name}: no link to the others"
        );
        assert!(links.iter().any(|link| link["url"] == "${phoenix}"), "{name}: no link to Phoenix");
    }
}

#[test]
fn every_panel_says_what_it_shows() {
    for (name, panel) in panels() {
        let title = text(&panel, "title");
        let place = format!("{name}, {title:?}");
        assert!(title.starts_with(|first: char| first.is_ascii_uppercase()), "{place}");
        assert!(!title.ends_with('.'), "{place}: a question or a noun");
        assert!(text(&panel, "description").ends_with('.'), "{place}: {}", panel["description"]);
        assert!(!text(&panel["fieldConfig"]["defaults"], "unit").is_empty(), "{place}: no unit");
        assert!(!targets(&panel).is_empty(), "{place}: no query");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{place}");
    }
}

#[test]
fn every_query_is_told_apart_from_the_others_of_its_panel() {
    for (name, panel) in panels() {
        let place = format!("{name}, {:?}", panel["title"]);
        let targets = targets(&panel);
        let refs: BTreeSet<_> = targets.iter().map(|target| text(target, "refId").to_owned()).collect();
        assert_eq!(refs.len(), targets.len(), "{place}");
        let is_table = matches!(text(&panel, "type"), "table" | "nodeGraph");
        for target in &targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{place}");
            assert_eq!(target["instant"], is_table, "{place}: a table has values of one time");
            assert_eq!(target["format"] == "table", is_table, "{place}");
        }
        if matches!(text(&panel, "type"), "timeseries" | "heatmap") {
            assert!(
                targets.iter().all(|target| !text(target, "legendFormat").is_empty()),
                "{place}: no legend"
            );
            let legends: BTreeSet<_> = targets.iter().map(|target| text(target, "legendFormat")).collect();
            assert_eq!(legends.len(), targets.len(), "{place}: two queries name their series alike");
        }
    }
}

#[test]
fn panels_have_ids_and_places_of_their_own() {
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let panels = dashboard["panels"].as_array().expect("panels");
        let (mut ids, mut titles, mut cells) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for panel in panels {
            let title = text(panel, "title");
            assert!(ids.insert(number(&panel["id"])), "{name}, {title:?}: the id is taken");
            assert!(titles.insert(title), "{name}: two panels are called {title:?}");
            let place = &panel["gridPos"];
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| number(&place[key]));
            assert!(w > 0 && h > 0 && x + w <= 24, "{name}, {title:?}: {place}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(cells.insert(cell), "{name}, {title:?} covers another panel at {cell:?}");
            }
        }
    }
}

/// The metrics, and the ranges below `rate` and `increase`, of a query.
#[derive(Default)]
struct Parts {
    selectors: Vec<VectorSelector>,
    quantiles_without_le: bool,
    counters_without_rate: Vec<String>,
    in_rate: usize,
}

impl ExprVisitor for Parts {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        match expr {
            Expr::Call(call) if matches!(call.func.name, "rate" | "increase" | "irate" | "delta") => {
                self.in_rate += 1;
            }
            Expr::Call(call) if call.func.name == "histogram_quantile" => {
                self.quantiles_without_le |= !call.to_string().contains("(le");
            }
            Expr::MatrixSelector(selector) => self.selectors.push(selector.vs.clone()),
            Expr::VectorSelector(selector) => {
                let name = selector.name.clone().unwrap_or_default();
                if self.in_rate == 0 && (name.ends_with("_total") || name.ends_with("_bucket")) {
                    self.counters_without_rate.push(name);
                }
                self.selectors.push(selector.clone());
            }
            _ => {}
        }
        Ok(true)
    }

    fn post_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        if matches!(expr, Expr::Call(call) if matches!(call.func.name, "rate" | "increase" | "irate" | "delta"))
        {
            self.in_rate -= 1;
        }
        Ok(true)
    }
}

fn parts(place: &str, expr: &str) -> Parts {
    let parsed = parser::parse(expr).unwrap_or_else(|error| panic!("{place}: {error}\n{expr}"));
    let mut parts = Parts::default();
    walk_expr(&mut parts, &parsed).expect("a walk");
    parts
}

#[test]
fn every_query_parses_and_names_only_metrics_that_exist() {
    let known = known_series();
    let mut queries = 0;
    for (name, panel) in panels() {
        for target in targets(&panel) {
            let place = format!("{name}, {:?}", panel["title"]);
            let parts = parts(&place, &filled(text(&target, "expr")));
            assert!(!parts.selectors.is_empty(), "{place}: no metric");
            for selector in &parts.selectors {
                let metric = selector.name.clone().unwrap_or_default();
                assert!(known.contains(&metric), "{place}: nobody records {metric:?}");
            }
            assert!(!parts.quantiles_without_le, "{place}: a quantile needs `le`");
            assert!(
                parts.counters_without_rate.is_empty(),
                "{place}: {:?} without a rate",
                parts.counters_without_rate
            );
            queries += 1;
        }
    }
    assert!(queries > 60, "only {queries} queries");
}

#[test]
fn prometheus_accepts_every_query() {
    let Some(promtool) = require("promtool", promtool()) else { return };
    // Prometheus's own parser checks types too: no rate of a rate. promtool reads queries from rules, and JSON is YAML.
    let rules = panels().into_iter().flat_map(|(_, panel)| targets(&panel)).enumerate().map(|(index, target)| {
        json!({ "record": format!("query_{index}"), "expr": filled(text(&target, "expr")) })
    });
    let rules: Vec<_> = rules.collect();
    let file = json!({ "groups": [{ "name": "queries", "rules": rules }] });
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("rules.yaml");
    fs::write(&path, file.to_string()).expect("a file");
    let output = Command::new(promtool).args(["check", "rules"]).arg(path).output().expect("promtool runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains(&format!("{} rules found", rules.len())), "{said}");
}

#[test]
fn every_query_obeys_the_selection_at_the_top() {
    for (name, panel) in panels() {
        for target in targets(&panel) {
            let place = format!("{name}, {:?}", panel["title"]);
            let expr = text(&target, "expr");
            for selector in parts(&place, &filled(expr)).selectors {
                let metric = selector.name.clone().unwrap_or_default();
                if !OTHERS.contains(&&*metric) {
                    let matchers = selector.matchers.matchers;
                    let by_service = matchers.iter().any(|matcher| matcher.name == "service_name");
                    assert!(by_service, "{place}: {metric} of all services");
                }
            }
        }
    }
}

#[test]
fn ranges_fit_the_resolution_or_are_named() {
    for (name, panel) in panels() {
        for target in targets(&panel) {
            let expr = text(&target, "expr");
            for range in
                expr.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(range, _)| range)
            {
                let said = [text(&panel, "description"), text(&target, "legendFormat")];
                let is_named = said.iter().any(|said| said.contains(range));
                assert!(
                    matches!(range, "$__rate_interval" | "$__range") || is_named,
                    "{name}, {:?}: [{range}] is a fixed range that the panel does not name",
                    panel["title"]
                );
            }
        }
    }
}

#[test]
fn every_metric_of_the_marketplace_has_a_panel() {
    let business = dashboard("business").to_string();
    for metric in marketplace().business() {
        assert!(business.contains(&metric.prometheus), "{} has no panel", metric.name);
        for label in &metric.labels {
            assert!(
                business.contains(&format!("by ({})", label.prometheus())),
                "{} by {}",
                metric.name,
                label.key
            );
        }
    }
    for ratio in marketplace().ratios {
        assert!(business.contains(&ratio.title), "{} has no panel", ratio.title);
    }
}

#[test]
fn the_matrix_has_one_row_for_each_pair_of_agents() {
    let communication = panels().into_iter().filter(|(name, _)| name == "a2a-communication");
    let (_, matrix) = communication.into_iter().find(|(_, panel)| panel["type"] == "table").expect("a table");
    assert_eq!(targets(&matrix).len(), 3);
    assert!(
        targets(&matrix)
            .iter()
            .all(|target| text(target, "expr").contains("service_name, gen_ai_agent_name"))
    );
    let renamed = &matrix["transformations"][1]["options"]["renameByName"];
    let columns =
        ["service_name", "gen_ai_agent_name", "Value #A", "Value #B", "Value #C"].map(|key| &renamed[key]);
    assert_eq!(columns, ["caller", "peer", "calls", "failing", "p95"]);
}

#[test]
fn only_a_table_of_calls_has_callers() {
    let tables = panels().into_iter().filter(|(_, panel)| panel["type"] == "table");
    let named: BTreeSet<_> = tables
        .map(|(_, panel)| {
            let renamed = &panel["transformations"][1]["options"]["renameByName"];
            let is_of_calls = targets(&panel).iter().any(|it| text(it, "expr").contains("gen_ai_agent_name"));
            (is_of_calls, text(renamed, "service_name").to_owned())
        })
        .collect();
    assert_eq!(named, BTreeSet::from([(false, "service".to_owned()), (true, "caller".to_owned())]));
}

/// A frame with the field `source` has the edges, and `mainstat` is what Grafana writes on both.
#[test]
fn the_graph_has_the_fields_that_grafana_looks_for() {
    let (_, graph) = panels().into_iter().find(|(_, panel)| panel["type"] == "nodeGraph").expect("a graph");
    let targets = targets(&graph);
    let [edges, nodes] = targets.as_slice() else { panic!("{targets:#?}") };
    assert!(text(edges, "expr").starts_with("sum by (id, source, target) ("), "{edges:#}");
    assert!(text(nodes, "expr").starts_with("sum by (id, title) ("), "{nodes:#}");
    let renamed = &graph["transformations"][0]["options"]["renameByName"];
    assert_eq!([&renamed["Value #A"], &renamed["Value #B"]], ["mainstat", "mainstat"]);
}

#[test]
fn exemplars_lead_to_their_traces() {
    let with_exemplars: Vec<_> = panels()
        .into_iter()
        .filter(|(_, panel)| targets(panel).iter().any(|target| target["exemplar"] == true))
        .collect();
    assert!(with_exemplars.len() > 8);
    for (name, panel) in with_exemplars {
        let link = &panel["fieldConfig"]["defaults"]["links"][0];
        assert_eq!(link["url"], "${phoenix}/redirects/traces/${__data.fields.trace_id}", "{name}");
    }
}

#[test]
fn the_dashboards_have_the_types_of_grafanas_schema() {
    let installed = npm(
        "grafana-schema-13.2.3",
        include_str!("grafana/package.json"),
        include_str!("grafana/package-lock.json"),
    );
    let Some(folder) = require("npm with @grafana/schema", installed) else { return };
    let mut program = "import type { Dashboard } from \"@grafana/schema\";\n".to_owned();
    for (index, name) in DASHBOARDS.iter().enumerate() {
        let _ = writeln!(program, "export const d{index}: Dashboard = {:#};", dashboard(name));
    }
    let check = |program: &str, name: &str| {
        fs::write(folder.join(name), program).expect("a file");
        let mut tsc = Command::new("node_modules/.bin/tsc");
        tsc.args(["--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext", name])
            .current_dir(&folder);
        let output = tsc.output().expect("tsc runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (is_right, said) = check(&program, "dashboards.ts");
    assert!(is_right, "{said}");
    // The check can fail.
    let (is_right, said) = check(&program.replacen("\"gridPos\"", "\"gridPlace\"", 1), "wrong.ts");
    assert!(!is_right && said.contains("gridPlace"), "{said}");
}
