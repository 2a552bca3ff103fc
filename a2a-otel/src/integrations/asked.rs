//! The calls that were answered before their task was over, so that what sees the task's end can link to the call that
//! asked for it.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use crate::lock::lock;

/// The spans of such calls, by keys for their tasks. The oldest are forgotten first: somebody may never ask for the end.
#[derive(Debug)]
pub(super) struct Asked {
    most: usize,
    spans: HashMap<String, SpanContext>,
    /// From the oldest to the newest.
    order: VecDeque<String>,
}

impl Asked {
    /// Remembers at most so many calls.
    pub(super) fn new(most: usize) -> Self {
        Self { most, spans: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&SpanContext> {
        self.spans.get(key)
    }

    #[cfg(feature = "a2a")]
    pub(super) fn find(&self, is_it: impl Fn(&str) -> bool) -> Option<&SpanContext> {
        self.spans.iter().find(|(key, _)| is_it(key)).map(|(_, span)| span)
    }

    fn add(&mut self, key: String, span: SpanContext) {
        if self.spans.insert(key.clone(), span).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.spans.remove(&oldest);
        }
    }
}

/// Remembers that the current span has asked for a task, unless the span has no identity.
pub(super) fn remember(asked: &Mutex<Asked>, key: String) {
    let span = Context::map_current(|context| context.span().span_context().clone());
    if span.is_valid() {
        lock(asked).add(key, span);
    }
}

/// Links the current span to the one that is found.
pub(super) fn link(asked: &Mutex<Asked>, find: impl FnOnce(&Asked) -> Option<&SpanContext>) {
    let found = find(&lock(asked)).cloned();
    if let Some(span) = found {
        Context::map_current(|context| context.span().add_link(span, Vec::new()));
    }
}
