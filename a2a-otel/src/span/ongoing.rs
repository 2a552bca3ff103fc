//! Calls in progress, in the context of what they do: so that what a protocol, a call within the call, or the user says
//! of a call reaches its figures, and one call counts as one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::{Context, KeyValue, StringValue};

use super::site::Measured;
use crate::llm::ModelCall;
use crate::lock::lock;
use crate::meter;

/// Whether this process has a client of MCP, whose requests may be a part of a tool's call.
static HAS_TOOL_CLIENT: AtomicBool = AtomicBool::new(false);

/// A call in progress.
pub(crate) struct Ongoing {
    measured: Measured,
    /// The tool, or the method of the protocol.
    name: StringValue,
    said: Mutex<Said>,
}

/// What others have said of a call.
#[derive(Default)]
struct Said {
    /// How many requests of a protocol are attempts of this call.
    requests: u64,
    /// The failure of the attempt that ended last, if it failed.
    refused: Option<RefusedRequest>,
    /// The attempts that each of a client's two observers has seen.
    attempts: [u64; 2],
    task_state: Option<&'static str>,
    /// What calls of models within it say.
    parts: Option<Box<ModelCall>>,
}

/// The failure of a request.
#[derive(Clone)]
pub(super) struct RefusedRequest {
    /// The protocol's name for the error.
    pub(super) error_type: StringValue,
    /// Whether it is the only attempt, without a fallback, and the tool itself failed.
    pub(super) is_only_one_of_tool: bool,
}

/// What sees an attempt of a call to another agent. A client may have both.
#[derive(Clone, Copy)]
pub(crate) enum Observer {
    Interceptor,
    Transport,
}

/// Whether figures are recorded of what happens now.
pub(crate) fn is_measuring() -> bool {
    meter::listens()
        && crate::context::has_context()
        && Context::map_current(|context| !context.is_telemetry_suppressed())
}

/// From now on, a tool's call may be a request over MCP.
#[cfg(feature = "mcp")]
pub(crate) fn expect_tool_requests() {
    HAS_TOOL_CLIENT.store(true, Ordering::Relaxed);
}

impl Ongoing {
    pub(super) fn new(measured: Measured, name: StringValue) -> Self {
        Self { measured, name, said: Mutex::default() }
    }

    /// The innermost call in progress.
    pub(super) fn at(context: &Context) -> Option<&Self> {
        context.get()
    }

    /// Whether a call of this sort has to be found by what it does.
    pub(super) fn is_needed(measured: Measured, context: &Context) -> bool {
        let is_tool = measured == Measured::Tool && HAS_TOOL_CLIENT.load(Ordering::Relaxed);
        let is_asked = matches!(measured, Measured::Model | Measured::Embedding | Measured::A2a);
        // What another call does is not what the call around it does.
        is_tool || is_asked || Self::at(context).is_some()
    }

    pub(super) const fn measured(&self) -> Measured {
        self.measured
    }

    /// Whether this is the call of a model, about which the user may say something.
    fn is_of_model(&self) -> bool {
        matches!(self.measured, Measured::Model | Measured::Embedding)
    }

    /// Takes over attributes that the user records in a context, if a model is being called there.
    pub(super) fn note(context: &Context, attributes: &[KeyValue]) {
        if let Some(ongoing) = Self::at(context).filter(|ongoing| ongoing.is_of_model()) {
            lock(&ongoing.said).parts.get_or_insert_default().noted(attributes);
        }
    }

    /// Whether [`note`](Self::note) takes anything over.
    pub(super) fn takes_notes(context: &Context) -> bool {
        Self::at(context).is_some_and(Self::is_of_model)
    }

    /// Takes over what a call of a model says that was made within this one.
    pub(super) fn absorb(&self, part: ModelCall) {
        lock(&self.said).parts.get_or_insert_default().absorb(part);
    }

    pub(super) fn take_parts(&self) -> Option<Box<ModelCall>> {
        lock(&self.said).parts.take()
    }

    /// The failure of the attempt that ended last, if it failed.
    pub(super) fn refused(&self) -> Option<RefusedRequest> {
        lock(&self.said).refused.clone()
    }

    /// Another tool is called within this call of a tool: if its own request was refused, that is known to its function.
    pub(super) fn falls_back(&self) {
        if let Some(refused) = &mut lock(&self.said).refused {
            refused.is_only_one_of_tool = false;
        }
    }

    pub(super) fn task_state(&self) -> Option<&'static str> {
        lock(&self.said).task_state
    }
}

/// The call that a request of a protocol is.
pub(crate) struct WholeCall(Context);

impl WholeCall {
    fn find(fits: impl FnOnce(&Ongoing) -> bool) -> Option<Self> {
        Context::map_current(|context| {
            let is_it = Ongoing::at(context).is_some_and(fits);
            (is_it && !context.is_telemetry_suppressed()).then(|| Self(context.clone()))
        })
    }

    fn said<R>(&self, say: impl FnOnce(&mut Said) -> R) -> Option<R> {
        Some(say(&mut lock(&Ongoing::at(&self.0)?.said)))
    }

    /// The call of this tool that the current request carries out, and whether it is a further attempt.
    #[cfg(feature = "mcp")]
    pub(crate) fn of_tool(tool: &str) -> Option<(Self, bool)> {
        let call = Self::find(|ongoing| ongoing.measured == Measured::Tool)?;
        let ongoing = Ongoing::at(&call.0)?;
        if ongoing.name.as_str() != tool {
            ongoing.falls_back();
            return None;
        }
        let requests = call.said(|said| {
            said.requests += 1;
            said.requests
        })?;
        Some((call, requests > 1))
    }

    /// An attempt ended, perhaps with an error of this name, and perhaps because the tool itself failed.
    #[cfg(feature = "mcp")]
    pub(crate) fn attempted(&self, error: Option<(StringValue, bool)>) {
        self.said(|said| {
            said.refused = error.map(|(error_type, is_of_tool)| RefusedRequest {
                error_type,
                is_only_one_of_tool: is_of_tool && said.requests == 1,
            });
        });
    }

    /// The call of another agent that the current request is an attempt of, and whether it is a further attempt.
    #[cfg(feature = "a2a")]
    pub(crate) fn of_agent(method: &str, observer: Observer) -> Option<(Self, bool)> {
        let is_it = |ongoing: &Ongoing| {
            ongoing.measured == Measured::A2a && is_same_method(ongoing.name.as_str(), method)
        };
        let call = Self::find(is_it)?;
        let is_further = call.said(|said| {
            let before = said.attempts.into_iter().max().unwrap_or_default();
            let attempts = &mut said.attempts[observer as usize];
            *attempts += 1;
            *attempts > before && before > 0
        })?;
        Some((call, is_further))
    }

    /// The task of the answer.
    #[cfg(feature = "a2a")]
    pub(crate) fn answered(&self, task_state: Option<&'static str>) {
        self.said(|said| said.task_state = task_state.or(said.task_state));
    }
}

/// Whether a request has the method of the call around it, whose answer may come as a stream.
#[cfg(feature = "a2a")]
fn is_same_method(call: &str, request: &str) -> bool {
    const STREAMED: [&str; 2] = ["SendMessage", "SendStreamingMessage"];
    call == request || (STREAMED.contains(&call) && STREAMED.contains(&request))
}
