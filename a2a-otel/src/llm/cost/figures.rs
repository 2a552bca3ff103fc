//! The figures of costs.

use std::time::SystemTime;

use opentelemetry::KeyValue;

use super::Priced;
use super::models::{Models, price};
use crate::llm::exchange::Usage;
use crate::meter::{self, Metric, Number};
use crate::semconv::metrics::{BuiltIn, cost};

static COSTS: Metric = Metric::built_in(&cost::COST);
static UNPRICED_CALLS: Metric = Metric::built_in(&cost::UNPRICED_CALLS);

/// Counts what a call costs, whether or not its span is recorded. Of the labels, those that the figures have are used.
pub(crate) fn count(provider: Option<&str>, models: Models<'_>, usage: &Usage, labels: &[KeyValue]) {
    let priced = match usage.cost {
        Some(cost) => return count_cost(cost, labels),
        None => price(provider, models, usage, SystemTime::now(), false),
    };
    match priced {
        Priced::At(cost) => count_cost(cost.total, labels),
        Priced::Unknown => {
            let labels = of_row(&cost::UNPRICED_CALLS, labels);
            meter::record(&UNPRICED_CALLS, Number::Unsigned(1), &labels);
        }
        Priced::Unused => {}
    }
}

fn count_cost(cost: f64, labels: &[KeyValue]) {
    meter::record(&COSTS, Number::Float(cost), &of_row(&cost::COST, labels));
}

fn of_row(row: &BuiltIn, labels: &[KeyValue]) -> Vec<KeyValue> {
    labels.iter().filter(|label| row.labels.contains(&label.key.as_str())).cloned().collect()
}
