//! An A2A agent that does what the message says, with each binding, and clients for it.

use std::sync::Arc;
use std::time::Duration;

use a2a::{
    A2AError, AgentCapabilities, AgentCard, AgentInterface, Artifact, Message, Part, Role,
    SendMessageConfiguration, SendMessageRequest, StreamResponse, TRANSPORT_PROTOCOL_GRPC,
    TRANSPORT_PROTOCOL_HTTP_JSON, TRANSPORT_PROTOCOL_JSONRPC, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_client::{A2AClient, Transport};
use a2a_grpc::{GrpcHandler, GrpcTransportFactory};
use a2a_otel::a2a::{TracedExecutor, TracedHandler, TracedTransportFactory, client_factory};
use a2a_otel::testing::Capturing;
use a2a_otel::tool_span;
use a2a_pb::proto::a2a_service_server::A2aServiceServer;
use a2a_server::jsonrpc::jsonrpc_router;
use a2a_server::rest::rest_router;
use a2a_server::{AgentExecutor, DefaultRequestHandler, ExecutorContext, InMemoryTaskStore, RequestHandler};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::transport::server::TcpIncoming;

/// The items of an agent's stream.
pub type Event = Result<StreamResponse, A2AError>;
/// A client of an agent, with any binding.
pub type Client = A2AClient<Box<dyn Transport>>;

/// The agent's name in the tests.
pub const NAME: &str = "parrot";

/// The bindings between client and agent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binding {
    /// JSON-RPC, with server-sent events.
    JsonRpc,
    /// HTTP+JSON, with server-sent events.
    Rest,
    /// gRPC.
    Grpc,
}

/// All bindings.
pub const BINDINGS: [Binding; 3] = [Binding::JsonRpc, Binding::Rest, Binding::Grpc];

/// Repeats the message word by word, unless the first word is one of those below.
#[derive(Clone, Default)]
pub struct Parrot {
    /// Notified when a task is cancelled.
    cancelled: Arc<Notify>,
}

impl AgentExecutor for Parrot {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let text = context.message.as_ref().and_then(Message::text).unwrap_or_default().to_owned();
        assert!(!text.starts_with("panic"), "the parrot panics");
        let status = move |context: &ExecutorContext, state, text: Option<&str>| {
            Ok(StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
                task_id: context.task_id.clone(),
                context_id: context.context_id.clone(),
                status: TaskStatus { state, message: text.map(said), timestamp: None },
                metadata: None,
            }))
        };
        let working = status(&context, TaskState::Working, None);
        let last = match text.split(' ').next().unwrap_or_default() {
            "fail" => status(&context, TaskState::Failed, Some("no seeds left")),
            "reject" => status(&context, TaskState::Rejected, Some("not for parrots")),
            "ask" => status(&context, TaskState::InputRequired, Some("which seeds?")),
            "err" => Err(A2AError::internal("a broken wing")),
            "message" => Ok(StreamResponse::Message(said("a word"))),
            "wait" => return waiting(working, Arc::clone(&self.cancelled)),
            _ => return repeating(&context, &text, working),
        };
        stream::iter([working, last]).boxed()
    }

    fn cancel(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        self.cancelled.notify_waiters();
        let canceled = StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: context.task_id,
            context_id: context.context_id,
            status: TaskStatus { state: TaskState::Canceled, message: None, timestamp: None },
            metadata: None,
        });
        stream::iter([Ok(canceled)]).boxed()
    }
}

/// Returns nothing until it is cancelled.
fn waiting(working: Event, cancelled: Arc<Notify>) -> BoxStream<'static, Event> {
    let silence = stream::once(async move { cancelled.notified().await }).filter_map(async |()| None);
    stream::iter([working]).chain(silence).boxed()
}

/// The work is done while the stream is polled.
fn repeating(context: &ExecutorContext, text: &str, working: Event) -> BoxStream<'static, Event> {
    let completed = StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: context.task_id.clone(),
        context_id: context.context_id.clone(),
        status: TaskStatus { state: TaskState::Completed, message: None, timestamp: None },
        metadata: None,
    });
    let words: Vec<_> = text.split_inclusive(' ').map(str::to_owned).enumerate().collect();
    let task = context.task_info();
    let pieces = stream::iter(words).then(move |(index, word)| {
        let (task_id, context_id) = task.clone();
        async move {
            let artifact = Artifact {
                artifact_id: "answer".into(),
                name: Some("echo".into()),
                description: None,
                parts: vec![Part::text(shout(&word).await)],
                metadata: None,
                extensions: None,
            };
            let (append, last_chunk, metadata) = (Some(index > 0), None, None);
            let update =
                TaskArtifactUpdateEvent { task_id, context_id, artifact, append, last_chunk, metadata };
            Ok(StreamResponse::ArtifactUpdate(update))
        }
    });
    stream::iter([working]).chain(pieces).chain(stream::iter([Ok(completed)])).boxed()
}

#[tool_span]
async fn shout(word: &str) -> String {
    tokio::task::yield_now().await;
    word.to_uppercase()
}

fn said(text: &str) -> Message {
    Message::new(Role::Agent, vec![Part::text(text)])
}

/// Returns the card of an agent at `url`.
#[must_use]
pub fn card(name: &str, binding: Binding, url: &str) -> AgentCard {
    let protocol = match binding {
        Binding::JsonRpc => TRANSPORT_PROTOCOL_JSONRPC,
        Binding::Rest => TRANSPORT_PROTOCOL_HTTP_JSON,
        Binding::Grpc => TRANSPORT_PROTOCOL_GRPC,
    };
    AgentCard {
        name: name.into(),
        description: "Repeats what it hears".into(),
        version: "1.2.3".into(),
        supported_interfaces: vec![AgentInterface::new(url, protocol)],
        capabilities: AgentCapabilities { streaming: Some(true), ..Default::default() },
        default_input_modes: vec!["text/plain".into()],
        default_output_modes: vec!["text/plain".into()],
        skills: vec![],
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}

/// Returns the SDK's handler around an executor.
pub fn unobserved(executor: impl AgentExecutor) -> DefaultRequestHandler {
    DefaultRequestHandler::new(executor, InMemoryTaskStore::new())
}

/// Returns the handler as in the guide, with both lines.
pub fn observed(executor: impl AgentExecutor) -> TracedHandler<DefaultRequestHandler> {
    let card = card(NAME, Binding::JsonRpc, "http://nowhere");
    TracedHandler::new(unobserved(TracedExecutor::new(executor, &card)))
}

/// Serves until the runtime ends, and returns the agent's card.
///
/// # Panics
///
/// If no port is free.
pub async fn serve(binding: Binding, handler: impl RequestHandler) -> AgentCard {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let handler = Arc::new(handler);
    match binding {
        Binding::Grpc => {
            let service = A2aServiceServer::new(GrpcHandler::new(handler));
            let server = tonic::transport::Server::builder().add_service(service);
            tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        }
        Binding::JsonRpc => spawn(listener, jsonrpc_router(handler)),
        Binding::Rest => spawn(listener, rest_router(handler)),
    }
    card(NAME, binding, &url)
}

/// Serves these routes until the runtime ends.
pub fn spawn(listener: TcpListener, router: axum::Router) {
    tokio::spawn(async { axum::serve(listener, router).await });
}

/// Returns a client as in the guide.
///
/// # Panics
///
/// If the card names no binding, or a gRPC server does not listen.
pub async fn connect(card: &AgentCard) -> Client {
    let grpc = TracedTransportFactory::new(GrpcTransportFactory::new());
    let factory = client_factory().register(Arc::new(grpc)).build();
    factory.create_from_card(card).await.expect("a client")
}

/// A message.
#[must_use]
pub fn request(text: &str) -> SendMessageRequest {
    let message = Message::new(Role::User, vec![Part::text(text)]);
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

/// A message in a conversation.
#[must_use]
pub fn request_in(context: &str, text: &str) -> SendMessageRequest {
    let mut request = request(text);
    request.message.context_id = Some(context.into());
    request
}

/// A message whose answer does not wait for the end of the task.
#[must_use]
pub fn immediate(mut request: SendMessageRequest) -> SendMessageRequest {
    request.configuration = Some(SendMessageConfiguration {
        accepted_output_modes: None,
        task_push_notification_config: None,
        history_length: None,
        return_immediately: Some(true),
    });
    request
}

/// Collects the items of a stream.
pub async fn drain(mut events: BoxStream<'static, Event>) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        all.push(event);
    }
    all
}

/// Returns what was captured once this many spans have ended: the called side may end after the calling side.
pub async fn settled(capturing: &Capturing, spans: usize) -> String {
    ended(capturing, spans).await;
    capturing.tree()
}

/// Waits until this many spans have ended, with a time limit.
pub async fn ended(capturing: &Capturing, spans: usize) {
    for _ in 0..100 {
        if capturing.spans().len() >= spans {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
