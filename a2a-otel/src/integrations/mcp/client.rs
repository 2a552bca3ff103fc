//! The client side of MCP.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use opentelemetry::KeyValue;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, CancelledNotification,
    CancelledNotificationParam, ClientNotification, CompleteRequestParams, CompleteResult, GetMeta as _,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, GetSkillRequestParams, GetSkillResult,
    GetTaskParams, GetTaskResult, JsonRpcMessage, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListSkillsResult, ListToolsResult, PaginatedRequestParams, ProgressNotification,
    ProgressNotificationParam, Prompt, ReadResourceDirectoryRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceTemplate, RootsListChangedNotification,
    Skill, Tool, UpdateTaskParams,
};
use rmcp::service::{ClientInitializeError, RunningService, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::{IntoTransport, Transport};
use rmcp::{Peer, RoleClient, Service, ServiceError, ServiceExt as _};
use serde_json::{Map, Value};

use super::figures::Figures;
use super::handler::{Connection, TracedHandler};
use super::message::{Answer, NoParams, Params, Target};
use super::method::{self, Method};
use super::notice;
use crate::lock::lock;
use crate::propagation::{self, Meta};
use crate::semconv::{mcp, ours};
use crate::span::{self, Attempt, Ending, Span};

/// An MCP client that records its requests as spans and sends their context to the server.
///
/// It has the methods of rmcp's [`RunningService`] for tools, resources, prompts, completions, tasks and skills, with
/// the same arguments and results; all are recorded below the span that is current when they are called. What the
/// server's lists say about a tool is recorded on its calls. For everything else use [`inner`](Self::inner) and
/// [`into_inner`](Self::into_inner).
///
/// ```
/// use a2a_otel::mcp::TracedClient;
/// use rmcp::model::CallToolRequestParams;
///
/// # async fn example(transport: tokio::io::DuplexStream) -> Result<(), Box<dyn std::error::Error>> {
/// let client = TracedClient::connect((), transport).await?;
/// let answer = client.call_tool(CallToolRequestParams::new("check_stock")).await?;
/// # drop(answer);
/// # Ok(())
/// # }
/// ```
pub struct TracedClient<S: Service<RoleClient>, H: Service<RoleClient> = TracedHandler<S>> {
    service: RunningService<RoleClient, H>,
    peer: TracedPeer,
    /// The handler that was passed to [`connect`](Self::connect), which wraps it.
    handler: PhantomData<fn() -> S>,
}

/// The server as a [`TracedClient`] sees it. It can be cloned and passed on, like rmcp's [`Peer`].
///
/// ```
/// use a2a_otel::mcp::TracedPeer;
///
/// # async fn example(peer: rmcp::Peer<rmcp::RoleClient>) -> Result<(), rmcp::ServiceError> {
/// let tools = TracedPeer::new(peer).list_all_tools().await?;
/// # drop(tools);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TracedPeer {
    peer: Peer<RoleClient>,
    /// The server's tools, as its lists describe them.
    tools: Arc<Mutex<HashMap<String, Tool>>>,
    connection: Arc<Connection>,
    /// `network.transport`, if it is known.
    network: Option<&'static str>,
}

impl<S: Service<RoleClient>> TracedClient<S> {
    /// Connects as rmcp's `handler.serve(transport)` does. If the caller has a span, connecting is recorded as a span
    /// below it. What the handler does for the server is recorded as [`TracedHandler`] says.
    ///
    /// `initialize` carries neither the caller's trace nor its session: SDKs keep it for the whole connection and send
    /// it again.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn connect<T, E, A>(handler: S, transport: T) -> Result<Self, ClientInitializeError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: Error + Send + Sync + 'static,
    {
        let transport = transport.into_transport();
        let network = network_of(&transport);
        let mut figures = Figures::of_client(&method::INITIALIZE, &NoParams::default(), network);
        // Boxed, because rmcp's future is large, and everything that waits for it would be.
        let mut connected = Box::pin(Self::connect_observed(handler, transport)).await;
        if let Ok(client) = &mut connected {
            client.peer.network = network;
        }
        if let (Some(figures), Ok(client)) = (&mut figures, &connected) {
            figures.set_version(client.peer.version());
        }
        if let Some(figures) = figures {
            figures.ended(&connected);
        }
        connected
    }

    async fn connect_observed(
        handler: S,
        transport: impl Transport<RoleClient> + 'static,
    ) -> Result<Self, ClientInitializeError> {
        let connection = Arc::<Connection>::default();
        let handler = TracedHandler::of(handler, Arc::clone(&connection));
        let connect = |caller| async {
            let linked = Linked { transport, caller, connection: Arc::clone(&connection) };
            // rmcp keeps the span of `tracing` that is current here for the connection's life.
            without_span(handler.serve(linked)).await
        };
        let service = if method::is_below_a_span() {
            let span = Span::open(&method::INITIALIZE.client, &mut |opening| {
                method::INITIALIZE.record(opening, &NoParams::default(), []);
            });
            let work = async {
                let mut caller = Map::new();
                propagation::inject(&mut Meta(&mut caller));
                connect(caller).await
            };
            let (span, service) = span::future_with_scope(span, work).await;
            method::conclude(span, &service);
            service
        } else {
            connect(Map::new()).await
        };
        service.map(|service| Self::over(service, connection))
    }
}

impl<C: Service<RoleClient>> TracedClient<C, C> {
    /// Wraps a connected client. What its handler does is recorded if it is a [`TracedHandler`].
    #[must_use]
    pub fn new(service: RunningService<RoleClient, C>) -> Self {
        Self::over(service, Arc::default())
    }
}

impl<S: Service<RoleClient>, H: Service<RoleClient>> TracedClient<S, H> {
    fn over(service: RunningService<RoleClient, H>, connection: Arc<Connection>) -> Self {
        let peer = TracedPeer { connection, ..TracedPeer::new(service.peer().clone()) };
        Self { peer, service, handler: PhantomData }
    }

    /// Returns rmcp's client.
    #[must_use]
    pub const fn inner(&self) -> &RunningService<RoleClient, H> {
        &self.service
    }

    /// Returns rmcp's client, for example to close it.
    #[must_use]
    pub fn into_inner(self) -> RunningService<RoleClient, H> {
        self.service
    }
}

/// One span covers all rounds in which the server asks for input.
macro_rules! driven {
    ($($name:ident($params:ty) -> $answer:ty = $method:ident;)*) => {
        impl<S: Service<RoleClient>, H: Service<RoleClient>> TracedClient<S, H> {$(
            #[doc = concat!("As [`RunningService::", stringify!($name), "`], in one span.")]
            ///
            /// # Errors
            ///
            /// The errors of rmcp's method.
            pub async fn $name(&self, params: $params) -> Result<$answer, ServiceError> {
                self.peer.observe(&method::$method, params, |params| self.service.$name(params)).await
            }
        )*}
    };
}

driven! {
    call_tool(CallToolRequestParams) -> CallToolResult = CALL_TOOL;
    get_prompt(GetPromptRequestParams) -> GetPromptResult = GET_PROMPT;
    read_resource(ReadResourceRequestParams) -> ReadResourceResult = READ_RESOURCE;
}

macro_rules! requests {
    ($($name:ident($params:ty) -> $answer:ty = $method:ident;)*) => {
        impl TracedPeer {$(
            #[doc = concat!("As `Peer::", stringify!($name), "` of rmcp, in one span.")]
            ///
            /// # Errors
            ///
            /// The errors of rmcp's method.
            pub async fn $name(&self, params: $params) -> Result<$answer, ServiceError> {
                self.observe(&method::$method, params, |params| self.peer.$name(params)).await
            }
        )*}
    };
}

requests! {
    call_tool(CallToolRequestParams) -> CallToolResult = CALL_TOOL;
    call_tool_once(CallToolRequestParams) -> CallToolResponse = CALL_TOOL;
    get_prompt(GetPromptRequestParams) -> GetPromptResult = GET_PROMPT;
    get_prompt_once(GetPromptRequestParams) -> GetPromptResponse = GET_PROMPT;
    read_resource(ReadResourceRequestParams) -> ReadResourceResult = READ_RESOURCE;
    read_resource_once(ReadResourceRequestParams) -> ReadResourceResponse = READ_RESOURCE;
    read_resource_directory(ReadResourceDirectoryRequestParams) -> ListResourcesResult = READ_RESOURCE_DIRECTORY;
    list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult = LIST_PROMPTS;
    list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult = LIST_RESOURCES;
    list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult = LIST_RESOURCE_TEMPLATES;
    list_skills(Option<PaginatedRequestParams>) -> ListSkillsResult = LIST_SKILLS;
    get_skill(GetSkillRequestParams) -> GetSkillResult = GET_SKILL;
    complete(CompleteRequestParams) -> CompleteResult = COMPLETE;
    get_task(GetTaskParams) -> GetTaskResult = GET_TASK;
    update_task(UpdateTaskParams) -> () = UPDATE_TASK;
    cancel_task(CancelTaskParams) -> () = CANCEL_TASK;
}

macro_rules! listings {
    ($($all:ident: $page:ident() -> $items:ident: $item:ty;)*) => {
        impl TracedPeer {$(
            #[doc = concat!("As `Peer::", stringify!($all), "` of rmcp, each page in a span.")]
            ///
            /// # Errors
            ///
            /// The errors of rmcp's method.
            pub async fn $all(&self) -> Result<Vec<$item>, ServiceError> {
                let mut items = Vec::new();
                let mut cursor = None;
                loop {
                    let params = PaginatedRequestParams::default().with_cursor(cursor);
                    let page = self.$page(Some(params)).await?;
                    items.extend(page.$items);
                    cursor = page.next_cursor;
                    if cursor.is_none() {
                        return Ok(items);
                    }
                }
            }
        )*}
    };
}

listings! {
    list_all_tools: list_tools() -> tools: Tool;
    list_all_prompts: list_prompts() -> prompts: Prompt;
    list_all_resources: list_resources() -> resources: Resource;
    list_all_resource_templates: list_resource_templates() -> resource_templates: ResourceTemplate;
    list_all_skills: list_skills() -> skills: Skill;
}

impl TracedPeer {
    /// Wraps the peer of a connected client.
    #[must_use]
    pub fn new(peer: Peer<RoleClient>) -> Self {
        span::expect_tool_requests();
        Self { peer, tools: Arc::default(), connection: Arc::default(), network: None }
    }

    /// Returns rmcp's peer.
    #[must_use]
    pub const fn inner(&self) -> &Peer<RoleClient> {
        &self.peer
    }

    /// As rmcp's `Peer::list_tools`, in one span. The descriptions of the tools are recorded on their calls.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn list_tools(
        &self,
        params: Option<PaginatedRequestParams>,
    ) -> Result<ListToolsResult, ServiceError> {
        let list = self.observe(&method::LIST_TOOLS, params, |params| self.peer.list_tools(params)).await?;
        let tools = list.tools.iter().map(|tool| (tool.name.to_string(), tool.clone()));
        lock(&self.tools).extend(tools);
        Ok(list)
    }

    /// As rmcp's `Peer::notify_progress`, in one span if there is one above.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn notify_progress(&self, params: ProgressNotificationParam) -> Result<(), ServiceError> {
        self.notify(ClientNotification::ProgressNotification(ProgressNotification::new(params))).await
    }

    /// As rmcp's `Peer::notify_roots_list_changed`, in one span if there is one above.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn notify_roots_list_changed(&self) -> Result<(), ServiceError> {
        let changed = RootsListChangedNotification::default();
        self.notify(ClientNotification::RootsListChangedNotification(changed)).await
    }

    /// As rmcp's `Peer::notify_cancelled`, with the current context.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn notify_cancelled(&self, params: CancelledNotificationParam) -> Result<(), ServiceError> {
        self.notify(ClientNotification::CancelledNotification(CancelledNotification::new(params))).await
    }

    /// Sends any notification as rmcp's `Peer::send_notification` does, in one span if there is one above.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn notify(&self, notification: ClientNotification) -> Result<(), ServiceError> {
        notice::send(&self.peer, notification).await
    }

    /// Sends a request in its own span, or as a part of the span of the function that calls this tool.
    async fn observe<P, A, F>(
        &self,
        method: &'static Method,
        params: P,
        send: impl FnOnce(P) -> F,
    ) -> Result<A, ServiceError>
    where
        P: Params,
        A: Answer,
        F: Future<Output = Result<A, ServiceError>>,
    {
        let mut figures = Figures::of_client(method, &params, self.network);
        if let Some(figures) = &mut figures {
            figures.set_version(self.version());
        }
        let result = self.observe_span(method, params, |params| self.follow_task(params, send)).await;
        if let Some(figures) = figures {
            figures.ended(&result);
        }
        result
    }

    /// Links a request about a task to the call that the task answers.
    async fn follow_task<P, A, F>(&self, params: P, send: impl FnOnce(P) -> F) -> Result<A, ServiceError>
    where
        P: Params,
        A: Answer,
        F: Future<Output = Result<A, ServiceError>>,
    {
        self.connection.tasks.link(params.task());
        let result = send(params).await;
        self.connection.tasks.began(result.as_ref().ok().and_then(Answer::task));
        result
    }

    /// The version of the protocol.
    fn version(&self) -> Option<impl ToString + use<>> {
        self.peer.peer_info().map(|server| server.protocol_version.clone())
    }

    async fn observe_span<P, A, F>(
        &self,
        method: &'static Method,
        params: P,
        send: impl FnOnce(P) -> F,
    ) -> Result<A, ServiceError>
    where
        P: Params,
        A: Answer,
        F: Future<Output = Result<A, ServiceError>>,
    {
        let mut attempt = None;
        if let Target::Tool(name) = params.target() {
            attempt = Attempt::begin(&method.client, name);
        }
        if let Some(first) = attempt.as_mut().filter(|attempt| attempt.is_first()) {
            first.add(method.attributes(&params));
            first.add(self.more(&params));
            return attempted(attempt, send(method::carrying(params)).await);
        }
        let span = Span::open(&method.client, &mut |opening| {
            if attempt.is_some() {
                opening.attempt();
            }
            method.record(opening, &params, self.more(&params));
        });
        attempted(attempt, method::send(span, params, send).await)
    }

    /// Records what is known about the server and its tool.
    fn more(&self, params: &impl Params) -> Vec<KeyValue> {
        let tools = lock(&self.tools);
        let tool = if let Target::Tool(name) = params.target() { tools.get(name) } else { None };
        let mut attributes = tool.map(method::definition).unwrap_or_default();
        drop(tools);
        attributes.extend(server(&self.peer));
        attributes
    }
}

/// Returns `network.transport`, if the transport is one of rmcp's: each has the name of its type.
fn network_of<T: Transport<RoleClient>>(_: &T) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[("StreamableHttp", "tcp"), ("ChildProcess", "pipe"), ("Stdout", "pipe")];
    let name = T::name();
    NAMES.iter().find(|(part, _)| name.contains(part)).map(|(_, network)| *network)
}

/// Records what is known about the server.
fn server(peer: &Peer<RoleClient>) -> Vec<KeyValue> {
    let Some(server) = peer.peer_info() else { return Vec::new() };
    let version = KeyValue::new(mcp::PROTOCOL_VERSION, server.protocol_version.to_string());
    let name =
        server.server_info.as_ref().map(|info| KeyValue::new(ours::MCP_SERVER_NAME, info.name.clone()));
    std::iter::once(version).chain(name).collect()
}

impl<S: Service<RoleClient>, H: Service<RoleClient>> Answer for TracedClient<S, H> {
    fn record(&self, _: &mut Ending) {}
}

impl<S: Service<RoleClient>> Answer for RunningService<RoleClient, S> {
    fn record(&self, ending: &mut Ending) {
        ending.set(server(self.peer()));
    }
}

/// A transport that remembers what was sent over it and is not answered yet.
struct Linked<T> {
    transport: T,
    /// The context of the caller who connects, for the end of the handshake.
    caller: Map<String, Value>,
    connection: Arc<Connection>,
}

impl<T> Linked<T> {
    fn sends(&mut self, message: &mut TxJsonRpcMessage<RoleClient>) {
        match message {
            JsonRpcMessage::Request(one) => self.connection.requests.sent(&one.id, &one.request),
            JsonRpcMessage::Notification(one) => match &mut one.notification {
                ClientNotification::InitializedNotification(_) => {
                    one.notification.get_meta_mut().append(&mut self.caller);
                }
                notification => self.connection.requests.gave_up(notification),
            },
            _ => {}
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Linked<T> {
    type Error = T::Error;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn send(
        &mut self,
        mut message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        self.sends(&mut message);
        self.transport.send(message)
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleClient>>> + Send {
        let Self { transport, connection, .. } = self;
        async move {
            let message = transport.receive().await?;
            connection.requests.received(&message);
            Some(message)
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), T::Error>> + Send {
        self.transport.close()
    }
}

/// Runs a future in no span of the application's, and in none that is exported: the bridge ignores this target.
#[cfg(feature = "tracing")]
async fn without_span<F: Future>(work: F) -> F::Output {
    use tracing::instrument::{Instrument as _, WithSubscriber as _};

    let apart = tracing::error_span!(target: "rmcp", parent: None, "connection");
    if apart.is_disabled() {
        return work.with_subscriber(tracing::subscriber::NoSubscriber::default()).await;
    }
    work.instrument(apart).await
}

#[cfg(not(feature = "tracing"))]
async fn without_span<F: Future>(work: F) -> F::Output {
    work.await
}

/// Says to the function whose attempt a request is how it ended.
fn attempted<A: Answer>(
    attempt: Option<Attempt>,
    result: Result<A, ServiceError>,
) -> Result<A, ServiceError> {
    if let Some(mut attempt) = attempt {
        let refusal = method::refusal(&result).map(|(refusal, code)| {
            attempt.add(code);
            refusal
        });
        attempt.ended(refusal);
    }
    result
}

impl<S: Service<RoleClient>, H: Service<RoleClient>> Deref for TracedClient<S, H> {
    type Target = TracedPeer;

    fn deref(&self) -> &TracedPeer {
        &self.peer
    }
}

impl<S: Service<RoleClient>, H: Service<RoleClient>> fmt::Debug for TracedClient<S, H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TracedClient").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl fmt::Debug for TracedPeer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TracedPeer").field("peer", &self.peer).finish_non_exhaustive()
    }
}
