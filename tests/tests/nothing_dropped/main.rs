//! Nothing that was said is dropped: each text in a request or an answer is found in an attribute of its own, not only in
//! `input.value` and `output.value`, unless a table says why not.
//!
//! The texts are those of the recorded conversations, and those of generated ones, whose messages hold parts that every
//! reader knows, and parts that none knows.

mod dialects;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use a2a_otel::llm_call;
use a2a_otel::opentelemetry::Value as Attribute;
use a2a_otel::testing::{Captured, capture};
use proptest::prelude::*;
use serde_json::Value;

/// The shortest text that counts: shorter ones are names of types, formats and reasons.
const SHORTEST: usize = 8;

/// Base64 that is longer is replaced.
const LONGEST: usize = 32_000;

/// The fields whose texts are in `input.value` and `output.value` alone.
const UNSAID: &[(&str, &[&str])] = &[
    (
        "says which answer it is",
        &["id", "responseId", "object", "created_at", "system_fingerprint", "modelVersion"],
    ),
    (
        "says how it was served",
        &["service_tier", "status", "provider", "native_finish_reason", "cache_control"],
    ),
    (
        "rates a text, and is none",
        &["prompt_filter_results", "content_filter_results", "safetyRatings", "logprobs"],
    ),
    ("is repeated from the request", &["instructions", "tool_choice", "truncation"]),
    ("is the type of a part or of a file", &["type", "mimeType", "content_type", "media_type"]),
    ("says how an image is read", &["detail"]),
    ("holds numbers, in base64", &["embedding"]),
];

#[llm_call(request = request)]
fn ask(request: &Value, answer: Value) -> Value {
    answer
}

fn recorded(request: &Value, answer: &Value) -> Captured {
    let capturing = capture();
    ask(request, answer.clone());
    capturing.only()
}

/// All texts of the span's attributes and events, except of its whole input and output. The texts of JSON are read.
fn said_in(span: &Captured) -> Vec<String> {
    let mut said = Vec::new();
    let of_events = span.events.iter().flat_map(|(_, attributes)| attributes);
    for (key, value) in span.attributes.iter().chain(of_events) {
        if let (Attribute::String(text), false) =
            (value, ["input.value", "output.value"].contains(&key.as_str()))
        {
            said.push(text.as_str().to_owned());
            if let Ok(json) = serde_json::from_str::<Value>(text.as_str()) {
                each_text(&json, &mut |_, text| said.push(text.to_owned()));
            }
        }
    }
    said
}

/// Calls a function with each text of a value and the fields that it is in.
fn each_text<'a>(value: &'a Value, found: &mut impl FnMut(&[&'a str], &'a str)) {
    fn walk<'a>(value: &'a Value, path: &mut Vec<&'a str>, found: &mut impl FnMut(&[&'a str], &'a str)) {
        match value {
            Value::String(text) => found(path, text),
            Value::Array(items) => items.iter().for_each(|item| walk(item, path, found)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    path.push(name);
                    walk(value, path, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }
    walk(value, &mut Vec::new(), found);
}

fn is_exempt(path: &[&str]) -> bool {
    path.iter().any(|field| UNSAID.iter().any(|(_, fields)| fields.contains(field)))
}

/// The texts of a value that are not said in the span.
fn unheard(value: &Value, said: &[String]) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    each_text(value, &mut |path, text| {
        // Gemini names a model by its path.
        let text = text.strip_prefix("models/").unwrap_or(text);
        // The crate `genai` writes roles as its types are called.
        let variants = [text.to_owned(), text.chars().take(200).collect(), text.to_lowercase()];
        let is_said = || variants.iter().any(|text| said.iter().any(|said| said.contains(text)));
        if (SHORTEST..LONGEST).contains(&text.chars().count()) && !is_exempt(path) && !is_said() {
            missing.insert(format!("{}: {text}", path.join(".")));
        }
    });
    missing
}

/// Whether the case expects messages of the answer.
fn is_read(case: &Value) -> bool {
    let absent = case["absent"].as_array().into_iter().flatten().filter_map(Value::as_str);
    !absent.into_iter().any(|key| key.starts_with("llm.output_messages.0"))
}

#[test]
fn recorded_conversations_are_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/wire");
    let (mut count, mut unsaid) = (0, Vec::new());
    for entry in fs::read_dir(folder).expect("cases") {
        let path = entry.expect("a file").path();
        let case: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a case")).expect("JSON");
        // What is asked to be hidden is not said, and a stream in one text is read as its answer.
        if case.get("env").is_some() || !case["response"].is_object() {
            continue;
        }
        count += 1;
        let said = said_in(&recorded(&case["request"], &case["response"]));
        // An answer of no known interface is only the output.
        let sides: &[&str] = if is_read(&case) { &["request", "response"] } else { &["request"] };
        let missing: Vec<_> = sides.iter().flat_map(|side| unheard(&case[side], &said)).collect();
        if !missing.is_empty() {
            unsaid.push(format!("{}: {missing:#?}", path.display()));
        }
    }
    assert!(unsaid.is_empty(), "{}", unsaid.join("\n"));
    assert!(count > 5, "{count}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The provider is recorded too: the answer tells it, whatever else the request could have been.
    #[test]
    fn generated_conversations_are_said(dialect in dialects::any()) {
        let (name, request, answer) = dialect;
        let span = recorded(&request, &answer);
        let said = said_in(&span);
        let missing: Vec<_> = [&request, &answer].into_iter().flat_map(|side| unheard(side, &said)).collect();
        prop_assert!(missing.is_empty(), "{}: {:#?} of\n{:#}\n{:#}", name, missing, request, answer);
        prop_assert_eq!(span.text("llm.provider"), dialects::provider(name), "{} of\n{:#}\n{:#}", name, request, answer);
    }
}
