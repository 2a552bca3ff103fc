//! Tests of the guides: what they link to exists, in the repository and in the documentation, and what is generated is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use a2a_otel::settings::{Explanation, Setting, VariableForm};
use a2a_otel_tests::package::workspace;
use pulldown_cmark::{BrokenLink, CowStr, Event, Options, Parser, Tag, TagEnd};

/// Where docs.rs has the documentation of the library.
const DOCUMENTATION: &str = "https://docs.rs/a2a-otel/latest/";

#[test]
fn the_guide_has_every_page() {
    let modules = read("a2a-otel/src/guide.rs");
    let compiled = read("tests/src/lib.rs");
    for page in pages() {
        let name = page.file_stem().expect("a page has a name").to_str().expect("UTF-8");
        assert!(modules.contains(&format!(" {name},\n")), "a2a-otel/src/guide.rs lacks {name}");
        let has_code = fs::read_to_string(&page).expect("a page").contains("```rust\n");
        let is_compiled = [&compiled, &read("examples/src/lib.rs")]
            .iter()
            .any(|file| file.contains(&format!("docs/{name}.md")));
        assert!(is_compiled || !has_code, "no doc test compiles the code of {name}");
    }
}

#[test]
fn every_link_in_the_repository_leads_somewhere() {
    let files = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "release.md", "docs/README.md"]
        .map(|file| workspace().join(file));
    for file in files.into_iter().chain(pages()).chain(runbooks()) {
        let text = fs::read_to_string(&file).expect("a page");
        let Links { targets, undefined } = links(&text);
        assert_eq!(undefined, BTreeSet::new(), "{}: links without a definition", file.display());
        for target in targets {
            assert!(leads_somewhere(&file, &target), "{}: {target} does not exist", file.display());
        }
    }
}

fn leads_somewhere(file: &Path, target: &str) -> bool {
    if is_address(target) {
        return true;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { file.to_owned() } else { file.with_file_name("").join(path) };
    let has_heading = || headings(&fs::read_to_string(&path).expect("a page")).contains(heading);
    path.exists() && (heading.is_empty() || has_heading())
}

/// On docs.rs and on the page of the crate, no file of the repository is there.
#[test]
fn no_link_of_the_package_needs_the_repository() {
    let prefix = read("a2a-otel/src/links.md");
    let in_documentation = pages().into_iter().chain([workspace().join("docs/README.md")]);
    for page in in_documentation {
        let text = format!("{prefix}\n{}", fs::read_to_string(&page).expect("a page"));
        let known = |target: &&String| target.contains("@crate::") || is_anywhere(target);
        assert_eq!(links(&text).targets.iter().find(|target| !known(target)), None, "{}", page.display());
    }
    let readme = links(&read("README.md"));
    assert_eq!(readme.targets.iter().find(|target| !is_anywhere(target)), None, "README.md");
}

fn is_address(target: &str) -> bool {
    target.starts_with("https://") || target.starts_with("http://")
}

fn is_anywhere(target: &str) -> bool {
    is_address(target) || target.starts_with('#')
}

/// A reader copies the code of the tutorial, also from a page that shows hidden lines.
#[test]
fn the_tutorial_hides_no_line_of_its_code() {
    let page = read("docs/tutorial.md");
    let programs = page.split("```rust").skip(1).filter_map(|rest| rest.split("```").next());
    let is_hidden = |line: &&str| line.starts_with("# ");
    assert_eq!(programs.flat_map(str::lines).find(is_hidden), None);
}

/// It needs `cargo doc --workspace --all-features --no-deps`, so it only runs when it is asked for.
#[test]
#[ignore = "needs the documentation"]
fn the_documentation_has_every_page_that_a_link_names() {
    let documentation = workspace().join("target/doc");
    assert!(documentation.join("a2a_otel").exists(), "run `cargo doc --workspace --all-features --no-deps`");
    let of_macros = markdown(&workspace().join("a2a-otel-macros/docs"));
    for file in [workspace().join("README.md")].into_iter().chain(pages()).chain(of_macros) {
        let text = fs::read_to_string(&file).expect("a page");
        for target in links(&text).targets.iter().filter_map(|target| target.strip_prefix(DOCUMENTATION)) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let page = fs::read_to_string(documentation.join(path));
            let page = page.unwrap_or_else(|error| panic!("{}: {path}: {error}", file.display()));
            let has_anchor = anchor.is_empty() || page.contains(&format!("id=\"{anchor}\""));
            assert!(has_anchor, "{}: {path} has no {anchor}", file.display());
        }
    }
}

/// The page is written anew with `A2A_OTEL_BLESS=1`.
#[test]
fn the_reference_of_the_configuration_is_that_of_the_code() {
    let path = workspace().join("docs/configuration.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once("<!-- generated -->\n").expect("where the generated part begins");
    let (_, after) = rest.split_once("<!-- end -->\n").expect("where it ends");
    let expected = format!("{before}<!-- generated -->\n{}<!-- end -->\n{after}", reference());
    if std::env::var_os("A2A_OTEL_BLESS").is_some() {
        fs::write(&path, &expected).expect("the page");
    } else {
        assert_eq!(page, expected, "A2A_OTEL_BLESS=1 writes docs/configuration.md anew");
    }
}

/// The settings with their variables, by the table that `init` uses: a section for those that count under the same condition.
fn reference() -> String {
    let nothing: [(&str, &str); 0] = [];
    let settings = Explanation::of("your-program", nothing).settings;
    let mut conditions = Vec::new();
    for setting in &settings {
        if !conditions.contains(&condition(setting)) {
            conditions.push(condition(setting));
        }
    }
    let section = |wanted| {
        let rows = settings.iter().filter(|setting| condition(setting) == wanted).map(row);
        let head = "| variables | meaning | accepted | default |\n| --- | --- | --- | --- |\n";
        format!("\n## {}\n\n{head}{}", title(wanted), rows.collect::<String>())
    };
    conditions.iter().map(|wanted| section(*wanted)).collect::<String>() + "\n"
}

/// The feature that a setting needs, and when it counts.
type Condition = (Option<&'static str>, Option<&'static str>);

fn condition(setting: &Setting) -> Condition {
    (setting.feature, setting.counts_if)
}

fn title((feature, counts_if): Condition) -> String {
    let feature = feature.map(|feature| format!("With the feature `{feature}`"));
    let condition = counts_if.map(|condition| format!("if {condition}"));
    match (feature, condition) {
        (None, None) => "Always".to_owned(),
        (Some(feature), Some(condition)) => format!("{feature}, {condition}"),
        (Some(only), None) | (None, Some(only)) => capitalised(&only),
    }
}

fn row(setting: &Setting) -> String {
    let Setting { meaning, variables, default, .. } = setting;
    let names: Vec<_> = variables.iter().map(|variable| format!("`{}`", variable.name)).collect();
    let accepted = forms(variables).into_iter().map(|(accepted, examples)| {
        // A bracket would begin a link.
        format!("{}: {examples}", accepted.replace('[', "\\["))
    });
    let default = default.as_deref().map_or(String::new(), |value| format!("`{value}`"));
    let cells = [names.join(", "), meaning.to_string(), accepted.collect::<Vec<_>>().join("; "), default];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// What the variables accept, with an example of each form, in their order and once each.
fn forms(variables: &[VariableForm]) -> Vec<(&str, String)> {
    let mut forms: Vec<(&str, Vec<&str>)> = Vec::new();
    for variable in variables {
        match forms.iter_mut().find(|(accepted, _)| *accepted == variable.accepted) {
            Some((_, examples)) if examples.contains(&variable.example) => {}
            Some((_, examples)) => examples.push(variable.example),
            None => forms.push((variable.accepted, vec![variable.example])),
        }
    }
    let quoted = |examples: Vec<&str>| {
        examples.iter().map(|example| format!("`{example}`")).collect::<Vec<_>>().join(", ")
    };
    forms.into_iter().map(|(accepted, examples)| (accepted, quoted(examples))).collect()
}

fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}", first.to_uppercase())
}

/// The links of a text.
struct Links {
    /// Where they lead.
    targets: BTreeSet<String>,
    /// Names of pages in brackets that no definition follows.
    undefined: BTreeSet<String>,
}

fn links(text: &str) -> Links {
    let mut undefined = BTreeSet::new();
    let mut note = |link: BrokenLink<'_>| {
        let is_a_page = link.reference.starts_with("`docs/");
        is_a_page.then(|| undefined.insert(link.reference.to_string()));
        None::<(CowStr<'_>, CowStr<'_>)>
    };
    let parser = Parser::new_with_broken_link_callback(text, Options::ENABLE_TABLES, Some(&mut note));
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    };
    let targets = parser.filter_map(target).collect();
    Links { targets, undefined }
}

/// The names that GitHub and rustdoc give to the headings of a page.
fn headings(text: &str) -> BTreeSet<String> {
    let mut headings = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => headings.extend(heading.take().map(|heading| anchor(&heading))),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            _ => {}
        }
    }
    headings
}

fn anchor(heading: &str) -> String {
    let kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
    heading
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

/// The pages of the guide: all but the one that lists them.
fn pages() -> Vec<PathBuf> {
    let folders = ["docs", "docs/parity"].map(|folder| workspace().join(folder));
    folders.iter().flat_map(|folder| markdown(folder)).filter(|page| !page.ends_with("README.md")).collect()
}

fn runbooks() -> Vec<PathBuf> {
    markdown(&workspace().join("docs/runbooks"))
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
