//! Translates between OpenInference's terms and those of OpenTelemetry's GenAI conventions: the writer (`write.rs`)
//! records in GenAI's terms what a span says in OpenInference's, and the reader (`read.rs`) does the reverse for other
//! libraries.
//!
//! Both run when a span ends, for every span, whether the attribute macros, typed records, the user's own code or
//! another library recorded it. The writer runs after masking, so it cannot bring back what is hidden. Where GenAI has
//! a name and OpenInference has none, the code that reads models' calls adds it (`crate::llm`).
//!
//! What corresponds to what is a table, [`crate::semconv::equivalents`], which serves both directions.

#[cfg(feature = "sdk")]
mod json;
#[cfg(feature = "sdk")]
mod messages;
#[cfg(feature = "sdk")]
mod parameters;
#[cfg(feature = "sdk")]
pub(crate) mod read;
mod scope;
#[cfg(feature = "sdk")]
mod terms;
mod values;
#[cfg(feature = "sdk")]
mod write;

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

#[cfg(feature = "sdk")]
use opentelemetry_sdk::trace::SpanData;

pub(crate) use self::scope::scope;
#[cfg(feature = "sdk")]
pub(crate) use self::terms::Terms;
pub(crate) use self::values::{kind_of, name_of, provider_of};
#[cfg(feature = "sdk")]
use crate::privacy;
use crate::semconv::{GenAiVersion, SemConv};

static SEMCONV: AtomicU8 = AtomicU8::new(SemConv::OpenInference as u8);
static VERSION: AtomicU8 = AtomicU8::new(GenAiVersion::V1_41 as u8);
/// Whether a pipeline records in GenAI's terms, whatever those of the process are.
static IS_ASKED_FOR: AtomicBool = AtomicBool::new(false);

/// Sets the terms in which spans of the process are recorded.
pub(crate) fn install(semconv: SemConv, version: GenAiVersion) {
    SEMCONV.store(semconv as u8, Ordering::Relaxed);
    VERSION.store(version as u8, Ordering::Relaxed);
}

/// From now on, what has a name in GenAI's terms and none in OpenInference is recorded for a pipeline.
pub(crate) fn ask_for() {
    IS_ASKED_FOR.store(true, Ordering::Relaxed);
}

/// Whether anything is recorded in GenAI's terms.
#[inline]
pub(crate) fn is_on() -> bool {
    is_on_everywhere() || IS_ASKED_FOR.load(Ordering::Relaxed)
}

/// Whether the process records in GenAI's terms.
#[inline]
fn is_on_everywhere() -> bool {
    SEMCONV.load(Ordering::Relaxed) != SemConv::OpenInference as u8
}

/// The version of GenAI's terms. `None` if the process does not record in them.
#[inline]
fn version() -> Option<GenAiVersion> {
    is_on_everywhere().then(|| GenAiVersion::ALL[usize::from(VERSION.load(Ordering::Relaxed))])
}

/// The version of GenAI's terms for metrics, which have no others.
#[inline]
pub(crate) fn metrics_version() -> GenAiVersion {
    GenAiVersion::ALL[usize::from(VERSION.load(Ordering::Relaxed))]
}

/// Adds GenAI's attributes if the process records in them. The attributes must be masked already.
#[cfg(feature = "sdk")]
#[inline]
pub(crate) fn write(span: &mut SpanData) {
    if let Some(version) = version() {
        let is_alone = SEMCONV.load(Ordering::Relaxed) == SemConv::GenAi as u8;
        write::translate(span, version, is_alone, &privacy::redact);
    }
}
