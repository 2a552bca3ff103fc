//! A call of the tool that a function is about, from its beginning to its end.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::{Context, KeyValue};

use super::attempts::{Finished, Outcome, Refusal, Started};
use super::joint::Joint;
use super::site::Site;
use crate::context;

/// A call of the tool that a function is about. Dropping it means that the call was given up.
pub(crate) struct Attempt {
    joint: Arc<Joint>,
    context: Context,
    /// The first call, which may become a part of the function's span. Any other has a span of its own.
    first: Option<Started>,
    is_over: bool,
}

impl Attempt {
    /// A call of a tool begins in the current context. `None` if it is no call of the tool of the function around it.
    pub(crate) fn begin(site: &'static Site, tool: &str) -> Option<Self> {
        let joint = Joint::of_function()?;
        let (context, is_of_own_tool) = (Context::current(), joint.tool() == tool);
        let is_first = joint.call_begins(&context, is_of_own_tool);
        let first = is_first.then(|| Started { site, attributes: Vec::new(), time: SystemTime::now() });
        is_of_own_tool.then_some(Self { joint, context, first, is_over: false })
    }

    /// Whether it is the first, which may become a part of the function's span.
    pub(crate) const fn is_first(&self) -> bool {
        self.first.is_some()
    }

    /// Adds what is known of the first call.
    pub(crate) fn add(&mut self, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(first) = &mut self.first {
            first.attributes.extend(attributes);
        }
    }

    /// The call was answered, or failed.
    pub(crate) fn ended(mut self, refusal: Option<Refusal>) {
        self.end(refusal.map_or(Outcome::Answered, |refusal| Outcome::Refused(Arc::new(refusal))));
    }

    fn end(&mut self, outcome: Outcome) {
        self.is_over = true;
        let failure = if let Outcome::Refused(refusal) = &outcome { Some(Arc::clone(refusal)) } else { None };
        let finished = self.first.take().map(|started| {
            let mut inherited = Vec::new();
            context::inherit(&self.context, &mut inherited);
            Box::new(Finished { started, ended: SystemTime::now(), outcome, inherited })
        });
        if let Some(apart) = self.joint.attempts().end(failure, finished) {
            apart.record(&self.context, self.joint.tool());
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_over {
            let with_function = self.joint.attempts().is_dropped() || std::thread::panicking();
            self.end(Outcome::GivenUp { with_function });
        }
    }
}
