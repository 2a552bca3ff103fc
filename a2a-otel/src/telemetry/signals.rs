//! Sends waiting spans when a signal ends the process.

use std::io;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::handle::{DROP_TIMEOUT, Handle};

/// On the first of these signals, sends what is waiting and then lets the signal take its usual effect.
pub(super) fn handle_signals(handle: Handle) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            handle.shutdown(DROP_TIMEOUT);
            let _ = emulate_default_handler(signal);
        }
    };
    thread::Builder::new().name("a2a-otel-signals".to_owned()).spawn(wait).map(drop)
}
