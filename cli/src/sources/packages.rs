//! Lists the sources below a folder, and reads what packages declare in their `Cargo.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Place;
use crate::message::{Failure, Warning};

/// The folders beside a `Cargo.toml` whose sources are tests or benchmarks, unless they are packages themselves.
const TESTS: [&str; 2] = ["tests", "benches"];

const MANIFEST: &str = "Cargo.toml";

/// A ratio of two metrics that a package declares, for a panel.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// The panel's title.
    pub title: String,
    /// What the ratio means.
    #[serde(default)]
    pub description: String,
    /// The metric that is divided, by its name in OpenTelemetry.
    pub of: String,
    /// The metric by which it is divided.
    pub per: String,
    /// The unit of the ratio, in UCUM's notation: `1` is shown in percent.
    #[serde(default)]
    pub unit: String,
    /// Where it is declared.
    #[serde(skip)]
    pub place: Option<Place>,
}

/// What is below a folder.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) sources: BTreeSet<PathBuf>,
    pub(super) ratios: Vec<Ratio>,
    pub(super) warnings: Vec<Warning>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    package: Package,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    #[serde(rename = "a2a-otel")]
    ours: Option<toml::Value>,
}

/// What a package may declare below `[package.metadata.a2a-otel]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ours {
    #[serde(default)]
    ratio: Vec<Ratio>,
}

/// Lists the sources below a folder, without those of tests, build results and hidden folders.
pub(super) fn list(folder: &Path) -> Result<Listed, Failure> {
    let mut listed = Listed::default();
    visit(folder, folder, &mut listed).map_err(Failure::file(folder))?;
    Ok(listed)
}

fn visit(root: &Path, folder: &Path, listed: &mut Listed) -> io::Result<()> {
    let entries = fs::read_dir(folder)?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let manifest = folder.join(MANIFEST);
    let is_package = manifest.is_file();
    if is_package {
        read_manifest(root, &manifest, listed);
    }
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A link to a folder could lead round in a circle.
        if path.is_symlink() && path.is_dir() || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            let has_tests = is_package && TESTS.contains(&&*name) && !path.join(MANIFEST).is_file();
            let is_built = name == "target" && (is_package || path.join("CACHEDIR.TAG").is_file());
            if !has_tests
                && !is_built
                && let Err(error) = visit(root, &path, listed)
            {
                let text = format!("this folder is left out, because it cannot be read: {error}");
                let place = Place { file: below(root, &path), line: 1 };
                listed.warnings.push(Warning { place, text });
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            listed.sources.insert(path);
        }
    }
    Ok(())
}

fn read_manifest(root: &Path, path: &Path, listed: &mut Listed) {
    let file = below(root, path);
    let mut warn = |text: String| {
        listed.warnings.push(Warning { place: Place { file: file.clone(), line: 1 }, text });
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return warn(format!("cannot be read, so its ratios are left out: {error}")),
    };
    let manifest: Manifest = match toml::from_str(&text) {
        Ok(manifest) => manifest,
        Err(error) => {
            return warn(format!("cannot be read, so its ratios are left out: {}", error.message()));
        }
    };
    let Some(ours) = manifest.package.metadata.ours else { return };
    match ours.try_into::<Ours>() {
        Ok(ours) => listed.ratios.extend(ours.ratio.into_iter().map(|ratio| {
            let line = text.lines().position(|line| line.contains(&ratio.title)).map_or(1, |line| line + 1);
            Ratio { place: Some(Place { file: file.clone(), line }), ..ratio }
        })),
        Err(error) => warn(format!(
            "[package.metadata.a2a-otel] is left out: {}; a [[package.metadata.a2a-otel.ratio]] has `title`, `of` \
             and `per`, and may have `description` and `unit`",
            error.message()
        )),
    }
}

/// A path below the folder of sources, as it is shown.
pub(super) fn below(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
