//! Follows `mod` from file to file, to tell the sources that only tests compile from the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, ItemFn, ItemMod, Lit, Meta};

use super::conditions::{is_for_tests, unconditional};
use super::packages::below;
use super::{Files, Place};
use crate::message::Warning;

/// A parsed source.
pub(super) struct File {
    /// Its path below the folder of sources.
    pub(super) shown: String,
    pub(super) syntax: syn::File,
    modules: Vec<Module>,
}

/// `mod name;`
struct Module {
    /// The files that it can be.
    candidates: Vec<PathBuf>,
    is_for_tests: bool,
    /// Whether a condition may leave it out, file and all.
    is_conditional: bool,
    name: String,
    span: Span,
}

/// Parses the sources, and those that they name with `#[path]` from outside of the folder.
pub(super) fn load(root: &Path, sources: &BTreeSet<PathBuf>, warnings: &mut Vec<Warning>) -> Files {
    let mut files = BTreeMap::new();
    let mut broken = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = sources.iter().rev().map(|path| clean(path)).collect();
    while let Some(path) = waiting.pop() {
        if files.contains_key(&path) || broken.contains(&path) {
            continue;
        }
        let shown = below(root, &path);
        let parsed = fs::read_to_string(&path)
            .map_err(|error| (1, format!("it cannot be read: {error}")))
            .and_then(|text| parse(&text));
        match parsed {
            Ok(syntax) => {
                let file = File::new(shown, &path, syntax);
                waiting.extend(file.modules.iter().filter_map(Module::file));
                warnings.extend(file.missing());
                files.insert(path, file);
            }
            Err((line, error)) => {
                let text = format!("this file is left out, because {error}");
                warnings.push(Warning { place: Place { file: shown, line }, text });
                broken.insert(path);
            }
        }
    }
    files
}

/// Parses a source, or returns the line with what is wrong.
fn parse(text: &str) -> Result<syn::File, (usize, String)> {
    syn::parse_file(text).map_err(|error| (error.span().start().line, format!("it does not parse: {error}")))
}

/// The sources that not only tests compile, in the order of their paths.
pub(super) fn counted(files: &Files) -> Vec<PathBuf> {
    let declared: BTreeSet<PathBuf> =
        files.values().flat_map(|file| &file.modules).filter_map(Module::file).collect();
    let mut reached = BTreeSet::new();
    // A file that no other declares is the root of a crate, or reached in a way that only the compiler knows.
    let mut waiting: Vec<PathBuf> = files.keys().filter(|path| !declared.contains(*path)).cloned().collect();
    while let Some(path) = waiting.pop() {
        let Some(file) = files.get(&path) else { continue };
        if is_for_tests(&file.syntax.attrs) || !reached.insert(path) {
            continue;
        }
        waiting.extend(file.modules.iter().filter(|module| !module.is_for_tests).filter_map(Module::file));
    }
    reached.into_iter().collect()
}

impl File {
    fn new(shown: String, path: &Path, syntax: syn::File) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let stem = path.file_stem().map_or_else(PathBuf::new, PathBuf::from);
        // The root of a crate has its modules beside it, whatever its name is. Only cargo knows which files are roots.
        let folders = match stem.to_str() {
            Some("mod" | "lib" | "main") => vec![folder.clone()],
            _ => vec![folder.join(stem), folder.clone()],
        };
        let mut finder =
            Finder { folder, folders, inline: false, in_tests: false, conditional: false, found: vec![] };
        finder.visit_file(&syntax);
        Self { shown, modules: finder.found, syntax }
    }

    fn missing(&self) -> impl Iterator<Item = Warning> {
        let missing = self.modules.iter().filter(|module| module.file().is_none() && !module.is_conditional);
        missing.map(|module| Warning {
            place: Place::new(&self.shown, module.span),
            text: format!("the module `{}` is left out, because its file was not found", module.name),
        })
    }
}

impl Module {
    fn file(&self) -> Option<PathBuf> {
        self.candidates.iter().find(|path| path.is_file()).map(|path| clean(path))
    }
}

/// Removes `..` where that is possible without the file system, so that each file has one path.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match (part, cleaned.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => drop(cleaned.pop()),
            (Component::CurDir, _) => {}
            _ => cleaned.push(part),
        }
    }
    cleaned
}

/// Finds the declarations of modules in a file, and in its inline modules and functions.
struct Finder {
    /// The folder of the file, for `#[path]`.
    folder: PathBuf,
    /// The folders in which a module's file can be.
    folders: Vec<PathBuf>,
    inline: bool,
    in_tests: bool,
    conditional: bool,
    found: Vec<Module>,
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        let is_for_tests = self.in_tests || is_for_tests(&module.attrs);
        let conditional = self.conditional || has_condition(&module.attrs);
        let name = module.ident.to_string().trim_start_matches("r#").to_owned();
        let paths = paths(&module.attrs);
        let bases = if self.inline { self.folders.clone() } else { vec![self.folder.clone()] };
        let by_path = bases.iter().flat_map(|base| paths.iter().map(|path| base.join(path)));
        if module.content.is_none() {
            let by_name = self
                .folders
                .iter()
                .flat_map(|folder| [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")]);
            let candidates = by_path.chain(by_name).collect();
            let span = module.ident.span();
            self.found.push(Module { candidates, is_for_tests, is_conditional: conditional, name, span });
            return;
        }
        let folders = if paths.is_empty() {
            self.folders.iter().map(|folder| folder.join(&name)).collect()
        } else {
            by_path.collect()
        };
        let mut inner = Self {
            folder: self.folder.clone(),
            folders,
            inline: true,
            in_tests: is_for_tests,
            conditional,
            found: Vec::new(),
        };
        visit::visit_item_mod(&mut inner, module);
        self.found.append(&mut inner.found);
    }

    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        let outside = self.in_tests;
        self.in_tests |= is_for_tests(&function.attrs);
        visit::visit_item_fn(self, function);
        self.in_tests = outside;
    }
}

fn has_condition(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// The values of `#[path = ".."]`, also in `cfg_attr`.
fn paths(attributes: &[Attribute]) -> Vec<String> {
    let paths = unconditional(attributes).into_iter().filter_map(|meta| match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    });
    paths.collect()
}
