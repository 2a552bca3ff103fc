//! What a client does for its server.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::TraceContextExt as _;
use rmcp::model::{ClientConfig, ClientResult, ProtocolVersion, ServerNotification, ServerRequest};
use rmcp::service::{InboundStreamOrigin, NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleClient, Service};
use serde_json::{Map, Value};

use super::connection::{Requests, Tasks};
use super::message::{NoParams, Told};
use super::method::{self, Method};
use super::notice::{self, Notice as _};
use super::sampling;
use crate::capture::Capture;
use crate::propagation::{InboundPolicy, MetaRef, has_caller};
use crate::record::Attributes;
use crate::span::{self, Opening, Span};

/// A client's handler that records what the server asks of it: sampling, elicitation, roots, and notifications.
///
/// [`TracedClient::connect`](super::TracedClient::connect) wraps a handler by itself. Wrap it yourself if you connect
/// in another way.
///
/// The work is recorded below the span that the server's message names, with its session and user. If it names none, it
/// is recorded below the request of this client that it belongs to: the one on whose stream it came, whose progress it
/// reports, or the only one that is not answered yet. If it names a span but no session or user, as a server in Python,
/// those are that request's.
///
/// ```
/// use a2a_otel::mcp::{TracedClient, TracedHandler};
/// use rmcp::ServiceExt as _;
///
/// # async fn example(transport: tokio::io::DuplexStream) -> Result<(), Box<dyn std::error::Error>> {
/// let service = TracedHandler::new(()).serve(transport).await?;
/// let client = TracedClient::new(service);
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TracedHandler<H> {
    handler: H,
    connection: Option<Arc<Connection>>,
}

/// What a client remembers of its requests.
#[derive(Default)]
pub(super) struct Connection {
    pub(super) requests: Requests,
    pub(super) tasks: Tasks,
}

impl<H> TracedHandler<H> {
    /// Wraps a handler.
    pub const fn new(handler: H) -> Self {
        Self { handler, connection: None }
    }

    pub(super) const fn of(handler: H, connection: Arc<Connection>) -> Self {
        Self { handler, connection: Some(connection) }
    }

    /// Returns the handler.
    pub const fn inner(&self) -> &H {
        &self.handler
    }

    /// The context of a message: as it says, or that of the request to which it belongs.
    fn sender(
        &self,
        meta: &Map<String, Value>,
        belongs: impl FnOnce(&Requests) -> Option<Context>,
    ) -> Context {
        let said = InboundPolicy::Continue.extract(&MetaRef(meta));
        let own = || self.connection.as_ref().and_then(|connection| belongs(&connection.requests));
        if !has_caller(&said) {
            return own().unwrap_or(said);
        }
        if !said.baggage().is_empty() {
            return said;
        }
        // A server may pass on the span, but not session and user.
        let span = said.span().span_context().clone();
        match own() {
            Some(own) if own.span().span_context().trace_id() == span.trace_id() => {
                own.with_remote_span_context(span)
            }
            _ => said,
        }
    }

    /// Links the current span to the call that the task answers.
    fn link(&self, task: Option<&str>) {
        if let Some(connection) = &self.connection {
            connection.tasks.link(task);
        }
    }
}

fn method_of(request: &ServerRequest) -> &'static Method {
    match request {
        ServerRequest::PingRequest(_) => &method::PING,
        ServerRequest::CreateMessageRequest(_) => &method::CREATE_MESSAGE,
        ServerRequest::ListRootsRequest(_) => &method::LIST_ROOTS,
        ServerRequest::ElicitRequest(_) => &method::ELICIT,
        _ => &method::CUSTOM,
    }
}

fn record(method: &'static Method, request: &ServerRequest, opening: &mut Opening) {
    match request {
        ServerRequest::CreateMessageRequest(request) => {
            method.record(opening, &request.params, Attributes::of(&sampling::request(&request.params)));
            opening.input(Capture::new(&request.params).a2a_otel_value());
        }
        ServerRequest::ElicitRequest(request) => {
            method.record(opening, &request.params, []);
            opening.input(Capture::new(&request.params).a2a_otel_value());
        }
        ServerRequest::CustomRequest(request) => method.record(opening, request, []),
        _ => method.record(opening, &NoParams::default(), []),
    }
}

impl<H: Service<RoleClient>> Service<RoleClient> for TracedHandler<H> {
    async fn handle_request(
        &self,
        request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        let origin = context.extensions.get::<InboundStreamOrigin>();
        let server = self.sender(&context.meta, |requests| requests.of_request(origin));
        let method = method_of(&request);
        if method.is_of_connection && !server.span().span_context().is_valid() {
            return self.handler.handle_request(request, context).with_context(server).await;
        }
        let work = async move {
            let span = Span::open(&method.server, &mut |opening| record(method, &request, opening));
            let given_up = context.ct.clone().cancelled_owned();
            let handling = self.handler.handle_request(request, context);
            let (span, result) = span::run_until_cancelled(span, None::<()>, given_up, handling).await;
            if let Some((span, _)) = span {
                method::conclude(span, &result);
            }
            result
        };
        work.with_context(server).await
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        context: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        let meta = notice::meta_of(&context);
        let server = self.sender(meta, |requests| requests.of_notification(notification.progress()));
        let method = notification.method();
        let Some(method) = method.filter(|_| server.span().span_context().is_valid()) else {
            return self.handler.handle_notification(notification, context).with_context(server).await;
        };
        let work = async move {
            let told = Told::of(&notification);
            let span = Span::open(&method.server, &mut |opening| notification.record(method, opening));
            let handling = async {
                self.link(told.task());
                self.handler.handle_notification(notification, context).await
            };
            let (span, result) = span::future_with_scope(span, handling).await;
            method::conclude(span, &result.as_ref().map(|()| &told));
            result
        };
        work.with_context(server).await
    }

    fn get_info(&self) -> ClientConfig {
        self.handler.get_info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.handler.supported_protocol_versions()
    }
}
