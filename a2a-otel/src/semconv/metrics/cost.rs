//! The metrics of what the calls of models cost.

use super::row::Source::Ours;
use super::row::rows;
use crate::semconv::gen_ai::{AGENT_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL};

rows! {
    COST = Counter "gen_ai.client.cost", "USD", [AGENT_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL], Ours,
        "Costs of model calls", "What do agents and models cost?";
    UNPRICED_CALLS = Counter "gen_ai.client.unpriced_calls", "{call}", [PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL], Ours,
        "Model calls without a cost, because no price is known", "Which models are missing from the costs?";
}
