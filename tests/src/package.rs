//! Packages of their own, which use the library with features that the tests do not have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A package outside of the workspace.
#[derive(Debug)]
pub struct Package(PathBuf);

impl Package {
    /// Makes a package with these dependencies, as a manifest has them, in a folder of this name.
    ///
    /// # Panics
    ///
    /// If files cannot be written.
    #[must_use]
    pub fn new(folder: &str, name: &str, dependencies: &[String]) -> Self {
        let package = Self(Path::new(folder).join(name));
        let dependencies = dependencies.join("\n");
        package.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}\n"
            ),
        );
        let lock = fs::read_to_string(workspace().join("Cargo.lock")).expect("there is a lock file");
        package.write("Cargo.lock", &lock);
        package
    }

    /// Writes a file of the package.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).expect("target/ can be written to");
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Cargo, in this package and without access to the network.
    #[must_use]
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The lock file lists more than the package needs, so it may change.
        cargo.args(arguments).args(["--offline", "--quiet"]).current_dir(&self.0);
        cargo.env("CARGO_TARGET_DIR", "target").env_remove("CARGO_BUILD_TARGET_DIR");
        cargo
    }
}

/// The library as a dependency with these features and no others.
#[must_use]
pub fn library(features: &[&str]) -> String {
    let path = workspace().join("a2a-otel");
    format!("a2a-otel = {{ path = '{}', default-features = false, features = {features:?} }}", path.display())
}

/// Runs a command to its end.
///
/// # Panics
///
/// If it fails, with what it has printed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The folder of the workspace.
///
/// # Panics
///
/// Never: this package is in a folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member of the workspace")
}
