//! Exercises every row of the tables that the reader uses.

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, Value};
use serde_json::json;

use super::{details, fields, kind_of, parameters, same, translate};
use crate::attributes::find;
use crate::gen_ai::read::additions::add_provider;
use crate::semconv::SpanKind;
use crate::semconv::equivalents::{OPERATIONS, Operation, PARAMETERS, PROVIDERS, SAME, Same};
use crate::semconv::foreign::{DETAILS, FIELDS, Field, KINDS, Meaning, Sign, TARGET};
use crate::semconv::gen_ai::OPERATION_NAME;
use crate::semconv::openinference as names;

#[test]
fn each_operation_is_a_kind() {
    for Operation(operation, kind, _) in OPERATIONS {
        assert_eq!(kind_of("span", &[KeyValue::new(OPERATION_NAME, *operation)]), Some(*kind));
    }
    assert_eq!(kind_of("span", &[KeyValue::new(OPERATION_NAME, "dance")]), None);
}

#[test]
fn each_sign_is_a_kind() {
    for (sign, kind) in KINDS {
        let signs: Vec<(String, KeyValue)> = match sign {
            Sign::Value(keys, value) => {
                let values = [value.to_uppercase(), value.to_lowercase()];
                let both = |key: &'static str| values.clone().map(|value| KeyValue::new(key, value));
                keys.iter().flat_map(|key| both(key)).map(|one| ("span".to_owned(), one)).collect()
            }
            Sign::Name(source, name) => {
                let target = KeyValue::new(TARGET, format!("{source}::module"));
                vec![(name.replace('*', "something"), target)]
            }
            Sign::Attribute(key) => vec![("span".to_owned(), KeyValue::new(*key, "m"))],
        };
        for (name, attribute) in signs {
            assert_eq!(kind_of(&name, &[attribute]), Some(*kind), "{sign:?}");
        }
    }
}

#[test]
fn a_name_needs_its_crate() {
    for (sign, _) in KINDS {
        if let Sign::Name(source, name) = sign {
            let other = KeyValue::new(TARGET, format!("{source}_of_another::module"));
            assert_eq!(kind_of(&name.replace('*', "something"), &[other]), None, "{sign:?}");
        }
    }
}

#[test]
fn each_pair_is_read() {
    for Same(target, source, used) in SAME {
        for kind in SpanKind::ALL.iter().filter(|kind| used.is_read_on(**kind)) {
            let mut attributes = vec![KeyValue::new(*source, 3)];
            same(*kind, &mut attributes);
            assert_eq!(find(&attributes, target), Some(&Value::I64(3)), "{source} on {kind:?}");
        }
    }
}

/// The attributes of a span with this one, and what became of them.
fn read(field: &Field, kind: SpanKind, value: Value) -> (Vec<KeyValue>, Status) {
    let mut attributes = vec![KeyValue::new(field.key.replace('*', "end"), value)];
    attributes.extend(field.of.map(|source| KeyValue::new(TARGET, format!("{source}::module"))));
    let mut status = Status::Unset;
    fields::read(kind, &mut attributes, &mut status);
    (attributes, status)
}

/// A value with this meaning, and the attribute that it becomes.
fn example(holds: Meaning) -> (Value, &'static str, Value) {
    let text = |value: serde_json::Value| Value::from(value.to_string());
    match holds {
        Meaning::Same(target) => (7.into(), target, 7.into()),
        Meaning::Text(target) => (7.into(), target, "7".into()),
        Meaning::Provider => ("mistral_ai".into(), names::LLM_PROVIDER, "mistralai".into()),
        Meaning::Input => ("\"said\"".into(), names::INPUT_VALUE, "said".into()),
        Meaning::Output => ("[1]".into(), names::OUTPUT_VALUE, "[1]".into()),
        Meaning::Documents => {
            (text(json!([{"content": "d"}])), "retrieval.documents.0.document.content", "d".into())
        }
        Meaning::Tokens => (text(json!({"input": 7})), names::LLM_TOKEN_COUNT_PROMPT, 7.into()),
        Meaning::Costs => (text(json!({"input": 0.5})), names::LLM_COST_PROMPT, 0.5.into()),
        Meaning::Metadata => (text(json!({"a": 1})), names::METADATA, text(json!({"a": 1}))),
        Meaning::Tags => (text(json!(["a"])), names::TAG_TAGS, Value::Array(Array::String(vec!["a".into()]))),
        Meaning::Fails(failed) => (failed.into(), "", Value::I64(0)),
        Meaning::Reason | Meaning::Failure => ("why".into(), "", Value::I64(0)),
    }
}

#[test]
fn each_field_is_read_on_its_spans_only() {
    for field in FIELDS {
        let (value, target, expected) = example(field.holds);
        for kind in SpanKind::ALL {
            let (attributes, status) = read(field, *kind, value.clone());
            let has_failed = matches!(status, Status::Error { .. });
            let applies = field.on.is_none_or(|on| on == *kind);
            match field.holds {
                Meaning::Fails(_) | Meaning::Failure => assert_eq!(has_failed, applies, "{}", field.key),
                Meaning::Reason => assert!(!has_failed, "{} alone is no failure", field.key),
                _ => {
                    let found = find(&attributes, target);
                    assert_eq!(found, applies.then_some(&expected), "{} on {kind:?}", field.key);
                }
            }
        }
        if let Some(source) = field.of {
            let nameless = Field { of: None, ..*field };
            let (attributes, _) = read(&nameless, field.on.unwrap_or(SpanKind::Chain), value);
            assert_eq!(find(&attributes, target), None, "{} without {source}", field.key);
        }
    }
}

#[test]
fn each_detail_is_read_from_each_path() {
    for detail in DETAILS {
        for path in detail.paths {
            let nested = path.rsplit('.').fold(json!(3), |inner, name| json!({name: inner}));
            assert_eq!(details::read(&nested), [(detail.key, 3.0)], "{path}");
        }
    }
}

#[test]
fn each_parameter_is_read() {
    for row in PARAMETERS.iter().filter(|row| row.is_read) {
        let mut attributes = vec![KeyValue::new(row.key, 1)];
        parameters(&mut attributes);
        let expected = json!({row.names[0]: 1}).to_string();
        assert_eq!(find(&attributes, names::LLM_INVOCATION_PARAMETERS), Some(&expected.into()));
    }
}

#[test]
fn each_provider_is_read() {
    for row in PROVIDERS {
        let mut attributes = Vec::new();
        add_provider(&mut attributes, row.name);
        let first = PROVIDERS.iter().find(|other| other.name == row.name).expect("a row");
        assert_eq!(find(&attributes, names::LLM_PROVIDER), Some(&first.served_by.into()));
        assert_eq!(find(&attributes, names::LLM_SYSTEM), first.system.map(Value::from).as_ref());
    }
}

/// What a library has recorded in OpenInference's terms already stands, and a status that was set.
#[test]
fn what_is_there_stands() {
    let mut attributes = vec![
        KeyValue::new("langfuse.observation.type", "generation"),
        KeyValue::new("langfuse.observation.input", "theirs"),
        KeyValue::new("langfuse.observation.level", "ERROR"),
        KeyValue::new(names::INPUT_VALUE, "ours"),
        KeyValue::new(names::METADATA, "{}"),
        KeyValue::new("langfuse.observation.metadata.a", 1),
    ];
    let mut status = Status::Ok;
    translate("span", &mut attributes, &mut status);
    assert_eq!(find(&attributes, names::INPUT_VALUE), Some(&"ours".into()));
    assert_eq!(find(&attributes, names::METADATA), Some(&"{}".into()));
    assert_eq!(find(&attributes, names::SPAN_KIND), Some(&"LLM".into()));
    assert_eq!(status, Status::Ok);
}
