//! What an experiment requires, and how a report says that it is not met.

use std::fs;
use std::io;

use a2a_otel::evaluation::{Evaluator, Example, Report, Run, at_least, evaluators, no_worse_than};
use a2a_otel::tool_span;
use serde_json::json;

use super::shared::{Folder, doubles, experiment, number};

#[tool_span]
async fn look_up(number: u64) -> u64 {
    number
}

/// Doubles a number, and is wrong from a number on.
async fn report(folder: &Folder, wrong_from: u64, require: Vec<a2a_otel::evaluation::Threshold>) -> Report {
    let task = move |example: Example| async move {
        let number = number(&example);
        if number >= wrong_from {
            return Ok::<_, io::Error>(number);
        }
        Ok(2 * look_up(number).await)
    };
    let half = Evaluator::new("half", |_: &Run| 0.5);
    let experiment =
        experiment(folder, doubles(10)).task(task).evaluator(evaluators::exact()).evaluator(half);
    let experiment = require.into_iter().fold(experiment, a2a_otel::evaluation::Experiment::require);
    experiment.run().await.expect("a report")
}

#[tokio::test]
async fn a_requirement_compares_the_mean() {
    let folder = Folder::new();
    let good = report(&folder, 10, vec![at_least("exact", 0.9), at_least("half", 0.5)]).await;
    assert_eq!(good.mean("exact"), Some(0.9));
    good.assert();
    let folder = Folder::new();
    let bad = report(&folder, 10, vec![at_least("exact", 0.91), at_least("absent", 0.1)]).await;
    let text = bad.check().expect_err("it is not met").to_string();
    assert!(text.contains("exact of at least 0.91 is required, and 0.900 ± 0.183 is reached"), "{text}");
    assert!(
        text.contains("absent of at least 0.1 is required, and 10 of 10 examples have no score"),
        "{text}"
    );
    let folder = Folder::new();
    report(&folder, 10, vec![at_least("exact", 0.91).allowing_noise()]).await.assert();
    let folder = Folder::new();
    let far = report(&folder, 3, vec![at_least("exact", 0.91).allowing_noise()]).await;
    assert!(far.check().is_err());
}

#[tokio::test]
async fn a_failure_shows_the_worst_answers_and_what_has_changed() {
    let (before, now) = (Folder::new(), Folder::new());
    report(&before, 11, vec![]).await;
    let baseline = Report::read(before.file()).expect("the baseline");
    let worse =
        report(&now, 8, vec![no_worse_than("exact", &baseline, 0.05), no_worse_than("half", &baseline, 0.0)])
            .await;
    let text = worse.check().expect_err("it got worse").to_string();
    println!("{text}");
    assert!(text.contains("exact no worse than in \"doubling\" by more than 0.05 is required, and the change over 10 examples is -0.300"), "{text}");
    assert!(!text.contains("half no worse"), "{text}");
    for part in [
        "example n10",
        "example n8",
        "example n9",
        "input     {\"number\":8}",
        "expected  16",
        "answer    8",
        "because   expected 16",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("example n7"), "{text}");
    let change = text.split_once("what has changed in its trace\n").expect("a change").1;
    assert!(change.contains("TOOL look_up"), "{text}");
    assert!(text.contains(&now.file().display().to_string()), "{text}");
    let panic = std::panic::catch_unwind(|| worse.assert()).expect_err("a panic");
    assert_eq!(panic.downcast_ref::<String>(), Some(&text));
    // The other way around, it got better.
    let worse = Report::read(now.file()).expect("the worse one");
    let folder = Folder::new();
    report(&folder, 11, vec![no_worse_than("exact", &worse, 0.0)]).await.assert();
}

#[tokio::test]
async fn a_change_of_exactly_the_margin_is_allowed() {
    // The mean of nine zeros and a loss is -0.1 and a rounding error.
    let (before, now) = (Folder::new(), Folder::new());
    report(&before, 11, vec![]).await;
    let baseline = Report::read(before.file()).expect("the baseline");
    report(&now, 10, vec![no_worse_than("exact", &baseline, 0.1), at_least("exact", 0.9)]).await.assert();
}

#[tokio::test]
async fn examples_without_a_score_do_not_pass() {
    let folder = Folder::new();
    let choosy =
        || {
            Evaluator::new("choosy", |run: &Run| {
                if run.example().id() == "n1" { Ok(1.0) } else { Err("the judge is ill") }
            })
        };
    let task = |example: Example| async move { Ok::<_, io::Error>(2 * number(&example)) };
    let run = |require| experiment(&folder, doubles(4)).task(task).evaluator(choosy()).require(require).run();
    let failed = run(at_least("choosy", 0.9)).await.expect("a report");
    let text = failed.check().expect_err("three have no score").to_string();
    assert!(text.contains("3 of 4 examples have no score: the judge is ill"), "{text}");
    assert!(failed.to_string().contains("choosy failed: the judge is ill"), "{failed}");
    run(at_least("choosy", 0.9).allowing_errors(3)).await.expect("a report").assert();
}

#[tokio::test]
async fn a_report_is_written_for_ci() {
    let folder = Folder::new();
    let report = report(&folder, 10, vec![at_least("exact", 0.95), at_least("half", 0.5)]).await;
    let (junit, summary) = (folder.path().join("ci/junit.xml"), folder.path().join("ci/report.json"));
    report.write_junit(&junit).expect("JUnit");
    let xml = fs::read_to_string(junit).expect("JUnit");
    for count in ["tests=\"12\"", "failures=\"1\"", "errors=\"0\""] {
        assert!(xml.contains(count), "{count}: {xml}");
    }
    assert!(xml.contains("<property name=\"exact\" value=\"0\"/>"), "{xml}");
    report.write_json(&summary).expect("JSON");
    let read: serde_json::Value = serde_json::from_slice(&fs::read(summary).expect("JSON")).expect("JSON");
    assert_eq!(read["evaluators"]["exact"]["mean"], json!(0.9));
    assert_eq!(
        (read["runs"].as_array().map(Vec::len), read["missed"].as_array().map(Vec::len)),
        (Some(10), Some(1))
    );
}

#[test]
fn a_file_that_is_no_experiment_is_refused_with_its_place() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path()).expect("a folder");
    let file = folder.path().join("file.jsonl");
    for (content, expected) in [
        ("", "line 1: the file is empty"),
        ("{\"line\":\"finished\"}\n", "line 1: the first line does not name an experiment"),
        ("{\"question\":\"which lamps?\"}\n", "line 1: missing field"),
    ] {
        fs::write(&file, content).expect("a file");
        let error = Report::read(&file).expect_err(expected).to_string();
        assert!(error.contains(expected) && error.contains("file.jsonl"), "{error}");
    }
}
