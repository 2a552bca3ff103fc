//! What completes a span when it has ended, before any processor sees it.

use crate::pipeline::FinishingStep;
use crate::{gen_ai, privacy};

/// In this order: masks look at OpenInference's attributes, and what is written in other terms is masked already.
pub(crate) static FINISHING_STEPS: &[FinishingStep] = &[
    // Spans of other libraries get OpenInference's attributes.
    |span| gen_ai::read::read(&mut span.attributes),
    privacy::clean,
    // With `SemConv::GenAi` and `SemConv::Both`, attributes get the names of the GenAI conventions.
    |span| gen_ai::write(&mut span.attributes),
];
