//! What is recorded of rmcp's requests and answers.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, CompleteRequestParams,
    CompleteResult, ContentBlock, CustomRequest, CustomResult, DiscoverResult, GetMeta,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, GetSkillRequestParams, GetSkillResult,
    GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceDirectoryRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, RequestMetaObject, RequestParamsMeta, ResourceContents,
    SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams, UpdateTaskParams,
};
use serde::Serialize;

use crate::capture::Capture;
use crate::record::{Attributes, Document, Retrieval};
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

    /// The place for the context.
    fn meta_mut(&mut self) -> &mut RequestMetaObject;
}

/// The answer to a request.
pub(super) trait Answer {
    /// Returns the message of a failed tool.
    fn refusal(&self) -> Option<String> {
        None
    }

    fn record(&self, ending: &mut Ending);
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
    GetTaskParams;
    UpdateTaskParams;
    CancelTaskParams;
}

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

/// A request without parameters. Only the server side needs it.
#[derive(Default)]
pub(super) struct NoParams(RequestMetaObject);

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
    whole: InitializeResult DiscoverResult CompleteResult CustomResult GetTaskResult GetSkillResult;
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
    fn refusal(&self) -> Option<String> {
        let says = || text(&self.content).unwrap_or_else(|| "the tool failed without a message".to_owned());
        (self.is_error == Some(true)).then(says)
    }

    fn record(&self, ending: &mut Ending) {
        match (&self.structured_content, text(&self.content)) {
            (Some(structured), _) => whole(ending, structured),
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
                self.refusal()
            }
        }
    )*};
}

refusable! { CallToolResult CallToolResponse }

/// Returns the text of content that is only text.
fn text(content: &[ContentBlock]) -> Option<String> {
    let texts: Option<Vec<_>> = content.iter().map(|block| Some(block.as_text()?.text.as_str())).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"))
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
    ($($response:ident: $($other:ident)*;)*) => {$(
        impl Answer for $response {
            fn refusal(&self) -> Option<String> {
                if let Self::Complete(result) = self { result.refusal() } else { None }
            }

            fn record(&self, ending: &mut Ending) {
                match self {
                    Self::Complete(result) => result.record(ending),
                    $(Self::$other(result) => whole(ending, result),)*
                    _ => {}
                }
            }
        }
    )*};
}

responses! {
    CallToolResponse: InputRequired Task;
    GetPromptResponse: InputRequired;
    ReadResourceResponse: InputRequired;
}
