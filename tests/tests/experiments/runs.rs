//! What becomes of tasks: success, failure, panic, time-out, limits, interruption.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::future::pending;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use a2a_otel::evaluation::{Dataset, Example, Experiment, ExperimentError, RateLimited, Run, evaluators};
use a2a_otel::{chain_span, llm_call, tool_span};
use proptest::prelude::*;
use serde_json::json;

use super::shared::{Folder, doubles, experiment, number};

async fn double(example: Example) -> Result<u64, io::Error> {
    Ok(2 * number(&example))
}

#[tokio::test]
async fn every_example_is_answered_as_often_as_asked_for() {
    let folder = Folder::new();
    let asked = Arc::new(Mutex::new(BTreeMap::<u64, u32>::new()));
    let counted = asked.clone();
    let task = move |example: Example| {
        *counted.lock().unwrap().entry(number(&example)).or_default() += 1;
        double(example)
    };
    let report =
        experiment(&folder, doubles(5)).task(task).evaluator(evaluators::exact()).repetitions(3).run().await;
    let report = report.expect("a report");
    assert_eq!(*asked.lock().unwrap(), (1..=5).map(|number| (number, 3)).collect());
    assert_eq!((report.runs(), report.failed_runs(), report.mean("exact")), (15, 0, Some(1.0)));
    let lines = folder.lines();
    assert_eq!(lines.iter().filter(|line| line["line"] == "run").count(), 15);
    assert_eq!(lines.last().map(|line| &line["line"]), Some(&json!("finished")));
}

/// A task that fails in one of the ways that there are.
async fn fail(example: Example) -> Result<u64, io::Error> {
    match number(&example) {
        1 => Err(io::Error::other("the shelf is empty")),
        2 => panic!("the shelf has fallen over"),
        3 => pending().await,
        other => Ok(2 * other),
    }
}

#[tokio::test]
async fn failures_panics_and_time_outs_are_results() {
    let folder = Folder::new();
    let experiment = experiment(&folder, doubles(4)).task(fail).evaluator(evaluators::exact());
    let report = experiment.timeout(Duration::from_millis(300)).run().await.expect("a report");
    assert_eq!((report.runs(), report.failed_runs()), (4, 3));
    // A run without an answer is no exact one.
    assert_eq!(report.mean("exact"), Some(0.25));
    let errors: BTreeMap<_, _> = folder
        .lines()
        .into_iter()
        .filter(|line| line["line"] == "run")
        .map(|line| {
            (
                line["example"].as_str().unwrap_or_default().to_owned(),
                line["error"].as_str().map(str::to_owned),
            )
        })
        .collect();
    assert_eq!(errors["n1"].as_deref(), Some("the shelf is empty"));
    assert_eq!(errors["n2"].as_deref(), Some("it panicked: the shelf has fallen over"));
    assert_eq!(errors["n3"].as_deref(), Some("it took longer than 300ms and was cancelled"));
    assert_eq!(errors["n4"], None);
    let text = report.to_string();
    assert!(text.contains("4 examples, 4 runs, 3 failed") && text.contains("the shelf is empty"), "{text}");
}

#[tokio::test]
async fn a_failed_task_is_tried_again_if_that_is_asked_for() {
    let folder = Folder::new();
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = attempts.clone();
    let task = move |example: Example| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        async move { if attempt < 2 { Err(io::Error::other("not yet")) } else { Ok(2 * number(&example)) } }
    };
    let report = experiment(&folder, doubles(1)).task(task).retries(2).run().await.expect("a report");
    assert_eq!((attempts.load(Ordering::SeqCst), report.failed_runs()), (3, 0));
}

/// An error with a limit as its cause.
#[derive(Debug, thiserror::Error)]
#[error("the model did not answer")]
struct Unanswered(#[source] RateLimited);

#[tokio::test]
async fn all_tasks_wait_for_a_rate_limit() {
    let folder = Folder::new();
    let started = Arc::new(Mutex::new(Vec::new()));
    let seen = started.clone();
    let pause = Duration::from_millis(400);
    let task = move |example: Example| {
        let mut seen = seen.lock().unwrap();
        let is_first = seen.is_empty();
        seen.push(Instant::now());
        async move { if is_first { Err(Unanswered(RateLimited::for_(pause))) } else { Ok(2 * number(&example)) } }
    };
    let report = experiment(&folder, doubles(6)).task(task).concurrency(1).run().await.expect("a report");
    assert_eq!(report.failed_runs(), 0);
    let started = started.lock().unwrap();
    assert_eq!(started.len(), 7, "the refused one is tried again");
    assert!(started[1] - started[0] >= pause, "{:?}", started[1] - started[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_tasks_run_than_are_allowed() {
    let folder = Folder::new();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (running.clone(), most.clone());
    let task = move |example: Example| {
        let (now, peak) = (now.clone(), peak.clone());
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            double(example).await
        }
    };
    experiment(&folder, doubles(30)).task(task).concurrency(4).run().await.expect("a report");
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)), "{most:?} ran at once");
}

#[llm_call(model = "gpt-4o", provider = "openai", output = answer(&question))]
async fn ask(question: String) -> String {
    question.to_uppercase()
}

fn answer(question: &str) -> String {
    question.to_uppercase()
}

#[tool_span]
async fn search(word: &str) -> usize {
    word.len()
}

#[chain_span]
async fn shop(word: &str) -> String {
    let found = search(word).await + search("lamp").await;
    ask(format!("{word} {found}")).await
}

#[tokio::test]
async fn evaluators_see_the_trace_of_the_run() {
    let folder = Folder::new();
    let seen = Arc::new(Mutex::new(None::<Run>));
    let keep = seen.clone();
    let look = a2a_otel::evaluation::Evaluator::new("look", move |run: &Run| {
        *keep.lock().unwrap() = Some(run.clone());
        true
    });
    let dataset = Dataset::new("words").with_example(Example::new("table"));
    let task = |example: Example| async move {
        Ok::<_, io::Error>(shop(example.input().as_str().unwrap_or_default()).await)
    };
    let experiment =
        experiment(&folder, dataset).task(task).evaluator(look).evaluator(evaluators::steps_at_most(2));
    let report =
        experiment.evaluator(evaluators::tool_calls(["search", "search"])).run().await.expect("a report");
    let run = seen.lock().unwrap().clone().expect("a run");
    assert_eq!(run.tool_calls(), ["search", "search"]);
    assert_eq!((run.steps(), run.output_text()), (3, "TABLE 9".to_owned()));
    assert_eq!((report.mean("tool_calls"), report.mean("steps")), (Some(1.0), Some(0.0)));
    let names: Vec<_> = run.spans().iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["Task: doubling", "shop", "search", "search", "ask"]);
    assert_eq!(run.spans()[0].text("input.value"), Some("table"));
    assert_eq!(run.trace_id(), Some(run.spans()[0].trace_id.to_string().as_str()));
}

#[tokio::test]
async fn what_an_experiment_lacks_is_said() {
    let folder = Folder::new();
    let lacking = [
        (Experiment::new(""), "has no name"),
        (Experiment::new("e"), "has no examples"),
        (Experiment::new("e").dataset(Dataset::new("empty")).task(double), "has no examples"),
        (Experiment::new("e").dataset(doubles(1)), "has no task"),
        (Experiment::new("e").dataset(doubles(1)).task(double).repetitions(0), "repeated 0 times"),
        (Experiment::new("e").dataset(doubles(1)).task(double).concurrency(0), "concurrency 0"),
        (
            Experiment::new("e")
                .dataset(doubles(1))
                .task(double)
                .evaluator(evaluators::exact())
                .evaluator(evaluators::exact()),
            "two evaluators named \"exact\"",
        ),
    ];
    for (experiment, expected) in lacking {
        let error = experiment.folder(folder.path()).run().await.expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(folder.files().is_empty(), "nothing was started");
    let outside = std::thread::spawn(|| {
        let run = Experiment::new("e").dataset(doubles(1)).task(double).run();
        futures::executor::block_on(run).expect_err("no runtime")
    });
    assert!(matches!(outside.join().expect("an error"), ExperimentError::NoRuntime));
}

/// Runs until so many answers are there, and is dropped then, as by Ctrl-C.
async fn interrupted(folder: &Folder, after: usize) {
    let answered = Arc::new(AtomicUsize::new(0));
    let task = move |example: Example| {
        let answered = answered.clone();
        async move {
            if answered.fetch_add(1, Ordering::SeqCst) >= after {
                pending().await
            } else {
                double(example).await
            }
        }
    };
    let run = experiment(folder, doubles(6)).task(task).evaluator(evaluators::exact()).concurrency(1).run();
    let waits = async {
        let is_done = || {
            folder.files().len() == 1
                && folder.lines().iter().filter(|line| line["line"] == "evaluation").count() >= after
        };
        while !is_done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        report = run => panic!("it should not end: {report:?}"),
        () = waits => {}
    }
}

#[tokio::test]
async fn an_interrupted_experiment_continues_where_it_was() {
    let folder = Folder::new();
    interrupted(&folder, 4).await;
    // The process was killed while it wrote a line.
    let mut file = OpenOptions::new().append(true).open(folder.file()).expect("the results");
    file.write_all(b"{\"line\":\"run\",\"exam").expect("half a line");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let task = move |example: Example| {
        counted.fetch_add(1, Ordering::SeqCst);
        double(example)
    };
    let again = || experiment(&folder, doubles(6)).task(task.clone()).evaluator(evaluators::exact());
    let report = again().resume().run().await.expect("a report");
    assert_eq!((asked.load(Ordering::SeqCst), report.runs(), report.mean("exact")), (2, 6, Some(1.0)));
    assert_eq!(report.path(), folder.file());
    // It is finished now, so there is nothing to go on with.
    again().resume().run().await.expect("a report");
    assert_eq!((asked.load(Ordering::SeqCst), folder.files().len()), (8, 2));
}

#[tokio::test]
async fn results_of_other_examples_are_not_continued() {
    let folder = Folder::new();
    interrupted(&folder, 2).await;
    let report = experiment(&folder, doubles(5)).task(double).resume().run().await.expect("a report");
    assert_eq!((report.runs(), folder.files().len()), (5, 2));
}

#[tokio::test]
async fn failed_runs_are_run_again_when_an_experiment_continues() {
    let folder = Folder::new();
    let dataset = doubles(4);
    let failing = experiment(&folder, dataset.clone()).task(fail).timeout(Duration::from_millis(50));
    failing.evaluator(evaluators::exact()).run().await.expect("a report");
    // As if it had been killed before its last line.
    let file = folder.file();
    let text = fs::read_to_string(&file).expect("the results");
    fs::write(&file, text.replace("{\"line\":\"finished\"}\n", "")).expect("the results");
    let again = experiment(&folder, dataset).task(double).evaluator(evaluators::exact()).resume();
    let report = again.run().await.expect("a report");
    assert_eq!((report.runs(), report.failed_runs(), report.mean("exact")), (4, 0, Some(1.0)));
}

#[tokio::test]
async fn a_new_answer_is_judged_anew() {
    let folder = Folder::new();
    let begun = || experiment(&folder, doubles(1)).evaluator(evaluators::exact());
    let fail = |_| async { Err::<u64, _>(io::Error::other("not today")) };
    begun().task(fail).run().await.expect("a report");
    // It continues, answers, and is killed before it has judged the answer.
    let file = folder.file();
    let text = fs::read_to_string(&file).expect("the results").replace("{\"line\":\"finished\"}\n", "");
    let run = text.lines().find(|line| line.contains("\"run\"")).expect("a run");
    let mut run: serde_json::Value = serde_json::from_str(run).expect("JSON");
    run["output"] = json!(2);
    run.as_object_mut().expect("an object").remove("error");
    fs::write(&file, format!("{text}{run}\n")).expect("the results");
    let never = |_| async { Err::<u64, _>(io::Error::other("it is answered already")) };
    let report = begun().task(never).resume().run().await.expect("a report");
    assert_eq!((report.runs(), report.failed_runs(), report.mean("exact")), (1, 0, Some(1.0)));
}

#[tokio::test]
async fn a_file_that_was_cut_within_a_character_continues() {
    let folder = Folder::new();
    let dataset = || Dataset::new("umlauts").with_example(Example::new("Tür").with_expected("Tür"));
    let echo = |example: Example| async move { Ok::<_, io::Error>(example.input().clone()) };
    experiment(&folder, dataset()).task(echo).evaluator(evaluators::exact()).run().await.expect("a report");
    let file = folder.file();
    let bytes = fs::read(&file).expect("the results");
    let cut = bytes.iter().rposition(|byte| *byte == "ü".as_bytes()[0]).expect("an umlaut") + 1;
    fs::write(&file, &bytes[..cut]).expect("the results");
    let again = experiment(&folder, dataset()).task(echo).evaluator(evaluators::exact()).resume();
    let report = again.run().await.expect("a report");
    assert_eq!((report.path(), report.mean("exact")), (file.as_path(), Some(1.0)));
}

#[tokio::test]
async fn an_example_with_another_content_is_answered_anew() {
    let folder = Folder::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let run = |expected: u32| {
        let asked = asked.clone();
        let task = move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, io::Error>(4) }
        };
        let dataset =
            Dataset::new("one").with_example(Example::new("2 + 2").with_id("sum").with_expected(expected));
        experiment(&folder, dataset).task(task).evaluator(evaluators::exact()).resume().run()
    };
    run(5).await.expect("a report");
    let file = folder.file();
    let text = fs::read_to_string(&file).expect("the results");
    fs::write(&file, text.replace("{\"line\":\"finished\"}\n", "")).expect("the results");
    let report = run(4).await.expect("a report");
    assert_eq!((asked.load(Ordering::SeqCst), report.mean("exact")), (2, Some(1.0)));
}

#[tokio::test]
async fn names_that_are_no_file_names_do_not_collide() {
    let folder = Folder::new();
    let ids = ["a/b", "a_b", "A", "a", "../up", "con", &"ü".repeat(300)];
    let examples = ids.iter().map(|id| Example::new(json!({"number": 1})).with_id(*id));
    let dataset = Dataset::new("names").with_examples(examples);
    let report = Experiment::new("../étrange/".repeat(20))
        .dataset(dataset)
        .task(double)
        .folder(folder.path())
        .progress(false);
    let report = report.run().await.expect("a report");
    for id in ids {
        let trace = report.trace(id, 1).unwrap_or_else(|| panic!("the trace of {id}"));
        assert_eq!(trace.spans().len(), 1);
    }
    assert!(report.path().starts_with(folder.path()), "{}", report.path().display());
    assert_eq!(fs::read_dir(report.path().with_extension("traces")).expect("traces").count(), ids.len());
}

#[tokio::test]
async fn an_experiment_that_runs_is_not_continued() {
    let folder = Folder::new();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let begun = Mutex::new(Some(begun));
    let task = move |_: Example| {
        if let Some(begun) = begun.lock().unwrap().take() {
            let _ = begun.send(());
        }
        pending::<Result<u64, io::Error>>()
    };
    let running = tokio::spawn(experiment(&folder, doubles(2)).task(task).run());
    begins.await.expect("a task");
    let error = experiment(&folder, doubles(2)).task(double).resume().run().await.expect_err("it runs");
    assert!(matches!(&error, ExperimentError::Running(path) if *path == folder.file()), "{error}");
    running.abort();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However often and wherever an experiment is interrupted, each example is answered once for each repetition, and the
    /// report is that of an experiment that was not.
    #[test]
    fn interruptions_change_nothing(cuts in proptest::collection::vec(0_usize..5, 0..4), repetitions in 1_u32..3) {
        let folder = Folder::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answers = Arc::new(AtomicUsize::new(0));
        let run = |stop_after: Option<usize>| {
            let (answers, begun) = (answers.clone(), Arc::new(AtomicUsize::new(0)));
            let task = move |example: Example| {
                let (answers, begun) = (answers.clone(), begun.clone());
                async move {
                    if stop_after.is_some_and(|after| begun.fetch_add(1, Ordering::SeqCst) >= after) {
                        return pending().await;
                    }
                    answers.fetch_add(1, Ordering::SeqCst);
                    double(example).await
                }
            };
            let dataset = doubles(4);
            experiment(&folder, dataset).task(task).evaluator(evaluators::exact()).repetitions(repetitions).concurrency(2).resume().run()
        };
        let total = 4 * repetitions as usize;
        for cut in cuts {
            let before = answers.load(Ordering::SeqCst);
            if before + cut >= total {
                break;
            }
            runtime.block_on(async {
                let _ = tokio::time::timeout(Duration::from_millis(100), run(Some(cut))).await;
            });
        }
        let report = runtime.block_on(run(None)).expect("a report");
        prop_assert_eq!(answers.load(Ordering::SeqCst), total);
        prop_assert_eq!((report.runs(), report.mean("exact")), (total, Some(1.0)));
        prop_assert_eq!(folder.files().len(), 1);
    }
}
