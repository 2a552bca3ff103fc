//! The rules of the marketplace, by Prometheus's and Alertmanager's own tools.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;

use a2a_otel_cli::write::rules::{Severity, alerts};
use a2a_otel_cli::write::{self, Choices, Pace};
use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};
use support::services::{amtool, promtool, require};
use support::{generate, known_series, marketplace, workspace};
use tempfile::TempDir;

/// What an alert whose metrics this crate does not record yet says: its rule is left out.
fn is_recorded(rules: &str, alert: &str) -> bool {
    rules.contains(&format!("alert: {alert}\n"))
}

fn rules() -> String {
    fs::read_to_string(workspace().join("deploy/prometheus/rules.yaml")).expect("rules")
}

/// Runs a tool in a folder, which has to succeed, and returns what it says.
#[track_caller]
fn succeeds(tool: &Path, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(tool).args(arguments).current_dir(folder).output().expect("the tool runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let pages = fs::read_dir(workspace().join("docs/runbooks")).expect("runbooks").map(|entry| {
        entry.expect("an entry").file_name().to_str().expect("UTF-8").trim_end_matches(".md").to_owned()
    });
    let names: BTreeSet<_> = alerts().map(|alert| alert.name.to_owned()).collect();
    assert_eq!(names.len(), alerts().count(), "two alerts have one name");
    assert_eq!(pages.collect::<BTreeSet<_>>(), names);
    for name in names {
        let page = fs::read_to_string(workspace().join(format!("docs/runbooks/{name}.md"))).expect("a page");
        let parts = [format!("# {name}\n"), "\n## How to confirm\n".into(), "```promql\n".into()];
        let more = ["\n## What it usually is\n\n- ", "\n## What to do\n\n1. "].map(str::to_owned);
        for part in parts.iter().chain(&more) {
            assert!(page.contains(part.as_str()), "{name}: no {part:?}");
        }
    }
}

/// The first query in the runbook of an alert.
fn query_of(name: &str) -> String {
    let page = fs::read_to_string(workspace().join(format!("docs/runbooks/{name}.md"))).expect("a page");
    let query = page.split("```promql\n").nth(1).and_then(|rest| rest.split("\n```").next());
    query.unwrap_or_else(|| panic!("{name}: no query")).to_owned()
}

/// Collects the names of series in a query.
#[derive(Default)]
struct Names(Vec<String>);

impl ExprVisitor for Names {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        match expr {
            Expr::VectorSelector(selector) => self.0.extend(selector.name.clone()),
            Expr::MatrixSelector(selector) => self.0.extend(selector.vs.name.clone()),
            _ => {}
        }
        Ok(true)
    }
}

#[test]
fn queries_of_runbooks_parse_and_name_metrics_that_exist() {
    let (rules, known) = (rules(), known_series());
    for alert in alerts() {
        let query = query_of(alert.name);
        let parsed = parser::parse(&query).unwrap_or_else(|error| panic!("{}: {error}", alert.name));
        let mut names = Names::default();
        walk_expr(&mut names, &parsed).expect("a walk");
        assert!(!names.0.is_empty(), "{}: {query}", alert.name);
        for name in names.0 {
            let exists = known.contains(&name) || rules.contains(&format!("record: {name}\n"));
            assert!(exists || !is_recorded(&rules, alert.name), "{}: nobody records {name}", alert.name);
        }
    }
}

#[test]
fn every_group_has_alerts_that_say_what_to_do() {
    let rules = rules();
    let recorded = alerts().filter(|alert| is_recorded(&rules, alert.name)).count();
    assert!(recorded >= 30, "only {recorded} alerts");
    // A text in YAML may be folded at any space.
    let unfolded = rules.split_whitespace().collect::<Vec<_>>().join(" ");
    let count = |text: &str| unfolded.matches(text).count();
    for part in
        [" severity: ", " category: ", " summary: ", " description: ", " dashboard: ", " runbook_url: "]
    {
        assert_eq!(count(part), recorded, "{part}");
    }
    // The value stands in the summary of every alert but of those that are about presence.
    let about_presence = ["AgentDown", "AgentAbsent", "PhoenixDown", "TelemetryWatchdog"];
    assert_eq!(count("{{ $value | "), recorded - about_presence.len());
    assert_eq!(alerts().filter(|alert| alert.severity == Severity::None).count(), 1);
}

#[test]
fn prometheus_accepts_the_rules_and_they_fire_and_recover() {
    let Some(promtool) = require("promtool", promtool()) else { return };
    let folder = workspace().join("deploy/prometheus");
    let said = succeeds(&promtool, &["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"], &folder);
    assert!(said.contains("SUCCESS"), "{said}");
    let said = succeeds(&promtool, &["test", "rules", "rules.test.yaml"], &folder);
    assert!(said.contains("SUCCESS"), "{said}");
    succeeds(&promtool, &["check", "config", "--syntax-only", "prometheus.yaml"], &folder);
    let tests = fs::read_to_string(folder.join("rules.test.yaml")).expect("tests");
    for alert in alerts().filter(|alert| is_recorded(&rules(), alert.name)) {
        for what in ["fires and recovers", "ends when what is measured is gone"] {
            assert!(tests.contains(&format!("{}: {what}", alert.name)), "{}: {what}", alert.name);
        }
    }
}

#[test]
fn the_rules_hold_for_the_least_and_the_highest_objective() {
    let Some(promtool) = require("promtool", promtool()) else { return };
    for objective in ["0.95", "0.9999"] {
        let out = TempDir::new().expect("a folder");
        generate(&workspace().join("examples"), out.path(), &["--objective", objective]);
        let folder = out.path().join("prometheus");
        succeeds(&promtool, &["check", "rules", "rules.yaml"], &folder);
        // The alerts of the error budget are the ones that depend on it. promtool selects tests by their names.
        let tests = ["test", "rules", "--run=AgentErrorBudget", "rules.test.yaml"];
        assert!(succeeds(&promtool, &tests, &folder).contains("SUCCESS"));
    }
}

#[test]
fn rules_in_a_hurry_differ_in_durations_only() {
    let Some(promtool) = require("promtool", promtool()) else { return };
    let written = generated(Pace::WRITTEN);
    assert_eq!(written, rules());
    let hurried = generated(Pace::times(NonZeroU32::new(60).expect("it is not 0")));
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("rules.yaml"), &hurried).expect("a file");
    succeeds(&promtool, &["check", "rules", "rules.yaml"], folder.path());
    // YAML may fold a text at any space, and folds the two differently.
    let words =
        |text: &str| text.split_whitespace().filter(|word| *word != ">-").collect::<Vec<_>>().join(" ");
    let (written, hurried) = (words(&written), words(&hurried));
    for (before, after) in [
        ("for: 10m ", "for: 10s "),
        ("keep_firing_for: 5m ", "keep_firing_for: 5s "),
        ("[6h]", "[360s]"),
        ("[1h], 14400)", "[60s], 240)"),
        ("[15m] offset 1h", "[15s] offset 60s"),
        ("offset 10m", "offset 10s"),
    ] {
        assert!(written.contains(before) && !hurried.contains(before), "{before}");
        assert!(hurried.matches(after).count() >= written.matches(before).count(), "{after}");
    }
    let without_digits_and_units = |text: &str| {
        text.chars()
            .filter(|letter| !letter.is_ascii_digit() && !"smhd".contains(*letter))
            .collect::<String>()
    };
    assert_eq!(without_digits_and_units(&written), without_digits_and_units(&hurried));
}

/// The rules of the marketplace.
fn generated(pace: Pace) -> String {
    let (grafana, runbooks) = ("http://localhost:3000".to_owned(), "docs/runbooks".to_owned());
    let files =
        write::all(&marketplace(), &Choices { objective: 0.99, grafana, runbooks, pace }).expect("files");
    files.into_iter().find(|file| file.path == "prometheus/rules.yaml").expect("rules").content
}

#[test]
fn alertmanager_accepts_its_configuration_and_routes_by_severity() {
    let Some(amtool) = require("amtool", amtool()) else { return };
    let folder = workspace().join("deploy/alertmanager");
    let said = succeeds(&amtool, &["check-config", "alertmanager.yaml"], &folder);
    assert!(said.contains("4 inhibit rules") && said.contains("2 receivers"), "{said}");
    for (severity, receiver) in [("critical", "webhook"), ("warning", "webhook"), ("none", "nobody")] {
        let expected = format!("--verify.receivers={receiver}");
        let severity = format!("severity={severity}");
        succeeds(
            &amtool,
            &["config", "routes", "test", "--config.file=alertmanager.yaml", &expected, &severity],
            &folder,
        );
    }
}
