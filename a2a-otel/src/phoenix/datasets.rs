//! Datasets in Phoenix.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Client, data};
use super::{Answer, PhoenixError};
use crate::dataset::{Dataset, DatasetError, Example, INPUT_KEY, OUTPUT_KEY};
use crate::percent::encode;

/// A version of a dataset in Phoenix: each upload that changes something makes one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DatasetVersion {
    /// Its id, which [`Client::dataset_version`] takes.
    #[serde(rename = "version_id")]
    pub id: String,
    /// When it was made, as Phoenix writes it: a time of RFC 3339, to the second.
    pub created_at: String,
}

/// A dataset, as the list of datasets has it.
#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Contents {
    version_id: String,
    examples: Vec<StoredExample>,
}

#[derive(Deserialize)]
struct StoredExample {
    id: String,
    node_id: String,
    input: Map<String, Value>,
    output: Map<String, Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
    source: Option<Source>,
}

/// The span that an example was made of.
#[derive(Deserialize)]
struct Source {
    span_id: Option<String>,
}

#[derive(Deserialize)]
struct SplitsOfExample {
    node_id: String,
    splits: Vec<String>,
}

#[derive(Deserialize)]
struct Uploaded {
    dataset_id: String,
}

impl Client {
    /// Returns the newest version of a dataset, or `None` if Phoenix has none of that name.
    ///
    /// Phoenix has only objects: an input of another kind is there under the key `input`, an expected output under
    /// `output`, and both come back as they were. So an object whose only key is that one, with a value that is no object,
    /// comes back as the value.
    ///
    /// # Errors
    ///
    /// If Phoenix does not answer, or refuses.
    ///
    /// ```no_run
    /// use a2a_otel::phoenix::{Client, PhoenixError};
    ///
    /// let dataset = Client::from_env()?.dataset("lamps")?.expect("it was uploaded");
    /// println!("version {:?} has {} examples", dataset.version(), dataset.len());
    /// # Ok::<(), PhoenixError>(())
    /// ```
    pub fn dataset(&self, name: &str) -> Result<Option<Dataset>, PhoenixError> {
        let Some(listed) = self.listed(name)? else { return Ok(None) };
        self.contents(&listed, None).map(Some)
    }

    /// Returns a version of a dataset, or `None` if Phoenix has no dataset of that name, or not that version.
    ///
    /// # Errors
    ///
    /// If Phoenix does not answer, or refuses.
    pub fn dataset_version(&self, name: &str, version_id: &str) -> Result<Option<Dataset>, PhoenixError> {
        let Some(listed) = self.listed(name)? else { return Ok(None) };
        match self.contents(&listed, Some(version_id)) {
            Ok(dataset) => Ok(Some(dataset)),
            Err(PhoenixError::Rejected { status: 404 | 422, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the versions of a dataset, the newest first; none if Phoenix has no dataset of that name.
    ///
    /// # Errors
    ///
    /// If Phoenix does not answer, or refuses.
    pub fn dataset_versions(&self, name: &str) -> Result<Vec<DatasetVersion>, PhoenixError> {
        let Some(Listed { id, .. }) = self.listed(name)? else { return Ok(Vec::new()) };
        self.all(&format!("/v1/datasets/{}/versions?limit=100", encode(&id)), usize::MAX)
    }

    /// Adds the examples to the dataset of the same name in Phoenix, which is created if there is none, and returns the
    /// whole dataset as Phoenix then has it, with its version.
    ///
    /// An example whose id Phoenix has already replaces that one, if its content differs; it leaves the splits as they are
    /// if no example of this dataset is in any. Examples that only Phoenix has stay. An upload that changes nothing makes no
    /// version. Phoenix links an example to its span if it has the span at this moment.
    ///
    /// # Errors
    ///
    /// If two examples have one id, there is no example, Phoenix has other columns (see
    /// [`upload_with_other_columns`](Self::upload_with_other_columns)), does not answer or refuses.
    ///
    /// ```no_run
    /// use a2a_otel::evaluation::Dataset;
    /// use a2a_otel::phoenix::Client;
    ///
    /// let stored = Client::from_env()?.upload(&Dataset::read("evaluation/lamps.jsonl")?)?;
    /// println!("Phoenix has {} examples", stored.len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upload(&self, dataset: &Dataset) -> Result<Dataset, PhoenixError> {
        let stored = self.dataset(dataset.name())?;
        if let Some(difference) = stored.as_ref().and_then(|stored| other_columns(stored, dataset)) {
            return Err(PhoenixError::OtherColumns { dataset: dataset.name().to_owned(), difference });
        }
        self.append(dataset, stored.as_ref())
    }

    /// Adds the examples to a dataset in Phoenix as [`upload`](Self::upload) does, even if the inputs or the expected
    /// outputs of the examples there have other keys.
    ///
    /// # Errors
    ///
    /// As [`upload`](Self::upload), except for other columns.
    pub fn upload_with_other_columns(&self, dataset: &Dataset) -> Result<Dataset, PhoenixError> {
        self.append(dataset, self.dataset(dataset.name())?.as_ref())
    }

    fn append(&self, dataset: &Dataset, stored: Option<&Dataset>) -> Result<Dataset, PhoenixError> {
        dataset.check()?;
        if dataset.is_empty() {
            let advice = "add one before it is uploaded";
            return Err(DatasetError::Empty { file: dataset.name().to_owned(), advice }.into());
        }
        // Not `update`, which deletes what is not sent.
        let uploaded: Answer<Uploaded> =
            self.post_large("/v1/datasets/upload?sync=true", body(dataset, stored))?;
        let listed = Listed {
            id: uploaded.data.dataset_id,
            name: dataset.name().to_owned(),
            description: self.listed(dataset.name())?.and_then(|listed| listed.description),
        };
        // The version that the answer names is the oldest if nothing has changed within the same second.
        let stored = self.contents(&listed, None)?;
        Ok(stored.with_forms_of(dataset))
    }

    /// Returns the page of a dataset, for people, or `None` if the dataset has not come from Phoenix.
    #[must_use]
    pub fn dataset_url(&self, dataset: &Dataset) -> Option<String> {
        let stored = dataset.stored()?;
        Some(self.page(&format!("/datasets/{}/examples", encode(&stored.dataset_id))))
    }

    fn listed(&self, name: &str) -> Result<Option<Listed>, PhoenixError> {
        let found: Answer<Vec<Listed>> = self.get(&format!("/v1/datasets?limit=1&name={}", encode(name)))?;
        // Without a name, Phoenix lists any.
        Ok(data(found).into_iter().find(|listed| listed.name == name))
    }

    fn contents(&self, listed: &Listed, version_id: Option<&str>) -> Result<Dataset, PhoenixError> {
        let path = format!("/v1/datasets/{}", encode(&listed.id));
        let version = version_id.map(|id| format!("?version_id={}", encode(id))).unwrap_or_default();
        let contents: Answer<Contents> = self.get(&format!("{path}/examples{version}"))?;
        let Contents { version_id, examples } = contents.data;
        let mut splits = self.splits(&path, &version_id)?;
        let examples = examples.into_iter().map(|stored| {
            let splits = splits.remove(&stored.node_id).unwrap_or_default();
            splits.into_iter().fold(Example::from(stored), Example::in_split)
        });
        let dataset = Dataset::new(&listed.name)
            .with_description(listed.description.clone().unwrap_or_default())
            .with_examples(examples);
        Ok(dataset.stored_at(&listed.id, version_id))
    }

    /// Returns the splits of each example. Only the file that people can download has them.
    fn splits(&self, path: &str, version_id: &str) -> Result<HashMap<String, Vec<String>>, PhoenixError> {
        let file = self.text(&format!("{path}/jsonl?version_id={}", encode(version_id)))?;
        let lines = file.lines().filter(|line| !line.trim().is_empty());
        let splits = lines.map(|line| {
            let read: Result<SplitsOfExample, _> = serde_json::from_str(line);
            read.map(|read| (read.node_id, read.splits))
                .map_err(|error| PhoenixError::Unreadable(error.to_string()))
        });
        splits.collect()
    }
}

impl From<StoredExample> for Example {
    fn from(stored: StoredExample) -> Self {
        let StoredExample { id, node_id, input, output, metadata, source } = stored;
        let expected = if output.is_empty() { Value::Null } else { unwrapped(output, OUTPUT_KEY) };
        let example = Example::new(unwrapped(input, INPUT_KEY))
            .with_expected(expected)
            .with_all_metadata(metadata)
            .with_id(id)
            .with_node_id(node_id);
        let span_id = source.and_then(|source| source.span_id);
        span_id.into_iter().fold(example, Example::with_span_id)
    }
}

/// Makes an object of a value, because Phoenix takes nothing else.
fn wrapped(value: &Value, key: &str) -> Map<String, Value> {
    match value {
        Value::Object(object) => object.clone(),
        value => Map::from_iter([(key.to_owned(), value.clone())]),
    }
}

fn wrapped_expected(expected: &Value) -> Map<String, Value> {
    if expected.is_null() { Map::new() } else { wrapped(expected, OUTPUT_KEY) }
}

/// Returns the value that was made an object of. A value that is an object needed none.
fn unwrapped(mut object: Map<String, Value>, key: &str) -> Value {
    let is_wrapped = object.len() == 1 && object.get(key).is_some_and(|value| !value.is_object());
    let value = if is_wrapped { object.remove(key) } else { None };
    value.unwrap_or(Value::Object(object))
}

/// The request that adds the examples. An example without splits keeps those that people have given it in Phoenix.
fn body(dataset: &Dataset, stored: Option<&Dataset>) -> Value {
    let examples = dataset.examples();
    let list = |of: &dyn Fn(&Example) -> Value| examples.iter().map(of).collect::<Value>();
    let mut body = json!({
        "action": "append",
        "name": dataset.name(),
        "description": dataset.description(),
        "inputs": list(&|example| wrapped(example.input(), INPUT_KEY).into()),
        "outputs": list(&|example| wrapped_expected(example.expected()).into()),
        "metadata": list(&|example| example.metadata().clone().into()),
        "example_ids": list(&|example| example.id().into()),
    });
    // Phoenix leaves the splits as they are if it gets none.
    if examples.iter().any(|example| !example.splits().is_empty()) {
        body["splits"] = list(&|example| json!(splits_of(example, stored)));
    }
    if examples.iter().any(|example| example.span_id().is_some()) {
        body["span_ids"] = list(&|example| json!(example.span_id()));
    }
    body
}

fn splits_of<'a>(example: &'a Example, stored: Option<&'a Dataset>) -> &'a [String] {
    let known = || stored.and_then(|stored| stored.example(example.id())).map_or(&[][..], Example::splits);
    if example.splits().is_empty() { known() } else { example.splits() }
}

impl Dataset {
    /// Gives examples the values that this dataset has for them, where Phoenix has the same in its own form.
    fn with_forms_of(self, sent: &Dataset) -> Self {
        let sent: HashMap<_, _> = sent.examples().iter().map(|example| (example.id(), example)).collect();
        self.map(|stored| match sent.get(stored.id()) {
            Some(sent) if is_same(sent, &stored) => {
                let splits = sent.splits().iter().cloned();
                let all = splits.chain(stored.splits().iter().cloned());
                let changed = stored.clone().with_values_of(sent).without_splits();
                all.fold(changed, Example::in_split)
            }
            _ => stored,
        })
    }
}

/// Whether Phoenix has two examples in the same form.
fn is_same(one: &Example, other: &Example) -> bool {
    wrapped(one.input(), INPUT_KEY) == wrapped(other.input(), INPUT_KEY)
        && wrapped_expected(one.expected()) == wrapped_expected(other.expected())
        && one.splits().iter().all(|split| other.splits().contains(split))
}

/// A part of an example, as Phoenix has it.
type Keyed = fn(&Example) -> Map<String, Value>;

/// Says in which keys the inputs or expected outputs of two datasets differ, if they do.
fn other_columns(stored: &Dataset, new: &Dataset) -> Option<String> {
    let input: Keyed = |example| wrapped(example.input(), INPUT_KEY);
    let expected: Keyed = |example| wrapped_expected(example.expected());
    let parts = [("input", input), ("expected output", expected)];
    let differences: Vec<_> = parts
        .into_iter()
        .filter_map(|(part, keys)| {
            let (stored, new) = (keys_of(stored, keys), keys_of(new, keys));
            difference(&stored, &new).map(|difference| format!("the {part} {difference}"))
        })
        .collect();
    (!differences.is_empty()).then(|| differences.join("; "))
}

/// The keys of each example that has any.
fn keys_of(dataset: &Dataset, of: Keyed) -> Vec<BTreeSet<String>> {
    let keys = dataset.examples().iter().map(|example| of(example).into_iter().map(|(key, _)| key).collect());
    keys.filter(|keys: &BTreeSet<String>| !keys.is_empty()).collect()
}

/// A key differs if no stored example has it, or if all have it and no new one does.
fn difference(stored: &[BTreeSet<String>], new: &[BTreeSet<String>]) -> Option<String> {
    if stored.is_empty() || new.is_empty() {
        return None;
    }
    let any = |examples: &[BTreeSet<String>]| examples.iter().flatten().cloned().collect::<BTreeSet<_>>();
    let (any_stored, any_new) = (any(stored), any(new));
    let added: Vec<_> = any_new.difference(&any_stored).map(|key| format!("`{key}`")).collect();
    let is_everywhere = |key: &&String| stored.iter().all(|keys| keys.contains(*key));
    let lacking = any_stored.difference(&any_new).filter(is_everywhere);
    let lacking: Vec<_> = lacking.map(|key| format!("`{key}`")).collect();
    let added = (!added.is_empty()).then(|| format!("has {}, which no example there has", added.join(", ")));
    let lacking =
        (!lacking.is_empty()).then(|| format!("lacks {}, which all there have", lacking.join(", ")));
    let both: Vec<_> = added.into_iter().chain(lacking).collect();
    (!both.is_empty()).then(|| both.join(", and "))
}
