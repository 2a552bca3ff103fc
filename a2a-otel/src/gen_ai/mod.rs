//! Translates between OpenInference's terms and those of OpenTelemetry's GenAI conventions: the writer (`write.rs`)
//! records in GenAI's terms what a span says in OpenInference's, and the reader (`read.rs`) does the reverse for other
//! libraries.
//!
//! Both run when a span ends, for every span, whether the attribute macros, typed records, the user's own code or
//! another library recorded it. The writer runs after masking, so it cannot bring back what is hidden. Where GenAI has
//! a name and OpenInference has none, the code that reads models' calls adds it (`crate::llm`).
//!
//! What corresponds to what is a table, [`crate::semconv::equivalents`], which serves both directions.

mod json;
mod messages;
mod parameters;
pub(crate) mod read;
mod write;

use std::sync::atomic::{AtomicU8, Ordering};

use opentelemetry::KeyValue;

pub(crate) use self::write::{kind_of, name_of};
use crate::semconv::SemConv;

static SEMCONV: AtomicU8 = AtomicU8::new(SemConv::OpenInference as u8);

/// Sets the terms in which spans are recorded.
pub(crate) fn install(semconv: SemConv) {
    SEMCONV.store(semconv as u8, Ordering::Relaxed);
}

/// Whether anything is recorded in GenAI's terms.
#[inline]
pub(crate) fn is_on() -> bool {
    SEMCONV.load(Ordering::Relaxed) != SemConv::OpenInference as u8
}

/// Adds GenAI's attributes if they are asked for. The attributes must be masked already.
#[inline]
pub(crate) fn write(attributes: &mut Vec<KeyValue>) {
    if is_on() {
        write::translate(attributes, SEMCONV.load(Ordering::Relaxed) == SemConv::GenAi as u8);
    }
}
