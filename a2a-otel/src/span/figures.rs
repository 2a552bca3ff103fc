//! The figures of one call, which are recorded when it ends, whether or not its span is.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::{Context, KeyValue, StringValue, Value};

use super::ongoing::Ongoing;
use super::outcome::Verdict;
use super::site::{Measured, Site};
use crate::attributes::find;
use crate::capture::Fixed;
use crate::context::AgentRun;
use crate::llm::{CallOutcome, ModelCall, Read};
use crate::meter::{self, Labels, Metric, Number};
use crate::semconv::gen_ai::{AGENT_NAME, OPERATION_NAME, TOOL_NAME, operation};
use crate::semconv::metrics::operations::{self as rows, A2A_METHOD_NAME, A2A_TASK_STATE};
use crate::semconv::openinference as names;
use crate::semconv::opentelemetry::{ERROR_TYPE, TOOL_ERROR};
use crate::semconv::ours::CANCELLED;

macro_rules! metrics {
    ($($row:ident)*) => { $(static $row: Metric = Metric::built_in(&rows::$row);)* };
}

metrics! {
    AGENT_RUN_DURATION AGENT_MODEL_CALLS AGENT_TOOL_CALLS TOOL_DURATION OPERATION_DURATION A2A_CLIENT_DURATION
}

/// A call that is measured.
pub(super) struct Call {
    measured: Measured,
    started: Instant,
    /// The agent, the tool, or the method of the protocol.
    name: StringValue,
    /// The agent that calls, or the agent that is called over A2A.
    agent: Option<StringValue>,
    error_type: Option<StringValue>,
    /// Whether the value that the call returned says that it has not failed.
    is_good: bool,
    /// The context in which the call runs, if its span is not recorded and it is not the caller's.
    context: Option<Context>,
    /// Whether its context has it as [`Ongoing`].
    is_ongoing: bool,
    model: Option<Box<ModelCall>>,
    /// The context of the call of a model that this one is a part of.
    part_of: Option<Context>,
}

impl Call {
    /// Begins to measure a call in a context, unless nothing reads its figures.
    #[inline]
    pub(super) fn begin(site: &'static Site, context: &Context) -> Option<Box<Self>> {
        if site.measured == Measured::Nothing || !meter::listens() {
            return None;
        }
        Some(Self::new(site.measured, context))
    }

    fn new(measured: Measured, context: &Context) -> Box<Self> {
        let run = AgentRun::at(context);
        let is_model = matches!(measured, Measured::Model | Measured::Embedding);
        let is_part = is_model && Ongoing::at(context).is_some_and(|call| call.measured() == measured);
        match (run, measured) {
            (Some(run), Measured::Tool) => run.count_tool_call(),
            (Some(run), Measured::Model) if !is_part => run.count_model_call(),
            _ => {}
        }
        if measured == Measured::Tool
            && let Some(outer) = Ongoing::at(context).filter(|outer| outer.measured() == Measured::Tool)
        {
            outer.falls_back();
        }
        let agent = run.filter(|_| measured != Measured::A2a).map(|run| run.name().clone());
        Box::new(Self {
            measured,
            name: StringValue::from(""),
            agent,
            error_type: None,
            is_good: false,
            context: None,
            is_ongoing: false,
            model: is_model.then(|| Box::new(ModelCall::new(measured == Measured::Embedding))),
            part_of: is_part.then(|| context.clone()),
            started: Instant::now(),
        })
    }

    /// Whether figures need what is recorded under this key.
    pub(super) fn needs(&self, key: &str) -> bool {
        match self.measured {
            Measured::Agent => key == names::AGENT_NAME,
            Measured::Tool => key == names::TOOL_NAME,
            Measured::A2a => key == A2A_METHOD_NAME || key == AGENT_NAME,
            Measured::Model | Measured::Embedding => true,
            Measured::Retrieval | Measured::Nothing => false,
        }
    }

    /// Takes the name of the call, and of whom it calls, from what is known at compile time. False if that is not enough,
    /// because a part is only known at run time.
    pub(super) fn is_identified_by(&mut self, site: &'static Site) -> bool {
        let fixed = |key: &str| {
            site.fixed.iter().find_map(|(own, value)| match value {
                Fixed::Text(text) if *own == key => Some(StringValue::from(*text)),
                _ => None,
            })
        };
        let name = match self.measured {
            Measured::Agent => fixed(names::AGENT_NAME),
            Measured::Tool => fixed(names::TOOL_NAME),
            Measured::Retrieval => Some(StringValue::from("")),
            Measured::A2a | Measured::Model | Measured::Embedding | Measured::Nothing => None,
        };
        let is_known = name.is_some();
        self.name = name.unwrap_or(StringValue::from(""));
        is_known
    }

    /// Takes the names from what is recorded of the call.
    pub(super) fn identify(&mut self, attributes: &[KeyValue], span: Cow<'static, str>) {
        let text = |key| find(attributes, key).map(shared);
        let name = match self.measured {
            Measured::Agent => text(names::AGENT_NAME),
            Measured::Tool => text(names::TOOL_NAME),
            Measured::A2a => {
                self.agent = text(AGENT_NAME);
                text(A2A_METHOD_NAME)
            }
            Measured::Model | Measured::Embedding => {
                self.note(attributes);
                return;
            }
            Measured::Retrieval | Measured::Nothing => return,
        };
        self.name = name.unwrap_or_else(|| owned(span));
    }

    /// Takes over attributes that the user records of a call of a model.
    pub(super) fn note(&mut self, attributes: &[KeyValue]) {
        if let Some(model) = &mut self.model {
            model.noted(attributes);
        }
    }

    /// Whether it is a call of a model, whose answer has to be read.
    pub(super) const fn is_of_model(&self) -> bool {
        self.model.is_some()
    }

    pub(super) fn asked(&mut self, request: &Read) {
        if let Some(model) = &mut self.model {
            model.asked(request);
        }
    }

    pub(super) fn answered(&mut self, answer: &Read) {
        if let Some(model) = &mut self.model {
            model.answered(answer);
        }
    }

    /// Takes over when the chunks of an answer came.
    pub(super) fn streamed(&mut self, first: Option<f64>, further: Vec<f64>) {
        if let Some(model) = &mut self.model {
            (model.first_chunk, model.chunks) = (first, further);
        }
    }

    /// The run that this call is, if it is one of an agent.
    pub(super) fn run(&self) -> Option<AgentRun> {
        (self.measured == Measured::Agent).then(|| AgentRun::new(self.name.clone()))
    }

    /// The context of the call with what figures of calls within it need. `None` if they need nothing.
    pub(super) fn within(&mut self, context: &Context) -> Option<Context> {
        self.is_ongoing = Ongoing::is_needed(self.measured, context);
        self.is_ongoing.then(|| context.with_value(Ongoing::new(self.measured, self.name.clone())))
    }

    /// The context of a call whose span is not recorded, if it is not the caller's.
    pub(super) fn around(&mut self, context: &Context) -> Option<Context> {
        let within = self.within(context);
        match self.run() {
            Some(run) => Some(within.as_ref().unwrap_or(context).with_value(run)),
            None => within,
        }
    }

    /// Sets the context of a call whose span is not recorded.
    pub(super) fn runs_in(&mut self, context: Option<Context>) {
        self.context = context;
    }

    pub(super) const fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    /// The call failed; the first cause counts.
    pub(super) fn failed(&mut self, error_type: Cow<'static, str>) {
        if self.error_type.is_none() {
            self.error_type = Some(owned(error_type));
        }
    }

    /// The value that the call returned says this of it.
    pub(super) fn judged(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Good => self.is_good = true,
            Verdict::Refused(_) => self.failed(TOOL_ERROR.into()),
            Verdict::Unknown => {}
        }
    }

    /// Records the figures of the call, which ran in this context.
    pub(super) fn ended(&mut self, context: Option<&Context>) {
        let duration = self.started.elapsed();
        let own = self.context.take();
        let context = context.or(own.as_ref());
        if std::thread::panicking() {
            // A panic in a meter provider would end the process.
            let _ = catch_unwind(AssertUnwindSafe(|| self.record(duration, context)));
        } else {
            self.record(duration, context);
        }
    }

    fn record(&mut self, duration: Duration, context: Option<&Context>) {
        #[cfg(feature = "metrics")]
        return meter::exemplars::measured_in(context, || self.record_all(duration, context));
        #[cfg(not(feature = "metrics"))]
        self.record_all(duration, context);
    }

    fn record_all(&mut self, duration: Duration, context: Option<&Context>) {
        let ongoing = context.filter(|_| self.is_ongoing).and_then(Ongoing::at);
        match self.measured {
            Measured::Agent => self.record_run(duration, context),
            Measured::Tool => self.record_tool(duration, ongoing),
            Measured::Model | Measured::Embedding => self.record_model(duration, ongoing),
            Measured::Retrieval => self.record_retrieval(duration),
            Measured::A2a => self.record_a2a(duration, ongoing),
            Measured::Nothing => {}
        }
    }

    fn record_run(&mut self, duration: Duration, context: Option<&Context>) {
        let mut labels = Labels::<2>::new();
        labels.push(AGENT_NAME, self.name.clone());
        if let Some(run) = context.and_then(AgentRun::at) {
            meter::record(&AGENT_MODEL_CALLS, Number::Unsigned(run.model_calls()), labels.all());
            meter::record(&AGENT_TOOL_CALLS, Number::Unsigned(run.tool_calls()), labels.all());
        }
        labels.maybe(ERROR_TYPE, self.error_type.take());
        meter::record(&AGENT_RUN_DURATION, seconds(duration), labels.all());
    }

    fn record_tool(&mut self, duration: Duration, ongoing: Option<&Ongoing>) {
        // The protocol's name for the error is more exact.
        let refused = ongoing.and_then(Ongoing::refused);
        let error = match (self.error_type.take(), refused) {
            (Some(own), Some(refused)) if own.as_str() != CANCELLED => Some(refused.error_type),
            (None, Some(refused)) if refused.is_only_one_of_tool && !self.is_good => Some(refused.error_type),
            (own, _) => own,
        };
        let mut labels = Labels::<3>::new();
        labels.push(TOOL_NAME, self.name.clone());
        labels.maybe(AGENT_NAME, self.agent.take());
        labels.maybe(ERROR_TYPE, error);
        meter::record(&TOOL_DURATION, seconds(duration), labels.all());
    }

    fn record_model(&mut self, duration: Duration, ongoing: Option<&Ongoing>) {
        let Some(model) = self.model.take() else { return };
        let model = match ongoing.and_then(Ongoing::take_parts) {
            Some(parts) => model.completed(*parts),
            None => *model,
        };
        match self.part_of.as_ref().and_then(Ongoing::at) {
            Some(whole) => whole.absorb(model),
            None => model.record(CallOutcome {
                duration,
                agent: self.agent.take(),
                error_type: self.error_type.take(),
            }),
        }
    }

    fn record_retrieval(&mut self, duration: Duration) {
        let mut labels = Labels::<3>::new();
        labels.push(OPERATION_NAME, operation::RETRIEVAL);
        labels.maybe(AGENT_NAME, self.agent.take());
        labels.maybe(ERROR_TYPE, self.error_type.take());
        meter::record(&OPERATION_DURATION, seconds(duration), labels.all());
    }

    fn record_a2a(&mut self, duration: Duration, ongoing: Option<&Ongoing>) {
        let mut labels = Labels::<4>::new();
        labels.push(A2A_METHOD_NAME, self.name.clone());
        labels.maybe(AGENT_NAME, self.agent.take());
        labels.maybe(A2A_TASK_STATE, ongoing.and_then(Ongoing::task_state));
        labels.maybe(ERROR_TYPE, self.error_type.take());
        meter::record(&A2A_CLIENT_DURATION, seconds(duration), labels.all());
    }
}

const fn seconds(duration: Duration) -> Number {
    Number::Float(duration.as_secs_f64())
}

/// A name that several figures share.
fn owned(name: Cow<'static, str>) -> StringValue {
    match name {
        Cow::Borrowed(name) => name.into(),
        Cow::Owned(name) => Arc::<str>::from(name).into(),
    }
}

/// A text that several figures share.
fn shared(value: &Value) -> StringValue {
    Arc::<str>::from(&*value.as_str()).into()
}
