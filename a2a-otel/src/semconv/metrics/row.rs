//! A row of the table of metrics.

use std::fmt;

use crate::semconv::GenAiVersion;

/// The kind of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    /// A sum that only increases.
    Counter,
    /// A sum that increases and decreases.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// The distribution of all values.
    Histogram,
}

impl fmt::Display for InstrumentKind {
    /// Writes the name that `#[business_metric]` has for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::UpDownCounter => "up_down_counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// A metric that this crate records by itself: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// The kind of its instrument.
    pub kind: InstrumentKind,
    /// The unit of its values, in UCUM's notation.
    pub unit: &'static str,
    /// The upper bounds of a histogram's buckets. `None` for those that [`docs/metrics.md`](crate::guide::metrics) lists for the unit, and for
    /// other kinds.
    pub bounds: Option<&'static [f64]>,
    /// The labels that its values may have.
    pub labels: &'static [&'static str],
    /// What it measures, as its receivers are told.
    pub description: &'static str,
    /// The question that it answers.
    pub question: &'static str,
    /// Who defines it.
    pub source: Source,
}

/// Who defines a metric.
///
/// Sources: the repository `open-telemetry/semantic-conventions`, `docs/gen-ai` of version 1.41 and `docs/otel` and
/// `docs/system` of version 1.42; the repository `open-telemetry/semantic-conventions-genai`, version 0.1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// OpenTelemetry's GenAI conventions, in every version that [`GenAiVersion`] has, or the only one that has it.
    GenAi,
    /// OpenTelemetry's GenAI conventions, in this version only. With another one, it is not recorded.
    GenAiOnly(GenAiVersion),
    /// OpenTelemetry's conventions for the Model Context Protocol.
    Mcp,
    /// OpenTelemetry's other conventions.
    OpenTelemetry,
    /// This crate, because no convention has it.
    Ours,
}

/// Declares rows as constants, and the list of all of them.
macro_rules! rows {
    ($(
        $(#[$attribute:meta])*
        $row:ident = $kind:ident $name:literal, $unit:literal, $(bounds $bounds:expr,)? [$($label:expr),* $(,)?], $source:expr,
            $description:literal, $question:literal;
    )*) => {
        $(
            $(#[$attribute])*
            #[doc = concat!("`", $name, "`")]
            pub(crate) const $row: $crate::semconv::metrics::row::BuiltIn = $crate::semconv::metrics::row::BuiltIn {
                name: $name,
                kind: $crate::semconv::metrics::row::InstrumentKind::$kind,
                unit: $unit,
                bounds: $crate::semconv::metrics::row::bounds(&[$($bounds)?]),
                labels: &[$($label),*],
                description: $description,
                question: $question,
                source: $source,
            };
        )*

        /// Every row of this file.
        pub(super) const ALL: &[$crate::semconv::metrics::row::BuiltIn] = &[$($row),*];
    };
}
pub(super) use rows;

/// The bounds that a row has, if it has any.
pub(super) const fn bounds(given: &[&'static [f64]]) -> Option<&'static [f64]> {
    if let [bounds] = given { Some(*bounds) } else { None }
}
