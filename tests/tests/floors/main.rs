//! Checks that imports run down the floors, and never in a circle.
//!
//! The rooms are the modules that `a2a-otel/src/lib.rs` declares, each a file or a folder. An item that a room's
//! `mod.rs` re-exports with `pub use` counts as imported from the file that defines it.

mod circles;
mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use a2a_otel_tests::package::workspace;

use self::circles::circles;
use self::imports::{Import, imports};

/// A floor, and the purpose of its rooms.
type Floor = (&'static [&'static str], &'static str);

/// The floors from the top down. A room may import from the floors below, but not from other rooms on its own floor.
const FLOORS: &[Floor] = &[
    (&["lib", "__private", "guide", "evaluation"], "what users see, and what generated code calls"),
    (&["experiment"], "experiments: runs, judgements, reports"),
    (&["integrations", "phoenix"], "integrations with SDKs, and links to Phoenix"),
    (&["telemetry"], "wiring: builder, guard, handle, sampler, signals"),
    (&["testing"], "the test kit"),
    (&["metrics", "bridge"], "meters, the bridge to `tracing`"),
    (&["span"], "how a span is opened, run and ended"),
    (&["annotation", "llm"], "annotations; requests and responses of models"),
    (&["pipeline", "propagation"], "what happens to ended spans; context across processes"),
    (&["meter"], "instruments, and what names of metrics mean"),
    (&["settings", "context", "gen_ai"], "configuration; what spans inherit; GenAI conventions"),
    (&["privacy", "record", "dataset"], "what is masked; records that users add to a span; examples"),
    (&["capture", "environment"], "how values are written; how variables are read"),
    (
        &["json", "semconv", "percent", "report", "lock", "deadline", "attributes"],
        "basics that everything uses",
    ),
];

/// The sources of a crate, by path below `src`.
type Sources = BTreeMap<String, String>;

fn sources(package: &str) -> Sources {
    fn read(folder: &Path, prefix: &str, sources: &mut Sources) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
            if path.is_dir() {
                read(&path, &format!("{prefix}{name}/"), sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.insert(format!("{prefix}{name}"), fs::read_to_string(&path).expect("a source"));
            }
        }
    }
    let mut sources = Sources::new();
    read(&workspace().join(package).join("src"), "", &mut sources);
    sources
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// Returns what is wrong with the imports of a crate.
fn faults(sources: &Sources, floors: &[Floor]) -> Vec<String> {
    let imports = imports(sources);
    let floor_of = |room: &str| floors.iter().position(|(rooms, _)| rooms.contains(&room));
    let rooms: BTreeSet<_> = sources.keys().map(|file| room(file)).collect();
    let nameless = rooms.iter().filter(|room| floor_of(room).is_none());
    let nameless = nameless.map(|room| format!("the table names no floor for the room `{room}`"));
    let empty = floors.iter().flat_map(|(named, _)| *named).filter(|named| !rooms.contains(**named));
    let empty = empty.map(|named| format!("the table names `{named}`, which is no room"));
    let misplaced = imports.iter().filter_map(|import| {
        let (from, to) = (floor_of(room(&import.from))?, floor_of(room(&import.to))?);
        let between = if from == to { "of the same floor" } else { "of a floor above" };
        let is_allowed = room(&import.from) == room(&import.to) || from < to;
        (!is_allowed).then(|| format!("{import}: the room `{}` is {between}", room(&import.to)))
    });
    let between_rooms =
        imports.iter().map(|import| (room(&import.from), room(&import.to), import.to_string()));
    let between_rooms = circles(between_rooms.filter(|(from, to, _)| from != to));
    let between_rooms = between_rooms.into_iter().map(|circle| format!("rooms in a circle: {circle}"));
    let own: Vec<_> = imports.iter().filter(|import| room(&import.from) == room(&import.to)).collect();
    nameless.chain(empty).chain(misplaced).chain(between_rooms).chain(file_circles(&own)).collect()
}

fn file_circles(imports: &[&Import]) -> Vec<String> {
    let edges = imports.iter().map(|import| (&*import.from, &*import.to, import.to_string()));
    circles(edges).into_iter().map(|circle| format!("files in a circle: {circle}")).collect()
}

#[test]
fn imports_run_down_the_floors() {
    let faults = faults(&sources("a2a-otel"), FLOORS);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_picture_shows_the_floors() {
    let page = workspace().join("docs/architecture.md");
    let page = fs::read_to_string(page).expect("docs/architecture.md");
    for (rooms, duty) in FLOORS {
        let line = format!("{:<57} {duty}\n", rooms.join(", "));
        assert!(page.contains(&line), "docs/architecture.md should have the line {line}");
    }
}

/// Adding a duration to a point in time panics if it is long enough, and callers give whatever they like.
#[test]
fn points_in_time_are_added_to_in_one_file() {
    let sources = sources("a2a-otel");
    let own = |file: &&String| file.as_str() == "deadline.rs" || file.contains("tests");
    let adds = |source: &String| source.split("now()").skip(1).any(|rest| rest.trim_start().starts_with('+'));
    let found: Vec<_> =
        sources.iter().filter(|(file, source)| !own(file) && adds(source)).map(|(file, _)| file).collect();
    assert!(found.is_empty(), "use `deadline::after` in {found:?}");
}

#[test]
fn no_files_of_the_macros_import_each_other_in_a_circle() {
    let imports = imports(&sources("a2a-otel-macros"));
    let faults = file_circles(&imports.iter().collect::<Vec<_>>());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

const TWO_FLOORS: &[Floor] = &[(&["lib"], "roof"), (&["top", "aside"], "upper"), (&["ground"], "lower")];

/// Returns what is wrong with a small crate that has the rooms `top`, `aside` and `ground`.
fn faults_of(files: &[(&str, &str)]) -> Vec<String> {
    let rooms = [("lib.rs", "mod top; mod aside; mod ground; pub use top::Top;"), ("aside.rs", "")];
    let rooms = rooms.iter().chain(files).map(|(file, source)| ((*file).to_owned(), (*source).to_owned()));
    faults(&rooms.collect(), TWO_FLOORS)
}

#[track_caller]
fn assert_faults(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(faults_of(files), expected);
}

#[test]
fn what_runs_down_is_allowed() {
    let top = "use crate::ground::{Thing, other}; fn act() -> crate::ground::Thing { other() }";
    assert_faults(
        &[("top.rs", top), ("ground.rs", "pub struct Thing; pub fn other() -> Thing { Thing }")],
        &[],
    );
}

#[test]
fn what_runs_up_is_found_wherever_it_stands() {
    let up = "ground.rs imports `crate::top::Top` of top.rs: the room `top` is of a floor above";
    let circle = "rooms in a circle: ground → top → ground (ground.rs imports `crate::top::Top` of top.rs; top.rs \
                  imports `crate::ground::X` of ground.rs)";
    let top = ("top.rs", "pub struct Top;");
    for ground in [
        "use crate::top::Top;",
        "use super::top::{self, Top};",
        "use crate::{top::Top as Other};",
        "fn act(_: crate::top::Top) {}",
        "fn act() { let _ = vec![crate::top::Top]; }",
        "fn act() { use crate::top::{Top}; }",
        "macro_rules! make { () => { $crate::top::Top } }",
        "mod within { use super::super::top::Top; }",
        "macro_rules! make { () => { mod made { use super::super::top::Top; } } }",
        "#[cfg(not(test))] use crate::top::Top;",
    ] {
        let faults = faults_of(&[top, ("ground.rs", ground)]);
        assert_eq!(faults.last().map(String::as_str), Some(up), "{ground}");
    }
    let top = ("top.rs", "use crate::ground::X; pub struct Top;");
    assert_faults(&[top, ("ground.rs", "use crate::top::Top; pub struct X;")], &[up, circle]);
}

#[test]
fn what_the_root_passes_on_is_for_users() {
    let up = "ground.rs imports `crate::Top` of lib.rs: the room `lib` is of a floor above";
    let top = ("top.rs", "pub struct Top;");
    let faults = faults_of(&[top, ("ground.rs", "use crate::Top;")]);
    assert_eq!(faults[0], up);
}

#[test]
fn rooms_of_one_floor_do_not_know_each_other() {
    let beside = "top.rs imports `crate::aside` of aside.rs: the room `aside` is of the same floor";
    assert_faults(&[("top.rs", "use crate::aside;"), ("ground.rs", "")], &[beside]);
}

#[test]
fn tests_may_import_what_they_like() {
    let ground =
        "#[cfg(test)] mod tests { use crate::top::Top; } #[cfg(all(test, unix))] use crate::top::Top;";
    assert_faults(&[("top.rs", ""), ("ground.rs", ground)], &[]);
}

#[test]
fn what_a_room_passes_on_is_imported_from_where_it_is_defined() {
    let files = [
        ("top.rs", ""),
        (
            "ground/mod.rs",
            "mod a; mod b; pub(crate) use self::a::{A, act}; pub(crate) use self::b::B; struct Own; fn act() {}",
        ),
        ("ground/a.rs", "use super::Own; pub struct A; pub fn act() {}"),
        ("ground/b.rs", "use super::A; pub struct B; fn act() {}"),
    ];
    assert_faults(&files, &[]);
}

#[test]
fn a_circle_between_files_is_found_through_whatever_passes_it_on() {
    let circle = "files in a circle: ground/a.rs → ground/b.rs → ground/a.rs (ground/a.rs imports `crate::ground::B` of \
                  ground/b.rs; ground/b.rs imports `crate::ground::a::A` of ground/a.rs)";
    let files = [
        ("top.rs", ""),
        ("ground/mod.rs", "mod a; mod b; pub(crate) use self::b::*;"),
        ("ground/a.rs", "use super::B; pub struct A;"),
        ("ground/b.rs", "fn act() { super::a::A }  pub struct B;"),
    ];
    assert_faults(&files, &[circle]);
}

#[test]
fn a_room_that_uses_what_it_passes_on_imports_it() {
    let circle = "files in a circle: ground/a.rs → ground/mod.rs → ground/a.rs (ground/a.rs imports \
                  `crate::ground::Own` of ground/mod.rs; ground/mod.rs imports `crate::ground::a::A` of ground/a.rs)";
    for own in ["pub use self::a::A; struct Own(A);", "use self::a; struct Own(a::A);", "struct Own(a::A);"] {
        let files = [
            ("top.rs", ""),
            ("ground/mod.rs", &*format!("mod a; {own}")),
            ("ground/a.rs", "use super::Own; pub struct A;"),
        ];
        assert_faults(&files, &[circle]);
    }
}

#[test]
fn the_table_names_every_room_and_no_other() {
    let files = [("lib.rs", "mod top; mod cellar;"), ("top.rs", ""), ("cellar.rs", "")];
    let files = files.map(|(file, source)| (file.to_owned(), source.to_owned()));
    let expected = [
        "the table names no floor for the room `cellar`",
        "the table names `aside`, which is no room",
        "the table names `ground`, which is no room",
    ];
    assert_eq!(faults(&files.into_iter().collect(), TWO_FLOORS), expected);
}
