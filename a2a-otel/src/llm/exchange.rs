//! The request to a model and its response, for any provider. Borrowed from the JSON where possible.

use std::borrow::Cow;

use super::secrets;
use crate::json::Node;

/// A text from the JSON, or one made from several.
pub(crate) type Text<'a> = Cow<'a, str>;

/// The operation of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    /// A message answers messages.
    Chat,
    /// The model continues prompts.
    Completion,
    /// The model turns texts into vectors.
    Embedding,
}

/// A request to a model.
#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) model: Option<Text<'a>>,
    pub(crate) messages: Vec<Message<'a>>,
    /// The definition of each tool, as JSON.
    pub(crate) tools: Vec<Text<'a>>,
    /// All other parameters ([`parameters`](super::parameters)), as one JSON object.
    pub(crate) parameters: String,
    pub(crate) prompts: Vec<Text<'a>>,
    pub(crate) stored_prompt: StoredPrompt<'a>,
    /// The input to embed, where it is text.
    pub(crate) texts: Vec<Text<'a>>,
}

/// A prompt that the provider stores, and fills in.
#[derive(Debug, Default)]
pub(crate) struct StoredPrompt<'a> {
    pub(crate) id: Option<Text<'a>>,
    /// JSON.
    pub(crate) variables: Option<Text<'a>>,
}

/// A response of a model.
#[derive(Debug, Default)]
pub(crate) struct Response<'a> {
    pub(crate) model: Option<Text<'a>>,
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) finish_reason: Option<Text<'a>>,
    pub(crate) usage: Usage,
    /// The completions, by number.
    pub(crate) completions: Vec<(usize, Text<'a>)>,
    /// The vectors, by the number of their text.
    pub(crate) vectors: Vec<(usize, Vec<f64>)>,
    /// The generated images, as URLs.
    pub(crate) images: Vec<Text<'a>>,
}

/// One message of a conversation. Absent and empty fields are not recorded.
#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    /// Its number in the conversation, or the number of the answer.
    pub(crate) index: usize,
    pub(crate) role: Text<'a>,
    /// The whole message, if it is only text.
    pub(crate) content: Option<Text<'a>>,
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) name: Option<Text<'a>>,
    /// The tool call whose result the message is.
    pub(crate) tool_call_id: Option<Text<'a>>,
    pub(crate) tool_calls: Vec<ToolCall<'a>>,
    /// The older form of a tool call, of which a message has one at most.
    pub(crate) function_call: Option<Box<ToolCall<'a>>>,
}

/// One part of a message that is not only text.
#[derive(Debug, Default)]
pub(crate) struct Part<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) text: Option<Text<'a>>,
    /// The URL of the file, or a `data:` URL.
    pub(crate) url: Option<Text<'a>>,
    pub(crate) mime_type: Option<Text<'a>>,
    /// The name of the file.
    pub(crate) name: Option<Text<'a>>,
    /// What is said in the audio.
    pub(crate) transcript: Option<Text<'a>>,
    pub(crate) signature: Option<Text<'a>>,
    /// Reasoning that the provider redacts.
    pub(crate) data: Option<Text<'a>>,
    pub(crate) encrypted: Option<Text<'a>>,
}

/// The kind of a part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind<'a> {
    #[default]
    Text,
    Image,
    Audio,
    Video,
    Document,
    Reasoning,
    /// The message's tool call with this number.
    ToolCall(usize),
    /// Any other part, recorded as JSON under the provider's name for it.
    Other(Text<'a>),
}

/// A call of a tool that the model requests.
#[derive(Debug, Default)]
pub(crate) struct ToolCall<'a> {
    pub(crate) id: Option<Text<'a>>,
    pub(crate) name: Option<Text<'a>>,
    /// JSON.
    pub(crate) arguments: Option<Text<'a>>,
    pub(crate) signature: Option<Text<'a>>,
}

/// How many tokens a call used. The totals include the details.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) prompt: Option<i64>,
    pub(crate) completion: Option<i64>,
    pub(crate) total: Option<i64>,
    pub(crate) cache_read: Option<i64>,
    pub(crate) cache_write: Option<i64>,
    pub(crate) prompt_audio: Option<i64>,
    pub(crate) completion_audio: Option<i64>,
    pub(crate) reasoning: Option<i64>,
    // What only the price depends on.
    pub(crate) prompt_image: Option<i64>,
    pub(crate) completion_image: Option<i64>,
    /// Of `cache_write`: what stays in the cache for an hour.
    pub(crate) cache_write_1h: Option<i64>,
    /// The class of service that the answer reports, which has prices of its own.
    pub(crate) tier: Option<&'static str>,
    /// What the call cost, in US dollars, if the answer says it.
    pub(crate) cost: Option<f64>,
}

/// A class of service that may have prices of its own.
pub(crate) fn tier(reported: &str) -> Option<&'static str> {
    const TIERS: &[&str] = &["batch", "default", "fast", "flex", "priority", "scale", "standard"];
    TIERS.iter().find(|known| known.eq_ignore_ascii_case(reported)).copied()
}

impl<'a> Message<'a> {
    /// A message that is only text.
    pub(crate) fn of_text(index: usize, role: impl Into<Text<'a>>, content: Option<Text<'a>>) -> Self {
        Self { index, role: role.into(), content, ..Self::default() }
    }

    /// Whether the message has more than a role and a content.
    pub(crate) const fn is_more_than_text(&self) -> bool {
        let is_named = self.name.is_some() || self.tool_call_id.is_some();
        is_named || !self.parts.is_empty() || !self.tool_calls.is_empty() || self.function_call.is_some()
    }

    /// Adds a tool call that is also a part of the message.
    pub(crate) fn push_tool_part(&mut self, call: ToolCall<'a>) {
        self.parts.push(Part { kind: Kind::ToolCall(self.tool_calls.len()), ..Part::default() });
        self.tool_calls.push(call);
    }
}

impl<'a> Part<'a> {
    pub(crate) fn text(text: Option<Text<'a>>) -> Self {
        Self { kind: Kind::Text, text, ..Self::default() }
    }

    pub(crate) fn image(url: Option<Text<'a>>) -> Self {
        Self { kind: Kind::Image, url, ..Self::default() }
    }

    /// A file, whose type says which kind of part it is.
    pub(crate) fn file(mime_type: Text<'a>, url: Text<'a>) -> Self {
        let kind = match mime_type.split('/').next() {
            Some("image") => return Self::image(Some(url)),
            Some("audio") => Kind::Audio,
            Some("video") => return Self { kind: Kind::Video, url: Some(url), ..Self::default() },
            _ => Kind::Document,
        };
        Self { kind, url: Some(url), mime_type: Some(mime_type), ..Self::default() }
    }

    /// A part that an exchange has no field for, as JSON under the provider's name for it.
    pub(crate) fn other(kind: impl Into<Text<'a>>, json: Text<'a>) -> Self {
        Self { kind: Kind::Other(kind.into()), text: Some(json), ..Self::default() }
    }

    pub(crate) fn reasoning(text: Option<Text<'a>>) -> Self {
        Self { kind: Kind::Reasoning, text, ..Self::default() }
    }
}

/// The definitions of the tools in a field.
pub(crate) fn tools(request: Node<'_>) -> Vec<Text<'_>> {
    request.list("tools").map(secrets::without).collect()
}

/// The texts in a field that holds one text or a list of texts. Empty if the list holds anything else.
pub(crate) fn texts(field: Option<Node<'_>>) -> Vec<Text<'_>> {
    match field {
        Some(field) if field.is_text() => field.text().into_iter().collect(),
        Some(field) => field.items().map(Node::text).collect::<Option<_>>().unwrap_or_default(),
        None => Vec::new(),
    }
}
