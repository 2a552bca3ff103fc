//! Collects a stream's events for a span.

use ::a2a::{
    A2AError, Artifact, Part, PartContent, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState,
    TaskStatus,
};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};

use super::content::{Block, Content, Kind, said_before};
use super::facts::{is_settled, kind_of, metadata_of, name_of};
use super::figures;
use super::outcome::{Failure, Said, View, record_update};
use super::refusal::refusal_of_event;
use super::response_trace;
use crate::capture::{Capture, limit};
use crate::semconv::a2a as names;
use crate::semconv::openinference::{OUTPUT_MIME_TYPE, OUTPUT_VALUE, SESSION_ID, mime_type};
use crate::span::{Current, SpanItems, current};

/// The state of a task so far.
pub(super) struct Progress {
    fold: SpanItems,
    /// Whether a span is recorded, and not only figures.
    is_recorded: bool,
    /// Whether the events go to the caller.
    answers_caller: bool,
    /// The name of the first error.
    error: Option<&'static str>,
    /// The size of the content that has come.
    bytes: u64,
    /// The span, for events at the time when they happen.
    span: Current,
    said: Said,
    task: Option<String>,
    context: Option<String>,
    status: Option<TaskStatus>,
    has_message: bool,
    made: Made,
    /// The context for the steps that the agent reports, until it has reported some.
    unreported: Option<Context>,
}

/// What the agent has made, up to the longest value that is recorded.
struct Made {
    blocks: Vec<MadeBlock>,
    room: usize,
}

/// A message or an artifact.
struct MadeBlock {
    kind: Kind,
    id: String,
    parts: Vec<Part>,
}

impl Progress {
    /// Starts with a stream whose span is current.
    pub(super) fn new(
        fold: SpanItems,
        is_recorded: bool,
        answers_caller: bool,
        said: Said,
        view: View,
    ) -> Self {
        Self {
            fold,
            is_recorded,
            answers_caller,
            error: None,
            bytes: 0,
            span: current(),
            said,
            task: None,
            context: None,
            status: None,
            has_message: false,
            made: Made::new(),
            unreported: (is_recorded && view == View::Caller).then(Context::current),
        }
    }

    /// Returns whether the agent's answer is complete, at least for now.
    pub(super) fn is_settled(&self) -> bool {
        self.has_message || self.status.as_ref().is_some_and(is_settled)
    }

    pub(super) fn item(&mut self) {
        self.fold.item();
    }

    /// The name of the error with which the task or the call failed.
    pub(super) const fn error(&self) -> Option<&'static str> {
        self.error
    }

    /// The state of the task.
    pub(super) fn state(&self) -> Option<&TaskState> {
        self.status.as_ref().map(|status| &status.state)
    }

    /// The task's id.
    pub(super) fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// The size of the content that has come, in bytes.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn event(&mut self, event: &Result<StreamResponse, A2AError>) {
        if let Ok(event) = event {
            self.count(event);
            self.read_report(event);
            if let Some(refusal) = self.answers_caller.then(|| refusal_of_event(event)).flatten() {
                self.failed(&Failure::refused(refusal));
            }
        }
        if !self.is_recorded {
            return self.event_of_figures(event);
        }
        match event {
            Ok(StreamResponse::Task(task)) => self.snapshot(task),
            Ok(StreamResponse::StatusUpdate(update)) => {
                self.is_of(&update.task_id, &update.context_id);
                self.status(&update.status);
            }
            Ok(StreamResponse::ArtifactUpdate(update)) => {
                self.is_of(&update.task_id, &update.context_id);
                self.artifact(update);
            }
            Ok(StreamResponse::Message(message)) => {
                self.has_message = true;
                self.context = self.context.take().or_else(|| message.context_id.clone());
                self.made.add(Block::of_message(message), false);
            }
            Err(error) => self.failed(&Failure::of(error)),
        }
    }

    /// Takes of an event what figures need.
    fn event_of_figures(&mut self, event: &Result<StreamResponse, A2AError>) {
        match event {
            Ok(StreamResponse::Task(task)) => self.status = Some(task.status.clone()),
            Ok(StreamResponse::StatusUpdate(update)) => self.status = Some(update.status.clone()),
            Ok(StreamResponse::Message(_)) => self.has_message = true,
            Ok(StreamResponse::ArtifactUpdate(_)) => {}
            Err(error) => self.failed(&Failure::of(error)),
        }
    }

    /// Adds the size of an event's content. A whole task repeats what came before.
    fn count(&mut self, event: &StreamResponse) {
        let of_status = |status: &TaskStatus| {
            status.message.iter().flat_map(|message| &message.parts).map(figures::size).sum::<u64>()
        };
        match event {
            StreamResponse::Message(message) => {
                self.bytes += message.parts.iter().map(figures::size).sum::<u64>();
            }
            StreamResponse::ArtifactUpdate(update) => {
                self.bytes += update.artifact.parts.iter().map(figures::size).sum::<u64>();
            }
            StreamResponse::StatusUpdate(update) => self.bytes += of_status(&update.status),
            StreamResponse::Task(task) => {
                let made = task.artifacts.iter().flatten().flat_map(|artifact| &artifact.parts);
                let whole = made.map(figures::size).sum::<u64>() + of_status(&task.status);
                self.bytes = self.bytes.max(whole);
            }
        }
    }

    fn read_report(&mut self, event: &StreamResponse) {
        let Some(context) = self.unreported.take() else { return };
        let metadata = match event {
            StreamResponse::Task(task) => metadata_of(task),
            StreamResponse::Message(message) => message.metadata.iter().collect(),
            StreamResponse::StatusUpdate(update) => {
                let message = update.status.message.iter().filter_map(|message| message.metadata.as_ref());
                update.metadata.iter().chain(message).collect()
            }
            StreamResponse::ArtifactUpdate(update) => {
                update.metadata.iter().chain(&update.artifact.metadata).collect()
            }
        };
        let _entered = context.clone().attach();
        if !response_trace::record(&metadata) {
            self.unreported = Some(context);
        }
    }

    pub(super) fn failed(&mut self, failure: &Failure) {
        self.error = self.error.or(Some(failure.kind()));
        self.fold.err(failure, false);
    }

    fn is_of(&mut self, task: &str, context: &str) {
        self.task.get_or_insert_with(|| task.to_owned());
        self.context.get_or_insert_with(|| context.to_owned());
    }

    /// Takes a whole task, which repeats what came before.
    fn snapshot(&mut self, task: &Task) {
        self.is_of(&task.id, &task.context_id);
        if self.status.is_none() {
            for message in said_before(task) {
                record_update(&self.span, None, Some(message));
            }
        }
        self.status(&task.status);
        self.made = Made::new();
        Block::stored(task).for_each(|block| self.made.add(block, false));
    }

    fn status(&mut self, status: &TaskStatus) {
        let last = self.status.as_ref();
        let is_new = last.is_none_or(|last| last.state != status.state);
        let message = status.message.as_ref();
        let message = message.filter(|message| last.and_then(|last| last.message.as_ref()) != Some(message));
        if is_new || message.is_some() {
            record_update(&self.span, Some(&status.state), message);
        }
        self.status = Some(status.clone());
    }

    /// Only the first part of an artifact is recorded as an event, because an agent that streams may send one part per
    /// word.
    fn artifact(&mut self, update: &TaskArtifactUpdateEvent) {
        let artifact = &update.artifact;
        if !self.made.has(&artifact.artifact_id) {
            self.span.event(names::ARTIFACT_UPDATE, described(artifact));
        }
        let is_appended = update.append == Some(true);
        if !is_appended {
            self.made.clear(&artifact.artifact_id);
        }
        self.made.add(Block::of_artifact(artifact), is_appended);
    }

    /// Records what was collected on the span, which ends.
    pub(super) fn conclude(&mut self, wants_work: bool) {
        if self.is_recorded {
            self.conclude_span();
        }
        if let Some(failure) = self.status.as_ref().filter(|_| wants_work).and_then(Failure::of_task) {
            self.failed(&failure);
        }
    }

    fn conclude_span(&mut self) {
        let mut blocks = self.made.blocks();
        if blocks.is_empty() {
            let message = self.status.iter().filter_map(|status| status.message.as_ref());
            blocks.extend(message.filter(|message| !message.parts.is_empty()).map(Block::of_message));
        }
        if !blocks.is_empty() {
            let content = Content::Blocks(blocks);
            let form = if content.is_text() { mime_type::TEXT } else { mime_type::JSON };
            self.fold.fields(&[(OUTPUT_VALUE, shown!(content)), (OUTPUT_MIME_TYPE, shown!(form))]);
        }
        let (task, context) = (self.task.as_deref(), self.context.as_deref());
        self.fold.fields(&[
            (names::TASK_ID, shown!(task.filter(|_| !self.said.task))),
            (names::CONVERSATION_ID, shown!(context.filter(|_| !self.said.context))),
            (SESSION_ID, shown!(context.filter(|_| !self.said.session))),
            (names::TASK_STATE, shown!(self.status.as_ref().map(|status| name_of(&status.state)))),
        ]);
    }

    pub(super) fn into_fold(self) -> SpanItems {
        self.fold
    }
}

fn described(artifact: &Artifact) -> Vec<KeyValue> {
    let kinds = artifact.parts.iter().map(|part| StringValue::from(kind_of(part))).collect();
    let mut event = vec![
        KeyValue::new(names::ARTIFACT_ID, artifact.artifact_id.clone()),
        KeyValue::new(names::ARTIFACT_PARTS, Value::Array(Array::String(kinds))),
    ];
    if let Some(name) = &artifact.name {
        event.push(KeyValue::new(names::ARTIFACT_NAME, name.clone()));
    }
    event
}

impl Made {
    fn new() -> Self {
        Self { blocks: Vec::new(), room: limit() }
    }

    fn blocks(&self) -> Vec<Block<'_>> {
        let made = self.blocks.iter().filter(|block| !block.parts.is_empty());
        made.map(|block| Block { kind: block.kind, id: &block.id, parts: &block.parts }).collect()
    }

    fn has(&self, id: &str) -> bool {
        self.blocks.iter().any(|block| block.id == id)
    }

    /// Removes an artifact, because it is sent again.
    fn clear(&mut self, artifact: &str) {
        if let Some(block) = self.blocks.iter_mut().find(|block| block.id == artifact) {
            self.room = self.room.saturating_add(block.parts.iter().map(size).sum());
            block.parts.clear();
        }
    }

    /// Adds parts. The first that is appended continues the text before it.
    fn add(&mut self, more: Block<'_>, is_appended: bool) {
        if self.room == 0 {
            return;
        }
        let known = self.blocks.iter().position(|block| block.id == more.id);
        let index = known.unwrap_or_else(|| {
            self.room -= 1;
            self.blocks.push(MadeBlock { kind: more.kind, id: more.id.to_owned(), parts: Vec::new() });
            self.blocks.len() - 1
        });
        let parts = &mut self.blocks[index].parts;
        for (place, part) in more.parts.iter().enumerate() {
            // The part that exceeds the limit is kept too, so that the value shows that it was cut.
            if self.room > 0 {
                self.room = self.room.saturating_sub(size(part));
                let last = parts.last_mut().filter(|_| is_appended && place == 0);
                match (last.map(|last| &mut last.content), &part.content) {
                    (Some(PartContent::Text(text)), PartContent::Text(piece)) => text.push_str(piece),
                    _ => parts.push(part.clone()),
                }
            }
        }
    }
}

/// Returns roughly how much room a part takes.
fn size(part: &Part) -> usize {
    1 + match &part.content {
        PartContent::Text(text) | PartContent::Url(text) => text.len(),
        PartContent::Raw(bytes) => bytes.len(),
        PartContent::Data(data) => data.to_string().len(),
    }
}
