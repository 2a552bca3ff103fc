//! The agent at work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use opentelemetry::{Context, StringValue};

/// Whether log lines or log records name the agent at work.
static LOGS_NAME_AGENTS: AtomicBool = AtomicBool::new(false);

/// From now on, log lines or log records name the agent at work.
#[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "only the bridge to `tracing` writes logs"))]
pub(crate) fn name_agents_in_logs() {
    LOGS_NAME_AGENTS.store(true, Ordering::Relaxed);
}

/// Whether the context has to hold the agent at work for its name alone: that costs as much as a fifth of a span.
#[inline]
pub(crate) fn are_agents_named_in_logs() -> bool {
    LOGS_NAME_AGENTS.load(Ordering::Relaxed)
}

/// A run of an agent, in the context of everything that it does.
#[derive(Debug)]
pub(crate) struct AgentRun {
    /// The agent's name, for log lines and figures.
    name: StringValue,
    /// What it has called itself: calls of agents that it calls count there.
    model_calls: AtomicU64,
    tool_calls: AtomicU64,
}

impl AgentRun {
    pub(crate) const fn new(name: StringValue) -> Self {
        Self { name, model_calls: AtomicU64::new(0), tool_calls: AtomicU64::new(0) }
    }

    /// The run that a context belongs to.
    #[inline]
    pub(crate) fn at(context: &Context) -> Option<&Self> {
        context.get()
    }

    pub(crate) const fn name(&self) -> &StringValue {
        &self.name
    }

    pub(crate) fn count_model_call(&self) {
        self.model_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_tool_call(&self) {
        self.tool_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn model_calls(&self) -> u64 {
        self.model_calls.load(Ordering::Relaxed)
    }

    pub(crate) fn tool_calls(&self) -> u64 {
        self.tool_calls.load(Ordering::Relaxed)
    }
}
