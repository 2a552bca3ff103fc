//! Functions that are never called: rustc warns about them in spite of the attribute macro.

use crate::log::Log;
use crate::observe;

#[observe]
#[expect(dead_code)]
fn is_never_called(n: u8) -> u8 {
    n
}

#[expect(dead_code, reason = "the shape is about it")]
#[observe]
async fn is_never_called_and_async(n: u8) -> u8 {
    n
}

#[observe]
#[expect(dead_code)]
fn is_never_called_and_boxed(n: u8) -> std::pin::Pin<Box<dyn std::future::Future<Output = u8>>> {
    Box::pin(std::future::ready(n))
}

#[derive(Debug)]
struct Agent;

impl Agent {
    #[observe]
    #[expect(dead_code)]
    fn method_that_is_never_called(&self) -> &Self {
        self
    }
}

pub(crate) fn drive(log: &mut Log) {
    log.calls(0, "dead_code", || Agent);
}
