//! Compares the public items of the library with those that `a2a-otel/public-items.txt` lists, so that none disappears or
//! changes its name unnoticed. What an item is like is not compared: `release.md` has the tool for that.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use a2a_otel_tests::package::workspace;

/// What documentation calls the parts of an item.
const PARTS: [&str; 5] = ["associatedconstant", "method", "structfield", "tymethod", "variant"];

/// It reads the documentation of all features, so it only runs when it is asked for. `A2A_OTEL_BLESS=1` writes the list anew.
#[test]
#[ignore = "needs the documentation"]
fn the_public_items_are_those_of_the_list() {
    let list = workspace().join("a2a-otel/public-items.txt");
    let documentation = workspace().join("target/doc/a2a_otel");
    assert!(documentation.exists(), "run `cargo doc --workspace --all-features --no-deps`");
    let items: Vec<_> = items(&documentation).into_iter().collect();
    assert!(items.len() > 100, "{items:#?}");
    let text = items.join("\n") + "\n";
    if std::env::var_os("A2A_OTEL_BLESS").is_some() {
        fs::write(&list, &text).expect("the list");
    }
    let listed = fs::read_to_string(&list).expect("the list");
    let (known, found) = (set(&listed), set(&text));
    let gone: Vec<_> = known.difference(&found).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}, new: {new:#?}; A2A_OTEL_BLESS=1 lists them");
}

fn set(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

/// Kind and path of each item, and of its parts. The guide has no items.
fn items(documentation: &Path) -> BTreeSet<String> {
    let all = fs::read_to_string(documentation.join("all.html")).expect("the list of all items");
    // The others are pages of other crates and of rustdoc.
    let pages = values(&all, "href").filter(|page| !page.contains(".."));
    pages.filter_map(|page| item(documentation, page)).flatten().collect()
}

fn item(documentation: &Path, page: &str) -> Option<Vec<String>> {
    let (module, file) = page.rsplit_once('/').unwrap_or(("", page));
    let [kind, name, "html"] = *file.split('.').collect::<Vec<_>>() else { return None };
    let path = format!("{module}/{name}").trim_start_matches('/').replace('/', "::");
    let text = fs::read_to_string(documentation.join(page)).ok()?;
    // Behind this, there are methods of traits.
    let own = ["trait-implementations", "synthetic-implementations", "blanket-implementations"]
        .into_iter()
        .fold(text.as_str(), |text, heading| text.split(&format!("id=\"{heading}\"")).next().unwrap_or(text));
    let parts =
        values(own, "id").filter_map(|id| id.split_once('.')).filter(|(kind, _)| PARTS.contains(kind));
    let parts = parts.map(|(kind, part)| format!("{kind} {path}::{}", part.replace(".field", "::field")));
    Some(std::iter::once(format!("{kind} {path}")).chain(parts).collect())
}

/// The values of an attribute of HTML.
fn values<'a>(html: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
    html.split(&format!("{attribute}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect::<Vec<_>>()
        .into_iter()
}
