//! The steps that complete an ended span before any processor sees it.

use opentelemetry_sdk::trace::SpanData;

use crate::gen_ai::Terms;
use crate::privacy::Masks;
use crate::{gen_ai, privacy};

/// Completes a span with the masks and terms of the process. The order matters: masking works on OpenInference's
/// attributes, and GenAI's attributes are made from masked ones.
pub(crate) fn finish(span: &mut SpanData) {
    read(span);
    privacy::clean(span);
    // With `SemConv::GenAi` and `SemConv::Both`, attributes get the names of the GenAI conventions.
    gen_ai::write(span);
}

/// Completes a span with the masks and terms of one pipeline.
pub(crate) fn finish_with(span: &mut SpanData, masks: &Masks, terms: Terms) {
    read(span);
    masks.clean(span);
    terms.write(span, &|attributes| masks.redact(attributes));
}

fn read(span: &mut SpanData) {
    // Spans of other libraries get OpenInference's attributes.
    gen_ai::read::read(span);
    #[cfg(feature = "cost")]
    crate::llm::cost::write(span);
}
