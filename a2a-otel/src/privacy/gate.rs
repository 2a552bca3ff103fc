//! The gate that every attribute passes: it masks and drops attributes, and decides which values are not built.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arc_swap::ArcSwapOption;
use opentelemetry::KeyValue;
#[cfg(feature = "sdk")]
use opentelemetry::trace::Status;
#[cfg(feature = "sdk")]
use opentelemetry_sdk::trace::SpanData;

use super::config::Privacy;
use super::masks::{Masks, may_hold_base64};
use super::redactor::Redactor;
use super::rules::{Fate, look_up};
use crate::capture::{self, Encoded, Fields, Fixed, REDACTED, Value as Captured};
use crate::environment::{Environment, process_environment};
use crate::report::report;

/// The environment has not been read yet. Masking also works where `init` never runs.
const UNREAD: u32 = 1 << 31;

static HIDDEN: AtomicU32 = AtomicU32::new(UNREAD);
/// Whether there is a redactor: cheaper to load than the redactor itself.
pub(super) static REDACTS: AtomicBool = AtomicBool::new(false);
static REDACTOR: ArcSwapOption<Redactor> = ArcSwapOption::const_empty();

/// Installs what must not leave the process.
pub(crate) fn install(privacy: &Privacy) {
    REDACTOR.store(privacy.redactor.clone());
    REDACTS.store(privacy.redactor.is_some(), Ordering::Relaxed);
    capture::set_longest_base64(privacy.image_length);
    HIDDEN.store(privacy.hidden, Ordering::Relaxed);
}

#[inline]
pub(super) fn redactor() -> Option<Arc<Redactor>> {
    if REDACTS.load(Ordering::Relaxed) { REDACTOR.load_full() } else { None }
}

#[inline]
pub(super) fn hidden() -> u32 {
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

/// What is hidden in the whole process, without the redactor.
fn masks() -> Masks {
    Masks { hidden: hidden(), longest_base64: capture::longest_base64(), redactor: None }
}

/// Masks an attribute of a span of this kind. Returns false if the attribute must be dropped.
#[inline]
pub(crate) fn admit(kind: &str, attribute: &mut KeyValue) -> bool {
    are_harmless(std::slice::from_ref(attribute)) || masks().admit(kind, attribute)
}

/// Whether there is nothing to mask, as is usual: nothing is hidden, and no text is long enough for base64 that is too
/// long.
#[inline]
fn are_harmless(attributes: &[KeyValue]) -> bool {
    !is_hiding() && !may_hold_base64(attributes, capture::harmless_length())
}

/// Masks a list of attributes, and drops those that must be dropped.
pub(crate) fn screen(kind: &str, attributes: &mut Vec<KeyValue>) {
    if !are_harmless(attributes) {
        masks().screen(kind, attributes);
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

/// The message of an error, which may quote what is hidden.
pub(crate) fn message(kind: &str, message: Cow<'static, str>) -> Cow<'static, str> {
    masks().message(kind, message)
}

/// Masks a span that any code recorded, before it leaves the process.
#[cfg(feature = "sdk")]
#[inline]
pub(crate) fn clean(span: &mut SpanData) {
    let is_plain =
        span.events.is_empty() && span.links.is_empty() && !matches!(span.status, Status::Error { .. });
    let may_redact = REDACTS.load(Ordering::Relaxed);
    let is_short = span.name.len() <= capture::harmless_length();
    if !(is_plain && is_short && !may_redact && are_harmless(&span.attributes)) {
        Masks { redactor: redactor(), ..masks() }.clean(span);
    }
}

/// Applies the user's redactor to attributes that were made from a masked span.
pub(crate) fn redact(attributes: &mut Vec<KeyValue>) {
    if let Some(redactor) = redactor() {
        redactor.redact(attributes);
    }
}
