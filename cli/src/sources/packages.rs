//! Lists the sources below a folder.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Place;
use super::manifest::{self, Package, Ratio};
use crate::message::{Failure, Warning};

const MANIFEST: &str = "Cargo.toml";

/// The folder of build results, and the file by which cargo marks it wherever it is.
const BUILT: &str = "target";
const MARK: &str = "CACHEDIR.TAG";

/// What is below a folder.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// The sources of packages, and those that belong to none. Other modules are found from these.
    pub(super) sources: BTreeSet<PathBuf>,
    pub(super) ratios: Vec<Ratio>,
    pub(super) warnings: Vec<Warning>,
}

/// Lists the sources below a folder, without those of tests and benchmarks, build results and hidden folders.
pub(super) fn list(folder: &Path) -> Result<Listed, Failure> {
    let mut listed = Listed::default();
    visit(folder, folder, None, &mut listed).map_err(Failure::file(folder))?;
    Ok(listed)
}

fn visit(root: &Path, folder: &Path, outer: Option<&Package>, listed: &mut Listed) -> io::Result<()> {
    let entries = fs::read_dir(folder)?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let manifest = folder.join(MANIFEST);
    let has_manifest = manifest.is_file();
    let mut own = has_manifest
        .then(|| manifest::read(&manifest, &below(root, &manifest), &mut listed.warnings))
        .flatten();
    if let Some(own) = &mut own {
        listed.ratios.append(&mut own.ratios);
    }
    let package = if has_manifest { own.as_ref() } else { outer };
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A link to a folder could lead round in a circle.
        if name.starts_with('.') || path.is_symlink() && path.is_dir() {
            continue;
        }
        if path.is_dir() {
            let is_built = path.join(MARK).is_file() || has_manifest && name == BUILT;
            if !is_built && let Err(error) = visit(root, &path, package, listed) {
                let text = format!("this folder is left out, because it cannot be read: {error}");
                let place = Place { file: below(root, &path), line: 1 };
                listed.warnings.push(Warning { place, text });
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && package.is_none_or(|package| package.has(&path))
        {
            listed.sources.insert(path);
        }
    }
    Ok(())
}

/// A path below the folder of sources, as it is shown.
pub(super) fn below(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
