//! What the tests of experiments share.

use std::fs;
use std::path::{Path, PathBuf};

use a2a_otel::evaluation::{Dataset, Example, Experiment};
use a2a_otel_tests::package::workspace;
use a2a_otel_tests::services::unique;
use serde_json::{Value, json};

/// A folder that is deleted when this is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(workspace().join("target").join("experiments").join(unique("experiment")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The lines of the only file in it.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let file = self.file();
        let text = fs::read_to_string(file).expect("the results");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    pub(crate) fn file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
        files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Numbers, each with its double.
pub(crate) fn doubles(count: u32) -> Dataset {
    let example = |number: u32| {
        Example::new(json!({"number": number})).with_id(format!("n{number}")).with_expected(2 * number)
    };
    Dataset::new("doubles").with_examples((1..=count).map(example))
}

pub(crate) fn number(example: &Example) -> u64 {
    example.input()["number"].as_u64().expect("a number")
}

/// An experiment that writes below a folder of its own, without a progress bar.
pub(crate) fn experiment(folder: &Folder, dataset: Dataset) -> Experiment {
    Experiment::new("doubling").dataset(dataset).folder(folder.path()).progress(false)
}
