//! Messages to the user, on standard error.

use std::fmt;
use std::io::{self, Write};

/// Prints a warning: something is wrong with telemetry.
pub(crate) fn report(text: &dyn fmt::Display) {
    announce(&format_args!("warning: {text}"));
}

/// Prints a message. Standard error may be closed, which must not disturb the agent.
pub(crate) fn announce(text: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "a2a-otel: {text}");
}
