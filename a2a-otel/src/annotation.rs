//! Annotations: what they hold, how they are checked and masked, and where they go.

use std::fmt::Display;
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::{KeyValue, StringValue, Value};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::attributes::find;
use crate::capture::{bounded, cut};
use crate::meter::{self, Labels, Metric, Number};
use crate::pipeline::annotations::{self, Entry, Subject};
use crate::privacy;
use crate::report::report;
use crate::semconv::gen_ai as genai;
use crate::semconv::metrics::operations as rows;
use crate::semconv::openinference::annotation as names;

/// Phoenix reserves this name, and refuses annotations with it.
const RESERVED: &str = "note";

/// Who made the annotation.
///
/// Source: `annotation.annotator_kind` of OpenInference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AnnotatorKind {
    /// A person.
    Human,
    /// A model.
    Llm,
    /// A program.
    #[default]
    Code,
}

impl AnnotatorKind {
    /// Its name in OpenInference: `HUMAN`, `LLM` or `CODE`.
    ///
    /// ```
    /// assert_eq!(a2a_otel::evaluation::AnnotatorKind::Llm.as_str(), "LLM");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "HUMAN",
            Self::Llm => "LLM",
            Self::Code => "CODE",
        }
    }
}

/// An annotation: a name, and a score, a label, an explanation or several of these.
///
/// An annotation that is incomplete or cannot be sent is dropped, and a message on standard error says what to do.
///
/// ```
/// use a2a_otel::evaluation::{Annotation, AnnotatorKind};
///
/// let annotation = Annotation::new("correctness")
///     .score(0.9)
///     .label("correct")
///     .explanation("It names all lamps that the catalogue has.")
///     .annotator_kind(AnnotatorKind::Llm)
///     .metadata(serde_json::json!({"judge": "our-model"}));
/// a2a_otel::current().annotate(annotation);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "an annotation is not sent until it is passed to `annotate`"]
pub struct Annotation {
    name: String,
    score: Option<f64>,
    label: Option<String>,
    explanation: Option<String>,
    annotator_kind: AnnotatorKind,
    metadata: Option<Json>,
    identifier: String,
}

impl Annotation {
    /// Creates an annotation with a name, by which Phoenix compares and filters. The name `note` is reserved.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the score: a finite number on a scale of your choice, where more should be better. `None` leaves it out.
    pub fn score(mut self, score: impl OptionalScore) -> Self {
        self.score = score.into_score();
        self
    }

    /// Sets the label: the verdict in a word or two, such as `correct`. `None` and an empty text leave it out.
    pub fn label(mut self, label: impl OptionalText) -> Self {
        self.label = label.into_text();
        self
    }

    /// Sets the explanation. `None` and an empty text leave it out.
    pub fn explanation(mut self, explanation: impl OptionalText) -> Self {
        self.explanation = explanation.into_text();
        self
    }

    /// Sets who made the annotation. The default is a program.
    pub const fn annotator_kind(mut self, annotator_kind: AnnotatorKind) -> Self {
        self.annotator_kind = annotator_kind;
        self
    }

    /// Sets metadata: anything that serialises to an object.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.metadata = Some(serde_json::to_value(metadata).unwrap_or_default());
        self
    }

    /// Sets an identifier, which distinguishes annotations of the same name, such as those of two judges. An annotation
    /// replaces an earlier one with the same name and identifier. The default is empty.
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = identifier.into();
        self
    }

    fn check(&self) -> Result<(), Fault> {
        let name = || self.name.clone();
        match self.score {
            _ if self.name.is_empty() => Err(Fault::Nameless),
            _ if self.name == RESERVED => Err(Fault::Reserved),
            Some(score) if !score.is_finite() => Err(Fault::NotFinite(name(), score)),
            None if self.label.is_none() && self.explanation.is_none() => Err(Fault::Empty(name())),
            _ if self.metadata.as_ref().is_some_and(|metadata| !metadata.is_object()) => {
                Err(Fault::Metadata(name()))
            }
            _ => Ok(()),
        }
    }

    /// Converts it to OpenInference's attributes, which the privacy rules and the user's redactor work on.
    fn into_attributes(self) -> Vec<KeyValue> {
        let text = |text: String| Value::from(cut(text));
        [
            (names::NAME, Some(text(self.name))),
            (names::SCORE, self.score.map(Value::from)),
            (names::LABEL, self.label.map(text)),
            (names::EXPLANATION, self.explanation.map(text)),
            (names::ANNOTATOR_KIND, Some(self.annotator_kind.as_str().into())),
            (names::METADATA, self.metadata.map(|metadata| metadata.to_string().into())),
            (names::IDENTIFIER, Some(text(self.identifier))),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some(KeyValue::new(key, value?)))
        .collect()
    }

    /// Returns the attributes of GenAI's event for it.
    pub(crate) fn event(&self) -> Vec<KeyValue> {
        let text = |text: &String| Value::from(cut(text.clone()));
        [
            (genai::EVALUATION_NAME, Some(text(&self.name))),
            (genai::EVALUATION_SCORE_VALUE, self.score.map(Value::from)),
            (genai::EVALUATION_SCORE_LABEL, self.label.as_ref().map(text)),
            (genai::EVALUATION_EXPLANATION, self.explanation.as_ref().map(text)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some(KeyValue::new(key, value?)))
        .collect()
    }

    /// Returns the annotation, or reports what is wrong with it.
    pub(crate) fn checked(self) -> Option<Self> {
        self.check().map_err(Fault::report).ok()?;
        Some(self)
    }
}

/// An optional text: any kind of text, or `None`. An empty text counts as `None`.
///
/// ```
/// use a2a_otel::evaluation::Annotation;
///
/// let reason: Option<String> = None;
/// let annotation = Annotation::new("tone").label(format!("{}ly", "friend")).explanation(reason.as_deref());
/// assert_eq!(annotation, Annotation::new("tone").label("friendly").explanation(None).explanation(""));
/// ```
pub trait OptionalText {
    /// Returns the text, if there is one.
    fn into_text(self) -> Option<String>;
}

impl OptionalText for String {
    fn into_text(self) -> Option<String> {
        Some(self).filter(|text| !text.is_empty())
    }
}

impl OptionalText for &String {
    fn into_text(self) -> Option<String> {
        self.clone().into_text()
    }
}

impl OptionalText for &str {
    fn into_text(self) -> Option<String> {
        self.to_owned().into_text()
    }
}

/// The only implementation for an option, so that the type of `None` is clear.
impl OptionalText for Option<&str> {
    fn into_text(self) -> Option<String> {
        self?.into_text()
    }
}

/// A score or none: a number of any type, a boolean, which counts as 1 or 0, or `None`.
///
/// ```
/// use a2a_otel::evaluation::Annotation;
///
/// let found = vec!["lamp"];
/// assert_eq!(Annotation::new("hits").score(found.len()), Annotation::new("hits").score(1.0));
/// assert_eq!(Annotation::new("passed").score(true), Annotation::new("passed").score(Some(1.0)));
/// ```
pub trait OptionalScore {
    /// Returns the score, if there is one.
    fn into_score(self) -> Option<f64>;
}

/// The only implementation for an option, so that the type of `None` is clear.
impl OptionalScore for Option<f64> {
    fn into_score(self) -> Option<f64> {
        self
    }
}

macro_rules! scores {
    ($($number:ty),*) => {$(
        impl OptionalScore for $number {
            fn into_score(self) -> Option<f64> {
                Some(f64::from(self))
            }
        }
    )*};
}

scores!(f64, f32, i8, i16, i32, u8, u16, u32, bool);

macro_rules! counts {
    ($($number:ty),*) => {$(
        impl OptionalScore for $number {
            #[expect(clippy::cast_precision_loss, reason = "a score needs no more than 53 bits")]
            fn into_score(self) -> Option<f64> {
                Some(self as f64)
            }
        }
    )*};
}

counts!(i64, isize, u64, usize);

/// Annotates a span by its id: 16 hexadecimal digits, as [`Current::span_id`](crate::Current::span_id) returns.
///
/// Phoenix drops the annotation if the span does not arrive within ten minutes.
///
/// ```
/// use a2a_otel::evaluation::{Annotation, annotate_span};
///
/// annotate_span("53995c3f42cd8ad8", Annotation::new("helpful").label("yes"));
/// ```
pub fn annotate_span(span_id: impl Display, annotation: Annotation) {
    annotate(Subject::Span, &span_id, annotation);
}

/// Annotates a trace by its id: 32 hexadecimal digits, as [`Current::trace_id`](crate::Current::trace_id) returns.
///
/// Phoenix drops the annotation if no span of the trace arrives within ten minutes.
///
/// ```
/// use a2a_otel::evaluation::{Annotation, annotate_trace};
///
/// annotate_trace("f3ec5bd7c9b8b1c1d5b5e0cc4b8ef1a0", Annotation::new("resolved").score(1.0));
/// ```
pub fn annotate_trace(trace_id: impl Display, annotation: Annotation) {
    annotate(Subject::Trace, &trace_id, annotation);
}

/// Annotates a session by the id that was passed to [`with_session`](crate::with_session).
///
/// Phoenix drops the annotation if no span of the session arrives within ten minutes.
///
/// ```
/// use a2a_otel::evaluation::{Annotation, annotate_session};
///
/// annotate_session("s-1", Annotation::new("satisfied").score(0.5).explanation("It took long."));
/// ```
pub fn annotate_session(session_id: impl Display, annotation: Annotation) {
    annotate(Subject::Session, &session_id, annotation);
}

fn annotate(subject: Subject, id: &dyn Display, annotation: Annotation) {
    let id = id.to_string();
    if let Err(fault) = check_id(subject, &id) {
        fault.report();
    } else if let Some(annotation) = annotation.checked() {
        measure(&annotation, None);
        send(subject, id, annotation);
    }
}

fn check_id(subject: Subject, id: &str) -> Result<(), Fault> {
    let is_hexadecimal = |digits| id.len() == digits && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let fault = |expected| Err(Fault::Id(id.to_owned(), expected));
    match subject {
        Subject::Span if !is_hexadecimal(16) => fault("a span's id, 16 hexadecimal digits"),
        Subject::Trace if !is_hexadecimal(32) => fault("a trace's id, 32 hexadecimal digits"),
        Subject::Session if id.is_empty() => fault("a session's id"),
        _ => Ok(()),
    }
}

static EVALUATIONS: Metric = Metric::built_in(&rows::EVALUATIONS);
static SCORES: Metric = Metric::built_in(&rows::EVALUATION_SCORE);

/// Records the figures of an evaluation, made by or of this agent.
pub(crate) fn measure(annotation: &Annotation, agent: Option<&StringValue>) {
    if !meter::listens() {
        return;
    }
    let shared = |text: &str| StringValue::from(Arc::<str>::from(text));
    let mut labels = Labels::<3>::new();
    labels.push(genai::EVALUATION_NAME, shared(bounded(&annotation.name).as_str()));
    labels.maybe(genai::AGENT_NAME, agent.cloned());
    if let Some(score) = annotation.score {
        meter::record(&SCORES, Number::Float(score), labels.all());
    }
    // A verdict may be hidden like any other text.
    let label = annotation.label.as_deref().map(|label| KeyValue::new(names::LABEL, bounded(label)));
    let label = label.and_then(|mut label| privacy::admit("", &mut label).then_some(label.value));
    labels.maybe(genai::EVALUATION_SCORE_LABEL, label);
    meter::record(&EVALUATIONS, Number::Unsigned(1), labels.all());
}

/// Watches the annotations of the process, in tests.
#[cfg(feature = "testing")]
pub(crate) struct AnnotationWatcher {
    pub(crate) is_watching: fn() -> bool,
    /// Called with the subject, its id, and the annotation's attributes.
    pub(crate) annotated: fn(&'static str, &str, &[KeyValue]),
}

#[cfg(feature = "testing")]
static WATCHER: OnceLock<AnnotationWatcher> = OnceLock::new();

/// Registers a watcher. Only the first one of a process counts.
#[cfg(feature = "testing")]
pub(crate) fn watch(watcher: AnnotationWatcher) {
    let _ = WATCHER.set(watcher);
}

/// Sends an annotation that was checked, after masking.
pub(crate) fn send(subject: Subject, id: String, annotation: Annotation) {
    let annotator = annotations::current();
    #[cfg(feature = "testing")]
    let watcher = WATCHER.get().filter(|watcher| (watcher.is_watching)());
    #[cfg(not(feature = "testing"))]
    let watcher = None::<()>;
    if annotator.is_none() && watcher.is_none() {
        return;
    }
    let mut attributes = annotation.into_attributes();
    privacy::screen("", &mut attributes);
    privacy::redact(&mut attributes);
    if let Some(annotator) = &annotator {
        annotator.mask(&mut attributes);
    }
    // Phoenix writes ids in lower case.
    let id = if subject == Subject::Session { id } else { id.to_ascii_lowercase() };
    let Some(entry) = entry(subject, id, &attributes) else { return };
    #[cfg(feature = "testing")]
    if let Some(watcher) = watcher {
        (watcher.annotated)(subject.name(), &entry.key[0], &attributes);
    }
    if let Some(annotator) = annotator {
        annotator.send(entry);
    }
}

/// Returns what Phoenix accepts, unless the redactor has removed everything that can be sent.
fn entry(subject: Subject, id: String, attributes: &[KeyValue]) -> Option<Entry> {
    let value = |key| find(attributes, key);
    // PostgreSQL, which Phoenix may use, cannot store NUL.
    let text = |key| Some(value(key)?.as_str().replace('\0', "\u{2400}"));
    let score = match value(names::SCORE) {
        Some(Value::F64(score)) => Some(*score),
        _ => None,
    };
    let (name, label, explanation) = (text(names::NAME)?, text(names::LABEL), text(names::EXPLANATION));
    if score.is_none() && label.is_none() && explanation.is_none() {
        return None;
    }
    let annotator_kind = text(names::ANNOTATOR_KIND);
    let identifier = text(names::IDENTIFIER).unwrap_or_default();
    let json = json!({
        subject.id_field(): &id,
        "name": &name,
        "annotator_kind": annotator_kind.as_deref().unwrap_or(AnnotatorKind::default().as_str()),
        "result": {"score": score, "label": label, "explanation": explanation},
        // Masked metadata is not an object.
        "metadata": text(names::METADATA).and_then(|metadata| object(&metadata)),
        "identifier": &identifier,
    });
    Some(Entry { subject, json: json.to_string(), key: [id, name, identifier] })
}

fn object(json: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(json).ok()
}

/// Why an annotation is dropped before it is sent.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("an annotation without a name is dropped; give it one, by which Phoenix can compare it")]
    Nameless,
    #[error("the annotation \"{RESERVED}\" is dropped, because Phoenix reserves the name; give it another")]
    Reserved,
    #[error("the annotation {0:?} is dropped; give it a score, a label or an explanation")]
    Empty(String),
    #[error("the annotation {0:?} is dropped, because its score is {1}; give it a finite number, or none")]
    NotFinite(String, f64),
    #[error(
        "the annotation {0:?} is dropped, because its metadata is not a JSON object; give it a struct or a map"
    )]
    Metadata(String),
    #[error("an annotation of {0:?} is dropped; expected {1}")]
    Id(String, &'static str),
}

impl Fault {
    /// Reports the fault, once for each kind.
    fn report(self) {
        static SAID: [AtomicBool; 6] = [const { AtomicBool::new(false) }; 6];
        let kind = match self {
            Fault::Nameless => 0,
            Fault::Reserved => 1,
            Fault::Empty(_) => 2,
            Fault::NotFinite(..) => 3,
            Fault::Metadata(_) => 4,
            Fault::Id(..) => 5,
        };
        if !SAID[kind].swap(true, Ordering::Relaxed) {
            report(&self);
        }
    }
}
