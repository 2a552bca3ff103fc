//! What a recording holds of a call, and how the test kit answers calls from it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::capture::Encoded;

/// What a call is answered with.
#[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only the test kit answers"))]
pub(crate) enum Answer {
    /// The call returned this, with the items of a stream if they were recorded one by one.
    Output(Recorded, Option<Vec<RecordedItem>>),
    /// The call failed with this message.
    Failed(String),
    /// There is no answer, and the call is to panic with this message.
    Missing(String),
}

/// A recorded output.
pub(crate) struct Recorded {
    /// `None` if there was none, as of a function that returns nothing.
    pub(crate) text: Option<String>,
    /// Whether it was recorded as JSON.
    pub(crate) is_json: bool,
}

/// The longest excerpt of a recorded output in a message, in characters.
const LONGEST_EXCERPT: usize = 300;

impl Recorded {
    /// Reads the output as a type. A text may be the value itself, or the JSON of it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let Some(text) = &self.text else { return serde_json::from_value(Value::Null) };
        let itself = || serde_json::from_value(Value::String(text.clone()));
        // Numbers and truth values are recorded as texts, and a text may look like one: a text only reads as itself.
        let parsed = serde_json::from_str(text);
        if self.is_json {
            parsed.or_else(|error| itself().map_err(|_| error))
        } else {
            parsed.or_else(|_| itself())
        }
    }

    /// The items of a stream that were not recorded one by one: the output has them as a list, or joined.
    pub(super) fn into_items(self) -> Vec<RecordedItem> {
        let Self { text, is_json } = self;
        let Some(text) = text else { return Vec::new() };
        match serde_json::from_str(&text) {
            Ok(Value::Array(list)) if is_json => list.into_iter().map(listed).collect(),
            _ => vec![RecordedItem::text(text, is_json)],
        }
    }
}

/// The beginning of a recorded output.
pub(super) fn excerpt(text: Option<&str>) -> String {
    let text = text.unwrap_or("nothing");
    let mut excerpt: String = text.chars().take(LONGEST_EXCERPT).collect();
    excerpt.push_str(if excerpt.len() < text.len() { "…" } else { "" });
    excerpt
}

/// An item as it was recorded.
pub(crate) enum RecordedItem {
    /// A value.
    Value(Recorded),
    /// An error with this message.
    Failed(String),
}

/// What each form of an item begins with in the attribute that holds the items.
mod forms {
    pub(super) const JSON: &str = "json:";
    pub(super) const TEXT: &str = "text:";
    pub(super) const ERROR: &str = "error:";
}

impl RecordedItem {
    pub(super) fn value(encoded: Option<Encoded>) -> Self {
        let is_json = encoded.as_ref().is_some_and(|encoded| encoded.structured);
        Self::Value(Recorded { text: encoded.map(|encoded| encoded.text), is_json })
    }

    fn text(text: String, is_json: bool) -> Self {
        Self::value(Some(Encoded { text, structured: is_json }))
    }

    /// The text that an attribute holds.
    pub(super) fn write(&self) -> String {
        let (form, text) = match self {
            Self::Value(Recorded { text: None, .. }) => (forms::JSON, "null"),
            Self::Value(Recorded { text: Some(text), is_json: true, .. }) => (forms::JSON, &**text),
            Self::Value(Recorded { text: Some(text), .. }) => (forms::TEXT, &**text),
            Self::Failed(message) => (forms::ERROR, &**message),
        };
        [form, text].concat()
    }

    /// Reads the text of an attribute.
    #[cfg(feature = "testing")]
    pub(crate) fn read(text: &str) -> Self {
        let value = |prefix, is_json| Some(Self::text(text.strip_prefix(prefix)?.to_owned(), is_json));
        let failed = || Some(Self::Failed(text.strip_prefix(forms::ERROR)?.to_owned()));
        let known = value(forms::JSON, true).or_else(|| value(forms::TEXT, false)).or_else(failed);
        known.unwrap_or_else(|| Self::text(text.to_owned(), false))
    }
}

fn listed(value: Value) -> RecordedItem {
    match value {
        Value::String(text) => RecordedItem::text(text, false),
        value => RecordedItem::text(value.to_string(), true),
    }
}

#[cfg(feature = "testing")]
pub(super) use self::asking::ask;
#[cfg(feature = "testing")]
pub(crate) use self::asking::{CallRequest, Replayer, is_active, register_keeper, register_replayer};

#[cfg(not(feature = "testing"))]
#[inline]
pub(super) const fn ask(_: &'static str) -> Option<Answer> {
    None
}

/// Whether the items of streams are recorded one by one, so that they can answer later calls.
#[inline]
pub(super) fn keeps_items() -> bool {
    #[cfg(feature = "testing")]
    return asking::keeps_items();
    #[cfg(not(feature = "testing"))]
    false
}

/// How the test kit answers.
#[cfg(feature = "testing")]
mod asking {
    use std::sync::{Arc, OnceLock};

    use opentelemetry::Context;

    use super::Answer;
    use crate::privacy;

    /// A call that may be answered from a recording. The context of each recorded call has it.
    pub(crate) struct CallRequest {
        /// The site's name, which is the span's name unless that is only known at run time.
        pub(crate) site: &'static str,
        pub(crate) kind: &'static str,
        pub(crate) name: String,
        pub(crate) input: Option<String>,
        /// The call around it.
        pub(crate) outer: Option<Arc<CallRequest>>,
    }

    /// What answers calls.
    pub(crate) struct Replayer {
        /// Whether calls are answered anywhere.
        pub(crate) is_active: fn() -> bool,
        /// Answers a call of this site in this context, whose request is `None` if the call is not recorded. `None` lets
        /// the body run.
        pub(crate) answer: fn(&Context, &'static str, Option<&Arc<CallRequest>>) -> Option<Answer>,
    }

    static REPLAYER: OnceLock<Replayer> = OnceLock::new();

    static KEEPER: OnceLock<fn() -> bool> = OnceLock::new();

    /// Registers what says whether the items of streams are recorded one by one.
    pub(crate) fn register_keeper(keeps: fn() -> bool) {
        let _ = KEEPER.set(keeps);
    }

    pub(super) fn keeps_items() -> bool {
        KEEPER.get().is_some_and(|keeps| keeps()) && !privacy::is_hiding()
    }

    /// Registers what answers calls. Only the first one of a process counts.
    pub(crate) fn register_replayer(replayer: Replayer) {
        let _ = REPLAYER.set(replayer);
    }

    /// Whether calls are answered anywhere, so that their requests are kept.
    pub(crate) fn is_active() -> bool {
        REPLAYER.get().is_some_and(|replayer| (replayer.is_active)())
    }

    pub(in crate::span) fn ask(site: &'static str) -> Option<Answer> {
        let replayer = REPLAYER.get().filter(|replayer| (replayer.is_active)())?;
        let context = Context::current();
        let request = context.get::<Arc<CallRequest>>().filter(|request| request.site == site);
        (replayer.answer)(&context, site, request)
    }
}
