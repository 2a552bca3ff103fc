//! Messages to the user, on standard error or where the program wants them.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Passes all messages about telemetry to this function instead of standard error, from now on and for the whole process:
/// for programs that have a log of their own, or that print something else there. Returns whether it is the first such
/// function; a second one is not called.
///
/// The function is called on any thread, and should return soon. If it panics, that message is lost.
///
/// ```
/// let is_first = a2a_otel::telemetry::on_message(|message| println!("telemetry says: {message}"));
/// assert!(is_first);
/// ```
pub fn on_message(listener: impl Fn(&str) + Send + Sync + 'static) -> bool {
    LISTENER.set(Box::new(listener)).is_ok()
}

/// Prints a warning: something is wrong with telemetry.
pub(crate) fn report(text: &dyn fmt::Display) {
    announce(&format_args!("warning: {text}"));
}

/// Prints a message. Standard error may be closed, which must not disturb the agent.
pub(crate) fn announce(text: &dyn fmt::Display) {
    if let Some(listener) = LISTENER.get() {
        let _ = catch_unwind(AssertUnwindSafe(|| listener(&text.to_string())));
    } else {
        let _ = writeln!(io::stderr(), "a2a-otel: {text}");
    }
}
