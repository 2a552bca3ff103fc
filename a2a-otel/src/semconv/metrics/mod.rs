//! The metrics that this crate records by itself: a table, from which instruments are made, and docs are checked.
//!
//! ```
//! use a2a_otel::metrics::InstrumentKind;
//! use a2a_otel::semconv::metrics;
//!
//! let durations = metrics::find("gen_ai.execute_tool.duration").unwrap();
//! assert_eq!((durations.kind, durations.unit), (InstrumentKind::Histogram, "s"));
//! assert!(durations.labels.contains(&"gen_ai.tool.name"));
//! ```

pub(crate) mod cost;
pub(crate) mod operations;
pub(crate) mod process;
mod row;
pub(crate) mod sdk;

pub use self::row::{BuiltIn, InstrumentKind, Source};

/// The rows, by file.
const FILES: &[&[BuiltIn]] = &[cost::ALL, operations::ALL, process::ALL, sdk::ALL];

/// Every metric that this crate records by itself, whatever features are on.
pub fn all() -> impl Iterator<Item = &'static BuiltIn> {
    FILES.iter().copied().flatten()
}

/// The metric of this name. `None` if this crate does not record one by itself.
#[must_use]
pub fn find(name: &str) -> Option<&'static BuiltIn> {
    all().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_complete_and_its_name_its_own() {
        let mut names = BTreeSet::new();
        for row in all() {
            assert!(names.insert(row.name), "{} twice", row.name);
            assert!(!row.unit.is_empty() && !row.description.is_empty(), "{row:?}");
            assert!(row.question.ends_with('?'), "{row:?}");
            assert!(row.bounds.is_none() || row.kind == InstrumentKind::Histogram, "{row:?}");
            let bounds = row.bounds.unwrap_or_default();
            assert!(bounds.is_sorted_by(|lower, upper| lower < upper), "{row:?}");
            // Prometheus exporters add `_ratio` to every metric with the unit 1.
            assert!(row.unit != "1" || row.kind == InstrumentKind::Gauge, "{row:?}");
        }
    }

    #[test]
    fn no_label_has_a_value_for_each_call() {
        for row in all() {
            assert!(row.labels.iter().all(|label| !label.ends_with("id")), "{row:?}");
        }
    }
}
