//! One example of a dataset.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::DatasetError;
use super::canonical::canonical;

/// The key under which Phoenix has an input that is no object.
pub(crate) const INPUT_KEY: &str = "input";
/// The key under which Phoenix has an expected output that is no object.
pub(crate) const OUTPUT_KEY: &str = "output";

/// Examples, each with its line in a file.
pub(super) type Rows = Vec<(usize, Example)>;

/// One example: an input, what is expected of it, and what is known about it.
///
/// Two examples are equal if their ids and contents are.
///
/// ```
/// use a2a_otel::evaluation::Example;
///
/// let example = Example::new(serde_json::json!({"question": "How tall is the lamp?"}))
///     .with_expected("40 cm")
///     .with_metadata("difficulty", 1)
///     .in_split("train");
/// assert_eq!(example.input()["question"], "How tall is the lamp?");
/// assert!(example.id().starts_with("example-"), "an id is made of the content if none is given");
/// ```
#[derive(Clone, Debug)]
pub struct Example {
    id: String,
    /// Whether the id was made of the content, so that it follows the content.
    has_made_id: bool,
    input: Value,
    expected: Value,
    metadata: Map<String, Value>,
    splits: Vec<String>,
    span_id: Option<String>,
    /// Phoenix's own id, which runs of experiments are posted with.
    node_id: Option<String>,
}

impl PartialEq for Example {
    fn eq(&self, other: &Self) -> bool {
        let content = |example: &Self| {
            let Self { id, input, expected, metadata, splits, span_id, .. } = example;
            (id.clone(), input.clone(), expected.clone(), metadata.clone(), splits.clone(), span_id.clone())
        };
        content(self) == content(other)
    }
}

impl Example {
    /// Creates an example with this input: anything that can be serialised.
    ///
    /// # Panics
    ///
    /// If the input cannot be serialised to JSON, such as a map whose keys are no texts.
    #[track_caller]
    #[must_use]
    pub fn new(input: impl Serialize) -> Self {
        let example = Example {
            id: String::new(),
            has_made_id: true,
            input: to_json("input", input),
            expected: Value::Null,
            metadata: Map::new(),
            splits: Vec::new(),
            span_id: None,
            node_id: None,
        };
        example.identified()
    }

    /// Sets the id, by which Phoenix and later versions of a dataset recognise the example. The default is made of the
    /// input, the expected output and the metadata; equal examples of a dataset are numbered.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self.has_made_id = false;
        self
    }

    /// Sets the expected output: anything that can be serialised. `None` and `()` mean that nothing is expected.
    ///
    /// # Panics
    ///
    /// If it cannot be serialised to JSON.
    #[track_caller]
    #[must_use]
    pub fn with_expected(mut self, expected: impl Serialize) -> Self {
        self.expected = to_json("expected output", expected);
        self.identified()
    }

    /// Adds a fact about the example, by which results can be grouped.
    ///
    /// # Panics
    ///
    /// If the value cannot be serialised to JSON.
    #[track_caller]
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.metadata.insert(key.into(), to_json("metadata", value));
        self.identified()
    }

    /// Puts the example into a split of its dataset, such as `train` or `hard`. It may be in several.
    #[must_use]
    pub fn in_split(mut self, split: impl Into<String>) -> Self {
        let split = split.into();
        if !self.splits.contains(&split) {
            self.splits.push(split);
        }
        self
    }

    /// Links the example to the span that it was made of: 16 hexadecimal digits.
    #[must_use]
    pub fn with_span_id(mut self, span_id: impl Into<String>) -> Self {
        self.span_id = Some(span_id.into());
        self
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the input.
    #[must_use]
    pub fn input(&self) -> &Value {
        &self.input
    }

    /// Returns what is expected, or null if nothing is.
    #[must_use]
    pub fn expected(&self) -> &Value {
        &self.expected
    }

    /// Returns what is known about the example.
    #[must_use]
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// Returns the splits that the example is in.
    #[must_use]
    pub fn splits(&self) -> &[String] {
        &self.splits
    }

    /// Returns the span that the example was made of.
    #[must_use]
    pub fn span_id(&self) -> Option<&str> {
        self.span_id.as_deref()
    }

    /// Reads the input as a type.
    ///
    /// Phoenix has only objects: an input that is a text comes back from there as a text, and so does an object whose only
    /// key is `input`. A type may therefore have either form.
    ///
    /// # Errors
    ///
    /// If the input does not have the type's form.
    ///
    /// ```
    /// use a2a_otel::evaluation::{DatasetError, Example};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Question {
    ///     question: String,
    /// }
    ///
    /// let example = Example::new(serde_json::json!({"question": "How tall is the lamp?"}));
    /// let input: Question = example.parse_input()?;
    /// assert_eq!(input.question, "How tall is the lamp?");
    /// # Ok::<(), DatasetError>(())
    /// ```
    pub fn parse_input<T: DeserializeOwned>(&self) -> Result<T, DatasetError> {
        self.parse(INPUT_KEY, &self.input)
    }

    /// Reads what is expected as a type, as [`parse_input`](Self::parse_input) does.
    ///
    /// # Errors
    ///
    /// If it does not have the type's form.
    pub fn parse_expected<T: DeserializeOwned>(&self) -> Result<T, DatasetError> {
        self.parse(OUTPUT_KEY, &self.expected)
    }

    fn parse<T: DeserializeOwned>(&self, key: &'static str, value: &Value) -> Result<T, DatasetError> {
        let error = match serde_json::from_value(value.clone()) {
            Ok(parsed) => return Ok(parsed),
            Err(error) => error,
        };
        let other_form = match value {
            Value::Object(object) if object.len() == 1 => object.get(key).cloned(),
            Value::Object(_) => None,
            value => Some(Value::Object(Map::from_iter([(key.to_owned(), value.clone())]))),
        };
        let parsed = other_form.and_then(|form| serde_json::from_value(form).ok());
        parsed.ok_or_else(|| DatasetError::Form {
            id: self.id.clone(),
            what: if key == INPUT_KEY { "input" } else { "expected output" },
            type_name: std::any::type_name::<T>(),
            reason: error.to_string(),
        })
    }

    /// Gives the example the id of its content, unless it has one of its own.
    fn identified(mut self) -> Self {
        if self.has_made_id {
            self.id = id_of(&self.input, &self.expected, &self.metadata);
        }
        self
    }

    pub(super) fn has_made_id(&self) -> bool {
        self.has_made_id
    }

    /// Gives the example this number among its equals.
    pub(super) fn numbered(mut self, number: usize) -> Self {
        self.id = format!("{}-{number}", self.id);
        self
    }

    pub(crate) fn with_all_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.metadata = metadata;
        self.identified()
    }

    /// Takes input and expected output of another example.
    pub(crate) fn with_values_of(self, other: &Self) -> Self {
        Example { input: other.input.clone(), expected: other.expected.clone(), ..self }
    }

    pub(crate) fn without_splits(self) -> Self {
        Example { splits: Vec::new(), ..self }
    }

    /// Tells apart examples that have the same id and another content.
    pub(crate) fn content_hash(&self) -> String {
        content_hash(&self.input, &self.expected, &self.metadata)
    }

    pub(crate) fn with_node_id(mut self, node_id: impl Into<String>) -> Self {
        self.node_id = Some(node_id.into());
        self
    }

    /// Phoenix's own id, if the example has come from there.
    pub(crate) fn node_id(&self) -> Option<&str> {
        self.node_id.as_deref()
    }
}

#[track_caller]
fn to_json(what: &str, value: impl Serialize) -> Value {
    match serde_json::to_value(value) {
        Ok(value) => value,
        Err(error) => panic!("the {what} of an example cannot be JSON: {error}"),
    }
}

/// Makes an id of the content. It stays as it is if keys change their order.
fn id_of(input: &Value, expected: &Value, metadata: &Map<String, Value>) -> String {
    format!("example-{}", content_hash(input, expected, metadata))
}

fn content_hash(input: &Value, expected: &Value, metadata: &Map<String, Value>) -> String {
    let parts = [input, expected, &Value::Object(metadata.clone())];
    short_hash(&parts.map(|part| canonical(part) + "\n").concat())
}

/// The first eight bytes of a hash: they tell more texts apart than anything here has.
pub(crate) fn short_hash(text: &str) -> String {
    let hash = Sha256::digest(text);
    let hash = hash.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default();
    format!("{hash:016x}")
}
