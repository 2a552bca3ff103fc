//! The masks themselves: how attributes and ended spans are masked, for the whole process or for one pipeline.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::config::Privacy;
use super::inside::masked;
use super::redactor::Redactor;
use super::rules::{ALL_IN, ALL_OUT, Fate, look_up};
use crate::attributes::find;
use crate::capture::{self, REDACTED};
use crate::semconv::openinference::SPAN_KIND;
use crate::semconv::opentelemetry::EXCEPTION_MESSAGE;
use crate::semconv::ours::CANCELLED;

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

    const fn is_hiding(&self) -> bool {
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

    /// Masks a span that any code recorded, before it leaves the process.
    pub(crate) fn clean(&self, span: &mut SpanData) {
        let kind = self.is_hiding().then(|| find(&span.attributes, SPAN_KIND).cloned()).flatten();
        let kind = kind.as_ref().map_or("".into(), Value::as_str);
        let names = span.events.events.iter_mut().map(|event| &mut event.name);
        names.chain([&mut span.name]).for_each(|name| self.shorten(name));
        let events = span.events.events.iter_mut().map(|event| &mut event.attributes);
        let links = span.links.links.iter_mut().map(|link| &mut link.attributes);
        for attributes in [&mut span.attributes].into_iter().chain(events).chain(links) {
            self.screen(&kind, attributes);
            self.redact(attributes);
        }
        for event in &mut span.events.events {
            self.mask_message_event(&event.name, &mut event.attributes);
        }
        if let Status::Error { description } = &mut span.status
            && description != CANCELLED
        {
            *description = self.message(&kind, std::mem::take(description));
            if let Some(redactor) = &self.redactor {
                let text = std::mem::take(description).into_owned();
                let text = redactor.answer(EXCEPTION_MESSAGE, text.into());
                *description = text.map_or("".into(), |text| text.as_str().into_owned().into());
            }
        }
    }

    /// Masks an event that is a message of a conversation: `gen_ai.user.message` and the like, and `gen_ai.choice`.
    /// Their attributes have names of their own.
    ///
    /// Source: OpenTelemetry's semantic conventions 1.27 to 1.36, `gen-ai/gen-ai-events.md`.
    fn mask_message_event(&self, name: &str, attributes: &mut [KeyValue]) {
        const TEXTS: &[&str] = &["content", "message", "tool_calls", "gen_ai.event.content", "body"];
        let settings = match name.strip_prefix("gen_ai.") {
            Some("choice") => ALL_OUT,
            Some(kind) if kind.ends_with(".message") => ALL_IN,
            _ => return,
        };
        if self.hidden & settings != 0 {
            let texts = attributes.iter_mut().filter(|attribute| TEXTS.contains(&attribute.key.as_str()));
            texts.for_each(|attribute| attribute.value = REDACTED.into());
        }
    }

    /// A name has no settings. The message of a `tracing` event is its name, and may hold a file like any other text.
    fn shorten(&self, name: &mut Cow<'static, str>) {
        if name.len() > self.harmless_length()
            && let Some(masked) = capture::without_base64(name, self.longest_base64)
        {
            *name = masked.into();
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
