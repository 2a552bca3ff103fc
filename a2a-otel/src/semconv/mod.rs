//! The names of the conventions: data, no logic.

/// One row per key: the constant, the key, and the type of the value.
macro_rules! attributes {
    ($($name:ident = $key:literal, $holds:literal;)*) => {
        $(
            #[doc = concat!("`", $key, "`: ", $holds, ".")]
            pub const $name: &str = $key;
        )*

        /// Every key of this module.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

#[cfg(feature = "a2a")]
pub(crate) mod a2a;
pub(crate) mod equivalents;
pub(crate) mod foreign;
pub mod gen_ai;
pub(crate) mod markers;
#[cfg(feature = "mcp")]
pub(crate) mod mcp;
pub mod metrics;
pub mod openinference;
pub(crate) mod opentelemetry;
pub(crate) mod ours;
pub mod prometheus;
mod span_kind;

pub use self::gen_ai::GenAiVersion;
pub use self::span_kind::SpanKind;

/// The conventions that spans follow, for [`Builder::semconv`](crate::Builder::semconv).
///
/// [`docs/semconv.md`](crate::guide::semconv) lists what each attribute becomes. The variable is `A2A_OTEL_SEMCONV`, with the values
/// `openinference`, `gen_ai` and `both`; `OPENINFERENCE_ENABLE_GENAI_SEMCONV=true` means the same as `both`.
///
/// ```
/// use a2a_otel::{SemConv, Telemetry};
///
/// let telemetry = Telemetry::builder().semconv(SemConv::Both).tracing(false).init()?;
/// assert_eq!(telemetry.settings().semconv, SemConv::Both);
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SemConv {
    /// [OpenInference](https://arize-ai.github.io/openinference/spec/), which Phoenix shows best.
    #[default]
    OpenInference,
    /// OpenTelemetry's [GenAI conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/), and OpenInference
    /// where these have no name.
    GenAi,
    /// Both.
    Both,
}
