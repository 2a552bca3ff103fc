//! Masks spans that have ended, whatever code recorded them.

use std::borrow::Cow;

use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::masks::Masks;
use super::rules::{ALL_IN, ALL_OUT};
use crate::attributes::find;
use crate::capture::{self, REDACTED};
use crate::semconv::openinference::SPAN_KIND;
use crate::semconv::opentelemetry::EXCEPTION_MESSAGE;
use crate::semconv::ours::CANCELLED;

impl Masks {
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
