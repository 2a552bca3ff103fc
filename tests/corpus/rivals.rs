//! Methods that everything has, under the names of ours that generated code calls.

use crate::log::Log;
use crate::observe;

trait Rivals: Sized {
    fn a2a_otel_value(self) {}

    fn a2a_otel_result(self) {}

    fn a2a_otel_failure(self, _: bool) {}
}

impl<T> Rivals for T {}

#[observe]
fn sync(n: u8) -> u8 {
    n.a2a_otel_value();
    n
}

#[observe]
fn fallible(n: u8) -> Result<u8, String> {
    n.a2a_otel_result();
    n.a2a_otel_failure(true);
    if n == 0 { Err("zero".into()) } else { Ok(n) }
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("sync", || sync(1));
    log.calls(2, "fallible", || [0, 1].map(fallible));
}
