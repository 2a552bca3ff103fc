//! An agent, as its card describes it.

use ::a2a::AgentCard;

use crate::capture::Capture;
use crate::semconv::a2a as names;
use crate::span::Opening;

#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) name: String,
    version: String,
    description: String,
}

impl Agent {
    pub(super) fn of(card: &AgentCard) -> Self {
        Self { name: card.name.clone(), version: card.version.clone(), description: card.description.clone() }
    }

    pub(super) fn record(&self, opening: &mut Opening) {
        opening.fields(&[
            (names::AGENT_NAME, shown!(self.name)),
            (names::AGENT_VERSION, shown!(self.version)),
            (names::AGENT_DESCRIPTION, shown!(self.description)),
        ]);
    }
}
