//! The gate that every attribute passes: it masks and drops attributes, and decides which values are not built.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arc_swap::ArcSwapOption;
use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::config::Privacy;
use super::inside;
use super::redactor::Redactor;
use super::rules::{ALL_IN, ALL_OUT, Fate, look_up};
use crate::attributes::find;
use crate::capture::{self, Encoded, Fields, Fixed, REDACTED, Value as Captured};
use crate::environment::{Environment, process_environment};
use crate::report::report;
use crate::semconv::openinference::SPAN_KIND;
use crate::semconv::opentelemetry::EXCEPTION_MESSAGE;
use crate::semconv::ours::CANCELLED;

/// The environment has not been read yet. Masking also works where `init` never runs.
const UNREAD: u32 = 1 << 31;

static HIDDEN: AtomicU32 = AtomicU32::new(UNREAD);
/// Whether there is a redactor: cheaper to load than the redactor itself.
static REDACTS: AtomicBool = AtomicBool::new(false);
static REDACTOR: ArcSwapOption<Redactor> = ArcSwapOption::const_empty();

/// Installs what must not leave the process.
pub(crate) fn install(privacy: &Privacy) {
    REDACTOR.store(privacy.redactor.clone());
    REDACTS.store(privacy.redactor.is_some(), Ordering::Relaxed);
    capture::set_longest_base64(privacy.image_length);
    HIDDEN.store(privacy.hidden, Ordering::Relaxed);
}

#[inline]
fn redactor() -> Option<Arc<Redactor>> {
    if REDACTS.load(Ordering::Relaxed) { REDACTOR.load_full() } else { None }
}

#[inline]
fn hidden() -> u32 {
    match HIDDEN.load(Ordering::Relaxed) {
        UNREAD => read_environment(),
        hidden => hidden,
    }
}

/// Reads what the environment hides, for programs that never call `init`.
#[cold]
fn read_environment() -> u32 {
    let mut environment = Environment::new(&process_environment);
    let privacy = Privacy::new().resolve(&mut environment);
    if HIDDEN.compare_exchange(UNREAD, privacy.hidden, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        capture::set_longest_base64(privacy.image_length);
        environment.warnings.iter().for_each(|warning| report(warning));
    }
    privacy.hidden
}

/// Whether anything is hidden, so that a span's kind matters.
#[inline]
pub(crate) fn is_hiding() -> bool {
    hidden() != 0
}

/// The fate of an attribute on a span of this kind, before the attribute is built. The kind is empty if it is unknown.
#[inline]
fn fate(kind: &str, key: &str) -> Fate {
    match hidden() {
        0 => Fate::Keep,
        hidden => look_up(hidden, kind, key),
    }
}

/// Masks an attribute of a span of this kind. Returns false if the attribute must be dropped.
#[inline]
pub(crate) fn admit(kind: &str, attribute: &mut KeyValue) -> bool {
    are_harmless(std::slice::from_ref(attribute)) || mask(kind, attribute)
}

/// Whether there is nothing to mask, as is usual: nothing is hidden, and no text is long enough for base64 that is too
/// long.
#[inline]
fn are_harmless(attributes: &[KeyValue]) -> bool {
    let harmless = capture::harmless_length();
    let may_hold_base64 = |attribute: &KeyValue| match &attribute.value {
        Value::String(text) => text.as_str().len() > harmless,
        Value::Array(Array::String(_)) => true,
        _ => false,
    };
    !is_hiding() && !attributes.iter().any(may_hold_base64)
}

fn mask(kind: &str, attribute: &mut KeyValue) -> bool {
    let hidden = hidden();
    let KeyValue { key, value, .. } = attribute;
    match look_up(hidden, kind, key.as_str()) {
        Fate::Keep => for_each_text(value, |text| inside::masked(hidden, kind, key.as_str(), text)),
        Fate::Redact => *value = REDACTED.into(),
        Fate::Drop => return false,
    }
    true
}

/// Masks a list of attributes, and drops those that must be dropped.
pub(crate) fn screen(kind: &str, attributes: &mut Vec<KeyValue>) {
    if !are_harmless(attributes) {
        attributes.retain_mut(|attribute| admit(kind, attribute));
    }
}

/// Appends a value under the key. A value that will be masked is not built.
#[inline]
pub(crate) fn push_field(
    kind: &str,
    attributes: &mut Vec<KeyValue>,
    key: &'static str,
    value: &dyn Captured,
) {
    if fate(kind, key) == Fate::Keep {
        capture::push_field(attributes, key, value);
    } else {
        attributes.push(KeyValue::new(key, REDACTED));
    }
}

/// Appends values, each under its key.
pub(crate) fn push_fields(kind: &str, attributes: &mut Vec<KeyValue>, fields: &Fields<'_>) {
    if is_hiding() {
        for (key, value) in fields {
            push_field(kind, attributes, key, *value);
        }
    } else {
        capture::push_fields(attributes, fields);
    }
}

/// The attributes of lists of documents. A list that will be dropped is not read.
pub(crate) fn documents(kind: &str, fields: &Fields<'_>) -> Vec<KeyValue> {
    let shown = fields.iter().filter(|(prefix, _)| fate(kind, prefix) != Fate::Drop);
    capture::documents(&shown.copied().collect::<Vec<_>>())
}

/// A value in its final form. A value that will be masked is not built.
pub(crate) fn encoded(kind: &str, key: &str, encode: impl FnOnce() -> Option<Encoded>) -> Option<Encoded> {
    match fate(kind, key) {
        Fate::Keep => encode(),
        Fate::Redact | Fate::Drop => Some(Encoded { text: REDACTED.to_owned(), structured: false }),
    }
}

/// A part of such a value. A part that will be masked is not read.
pub(crate) fn part<'a>(kind: &str, key: &str, value: &'a dyn Captured) -> &'a dyn Captured {
    match fate(kind, key) {
        Fate::Keep => value,
        Fate::Redact | Fate::Drop => &Fixed::Text(REDACTED),
    }
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

/// The message of an error, which may quote what is hidden.
pub(crate) fn message(kind: &str, message: Cow<'static, str>) -> Cow<'static, str> {
    let mut attribute = KeyValue::new(EXCEPTION_MESSAGE, message);
    let is_admitted = admit(kind, &mut attribute);
    if is_admitted { attribute.value.as_str().into_owned().into() } else { REDACTED.into() }
}

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
