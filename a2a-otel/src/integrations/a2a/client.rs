//! The calling side of A2A.

use std::sync::Arc;

use ::a2a::{
    A2AError, AgentCard, AgentInterface, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest, GetTaskRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, ListTasksRequest,
    ListTasksResponse, SendMessageRequest, SendMessageResponse, SubscribeToTaskRequest, Task,
    TaskPushNotificationConfig,
};
use a2a_client::middleware::CallInterceptor;
use a2a_client::{ServiceParams, Transport, TransportFactory};
use async_trait::async_trait;
use http::Uri;
use opentelemetry::Context;

use super::card::Agent;
use super::facts::{Events, Request};
use super::figures;
use super::hop::Hop;
use super::methods::{client, for_each_method};
use super::outcome::View;
use super::{passage, response_trace};
use crate::capture::Capture;
use crate::semconv::a2a as names;
use crate::span::{CallScope as _, Opening, Site};

/// A transport that records its calls as spans of kind CLIENT, above the spans of the called agent.
///
/// It sends the context itself, with every binding: JSON-RPC, REST or gRPC. See [the module](super) for what is
/// recorded. For a client that is created from an agent's card use [`TracedTransportFactory`], which knows the called
/// agent.
///
/// ```
/// use a2a_client::jsonrpc::JsonRpcTransport;
/// use a2a_client::A2AClient;
/// use a2a_otel::a2a::TracedTransport;
///
/// # fn connect(http: reqwest::Client) {
/// let transport = JsonRpcTransport::new(http, "http://agent/rpc".into());
/// let client = A2AClient::new(TracedTransport::new(transport).address("http://agent/rpc"));
/// # drop(client);
/// # }
/// ```
#[derive(Debug)]
pub struct TracedTransport<T> {
    transport: T,
    peer: Peer,
    asks_for_trace: bool,
}

/// The agent that a transport calls.
#[derive(Debug, Default)]
struct Peer {
    agent: Option<Agent>,
    address: Option<String>,
    port: Option<u16>,
    /// Its name and address, which tell its tasks from those of others.
    key: Option<Arc<str>>,
}

impl<T: Transport> TracedTransport<T> {
    /// Records the calls of a transport.
    pub fn new(transport: T) -> Self {
        Self { transport, peer: Peer::default(), asks_for_trace: false }
    }

    /// Sets the called agent, after which the spans are named: `SendMessage product-agent`.
    #[must_use]
    pub fn agent(mut self, card: &AgentCard) -> Self {
        self.peer.agent = Some(Agent::of(card));
        self.peer.identify();
        self
    }

    /// Sets the address of the agent: `server.address` and `server.port`.
    #[must_use]
    pub fn address(mut self, url: &str) -> Self {
        if let Ok(uri) = url.parse::<Uri>() {
            self.peer.address = uri.host().map(str::to_owned);
            self.peer.port = uri.port_u16().or_else(|| usual_port(&uri));
            self.peer.identify();
        }
        self
    }

    /// Asks the agent to report its work with the traceability extension, and records the reported steps as spans below
    /// the call. Use it for agents that send no spans; for others it changes nothing.
    #[must_use]
    pub const fn traceability(mut self, asks: bool) -> Self {
        self.asks_for_trace = asks;
        self
    }

    fn open<R: Request>(
        &self,
        site: &'static Site,
        request: &R,
        params: &ServiceParams,
    ) -> (Hop, ServiceParams) {
        let _lost = passage::forwarded(params).map(Context::attach);
        let peer = self.peer.agent.as_ref().map(|agent| &*agent.name);
        let hop = Hop::open(site, View::Caller, request, |opening| self.peer.record(site, opening));
        let hop = hop.calling(self.peer.key.clone(), request).measured(peer, request);
        let mut params = params.clone();
        if self.asks_for_trace {
            response_trace::ask(&mut params);
        }
        let _entered = hop.enter();
        passage::readdress(&mut params);
        (hop, params)
    }
}

fn usual_port(uri: &Uri) -> Option<u16> {
    match uri.scheme_str()? {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl Peer {
    fn identify(&mut self) {
        let name = self.agent.as_ref().map_or("", |agent| &agent.name);
        let key = format!("{name} {} {}", self.address.as_deref().unwrap_or(""), self.port.unwrap_or(0));
        self.key = Some(key.into());
    }

    fn record(&self, site: &Site, opening: &mut Opening) {
        if let Some(agent) = &self.agent {
            opening.name(Some(format!("{} {}", site.name, agent.name)));
            agent.record(opening);
        }
        opening.fields(&[
            (names::SERVER_ADDRESS, shown!(self.address)),
            (names::SERVER_PORT, shown!(self.port)),
        ]);
    }
}

macro_rules! transport {
    (
        unary { $($unary:ident: $request:ty => $answer:ty, $unary_site:ident = $unary_name:literal;)* }
        streaming { $($stream:ident: $asked:ty, $stream_site:ident = $stream_name:literal;)* }
    ) => {
        #[async_trait]
        impl<T: Transport> Transport for TracedTransport<T> {
            $(async fn $unary(&self, params: &ServiceParams, request: &$request) -> Result<$answer, A2AError> {
                let (hop, params) = self.open(&client::$unary_site, request, params);
                hop.watch(self.transport.$unary(&params, request)).await
            })*

            $(async fn $stream(&self, params: &ServiceParams, request: &$asked) -> Result<Events, A2AError> {
                let (hop, params) = self.open(&client::$stream_site, request, params);
                hop.watch_stream(self.transport.$stream(&params, request), ()).await
            })*

            async fn destroy(&self) -> Result<(), A2AError> {
                self.transport.destroy().await
            }
        }
    };
}

for_each_method!(transport);

/// Creates [`TracedTransport`]s that know the called agent from its card.
///
/// [`client_factory`](super::client_factory) has it around JSON-RPC and REST; others are registered by hand:
///
/// ```
/// use std::sync::Arc;
///
/// use a2a_otel::a2a::{TracedTransportFactory, client_factory};
///
/// # fn grpc() -> impl a2a_client::TransportFactory { a2a_client::jsonrpc::JsonRpcTransportFactory::new(None) }
/// let factory = client_factory().register(Arc::new(TracedTransportFactory::new(grpc()))).build();
/// # drop(factory);
/// ```
#[derive(Debug)]
pub struct TracedTransportFactory<F> {
    factory: F,
    asks_for_trace: bool,
}

impl<F: TransportFactory> TracedTransportFactory<F> {
    /// Records the calls of the transports that a factory creates.
    pub const fn new(factory: F) -> Self {
        Self { factory, asks_for_trace: false }
    }

    /// Calls [`TracedTransport::traceability`] for each transport.
    #[must_use]
    pub const fn traceability(mut self, asks: bool) -> Self {
        self.asks_for_trace = asks;
        self
    }
}

#[async_trait]
impl<F: TransportFactory> TransportFactory for TracedTransportFactory<F> {
    fn protocol(&self) -> &str {
        self.factory.protocol()
    }

    async fn create(
        &self,
        card: &AgentCard,
        interface: &AgentInterface,
    ) -> Result<Box<dyn Transport>, A2AError> {
        let transport = self.factory.create(card, interface).await?;
        let transport = TracedTransport::new(transport).agent(card).address(&interface.url);
        Ok(Box::new(transport.traceability(self.asks_for_trace)))
    }
}

/// Sends the current span, session and user with every call of a client, and starts no span: for calls that
/// `#[a2a_call]` records.
///
/// ```
/// use std::sync::Arc;
///
/// use a2a_client::A2AClientFactory;
/// use a2a_otel::a2a::ContextInterceptor;
///
/// let factory = A2AClientFactory::builder().with_interceptor(Arc::new(ContextInterceptor)).build();
/// # drop(factory);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ContextInterceptor;

#[async_trait]
impl CallInterceptor for ContextInterceptor {
    async fn before(&self, method: &str, params: &mut ServiceParams) -> Result<(), A2AError> {
        let _lost = passage::forwarded(params).map(Context::attach);
        figures::attempted(method);
        passage::readdress(params);
        Ok(())
    }
}
