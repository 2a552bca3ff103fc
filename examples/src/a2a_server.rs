//! The server side of A2A: an agent with its card, its tasks and their cancellation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a::{
    A2AError, AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Artifact, Message, Part,
    Role as Speaker, StreamResponse, TRANSPORT_PROTOCOL_JSONRPC, TaskArtifactUpdateEvent, TaskId, TaskState,
    TaskStatus, TaskStatusUpdateEvent,
};
use a2a_otel::InCurrentSpan as _;
use a2a_otel::a2a::{TracedExecutor, TracedHandler};
use a2a_server::agent_card::agent_card_router;
use a2a_server::jsonrpc::jsonrpc_router;
use a2a_server::{AgentExecutor, DefaultRequestHandler, ExecutorContext, InMemoryTaskStore, StaticAgentCard};
use axum::Router;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::task::AbortHandle;
use tracing::{info, warn};

use crate::agent::{Agent, AgentError, Request};
use crate::errors::with_sources;
use crate::roles::Role;
use crate::work::Work;

type Event = Result<StreamResponse, A2AError>;

/// The routes of an agent that is reached at `url`, and whose tasks are `work`.
pub(crate) fn router(agent: Agent, url: &str, work: Work) -> Router {
    let card = card(agent.role(), url);
    let executor = Executor { agent: Arc::new(agent), running: Running::new(work) };
    // `#[agent_span]` already records the agent's span.
    let executor = TracedExecutor::new(executor, &card).without_agent_span();
    let handler = DefaultRequestHandler::new(executor, InMemoryTaskStore::new())
        .with_capabilities(card.capabilities.clone());
    jsonrpc_router(Arc::new(TracedHandler::new(handler)))
        .merge(agent_card_router(Arc::new(StaticAgentCard::new(card))))
}

fn card(role: &Role, url: &str) -> AgentCard {
    let text = vec!["text/plain".to_owned()];
    AgentCard {
        name: role.name.into(),
        description: role.description.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        supported_interfaces: vec![AgentInterface::new(url, TRANSPORT_PROTOCOL_JSONRPC)],
        capabilities: AgentCapabilities { streaming: Some(role.streams), ..Default::default() },
        default_input_modes: text.clone(),
        default_output_modes: text,
        skills: vec![skill(role)],
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}

fn skill(role: &Role) -> AgentSkill {
    AgentSkill {
        id: role.name.into(),
        name: role.name.replace('-', " "),
        description: role.description.into(),
        tags: vec!["marketplace".into()],
        examples: None,
        input_modes: None,
        output_modes: None,
        security_requirements: None,
    }
}

struct Executor {
    agent: Arc<Agent>,
    running: Running,
}

impl AgentExecutor for Executor {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        let (sender, events) = unbounded();
        let task = Reporter::new(&context, sender);
        let work = work(self.agent.clone(), request(&context), task);
        self.running.spawn(context.task_id, work.in_current_span());
        events.boxed()
    }

    fn cancel(&self, context: ExecutorContext) -> BoxStream<'static, Event> {
        self.running.abort(&context.task_id);
        let agent = self.agent.clone();
        let abandon = async move {
            info!(agent = agent.role().name, session = context.context_id, "canceled");
            agent.abandon(&context.context_id).await;
            Ok(status(&context.task_id, &context.context_id, TaskState::Canceled, None))
        };
        stream::once(abandon).boxed()
    }
}

fn request(context: &ExecutorContext) -> Request {
    let text = context.message.as_ref().and_then(Message::text).unwrap_or_default();
    Request { session: context.context_id.clone(), text: text.into() }
}

async fn work(agent: Arc<Agent>, request: Request, task: Reporter) {
    task.working();
    match agent.run(&request, &|line| task.say(line)).await {
        Ok(answer) => task.completed(&answer),
        Err(error) => {
            warn!(agent = agent.role().name, session = request.session, %error, "failed");
            task.failed(&error);
        }
    }
}

/// The work in progress, so that a cancellation can end it.
#[derive(Clone)]
struct Running {
    work: Work,
    tasks: Arc<Mutex<HashMap<TaskId, AbortHandle>>>,
}

impl Running {
    fn new(work: Work) -> Self {
        Self { work, tasks: Arc::default() }
    }

    fn spawn(&self, id: TaskId, work: impl Future<Output = ()> + Send + 'static) {
        // Locked until the task is registered, because it may end before `spawn` returns.
        let mut tasks = self.tasks();
        let (running, finished) = (self.clone(), id.clone());
        let task = self.work.spawn(async move {
            work.await;
            running.tasks().remove(&finished);
        });
        tasks.insert(id, task.abort_handle());
    }

    fn abort(&self, id: &str) {
        if let Some(task) = self.tasks().remove(id) {
            task.abort();
        }
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<TaskId, AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports the progress of a task to the A2A client.
struct Reporter {
    task: TaskId,
    session: String,
    events: UnboundedSender<Event>,
    has_spoken: AtomicBool,
}

impl Reporter {
    fn new(context: &ExecutorContext, events: UnboundedSender<Event>) -> Self {
        let (task, session) = context.task_info();
        Self { task, session, events, has_spoken: AtomicBool::new(false) }
    }

    fn working(&self) {
        self.send(status(&self.task, &self.session, TaskState::Working, None));
    }

    /// A piece of the answer. The first creates the artifact, the others are appended.
    fn say(&self, text: &str) {
        let append = self.has_spoken.swap(true, Ordering::Relaxed);
        self.send(StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: self.task.clone(),
            context_id: self.session.clone(),
            artifact: artifact(text),
            append: Some(append),
            last_chunk: None,
            metadata: None,
        }));
    }

    fn completed(&self, answer: &str) {
        if !self.has_spoken.load(Ordering::Relaxed) {
            self.say(answer);
        }
        self.send(status(&self.task, &self.session, TaskState::Completed, None));
    }

    fn failed(&self, error: &AgentError) {
        self.send(status(&self.task, &self.session, TaskState::Failed, Some(with_sources(error))));
    }

    fn send(&self, event: StreamResponse) {
        // Nothing receives the event if the task was canceled.
        let _ = self.events.unbounded_send(Ok(event));
    }
}

fn status(task: &str, session: &str, state: TaskState, text: Option<String>) -> StreamResponse {
    let message = text.map(|text| Message::new(Speaker::Agent, vec![Part::text(text)]));
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: task.into(),
        context_id: session.into(),
        status: TaskStatus { state, message, timestamp: None },
        metadata: None,
    })
}

fn artifact(text: &str) -> Artifact {
    Artifact {
        artifact_id: "answer".into(),
        name: None,
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    }
}
