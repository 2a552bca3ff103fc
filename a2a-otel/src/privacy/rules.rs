//! The table of which setting hides which attribute.
//!
//! Source: `TraceConfig` of OpenInference's Python package; `tests/golden/mask_matrix.json` holds its results. The rows
//! that hide what the package does not hide are separate.

use super::config::{
    CHOICES, DOCUMENTS, EMBEDDED_TEXT, INPUT_IMAGES, INPUT_MESSAGES, INPUT_TEXT, INPUTS, OUTPUT_MESSAGES,
    OUTPUT_TEXT, OUTPUTS, PARAMETERS, PROMPTS, TOOLS, VECTORS,
};
use crate::semconv::SpanKind;
use crate::semconv::foreign::{FIELDS, Field, Meaning};

/// What becomes of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    /// Its value becomes `__REDACTED__`.
    Redact,
    /// It is dropped.
    Drop,
}

/// The settings that hide all input text, and those that hide all output text.
pub(super) const ALL_IN: u32 = INPUTS | INPUT_MESSAGES | INPUT_TEXT | PROMPTS;
pub(super) const ALL_OUT: u32 = OUTPUTS | OUTPUT_MESSAGES | OUTPUT_TEXT | CHOICES;

/// The settings that hide text which an error message or an explanation may quote.
const QUOTED: u32 = ALL_IN | ALL_OUT | EMBEDDED_TEXT | DOCUMENTS;

/// Under any of these settings, on spans of this kind (`None`: of any kind), the attributes that match this pattern
/// have this fate. A pattern is a name, which stands for all names below it as well, or a beginning and an end around
/// a `*`.
struct Rule(u32, Option<SpanKind>, &'static str, Fate);

/// The first rule that matches decides.
const RULES: &[Rule] = &[
    // As in the Python package: first what is dropped, then what is redacted.
    Rule(INPUTS, None, "input.mime_type", Fate::Drop),
    Rule(OUTPUTS, None, "output.mime_type", Fate::Drop),
    Rule(INPUTS | INPUT_MESSAGES, None, "llm.input_messages", Fate::Drop),
    Rule(OUTPUTS | OUTPUT_MESSAGES, None, "llm.output_messages", Fate::Drop),
    Rule(INPUTS | INPUT_IMAGES, None, "input.images", Fate::Drop),
    Rule(OUTPUTS, None, "output.images", Fate::Drop),
    Rule(INPUT_IMAGES, None, "llm.input_messages*image.url", Fate::Drop),
    Rule(INPUTS | TOOLS, None, "llm.tools", Fate::Drop),
    Rule(PARAMETERS, None, "llm.invocation_parameters", Fate::Drop),
    Rule(INPUTS, None, "reranker.input_documents", Fate::Drop),
    Rule(OUTPUTS, None, "reranker.output_documents", Fate::Drop),
    Rule(INPUTS, None, "input.value", Fate::Redact),
    Rule(OUTPUTS, None, "output.value", Fate::Redact),
    Rule(INPUT_TEXT, None, "llm.input_messages*message.content", Fate::Redact),
    Rule(INPUT_TEXT, None, "llm.input_messages*message_content.text", Fate::Redact),
    Rule(OUTPUT_TEXT, None, "llm.output_messages*message.content", Fate::Redact),
    Rule(OUTPUT_TEXT, None, "llm.output_messages*message_content.text", Fate::Redact),
    Rule(INPUTS | PROMPTS, None, "llm.prompts", Fate::Redact),
    Rule(OUTPUTS | CHOICES, None, "llm.choices", Fate::Redact),
    Rule(INPUTS, None, "reranker.query", Fate::Redact),
    Rule(OUTPUTS | DOCUMENTS, None, "retrieval.documents*document.content", Fate::Redact),
    Rule(OUTPUTS | DOCUMENTS, None, "retrieval.documents*document.metadata", Fate::Redact),
    Rule(VECTORS, None, "embedding.embeddings*embedding.vector", Fate::Redact),
    Rule(EMBEDDED_TEXT, None, "embedding.embeddings*embedding.text", Fate::Redact),
    // What the Python package does not hide under the same settings.
    Rule(ALL_IN, None, "input.mime_type", Fate::Drop),
    Rule(ALL_OUT, None, "output.mime_type", Fate::Drop),
    Rule(EMBEDDED_TEXT, Some(SpanKind::Embedding), "input.mime_type", Fate::Drop),
    Rule(VECTORS, Some(SpanKind::Embedding), "output.mime_type", Fate::Drop),
    Rule(DOCUMENTS, Some(SpanKind::Retriever), "output.mime_type", Fate::Drop),
    Rule(INPUTS, None, "input.documents", Fate::Drop),
    Rule(INPUT_MESSAGES, None, "input.images", Fate::Drop),
    Rule(OUTPUT_MESSAGES, None, "output.images", Fate::Drop),
    Rule(PARAMETERS, None, "embedding.invocation_parameters", Fate::Drop),
    Rule(OUTPUTS, None, "output.documents", Fate::Drop),
    Rule(ALL_IN, None, "input.value", Fate::Redact),
    Rule(ALL_OUT, None, "output.value", Fate::Redact),
    Rule(EMBEDDED_TEXT, Some(SpanKind::Embedding), "input.value", Fate::Redact),
    Rule(VECTORS, Some(SpanKind::Embedding), "output.value", Fate::Redact),
    Rule(DOCUMENTS, Some(SpanKind::Retriever), "output.value", Fate::Redact),
    Rule(INPUT_TEXT, None, "llm.input_messages*audio.transcript", Fate::Redact),
    Rule(OUTPUT_TEXT, None, "llm.output_messages*audio.transcript", Fate::Redact),
    Rule(INPUT_TEXT, None, "llm.input_messages*document.url", Fate::Redact),
    Rule(INPUT_TEXT, None, "llm.input_messages*document.name", Fate::Redact),
    Rule(OUTPUT_TEXT, None, "llm.output_messages*document.url", Fate::Redact),
    Rule(OUTPUT_TEXT, None, "llm.output_messages*document.name", Fate::Redact),
    Rule(INPUTS, None, "embedding.embeddings*embedding.text", Fate::Redact),
    Rule(OUTPUTS, None, "embedding.embeddings*embedding.vector", Fate::Redact),
    Rule(ALL_IN, None, "llm.prompt_template.variables", Fate::Redact),
    Rule(INPUTS, None, "prompt.id", Fate::Redact),
    Rule(ALL_IN, None, "smolagents.task", Fate::Redact),
    Rule(OUTPUTS | OUTPUT_MESSAGES, None, "llm.function_call", Fate::Redact),
    Rule(INPUTS, None, "metadata", Fate::Redact),
    Rule(INPUTS, None, "tool.parameters", Fate::Redact),
    Rule(INPUTS, None, "mcp.resource.uri", Fate::Redact),
    Rule(OUTPUTS, None, "a2a.artifact.name", Fate::Redact),
    Rule(ALL_OUT, None, "a2a.task.status.message", Fate::Redact),
    Rule(QUOTED, None, "exception.message", Fate::Redact),
    Rule(QUOTED, None, "exception.stacktrace", Fate::Redact),
    Rule(QUOTED, None, "*evaluation.explanation", Fate::Redact),
    Rule(QUOTED, None, "*annotation.explanation", Fate::Redact),
    Rule(QUOTED, None, "*evaluation.metadata", Fate::Redact),
    Rule(QUOTED, None, "*annotation.metadata", Fate::Redact),
    // The same in OpenTelemetry's GenAI conventions, which the Python package does not mask.
    Rule(PARAMETERS, None, "gen_ai.request.model", Fate::Keep),
    Rule(PARAMETERS, None, "gen_ai.request", Fate::Drop),
    Rule(INPUTS | TOOLS, None, "gen_ai.tool.definitions", Fate::Drop),
    Rule(ALL_IN, None, "gen_ai.input.messages", Fate::Redact),
    Rule(ALL_IN, None, "gen_ai.system_instructions", Fate::Redact),
    Rule(ALL_OUT, None, "gen_ai.output.messages", Fate::Redact),
    Rule(ALL_IN, None, "gen_ai.prompt", Fate::Redact),
    Rule(ALL_OUT, None, "gen_ai.completion", Fate::Redact),
    Rule(INPUTS, None, "gen_ai.tool.call.arguments", Fate::Redact),
    Rule(OUTPUTS, None, "gen_ai.tool.call.result", Fate::Redact),
    Rule(INPUTS, None, "gen_ai.retrieval.query.text", Fate::Redact),
    Rule(OUTPUTS | DOCUMENTS, None, "gen_ai.retrieval.documents", Fate::Redact),
];

pub(super) fn look_up(hidden: u32, kind: &str, key: &str) -> Fate {
    match by_rule(hidden, kind, key) {
        Fate::Keep => as_others_call_it(hidden, kind, key),
        fate => fate,
    }
}

fn by_rule(hidden: u32, kind: &str, key: &str) -> Fate {
    let fits = |Rule(settings, only, pattern, _): &&Rule| {
        hidden & settings != 0 && only.is_none_or(|only| only.as_str() == kind) && matches(pattern, key)
    };
    RULES.iter().find(fits).map_or(Fate::Keep, |Rule(.., fate)| *fate)
}

/// The fate of an attribute of another library that no rule names: that of OpenInference's attribute with the same
/// content. An input of which parts are hidden is hidden as a whole, because OpenInference's attribute has the rest.
fn as_others_call_it(hidden: u32, kind: &str, key: &str) -> Fate {
    // Most attributes of a model's call.
    if key.starts_with("llm.") {
        return Fate::Keep;
    }
    let is_named = || RULES.iter().any(|Rule(_, _, pattern, _)| matches(pattern, key));
    let fate = |field: &Field| {
        let is_partly_hidden =
            matches!(field.holds, Meaning::Input) && hidden & (TOOLS | PARAMETERS | INPUT_IMAGES) != 0;
        let fates = field.holds.targets().iter().map(|target| by_rule(hidden, kind, target));
        fates.chain(is_partly_hidden.then_some(Fate::Redact)).find(|fate| *fate != Fate::Keep)
    };
    FIELDS.iter().filter(|field| field.covers(key) && !is_named()).find_map(fate).unwrap_or(Fate::Keep)
}

fn matches(pattern: &str, key: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => key.starts_with(start) && key.ends_with(end),
        None => key.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
    }
}
