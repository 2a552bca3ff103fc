//! Async functions whose body a macro was given: rustc calls the braces unnecessary where they look like the user's.

use crate::log::{Log, wait};
use crate::observe;

macro_rules! with_a_body {
    ($name:ident, $body:block) => {
        #[observe]
        async fn $name() -> u32 $body
    };
}

with_a_body!(body, { 7 });
with_a_body!(body_with_a_statement, {
    let n = 7;
    n + 1
});

pub(crate) fn drive(log: &mut Log) {
    log.shape("body", || wait!(body()));
    log.shape("body_with_a_statement", || wait!(body_with_a_statement()));
}
