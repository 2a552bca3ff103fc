//! Evaluates the marketplace as a user does: without any service, killed in the middle, and in a real Phoenix.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use a2a_otel_tests::package::workspace;
use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::screenshot::screenshot;
use a2a_otel_tests::services::{eventually, require, unique};
use serde_json::{Value, json};

const REQUESTS: usize = 40;
const EVALUATORS: [&str; 4] = ["contains_expected", "helpful", "right_agents", "steps"];

/// A folder for results, which is deleted when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(workspace().join("target/experiments").join(unique("marketplace")))
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.join("marketplace")).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect()
    }

    fn only_file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evaluate"));
    for (name, _) in std::env::vars() {
        if ["OTEL_", "PHOENIX_", "OPENAI_", "A2A_OTEL_", "MARKETPLACE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command
        .arg("--folder")
        .arg(&folder.0)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(workspace());
    command
}

#[track_caller]
fn printed(output: &Output) -> String {
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    printed
}

#[track_caller]
fn evaluate(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    printed(&command(folder, arguments, variables).output().expect("the program starts"))
}

/// The lines of a kind.
fn lines(file: &Path, kind: &str) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    lines.filter(|line| line["line"] == kind).collect()
}

#[test]
fn forty_requests_are_judged_without_any_service() {
    let folder = Folder::new();
    let junit = folder.0.join("junit.xml");
    let text = evaluate(&folder, &["--junit", &junit.display().to_string()], &[]);
    assert!(text.contains("40 examples, 40 runs, 0 failed"), "{text}");
    for evaluator in EVALUATORS {
        assert!(text.lines().any(|line| line.trim_start().starts_with(evaluator)), "{evaluator}: {text}");
    }
    assert!(text.contains("tokens") && text.contains("US dollars"), "{text}");
    let file = folder.only_file();
    assert_eq!((lines(&file, "run").len(), lines(&file, "evaluation").len()), (REQUESTS, 4 * REQUESTS));
    let report = fs::read_to_string(junit).expect("JUnit");
    assert!(report.contains("failures=\"0\"") && report.contains("buy-P-0012 #1"), "{report}");
    // It is not worse than itself. What is bought once cannot be bought twice, but each run has its own shop.
    evaluate(&folder, &["--baseline", &file.display().to_string()], &[]);
}

#[test]
fn a_run_that_is_killed_continues() {
    let folder = Folder::new();
    let mut child: Child = command(&folder, &["--repetitions", "3"], &[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let has_begun = || {
        let files = folder.files();
        files.first().filter(|file| lines(file, "run").len() >= 10).cloned()
    };
    let file = eventually(Duration::from_secs(60), has_begun).expect("some answers");
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let before = lines(&file, "run");
    assert!((10..3 * REQUESTS).contains(&before.len()), "{} answers", before.len());
    let text = evaluate(&folder, &["--repetitions", "3", "--resume"], &[]);
    assert!(text.contains("120 runs, 0 failed"), "{text}");
    let after = lines(&folder.only_file(), "run");
    // Each is answered once, and what was answered before is kept.
    assert_eq!(after.len(), 3 * REQUESTS);
    assert_eq!(after[..before.len()], before);
}

#[test]
fn a_worse_market_fails_and_shows_what_has_changed() {
    let folder = Folder::new();
    evaluate(&folder, &[], &[]);
    let baseline = folder.only_file().display().to_string();
    let faults = folder.0.join("faults.json");
    fs::write(&faults, json!({"failing_tools": ["search_products"]}).to_string()).expect("the faults");
    let faults = [("MARKETPLACE_FAULTS", &*faults.display().to_string())];
    let output = command(&folder, &["--baseline", &baseline], &faults).output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    println!("{errors}");
    for part in [
        "contains_expected of at least 0.95 is required",
        "contains_expected no worse than in \"marketplace\" by more than 0.02 is required",
        "what has changed in its trace",
        "~ ",
        "more lines; Report::trace returns the whole trace",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
}

#[test]
fn phoenix_shows_the_experiment() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let folder = Folder::new();
    let text = evaluate(&folder, &["--phoenix"], &[("PHOENIX_COLLECTOR_ENDPOINT", phoenix.url())]);
    let link =
        text.lines().find_map(|line| line.trim().strip_prefix("see ")).unwrap_or_else(|| panic!("{text}"));
    assert!(!text.contains("Phoenix lacks"), "{text}");
    let id = link.rsplit_once("experimentId=").expect("an experiment").1;
    let rows = phoenix.get(&format!("/v1/experiments/{id}/json")).body;
    let rows = rows.as_array().expect("runs");
    assert_eq!(rows.len(), REQUESTS);
    // What Phoenix has is what the file has.
    let file = folder.only_file();
    let evaluations = lines(&file, "evaluation");
    for row in rows {
        let trace = row["trace_id"].as_str().expect("a trace");
        let runs = lines(&file, "run");
        let run = runs.iter().find(|run| run["trace_id"] == trace).unwrap_or_else(|| panic!("{row:#}"));
        assert_eq!((&row["output"], &row["input"]["input"]), (&run["output"], &request_of(run)), "{row:#}");
        let judged = evaluations.iter().filter(|one| one["example"] == run["example"]);
        let judged: BTreeMap<_, _> =
            judged.map(|one| (one["name"].as_str(), one["score"].as_f64())).collect();
        let shown = row["annotations"].as_array().expect("evaluations");
        let shown: BTreeMap<_, _> =
            shown.iter().map(|one| (one["name"].as_str(), one["score"].as_f64())).collect();
        assert_eq!((shown.len(), &shown), (4, &judged), "{row:#}");
    }
    fs::create_dir_all(workspace().join("target/screenshots")).expect("a folder for pictures");
    let dataset = link.split("/compare").next().expect("a dataset");
    for (name, page) in [("experiment", link), ("dataset", &format!("{dataset}/examples"))] {
        let picture = workspace().join("target/screenshots").join(name).with_extension("png");
        require("Chromium", screenshot(page, &picture));
    }
}

/// The request that a run has answered.
fn request_of(run: &Value) -> Value {
    let requests =
        fs::read_to_string(workspace().join("examples/data/requests.jsonl")).expect("the requests");
    let mut requests = requests.lines().map(|line| serde_json::from_str::<Value>(line).expect("a request"));
    requests
        .find(|request| request["id"] == run["example"])
        .map(|request| request["input"].clone())
        .unwrap_or_default()
}

#[test]
fn arguments_that_it_does_not_know_are_refused() {
    let folder = Folder::new();
    let output = command(&folder, &["--fast"], &[]).output().expect("the program starts");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("usage: evaluate"));
    assert!(folder.files().is_empty());
}
