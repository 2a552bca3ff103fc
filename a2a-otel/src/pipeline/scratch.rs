//! Paths for tests on the real disk.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;

/// A path where nothing is yet. The file or folder that is there when this is dropped is deleted.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        let unique = RandomState::new().hash_one(());
        Scratch(std::env::temp_dir().join(format!("a2a-otel-scratch-{unique:016x}")))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}
