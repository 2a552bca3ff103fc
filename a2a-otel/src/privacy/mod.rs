//! What must not leave the process: OpenInference's masks, the limit of images, and the user's own redactor.
//!
//! Everything that becomes a part of a span passes [`admit`], on its way to the span and once more, with what others
//! recorded, on its way to the exporters ([`clean`]). What will be masked is not built. While nothing is hidden, that
//! costs a relaxed load and a look at the length of texts.

mod gate;
mod inside;
mod rules;

use std::fmt;
use std::sync::Arc;

use opentelemetry::Value;

pub(crate) use self::gate::{
    admit, clean, documents, encoded, install, is_hiding, message, part, push_field, push_fields, redact,
    screen, without_long_images,
};
use self::rules::SETTINGS;
use crate::environment::values::{boolean, length};
use crate::environment::{Environment, Variable};

/// What stands where a value was; OpenInference's word.
pub const REDACTED: &str = "__REDACTED__";

/// The key and the value in; the value that is recorded out, or nothing.
type Redact = dyn Fn(&str, Value) -> Option<Value> + Send + Sync;

struct Redactor(Box<Redact>);

/// What must not leave the process, for [`Builder::privacy`](crate::Builder::privacy).
///
/// What is not said here, the environment says: each method names its variable. `docs/privacy.md` lists what each of them
/// does to which attribute.
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
    /// One bit for each setting that is decided.
    said: u32,
    /// One bit for each setting that is decided and hides.
    hidden: u32,
    image_length: Option<usize>,
    redactor: Option<Arc<Redactor>>,
}

impl Privacy {
    /// Leaves everything to the environment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The longest base64 image that is recorded, as the length of its data URL in bytes; a longer one becomes
    /// `__REDACTED__`, wherever it stands. The variable is `OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH`, the default 32000.
    #[must_use]
    pub const fn base64_image_max_length(mut self, length: usize) -> Self {
        self.image_length = Some(length);
        self
    }

    /// Has the last word on every attribute of spans and events before it leaves the process: the answer is what is
    /// recorded, and with `None` nothing is. A status message comes under the name `exception.message`, which it
    /// repeats.
    ///
    /// It runs where spans end. If it panics, the value becomes `__REDACTED__`, and the agent does not notice.
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

    const fn say(mut self, setting: u32, hides: bool) -> Self {
        self.said |= setting;
        self.hidden = if hides { self.hidden | setting } else { self.hidden & !setting };
        self
    }

    /// With what the environment says where this says nothing.
    pub(crate) fn resolve(&self, environment: &mut Environment<'_>) -> Self {
        const IMAGE_LENGTH: Variable<usize> = Variable {
            names: &["OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH"],
            parse: length,
            accepted: "a whole number",
            secret: false,
        };
        let mut resolved = self.clone();
        for (setting, variables) in SETTINGS {
            if self.said & setting == 0 {
                let hides = variables.iter().filter(|name| hides(environment, name)).count() > 0;
                resolved = resolved.say(*setting, hides);
            }
        }
        resolved.image_length = self.image_length.or_else(|| environment.read(&IMAGE_LENGTH));
        resolved
    }
}

/// Whether a variable hides. What is neither true nor false was meant to say something: it hides, too.
fn hides(environment: &mut Environment<'_>, name: &str) -> bool {
    let Some(text) = environment.text(name) else { return false };
    boolean(&text).unwrap_or_else(|| {
        environment.notice(format!("{name}={text:?} is read as true: expected true or false"));
        true
    })
}

impl PartialEq for Privacy {
    fn eq(&self, other: &Self) -> bool {
        let redactor = |privacy: &Self| privacy.redactor.as_ref().map(Arc::as_ptr);
        (self.said, self.hidden, self.image_length) == (other.said, other.hidden, other.image_length)
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
            .field("image_length", &self.image_length)
            .field("redactor", &self.redactor.is_some())
            .finish_non_exhaustive()
    }
}
