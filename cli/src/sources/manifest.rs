//! What a package's `Cargo.toml` says: its targets, and what it declares for this program.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Place;
use crate::message::Warning;

/// The folders beside a `Cargo.toml` in which cargo looks for targets that are neither tests nor benchmarks.
const FOLDERS: [&str; 2] = ["src", "examples"];

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

/// A package.
#[derive(Debug, Default)]
pub(super) struct Package {
    folder: PathBuf,
    /// The paths of targets that are elsewhere than cargo looks for them.
    targets: Vec<PathBuf>,
    pub(super) ratios: Vec<Ratio>,
}

impl Package {
    /// Whether a source can be the root of a target that is neither a test nor a benchmark. The modules of a target may be
    /// anywhere.
    pub(super) fn has(&self, source: &Path) -> bool {
        let mut folders = FOLDERS.iter().map(|folder| self.folder.join(folder));
        folders.any(|folder| source.starts_with(folder)) || self.targets.iter().any(|target| target == source)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    package: Option<Described>,
    lib: Option<Target>,
    bin: Vec<Target>,
    example: Vec<Target>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    path: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Described {
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

/// Reads the `Cargo.toml` of a package, which is shown as `file`. `None` if it is that of a workspace, or cannot be read.
pub(super) fn read(path: &Path, file: &str, warnings: &mut Vec<Warning>) -> Option<Package> {
    let mut warn =
        |text: String| warnings.push(Warning { place: Place { file: file.to_owned(), line: 1 }, text });
    let text = fs::read_to_string(path).map_err(|error| error.to_string());
    let parsed = text.and_then(|text| {
        let manifest = toml::from_str::<Manifest>(&text).map_err(|error| error.message().to_owned())?;
        Ok((text, manifest))
    });
    let (text, manifest) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            warn(format!("it cannot be read, so all sources count, and no ratios: {error}"));
            return None;
        }
    };
    let metadata = manifest.package?.metadata;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let targets = manifest.lib.into_iter().chain(manifest.bin).chain(manifest.example);
    let targets = targets.filter_map(|target| Some(folder.join(target.path?))).collect();
    let mut package = Package { folder, targets, ratios: Vec::new() };
    match metadata.ours.map(toml::Value::try_into::<Ours>) {
        Some(Ok(ours)) => package.ratios.extend(ours.ratio.into_iter().map(|ratio| {
            let line = text.lines().position(|line| line.contains(&ratio.title)).map_or(1, |line| line + 1);
            Ratio { place: Some(Place { file: file.to_owned(), line }), ..ratio }
        })),
        Some(Err(error)) => warn(format!(
            "[package.metadata.a2a-otel] is left out: {}; a [[package.metadata.a2a-otel.ratio]] has `title`, `of` \
             and `per`, and may have `description` and `unit`",
            error.message()
        )),
        None => {}
    }
    Some(package)
}
