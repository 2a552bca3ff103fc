//! Runs the program as users do, and finds the services that some tests need.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod browser;
pub(crate) mod pages;
pub(crate) mod prometheus;
pub(crate) mod services;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Said {
    let output =
        Command::new(env!("CARGO_BIN_EXE_a2a-otel")).args(arguments).current_dir(workspace()).output();
    let Output { status, stdout, stderr } = output.expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: status.code().expect("an exit code"), stdout: text(stdout), stderr: text(stderr) }
}

/// Generates from a folder of sources into another.
pub(crate) fn generate(src: &Path, out: &Path, more: &[&str]) -> Said {
    let (src, out) = (src.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
    run(&[&["generate", "--src", src, "--out", out], more].concat())
}

/// The root of the repository.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member of the workspace")
}

/// A made project: its files, with their contents.
pub(crate) fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    folder
}

/// Every file below a folder, by its path, with its content.
pub(crate) fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_str().expect("UTF-8").to_owned();
                found.push((name, fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    found.sort();
    found
}

/// Series that are not the agents': Prometheus's own, and those of Phoenix.
pub(crate) const OTHERS: [&str; 7] = [
    "up",
    "ALERTS",
    "phoenix_span_queue_size",
    "phoenix_span_queue_rejections_total",
    "phoenix_bulk_loader_span_exceptions_total",
    "phoenix_bulk_loader_span_insertion_time_seconds_bucket",
    "phoenix_span_ingestion_last_success_timestamp_seconds",
];

/// The names of series that exist: those of the model, and others.
pub(crate) fn known_series() -> BTreeSet<String> {
    let model = marketplace();
    let series = model
        .metrics()
        .iter()
        .flat_map(|metric| a2a_otel_cli::names::series(&metric.prometheus, metric.kind));
    series.chain(OTHERS.map(str::to_owned)).collect()
}

/// The model of the marketplace, from its sources.
pub(crate) fn marketplace() -> a2a_otel_cli::model::Model {
    let found = a2a_otel_cli::sources::read(&workspace().join("examples")).expect("sources");
    a2a_otel_cli::model::Model::new(found, &mut Vec::new()).expect("no conflicts")
}
