//! What is recorded of rmcp's requests and answers.

use std::borrow::Cow;

use opentelemetry::StringValue;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ClientResult,
    CompleteRequestParams, CompleteResult, ContentBlock, CreateMessageRequestParams, CreateMessageResult,
    CustomRequest, CustomResult, DetailedTask, DiscoverResult, ElicitRequestParams, ElicitResult, GetMeta,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, GetSkillRequestParams, GetSkillResult,
    GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListRootsResult, ListSkillsResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceDirectoryRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, RequestMetaObject, RequestParamsMeta, ResourceContents,
    ServerNotification, SetLevelRequestParams, SubscribeRequestParams, TaskPayload, UnsubscribeRequestParams,
    UpdateTaskParams,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::sampling;

use crate::capture::Capture;
use crate::record::{Attributes, Document, Retrieval};
use crate::semconv::mcp;
use crate::span::{Ending, Refusable};

/// The target of a request.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    Nothing,
    Tool(&'a str),
    Prompt(&'a str),
    Resource(&'a str),
    /// A custom method.
    Method(&'a str),
}

/// The parameters of a request.
pub(super) trait Params {
    fn target(&self) -> Target<'_> {
        Target::Nothing
    }

    fn arguments(&self) -> Option<&JsonObject> {
        None
    }

    /// The task that the request is about.
    fn task(&self) -> Option<&str> {
        None
    }

    /// The place for the context.
    fn meta_mut(&mut self) -> &mut RequestMetaObject;
}

/// The answer to a request.
pub(super) trait Answer {
    /// Returns how the tool failed, if it did.
    fn refusal(&self) -> Option<ToolFailure> {
        None
    }

    /// The task that will have the answer.
    fn task(&self) -> Option<&str> {
        None
    }

    fn record(&self, ending: &mut Ending);
}

/// How a tool failed whose request was answered.
#[derive(Clone)]
pub(super) struct ToolFailure {
    pub(super) message: String,
    pub(super) error_type: StringValue,
}

impl ToolFailure {
    fn said(message: String) -> Self {
        Self { message, error_type: mcp::TOOL_ERROR.into() }
    }
}

macro_rules! params {
    ($($params:ty $(: $target:ident($name:ident) $(with $arguments:ident)?)?;)*) => {$(
        impl Params for $params {
            $(
                fn target(&self) -> Target<'_> {
                    Target::$target(&self.$name)
                }

                $(fn arguments(&self) -> Option<&JsonObject> {
                    self.$arguments.as_ref()
                })?
            )?

            fn meta_mut(&mut self) -> &mut RequestMetaObject {
                self.meta_or_default()
            }
        }
    )*};
}

params! {
    InitializeRequestParams;
    CallToolRequestParams: Tool(name) with arguments;
    GetPromptRequestParams: Prompt(name) with arguments;
    ReadResourceRequestParams: Resource(uri);
    ReadResourceDirectoryRequestParams: Resource(uri);
    SubscribeRequestParams: Resource(uri);
    UnsubscribeRequestParams: Resource(uri);
    GetSkillRequestParams: Resource(uri);
    CompleteRequestParams;
    SetLevelRequestParams;
    CreateMessageRequestParams;
    ElicitRequestParams;
}

macro_rules! task_params {
    ($($params:ty)*) => {$(
        impl Params for $params {
            fn task(&self) -> Option<&str> {
                Some(&self.task_id)
            }

            fn meta_mut(&mut self) -> &mut RequestMetaObject {
                self.meta_or_default()
            }
        }
    )*};
}

task_params! { GetTaskParams UpdateTaskParams CancelTaskParams }

impl Params for Option<PaginatedRequestParams> {
    fn meta_mut(&mut self) -> &mut RequestMetaObject {
        self.get_or_insert_default().meta_or_default()
    }
}

impl Params for CustomRequest {
    fn target(&self) -> Target<'_> {
        Target::Method(&self.method)
    }

    fn arguments(&self) -> Option<&JsonObject> {
        self.params.as_ref()?.as_object()
    }

    fn meta_mut(&mut self) -> &mut RequestMetaObject {
        self.get_meta_mut()
    }
}

/// A request without parameters.
#[derive(Default)]
pub(super) struct NoParams(pub(super) RequestMetaObject);

impl Params for NoParams {
    fn meta_mut(&mut self) -> &mut RequestMetaObject {
        &mut self.0
    }
}

/// Records the whole answer.
fn whole(ending: &mut Ending, answer: &impl Serialize) {
    ending.output(Capture::new(answer).a2a_otel_value());
}

macro_rules! answers {
    (whole: $($whole:ty)*; $(names: $list:ty => $items:ident.$name:ident;)*) => {
        $(impl Answer for $whole {
            fn record(&self, ending: &mut Ending) {
                whole(ending, self);
            }
        })*
        // The definitions are on the spans of what they define.
        $(impl Answer for $list {
            fn record(&self, ending: &mut Ending) {
                whole(ending, &self.$items.iter().map(|item| &*item.$name).collect::<Vec<_>>());
            }
        })*
    };
}

answers! {
    whole: InitializeResult DiscoverResult CompleteResult CustomResult GetSkillResult CreateMessageResult ElicitResult;
    names: ListRootsResult => roots.uri;
    names: ListToolsResult => tools.name;
    names: ListPromptsResult => prompts.name;
    names: ListResourcesResult => resources.uri;
    names: ListResourceTemplatesResult => resource_templates.uri_template;
    names: ListSkillsResult => skills.uri;
}

impl Answer for () {
    fn record(&self, _: &mut Ending) {}
}

impl Answer for CallToolResult {
    fn refusal(&self) -> Option<ToolFailure> {
        (self.is_error == Some(true)).then(|| ToolFailure::said(reason(self)))
    }

    fn record(&self, ending: &mut Ending) {
        match (&self.structured_content, text(&self.content)) {
            (Some(structured), text)
                if self.content.is_empty() || is_json_of(structured, text.as_deref()) =>
            {
                whole(ending, structured);
            }
            (Some(structured), _) => {
                whole(ending, &json!({ "content": self.content, "structuredContent": structured }));
            }
            (None, Some(text)) => whole(ending, &text),
            (None, None) => whole(ending, &self.content),
        }
    }
}

/// A function that returns one of these has failed if the tool has.
macro_rules! refusable {
    ($($answer:ty)*) => {$(
        impl Refusable for $answer {
            fn reason(&self) -> Option<String> {
                self.refusal().map(|failure| failure.message)
            }
        }
    )*};
}

refusable! { CallToolResult CallToolResponse }

/// Whether a text says the same as the structured content, as servers write it for older clients.
fn is_json_of(structured: &Value, text: Option<&str>) -> bool {
    text.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|said| said == *structured))
}

/// Returns the text of content that is only text.
fn text(content: &[ContentBlock]) -> Option<String> {
    let texts: Option<Vec<_>> = content.iter().map(|block| Some(block.as_text()?.text.as_str())).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"))
}

/// Why a tool failed: what it says, or else what it answers with.
fn reason(result: &CallToolResult) -> String {
    let said: Vec<_> =
        result.content.iter().filter_map(said).filter(|text| !text.trim().is_empty()).collect();
    if !said.is_empty() {
        return said.join("\n");
    }
    match &result.structured_content {
        Some(structured) if !structured.is_null() => structured.to_string(),
        _ if result.content.is_empty() => "the tool failed without a message".to_owned(),
        _ => {
            let shown: Vec<_> = result.content.iter().map(shown).collect();
            format!("the tool failed without a message, with {}", shown.join(", "))
        }
    }
}

/// The text of a block.
fn said(block: &ContentBlock) -> Option<&str> {
    match block {
        ContentBlock::Text(text) => Some(&text.text),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// What a block without text is.
fn shown(block: &ContentBlock) -> Cow<'_, str> {
    match block {
        ContentBlock::Text(_) => "an empty text".into(),
        ContentBlock::Image(image) => format!("an image ({})", image.mime_type).into(),
        ContentBlock::Audio(audio) => format!("audio ({})", audio.mime_type).into(),
        ContentBlock::ResourceLink(link) => format!("a link to {}", link.uri).into(),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { uri, .. }
            | ResourceContents::BlobResourceContents { uri, .. } => format!("the resource {uri}").into(),
            _ => "a resource".into(),
        },
        _ => "content of an unknown kind".into(),
    }
}

impl Answer for GetTaskResult {
    fn refusal(&self) -> Option<ToolFailure> {
        failure_of(&self.task)
    }

    fn record(&self, ending: &mut Ending) {
        whole(ending, self);
    }
}

/// What a notification tells of a task, if it does.
pub(super) struct Told {
    task: Option<String>,
    failure: Option<ToolFailure>,
}

impl Told {
    pub(super) fn of(notification: &ServerNotification) -> Self {
        let ServerNotification::TaskStatusNotification(told) = notification else {
            return Self { task: None, failure: None };
        };
        let task = &told.params.task;
        Self { task: Some(task.task.task_id.clone()), failure: failure_of(task) }
    }

    pub(super) fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }
}

impl Answer for &Told {
    fn refusal(&self) -> Option<ToolFailure> {
        self.failure.clone()
    }

    fn record(&self, _: &mut Ending) {}
}

/// How a task failed, if it did.
fn failure_of(task: &DetailedTask) -> Option<ToolFailure> {
    match &task.payload {
        TaskPayload::Failed { error } => {
            let said = error.get("message").and_then(Value::as_str).filter(|said| !said.is_empty());
            let message = said.map_or_else(|| Value::Object(error.clone()).to_string(), str::to_owned);
            let code = error.get("code").map(Value::to_string);
            let error_type = code.map_or_else(|| mcp::TOOL_ERROR.into(), StringValue::from);
            Some(ToolFailure { message, error_type })
        }
        TaskPayload::Completed { result } if result.get("isError") == Some(&Value::Bool(true)) => {
            let result: CallToolResult = serde_json::from_value(Value::Object(result.clone())).ok()?;
            result.refusal()
        }
        _ => None,
    }
}

/// What a client answers to its server.
impl Answer for ClientResult {
    fn record(&self, ending: &mut Ending) {
        match self {
            Self::CreateMessageResult(result) => {
                result.record(ending);
                ending.set(Attributes::of(&sampling::response(result)));
            }
            Self::ListRootsResult(result) => result.record(ending),
            Self::ElicitResult(result) => result.record(ending),
            Self::CustomResult(result) => result.record(ending),
            _ => {}
        }
    }
}

impl Answer for GetPromptResult {
    fn record(&self, ending: &mut Ending) {
        whole(ending, &self.messages);
    }
}

impl Answer for ReadResourceResult {
    fn record(&self, ending: &mut Ending) {
        let documents = Retrieval::new().documents(self.contents.iter().filter_map(document));
        ending.set(Attributes::of(&documents));
    }
}

/// Returns the contents that are text. Their address is the request's, and is masked with it.
fn document(contents: &ResourceContents) -> Option<Document> {
    let (mime_type, text) = match contents {
        ResourceContents::TextResourceContents { mime_type, text, .. } => (mime_type, Some(text)),
        ResourceContents::BlobResourceContents { mime_type, .. } => (mime_type, None),
        _ => return None,
    };
    let document = mime_type.iter().fold(Document::new(), Document::mime_type);
    Some(text.into_iter().fold(document, Document::content))
}

macro_rules! responses {
    ($($response:ident: $($other:ident)* $(, then $task:ident)?;)*) => {$(
        impl Answer for $response {
            fn refusal(&self) -> Option<ToolFailure> {
                if let Self::Complete(result) = self { result.refusal() } else { None }
            }

            $(fn task(&self) -> Option<&str> {
                if let Self::$task(created) = self { Some(&created.task.task_id) } else { None }
            })?

            fn record(&self, ending: &mut Ending) {
                match self {
                    Self::Complete(result) => result.record(ending),
                    $(Self::$other(result) => whole(ending, result),)*
                    $(Self::$task(created) => whole(ending, created),)?
                    _ => {}
                }
            }
        }
    )*};
}

responses! {
    CallToolResponse: InputRequired, then Task;
    GetPromptResponse: InputRequired;
    ReadResourceResponse: InputRequired;
}
