//! Tests agents that forward the parameters they were called with: the parents are right, and nothing of ours is sent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use a2a::{
    A2AError, AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest, GetTaskRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, ListTasksRequest,
    ListTasksResponse, SendMessageRequest, SendMessageResponse, StreamResponse, SubscribeToTaskRequest, Task,
    TaskPushNotificationConfig,
};
use a2a_client::factory::A2AClientFactoryBuilder;
use a2a_client::middleware::CallInterceptor;
use a2a_client::{A2AClientFactory, ServiceParams};
use a2a_grpc::GrpcTransportFactory;
use a2a_otel::a2a::{
    ContextInterceptor, TracedExecutor, TracedHandler, TracedTransportFactory, client_factory,
};
use a2a_otel::chain_span;
use a2a_otel::propagation::InboundPolicy;
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_server::{AgentExecutor, ExecutorContext, RequestHandler};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use a2a_otel_tests::parrot::{
    BINDINGS, Binding, Client, Event, NAME, Parrot, card, connect, observed, request, serve, settled,
    unobserved,
};

/// Headers that belong to one connection or one body.
const HOP_BY_HOP: [&str; 8] =
    ["host", "content-length", "content-type", "accept", "te", "user-agent", "a2a-version", "connection"];

/// Sends everything that came in.
struct Forwards(ServiceParams);

#[async_trait]
impl CallInterceptor for Forwards {
    async fn before(&self, _: &str, params: &mut ServiceParams) -> Result<(), A2AError> {
        let forwarded = self.0.iter().filter(|(name, _)| !HOP_BY_HOP.contains(&name.as_str()));
        params.extend(forwarded.map(|(name, values)| (name.clone(), values.clone())));
        Ok(())
    }
}

/// The client with which a gateway forwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sender {
    /// Makes a span.
    Traced,
    /// Sends the context, and makes no span.
    Intercepted,
    /// Knows nothing of traces.
    Plain,
    /// Makes a span, in a task that the agent spawned without its context.
    Astray,
}

const SENDERS: [Sender; 4] = [Sender::Traced, Sender::Intercepted, Sender::Plain, Sender::Astray];

/// An agent behind another, which answers what that answers.
#[derive(Clone)]
struct Gateway {
    sender: Sender,
    next: AgentCard,
}

impl Gateway {
    async fn client(&self, params: &ServiceParams) -> Client {
        let forwards = Arc::new(Forwards(params.clone()));
        let plain: fn() -> A2AClientFactoryBuilder =
            || A2AClientFactory::builder().register(Arc::new(GrpcTransportFactory::new()));
        let factory = match self.sender {
            Sender::Traced | Sender::Astray => client_factory()
                .register(Arc::new(TracedTransportFactory::new(GrpcTransportFactory::new())))
                .with_interceptor(forwards),
            Sender::Intercepted => {
                plain().with_interceptor(forwards).with_interceptor(Arc::new(ContextInterceptor))
            }
            Sender::Plain => plain().with_interceptor(forwards),
        };
        factory.build().create_from_card(&self.next).await.expect("a client")
    }

    async fn forward(
        &self,
        params: &ServiceParams,
        request: &SendMessageRequest,
    ) -> Result<SendMessageResponse, A2AError> {
        let (gateway, params, request) = (self.clone(), params.clone(), request.clone());
        let work = async move { gateway.client(&params).await.send_message(&request).await };
        if self.sender == Sender::Astray {
            return tokio::spawn(work).await.expect("no panic");
        }
        work.await
    }
}

impl AgentExecutor for Gateway {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let gateway = self.clone();
        let work = async move {
            let request = request("hello");
            match gateway.forward(&context.service_params, &request).await? {
                SendMessageResponse::Task(mut task) => {
                    (task.id, task.context_id) = (context.task_id, context.context_id);
                    Ok(StreamResponse::Task(task))
                }
                SendMessageResponse::Message(message) => Ok(StreamResponse::Message(message)),
            }
        };
        stream::once(work).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Event> {
        stream::empty().boxed()
    }
}

/// Forwards the method that matters here, and refuses the others.
macro_rules! handler {
    ($type:ty, |$self:ident, $params:ident, $request:ident| $send:expr) => {
        handler!(@ $type, |$self, $params, $request| $send;
            send_streaming_message: SendMessageRequest => BoxStream<'static, Event>,
            get_task: GetTaskRequest => Task,
            list_tasks: ListTasksRequest => ListTasksResponse,
            cancel_task: CancelTaskRequest => Task,
            subscribe_to_task: SubscribeToTaskRequest => BoxStream<'static, Event>,
            create_push_config: TaskPushNotificationConfig => TaskPushNotificationConfig,
            get_push_config: GetTaskPushNotificationConfigRequest => TaskPushNotificationConfig,
            list_push_configs: ListTaskPushNotificationConfigsRequest => ListTaskPushNotificationConfigsResponse,
            delete_push_config: DeleteTaskPushNotificationConfigRequest => (),
            get_extended_agent_card: GetExtendedAgentCardRequest => AgentCard,
        );
    };
    (@ $type:ty, |$self:ident, $params:ident, $request:ident| $send:expr;
        $($method:ident: $asked:ty => $answer:ty,)*) => {
        #[async_trait]
        impl RequestHandler for $type {
            async fn send_message(
                &$self,
                $params: &ServiceParams,
                $request: SendMessageRequest,
            ) -> Result<SendMessageResponse, A2AError> {
                $send.await
            }

            $(async fn $method(&self, _: &ServiceParams, _: $asked) -> Result<$answer, A2AError> {
                Err(A2AError::unsupported_operation("only messages"))
            })*
        }
    };
}

handler!(Gateway, |self, params, request| self.forward(params, &request));

/// Notes what arrives over the wire.
struct Wiretap {
    handler: Box<dyn RequestHandler>,
    heard: Arc<Mutex<ServiceParams>>,
}

impl Wiretap {
    async fn pass(
        &self,
        params: &ServiceParams,
        request: SendMessageRequest,
    ) -> Result<SendMessageResponse, A2AError> {
        self.heard.lock().expect("no panic").extend(params.clone());
        self.handler.send_message(params, request).await
    }
}

handler!(Wiretap, |self, params, request| self.pass(params, request));

/// How the agents are set up.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Setup {
    /// Both lines of the guide.
    Both,
    /// Only `TracedExecutor`.
    Alone,
    /// A gateway that is a request handler itself.
    Handler,
}

fn last(setup: Setup) -> Box<dyn RequestHandler> {
    match setup {
        Setup::Alone => {
            let executor =
                TracedExecutor::new(Parrot::default(), &card(NAME, Binding::JsonRpc, "http://nowhere"));
            Box::new(unobserved(executor))
        }
        Setup::Both | Setup::Handler => Box::new(observed(Parrot::default())),
    }
}

async fn first(setup: Setup, binding: Binding, policy: InboundPolicy, gateway: Gateway) -> AgentCard {
    let card = card(NAME, Binding::JsonRpc, "http://nowhere");
    match setup {
        Setup::Both => serve(binding, observed(gateway).policy(policy)).await,
        Setup::Alone => serve(binding, unobserved(TracedExecutor::new(gateway, &card).policy(policy))).await,
        Setup::Handler => serve(binding, TracedHandler::new(gateway).policy(policy)).await,
    }
}

#[chain_span(skip_all)]
async fn errand(client: &Client) {
    client.send_message(&request("hello")).await.expect("an answer");
}

/// Calls an agent that forwards to another, and returns what was recorded and what the second one heard.
async fn forwarded(
    binding: Binding,
    policy: InboundPolicy,
    [front, back]: [Setup; 2],
    sender: Sender,
) -> (Capturing, ServiceParams) {
    let heard = Arc::default();
    let wiretap = Wiretap { handler: last(back), heard: Arc::clone(&heard) };
    let next = serve(binding, wiretap).await;
    let client = connect(&first(front, binding, policy, Gateway { sender, next }).await).await;
    let capturing = capture();
    errand(&client).await;
    settled(&capturing, spans(front, sender)).await;
    let heard = heard.lock().expect("no panic").clone();
    (capturing, heard)
}

/// Errand, call, request, agent, call, request, agent, tool.
fn spans(front: Setup, sender: Sender) -> usize {
    let is_without_call = matches!(sender, Sender::Intercepted | Sender::Plain);
    8 - usize::from(front == Setup::Handler) - usize::from(is_without_call)
}

fn expected(front: Setup, sender: Sender) -> Vec<&'static str> {
    let mut names = vec!["CHAIN errand", "CHAIN SendMessage parrot", "CHAIN SendMessage"];
    if front != Setup::Handler {
        names.push("AGENT invoke_agent parrot");
    }
    if matches!(sender, Sender::Traced | Sender::Astray) {
        names.push("CHAIN SendMessage parrot");
    }
    names.extend(["CHAIN SendMessage", "AGENT invoke_agent parrot", "TOOL shout"]);
    names
}

fn branch(names: &[&str]) -> String {
    let line = |(depth, name): (usize, &&str)| format!("{:1$}{name}\n", "", 2 * depth);
    names.iter().enumerate().map(line).collect::<Vec<_>>().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_forwards_its_parameters_is_above_the_agent_that_it_calls() {
    for binding in BINDINGS {
        for front in [Setup::Both, Setup::Alone, Setup::Handler] {
            for back in [Setup::Both, Setup::Alone] {
                for sender in SENDERS {
                    let setup = [front, back];
                    let (capturing, _) = forwarded(binding, InboundPolicy::Continue, setup, sender).await;
                    let expected = branch(&expected(front, sender));
                    assert_eq!(capturing.tree(), expected, "{binding:?} {setup:?} {sender:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_ours_is_sent_and_each_name_once() {
    for binding in BINDINGS {
        for front in [Setup::Both, Setup::Alone, Setup::Handler] {
            for sender in SENDERS {
                let setup = [front, Setup::Alone];
                let (_, heard) = forwarded(binding, InboundPolicy::Continue, setup, sender).await;
                let ours: HashSet<_> = heard.keys().filter(|name| name.contains("otel")).collect();
                assert_eq!(ours, HashSet::new(), "{binding:?} {front:?} {sender:?}");
                assert_eq!(heard["traceparent"].len(), 1, "{binding:?} {front:?} {sender:?}: {heard:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_stranger_whose_parameters_are_forwarded_is_not_heard_further_on() {
    for policy in [InboundPolicy::Restart, InboundPolicy::Drop] {
        for front in [Setup::Both, Setup::Alone, Setup::Handler] {
            for sender in SENDERS {
                let setup = [front, Setup::Both];
                let (capturing, heard) = forwarded(Binding::JsonRpc, policy, setup, sender).await;
                let names = expected(front, sender);
                let trees = format!("{}{}", branch(&names[..2]), branch(&names[2..]));
                assert_eq!(capturing.tree(), trees, "{policy:?} {front:?} {sender:?}");
                let stranger = capturing.named("errand").trace_id.to_string();
                assert!(!format!("{heard:?}").contains(&stranger), "{policy:?} {front:?} {sender:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_ticket_from_the_wire_is_worthless() {
    struct Forger;

    #[async_trait]
    impl CallInterceptor for Forger {
        async fn before(&self, _: &str, params: &mut ServiceParams) -> Result<(), A2AError> {
            for name in ["a2a-otel-passage", "A2A-Otel-Passage-00", "A2A-OTEL-PASSAGE"] {
                params.insert(name.into(), vec!["0123456789abcdef".into()]);
            }
            Ok(())
        }
    }

    for binding in BINDINGS {
        for setup in [Setup::Both, Setup::Alone] {
            let card = serve(binding, Wiretap { handler: last(setup), heard: Arc::default() }).await;
            let factory = client_factory()
                .register(Arc::new(TracedTransportFactory::new(GrpcTransportFactory::new())))
                .with_interceptor(Arc::new(Forger));
            let client = factory.build().create_from_card(&card).await.expect("a client");
            let capturing = capture();
            errand(&client).await;
            let names = expected(Setup::Both, Sender::Traced);
            let names = [&names[..4], &names[7..]].concat();
            assert_eq!(settled(&capturing, 5).await, branch(&names), "{binding:?} {setup:?}");
        }
    }
}

/// What a client sends for one caller is not sent for the next.
#[tokio::test]
async fn a_client_keeps_nothing_of_its_callers() {
    for binding in BINDINGS {
        let heard: Arc<Mutex<ServiceParams>> = Arc::default();
        let card = serve(binding, Wiretap { handler: last(Setup::Both), heard: Arc::clone(&heard) }).await;
        let factory = A2AClientFactory::builder().register(Arc::new(GrpcTransportFactory::new()));
        let intercepted = factory.with_interceptor(Arc::new(ContextInterceptor)).build();
        let clients = [connect(&card).await, intercepted.create_from_card(&card).await.expect("a client")];
        for client in clients {
            let capturing = capture();
            a2a_otel::with_session("s-1").user("ada").wrap(errand(&client)).await;
            let first = std::mem::take(&mut *heard.lock().expect("no panic"));
            assert!(first["baggage"][0].contains("s-1"), "{binding:?}: {first:?}");
            errand(&client).await;
            let second = std::mem::take(&mut *heard.lock().expect("no panic"));
            assert_eq!(second.get("baggage"), None, "{binding:?}: {second:?}");
            let errands: Vec<Captured> =
                capturing.spans().into_iter().filter(|span| span.name == "errand").collect();
            for (errand, heard) in errands.iter().zip([first, second]) {
                let trace = errand.trace_id.to_string();
                assert!(heard["traceparent"][0].contains(&trace), "{binding:?}: {heard:?}");
            }
        }
    }
}
