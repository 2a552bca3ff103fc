//! The steps that complete an ended span before any processor sees it.

use crate::pipeline::FinishingStep;
use crate::{gen_ai, privacy};

/// The order matters: masking works on OpenInference's attributes, and GenAI's attributes are made from masked ones.
pub(crate) static FINISHING_STEPS: &[FinishingStep] = &[
    // Spans of other libraries get OpenInference's attributes.
    |span| gen_ai::read::read(&mut span.attributes),
    privacy::clean,
    // With `SemConv::GenAi` and `SemConv::Both`, attributes get the names of the GenAI conventions.
    |span| gen_ai::write(&mut span.attributes),
];
