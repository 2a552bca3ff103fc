//! What must not leave the process: OpenInference's masks, the limit of images, and the user's own redactor.
//!
//! Everything that becomes a part of a span passes [`admit`], on its way to the span and once more, with what others
//! recorded, on its way to the exporters ([`clean`]). What will be masked is not built. While nothing is hidden, that
//! costs a relaxed load and a look at the length of texts.

mod config;
mod gate;
mod inside;
mod redactor;
mod rules;

pub use self::config::Privacy;
pub(crate) use self::gate::{
    admit, clean, documents, encoded, install, is_hiding, message, part, push_field, push_fields, redact,
    screen, without_long_images,
};
pub use self::redactor::REDACTED;
