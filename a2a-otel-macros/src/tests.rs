//! Rules for every attribute macro: its docs match the table, its expansion matches the snapshot, and no arguments make
//! it panic.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::{env, fs};

use proc_macro2::TokenStream;
use proptest::prelude::*;
use proptest::sample::select;

use crate::instrument::instrument;
use crate::kinds::{self, ALL, Arg, Kind, Records};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(here(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the tables in a docs file: the argument's name and the whole row.
fn rows(docs: &str) -> Vec<(&str, &str)> {
    docs.lines()
        .filter_map(|row| {
            let argument = row.strip_prefix("| `")?;
            let end = argument.find(|letter: char| letter != '_' && !letter.is_alphanumeric())?;
            Some((&argument[..end], row))
        })
        .collect()
}

fn assert_documented(file: &str, args: impl Iterator<Item = &'static Arg>) {
    let docs = read(file);
    let rows = rows(&docs);
    let documented: Vec<_> = rows.iter().map(|(name, _)| *name).collect();
    let args: Vec<_> = args.collect();
    let expected: Vec<_> = args.iter().map(|arg| arg.name).collect();
    assert_eq!(documented, expected, "the table of {file} has a row for each argument, in the table's order");
    for (arg, (_, row)) in args.iter().zip(&rows) {
        let prefix = if let Records::Documents(prefix) = arg.records { Some(prefix) } else { None };
        for key in arg.keys().iter().copied().chain(prefix) {
            assert!(
                row.contains(&format!("`{key}`")),
                "{file} says that `{}` records `{key}`: {row}",
                arg.name
            );
        }
    }
}

#[test]
fn the_docs_of_every_attribute_say_what_its_table_says() {
    let is_span = |kind: &&&Kind| !matches!(kind.effect, kinds::Effect::Metric);
    for kind in ALL.iter().filter(is_span) {
        assert_documented(&format!("docs/{}.md", kind.name), kind.args.iter());
    }
    assert_documented("docs/span_arguments.md", kinds::SPAN.iter().chain(kinds::COMMON));
    assert_documented("docs/business_metric.md", kinds::BUSINESS_METRIC.all_args());
}

#[test]
fn every_attribute_has_an_entry_an_export_and_a_snapshot() {
    let (entries, exports) = (read("src/lib.rs"), read("../a2a-otel/src/lib.rs"));
    let is_entry = |line: &&str| line.starts_with("    ") && line.ends_with(';') && line.contains(" = ");
    assert_eq!(entries.lines().filter(is_entry).count(), ALL.len(), "`ALL` has a row for each entry");
    for name in ALL.iter().map(|kind| kind.name) {
        let entry = format!("    {name} = {}", name.to_uppercase());
        assert!(entries.contains(&entry), "src/lib.rs has an entry for {name}");
        assert!(exports.contains(name), "a2a_otel re-exports {name}");
        assert!(here(&format!("snapshots/{name}.rs")).exists(), "there is a snapshot of {name}");
    }
}

#[test]
fn no_attribute_has_two_arguments_of_a_name_or_two_for_one_key() {
    for kind in ALL {
        let mut seen = BTreeSet::new();
        for arg in kind.all_args() {
            assert!(seen.insert(arg.name), "{} has one argument `{}`", kind.name, arg.name);
            for key in arg.keys() {
                assert!(seen.insert(*key), "{} records `{key}` once", kind.name);
            }
        }
    }
}

const MARK: &str = "\n// becomes\n\n";

/// A snapshot file contains a function with its attribute macro and, after the mark, the expansion.
fn assert_snapshot(kind: &'static Kind) {
    let path = here(&format!("snapshots/{}.rs", kind.name));
    let file = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (input, before) = file.split_once(MARK).unwrap_or((&file, ""));
    let expanded = pretty(expand_item(kind, input));
    if env::var_os("A2A_OTEL_BLESS").is_some() {
        fs::write(&path, format!("{}\n{MARK}{expanded}", input.trim_end()))
            .expect("snapshots can be written");
    } else {
        assert_eq!(before, expanded, "snapshots/{}.rs; A2A_OTEL_BLESS=1 rewrites it", kind.name);
    }
}

/// Calls the macro as the compiler does: with the arguments, and with the function without the attribute macro.
fn expand_item(kind: &'static Kind, input: &str) -> TokenStream {
    let mut item: syn::ItemFn = syn::parse_str(input).expect("a function");
    let place = item.attrs.iter().position(|attribute| attribute.path().is_ident(kind.name));
    let attribute = item.attrs.remove(place.expect("the attribute is there"));
    let args = attribute.meta.require_list().map(|list| list.tokens.clone()).unwrap_or_default();
    instrument(kind, args, quote::quote!(#item), true)
}

fn pretty(code: TokenStream) -> String {
    let text = code.to_string();
    prettyplease::unparse(&syn::parse2(code).unwrap_or_else(|error| panic!("{error}: {text}")))
}

#[test]
fn every_expansion_is_as_it_was() {
    for kind in ALL {
        assert_snapshot(kind);
    }
}

#[test]
fn switched_off_an_attribute_hands_the_function_through_but_still_checks() {
    let item = TokenStream::from_str("fn f(a: u32) -> u32 { a }").unwrap();
    for kind in ALL {
        let args = if kind.name == "business_metric" { "counter = \"calls\"" } else { "" };
        let through = instrument(kind, TokenStream::from_str(args).unwrap(), item.clone(), false);
        assert_eq!(through.to_string(), item.to_string(), "{}", kind.name);
        let wrong = instrument(kind, TokenStream::from_str("nmae = 1").unwrap(), item.clone(), false);
        assert!(wrong.to_string().contains("compile_error"), "{}", kind.name);
    }
}

/// Words with a meaning to the parser, and some without.
const WORDS: &[&str] = &[
    "name",
    "skip",
    "skip_all",
    "redact",
    "fields",
    "err",
    "debug",
    "output",
    "input",
    "session",
    "stream",
    "crate",
    "on",
    "ok",
    "value",
    "counter",
    "histogram",
    "unit",
    "attributes",
    "tool",
    "model",
    "request",
    "r#type",
    "self",
    "async",
    "=",
    ",",
    "==",
    ".",
    "::",
    "$",
    "#",
    "'a",
    "&",
    "|",
    "?",
    "-",
    "!",
    "\"\"",
    "\"{output}\"",
    "\"a.b\"",
    "1",
    "1.5",
    "b\"x\"",
    "c\"x\"",
    "'x'",
    "0xffff_ffff_ffff_ffff_ffff",
    "1e400",
    "true",
    "a",
    "pasword",
];

fn tokens() -> impl Strategy<Value = String> {
    let leaf = select(WORDS).prop_map(str::to_owned);
    let tree = leaf.prop_recursive(4, 48, 6, |inner| {
        (prop::collection::vec(inner, 0..6), select(&["()", "[]", "{}"][..]))
            .prop_map(|(words, group)| format!("{}{}{}", &group[..1], words.join(" "), &group[1..]))
    });
    prop::collection::vec(tree, 0..10).prop_map(|words| words.join(" "))
}

const FUNCTIONS: &[&str] = &[
    "fn f() {}",
    "async fn f<'a, T: Clone>(&self, a: &'a T, (b, _): (u32, u32)) -> Result<T, Error> { a? }",
    "#[track_caller] pub unsafe extern \"C\" fn r#type(value: u32, output: u32) -> ! { loop {} }",
    "fn f(self) -> Result<impl Stream<Item = u32> + use<>, E> { x }",
    "fn f(a: A) -> Pin<Box<dyn Future<Output = impl Into<Vec<u8>>> + Send>> { x }",
    "const fn f();",
    "struct S;",
];

proptest! {
    #[test]
    fn nothing_that_is_written_makes_an_attribute_panic(
        kind in 0..ALL.len(),
        args in tokens(),
        item in select(FUNCTIONS),
    ) {
        if let (Ok(args), Ok(item)) = (TokenStream::from_str(&args), TokenStream::from_str(item)) {
            let code = instrument(ALL[kind], args, item.clone(), true);
            prop_assert!(!code.is_empty());
        }
    }

    #[test]
    fn no_item_makes_an_attribute_panic(kind in 0..ALL.len(), item in tokens()) {
        if let Ok(item) = TokenStream::from_str(&format!("fn f {item} {{}}")) {
            instrument(ALL[kind], TokenStream::new(), item, true);
        }
    }
}
