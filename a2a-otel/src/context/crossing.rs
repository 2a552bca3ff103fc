//! What is inherited, and how it crosses to the next process: as an entry of the W3C baggage.

use std::sync::Once;

use opentelemetry::baggage::Baggage;
use opentelemetry::{Array, KeyValue, StringValue, Value};

use crate::capture::list;
use crate::report::report;
use crate::semconv::openinference::{
    LLM_PROMPT_TEMPLATE, LLM_PROMPT_TEMPLATE_VARIABLES, LLM_PROMPT_TEMPLATE_VERSION, METADATA, SESSION_ID,
    TAG_TAGS, USER_ID,
};

/// What is inherited. What stands in one row is said, and replaced, together.
const FAMILIES: [&[&str]; 5] = [
    &[SESSION_ID],
    &[USER_ID],
    &[TAG_TAGS],
    &[METADATA],
    &[LLM_PROMPT_TEMPLATE, LLM_PROMPT_TEMPLATE_VERSION, LLM_PROMPT_TEMPLATE_VARIABLES],
];

/// What always crosses to the next process, as W3C baggage; the rest does where the user says so.
pub(super) const CROSSING: [&str; 2] = [SESSION_ID, USER_ID];

/// How many bytes have to get through everywhere: what is longer may be refused as a whole.
pub(crate) const BAGGAGE_LIMIT: usize = 8192;

/// Whether an attribute of the outer scope gives way to one of the inner.
pub(super) fn is_replaced(outer: &str, inner: &str) -> bool {
    FAMILIES.iter().any(|family| family.contains(&outer) && family.contains(&inner))
}

/// Puts an attribute into the baggage, whose values are texts. What is too large for it stays here.
pub(super) fn cross(attribute: &KeyValue, baggage: &mut Baggage) -> bool {
    let text = match &attribute.value {
        Value::String(text) => text.clone(),
        Value::Array(Array::String(list)) => {
            serde_json::json!(list.iter().map(StringValue::as_str).collect::<Vec<_>>()).to_string().into()
        }
        other => other.to_string().into(),
    };
    baggage.insert(attribute.key.clone(), text.clone());
    let crosses = baggage.get(&attribute.key) == Some(&text);
    if !crosses {
        report_oversize(attribute.key.as_str());
    }
    crosses
}

/// The attribute that an entry of the baggage is, if it is one of ours.
pub(super) fn crossed(key: &str, value: &StringValue) -> Option<KeyValue> {
    let key = *FAMILIES.iter().copied().flatten().find(|own| **own == key)?;
    let text = value.as_str();
    let value = match key {
        TAG_TAGS => list(text).unwrap_or_else(|| Value::Array(vec![value.clone()].into())),
        _ => value.clone().into(),
    };
    (!text.is_empty()).then(|| KeyValue::new(key, value))
}

/// Says, once, that baggage was too long to be sent.
pub(crate) fn report_oversize(key: &str) {
    static REPORTED: Once = Once::new();
    REPORTED.call_once(|| {
        report(&format_args!("{key} stays in this process: baggage is sent up to {BAGGAGE_LIMIT} bytes"));
    });
}
