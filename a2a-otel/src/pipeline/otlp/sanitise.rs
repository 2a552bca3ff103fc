//! Fixes what a receiver would silently drop.
//!
//! Phoenix answers 200 and then drops a span if a text contains NUL, which `PostgreSQL` does not store, or if a key has
//! more than 254 segments. A number that JSON cannot express breaks Phoenix's own answers. Of two attributes with the
//! same key, either may be kept.

use std::collections::HashSet;
use std::mem;

use memchr::memchr;
use opentelemetry::trace::Status;
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// The largest number of segments of a key. Phoenix nests keys at their dots, and drops spans that are nested deeper
/// than 254.
const MOST_SEGMENTS: usize = 128;

/// Up to this many attributes, comparing each pair is faster than a set.
const FEW: usize = 16;

/// Fixes a span in place.
pub(crate) fn sanitise(span: &mut SpanData) {
    if holds_nul(&span.name) {
        span.name = without_nul(&span.name).into();
    }
    if let Status::Error { description } = &mut span.status
        && holds_nul(description)
    {
        *description = without_nul(description).into();
    }
    sanitise_attributes(&mut span.attributes);
    for event in &mut span.events.events {
        if holds_nul(&event.name) {
            event.name = without_nul(&event.name).into();
        }
        sanitise_attributes(&mut event.attributes);
    }
    for link in &mut span.links.links {
        sanitise_attributes(&mut link.attributes);
    }
}

fn sanitise_attributes(attributes: &mut Vec<KeyValue>) {
    for attribute in attributes.iter_mut() {
        if let Some(key) = fixed_key(attribute.key.as_str()) {
            attribute.key = Key::from(key);
        }
        fix_value(&mut attribute.value);
    }
    if has_duplicates(attributes) {
        keep_last_of_each(attributes);
    }
}

fn fixed_key(key: &str) -> Option<String> {
    let segments = 1 + memchr::memchr_iter(b'.', key.as_bytes()).count();
    if key.is_empty() {
        Some("(no key)".to_owned())
    } else if segments > MOST_SEGMENTS {
        let segments = without_nul(key);
        let segments = segments.splitn(MOST_SEGMENTS, '.').map(|segment| segment.replace('.', "_"));
        Some(segments.collect::<Vec<_>>().join("."))
    } else {
        holds_nul(key).then(|| without_nul(key))
    }
}

fn fix_value(value: &mut Value) {
    match value {
        Value::String(text) => fix_text(text),
        Value::F64(number) if !number.is_finite() => *value = number.to_string().into(),
        Value::Array(Array::String(list)) => list.iter_mut().for_each(fix_text),
        Value::Array(Array::F64(list)) if !list.iter().all(|number| number.is_finite()) => {
            let texts = mem::take(list).into_iter().map(|number| StringValue::from(number.to_string()));
            *value = Value::Array(Array::String(texts.collect()));
        }
        _ => {}
    }
}

fn fix_text(text: &mut StringValue) {
    if holds_nul(text.as_str()) {
        *text = without_nul(text.as_str()).into();
    }
}

fn holds_nul(text: &str) -> bool {
    memchr(0, text.as_bytes()).is_some()
}

/// Replaces NUL with Unicode's symbol for it, so that it stays visible.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

fn has_duplicates(attributes: &[KeyValue]) -> bool {
    if attributes.len() <= FEW {
        let mut rest = attributes.iter();
        return std::iter::from_fn(|| rest.next().map(|first| (first, rest.clone())))
            .any(|(first, mut others)| others.any(|other| other.key == first.key));
    }
    let mut keys = HashSet::with_capacity(attributes.len());
    !attributes.iter().all(|attribute| keys.insert(attribute.key.as_str()))
}

/// Keeps the last value of each key: an attribute that is set twice is in the list twice.
fn keep_last_of_each(attributes: &mut Vec<KeyValue>) {
    let mut keys = HashSet::with_capacity(attributes.len());
    attributes.reverse();
    attributes.retain(|attribute| keys.insert(attribute.key.clone()));
    attributes.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(attributes: Vec<KeyValue>) -> Vec<KeyValue> {
        let mut attributes = attributes;
        sanitise_attributes(&mut attributes);
        attributes
    }

    #[test]
    fn what_is_well_stays_as_it_is() {
        let numbers = Value::Array(Array::F64(vec![1.0, 2.0]));
        let well = vec![
            KeyValue::new("a.b", "text"),
            KeyValue::new("c", 1.5),
            KeyValue::new("d", true),
            KeyValue::new("e", numbers),
            KeyValue::new(vec!["k"; MOST_SEGMENTS].join("."), 1),
        ];
        assert_eq!(fixed(well.clone()), well);
        let deep = KeyValue::new(vec!["k"; MOST_SEGMENTS + 1].join("."), 1);
        assert_ne!(fixed(vec![deep.clone()]), [deep]);
    }

    #[test]
    fn nul_is_shown_and_not_sent() {
        let list = Value::Array(Array::String(vec!["x\0".into()]));
        let shown = Value::Array(Array::String(vec!["x\u{2400}".into()]));
        let attributes = vec![KeyValue::new("a\0", "b\0c"), KeyValue::new("list", list)];
        assert_eq!(
            fixed(attributes),
            [KeyValue::new("a\u{2400}", "b\u{2400}c"), KeyValue::new("list", shown)]
        );
    }

    #[test]
    fn numbers_that_json_does_not_have_become_text() {
        let list = Value::Array(Array::F64(vec![1.0, f64::NAN]));
        let texts = Value::Array(Array::String(vec!["1".into(), "NaN".into()]));
        let attributes = vec![KeyValue::new("a", f64::NEG_INFINITY), KeyValue::new("b", list)];
        assert_eq!(fixed(attributes), [KeyValue::new("a", "-inf"), KeyValue::new("b", texts)]);
    }

    #[test]
    fn deep_and_missing_keys_are_fixed() {
        for segments in [MOST_SEGMENTS + 1, 300] {
            let deep = vec!["k"; segments].join(".");
            let length = deep.len();
            let attributes = fixed(vec![KeyValue::new(deep, 1), KeyValue::new("", 2)]);
            let key = attributes[0].key.as_str();
            assert_eq!((key.split('.').count(), key.len()), (MOST_SEGMENTS, length));
            assert_eq!(attributes[1].key.as_str(), "(no key)");
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        assert_eq!(fixed(vec![KeyValue::new("a", 1), KeyValue::new("a", 2)]), [KeyValue::new("a", 2)]);
        for others in [0_i64, 100] {
            let filler = (0..others).map(|number| KeyValue::new(format!("filler.{number}"), number));
            let mut attributes = vec![KeyValue::new("a", 1), KeyValue::new("b", 2), KeyValue::new("a", 3)];
            attributes.extend(filler.clone());
            let mut expected = vec![KeyValue::new("b", 2), KeyValue::new("a", 3)];
            expected.extend(filler);
            assert_eq!(fixed(attributes), expected);
        }
    }
}
