//! The two spans of each method, and how they end.

use std::future::Future;

use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use rmcp::ErrorData;
use rmcp::ServiceError;
use rmcp::service::ClientInitializeError;

use super::message::{Answer, Params, Target};
use crate::capture::{self, Capture};
use crate::propagation::{self, Meta};
use crate::semconv::{self, mcp, openinference as names};
use crate::span::{self, CallScope as _, ErrorDescription, Measured, Opening, Refusal, Site, Span};

/// A method, and its spans on the calling and on the serving side.
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) client: Site,
    pub(super) server: Site,
    /// Whether it belongs to the connection, so that it is recorded only if the caller has a span.
    pub(super) is_of_connection: bool,
}

const fn site(name: &'static str, kind: semconv::SpanKind, opentelemetry: SpanKind) -> Site {
    Site {
        name,
        kind: kind.as_str(),
        opentelemetry,
        measured: Measured::Nothing,
        fixed: &[],
        arguments: &[],
        fields: &[],
    }
}

impl Method {
    const fn new((name, kind): (&'static str, semconv::SpanKind)) -> Self {
        Self {
            name,
            client: site(name, kind, SpanKind::Client),
            server: site(name, kind, SpanKind::Server),
            is_of_connection: false,
        }
    }

    /// A method whose two sides do different work.
    const fn with_kinds(
        (name, asking, serving): (&'static str, semconv::SpanKind, semconv::SpanKind),
    ) -> Self {
        Self { client: site(name, asking, SpanKind::Client), ..Self::new((name, serving)) }
    }

    const fn of_connection(names: (&'static str, semconv::SpanKind)) -> Self {
        Self { is_of_connection: true, ..Self::new(names) }
    }
}

pub(super) static INITIALIZE: Method = Method::of_connection(mcp::INITIALIZE);
pub(super) static DISCOVER: Method = Method::of_connection(mcp::DISCOVER);
pub(super) static PING: Method = Method::of_connection(mcp::PING);
pub(super) static CREATE_MESSAGE: Method = Method::with_kinds(mcp::CREATE_MESSAGE);
pub(super) static CUSTOM: Method = Method::new(("", mcp::CUSTOM));

macro_rules! methods {
    ($($name:ident)*) => {
        $(pub(super) static $name: Method = Method::new(mcp::$name);)*
    };
}

methods! {
    CALL_TOOL LIST_TOOLS GET_PROMPT LIST_PROMPTS READ_RESOURCE LIST_RESOURCES LIST_RESOURCE_TEMPLATES
    READ_RESOURCE_DIRECTORY SUBSCRIBE UNSUBSCRIBE COMPLETE SET_LEVEL GET_TASK UPDATE_TASK CANCEL_TASK LIST_SKILLS
    GET_SKILL LIST_ROOTS ELICIT PROGRESS MESSAGE RESOURCE_UPDATED RESOURCES_CHANGED TOOLS_CHANGED PROMPTS_CHANGED
    ROOTS_CHANGED TASK_STATUS
}

impl Method {
    /// Records a request, and what else is known about it.
    pub(super) fn record(
        &self,
        opening: &mut Opening,
        params: &impl Params,
        more: impl IntoIterator<Item = KeyValue>,
    ) {
        let target = params.target();
        let method = if let Target::Method(method) = target { method } else { self.name };
        opening.name(match target {
            Target::Tool(name) | Target::Prompt(name) => Some(format!("{method} {name}")),
            Target::Method(method) => Some(method.to_owned()),
            Target::Resource(_) | Target::Nothing => None,
        });
        opening.attributes(self.attributes(params).into_iter().chain(more));
        match (target, params.arguments()) {
            (Target::Resource(uri), _) => opening.input(Capture::new(uri).a2a_otel_value()),
            (_, Some(arguments)) => opening.input(Capture::new(arguments).a2a_otel_value()),
            _ => {}
        }
    }

    /// Records the protocol's names of a request.
    pub(super) fn attributes(&self, params: &impl Params) -> Vec<KeyValue> {
        let target = params.target();
        let method = if let Target::Method(method) = target { method } else { self.name };
        let mut attributes = vec![KeyValue::new(mcp::METHOD_NAME, method.to_owned())];
        let mut push = |key, value: &str| attributes.push(KeyValue::new(key, value.to_owned()));
        match target {
            Target::Tool(name) => {
                push(mcp::OPERATION_NAME, mcp::EXECUTE_TOOL);
                push(mcp::TOOL_NAME, name);
                push(names::TOOL_NAME, name);
            }
            Target::Prompt(name) => {
                push(mcp::PROMPT_NAME, name);
                push(names::PROMPT_ID, name);
                if let Some(arguments) = params.arguments() {
                    let variables = Capture::new(arguments);
                    let variables = (names::LLM_PROMPT_TEMPLATE_VARIABLES, variables.a2a_otel_value());
                    attributes.extend(capture::attributes(&[variables]));
                }
            }
            Target::Resource(uri) => push(mcp::RESOURCE_URI, uri),
            Target::Method(_) | Target::Nothing => {}
        }
        attributes
    }
}

/// A tool's definition.
pub(super) fn definition(tool: &rmcp::model::Tool) -> Vec<KeyValue> {
    let schema = Capture::new(&*tool.input_schema);
    let mut fields = vec![(names::tool::JSON_SCHEMA, schema.a2a_otel_value())];
    let description = tool.description.as_ref().map(Capture::new);
    fields.extend(description.iter().map(|text| (names::TOOL_DESCRIPTION, text.a2a_otel_value())));
    let parameters = tool.input_schema.get("properties").map(Capture::new);
    fields.extend(parameters.iter().map(|properties| (names::TOOL_PARAMETERS, properties.a2a_otel_value())));
    capture::attributes(&fields)
}

/// An error instead of an answer.
pub(super) trait Fault {
    /// Returns the error, if the peer sent it.
    fn data(&self) -> Option<&ErrorData>;

    /// Returns the error, if the peer did not send it.
    fn refusal(&self) -> Refusal;
}

impl Fault for ErrorData {
    fn data(&self) -> Option<&ErrorData> {
        Some(self)
    }

    fn refusal(&self) -> Refusal {
        Refusal {
            failed: ErrorDescription::plain(std::any::type_name::<Self>(), self.message.clone().into_owned()),
            error_type: self.code.0.to_string().into(),
            is_of_tool: false,
        }
    }
}

impl Fault for &ErrorData {
    fn data(&self) -> Option<&ErrorData> {
        Some(self)
    }

    fn refusal(&self) -> Refusal {
        (*self).refusal()
    }
}

impl Fault for ServiceError {
    fn data(&self) -> Option<&ErrorData> {
        if let Self::McpError(data) = self { Some(data) } else { None }
    }

    fn refusal(&self) -> Refusal {
        let error_type = match self {
            Self::TransportSend(_) => "transport_send",
            Self::TransportClosed => "transport_closed",
            Self::UnexpectedResponse => "unexpected_response",
            Self::Cancelled { .. } => "cancelled",
            Self::Timeout { .. } => "timeout",
            _ => "_OTHER",
        };
        let failed = ErrorDescription::new(std::any::type_name::<Self>(), self, false);
        Refusal { failed, error_type: error_type.into(), is_of_tool: false }
    }
}

impl Fault for ClientInitializeError {
    fn data(&self) -> Option<&ErrorData> {
        if let Self::JsonRpcError(data) = self { Some(data) } else { None }
    }

    fn refusal(&self) -> Refusal {
        let error_type = match self {
            Self::ConnectionClosed(_) => "connection_closed",
            Self::TransportError { .. } => "transport_send",
            Self::Cancelled => "cancelled",
            _ => "_OTHER",
        };
        let failed = ErrorDescription::new(std::any::type_name::<Self>(), self, false);
        Refusal { failed, error_type: error_type.into(), is_of_tool: false }
    }
}

/// Returns why a request failed, if it did, and the code of the error that the peer sent.
pub(super) fn refusal<A: Answer, E: Fault>(result: &Result<A, E>) -> Option<(Refusal, Option<KeyValue>)> {
    match result {
        Ok(answer) => {
            let failure = answer.refusal()?;
            let failed = ErrorDescription::plain(mcp::TOOL_ERROR, failure.message);
            Some((Refusal { failed, error_type: failure.error_type, is_of_tool: true }, None))
        }
        Err(error) => {
            let code = error.data().map(|data| KeyValue::new(mcp::STATUS_CODE, data.code.0.to_string()));
            Some((error.data().map_or_else(|| error.refusal(), Fault::refusal), code))
        }
    }
}

/// Whether there is a span above what is sent or received.
pub(super) fn is_below_a_span() -> bool {
    Context::map_current(|context| context.span().span_context().is_valid())
}

/// Returns a request with the current context.
pub(super) fn carrying<P: Params>(mut params: P) -> P {
    propagation::inject(&mut Meta(params.meta_mut()));
    params
}

/// Sends a request in its span, and with that span's context.
pub(super) async fn send<P, A, F>(span: Span, params: P, send: impl FnOnce(P) -> F) -> Result<A, ServiceError>
where
    P: Params,
    A: Answer,
    F: Future<Output = Result<A, ServiceError>>,
{
    // Inject here: the transport sends from another task, which does not know the caller.
    let work = async move { send(carrying(params)).await };
    let (span, result) = span::future_with_scope(span, work).await;
    conclude(span, &result);
    result
}

/// Ends the span of a request.
pub(super) fn conclude<A: Answer, E: Fault>(span: Span, result: &Result<A, E>) {
    let mut ending = span.returned();
    if !ending.is_seen() {
        return;
    }
    match refusal(result) {
        Some((refusal, code)) => {
            ending.set(code);
            ending.failed_as(&refusal.failed, refusal.error_type);
        }
        None => ending.ok(),
    }
    // What a tool answers with when it fails may say more than its message.
    if let Ok(answer) = result
        && !ending.is_shared()
    {
        answer.record(&mut ending);
    }
}
