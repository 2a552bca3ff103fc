//! The server side of MCP.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use http::request::Parts;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
    CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult, DiscoverResult,
    Extensions, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams, GetSkillResult,
    GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
    PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion, ReadResourceDirectoryRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value};

use super::checks::{Checked, Checks};
use super::connection::Tasks;
use super::figures::Figures;
use super::message::{Answer, NoParams, Params, Target};
use super::method::{self, Method};
use super::notice;
use crate::integrations::requests;
use crate::propagation::{Arrival, HeadersRef, InboundPolicy, MetaRef};
use crate::semconv::mcp;
use crate::span::{self, Span};

/// An MCP server that records its requests as spans below those of their callers.
///
/// It is a [`ServerHandler`] itself, so it can be used wherever the server that it wraps can: with `serve` and any
/// transport, and with rmcp's service for streamable HTTP.
///
/// - The span of a request that the caller cancels ends as cancelled, whether or not the handler continues.
/// - `initialize`, `server/discover` and `ping` are recorded only if the caller has a span, so that a connection does
///   not create a trace of its own; `subscriptions/listen`, which lasts as long as the connection, is not recorded.
/// - A notification is recorded if it names its sender's span, and its handler runs below that. `notifications/initialized`
///   and `notifications/cancelled` are not recorded; their handlers run below the sender's span too.
/// - Over HTTP, a caller that names its span in the headers alone is the parent; `_meta` comes first. With
///   [`ExtractLayer`](crate::http::ExtractLayer) directly around the service, so is the span of a middleware.
/// - What a handler sends to the client over rmcp's [`Peer`](rmcp::Peer) names no span. Use a
///   [`TracedCaller`](super::TracedCaller).
///
/// ```
/// use a2a_otel::mcp::TracedServer;
/// use rmcp::ServiceExt as _;
///
/// # struct Catalogue;
/// # impl rmcp::ServerHandler for Catalogue {}
/// # async fn example(transport: tokio::io::DuplexStream) -> Result<(), Box<dyn std::error::Error>> {
/// TracedServer::new(Catalogue).serve(transport).await?.waiting().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct TracedServer<S> {
    server: S,
    policy: InboundPolicy,
    tasks: Arc<Tasks>,
}

impl<S> TracedServer<S> {
    /// Wraps a server, and continues the callers' traces.
    pub fn new(server: S) -> Self {
        Self { server, policy: InboundPolicy::Continue, tasks: Arc::default() }
    }

    /// Applies a policy to the callers' traces. For public servers use [`Restart`](InboundPolicy::Restart).
    #[must_use]
    pub const fn policy(mut self, policy: InboundPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns the server.
    pub const fn inner(&self) -> &S {
        &self.server
    }

    /// Returns the server.
    pub fn into_inner(self) -> S {
        self.server
    }
}

impl<S: ServerHandler> TracedServer<S> {
    /// Serves a request below its caller's span.
    async fn observe<P, A, F>(
        &self,
        method: &'static Method,
        params: P,
        context: RequestContext<RoleServer>,
        serve: impl FnOnce(P, RequestContext<RoleServer>) -> F,
    ) -> Result<A, ErrorData>
    where
        P: Params,
        A: Answer + Checked,
        F: Future<Output = Result<A, ErrorData>>,
    {
        let caller = self.caller(&context.meta, &context.extensions);
        let is_http = context.extensions.get::<Parts>().is_some();
        let mut figures = Figures::of_server(method, &params, is_http);
        if let Some(figures) = &mut figures {
            figures.set_version(context.protocol_version());
            if !method.is_of_connection {
                requests::count("mcp", &caller);
            }
        }
        if method.is_of_connection && !caller.span().span_context().is_valid() {
            let result = Box::pin(serve(params, context)).with_context(caller).await;
            if let Some(figures) = figures {
                figures.ended(&result);
            }
            return result;
        }
        let work = async move {
            let span = Span::open(&method.server, &mut |opening| {
                method.record(opening, &params, self.more(&params, &context));
            });
            let cancelled = context.ct.clone().cancelled_owned();
            let checks = Checks::of(&params, &context);
            let serving = async move {
                self.tasks.link(params.task());
                // In a box, because each layer around it would store it twice, and rmcp moves the whole to a task of its own.
                let result = Box::pin(serve(params, context)).await;
                self.tasks.began(result.as_ref().ok().and_then(Answer::task));
                result
            };
            let (observers, result) = span::run_until_cancelled(span, figures, cancelled, serving).await;
            let Some((span, figures)) = observers else { return result };
            let refused = result.as_ref().ok().and_then(|answer| answer.refused(&checks)).map(Err::<A, _>);
            let outcome = refused.as_ref().unwrap_or(&result);
            method::conclude(span, outcome);
            if let Some(figures) = figures {
                figures.ended(outcome);
            }
            result
        };
        work.with_context(caller).await
    }

    /// The context of the caller: as `_meta` says, or else as the HTTP request does.
    fn caller(&self, meta: &Map<String, Value>, extensions: &Extensions) -> Context {
        let Some(parts) = extensions.get::<Parts>() else { return self.policy.extract(&MetaRef(meta)) };
        let arrival = parts.extensions.get::<Arrival>();
        self.policy.extract_first(&MetaRef(meta), &HeadersRef(&parts.headers), arrival)
    }

    /// Records what is known about the request and its tool.
    fn more(&self, params: &impl Params, context: &RequestContext<RoleServer>) -> Vec<KeyValue> {
        let tool = if let Target::Tool(name) = params.target() { self.server.get_tool(name) } else { None };
        let mut attributes = tool.as_ref().map(method::definition).unwrap_or_default();
        attributes.push(KeyValue::new(mcp::REQUEST_ID, context.id.to_string()));
        let version = context.protocol_version();
        attributes.extend(version.map(|version| KeyValue::new(mcp::PROTOCOL_VERSION, version.to_string())));
        attributes
    }
}

/// Requests, each in a span.
macro_rules! observed {
    ($($name:ident($params:ty) -> $answer:ty = $method:ident;)*) => {$(
        async fn $name(
            &self,
            params: $params,
            context: RequestContext<RoleServer>,
        ) -> Result<$answer, ErrorData> {
            let serve = |params, context| self.server.$name(params, context);
            Box::pin(self.observe(&method::$method, params, context, serve)).await
        }
    )*};
}

/// Requests without parameters, each in a span.
macro_rules! observed_bare {
    ($($name:ident() -> $answer:ty = $method:ident;)*) => {$(
        async fn $name(&self, context: RequestContext<RoleServer>) -> Result<$answer, ErrorData> {
            let serve = |_, context| self.server.$name(context);
            Box::pin(self.observe(&method::$method, NoParams::default(), context, serve)).await
        }
    )*};
}

/// Notifications, each below its sender's span.
macro_rules! noticed {
    ($($name:ident($($params:ident: $type:ty)?) $(in $span:expr)?;)*) => {$(
        async fn $name(&self, $($params: $type,)? context: NotificationContext<RoleServer>) {
            let sender = self.caller(notice::meta_of(&context), &context.extensions);
            let work = async move {
                let span = noticed!(@span $($span)?);
                notice::handle(span, self.server.$name($($params,)? context)).await;
            };
            work.with_context(sender).await;
        }
    )*};
    (@span $span:expr) => { $span };
    (@span) => { None };
}

// Every method of rmcp's trait is listed here: a missing one would answer as if the server did not have it.
impl<S: ServerHandler> ServerHandler for TracedServer<S> {
    observed! {
        initialize(InitializeRequestParams) -> InitializeResult = INITIALIZE;
        call_tool(CallToolRequestParams) -> CallToolResponse = CALL_TOOL;
        list_tools(Option<PaginatedRequestParams>) -> ListToolsResult = LIST_TOOLS;
        get_prompt(GetPromptRequestParams) -> GetPromptResponse = GET_PROMPT;
        list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult = LIST_PROMPTS;
        read_resource(ReadResourceRequestParams) -> ReadResourceResponse = READ_RESOURCE;
        list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult = LIST_RESOURCES;
        list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult = LIST_RESOURCE_TEMPLATES;
        read_resource_directory(ReadResourceDirectoryRequestParams) -> ListResourcesResult = READ_RESOURCE_DIRECTORY;
        subscribe(SubscribeRequestParams) -> () = SUBSCRIBE;
        unsubscribe(UnsubscribeRequestParams) -> () = UNSUBSCRIBE;
        complete(CompleteRequestParams) -> CompleteResult = COMPLETE;
        set_level(SetLevelRequestParams) -> () = SET_LEVEL;
        get_task(GetTaskParams) -> GetTaskResult = GET_TASK;
        update_task(UpdateTaskParams) -> () = UPDATE_TASK;
        cancel_task(CancelTaskParams) -> () = CANCEL_TASK;
        list_skills(Option<PaginatedRequestParams>) -> ListSkillsResult = LIST_SKILLS;
        get_skill(GetSkillRequestParams) -> GetSkillResult = GET_SKILL;
        on_custom_request(CustomRequest) -> CustomResult = CUSTOM;
    }

    observed_bare! {
        discover() -> DiscoverResult = DISCOVER;
        ping() -> () = PING;
    }

    noticed! {
        on_cancelled(params: CancelledNotificationParam);
        on_progress(params: ProgressNotificationParam)
            in notice::received(&method::PROGRESS, |method, opening| notice::record(method, &params, opening));
        on_initialized();
        on_roots_list_changed() in notice::received(&method::ROOTS_CHANGED, notice::record_bare);
        on_custom_notification(params: CustomNotification)
            in notice::received(&method::CUSTOM, |_, opening| notice::record_custom(&params, opening));
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.server.listen(context).await
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.server.accepted_subscription_filter(requested)
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Result<InitializeResult, ErrorData> {
        self.server.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.server.supported_protocol_versions()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.server.get_tool(name)
    }

    fn get_info(&self) -> ServerConfig {
        self.server.get_info()
    }
}
