//! The end of a span: the outcome of its call.

use std::any::Any;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, StringValue};

use super::context_values::{Request, kind_at};
use super::failure::{Describe, ErrorDescription, exception};
use super::figures::Call;
use super::joint::Joint;
use super::outcome::{FunctionEnd, Verdict};
use crate::capture::{Encoded, Fields, PANICKED, Value, encode, guarded};
use crate::llm::Read;
use crate::semconv::openinference as names;
use crate::semconv::opentelemetry::{ERROR_TYPE, EXCEPTION, TOOL_ERROR};
use crate::semconv::ours::{CANCELLED, PANIC};
use crate::{llm, privacy};

/// Records the outcome of a call. Dropping it ends the span.
pub struct Ending {
    /// `None` if the span is not recorded.
    context: Option<Context>,
    status: Status,
    end: FunctionEnd,
    /// The shared span that this call has joined. The observer that opened it ends it.
    joined: Option<Arc<Joint>>,
    /// What figures are recorded of.
    call: Option<Box<Call>>,
}

/// Called by generated code and by the integrations.
impl Ending {
    #[inline]
    pub(super) const fn new(context: Option<Context>, call: Option<Box<Call>>) -> Self {
        Self { context, status: Status::Unset, end: FunctionEnd::Succeeded, joined: None, call }
    }

    pub(super) fn joined(context: Context, joint: Arc<Joint>, call: Option<Box<Call>>) -> Self {
        let mut ending = Self::new(Some(context), call);
        ending.joined = Some(joint);
        ending
    }

    /// Whether the outcome is recorded, on a span or in figures.
    #[inline]
    #[must_use]
    pub const fn is_seen(&self) -> bool {
        self.context.is_some() || self.call.is_some()
    }

    /// Whether the span is recorded.
    #[inline]
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.context.is_some()
    }

    /// The span's kind, if masking depends on it.
    fn kind(&self) -> &'static str {
        self.context.as_ref().map_or("", kind_at)
    }

    /// The call succeeded.
    pub fn ok(&mut self) {
        self.status = Status::Ok;
    }

    /// The call returned an error.
    pub fn err(&mut self, error: &dyn Describe, debug: bool) {
        if let Some(call) = &mut self.call {
            call.failed(error.kind());
        }
        if self.is_recorded() {
            let panicked = || ErrorDescription::plain("unknown", PANICKED.to_owned());
            self.failed(&guarded(|| error.describe(debug)).unwrap_or_else(panicked));
        }
    }

    /// The value that the call returned says this of the call.
    pub fn judged(&mut self, verdict: Verdict) {
        // The protocol's call ends the span of a call that it serves.
        if self.joined.is_none() {
            judge(self.context.as_ref(), self.call.as_deref_mut(), verdict);
        }
    }

    /// Records the function's result as the output.
    pub fn output(&mut self, value: &dyn Value) {
        if !self.is_recorded() {
            return;
        }
        if let Some(output) = privacy::encoded(self.kind(), names::OUTPUT_VALUE, || encode(value)) {
            self.set(output.into_attributes(names::OUTPUT_VALUE, names::OUTPUT_MIME_TYPE));
        }
    }

    /// Reads the response of a model.
    pub fn response(&mut self, value: &dyn Value) {
        if self.is_recorded() {
            self.read(llm::read_response(value));
        } else if self.reads_answers() {
            self.read(llm::skim_response(value));
        }
    }

    /// Whether figures need the answer of a model.
    pub(super) fn reads_answers(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.is_of_model())
    }

    /// Records the answer of a model, and the request that it answers.
    pub(super) fn read(&mut self, mut read: Read) {
        if let Some(call) = &mut self.call {
            call.answered(&read);
        }
        let value = read.value.take();
        let failure = read.failure.take();
        let request = self.context.as_ref().and_then(Request::take);
        let attributes = match request {
            Some(request) => request.answered(read),
            None => read.into_attributes(),
        };
        let output = privacy::encoded(self.kind(), names::OUTPUT_VALUE, || value.map(Encoded::cut));
        let output =
            output.map(|output| output.into_attributes(names::OUTPUT_VALUE, names::OUTPUT_MIME_TYPE));
        // The output comes first: a provider that is not ours may keep only 128 attributes.
        self.set(output.into_iter().flatten().chain(attributes));
        if let Some(failure) = failure {
            self.failed(&ErrorDescription::plain(failure.kind, failure.message));
        }
    }

    /// Records each value under its keys.
    pub fn fields(&mut self, fields: &Fields<'_>) {
        let mut attributes = Vec::with_capacity(fields.len());
        privacy::push_fields(self.kind(), &mut attributes, fields);
        self.note(&attributes);
        self.set(attributes);
    }

    /// Takes over for figures what the user records of a call of a model.
    pub(super) fn note(&mut self, attributes: &[KeyValue]) {
        if let Some(call) = &mut self.call {
            call.note(attributes);
        }
    }

    /// Takes over for figures when the chunks of an answer came.
    pub(super) fn streamed(&mut self, first: Option<f64>, further: Vec<f64>) {
        if let Some(call) = &mut self.call {
            call.streamed(first, further);
        }
    }

    /// Records lists of documents, each under its prefix.
    pub fn documents(&mut self, fields: &Fields<'_>) {
        if self.is_recorded() {
            self.set(privacy::documents(self.kind(), fields));
        }
    }

    pub(crate) fn set(&self, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(context) = &self.context {
            let kind = self.kind();
            let admitted = |mut attribute| privacy::admit(kind, &mut attribute).then_some(attribute);
            context.span().set_attributes(attributes.into_iter().filter_map(admitted));
        }
    }

    pub(super) fn event(&self, name: &'static str, mut attributes: Vec<KeyValue>) {
        if let Some(context) = &self.context {
            privacy::screen(self.kind(), &mut attributes);
            context.span().add_event(name, attributes);
        }
    }

    pub(super) fn event_at(&self, time: SystemTime, name: &'static str) {
        if let Some(context) = &self.context {
            context.span().add_event_with_timestamp(name, time, Vec::new());
        }
    }

    pub(super) fn failed(&mut self, failed: &ErrorDescription) {
        if let Some(call) = &mut self.call {
            call.failed(failed.kind.clone());
        }
        if !self.is_recorded() {
            return;
        }
        // The protocol's name for the error is more exact.
        let refusal = self.joint().and_then(|joint| joint.attempts().failure());
        let error_type = refusal.map_or_else(|| failed.kind.clone().into(), |one| one.error_type.clone());
        self.failed_as(failed, error_type);
    }

    /// The call failed; `error_type` is the convention's name for the error.
    pub(crate) fn failed_as(&mut self, failed: &ErrorDescription, error_type: StringValue) {
        self.end = FunctionEnd::Failed;
        let message = privacy::message(self.kind(), failed.message.clone().into());
        if let Some(joint) = &self.joined {
            self.event(EXCEPTION, exception(failed));
            return joint.record_failure(message.into_owned());
        }
        let message = if let Some(recorded) = self.joint().and_then(|joint| joint.failure()) {
            recorded.into()
        } else {
            self.event(EXCEPTION, exception(failed));
            message
        };
        self.set([KeyValue::new(ERROR_TYPE, error_type)]);
        self.status = Status::error(message);
    }

    /// What the span shares, if it is a tool's.
    fn joint(&self) -> Option<&Arc<Joint>> {
        Joint::at(self.context.as_ref()?)
    }

    /// The call panicked; the panic continues.
    pub(super) fn panicked(&mut self, payload: &(dyn Any + Send)) {
        let message = payload
            .downcast_ref::<&str>()
            .map(|message| (*message).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        self.failed(&ErrorDescription::plain(PANIC, message));
        self.end = FunctionEnd::Panicked;
    }

    /// The call was dropped before its end.
    pub(super) fn cancelled(&mut self) {
        if let Some(call) = &mut self.call {
            call.failed(CANCELLED.into());
        }
        self.end = FunctionEnd::Dropped;
        if self.joint().is_none_or(|joint| joint.failure().is_none()) {
            self.event(CANCELLED, Vec::new());
        }
        match &self.joined {
            Some(joint) => joint.record_failure(CANCELLED.to_owned()),
            None => self.status = Status::error(CANCELLED),
        }
    }
}

impl Drop for Ending {
    #[inline]
    fn drop(&mut self) {
        if self.is_seen() {
            self.end();
        }
    }
}

impl Ending {
    /// Whether a function's attribute macro records the input and output of the span.
    #[cfg(feature = "mcp")]
    pub(crate) fn is_shared(&self) -> bool {
        self.joint().is_some_and(|joint| joint.has_second())
    }

    /// Records what was held back until the end: for a second call that might have joined the span, and of the function's
    /// own call.
    fn settle(&mut self) {
        let Some(joint) = self.joint().cloned() else { return };
        self.set(joint.take_deferred());
        match joint.take_verdict() {
            Verdict::Refused(reason) => {
                self.failed_as(&ErrorDescription::plain(TOOL_ERROR, reason), TOOL_ERROR.into());
            }
            Verdict::Unknown if matches!(self.end, FunctionEnd::Succeeded) => {
                if let Some(refusal) = joint.attempts().only_refusal() {
                    self.failed_as(&refusal.failed, refusal.error_type.clone());
                }
            }
            Verdict::Good | Verdict::Unknown => {}
        }
        if let Some(context) = &self.context {
            joint.function_ended(context, self.end);
        }
    }

    fn end(&mut self) {
        if self.joined.is_none() {
            self.end_span();
        }
        if let Some(mut call) = self.call.take() {
            call.ended(self.context.as_ref());
        }
    }

    fn end_span(&mut self) {
        self.settle();
        let Some(context) = &self.context else { return };
        #[cfg(feature = "metrics")]
        crate::meter::exemplars::ended(context.span().span_context());
        if let Some(request) = Request::take(context) {
            self.set(request.unanswered());
        }
        let span = context.span();
        span.set_status(std::mem::take(&mut self.status));
        span.end();
    }
}

/// Takes over what the value that a call returned says of the call.
pub(super) fn judge(context: Option<&Context>, call: Option<&mut Call>, verdict: Verdict) {
    if let Some(call) = call {
        call.judged(&verdict);
    }
    if let Some(joint) = context.and_then(Joint::at) {
        joint.judged(verdict);
    }
}
