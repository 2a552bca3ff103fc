//! Tests what the packages contain that are published.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use a2a_otel_tests::package::{run, workspace};

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

/// Their code is part of what our users publish.
#[test]
fn every_crate_that_the_published_ones_need_has_an_accepted_licence() {
    let accepted = fs::read_to_string(workspace().join("deny.toml")).expect("deny.toml");
    let accepted: toml::Table = accepted.parse().expect("TOML");
    let accepted: Vec<_> = accepted["licenses"]["allow"].as_array().expect("a list").iter().collect();
    let is_accepted = |licence: &str| accepted.iter().any(|accepted| accepted.as_str() == Some(licence));

    let refused: Vec<_> = licences()
        .into_iter()
        .filter(|(_, licence)| {
            let licence = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).expect("a licence");
            !licence.evaluate(|part| part.license.id().is_some_and(|id| is_accepted(id.name)))
        })
        .collect();
    assert_eq!(refused, []);
}

/// The crates that normal dependencies of the published ones lead to, with their licences.
fn licences() -> BTreeSet<(String, String)> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--offline", "--edges", "normal,build", "--all-features", "--target", "all"]);
    cargo.args(["--prefix", "none", "--format", "{p}\t{l}", "-p", "a2a-otel", "-p", "a2a-otel-cli"]);
    let listed = String::from_utf8(run(&mut cargo).stdout).expect("cargo prints UTF-8");
    let lines = listed.lines().filter(|line| !line.is_empty());
    let pair = |line: &str| {
        let (package, licence) = line.split_once('\t').expect("a package and its licence");
        (package.trim_end_matches(" (*)").to_owned(), licence.trim_end_matches(" (*)").to_owned())
    };
    lines.map(pair).collect()
}
