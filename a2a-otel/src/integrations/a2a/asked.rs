//! The calls that were answered before their task was over, so that what sees the task's end can link to the call that
//! asked for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use super::outcome::View;
use crate::lock::lock;

/// The most calls that are remembered. The oldest are forgotten first.
const MOST: usize = 10_000;

/// The longest name of a task that is remembered, in bytes, so that nobody can fill the memory with long ones.
const LONGEST: usize = 512;

static ASKED: LazyLock<Mutex<Asked>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Asked {
    calls: HashMap<String, SpanContext>,
    /// From the oldest to the newest.
    order: VecDeque<String>,
}

/// Whose task it is: agents name their tasks each for itself.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) view: View,
    /// The called agent, on the calling side.
    pub(super) agent: Option<&'a str>,
}

impl Owner<'_> {
    const fn side(self) -> &'static str {
        match self.view {
            View::Caller => "caller",
            View::Agent => "agent",
        }
    }

    fn key(self, task: &str) -> Option<String> {
        let key = format!("{}\n{}\n{task}", self.side(), self.agent.unwrap_or_default());
        Some(key).filter(|key| key.len() <= LONGEST)
    }
}

/// Remembers that the current span has asked for a task that is not over.
pub(super) fn remember(owner: Owner<'_>, task: &str) {
    let span = Context::map_current(|context| context.span().span_context().clone());
    if let Some(key) = owner.key(task) {
        lock(&ASKED).add(key, span);
    }
}

/// Links the current span to the one that has asked for a task.
pub(super) fn link(owner: Owner<'_>, task: &str) {
    let asked = owner.key(task).and_then(|key| lock(&ASKED).calls.get(&key).cloned());
    if let Some(asked) = asked {
        Context::map_current(|context| context.span().add_link(asked, Vec::new()));
    }
}

/// Links the current span to the one of this process that has asked some agent for a task.
pub(super) fn link_to_caller(task: &str) {
    let (side, end) = (Owner { view: View::Caller, agent: None }.side(), format!("\n{task}"));
    let is_about = |key: &String| key.starts_with(side) && key.ends_with(&end);
    let asked = lock(&ASKED).calls.iter().find(|(key, _)| is_about(key)).map(|(_, span)| span.clone());
    if let Some(asked) = asked {
        Context::map_current(|context| context.span().add_link(asked, Vec::new()));
    }
}

impl Asked {
    fn add(&mut self, key: String, span: SpanContext) {
        if self.calls.insert(key.clone(), span).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }
}
