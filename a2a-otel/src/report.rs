//! Messages to the user, on standard error or where the program wants them.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;

type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Passes all messages about telemetry to this function instead of standard error, from now on and for the whole process:
/// for programs that have a log of their own, or that print something else there. Returns whether it is the first such
/// function; a second one is not called.
///
/// The function is called on a thread of its own, for which the caller waits, so it should return soon. It may log with
/// `tracing`. If it panics, that message is lost.
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

/// Passes a message to the program, or prints it.
pub(crate) fn announce(text: &dyn fmt::Display) {
    if let Some(listener) = LISTENER.get() {
        tell(listener, &text.to_string());
    } else {
        print(text);
    }
}

/// Calls the listener on a thread of its own: on this one, the current span or context may be locked, and a listener that logs
/// would wait for it forever.
fn tell(listener: &Listener, text: &str) {
    let tell = || {
        let _ = catch_unwind(AssertUnwindSafe(|| listener(text)));
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("a2a-otel-message".to_owned());
        if thread.spawn_scoped(scope, tell).is_err() {
            print(&text);
        }
    });
}

/// Prints a message. Standard error may be closed, which must not disturb the agent.
fn print(text: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "a2a-otel: {text}");
}

/// The messages with this text, from the first call in the process on.
#[cfg(all(test, feature = "sdk"))]
pub(crate) fn heard(text: &str) -> Vec<String> {
    static HEARD: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    on_message(|message| crate::lock::lock(&HEARD).push(message.to_owned()));
    crate::lock::lock(&HEARD).iter().filter(|message| message.contains(text)).cloned().collect()
}
