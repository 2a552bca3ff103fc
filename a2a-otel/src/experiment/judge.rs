//! A model as a judge.

use std::error::Error;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use super::evaluator::{Evaluator, IntoEvaluator};
use super::run::{Run, text};
use super::verdict::{Verdict, causes};
use crate::annotation::AnnotatorKind;

type Asking = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// How often a model is asked again after an answer that cannot be read.
const RETRIES: usize = 2;

/// A model that reads each answer and chooses one of some labels.
///
/// The model is any async function from the prompt to the model's text, such as one of `#[llm_call]`, whose span is then below
/// the judge's. In the criterion, `{input}`, `{output}` and `{expected}` stand for those of the run; without any of them, all
/// three follow it. The judge is asked for JSON with an explanation and a label, and again if its answer cannot be read.
///
/// ```
/// use a2a_otel::evaluation::{Experiment, Judge};
/// use a2a_otel::llm_call;
///
/// #[llm_call(model = "gpt-4o", provider = "openai", input = prompt)]
/// async fn complete(prompt: String) -> Result<String, std::io::Error> {
///     // ... asks the model ...
///     Ok(r#"{"explanation": "It names a lamp.", "label": "helpful"}"#.to_owned())
/// }
///
/// let helpful = Judge::new("helpful", "Does the answer {output} help with the request {input}?")
///     .label("helpful", 1.0)
///     .label("unhelpful", 0.0)
///     .model(complete);
/// let experiment = Experiment::new("checkout").evaluator(helpful);
/// # drop(experiment);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a judge needs a model"]
pub struct Judge {
    name: String,
    criterion: String,
    labels: Vec<(String, f64)>,
    retries: usize,
}

impl Judge {
    /// Creates a judge with a name and a criterion.
    pub fn new(name: impl Into<String>, criterion: impl Into<String>) -> Self {
        Self { name: name.into(), criterion: criterion.into(), labels: Vec::new(), retries: RETRIES }
    }

    /// Adds a label that the judge may choose, and its score. More should be better.
    pub fn label(mut self, label: impl Into<String>, score: f64) -> Self {
        self.labels.push((label.into(), score));
        self
    }

    /// Sets how often the model is asked again after an answer that cannot be read. The default is 2.
    pub fn retries(self, retries: usize) -> Self {
        Self { retries, ..self }
    }

    /// Returns the evaluator with this model.
    #[must_use]
    pub fn model<M, Fut, E>(self, model: M) -> Evaluator
    where
        M: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let ask = move |prompt| -> Asking {
            let answering = model(prompt);
            Box::pin(async move { answering.await.map_err(|error| causes(&*error.into())) })
        };
        let (name, judge, ask) = (self.name.clone(), Arc::new(self), Arc::new(ask));
        let evaluate = move |run: Run| {
            let (judge, ask) = (judge.clone(), ask.clone());
            async move { judge.verdict(&run, &*ask).await }
        };
        Evaluator::new(name, evaluate.into_evaluator()).annotator_kind(AnnotatorKind::Llm)
    }

    async fn verdict(
        &self,
        run: &Run,
        ask: &(dyn Fn(String) -> Asking + Send + Sync),
    ) -> Result<Verdict, String> {
        if self.labels.is_empty() {
            return Err("the judge has no labels; add some with label(..)".to_owned());
        }
        let prompt = self.prompt(run);
        let mut reminder = String::new();
        for _ in 0..=self.retries {
            let answer = ask(format!("{prompt}{reminder}")).await?;
            match self.read(&answer) {
                Ok(verdict) => return Ok(verdict),
                Err(fault) => reminder = format!("\n\nYour last answer was: {answer}\n{fault}"),
            }
        }
        let asked = self.retries + 1;
        Err(format!("the model was asked {asked} times, and its answer could not be read.{reminder}"))
    }

    fn prompt(&self, run: &Run) -> String {
        let parts = [("{input}", run.input()), ("{output}", run.output()), ("{expected}", run.expected())];
        let mut prompt = substitute(&self.criterion, &parts);
        if !parts.iter().any(|(name, _)| self.criterion.contains(name)) {
            for (name, value) in parts.iter().filter(|(_, value)| !value.is_null()) {
                let _ = write!(prompt, "\n\n<{0}>\n{1}\n</{0}>", name.trim_matches(['{', '}']), text(value));
            }
        }
        let labels: Vec<_> = self.labels.iter().map(|(label, _)| format!("\"{label}\"")).collect();
        let _ = write!(
            prompt,
            "\n\nAnswer with JSON alone: {{\"explanation\": \"why, in a sentence\", \"label\": one of {}}}",
            labels.join(", ")
        );
        prompt
    }

    /// Reads the verdict: JSON, also inside of other text, or one of the labels alone.
    fn read(&self, answer: &str) -> Result<Verdict, String> {
        let known = |said: &str| {
            let said = said.trim().trim_matches(['"', '\'', '.', '*', '`']);
            self.labels.iter().find(|(label, _)| label.eq_ignore_ascii_case(said))
        };
        if let Some((label, score)) = known(answer) {
            return Ok(Verdict::score(*score).with_label(label));
        }
        let json = object_in(answer).ok_or("It has no JSON object. Answer with JSON alone.")?;
        let said = json["label"].as_str().ok_or("Its JSON has no text \"label\".")?;
        let (label, score) =
            known(said).ok_or_else(|| format!("Its label {said:?} is none of those that were asked for."))?;
        Ok(Verdict::score(*score).with_label(label).with_explanation(json["explanation"].as_str()))
    }
}

/// Replaces all names at once, so that a name inside of a value stays as it is.
fn substitute(template: &str, parts: &[(&str, &Value)]) -> String {
    let mut text_so_far = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(place) = rest.find('{') {
        text_so_far.push_str(&rest[..place]);
        rest = &rest[place..];
        let found = parts.iter().find(|(name, _)| rest.starts_with(name));
        let (value, length) =
            found.map_or_else(|| ("{".to_owned(), 1), |(name, value)| (text(value), name.len()));
        text_so_far.push_str(&value);
        rest = &rest[length..];
    }
    text_so_far.push_str(rest);
    text_so_far
}

/// Returns the last JSON object of a text that has a label, or else the last one.
fn object_in(answer: &str) -> Option<Value> {
    let starts = answer.match_indices('{').map(|(place, _)| place);
    let read =
        |place: usize| serde_json::Deserializer::from_str(&answer[place..]).into_iter::<Value>().next()?.ok();
    let objects: Vec<Value> = starts.filter_map(read).collect();
    let with_label = objects.iter().rev().find(|object| object["label"].is_string());
    with_label.or(objects.last()).cloned()
}
