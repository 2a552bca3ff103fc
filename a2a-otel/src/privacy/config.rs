//! The configuration of what must not leave the process: the user's, or else the environment's.

use std::fmt;
use std::sync::Arc;

use opentelemetry::Value;

use super::redactor::Redactor;
use crate::capture::DEFAULT_LONGEST_BASE64;
use crate::environment::values::{boolean, length};
use crate::environment::{Environment, Variable};

/// The variable of the longest base64 that is recorded.
pub(crate) const IMAGE_LENGTH: Variable<usize> = Variable {
    names: &["OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH"],
    parse: length,
    accepted: "a whole number",
    example: "100000",
    secret: false,
};

/// What must not leave the process, for [`Builder::privacy`](crate::Builder::privacy).
///
/// A setting that is not set here comes from the environment: each method names its variable. [`docs/privacy.md`](crate::guide::privacy) lists
/// the effect of each setting on each attribute.
///
/// ```
/// use a2a_otel::{Privacy, Telemetry};
///
/// let privacy = Privacy::new().hide_inputs(true).hide_output_text(true);
/// let telemetry = Telemetry::builder().privacy(privacy).tracing(false).init()?;
/// # Ok::<(), a2a_otel::InitError>(())
/// ```
#[derive(Clone, Default)]
pub struct Privacy {
    /// One bit per setting that is set.
    decided: u32,
    /// One bit per setting that is set and hides.
    pub(super) hidden: u32,
    pub(super) image_length: Option<usize>,
    pub(super) redactor: Option<Arc<Redactor>>,
}

impl Privacy {
    /// Leaves everything to the environment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the longest base64 that is recorded, in characters; of a `data:` URL, the whole URL counts. Longer base64 becomes
    /// `__REDACTED__`, wherever it is, with or without `data:`, be it an image or any other file. Without `data:`, base64 of up
    /// to 64 characters is always recorded. The variable is `OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH`, the default 32000.
    #[must_use]
    pub const fn base64_image_max_length(mut self, length: usize) -> Self {
        self.image_length = Some(length);
        self
    }

    /// Sets a function that decides on every attribute of spans and events before it leaves the process. It returns
    /// the value to record, or `None` to drop the attribute. It gets a status message under the name
    /// `exception.message`, which has the same text.
    ///
    /// It runs where spans end. If it panics, the value becomes `__REDACTED__`, and the agent continues.
    ///
    /// ```
    /// use a2a_otel::Privacy;
    /// use a2a_otel::opentelemetry::Value;
    ///
    /// let privacy = Privacy::new().redactor(|key, value| match key {
    ///     "user.id" => None,
    ///     "input.value" => Some(value.as_str().replace("secret", "***").into()),
    ///     _ => Some(value),
    /// });
    /// ```
    #[must_use]
    pub fn redactor(
        mut self,
        redactor: impl Fn(&str, Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        self.redactor = Some(Arc::new(Redactor(Box::new(redactor))));
        self
    }

    const fn set(mut self, setting: u32, hides: bool) -> Self {
        self.decided |= setting;
        self.hidden = if hides { self.hidden | setting } else { self.hidden & !setting };
        self
    }

    /// Whether a function decides on attributes where spans end.
    pub(crate) fn has_redactor(&self) -> bool {
        self.redactor.is_some()
    }

    /// Fills the settings that are not set from the environment.
    pub(crate) fn resolve(&self, environment: &mut Environment<'_>) -> Self {
        let mut resolved = self.clone();
        for (setting, variables) in SETTINGS {
            if self.decided & setting == 0 {
                let hides = variables.iter().filter(|name| hides(environment, name)).count() > 0;
                resolved = resolved.set(*setting, hides);
            }
        }
        resolved.image_length = self.image_length.or_else(|| environment.read(&IMAGE_LENGTH));
        resolved
    }
}

/// A setting that hides something.
#[derive(Clone, Copy)]
pub(crate) struct Hiding {
    setting: u32,
    /// What it does, in a sentence.
    pub(crate) effect: &'static str,
    /// Its variables. If one of them is true, it hides.
    pub(crate) names: &'static [&'static str],
}

impl Hiding {
    /// All settings that hide something.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let rows = SETTINGS.iter().zip(EFFECTS);
        rows.map(|(&(setting, names), effect)| Hiding { setting, effect: effect.trim(), names })
    }

    /// Whether these settings, which are resolved, hide it.
    pub(crate) fn is_set(self, privacy: &Privacy) -> bool {
        privacy.hidden & self.setting != 0
    }
}

/// Whether a variable hides. A value that is neither true nor false hides as well, to be safe.
fn hides(environment: &mut Environment<'_>, name: &str) -> bool {
    let Some(text) = environment.text(name) else { return false };
    boolean(&text).unwrap_or_else(|| {
        environment.notice(format!("{name}={text:?} is read as true: expected true or false"));
        true
    })
}

impl Privacy {
    /// The longest base64 that is recorded, if it is set.
    pub(crate) fn image_length(&self) -> Option<usize> {
        self.image_length
    }
}

impl PartialEq for Privacy {
    fn eq(&self, other: &Self) -> bool {
        let redactor = |privacy: &Self| privacy.redactor.as_ref().map(Arc::as_ptr);
        (self.decided, self.hidden, self.image_length) == (other.decided, other.hidden, other.image_length)
            && redactor(self) == redactor(other)
    }
}

impl fmt::Debug for Privacy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = SETTINGS.iter().filter(|(setting, _)| self.hidden & setting != 0);
        let hidden: Vec<_> = hidden.map(|(_, variables)| variables[0]).collect();
        formatter
            .debug_struct("Privacy")
            .field("hides", &hidden)
            .field("image_length", &self.image_length.unwrap_or(DEFAULT_LONGEST_BASE64))
            .field("redactor", &self.redactor.is_some())
            .finish_non_exhaustive()
    }
}

macro_rules! settings {
    ($(#[doc = $doc:literal] $method:ident: $setting:ident = $bit:literal, $variable:literal $(or $old:literal)?;)*) => {
        $(pub(super) const $setting: u32 = 1 << $bit;)*

        /// Each setting with its variables.
        pub(super) const SETTINGS: &[(u32, &[&str])] = &[$(($setting, &[$variable $(, $old)?])),*];

        /// What each setting hides, in the order of the settings.
        const EFFECTS: &[&str] = &[$($doc),*];

        impl Privacy {
            $(
                #[doc = $doc]
                ///
                #[doc = concat!("The variable is `", $variable, "`.")]
                #[must_use]
                pub const fn $method(self, hides: bool) -> Self {
                    self.set($setting, hides)
                }
            )*
        }
    };
}

settings! {
    /// Hides inputs: of functions, models and tools, and the metadata.
    hide_inputs: INPUTS = 0, "OPENINFERENCE_HIDE_INPUTS";
    /// Hides outputs: of functions, models and tools, and retrieved documents.
    hide_outputs: OUTPUTS = 1, "OPENINFERENCE_HIDE_OUTPUTS";
    /// Hides the messages that models are sent, and all inputs, which hold them.
    hide_input_messages: INPUT_MESSAGES = 2, "OPENINFERENCE_HIDE_INPUT_MESSAGES";
    /// Hides the messages that models answer, and all outputs, which hold them.
    hide_output_messages: OUTPUT_MESSAGES = 3, "OPENINFERENCE_HIDE_OUTPUT_MESSAGES";
    /// Hides the images that models are sent.
    hide_input_images: INPUT_IMAGES = 4, "OPENINFERENCE_HIDE_INPUT_IMAGES";
    /// Hides the text of messages that models are sent, and all inputs, which hold it.
    hide_input_text: INPUT_TEXT = 5, "OPENINFERENCE_HIDE_INPUT_TEXT";
    /// Hides the text of messages that models answer, and all outputs, which hold it.
    hide_output_text: OUTPUT_TEXT = 6, "OPENINFERENCE_HIDE_OUTPUT_TEXT";
    /// Hides the parameters that models are called with, such as the temperature.
    hide_llm_invocation_parameters: PARAMETERS = 7, "OPENINFERENCE_HIDE_LLM_INVOCATION_PARAMETERS";
    /// Hides the tools that models are offered.
    hide_llm_tools: TOOLS = 8, "OPENINFERENCE_HIDE_LLM_TOOLS";
    /// Hides the prompts of legacy completions, and all inputs, which hold them.
    hide_prompts: PROMPTS = 9, "OPENINFERENCE_HIDE_PROMPTS";
    /// Hides the choices of legacy completions, and all outputs, which hold them.
    hide_choices: CHOICES = 10, "OPENINFERENCE_HIDE_CHOICES";
    /// Hides the vectors of embeddings.
    hide_embeddings_vectors: VECTORS = 11, "OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS" or "OPENINFERENCE_HIDE_EMBEDDING_VECTORS";
    /// Hides the texts that are embedded.
    hide_embeddings_text: EMBEDDED_TEXT = 12, "OPENINFERENCE_HIDE_EMBEDDINGS_TEXT";
    /// Hides content and metadata of retrieved documents.
    hide_retrieval_documents: DOCUMENTS = 13, "OPENINFERENCE_HIDE_RETRIEVAL_DOCUMENTS";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_equal_if_they_say_the_same() {
        let redacting = || Privacy::new().redactor(|_, value| Some(value));
        let settings = [
            Privacy::new(),
            Privacy::new().hide_inputs(true),
            Privacy::new().hide_inputs(false),
            Privacy::new().base64_image_max_length(10),
            redacting(),
            redacting(),
        ];
        for (one_place, one) in settings.iter().enumerate() {
            for (other_place, other) in settings.clone().iter().enumerate() {
                assert_eq!(one == other, one_place == other_place, "{one:?} and {other:?}");
            }
        }
    }
}
