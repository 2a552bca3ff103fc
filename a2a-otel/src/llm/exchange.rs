//! What a model was asked and what it answered, whoever the provider is. Borrowed from the JSON where that is possible.

use std::borrow::Cow;

use crate::json::Node;

/// A piece of the JSON, or what was made of several.
pub(crate) type Text<'a> = Cow<'a, str>;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    /// Messages are answered by a message.
    Chat,
    /// Prompts are gone on with.
    Completion,
    /// Texts become vectors.
    Embedding,
}

/// What a model was asked.
#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) model: Option<Text<'a>>,
    pub(crate) messages: Vec<Message<'a>>,
    /// The definition of each tool, as JSON.
    pub(crate) tools: Vec<Text<'a>>,
    /// All other parameters, as one JSON object.
    pub(crate) parameters: String,
    pub(crate) prompts: Vec<Text<'a>>,
    /// What is to become vectors, where it is text.
    pub(crate) texts: Vec<Text<'a>>,
}

/// What a model answered.
#[derive(Debug, Default)]
pub(crate) struct Response<'a> {
    pub(crate) model: Option<Text<'a>>,
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) finish_reason: Option<Text<'a>>,
    pub(crate) usage: Usage,
    /// What prompts were gone on with, by number.
    pub(crate) completions: Vec<(usize, Text<'a>)>,
    /// Vectors by the number of their text.
    pub(crate) vectors: Vec<(usize, Vec<f64>)>,
    /// Images that were made, as URLs.
    pub(crate) images: Vec<Text<'a>>,
}

/// One message of a conversation. What is absent or empty is not recorded.
#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    /// Its number in the conversation, or the number of the answer.
    pub(crate) index: usize,
    pub(crate) role: Text<'a>,
    /// The whole message, where it is nothing but text.
    pub(crate) content: Option<Text<'a>>,
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) name: Option<Text<'a>>,
    /// The tool call that the message is the result of.
    pub(crate) tool_call_id: Option<Text<'a>>,
    pub(crate) tool_calls: Vec<ToolCall<'a>>,
    /// What tool calls were before there were several to a message.
    pub(crate) function_call: Option<Box<ToolCall<'a>>>,
}

/// One part of a message that is more than text.
#[derive(Debug, Default)]
pub(crate) struct Part<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) text: Option<Text<'a>>,
    /// Where the image or sound is, or a `data:` URL.
    pub(crate) url: Option<Text<'a>>,
    pub(crate) mime_type: Option<Text<'a>>,
    pub(crate) signature: Option<Text<'a>>,
    /// Thoughts that the provider keeps to itself.
    pub(crate) data: Option<Text<'a>>,
    pub(crate) encrypted: Option<Text<'a>>,
}

/// What a part is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind<'a> {
    /// Nothing that is recorded. It keeps its number.
    #[default]
    Unread,
    Text,
    Image,
    Audio,
    Reasoning,
    /// The message's tool call of this number.
    ToolCall(usize),
    /// Anything else, recorded as JSON under the provider's name for it.
    Other(Text<'a>),
}

/// A call of a tool that the model asks for.
#[derive(Debug, Default)]
pub(crate) struct ToolCall<'a> {
    pub(crate) id: Option<Text<'a>>,
    pub(crate) name: Option<Text<'a>>,
    /// JSON.
    pub(crate) arguments: Option<Text<'a>>,
    pub(crate) signature: Option<Text<'a>>,
}

/// How many tokens a call took. Those in the details are counted in the sums as well.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) prompt: Option<i64>,
    pub(crate) completion: Option<i64>,
    pub(crate) total: Option<i64>,
    pub(crate) cache_read: Option<i64>,
    pub(crate) cache_write: Option<i64>,
    pub(crate) prompt_audio: Option<i64>,
    pub(crate) completion_audio: Option<i64>,
    pub(crate) reasoning: Option<i64>,
}

impl<'a> Message<'a> {
    /// A message of nothing but text.
    pub(crate) fn of_text(index: usize, role: impl Into<Text<'a>>, content: Option<Text<'a>>) -> Self {
        Self { index, role: role.into(), content, ..Self::default() }
    }

    /// Whether there is anything but role and content.
    pub(crate) const fn is_more_than_text(&self) -> bool {
        let is_named = self.name.is_some() || self.tool_call_id.is_some();
        is_named || !self.parts.is_empty() || !self.tool_calls.is_empty() || self.function_call.is_some()
    }

    /// Adds a tool call that is also a part of the message, in its place among the others.
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

    pub(crate) fn audio(url: Text<'a>, mime_type: Text<'a>) -> Self {
        Self { kind: Kind::Audio, url: Some(url), mime_type: Some(mime_type), ..Self::default() }
    }

    pub(crate) fn reasoning(text: Option<Text<'a>>) -> Self {
        Self { kind: Kind::Reasoning, text, ..Self::default() }
    }
}

/// The definitions of the tools in a field.
pub(crate) fn tools(request: Node<'_>) -> Vec<Text<'_>> {
    request.list("tools").map(|tool| tool.raw().into()).collect()
}

/// An object's fields as an object, but for those that are recorded elsewhere, and those that say nothing.
pub(crate) fn parameters(request: Node<'_>, recorded: &[&str]) -> String {
    let mut json = String::from("{");
    for (name, value) in request.entries() {
        if recorded.contains(&name) || value.is_null() {
            continue;
        }
        if json.len() > 1 {
            json.push(',');
        }
        json.extend(["\"", name, "\":", value.raw()]);
    }
    json.push('}');
    json
}

/// The texts in a field that holds one or a list of them; none where something else is among them.
pub(crate) fn texts(field: Option<Node<'_>>) -> Vec<Text<'_>> {
    match field {
        Some(field) if field.is_text() => field.text().into_iter().collect(),
        Some(field) => field.items().map(Node::text).collect::<Option<_>>().unwrap_or_default(),
        None => Vec::new(),
    }
}
