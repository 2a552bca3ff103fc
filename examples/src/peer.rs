//! The client side of A2A: finds another agent by its card, and sends it text requests.

use a2a::{
    A2AError, AgentCard, CancelTaskRequest, ListTasksRequest, Message, Part, Role, SendMessageRequest,
    SendMessageResponse, StreamResponse, Task, TaskState, TaskStatus,
};
use a2a_client::agent_card::AgentCardResolver;
use a2a_client::{A2AClient, Transport};
use a2a_otel::a2a::client_factory;
use futures::StreamExt;
use futures::stream::BoxStream;

/// Why another agent gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Nothing answers at the agent's address.
    #[error("no agent at {url}; start it or correct its address")]
    Unreachable {
        /// The address.
        url: String,
        /// The A2A client's error.
        #[source]
        source: A2AError,
    },
    /// The call itself failed.
    #[error("the {peer} could not be asked")]
    Call {
        /// The agent's name.
        peer: String,
        /// The A2A client's error.
        #[source]
        source: A2AError,
    },
    /// The agent worked on the task and failed.
    #[error("the {peer} failed: {reason}")]
    Failed {
        /// The agent's name.
        peer: String,
        /// The agent's message.
        reason: String,
    },
    /// The agent's task ended without being completed.
    #[error("the {peer} left its task {state:?}; ask again")]
    Unfinished {
        /// The agent's name.
        peer: String,
        /// The task's last state.
        state: TaskState,
    },
}

/// Another agent.
pub struct Peer {
    card: AgentCard,
    client: A2AClient<Box<dyn Transport>>,
}

/// The outcome of a task: its state, and the agent's text.
struct Outcome {
    state: TaskState,
    text: String,
}

impl Peer {
    /// Reads the card of the agent at `url`, and selects a transport that it offers.
    ///
    /// # Errors
    ///
    /// When nothing answers there, or the card offers no supported transport.
    pub async fn connect(url: &str) -> Result<Self, PeerError> {
        let unreachable = |source| PeerError::Unreachable { url: url.into(), source };
        let card = AgentCardResolver::new(None).resolve(url).await.map_err(unreachable)?;
        let client = client_factory().build().create_from_card(&card).await.map_err(unreachable)?;
        Ok(Self { card, client })
    }

    /// The agent's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.card.name
    }

    /// What the agent does.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.card.description
    }

    /// Sends a question to the agent, streamed if its card supports that, and waits for the answer.
    ///
    /// # Errors
    ///
    /// When it cannot be reached or fails.
    pub async fn ask(&self, session: &str, question: &str) -> Result<String, PeerError> {
        if self.card.capabilities.streaming == Some(true) {
            self.send_streaming_message(session, question).await
        } else {
            self.send_message(session, question).await
        }
    }

    async fn send_message(&self, session: &str, question: &str) -> Result<String, PeerError> {
        match self.client.send_message(&request(session, question)).await {
            Ok(SendMessageResponse::Task(task)) => self.answer(Outcome::of(&task)),
            Ok(SendMessageResponse::Message(message)) => Ok(text(&message.parts)),
            Err(source) => Err(self.call_failed(source)),
        }
    }

    async fn send_streaming_message(&self, session: &str, question: &str) -> Result<String, PeerError> {
        let events = self.client.send_streaming_message(&request(session, question)).await;
        let outcome = fold(events.map_err(|source| self.call_failed(source))?).await;
        self.answer(outcome.map_err(|source| self.call_failed(source))?)
    }

    /// Cancels every task on which the agent works for this session, and returns their number.
    ///
    /// # Errors
    ///
    /// When the agent cannot be reached or does not stop.
    pub async fn cancel(&self, session: &str) -> Result<usize, PeerError> {
        let open = self.open_tasks(session).await.map_err(|source| self.call_failed(source))?;
        for task in &open {
            self.cancel_task(task).await?;
        }
        Ok(open.len())
    }

    async fn cancel_task(&self, task: &Task) -> Result<TaskState, PeerError> {
        let request = CancelTaskRequest { id: task.id.clone(), metadata: None, tenant: None };
        let canceled = self.client.cancel_task(&request).await;
        canceled.map(|task| task.status.state).map_err(|source| self.call_failed(source))
    }

    async fn open_tasks(&self, session: &str) -> Result<Vec<Task>, A2AError> {
        let request = ListTasksRequest {
            context_id: Some(session.into()),
            status: None,
            page_size: None,
            page_token: None,
            history_length: Some(0),
            status_timestamp_after: None,
            include_artifacts: None,
            tenant: None,
        };
        let mut tasks = self.client.list_tasks(&request).await?.tasks;
        tasks.retain(|task| !task.status.state.is_terminal());
        Ok(tasks)
    }

    fn answer(&self, outcome: Outcome) -> Result<String, PeerError> {
        let peer = self.card.name.clone();
        match outcome.state {
            TaskState::Completed => Ok(outcome.text),
            TaskState::Failed | TaskState::Rejected => Err(PeerError::Failed { peer, reason: outcome.text }),
            state => Err(PeerError::Unfinished { peer, state }),
        }
    }

    fn call_failed(&self, source: A2AError) -> PeerError {
        PeerError::Call { peer: self.card.name.clone(), source }
    }
}

impl Outcome {
    fn of(task: &Task) -> Self {
        let mut outcome = Self { state: TaskState::Unspecified, text: String::new() };
        for artifact in task.artifacts.iter().flatten() {
            outcome.text += &text(&artifact.parts);
        }
        outcome.settle(&task.status);
        outcome
    }

    fn settle(&mut self, status: &TaskStatus) {
        self.state = status.state.clone();
        if let Some(message) = &status.message {
            self.text = text(&message.parts);
        }
    }
}

async fn fold(mut events: BoxStream<'static, Result<StreamResponse, A2AError>>) -> Result<Outcome, A2AError> {
    let mut outcome = Outcome { state: TaskState::Unspecified, text: String::new() };
    while let Some(event) = events.next().await {
        match event? {
            StreamResponse::Task(task) => outcome = Outcome::of(&task),
            StreamResponse::StatusUpdate(update) => outcome.settle(&update.status),
            StreamResponse::ArtifactUpdate(update) => outcome.text += &text(&update.artifact.parts),
            StreamResponse::Message(message) => {
                outcome = Outcome { state: TaskState::Completed, text: text(&message.parts) };
            }
        }
    }
    Ok(outcome)
}

/// Creates a request with the session as the A2A context, so that the agent's tasks can be found by it.
fn request(session: &str, question: &str) -> SendMessageRequest {
    let mut message = Message::new(Role::User, vec![Part::text(question)]);
    message.context_id = Some(session.into());
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

fn text(parts: &[Part]) -> String {
    parts.iter().filter_map(Part::as_text).collect()
}
