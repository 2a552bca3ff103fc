//! Attributes of ours that exist only within the process. They carry what flattening into OpenInference's attributes
//! would lose, or what only the code that starts a span knows, to the steps that run when the span ends. No exporter
//! sees them.

/// The system messages at the beginning of a conversation were given apart from it, as instructions.
///
/// The reader of models' requests sets it where GenAI's terms are asked for; the GenAI writer reads and removes it.
pub(crate) const INSTRUCTIONS_APART: &str = "a2a_otel.instructions_apart";

/// The span of another library is below one of our spans of a model's call.
///
/// The bridge to `tracing` sets it; the GenAI reader reads and removes it.
pub(crate) const WITHIN_MODEL_CALL: &str = "a2a_otel.within_model_call";

/// The span started before its call was put into a scope that suppresses it.
///
/// The call sets it as the last attribute and ends the span; the pipeline drops the span.
pub(crate) const SUPPRESSED: &str = "a2a_otel.suppressed";

/// Tokens of images in the prompt.
///
/// The reader of models' answers sets this and the following where costs are on; the writer of costs reads and removes
/// them.
pub(crate) const PROMPT_IMAGE_TOKENS: &str = "a2a_otel.tokens.prompt_image";
/// Tokens of images in the completion.
pub(crate) const COMPLETION_IMAGE_TOKENS: &str = "a2a_otel.tokens.completion_image";
/// Of the tokens written to a cache: those that stay there for an hour.
pub(crate) const CACHE_WRITE_1H_TOKENS: &str = "a2a_otel.tokens.cache_write_1h";
/// The class of service that an answer reports.
#[cfg(feature = "cost")]
pub(crate) const SERVICE_TIER: &str = "a2a_otel.service_tier";

/// The id of the `tracing` span that a span is of.
///
/// The tracer of the bridge sets it when the span is prepared, and removes it when the span starts.
#[cfg(feature = "tracing")]
pub(crate) const TRACING_SPAN: &str = "a2a_otel.tracing_span";
