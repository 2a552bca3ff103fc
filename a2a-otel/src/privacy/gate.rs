//! The gate that every attribute passes: it masks and drops attributes, and decides which values are not built.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;
use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::config::Privacy;
use super::inside;
use super::redactor::{REDACTED, Redactor};
use super::rules::{Fate, look_up};
use crate::attributes::find;
use crate::capture::{self, Encoded, Fields, Fixed, Value as Captured};
use crate::environment::{Environment, process_environment};
use crate::report::report;
use crate::semconv::openinference::{INPUT_VALUE, SPAN_KIND};
use crate::semconv::opentelemetry::EXCEPTION_MESSAGE;
use crate::semconv::ours::CANCELLED;

/// The longest image that is recorded by default, as the length of its data URL.
const DEFAULT_IMAGE_LENGTH: usize = 32_000;

/// The environment has not been read yet. Masking also works where `init` never runs.
const UNREAD: u32 = 1 << 31;

static HIDDEN: AtomicU32 = AtomicU32::new(UNREAD);
static IMAGE_LENGTH: AtomicUsize = AtomicUsize::new(DEFAULT_IMAGE_LENGTH);
/// Whether there is a redactor: cheaper to load than the redactor itself.
static REDACTS: AtomicBool = AtomicBool::new(false);
static REDACTOR: ArcSwapOption<Redactor> = ArcSwapOption::const_empty();

/// Installs what must not leave the process.
pub(crate) fn install(privacy: &Privacy) {
    REDACTOR.store(privacy.redactor.clone());
    REDACTS.store(privacy.redactor.is_some(), Ordering::Relaxed);
    IMAGE_LENGTH.store(privacy.image_length.unwrap_or(DEFAULT_IMAGE_LENGTH), Ordering::Relaxed);
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
        let length = privacy.image_length.unwrap_or(DEFAULT_IMAGE_LENGTH);
        IMAGE_LENGTH.store(length, Ordering::Relaxed);
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

/// Whether there is nothing to mask, as is usual: nothing is hidden, and no text is long enough for a long image.
#[inline]
fn are_harmless(attributes: &[KeyValue]) -> bool {
    let longest = IMAGE_LENGTH.load(Ordering::Relaxed);
    let may_hold_image = |attribute: &KeyValue| match &attribute.value {
        Value::String(text) => text.as_str().len() > longest,
        Value::Array(Array::String(_)) => true,
        _ => false,
    };
    !is_hiding() && !attributes.iter().any(may_hold_image)
}

fn mask(kind: &str, attribute: &mut KeyValue) -> bool {
    let (hidden, mut longest) = (hidden(), IMAGE_LENGTH.load(Ordering::Relaxed));
    if hidden != 0 {
        match look_up(hidden, kind, attribute.key.as_str()) {
            Fate::Keep => mask_inside(hidden, kind, attribute),
            Fate::Redact => attribute.value = REDACTED.into(),
            Fate::Drop => return false,
        }
        if inside::hides_images(hidden, attribute.key.as_str()) {
            longest = 0;
        }
    }
    without_images(&mut attribute.value, longest);
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

/// A value without the images that are too long, so that these do not take up the space of what follows them.
pub(crate) fn without_long_images(mut encoded: Encoded) -> Encoded {
    let longest = IMAGE_LENGTH.load(Ordering::Relaxed);
    if encoded.text.len() > longest
        && let Some(masked) = inside::without_images(&encoded.text, longest)
    {
        encoded.text = masked;
    }
    encoded
}

fn mask_inside(hidden: u32, kind: &str, attribute: &mut KeyValue) {
    if attribute.key.as_str() == INPUT_VALUE
        && let Some(masked) = inside::request(hidden, kind, &attribute.value.as_str())
    {
        attribute.value = masked.into();
    }
}

fn without_images(value: &mut Value, longest: usize) {
    let replace = |text: &mut StringValue| {
        if text.as_str().len() > longest
            && let Some(masked) = inside::without_images(text.as_str(), longest)
        {
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
    if !(is_plain && !may_redact && are_harmless(&span.attributes)) {
        clean_all(span);
    }
}

fn clean_all(span: &mut SpanData) {
    let kind = is_hiding().then(|| find(&span.attributes, SPAN_KIND).cloned()).flatten();
    let kind = kind.as_ref().map_or("".into(), Value::as_str);
    let redactor = redactor();
    let events = span.events.events.iter_mut().map(|event| &mut event.attributes);
    let links = span.links.links.iter_mut().map(|link| &mut link.attributes);
    for attributes in [&mut span.attributes].into_iter().chain(events).chain(links) {
        screen(&kind, attributes);
        if let Some(redactor) = &redactor {
            redactor.redact(attributes);
        }
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

/// Applies the user's redactor to attributes that were made from a masked span.
pub(crate) fn redact(attributes: &mut Vec<KeyValue>) {
    if let Some(redactor) = redactor() {
        redactor.redact(attributes);
    }
}
