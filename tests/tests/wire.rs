//! Answers of real providers, one file a case in `cases/wire`: what was asked, what came, and the attributes that are right.
//!
//! A stream is tried as values, as server-sent events and as JSON lines, whole and cut anywhere: the attributes must be the
//! same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use a2a_otel::opentelemetry::Value as Attribute;
use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::Captured;
use a2a_otel_tests::wire::{cut, layouts, of_bytes, of_values, of_whole, said};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

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
        assert_case(name, case, &of_whole(&case.request, response));
    }
    if let Some(chunks) = &case.chunks {
        assert_case(name, case, &of_values(&case.request, chunks));
        for text in layouts(chunks) {
            assert_case(name, case, &of_bytes(&case.request, cut(&text, &[])));
            let everywhere: Vec<_> = (0..text.len()).step_by(7).collect();
            assert_case(name, case, &of_bytes(&case.request, cut(&text, &everywhere)));
        }
    }
    if let Some(text) = &case.bytes {
        assert_case(name, case, &of_bytes(&case.request, cut(text, &[])));
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

/// The content of the message in a stream of these bytes, whole and in single bytes.
fn content_of(text: &str) -> Option<String> {
    let request = json!({"model": "m", "messages": []});
    let content = |cuts: &[usize]| {
        let span = of_bytes(&request, cut(text, cuts));
        span.text("llm.output_messages.0.message.content").map(str::to_owned)
    };
    let (whole, single) = (content(&[]), content(&(0..text.len()).collect::<Vec<_>>()));
    assert_eq!(whole, single, "{text}");
    whole
}

#[test]
fn what_is_torn_off_takes_nothing_else_with_it() {
    let chunk = |text: &str| format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#);
    // The text ends like something before a value, but a value cannot come within a text.
    let (one, other) = (chunk("A, b: "), chunk("lamp"));
    let within_text = one.find("A,").expect("the text")..one.find("\"}}").expect("its end");
    for end in (1..one.len()).filter(|end| one.is_char_boundary(*end)) {
        let torn = &one[..end];
        for text in [
            // With and without empty lines between events, and as JSON lines.
            format!("data: {torn}\n\ndata: {one}\n\ndata: {other}\n\n"),
            format!("data: {torn}\ndata: {one}\ndata: {other}\n"),
            format!("data: {torn}\ndata: {one}\n\ndata: {other}\n"),
        ] {
            assert_eq!(content_of(&text).as_deref(), Some("A, b: lamp"), "{text}");
        }
    }
    // A value may come after these, so the next line may belong to them.
    let is_before_value = |end: usize| {
        one[..end].ends_with(['{', '[', ',', ':']) && !within_text.contains(&end.saturating_sub(1))
    };
    for end in (1..one.len()).filter(|end| !is_before_value(*end)) {
        let text = format!("{}\n{one}\n{other}\n", &one[..end]);
        assert_eq!(content_of(&text).as_deref(), Some("A, b: lamp"), "{text}");
    }
}

#[test]
fn a_line_of_an_event_may_be_json_of_its_own() {
    let lines =
        "data: {\"choices\": [\ndata: {\"index\": 0, \"delta\": {\"content\": \"A lamp\"}}\ndata: ]}\n\n";
    assert_eq!(content_of(lines).as_deref(), Some("A lamp"));
    let json = lines.replace("data: ", "");
    assert_eq!(content_of(&json).as_deref(), Some("A lamp"));
    // The line is a piece of its own.
    let ends: Vec<_> = json.match_indices('\n').map(|(end, _)| end + 1).collect();
    let span = of_bytes(&json!({"model": "m", "messages": []}), cut(&json, &ends));
    assert_eq!(span.text("llm.output_messages.0.message.content"), Some("A lamp"));
    // A piece of a line is JSON of its own.
    let line = json.replace('\n', "");
    let span = of_bytes(&json!({"model": "m", "messages": []}), cut(&line, &[13, line.len() - 2]));
    assert_eq!(span.text("llm.output_messages.0.message.content"), Some("A lamp"));
}

#[test]
fn an_event_may_have_long_lines() {
    let long = "A lamp. ".repeat(1000);
    let lines = [r#"{"choices":[{"index":0,"delta":{"refusal":"no","content":""#, &long, r#""}}]}"#].concat();
    let lines = lines.replace(",\"content", &format!(",\ndata: \"name\":\"{long}\",\ndata: \"content"));
    assert_eq!(content_of(&format!("data: {lines}\n\n")), Some(long));
}

/// Before the first chunk, 64 KiB of something else are too much.
#[test]
fn what_begins_with_much_else_is_no_answer() {
    const UNREAD_LIMIT: usize = 1 << 16;
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"A lamp"}}]}"#;
    for piece in [
        "just a few words\n",
        "ÄÖÜ\n",
        "{no JSON}\n",
        "{\"no\":\"chunk\"}\n",
        "data: no JSON, but more words than the name of the field has\n\n",
    ] {
        for (is_read, length) in [(true, UNREAD_LIMIT * 3 / 4), (false, UNREAD_LIMIT * 3 / 2)] {
            let mut pieces = vec![piece.as_bytes().to_vec(); length / (piece.len() - 1)];
            pieces.push(format!("{chunk}\n").into_bytes());
            let span = of_bytes(&json!({"model": "m", "messages": []}), pieces);
            let content = span.text("llm.output_messages.0.message.content");
            assert_eq!(content.is_some(), is_read, "{length} bytes of {piece:?}");
        }
    }
}

#[test]
fn halves_of_a_character_meet() {
    let chunk = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let text = chunk("A \\ud83d") + &chunk("\\ude00.");
    assert_eq!(content_of(&text).as_deref(), Some("A \u{1f600}."));
    // What has no other half is no character, but the answer that is recorded is JSON nevertheless.
    for half in ["A \\ud83d", "A \\ude00."] {
        let span = of_bytes(&json!({"model": "m", "messages": []}), cut(&chunk(half), &[]));
        let output: Value =
            serde_json::from_str(span.text("output.value").expect("an output")).expect("JSON");
        let content = &output["choices"][0]["message"]["content"];
        assert_eq!(content.as_str(), span.text("llm.output_messages.0.message.content"), "{half}");
        assert!(content.as_str().is_some_and(|content| content.starts_with("A ")), "{half}: {content}");
    }
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
        let (whole, cut) = (of_values(&case.request, &chunks), of_bytes(&case.request, cut(text, &cuts)));
        prop_assert_eq!(said(&cut), said(&whole), "{}", name);
    }
}

/// Fields that hold credentials for other servers, in a request and in what it tells of tools, servers and data.
const CREDENTIALS: &[&str] = &[
    "access_token",
    "api_key",
    "apiKey",
    "authentication",
    "authorization",
    "authorization_token",
    "extra_headers",
    "headers",
];

/// Each field with a text, an object and a list in turn, or with what takes the place of all three.
fn credentials(is_hidden: bool) -> Map<String, Value> {
    let values = [json!("hush"), json!({"Authorization": "hush, \"all\" of it"}), json!(["hush"])];
    let of = |at: usize| if is_hidden { json!("__REDACTED__") } else { values[at % 3].clone() };
    CREDENTIALS.iter().enumerate().map(|(at, name)| ((*name).to_owned(), of(at))).collect()
}

fn with_credentials(is_hidden: bool) -> Value {
    let mut direct = credentials(is_hidden);
    direct.insert("type".to_owned(), json!("mcp"));
    let holders = json!([{"type": "mcp", "name": "n", "parameters": credentials(is_hidden)}, direct]);
    let mut request = credentials(is_hidden);
    for (name, value) in [
        ("model", json!("m")),
        ("messages", json!([{"role": "user", "content": "a lamp"}])),
        ("mcp_servers", holders.clone()),
        ("tools", holders.clone()),
        ("data_sources", holders.clone()),
        ("dataSources", holders),
        // A number or a flag is no credential.
        ("stream", json!(true)),
    ] {
        request.insert(name.to_owned(), value);
    }
    request.into()
}

#[test]
fn credentials_for_other_servers_are_never_recorded() {
    let answer = json!({"object": "chat.completion", "model": "m", "choices": [{"message": {"role": "assistant", "content": "a"}}]});
    let span = of_whole(&with_credentials(false), &answer);
    let read = |key: &str| serde_json::from_str::<Value>(span.text(key).expect(key)).expect("JSON");
    let expected = with_credentials(true);
    assert_eq!(read("input.value"), expected);
    for number in 0..2 {
        let tool = read(&format!("llm.tools.{number}.tool.json_schema"));
        assert_eq!(tool, expected["tools"][number], "{number}");
    }
    for (key, value) in &span.attributes {
        assert!(!value.as_str().contains("hush"), "{key}: {value}");
    }
}
