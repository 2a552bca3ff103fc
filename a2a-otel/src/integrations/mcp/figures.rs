//! The figures of a request, on either side, whether or not its span is recorded.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::{Context, KeyValue, StringValue};

use super::message::{Answer, Params, Target};
use super::method::{self, Fault, Method};
use crate::context::AgentRun;
use crate::meter::{self, Labels, Metric, Number};
use crate::semconv::gen_ai::TOOL_NAME;
use crate::semconv::metrics::operations::{
    MCP_CLIENT_DURATION, MCP_METHOD_NAME, MCP_PROTOCOL_VERSION, MCP_SERVER_DURATION, NETWORK_TRANSPORT,
    RPC_STATUS_CODE,
};
use crate::semconv::opentelemetry::ERROR_TYPE;
use crate::semconv::ours::{CANCELLED, PANIC};
use crate::span::{WholeCall, is_measuring};

static CLIENT: Metric = Metric::built_in(&MCP_CLIENT_DURATION);
static SERVER: Metric = Metric::built_in(&MCP_SERVER_DURATION);

/// A request that is measured. Dropping it records that it was cancelled.
pub(super) struct Figures {
    metric: &'static Metric,
    started: Instant,
    method: StringValue,
    tool: Option<StringValue>,
    transport: Option<&'static str>,
    pub(super) version: Option<StringValue>,
    /// The function's call of the tool that this request is, or tries again.
    call: Option<WholeCall>,
    is_over: bool,
}

fn shared(text: &str) -> StringValue {
    Arc::<str>::from(text).into()
}

impl Figures {
    /// Begins to measure a request to a server, unless nothing reads figures.
    pub(super) fn of_client(
        method: &'static Method,
        params: &impl Params,
        network: Option<&'static str>,
    ) -> Option<Self> {
        let mut figures = Self::begin(&CLIENT, method, params)?;
        figures.transport = network;
        if let Target::Tool(tool) = params.target() {
            let found = WholeCall::of_tool(tool);
            if !matches!(found, Some((_, false))) {
                Context::map_current(|context| AgentRun::at(context).map(AgentRun::count_tool_call));
            }
            figures.call = found.map(|(call, _)| call);
        }
        Some(figures)
    }

    /// Begins to measure a request to this server, unless nothing reads figures.
    pub(super) fn of_server(method: &'static Method, params: &impl Params, is_http: bool) -> Option<Self> {
        let mut figures = Self::begin(&SERVER, method, params)?;
        figures.transport = is_http.then_some("tcp");
        Some(figures)
    }

    fn begin(metric: &'static Metric, method: &'static Method, params: &impl Params) -> Option<Self> {
        if !is_measuring() {
            return None;
        }
        let target = params.target();
        Some(Self {
            metric,
            started: Instant::now(),
            method: if let Target::Method(custom) = target { shared(custom) } else { method.name.into() },
            tool: if let Target::Tool(tool) = target { Some(shared(tool)) } else { None },
            transport: None,
            version: None,
            call: None,
            is_over: false,
        })
    }

    /// Sets the version of the protocol.
    pub(super) fn set_version(&mut self, version: Option<impl ToString>) {
        self.version = version.map(|version| shared(&version.to_string()));
    }

    /// Records how the request ended.
    pub(super) fn ended<A: Answer, E: Fault>(mut self, result: &Result<A, E>) {
        let Some((refusal, code)) = method::refusal(result) else {
            self.attempted(None);
            return self.record(None, None);
        };
        self.attempted(Some((refusal.error_type.clone(), refusal.is_of_tool)));
        self.record(Some(refusal.error_type), code);
    }

    /// Says to the function's call how its last attempt ended.
    fn attempted(&self, error: Option<(StringValue, bool)>) {
        if let Some(call) = &self.call {
            call.attempted(error);
        }
    }

    fn record(&mut self, error: Option<StringValue>, code: Option<KeyValue>) {
        self.is_over = true;
        let mut labels = Labels::<6>::new();
        labels.push(MCP_METHOD_NAME, self.method.clone());
        labels.maybe(TOOL_NAME, self.tool.clone());
        labels.maybe(ERROR_TYPE, error);
        labels.maybe(RPC_STATUS_CODE, code.map(|code| code.value));
        labels.maybe(NETWORK_TRANSPORT, self.transport);
        labels.maybe(MCP_PROTOCOL_VERSION, self.version.clone());
        meter::record(self.metric, Number::Float(self.started.elapsed().as_secs_f64()), labels.all());
    }
}

impl Drop for Figures {
    fn drop(&mut self) {
        if !self.is_over {
            let error = if std::thread::panicking() { PANIC } else { CANCELLED };
            // It says nothing of why its function fails.
            self.attempted(None);
            self.record(Some(error.into()), None);
        }
    }
}
