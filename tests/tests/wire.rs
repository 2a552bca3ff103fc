//! Answers of real providers, one file a case in `cases/wire`: what was asked, what came, and the attributes that are right.
//!
//! A stream is tried as values, as server-sent events and as JSON lines, whole and cut anywhere: the attributes must be the
//! same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use a2a_otel::llm_call;
use a2a_otel::opentelemetry::Value as Attribute;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, capture};
use bytes::Bytes;
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    /// Variables that are set.
    #[serde(default)]
    env: BTreeMap<String, String>,
    request: Value,
    /// The whole answer.
    response: Option<Value>,
    /// The chunks of a stream.
    chunks: Option<Vec<Value>>,
    /// A stream as it lies on the wire.
    bytes: Option<String>,
    expect: BTreeMap<String, Value>,
    /// Attributes that must not be there. A pattern with `*` is looked for in every value.
    #[serde(default)]
    absent: Vec<String>,
    status: Option<Expected>,
}

/// The status of the span.
#[derive(Debug, Deserialize)]
struct Expected {
    code: String,
    #[serde(default)]
    contains: String,
}

fn cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/wire");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("cases").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a case");
        let case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), case)
    };
    paths.iter().map(read).collect()
}

#[llm_call(request = request)]
fn ask(request: &Value, answer: Value) -> Value {
    answer
}

#[llm_call(request = request)]
fn ask_values(request: &Value, chunks: Vec<Value>) -> impl Stream<Item = Value> {
    stream::iter(chunks)
}

#[llm_call(request = request)]
fn ask_bytes(request: &Value, pieces: Vec<Bytes>) -> impl Stream<Item = Bytes> {
    stream::iter(pieces)
}

fn of_values(case: &Case, chunks: Vec<Value>) -> Captured {
    let capturing = capture();
    block_on(ask_values(&case.request, chunks).collect::<Vec<_>>());
    capturing.only()
}

fn of_bytes(case: &Case, pieces: Vec<Bytes>) -> Captured {
    let capturing = capture();
    block_on(ask_bytes(&case.request, pieces).collect::<Vec<_>>());
    capturing.only()
}

/// Pieces of a text, cut before each of these bytes.
fn cut(text: &str, cuts: &[usize]) -> Vec<Bytes> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| Bytes::copy_from_slice(&text.as_bytes()[ends[0]..ends[1]])).collect()
}

/// Ways in which chunks lie on the wire.
fn layouts(chunks: &[Value]) -> Vec<String> {
    let each = |write: fn(&Value) -> String| chunks.iter().map(write).collect::<String>();
    let pretty = |chunk: &Value| serde_json::to_string_pretty(chunk).expect("JSON");
    let lines = |chunk: &Value| format!("data: {}\n\n", pretty(chunk).replace('\n', "\ndata: "));
    vec![
        each(|chunk| format!("data: {chunk}\n\n")) + "data: [DONE]\n\n",
        each(|chunk| format!("event: x\r\ndata:{chunk}\r\n\r\n")),
        each(|chunk| format!(": comment\rid: 1\rdata: {chunk}\r\r")),
        // Without the empty lines.
        each(|chunk| format!("data: {chunk}\n")),
        chunks.iter().map(lines).collect(),
        each(|chunk| format!("{chunk}\n")),
        each(ToString::to_string),
        serde_json::to_string_pretty(chunks).expect("JSON"),
        format!("[{}]", chunks.iter().map(pretty).collect::<Vec<_>>().join("\n,\r\n")),
    ]
}

fn shown(attribute: &Attribute) -> String {
    attribute.as_str().into_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// All texts of a span, with their names.
fn values(span: &Captured) -> Vec<(String, String)> {
    let own = span.attributes.iter().map(|(key, value)| (key.clone(), shown(value)));
    let of_events = span.events.iter().flat_map(|(event, attributes)| {
        let values = attributes.iter().map(|(key, value)| (key.clone(), shown(value)));
        std::iter::once((event.clone(), event.clone())).chain(values)
    });
    let status = ("status".to_owned(), format!("{:?}", span.status));
    own.chain(of_events).chain([("name".to_owned(), span.name.clone()), status]).collect()
}

/// Whether a text matches a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let pieces: Vec<_> = pattern.split('*').collect();
    let [first, between @ .., last] = &pieces[..] else { return pattern == text };
    let rest = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let found = rest.and_then(|rest| {
        between.iter().try_fold(rest, |rest, piece| Some(&rest[rest.find(piece)? + piece.len()..]))
    });
    found.is_some()
}

fn assert_case(name: &str, case: &Case, span: &Captured) {
    let Case { why, expect, absent, status, .. } = case;
    for (key, expected) in expect {
        let found = span.attributes.get(key).map(shown);
        assert_eq!(found, Some(plain(expected)), "{name} ({why}): {key} of {:#?}", span.attributes);
    }
    for absent in absent {
        let found = if absent.contains('*') {
            values(span).into_iter().find(|(_, value)| matches(absent, value)).map(|(key, _)| key)
        } else {
            span.attributes.contains_key(absent).then(|| absent.clone())
        };
        assert_eq!(found, None, "{name} ({why}): {absent:.100} of {:.10000?}", span.attributes);
    }
    if let Some(Expected { code, contains }) = status {
        assert_eq!(code, "Error", "{name}");
        let Status::Error { description } = &span.status else { panic!("{name} ({why}): {:?}", span.status) };
        assert!(description.contains(contains.as_str()), "{name} ({why}): {description}");
        assert!(span.attributes.contains_key("error.type"), "{name}: {:#?}", span.attributes);
        assert!(span.events.iter().any(|(event, _)| event == "exception"), "{name}: {:?}", span.events);
    } else {
        assert_eq!(span.status, Status::Ok, "{name} ({why})");
    }
}

#[test]
fn each_case_is_recorded_right() {
    let cases = cases();
    assert!(cases.len() >= 10, "{}", cases.len());
    for (name, case) in &cases {
        if case.env.is_empty() {
            try_case(name, case);
        } else {
            in_child(name, case);
        }
    }
}

fn try_case(name: &str, case: &Case) {
    if let Some(response) = &case.response {
        let capturing = capture();
        ask(&case.request, response.clone());
        assert_case(name, case, &capturing.only());
    }
    if let Some(chunks) = &case.chunks {
        assert_case(name, case, &of_values(case, chunks.clone()));
        for text in layouts(chunks) {
            assert_case(name, case, &of_bytes(case, cut(&text, &[])));
            let everywhere: Vec<_> = (0..text.len()).step_by(7).collect();
            assert_case(name, case, &of_bytes(case, cut(&text, &everywhere)));
        }
    }
    if let Some(text) = &case.bytes {
        assert_case(name, case, &of_bytes(case, cut(text, &[])));
    }
}

/// The variable that names the case which a child tries.
const CASE: &str = "CASE";

/// Variables are read once in a process, so a case that sets some is tried in a process of its own.
fn in_child(name: &str, case: &Case) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["child_that_tries_a_case", "--exact", "--ignored", "--nocapture"]);
    let output = command.envs(&case.env).env(CASE, name).output().expect("a child");
    let printed = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&printed));
}

#[test]
#[ignore = "a child"]
fn child_that_tries_a_case() {
    let name = std::env::var(CASE).expect("the name of a case");
    let case = cases().into_iter().find(|(other, _)| *other == name).expect("the case").1;
    try_case(&name, &case);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the bytes are laid out and cut, the attributes are those of the chunks one by one.
    #[test]
    fn cuts_change_nothing(
        case in any::<prop::sample::Index>(),
        layout in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let cases: Vec<_> = cases().into_iter().filter(|(_, case)| case.chunks.is_some() && case.env.is_empty()).collect();
        let (name, case) = &cases[case.index(cases.len())];
        let chunks = case.chunks.clone().unwrap_or_default();
        let layouts = layouts(&chunks);
        let text = &layouts[layout.index(layouts.len())];
        let (whole, cut) = (of_values(case, chunks), of_bytes(case, cut(text, &cuts)));
        let is_of_stream = |key: &str| key.starts_with("a2a_otel.stream.") || key.ends_with("time_to_first_chunk");
        let said = |span: &Captured| {
            let said = span.attributes.iter().filter(|(key, _)| !is_of_stream(key));
            // JSON in a value keeps the spaces that it came with.
            let text = |value| serde_json::from_str(&shown(value)).unwrap_or_else(|_| Value::from(shown(value)));
            said.map(|(key, value)| (key.clone(), text(value))).collect::<Vec<_>>()
        };
        prop_assert_eq!(said(&cut), said(&whole), "{}", name);
    }
}
