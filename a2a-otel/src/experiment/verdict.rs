//! What an evaluator says about a run.

use std::error::Error;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::annotation::{OptionalScore, OptionalText};

/// What an evaluator says: a score, a label, an explanation or several of these.
///
/// Evaluators may also return what becomes one: a number is a score; a boolean is the score 1 or 0, and the label `true` or
/// `false`; a text is a label; and a pair has an explanation as its second part.
///
/// ```
/// use a2a_otel::evaluation::Verdict;
///
/// let verdict = Verdict::score(0.5).with_label("partly").with_explanation("One of two lamps is missing.");
/// assert_eq!(verdict.label(), Some("partly"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
}

impl Verdict {
    /// A verdict with this score. More should be better.
    #[must_use]
    pub fn score(score: impl OptionalScore) -> Self {
        Self { score: score.into_score(), ..Self::default() }
    }

    /// A verdict with this label alone.
    #[must_use]
    pub fn label_only(label: impl OptionalText) -> Self {
        Self::default().with_label(label)
    }

    /// A verdict by which the answer passes or fails: the score 1 or 0, and the label `true` or `false`.
    #[must_use]
    pub fn pass(passes: bool) -> Self {
        Self::score(passes).with_label(if passes { "true" } else { "false" })
    }

    /// Sets the label.
    #[must_use]
    pub fn with_label(self, label: impl OptionalText) -> Self {
        Self { label: label.into_text(), ..self }
    }

    /// Sets the explanation.
    #[must_use]
    pub fn with_explanation(self, explanation: impl OptionalText) -> Self {
        Self { explanation: explanation.into_text(), ..self }
    }

    /// The score, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.score
    }

    /// The label, if there is one.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The explanation, if there is one.
    #[must_use]
    pub fn explanation(&self) -> Option<&str> {
        self.explanation.as_deref()
    }

    /// Returns the verdict, or why it says nothing that can be kept.
    pub(super) fn checked(self) -> Result<Self, String> {
        match (self.score, &self.label, &self.explanation) {
            (Some(score), ..) if !score.is_finite() => {
                Err(format!("the score is {score}; return a finite number"))
            }
            (None, None, None) => Err("the evaluator returned nothing; return a score or a label".to_owned()),
            _ => Ok(self),
        }
    }
}

/// What an evaluator may return: what becomes a [`Verdict`], or a `Result` with it.
pub trait IntoVerdict {
    /// Returns the verdict, or why there is none.
    ///
    /// # Errors
    ///
    /// If the evaluator failed.
    fn into_verdict(self) -> Result<Verdict, String>;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Result<Verdict, String> {
        Ok(self)
    }
}

impl IntoVerdict for bool {
    fn into_verdict(self) -> Result<Verdict, String> {
        Ok(Verdict::pass(self))
    }
}

macro_rules! scores {
    ($($number:ty),*) => {$(
        impl IntoVerdict for $number {
            fn into_verdict(self) -> Result<Verdict, String> {
                Ok(Verdict::score(self))
            }
        }
    )*};
}

scores!(f64, f32, i32, i64, u32, u64, usize);

impl IntoVerdict for &str {
    fn into_verdict(self) -> Result<Verdict, String> {
        Ok(Verdict::label_only(self))
    }
}

impl IntoVerdict for String {
    fn into_verdict(self) -> Result<Verdict, String> {
        Ok(Verdict::label_only(self))
    }
}

impl<V: IntoVerdict, T: OptionalText> IntoVerdict for (V, T) {
    fn into_verdict(self) -> Result<Verdict, String> {
        Ok(self.0.into_verdict()?.with_explanation(self.1))
    }
}

impl<V: IntoVerdict, E: Into<Box<dyn Error + Send + Sync>>> IntoVerdict for Result<V, E> {
    fn into_verdict(self) -> Result<Verdict, String> {
        self.map_err(|error| causes(&*error.into()))?.into_verdict()
    }
}

/// An error with its causes, each once.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            let _ = write!(text, ": {said}");
        }
        next = cause.source();
    }
    text
}
