//! Queries of tables, in Prometheus's language, in which metrics have their names of OpenTelemetry.
//!
//! | in a table | in a query |
//! | --- | --- |
//! | `<a2a.client.retries>` | the metric's name in Prometheus, if there is this metric |
//! | `@s`, `@a` | matchers for the services and agents that are selected in a dashboard |
//! | `@i` | the interval that fits the dashboard's resolution |
//! | `@objective` | the part of requests that should succeed |

use crate::model::Model;

/// The label that every series has: the name of the service.
pub const SERVICE: &str = "service_name";

const MARKS: [(&str, &str); 3] = [
    ("@s", "service_name=~\"$service\""),
    ("@a", "gen_ai_agent_name=~\"$agent\""),
    ("@i", "$__rate_interval"),
];

/// Fills a query of a table in. `None` if it names a metric that nobody records.
///
/// ```
/// use a2a_otel_cli::model::Model;
/// use a2a_otel_cli::promql::fill;
/// use a2a_otel_cli::sources::Found;
///
/// let model = Model::new(Found::default(), &mut Vec::new()).unwrap();
/// let query = fill("sum(rate(<a2a.client.retries>{@s}[@i]))", &model, 0.99);
/// let expected = "sum(rate(a2a_client_retries_total{service_name=~\"$service\"}[$__rate_interval]))";
/// assert_eq!(query.as_deref(), Some(expected));
/// assert_eq!(fill("<of.nobody>", &model, 0.99), None);
/// ```
#[must_use]
pub fn fill(query: &str, model: &Model, objective: f64) -> Option<String> {
    let mut filled = String::with_capacity(query.len() * 2);
    let mut rest = query;
    while let Some(start) = rest.find('<') {
        filled.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        // Anything else is a comparison.
        if !rest.starts_with(|next: char| next.is_ascii_alphabetic()) {
            filled.push('<');
            continue;
        }
        let (name, after) = rest.split_once('>')?;
        filled.push_str(&model.find(name)?.prometheus);
        rest = after;
    }
    filled.push_str(rest);
    filled = filled.replace("@objective", &objective.to_string());
    for (mark, meaning) in MARKS {
        filled = filled.replace(mark, meaning);
    }
    // A query without matchers, or with one before none.
    Some(filled.replace(",}", "}").replace("{}", ""))
}

/// The rate of a metric, or of two that mean the same in two versions of the GenAI conventions. Each program records one of
/// them, so that a sum over this is that of all programs.
macro_rules! rate {
    ([$one:literal | $other:literal], $part:literal, $select:expr, $range:literal) => {
        concat!(
            $crate::promql::rate!($one, $part, $select, $range),
            " or ",
            $crate::promql::rate!($other, $part, $select, $range)
        )
    };
    ($metric:literal, $part:literal, $select:expr, $range:literal) => {
        concat!("rate(<", $metric, ">", $part, "{", $select, "}[", $range, "])")
    };
}
pub(crate) use rate;

/// A rate of a histogram's observations.
macro_rules! calls {
    ($by:literal, $metric:tt, $select:literal, $range:literal) => {
        concat!("sum by (", $by, ") (", $crate::promql::rate!($metric, "_count", $select, $range), ")")
    };
}
pub(crate) use calls;

/// The part of calls that fail: 0 where none does, and nothing where nobody calls.
macro_rules! failing {
    ($by:literal, $metric:tt, $select:literal, $range:literal) => {
        concat!(
            "(sum by (",
            $by,
            ") (",
            $crate::promql::rate!($metric, "_count", concat!($select, "error_type!=\"\""), $range),
            ") or 0 * ",
            $crate::promql::calls!($by, $metric, $select, $range),
            ") / (",
            $crate::promql::calls!($by, $metric, $select, $range),
            " > 0)"
        )
    };
}
pub(crate) use failing;

/// A quantile of a histogram.
macro_rules! quantile {
    ($quantile:literal, $by:literal, $metric:tt, $select:literal, $range:literal) => {
        concat!(
            "histogram_quantile(",
            $quantile,
            ", sum by (le, ",
            $by,
            ") (",
            $crate::promql::rate!($metric, "_bucket", $select, $range),
            "))"
        )
    };
}
pub(crate) use quantile;
