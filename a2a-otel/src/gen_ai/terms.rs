//! The terms of one pipeline, which may differ from those of the process.

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::SpanData;

use super::scope::{NAME, scope_of};
use super::write::translate;
use crate::semconv::markers::INSTRUCTIONS_APART;
use crate::semconv::{GenAiVersion, SemConv};

/// The terms in which one pipeline records spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) semconv: SemConv,
    pub(crate) version: GenAiVersion,
}

impl Terms {
    /// Adds GenAI's attributes if they are asked for, and redacts those that it has added. The attributes must be masked
    /// already.
    pub(crate) fn write(self, span: &mut SpanData, redact: &dyn Fn(&mut Vec<KeyValue>)) {
        let Self { semconv, version } = self;
        if semconv == SemConv::OpenInference {
            // Another pipeline has asked for it.
            span.attributes.retain(|attribute| attribute.key.as_str() != INSTRUCTIONS_APART);
            return;
        }
        translate(span, version, semconv == SemConv::GenAi, redact);
        if span.instrumentation_scope.name() == NAME {
            span.instrumentation_scope = scope_of(version);
        }
    }
}
