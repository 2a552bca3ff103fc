//! What A2A's requests and answers contain about their conversation.

use std::collections::HashMap;

use ::a2a::{
    A2AError, AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest, GetTaskRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, ListTasksRequest,
    ListTasksResponse, Message, Part, PartContent, SendMessageRequest, SendMessageResponse, StreamResponse,
    SubscribeToTaskRequest, Task, TaskId, TaskPushNotificationConfig, TaskState, TaskStatus,
};
use a2a_client::BoxStream;
use a2a_server::ExecutorContext;

use super::content::{Content, said_before};
use super::refusal::{json_of_message, json_of_task, refusal};

/// The events of a task.
pub(super) type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// What is recorded of a request or an answer. It never contains credentials.
#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) message: Option<&'a str>,
    pub(super) references: Option<&'a [TaskId]>,
    pub(super) task: Option<&'a str>,
    pub(super) context: Option<&'a str>,
    pub(super) tenant: Option<&'a str>,
    /// The authenticated user.
    pub(super) user: Option<&'a str>,
    pub(super) status: Option<&'a TaskStatus>,
    pub(super) content: Content<'a>,
}

/// Returns the protocol's name for the kind of a part.
pub(super) const fn kind_of(part: &Part) -> &'static str {
    match part.content {
        PartContent::Text(_) => "text",
        PartContent::Raw(_) => "raw",
        PartContent::Url(_) => "url",
        PartContent::Data(_) => "data",
    }
}

/// Returns a state as the protocol writes it.
pub(super) const fn name_of(state: &TaskState) -> &'static str {
    match state {
        TaskState::Unspecified => "TASK_STATE_UNSPECIFIED",
        TaskState::Submitted => "TASK_STATE_SUBMITTED",
        TaskState::Working => "TASK_STATE_WORKING",
        TaskState::Completed => "TASK_STATE_COMPLETED",
        TaskState::Failed => "TASK_STATE_FAILED",
        TaskState::Canceled => "TASK_STATE_CANCELED",
        TaskState::InputRequired => "TASK_STATE_INPUT_REQUIRED",
        TaskState::Rejected => "TASK_STATE_REJECTED",
        TaskState::AuthRequired => "TASK_STATE_AUTH_REQUIRED",
    }
}

/// Returns whether the agent's answer is complete, at least for now.
pub(super) fn is_settled(status: &TaskStatus) -> bool {
    status.state.is_terminal() || matches!(status.state, TaskState::InputRequired | TaskState::AuthRequired)
}

/// What a request wants of a task.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Purpose {
    /// Nothing that depends on how the task ends.
    Nothing,
    /// The work, which it asks for.
    Work,
    /// The work that another request has asked for.
    Execution,
    /// The events of the work that another request has asked for.
    Events,
    /// The state of that work.
    State,
    /// The end of that work.
    Cancellation,
}

impl Purpose {
    /// Whether a task that fails, is rejected or is cancelled is a failed call.
    pub(super) const fn wants_work(self) -> bool {
        matches!(self, Self::Work | Self::Execution | Self::Events)
    }

    /// Whether another call has asked for the task.
    pub(super) const fn follows(self) -> bool {
        matches!(self, Self::Events | Self::State | Self::Cancellation)
    }
}

/// A request.
pub(super) trait Request {
    const PURPOSE: Purpose = Purpose::Nothing;

    fn facts(&self) -> Facts<'_>;
}

/// An answer.
pub(super) trait Answer {
    fn facts(&self) -> Facts<'_>;

    /// Returns what the agent has said before the message of the task's status.
    fn said_before(&self) -> &[Message] {
        &[]
    }

    /// Returns why the SDK refuses to send the answer, if it does.
    fn refusal(&self) -> Option<String> {
        None
    }

    /// Returns the metadata in which extensions may have written something.
    fn metadata(&self) -> Vec<&Metadata> {
        Vec::new()
    }

    /// Returns the metadata in which extensions may write, if this is the agent's final answer.
    fn place(&mut self) -> Option<&mut Option<Metadata>> {
        None
    }
}

pub(super) type Metadata = HashMap<String, serde_json::Value>;

/// Returns the metadata of a task, its last message and its artifacts.
pub(super) fn metadata_of(task: &Task) -> Vec<&Metadata> {
    let message = task.status.message.iter().filter_map(|message| message.metadata.as_ref());
    let artifacts = task.artifacts.iter().flatten().filter_map(|artifact| artifact.metadata.as_ref());
    task.metadata.iter().chain(message).chain(artifacts).collect()
}

/// Returns the metadata of a task's last message, or else of its last artifact, or else its own, if the task is
/// complete.
fn place_in_task(task: &mut Task) -> Option<&mut Option<Metadata>> {
    if !is_settled(&task.status) {
        return None;
    }
    let message = task.status.message.as_mut().map(|message| &mut message.metadata);
    let artifact = task.artifacts.iter_mut().flatten().last().map(|artifact| &mut artifact.metadata);
    Some(message.or(artifact).unwrap_or(&mut task.metadata))
}

/// Like [`place_in_task`], for an event of a stream.
pub(super) fn place_in_event(event: &mut StreamResponse) -> Option<&mut Option<Metadata>> {
    match event {
        StreamResponse::Task(task) => place_in_task(task),
        StreamResponse::Message(message) => Some(&mut message.metadata),
        StreamResponse::StatusUpdate(update) if is_settled(&update.status) => {
            let message = update.status.message.as_mut().map(|message| &mut message.metadata);
            Some(message.unwrap_or(&mut update.metadata))
        }
        StreamResponse::StatusUpdate(_) | StreamResponse::ArtifactUpdate(_) => None,
    }
}

impl<'a> Facts<'a> {
    fn of_message(message: &'a Message, tenant: Option<&'a str>) -> Self {
        Self {
            message: Some(&message.message_id),
            references: message.reference_task_ids.as_deref(),
            task: message.task_id.as_deref(),
            context: message.context_id.as_deref(),
            tenant,
            content: Content::message(message),
            ..Self::default()
        }
    }

    fn of_task(task: &'a str, tenant: Option<&'a str>) -> Self {
        Self { task: Some(task), tenant, content: Content::Id(task), ..Self::default() }
    }
}

impl Request for SendMessageRequest {
    const PURPOSE: Purpose = Purpose::Work;

    fn facts(&self) -> Facts<'_> {
        Facts::of_message(&self.message, self.tenant.as_deref())
    }
}

impl Request for SubscribeToTaskRequest {
    const PURPOSE: Purpose = Purpose::Events;

    fn facts(&self) -> Facts<'_> {
        Facts::of_task(&self.id, self.tenant.as_deref())
    }
}

impl Request for ExecutorContext {
    const PURPOSE: Purpose = Purpose::Execution;

    fn facts(&self) -> Facts<'_> {
        let tenant = self.tenant.as_deref();
        let said = self.message.as_ref().map(|message| Facts::of_message(message, tenant));
        let user = self.user.as_ref().filter(|user| user.authenticated);
        Facts {
            task: Some(&self.task_id),
            context: Some(&self.context_id),
            user: user.map(|user| user.name.as_str()),
            ..said.unwrap_or_else(|| Facts::of_task(&self.task_id, tenant))
        }
    }
}

/// The cancellation of a task, as an executor sees it.
pub(super) struct Cancelling<'a>(pub(super) &'a ExecutorContext);

impl Request for Cancelling<'_> {
    fn facts(&self) -> Facts<'_> {
        self.0.facts()
    }
}

impl Request for ListTasksRequest {
    fn facts(&self) -> Facts<'_> {
        Facts { context: self.context_id.as_deref(), tenant: self.tenant.as_deref(), ..Facts::default() }
    }
}

impl Request for GetExtendedAgentCardRequest {
    fn facts(&self) -> Facts<'_> {
        Facts { tenant: self.tenant.as_deref(), ..Facts::default() }
    }
}

macro_rules! about_a_task {
    ($($request:ty: $id:ident, $purpose:ident;)*) => {$(
        impl Request for $request {
            const PURPOSE: Purpose = Purpose::$purpose;

            fn facts(&self) -> Facts<'_> {
                Facts::of_task(&self.$id, self.tenant.as_deref())
            }
        }
    )*};
}

about_a_task! {
    GetTaskRequest: id, State;
    CancelTaskRequest: id, Cancellation;
    TaskPushNotificationConfig: task_id, Nothing;
    GetTaskPushNotificationConfigRequest: task_id, Nothing;
    ListTaskPushNotificationConfigsRequest: task_id, Nothing;
    DeleteTaskPushNotificationConfigRequest: task_id, Nothing;
}

impl Answer for Task {
    fn refusal(&self) -> Option<String> {
        refusal(self, json_of_task(self))
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            task: Some(&self.id),
            context: Some(&self.context_id),
            status: Some(&self.status),
            content: Content::result(self),
            ..Facts::default()
        }
    }
}

impl Answer for Message {
    fn facts(&self) -> Facts<'_> {
        Facts { message: None, references: None, ..Facts::of_message(self, None) }
    }
}

impl Answer for SendMessageResponse {
    fn facts(&self) -> Facts<'_> {
        match self {
            Self::Task(task) => task.facts(),
            Self::Message(message) => message.facts(),
        }
    }

    fn refusal(&self) -> Option<String> {
        match self {
            Self::Task(task) => refusal(self, json_of_task(task)),
            Self::Message(message) => refusal(self, json_of_message(message)),
        }
    }

    fn said_before(&self) -> &[Message] {
        match self {
            Self::Task(task) => said_before(task),
            Self::Message(_) => &[],
        }
    }

    fn metadata(&self) -> Vec<&Metadata> {
        match self {
            Self::Task(task) => metadata_of(task),
            Self::Message(message) => message.metadata.iter().collect(),
        }
    }

    fn place(&mut self) -> Option<&mut Option<Metadata>> {
        match self {
            Self::Task(task) => place_in_task(task),
            Self::Message(message) => Some(&mut message.metadata),
        }
    }
}

impl Answer for ListTasksResponse {
    fn refusal(&self) -> Option<String> {
        refusal(self, self.tasks.iter().flat_map(json_of_task))
    }

    fn facts(&self) -> Facts<'_> {
        Facts { content: Content::Count(self.tasks.len()), ..Facts::default() }
    }
}

impl Answer for ListTaskPushNotificationConfigsResponse {
    fn facts(&self) -> Facts<'_> {
        Facts { content: Content::Count(self.configs.len()), ..Facts::default() }
    }
}

impl Answer for TaskPushNotificationConfig {
    fn facts(&self) -> Facts<'_> {
        Facts { task: Some(&self.task_id), ..Facts::default() }
    }
}

impl Answer for AgentCard {
    fn facts(&self) -> Facts<'_> {
        Facts { content: Content::Id(&self.name), ..Facts::default() }
    }
}

impl Answer for () {
    fn facts(&self) -> Facts<'_> {
        Facts::default()
    }
}
