//! Experiments in a real Phoenix.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use a2a_otel::evaluation::{Dataset, Evaluator, Example, Experiment, Report, Run, evaluators};
use a2a_otel::phoenix::Client;
use a2a_otel::settings::Settings;
use a2a_otel::{Telemetry, llm_call, tool_span};
use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::services::{eventually, require, unique};
use serde_json::{Value, json};

use super::shared::{Folder, experiment, number};

const PATIENCE: Duration = Duration::from_secs(60);

/// The settings of telemetry that goes to an endpoint, without starting it for the process.
fn settings(endpoint: &str) -> Settings {
    let (_, telemetry) = Telemetry::builder().endpoint(endpoint).processor().expect("an endpoint");
    telemetry.settings().clone()
}

fn client(endpoint: &str) -> Client {
    Client::new(&settings(endpoint)).expect("a Phoenix")
}

/// Numbers in a dataset that no other test has.
fn doubles(count: u32) -> Dataset {
    let example = |number: u32| {
        Example::new(json!({"number": number}))
            .with_id(format!("n{number}"))
            .with_expected(json!({"double": 2 * number}))
    };
    Dataset::new(unique("doubles")).with_examples((1..=count).map(example))
}

#[tool_span]
async fn multiply(number: u64) -> u64 {
    2 * number
}

#[llm_call(model = "gpt-4o", provider = "openai")]
async fn phrase(double: u64) -> Value {
    json!({"double": double})
}

/// Doubles a number, and fails for the third.
async fn double(example: Example) -> Result<Value, io::Error> {
    match number(&example) {
        3 => Err(io::Error::other("three is not my number")),
        number => Ok(phrase(multiply(number).await).await),
    }
}

fn wrong(_: &Run) -> Result<f64, io::Error> {
    Err(io::Error::other("no opinion"))
}

async fn run(folder: &Folder, dataset: Dataset, client: Client) -> Report {
    let experiment = experiment(folder, dataset).task(double).evaluator(evaluators::exact()).evaluator(wrong);
    experiment.phoenix(client).repetitions(2).concurrency(4).run().await.expect("a report")
}

/// The experiment that a report links to, as Phoenix exports it.
fn rows(phoenix: &Phoenix, report: &Report) -> Vec<Value> {
    let answer = phoenix.get(&format!("/v1/experiments/{}/json", id_of(report)));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.as_array().cloned().unwrap_or_default()
}

fn id_of(report: &Report) -> &str {
    let link = report.link().expect("a link");
    link.rsplit_once("experimentId=").expect("an experiment").1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phoenix_has_the_runs_their_scores_and_their_traces() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let folder = Folder::new();
    let report = run(&folder, doubles(4), client(phoenix.url())).await;
    assert_eq!((report.runs(), report.failed_runs(), report.unsent()), (8, 2, 0), "{report}");
    let rows = rows(phoenix, &report);
    let seen: BTreeSet<_> =
        rows.iter().map(|row| (row["input"]["number"].as_u64(), row["repetition_number"].as_u64())).collect();
    assert_eq!(seen.len(), 8, "{rows:#?}");
    for row in &rows {
        let number = row["input"]["number"].as_u64().expect("a number");
        let annotations: BTreeMap<_, _> = row["annotations"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| (one["name"].as_str().unwrap_or_default(), one))
            .collect();
        if number == 3 {
            assert_eq!(row["error"], "three is not my number");
        } else {
            assert_eq!((&row["output"], &row["error"]), (&json!({"double": 2 * number}), &json!(null)));
        }
        let score = if number == 3 { 0.0 } else { 1.0 };
        assert_eq!(annotations["exact"]["score"], json!(score), "{row:#}");
        assert_eq!(annotations["wrong"]["error"], "no opinion", "{row:#}");
        let judged = annotations["exact"]["trace_id"].as_str().expect("a trace");
        let judged = eventually(PATIENCE, || phoenix.trace(judged)).expect("the evaluation's trace");
        assert_eq!(judged.spans, 1);
    }
    check_traces(phoenix, &report, &rows);
}

/// The trace of the run that failed.
fn failed_of(rows: &[Value]) -> &str {
    let failed = rows.iter().find(|row| row["input"]["number"] == 3).expect("the third");
    failed["trace_id"].as_str().expect("a trace")
}

/// The traces of the runs are in the project of the experiment.
#[track_caller]
fn check_traces(phoenix: &Phoenix, report: &Report, rows: &[Value]) {
    let experiment = phoenix.get(&format!("/v1/experiments/{}", id_of(report))).body;
    let project = experiment["data"]["project_name"].as_str().expect("a project").to_owned();
    // Six runs with a tool and a model, two that fail at once, and an evaluation of each by two evaluators.
    let spans = phoenix.project_named(&project).wait_for_number(6 * 3 + 2 + 2 * 8);
    let kinds = |id: &str| {
        let mut kinds: Vec<_> =
            spans.iter().filter(|span| span.trace_id == id).map(|span| span.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.join(" ")
    };
    for row in rows {
        let expected = if row["input"]["number"] == 3 { "CHAIN" } else { "CHAIN LLM TOOL" };
        assert_eq!(kinds(row["trace_id"].as_str().expect("a trace")), expected, "{row:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_wait_while_phoenix_is_away_and_are_sent_later() {
    let folder = std::env::temp_dir().join(unique("a2a-otel-experiment"));
    fs::create_dir_all(&folder).expect("a folder for the database");
    let database = format!("sqlite:///{}/phoenix.db", folder.display());
    let database = [("PHOENIX_SQL_DATABASE_URL", database.as_str())];
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&database)) else { return };
    let (results, dataset, client) = (Folder::new(), doubles(6), client(phoenix.url()));
    // Phoenix goes away while the third example is answered, and stays away until the experiment has ended.
    let phoenix = Arc::new(std::sync::Mutex::new(Some(phoenix)));
    let stopped = Arc::new(std::sync::Mutex::new(None));
    let (taken, put, is_first) = (phoenix.clone(), stopped.clone(), AtomicBool::new(true));
    let task = move |example: Example| {
        if number(&example) == 4 && is_first.swap(false, Ordering::SeqCst) {
            let phoenix = taken.lock().unwrap().take().expect("it runs");
            *put.lock().unwrap() = Some(phoenix.stop());
        }
        double(example)
    };
    let begun = || {
        experiment(&results, dataset.clone())
            .evaluator(evaluators::exact())
            .phoenix(client.clone())
            .concurrency(1)
    };
    let report = begun().task(task).run().await.expect("a report");
    assert_eq!(report.runs(), 6);
    assert!(report.unsent() > 0, "{report}");
    let stopped = stopped.lock().unwrap().take().expect("it was stopped");
    let phoenix = stopped.start(&database).expect("it starts again");
    let again = begun().task(double).resume().run().await.expect("a report");
    assert_eq!((again.runs(), again.unsent()), (6, 0), "{again}");
    assert_eq!(again.link(), report.link(), "it is the same experiment");
    let rows = rows(&phoenix, &again);
    assert_eq!(rows.len(), 6, "{rows:#?}");
    assert!(
        rows.iter().all(|row| row["annotations"].as_array().is_some_and(|list| list.len() == 1)),
        "{rows:#?}"
    );
    // So are the traces.
    let whole = |id: &str| {
        phoenix.trace(id).filter(|trace| trace.spans == if id == failed_of(&rows) { 1 } else { 3 })
    };
    for id in rows.iter().filter_map(|row| row["trace_id"].as_str()) {
        assert!(eventually(PATIENCE, || whole(id)).is_some(), "{id}: {:?}", phoenix.trace(id));
    }
    assert!(!results.file().with_extension("unsent").exists(), "nothing waits");
    drop(phoenix);
    let _ = fs::remove_dir_all(folder);
}

#[tokio::test]
async fn an_experiment_without_an_answer_of_phoenix_runs_and_is_sent_when_it_continues() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let (folder, dataset) = (Folder::new(), doubles(2));
    let absent = client("http://127.0.0.1:9").with_patience(Duration::from_millis(100));
    let report = run(&folder, dataset.clone(), absent).await;
    assert_eq!((report.runs(), report.link()), (4, None));
    let experiment = experiment(&folder, dataset)
        .task(double)
        .evaluator(evaluators::exact())
        .evaluator(wrong)
        .repetitions(2);
    let again = experiment.phoenix(client(phoenix.url())).resume().run().await.expect("a report");
    assert_eq!((again.path(), again.unsent()), (report.path(), 0));
    assert_eq!(rows(phoenix, &again).len(), 4);
}

#[tokio::test]
async fn a_dataset_with_other_columns_is_refused_before_anything_runs() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let (folder, dataset) = (Folder::new(), doubles(1));
    let client = client(phoenix.url());
    assert_eq!(client.upload(&dataset).expect("a dataset").len(), 1);
    let other = Dataset::new(dataset.name()).with_example(Example::new(json!({"question": "which lamps?"})));
    let never = Evaluator::new("never", |_: &Run| -> bool { unreachable!("nothing runs") });
    let task = |_| async { Err::<(), _>(io::Error::other("nothing runs")) };
    let experiment: Experiment = experiment(&folder, other).task(task).evaluator(never);
    let error = experiment.phoenix(client).run().await.expect_err("other columns").to_string();
    assert!(error.contains("question") && error.contains("number"), "{error}");
}
