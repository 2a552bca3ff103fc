//! The figures of costs.

use std::time::SystemTime;

use opentelemetry::KeyValue;

use super::Priced;
use super::models::{Models, price};
use crate::llm::exchange::Usage;
use crate::meter::{self, Metric, Number};
use crate::semconv::gen_ai::{AGENT_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL};
use crate::semconv::metrics::cost;

/// Whose call it was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Labels<'a> {
    pub(crate) agent: Option<&'a str>,
    pub(crate) provider: Option<&'a str>,
    pub(crate) models: Models<'a>,
}

/// Counts what a call costs, whether or not its span is recorded.
#[expect(dead_code, reason = "called where calls are measured, in place of the count in `span.rs`")]
pub(crate) fn count(agent: Option<&str>, provider: Option<&str>, models: Models<'_>, usage: &Usage) {
    if meter::listens() {
        record(&Labels { agent, provider, models }, price(provider, models, usage, SystemTime::now()));
    }
}

/// Counts a call.
pub(super) fn record(labels: &Labels<'_>, priced: Priced) {
    match priced {
        Priced::At(cost) => record_cost(labels, cost.total),
        Priced::Unknown => {
            let model = labels.of_model();
            meter::record(&UNPRICED_CALLS, Number::Unsigned(1), &model.collect::<Vec<_>>());
        }
        Priced::Unused => {}
    }
}

/// Counts a cost.
pub(super) fn record_cost(labels: &Labels<'_>, cost: f64) {
    let agent = labels.agent.map(|agent| KeyValue::new(AGENT_NAME, agent.to_owned()));
    let labels: Vec<_> = agent.into_iter().chain(labels.of_model()).collect();
    meter::record(&COSTS, Number::Float(cost), &labels);
}

impl Labels<'_> {
    fn of_model(&self) -> impl Iterator<Item = KeyValue> {
        let labels = [
            (PROVIDER_NAME, self.provider),
            (REQUEST_MODEL, self.models.requested),
            (RESPONSE_MODEL, self.models.answered),
        ];
        labels.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?.to_owned())))
    }
}

static COSTS: Metric = Metric::built_in(&cost::COST);
static UNPRICED_CALLS: Metric = Metric::built_in(&cost::UNPRICED_CALLS);
