//! Which attributes are inherited, and how they cross to the next process: as entries of the W3C baggage.

use std::borrow::Borrow;
use std::sync::Once;

use opentelemetry::baggage::Baggage;
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use crate::capture::list;
use crate::report::report;
use crate::semconv::openinference::{
    LLM_PROMPT_TEMPLATE, LLM_PROMPT_TEMPLATE_VARIABLES, LLM_PROMPT_TEMPLATE_VERSION, METADATA, SESSION_ID,
    TAG_TAGS, USER_ID,
};

/// The attributes that are inherited. Those of one row are set and replaced together.
const FAMILIES: [&[&str]; 5] = [
    &[SESSION_ID],
    &[USER_ID],
    &[TAG_TAGS],
    &[METADATA],
    &[LLM_PROMPT_TEMPLATE, LLM_PROMPT_TEMPLATE_VERSION, LLM_PROMPT_TEMPLATE_VARIABLES],
];

/// The attributes that always cross to the next process. The others cross if the user asks for it.
pub(super) const CROSSING: [&str; 2] = [SESSION_ID, USER_ID];

/// The longest baggage header that every implementation must pass on, in bytes. A longer one may be refused as a whole.
pub(crate) const BAGGAGE_LIMIT: usize = 8192;

/// Some of the families of attributes that are inherited.
#[derive(Clone, Copy)]
pub(crate) struct Families(u8);

impl Families {
    pub(crate) const NONE: Self = Self(0);

    /// The families that these attributes belong to.
    #[inline]
    pub(crate) fn of(attributes: &[KeyValue]) -> Self {
        Self::NONE.with(attributes.iter().map(|attribute| &attribute.key))
    }

    /// These families, and those that the attributes with these keys belong to.
    #[inline]
    pub(super) fn with<K: Borrow<Key>>(self, keys: impl Iterator<Item = K>) -> Self {
        Self(keys.fold(self.0, |bits, key| bits | Self::bit(key.borrow().as_str())))
    }

    pub(super) fn contain(self, key: &str) -> bool {
        self.0 & Self::bit(key) != 0
    }

    /// Every attribute of every span passes here, so most are refused by their length.
    #[inline]
    fn bit(key: &str) -> u8 {
        let may_fit = key.len() < 64 && LENGTHS & (1 << key.len()) != 0;
        let family = || FAMILIES.iter().position(|family| family.contains(&key));
        if may_fit { family().map_or(0, |place| 1 << place) } else { 0 }
    }
}

/// The lengths of the names in [`FAMILIES`], as bits.
const LENGTHS: u64 = {
    let (mut lengths, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut name = 0;
        while name < FAMILIES[family].len() {
            lengths |= 1 << FAMILIES[family][name].len();
            name += 1;
        }
        family += 1;
    }
    lengths
};

/// Returns whether an attribute of the inner scope replaces one of the outer.
pub(super) fn is_replaced(outer: &str, inner: &str) -> bool {
    FAMILIES.iter().any(|family| family.contains(&outer) && family.contains(&inner))
}

/// Adds an attribute to the baggage as text, and returns whether it fits.
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

/// Returns the attribute of a baggage entry, if it is one of ours.
pub(super) fn crossed(key: &str, value: &StringValue) -> Option<KeyValue> {
    let key = *FAMILIES.iter().copied().flatten().find(|own| **own == key)?;
    let text = value.as_str();
    let value = match key {
        TAG_TAGS => list(text).unwrap_or_else(|| Value::Array(vec![value.clone()].into())),
        _ => value.clone().into(),
    };
    (!text.is_empty()).then(|| KeyValue::new(key, value))
}

/// Reports, once, that an entry was too long to be sent.
pub(crate) fn report_oversize(key: &str) {
    static REPORTED: Once = Once::new();
    REPORTED.call_once(|| {
        report(&format_args!("{key} is too long to be sent and stays in this process: baggage is limited to {BAGGAGE_LIMIT} bytes; shorten the value"));
    });
}
