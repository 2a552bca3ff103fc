//! Hides what must not leave the process: OpenInference's masks, the limit for base64, and the user's own redactor.
//!
//! Every attribute passes [`admit`] on its way to the span, and passes it again, together with what other code
//! recorded, on its way to the exporters ([`clean`]). A value that will be masked is not built. While nothing is
//! hidden, the overhead is a relaxed load and a comparison of the length of texts.

mod config;
#[cfg(feature = "sdk")]
mod ended;
mod gate;
mod inside;
mod masks;
mod redactor;
mod rules;

pub use self::config::Privacy;
pub(crate) use self::config::{Hiding, IMAGE_LENGTH};
#[cfg(feature = "sdk")]
pub(crate) use self::gate::clean;
pub(crate) use self::gate::{
    admit, documents, encoded, install, is_hiding, message, part, push_field, push_fields, redact, screen,
};
pub(crate) use self::masks::Masks;
pub use crate::capture::REDACTED;
