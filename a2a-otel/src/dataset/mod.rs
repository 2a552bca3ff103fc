//! Examples that an agent is tried on, in files and in code.

mod canonical;
mod columns;
mod csv;
mod error;
mod example;
mod json;
mod read;

use std::collections::HashMap;

pub use self::columns::Columns;
pub use self::error::DatasetError;
pub use self::example::Example;
pub(crate) use self::example::short_hash;
pub(crate) use self::example::{INPUT_KEY, OUTPUT_KEY};

/// Examples with a name.
///
/// Two datasets are equal if their names, descriptions and examples are.
///
/// ```
/// use a2a_otel::evaluation::{Dataset, Example};
///
/// let dataset = Dataset::new("lamps")
///     .with_description("What customers ask about lamps.")
///     .with_example(Example::new("How tall is it?").with_expected("40 cm"))
///     .with_example(Example::new("How heavy is it?").in_split("hard"));
/// assert_eq!(dataset.len(), 2);
/// assert_eq!(dataset.in_split("hard").examples()[0].input(), "How heavy is it?");
/// ```
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    description: String,
    examples: Vec<Example>,
    /// The ids, each with the last number that was tried for an equal example.
    numbers: HashMap<String, usize>,
    stored: Option<Stored>,
}

/// Where Phoenix has a dataset.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) dataset_id: String,
    pub(crate) version_id: String,
}

impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.description, &self.examples) == (&other.name, &other.description, &other.examples)
    }
}

impl Dataset {
    /// Creates a dataset without examples.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Dataset {
            name: name.into(),
            description: String::new(),
            examples: Vec::new(),
            numbers: HashMap::new(),
            stored: None,
        }
    }

    /// Sets the description. Phoenix keeps that of the first upload.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds an example. Equal examples without ids of their own are told apart by numbers: the second gets an id that ends
    /// in `-2`.
    #[must_use]
    pub fn with_example(mut self, example: Example) -> Self {
        self.add(example);
        self
    }

    /// Adds several examples, as [`with_example`](Self::with_example) does.
    #[must_use]
    pub fn with_examples(mut self, examples: impl IntoIterator<Item = Example>) -> Self {
        examples.into_iter().for_each(|example| self.add(example));
        self
    }

    fn add(&mut self, example: Example) {
        let example = if example.has_made_id() { self.told_apart(example) } else { example };
        self.numbers.entry(example.id().to_owned()).or_insert(1);
        self.examples.push(example);
    }

    /// Numbers an example if there is an equal one.
    fn told_apart(&mut self, example: Example) -> Example {
        let Some(mut number) = self.numbers.get(example.id()).copied() else { return example };
        loop {
            number += 1;
            let numbered = example.clone().numbered(number);
            if !self.numbers.contains_key(numbered.id()) {
                self.numbers.insert(example.id().to_owned(), number);
                return numbered;
            }
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the description, or an empty text.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the examples.
    #[must_use]
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Returns the example with this id.
    #[must_use]
    pub fn example(&self, id: &str) -> Option<&Example> {
        self.examples.iter().find(|example| example.id() == id)
    }

    /// Returns the number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Returns whether there are no examples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// Returns the version in Phoenix, if the dataset has come from there.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.stored.as_ref().map(|stored| stored.version_id.as_str())
    }

    /// Returns the examples of a split.
    #[must_use]
    pub fn in_split(&self, split: &str) -> Self {
        self.only(|example| example.splits().iter().any(|name| name == split))
    }

    /// Returns the first examples, at most so many.
    #[must_use]
    pub fn take(&self, most: usize) -> Self {
        Dataset { examples: self.examples.iter().take(most).cloned().collect(), ..self.clone() }
    }

    fn only(&self, is_wanted: impl Fn(&Example) -> bool) -> Self {
        let examples = self.examples.iter().filter(|example| is_wanted(example)).cloned().collect();
        Dataset { examples, ..self.clone() }
    }

    /// Replaces each example.
    pub(crate) fn map(self, change: impl FnMut(Example) -> Example) -> Self {
        Dataset { examples: self.examples.into_iter().map(change).collect(), ..self }
    }

    /// Checks that each example has an id of its own.
    ///
    /// # Errors
    ///
    /// If two examples have one id. The error names them.
    ///
    /// ```
    /// use a2a_otel::evaluation::{Dataset, Example};
    ///
    /// let dataset = Dataset::new("lamps")
    ///     .with_example(Example::new(1).with_id("a"))
    ///     .with_example(Example::new(2).with_id("a"));
    /// let expected = "lamps: example 1 and example 2 have the id `a`; give each an id of its own, or leave the ids out";
    /// assert_eq!(dataset.check().unwrap_err().to_string(), expected);
    /// ```
    pub fn check(&self) -> Result<(), DatasetError> {
        self.check_ids(&self.name, |at| format!("example {}", at + 1))
    }

    fn check_ids(&self, file: &str, place: impl Fn(usize) -> String) -> Result<(), DatasetError> {
        let mut seen = HashMap::new();
        for (at, example) in self.examples.iter().enumerate() {
            if let Some(first) = seen.insert(example.id(), at) {
                return Err(DatasetError::DuplicateId {
                    file: file.to_owned(),
                    id: example.id().to_owned(),
                    first: place(first),
                    second: place(at),
                });
            }
        }
        Ok(())
    }

    pub(crate) fn stored_at(mut self, dataset_id: impl Into<String>, version_id: impl Into<String>) -> Self {
        self.stored = Some(Stored { dataset_id: dataset_id.into(), version_id: version_id.into() });
        self
    }

    /// Where Phoenix has the dataset, if it has come from there.
    pub(crate) fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }
}
