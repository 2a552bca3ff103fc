//! Masks spans that have ended, whatever code recorded them.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::gate::{REDACTS, are_harmless, hidden, is_hiding, message, redactor, screen};
use super::rules::{ALL_IN, ALL_OUT};
use crate::attributes::find;
use crate::capture::{self, REDACTED};
use crate::semconv::openinference::SPAN_KIND;
use crate::semconv::opentelemetry::EXCEPTION_MESSAGE;
use crate::semconv::ours::CANCELLED;

/// Masks a span that any code recorded, before it leaves the process.
#[inline]
pub(crate) fn clean(span: &mut SpanData) {
    let is_plain =
        span.events.is_empty() && span.links.is_empty() && !matches!(span.status, Status::Error { .. });
    let may_redact = REDACTS.load(Ordering::Relaxed);
    let is_short = span.name.len() <= capture::harmless_length();
    if !(is_plain && is_short && !may_redact && are_harmless(&span.attributes)) {
        clean_all(span);
    }
}

fn clean_all(span: &mut SpanData) {
    let kind = is_hiding().then(|| find(&span.attributes, SPAN_KIND).cloned()).flatten();
    let kind = kind.as_ref().map_or("".into(), Value::as_str);
    let redactor = redactor();
    let names = span.events.events.iter_mut().map(|event| &mut event.name);
    names.chain([&mut span.name]).for_each(shorten);
    let events = span.events.events.iter_mut().map(|event| &mut event.attributes);
    let links = span.links.links.iter_mut().map(|link| &mut link.attributes);
    for attributes in [&mut span.attributes].into_iter().chain(events).chain(links) {
        screen(&kind, attributes);
        if let Some(redactor) = &redactor {
            redactor.redact(attributes);
        }
    }
    if is_hiding() {
        span.events
            .events
            .iter_mut()
            .for_each(|event| mask_message_event(&event.name, &mut event.attributes));
    }
    if let Status::Error { description } = &mut span.status
        && description != CANCELLED
    {
        *description = message(&kind, std::mem::take(description));
        if let Some(redactor) = &redactor {
            let text = std::mem::take(description).into_owned();
            let text = redactor.answer(EXCEPTION_MESSAGE, text.into());
            *description = text.map_or("".into(), |text| text.as_str().into_owned().into());
        }
    }
}

/// Masks an event that is a message of a conversation: `gen_ai.user.message` and the like, and `gen_ai.choice`. Their
/// attributes have names of their own.
///
/// Source: OpenTelemetry's semantic conventions 1.27 to 1.36, `gen-ai/gen-ai-events.md`.
fn mask_message_event(name: &str, attributes: &mut [KeyValue]) {
    const TEXTS: &[&str] = &["content", "message", "tool_calls", "gen_ai.event.content", "body"];
    let settings = match name.strip_prefix("gen_ai.") {
        Some("choice") => ALL_OUT,
        Some(kind) if kind.ends_with(".message") => ALL_IN,
        _ => return,
    };
    if hidden() & settings != 0 {
        let texts = attributes.iter_mut().filter(|attribute| TEXTS.contains(&attribute.key.as_str()));
        texts.for_each(|attribute| attribute.value = REDACTED.into());
    }
}

/// A name has no settings. The message of a `tracing` event is its name, and may hold a file like any other text.
fn shorten(name: &mut Cow<'static, str>) {
    if name.len() > capture::harmless_length()
        && let Some(masked) = capture::without_base64(name, capture::longest_base64())
    {
        *name = masked.into();
    }
}

/// Applies the user's redactor to attributes that were made from a masked span.
pub(crate) fn redact(attributes: &mut Vec<KeyValue>) {
    if let Some(redactor) = redactor() {
        redactor.redact(attributes);
    }
}
