//! What was said and made: messages and artifacts with their parts, which are told apart in text and in JSON.

use ::a2a::{Artifact, Message, Part, PartContent, Role, Task};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The input or output to record.
#[derive(Default)]
pub(super) enum Content<'a> {
    #[default]
    Nothing,
    Blocks(Vec<Block<'a>>),
    /// An id, if there is no message.
    Id(&'a str),
    Count(usize),
}

/// A message or an artifact.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a str,
    pub(super) parts: &'a [Part],
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Message,
    Artifact,
    /// An artifact of a whole task. Its parts may be pieces of one text, because the SDKs store pieces that are appended
    /// as further parts.
    StoredArtifact,
}

/// Between two parts of a message or an artifact.
const BETWEEN_PARTS: &str = "\n";
/// Between two messages or artifacts.
const BETWEEN_BLOCKS: &str = "\n\n";

/// Text as given, and anything else as the protocol writes it.
impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Blocks(blocks) => match (text_of(blocks), blocks.as_slice()) {
                (Some(text), _) => serializer.serialize_str(&text),
                (None, [block]) => block.parts.serialize(serializer),
                (None, blocks) => blocks.serialize(serializer),
            },
            Self::Id(id) => serializer.serialize_str(id),
            Self::Count(count) => serializer.serialize_u64(u64::try_from(*count).unwrap_or(u64::MAX)),
        }
    }
}

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = if self.kind == Kind::Message { "messageId" } else { "artifactId" };
        let mut block = serializer.serialize_map(Some(2))?;
        block.serialize_entry(name, self.id)?;
        block.serialize_entry("parts", self.parts)?;
        block.end()
    }
}

impl<'a> Content<'a> {
    pub(super) fn message(message: &'a Message) -> Self {
        Self::Blocks(vec![Block::of_message(message)])
    }

    /// The result of a task: its artifacts, or else the message of its status.
    pub(super) fn result(task: &'a Task) -> Self {
        let mut blocks: Vec<_> = Block::stored(task).collect();
        if blocks.is_empty() {
            blocks.extend(task.status.message.as_ref().map(Block::of_message));
        }
        Self::Blocks(blocks)
    }

    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    pub(super) fn is_text(&self) -> bool {
        match self {
            Self::Blocks(blocks) => parts_of(blocks).all(|part| part.as_text().is_some()),
            Self::Nothing | Self::Id(_) | Self::Count(_) => true,
        }
    }
}

impl<'a> Block<'a> {
    pub(super) fn of_message(message: &'a Message) -> Self {
        Self { kind: Kind::Message, id: &message.message_id, parts: &message.parts }
    }

    pub(super) fn of_artifact(artifact: &'a Artifact) -> Self {
        Self { kind: Kind::Artifact, id: &artifact.artifact_id, parts: &artifact.parts }
    }

    /// The artifacts of a whole task.
    pub(super) fn stored(task: &'a Task) -> impl Iterator<Item = Self> {
        let made = task.artifacts.iter().flatten().filter(|artifact| !artifact.parts.is_empty());
        made.map(|artifact| Self { kind: Kind::StoredArtifact, ..Self::of_artifact(artifact) })
    }

    /// What separates a part from the text before it, which is of the same block or of another.
    fn separator(&self, text: &str, next: &str, is_first: bool) -> &'static str {
        let is_spaced = || text.ends_with(char::is_whitespace) || next.starts_with(char::is_whitespace);
        let separator = if is_first { BETWEEN_BLOCKS } else { BETWEEN_PARTS };
        let is_piece = !is_first && self.kind == Kind::StoredArtifact && is_spaced();
        if text.is_empty() || text.ends_with(separator) || is_piece { "" } else { separator }
    }
}

pub(super) fn parts_of<'a>(blocks: &[Block<'a>]) -> impl Iterator<Item = &'a Part> {
    blocks.iter().flat_map(|block| block.parts)
}

/// Returns the text of blocks that contain only text.
fn text_of(blocks: &[Block<'_>]) -> Option<String> {
    let mut text = String::new();
    for block in blocks {
        let mut is_first = true;
        for part in block.parts {
            let next = part.as_text()?;
            if !next.is_empty() {
                text.push_str(block.separator(&text, next, is_first));
                text.push_str(next);
                is_first = false;
            }
        }
    }
    Some(text)
}

/// Returns why a task failed: the text of a status message, or else its data.
pub(super) fn reason(message: &Message) -> Option<String> {
    let apart = |parts: Vec<String>| Some(parts.join(BETWEEN_PARTS)).filter(|text| !text.is_empty());
    let texts = message.parts.iter().filter_map(Part::as_text).filter(|text| !text.is_empty());
    apart(texts.map(str::to_owned).collect()).or_else(|| {
        let data = message.parts.iter().filter_map(|part| match &part.content {
            PartContent::Data(data) => Some(data.to_string()),
            PartContent::Text(_) | PartContent::Raw(_) | PartContent::Url(_) => None,
        });
        apart(data.collect())
    })
}

/// Returns what the agent has said since the caller's last message, in order, without the message of its last status.
pub(super) fn said_before(task: &Task) -> &[Message] {
    let history = task.history.as_deref().unwrap_or_default();
    let answers = history.iter().rposition(|message| message.role != Role::Agent).map_or(0, |last| last + 1);
    &history[answers..]
}
