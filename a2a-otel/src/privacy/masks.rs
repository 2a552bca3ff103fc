//! The masks themselves: how attributes are masked, for the whole process or for one pipeline.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::config::Privacy;
use super::inside::masked;
use super::redactor::Redactor;
use super::rules::{Fate, look_up};
use crate::capture::{self, REDACTED};
use crate::semconv::opentelemetry::EXCEPTION_MESSAGE;

/// What is hidden, in the whole process or from the receivers of one pipeline.
#[derive(Clone)]
pub(crate) struct Masks {
    pub(super) hidden: u32,
    pub(super) longest_base64: usize,
    pub(super) redactor: Option<Arc<Redactor>>,
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks").field("hidden", &self.hidden).finish_non_exhaustive()
    }
}

impl Masks {
    /// The masks of a configuration that is resolved.
    pub(crate) fn of(privacy: &Privacy) -> Self {
        let longest_base64 = privacy.image_length.unwrap_or(capture::DEFAULT_LONGEST_BASE64);
        Self { hidden: privacy.hidden, longest_base64, redactor: privacy.redactor.clone() }
    }

    /// No text up to this length can hold anything to replace.
    pub(super) fn harmless_length(&self) -> usize {
        self.longest_base64.min(capture::limit())
    }

    pub(super) const fn is_hiding(&self) -> bool {
        self.hidden != 0
    }

    fn are_harmless(&self, attributes: &[KeyValue]) -> bool {
        !self.is_hiding() && !may_hold_base64(attributes, self.harmless_length())
    }

    /// Masks an attribute of a span of this kind. Returns false if the attribute must be dropped.
    pub(super) fn admit(&self, kind: &str, attribute: &mut KeyValue) -> bool {
        if self.are_harmless(std::slice::from_ref(attribute)) {
            return true;
        }
        let KeyValue { key, value, .. } = attribute;
        let Self { hidden, longest_base64, .. } = *self;
        match look_up(hidden, kind, key.as_str()) {
            Fate::Keep => {
                for_each_text(value, |text| masked(hidden, longest_base64, kind, key.as_str(), text));
            }
            Fate::Redact => *value = REDACTED.into(),
            Fate::Drop => return false,
        }
        true
    }

    /// Masks a list of attributes, and drops those that must be dropped.
    pub(crate) fn screen(&self, kind: &str, attributes: &mut Vec<KeyValue>) {
        if !self.are_harmless(attributes) {
            attributes.retain_mut(|attribute| self.admit(kind, attribute));
        }
    }

    /// The message of an error, which may quote what is hidden.
    pub(super) fn message(&self, kind: &str, message: Cow<'static, str>) -> Cow<'static, str> {
        let mut attribute = KeyValue::new(EXCEPTION_MESSAGE, message);
        let is_admitted = self.admit(kind, &mut attribute);
        if is_admitted { attribute.value.as_str().into_owned().into() } else { REDACTED.into() }
    }

    /// Applies the user's redactor.
    pub(crate) fn redact(&self, attributes: &mut Vec<KeyValue>) {
        if let Some(redactor) = &self.redactor {
            redactor.redact(attributes);
        }
    }
}

/// Whether a text is long enough for base64 that is too long.
#[inline]
pub(super) fn may_hold_base64(attributes: &[KeyValue], harmless: usize) -> bool {
    attributes.iter().any(|attribute| match &attribute.value {
        Value::String(text) => text.as_str().len() > harmless,
        Value::Array(Array::String(_)) => true,
        _ => false,
    })
}

/// Replaces the texts of a value by what the closure makes of them.
fn for_each_text(value: &mut Value, mask: impl Fn(&str) -> Option<String>) {
    let replace = |text: &mut StringValue| {
        if let Some(masked) = mask(text.as_str()) {
            *text = masked.into();
        }
    };
    match value {
        Value::String(text) => replace(text),
        Value::Array(Array::String(list)) => list.iter_mut().for_each(replace),
        _ => {}
    }
}
