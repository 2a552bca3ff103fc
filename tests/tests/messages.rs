//! Tests that `docs/troubleshooting.md` and the messages of the library agree.
//!
//! Messages are the texts that are passed to `report`, `announce` and `notice`, and to warnings about the
//! configuration. On the page, `…` stands for anything.

use std::fs;
use std::path::{Path, PathBuf};

use a2a_otel_tests::package::workspace;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

/// Texts of libraries that messages contain. They may change with any version.
const OF_LIBRARIES: &[&str] =
    &["connection refused", "invalid peer certificate: UnknownIssuer", "timeout: global"];

fn page() -> String {
    fs::read_to_string(workspace().join("docs/troubleshooting.md")).expect("the page")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_test = |path: &PathBuf| path.file_stem().is_some_and(|name| name == "tests");
    let nested = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    paths
        .filter(|path| !is_test(path))
        .flat_map(nested)
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The string literals of the sources, and those of them that are messages.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    messages: Vec<String>,
}

impl Texts {
    fn of_library() -> Self {
        let mut texts = Texts::default();
        for path in sources(&workspace().join("a2a-otel/src")) {
            texts.read(&fs::read_to_string(&path).expect("a source"));
        }
        texts
    }

    fn read(&mut self, source: &str) {
        let items = syn::parse_file(source).expect("Rust").items;
        items.into_iter().filter(|item| !is_test(item)).for_each(|item| self.look_at(item.to_token_stream()));
    }

    /// Collects the string literals in tokens, also inside macros.
    fn look_at(&mut self, tokens: TokenStream) {
        let mut last = String::new();
        for tree in tokens {
            match &tree {
                TokenTree::Group(group) if SPEAKERS.contains(&&*last) => {
                    let before = self.all.len();
                    self.look_at(group.stream());
                    self.messages.extend_from_slice(&self.all[before..]);
                }
                TokenTree::Group(group) => self.look_at(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                    self.all.extend(text.map(|text| text.value()));
                }
                _ => {}
            }
            last = tree.to_string();
        }
    }
}

/// The functions and variants that take a message.
const SPEAKERS: [&str; 4] = ["report", "announce", "notice", "Malformed"];

fn is_test(item: &syn::Item) -> bool {
    let syn::Item::Mod(module) = item else { return false };
    let is_of_tests = |tokens: TokenStream| {
        tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
    };
    module
        .attrs
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") && is_of_tests(attribute.meta.to_token_stream()))
}

fn words(text: &str) -> Vec<&str> {
    let is_mark = |character: char| ".,;:?()\"`".contains(character);
    text.split_whitespace().map(|word| word.trim_matches(is_mark)).filter(|word| !word.is_empty()).collect()
}

/// Whether words of the page are a part of a text, in which `{...}` stands for any one word. At least half of them must
/// be literally in the text.
fn is_part(quoted: &[&str], text: &str) -> bool {
    let text = words(text);
    let is_wild = |word: &str| word.contains('{');
    text.windows(quoted.len()).any(|window| {
        let own = window.iter().zip(quoted).filter(|(word, quoted)| word == quoted).count();
        let fits = window.iter().zip(quoted).all(|(word, quoted)| word == quoted || is_wild(word));
        fits && own * 2 >= quoted.len()
    })
}

/// The messages that the page quotes: the texts in backticks in the first column of tables with the head `message`.
fn quoted(page: &str) -> Vec<String> {
    let mut is_table = false;
    let mut quoted = Vec::new();
    for line in page.lines() {
        is_table = line.starts_with("| message") || (is_table && line.starts_with('|'));
        if is_table && let Some(cell) = line.trim_start_matches('|').split(" | ").next() {
            quoted.extend(in_backticks(cell));
        }
    }
    quoted
}

fn in_backticks(text: &str) -> Vec<String> {
    let fence = if text.contains("``") { "``" } else { "`" };
    text.split(fence).skip(1).step_by(2).map(str::to_owned).collect()
}

/// The parts of a quoted message that must occur literally.
fn parts(quoted: &str) -> Vec<String> {
    let mut rest = quoted.to_owned();
    for library in OF_LIBRARIES {
        rest = rest.replace(library, "…");
    }
    let parts = rest
        .replace("N ", "… ")
        .replace("NAME=value", "…")
        // A name of two words for a signal, for which the library's text has one argument.
        .replace("log records", "…")
        .replace(": ", "…")
        .replace(". ", "…")
        .replace("; ", "…")
        .replace("? ", "…");
    parts.split('…').map(str::trim).filter(|part| words(part).len() > 1).map(str::to_owned).collect()
}

#[test]
fn the_page_quotes_what_the_library_says() {
    let page = page();
    let texts = Texts::of_library();
    let quoted = quoted(&page);
    assert!(quoted.len() > 20, "{quoted:#?}");
    // The name of the signal may precede the text.
    let is_said = |part: &String| {
        let words = words(part);
        texts.all.iter().any(|text| is_part(&words, text) || is_part(&words[1..], text))
    };
    let unsaid: Vec<_> =
        quoted.iter().flat_map(|quoted| parts(quoted)).filter(|part| !is_said(part)).collect();
    assert!(unsaid.is_empty(), "docs/troubleshooting.md quotes what no message says: {unsaid:#?}");
}

#[test]
fn the_page_has_every_message() {
    let page = words(&page()).join(" ");
    let texts = Texts::of_library();
    assert!(texts.messages.len() > 15, "{:#?}", texts.messages);
    // The page may leave out parts of a message: one run of its own words is enough to recognise it.
    let is_explained = |message: &String| {
        let words = words(message);
        let runs: Vec<_> = words.split(|word| word.contains('{')).collect();
        let longest = runs.iter().map(|run| run.len()).max().unwrap_or_default();
        let mut telling = runs.into_iter().filter(|run| run.len() >= longest.min(3));
        telling.any(|run| page.contains(&run[..run.len().min(6)].join(" ")))
    };
    let missing: Vec<_> = texts
        .messages
        .iter()
        .filter(|message| !message.starts_with("warning: "))
        .filter(|message| !is_explained(message))
        .collect();
    assert!(missing.is_empty(), "docs/troubleshooting.md does not explain: {missing:#?}");
}

#[test]
fn a_message_that_changes_is_noticed() {
    let mut texts = Texts::default();
    texts.read(r#"fn act() { report(&format_args!("cannot send {many} to {target}: {cause} It waits", many = 1)); }"#);
    assert_eq!(texts.messages, ["cannot send {many} to {target}: {cause} It waits"]);
    assert!(is_part(&words("cannot send spans to"), &texts.messages[0]));
    assert!(!is_part(&words("cannot bring spans to"), &texts.messages[0]));
    assert!(!is_part(&words("spans"), "{many}"));
    let page =
        "| message | why |\n| --- | --- |\n| `cannot send spans to …: no. N wait` | why |\n\n`not this …`";
    assert_eq!(quoted(page), ["cannot send spans to …: no. N wait"]);
    assert_eq!(parts("cannot send spans to …: no. N wait long"), ["cannot send spans to", "wait long"]);
}
