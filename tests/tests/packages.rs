//! Tests what the packages contain that are published.

use std::process::Command;

use a2a_otel_tests::package::run;

/// The files of a package, with paths from its root.
fn files(package: &str) -> Vec<String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["package", "--list", "--allow-dirty", "--offline", "--quiet", "--package", package]);
    let listed = run(&mut cargo).stdout;
    String::from_utf8(listed).expect("cargo prints UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn each_package_has_its_licences_and_nothing_that_is_only_for_tests() {
    for package in ["a2a-otel", "a2a-otel-cli", "a2a-otel-macros"] {
        let files = files(package);
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(files.iter().any(|file| file == licence), "{package} has {licence}: {files:?}");
        }
        let is_of_tests = |file: &&String| file.starts_with("tests/") || file.starts_with("snapshots/");
        assert_eq!(files.iter().find(is_of_tests), None, "{package}");
    }
}

#[test]
fn the_library_has_its_page_and_its_history() {
    let files = files("a2a-otel");
    for file in ["CHANGELOG.md", "README.md", "src/lib.rs"] {
        assert!(files.iter().any(|known| known == file), "{file}: {files:?}");
    }
    let files = self::files("a2a-otel-macros");
    assert!(
        files.iter().any(|file| file == "docs/span_arguments.md"),
        "the docs of the attributes: {files:?}"
    );
}
