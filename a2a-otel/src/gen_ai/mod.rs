//! What a span says in OpenInference's terms, said in those of OpenTelemetry's GenAI conventions: the second writer.
//!
//! It runs when a span leaves, for whoever recorded it: readers of models' calls, typed records, the user's own code and
//! other libraries. What is masked is masked by then, so nothing can come back here. What GenAI has names for and
//! OpenInference has none, the readers add themselves (`crate::llm`).
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

/// From now on, spans leave in these terms.
pub(crate) fn install(semconv: SemConv) {
    SEMCONV.store(semconv as u8, Ordering::Relaxed);
}

/// Whether anything is said in GenAI's terms.
#[inline]
pub(crate) fn is_on() -> bool {
    SEMCONV.load(Ordering::Relaxed) != SemConv::OpenInference as u8
}

/// Says it in the terms that were asked for. What is masked has to be masked already.
#[inline]
pub(crate) fn write(attributes: &mut Vec<KeyValue>) {
    if is_on() {
        write::translate(attributes, SEMCONV.load(Ordering::Relaxed) == SemConv::GenAi as u8);
    }
}
