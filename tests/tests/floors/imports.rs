//! Reads the imports of a crate from its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, ItemUse, UseTree, Visibility};

use super::{Sources, room};

/// A file refers to something that another file defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The path from the crate's root.
    path: String,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Import { from, to, path } = self;
        write!(f, "{from} imports `{path}` of {to}")
    }
}

/// The segments of a path.
type Names = Vec<String>;

#[derive(Debug, Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    uses: Vec<Use>,
    mentions: Vec<Mention>,
}

/// A name that a `use` binds, or a glob.
#[derive(Clone, Debug)]
struct Use {
    /// `None` for a glob.
    name: Option<String>,
    path: Names,
    is_public: bool,
}

/// A path in code, in a type, or among the tokens of a macro.
#[derive(Debug)]
struct Mention {
    path: Names,
    is_called: bool,
}

/// What a path refers to.
struct Target {
    file: String,
    is_module: bool,
}

struct Crate(BTreeMap<Names, Module>);

/// Returns the imports between the files of a crate, without those of its tests.
pub(crate) fn imports(sources: &Sources) -> Vec<Import> {
    let mut modules = Crate(BTreeMap::new());
    modules.load(sources, Names::new(), "lib.rs");
    let imports: BTreeSet<_> = modules.0.iter().flat_map(|(path, module)| modules.of(path, module)).collect();
    imports.into_iter().collect()
}

impl Crate {
    fn load(&mut self, sources: &Sources, path: Names, file: &str) {
        let source = sources.get(file).unwrap_or_else(|| panic!("{file} is declared, and not there"));
        let parsed = syn::parse_file(source).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.add(sources, path, file, parsed.items);
    }

    fn add(&mut self, sources: &Sources, path: Names, file: &str, items: Vec<Item>) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items.into_iter().filter(|item| !is_test(item)) {
            match item {
                Item::Mod(declared) => {
                    let name = declared.ident.to_string();
                    let child = path.iter().cloned().chain([name.clone()]).collect();
                    match declared.content {
                        Some((_, items)) => self.add(sources, child, file, items),
                        None => self.load(sources, child, &file_of(sources, &path, &name)),
                    }
                    module.children.insert(name);
                }
                Item::Use(item) => module.uses.extend(uses(&item)),
                item => mentions(item.into_token_stream(), 0, &mut module.mentions),
            }
        }
        self.0.insert(path, module);
    }

    /// Collects the imports of one module.
    fn of(&self, path: &Names, module: &Module) -> Vec<Import> {
        let mut imports = Vec::new();
        for one in &module.uses {
            let Some(named) = absolute(path, module, &one.path) else { continue };
            // A re-export is not an import: it is counted where it is used.
            let is_own = |target: &Target| room(&target.file) == room(&module.file);
            self.import(module, &named, |target| !(is_own(target) && one.is_public), &mut imports);
        }
        for mention in &module.mentions {
            let Some(named) = mentioned(path, module, mention) else { continue };
            self.import(module, &named, |_| true, &mut imports);
        }
        imports
    }

    fn import(
        &self,
        module: &Module,
        named: &Names,
        counts: impl Fn(&Target) -> bool,
        imports: &mut Vec<Import>,
    ) {
        let path = [&["crate".to_owned()], &**named].concat().join("::");
        let mut add = |to: &str| {
            if to != module.file {
                imports.push(Import { from: module.file.clone(), to: to.to_owned(), path: path.clone() });
            }
        };
        let root = &self.0[&Names::new()];
        if named.first().is_some_and(|first| root.binds(first) && !root.children.contains(first)) {
            add(&root.file);
        }
        let Some(target) = self.resolve(named, 0) else { return };
        // For a module in the same room, the item counts that is named in it.
        let is_whole_module = target.is_module && room(&target.file) == room(&module.file);
        if !is_whole_module && counts(&target) {
            add(&target.file);
        }
    }

    /// Follows a path from the root through re-exports. Returns `None` if it leaves the crate.
    fn resolve(&self, named: &[String], depth: usize) -> Option<Target> {
        assert!(depth < 16, "{named:?} is passed on in a circle");
        let mut at = Names::new();
        for (index, name) in named.iter().enumerate() {
            let module = &self.0[&at];
            let rest = &named[index + 1..];
            let is_child = module.children.contains(name);
            let bound = module.uses.iter().find(|one| one.name.as_ref() == Some(name));
            // A module and a function may share a name. The last segment is then the function.
            let bound = bound.filter(|_| rest.is_empty() || !is_child);
            let target = bound.map(|bound| absolute(&at, module, &bound.path));
            match target {
                Some(target) if !is_child || target.as_deref() != Some(&named[..=index]) => {
                    return self.resolve(&[&*target?, rest].concat(), depth + 1);
                }
                _ if is_child => at.push(name.clone()),
                _ => {
                    let passed = self.globs(&at, module).find(|glob| self.0[glob].defines(name));
                    return match passed {
                        Some(glob) => self.resolve(&[&*glob, &named[index..]].concat(), depth + 1),
                        None => Some(Target { file: module.file.clone(), is_module: false }),
                    };
                }
            }
        }
        Some(Target { file: self.0[&at].file.clone(), is_module: true })
    }

    /// The modules that a module re-exports with a glob.
    fn globs<'a>(&'a self, path: &'a Names, module: &'a Module) -> impl Iterator<Item = Names> + 'a {
        let globs = module.uses.iter().filter(|one| one.name.is_none());
        let globs = globs.filter_map(|one| absolute(path, module, &one.path));
        globs.filter(|glob| self.0.contains_key(glob))
    }
}

impl Module {
    fn binds(&self, name: &str) -> bool {
        self.uses.iter().any(|one| one.name.as_deref() == Some(name))
    }

    /// Whether this module probably defines a name: the name occurs in it.
    fn defines(&self, name: &str) -> bool {
        let is_mentioned = |mention: &Mention| mention.path.first().is_some_and(|first| first == name);
        self.children.contains(name) || self.binds(name) || self.mentions.iter().any(is_mentioned)
    }
}

/// Returns what a path in a module's code names, unless it cannot be in another file, or is counted as a `use`.
fn mentioned(path: &Names, module: &Module, mention: &Mention) -> Option<Names> {
    let (first, rest) = mention.path.split_first()?;
    if let Some(named) = absolute(path, module, &mention.path).filter(|_| !rest.is_empty()) {
        return Some(named);
    }
    let bound = module.uses.iter().find(|one| one.name.as_ref() == Some(first))?;
    // A variable may have the same name as a function.
    let is_variable = !mention.is_called && first.starts_with(char::is_lowercase);
    if rest.is_empty() && (!bound.is_public || is_variable) {
        return None;
    }
    Some([&*absolute(path, module, &bound.path)?, rest].concat())
}

/// Returns a path from the root, if it stays in the crate.
fn absolute(path: &Names, module: &Module, named: &[String]) -> Option<Names> {
    let (first, mut rest) = named.split_first()?;
    let mut base = path.clone();
    match first.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
        }
        child if module.children.contains(child) => base.push(child.to_owned()),
        _ => return None,
    }
    while let Some((_, above)) = rest.split_first().filter(|(next, _)| *next == "super") {
        base.pop();
        rest = above;
    }
    Some([&*base, rest].concat())
}

fn file_of(sources: &Sources, path: &Names, name: &str) -> String {
    let stem: String = path.iter().map(|part| format!("{part}/")).chain([name.to_owned()]).collect();
    let file = format!("{stem}.rs");
    if sources.contains_key(&file) { file } else { format!("{stem}/mod.rs") }
}

fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.to_token_stream().to_string().replace(' ', "");
        condition.starts_with("cfg(test)") || condition.starts_with("cfg(all(test,")
    })
}

fn uses(item: &ItemUse) -> Vec<Use> {
    fn walk(tree: &UseTree, path: &Names, is_public: bool, uses: &mut Vec<Use>) {
        let below = |name: &syn::Ident| path.iter().cloned().chain([name.to_string()]).collect::<Names>();
        let mut bind = |name: Option<String>, path: Names| uses.push(Use { name, path, is_public });
        match tree {
            UseTree::Path(tree) => walk(&tree.tree, &below(&tree.ident), is_public, uses),
            UseTree::Group(tree) => {
                tree.items.iter().for_each(|tree| walk(tree, path, is_public, uses));
            }
            UseTree::Glob(_) => bind(None, path.clone()),
            UseTree::Name(tree) if tree.ident == "self" => bind(path.last().cloned(), path.clone()),
            UseTree::Name(tree) => bind(Some(tree.ident.to_string()), below(&tree.ident)),
            UseTree::Rename(tree) if tree.ident == "self" => {
                bind(Some(tree.rename.to_string()), path.clone());
            }
            UseTree::Rename(tree) => bind(Some(tree.rename.to_string()), below(&tree.ident)),
        }
    }
    let mut uses = Vec::new();
    if item.leading_colon.is_none() {
        walk(&item.tree, &Names::new(), !matches!(item.vis, Visibility::Inherited), &mut uses);
    }
    uses
}

/// Collects the paths in tokens; `depth` is the number of modules around them that a macro writes.
fn mentions(tokens: TokenStream, depth: usize, found: &mut Vec<Mention>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let punct = |at: Option<usize>, sign: char| {
        at.and_then(|at| tokens.get(at))
            .is_some_and(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign))
    };
    let word = |at: usize, word: &str| matches!(&tokens[at], TokenTree::Ident(ident) if ident == word);
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => {
                let is_module =
                    at >= 2 && matches!(&tokens[at - 2], TokenTree::Ident(ident) if ident == "mod");
                mentions(group.stream(), depth + usize::from(is_module), found);
            }
            TokenTree::Ident(ident) if !continues(at, punct) => {
                let is_definition = at > 0 && word(at - 1, "fn");
                let mut path = vec![ident.to_string()];
                while punct(Some(at + 1), ':') && punct(Some(at + 2), ':') {
                    match tokens.get(at + 3) {
                        Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            grouped(&path, group.stream(), depth, found);
                            break;
                        }
                        _ => break,
                    }
                    at += 3;
                }
                let is_called = punct(Some(at + 1), '!')
                    || matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                found.push(Mention { path: outside(path, depth), is_called: is_called && !is_definition });
            }
            _ => {}
        }
        at += 1;
    }
}

/// Whether an identifier does not begin a path: it is a field, a method, a lifetime, or follows `::`.
fn continues(at: usize, punct: impl Fn(Option<usize>, char) -> bool) -> bool {
    let before = |distance: usize| at.checked_sub(distance);
    let is_field = punct(before(1), '.') && !punct(before(2), '.');
    let is_part = punct(before(1), ':') && punct(before(2), ':');
    is_field || is_part || punct(before(1), '\'')
}

/// The paths of a `use` in a function: a prefix, and the part in braces.
fn grouped(prefix: &Names, tokens: TokenStream, depth: usize, found: &mut Vec<Mention>) {
    let mut within = Vec::new();
    mentions(tokens, 0, &mut within);
    for Mention { path, .. } in within {
        let path = prefix.iter().cloned().chain(path.into_iter().filter(|name| name != "self")).collect();
        found.push(Mention { path: outside(path, depth), is_called: false });
    }
}

/// Returns a path as seen from the module around those that a macro writes.
fn outside(path: Names, depth: usize) -> Names {
    let inner = path.iter().take(depth).take_while(|name| *name == "super").count();
    match inner {
        0 => path,
        _ => ["self".to_owned()].into_iter().chain(path.into_iter().skip(inner)).collect(),
    }
}
