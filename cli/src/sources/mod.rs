//! Reads what the sources of a workspace declare: metrics, and names of agents, tools and models.
//!
//! A source that cannot be read costs its own declarations only: it is reported, and the rest goes on.

mod arguments;
mod attributes;
mod conditions;
mod manifest;
mod modules;
mod packages;
mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::message::{Failure, Warning};
use crate::model::{Declared, Name};

pub use manifest::Ratio;
pub use place::Place;

/// What was found in the sources.
#[derive(Debug, Default)]
pub struct Found {
    /// The metrics of `#[business_metric]`, in the order of files and lines.
    pub metrics: Vec<Declared>,
    /// The literal names in span attributes.
    pub names: Vec<Name>,
    /// The ratios that packages declare in their `Cargo.toml`.
    pub ratios: Vec<Ratio>,
    /// What could not be read, and why.
    pub warnings: Vec<Warning>,
    /// How many source files count.
    pub files: usize,
}

/// Reads the sources below a folder.
///
/// # Errors
///
/// If the folder cannot be read, or has no sources.
///
/// ```
/// let missing = a2a_otel_cli::sources::read("no/such/folder".as_ref()).unwrap_err();
/// assert!(missing.to_string().contains("no/such/folder"));
/// ```
pub fn read(folder: &Path) -> Result<Found, Failure> {
    let listed = packages::list(folder)?;
    let mut found = Found { warnings: listed.warnings, ratios: listed.ratios, ..Found::default() };
    let mut files = modules::load(&modules::clean(folder), &listed.sources, &mut found.warnings);
    let counted = modules::counted(&files);
    if counted.is_empty() && found.warnings.is_empty() {
        return Err(Failure::NoSources(folder.to_owned()));
    }
    found.files = counted.len();
    let mut hidden = Vec::new();
    for path in counted {
        if let Some(file) = files.remove(&path) {
            attributes::read(&file, &mut found, &mut hidden);
        }
    }
    found.warnings.extend(attributes::hidden_in_macros(&hidden));
    found.warnings.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(found)
}

/// The parsed sources, by their path.
type Files = BTreeMap<PathBuf, modules::File>;
