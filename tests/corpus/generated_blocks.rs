//! Bodies that are a block passed to a macro: rustc warns about unnecessary braces if they look like the user's.

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

macro_rules! with_a_body_in_the_tail {
    ($name:ident, $body:block) => {
        #[observe]
        async fn $name() -> u32 {
            $body
        }
    };
}

with_a_body_in_the_tail!(body_in_the_tail, { 7 });
with_a_body_in_the_tail!(body_with_a_return_in_the_tail, {
    if cfg!(any()) {
        return 1;
    }
    2
});

macro_rules! with_a_body_in_a_future {
    ($name:ident, $body:block) => {
        #[observe]
        fn $name() -> impl std::future::Future<Output = u32> {
            async move $body
        }
    };
}

with_a_body_in_a_future!(body_in_a_future, { 7 });

macro_rules! with_a_body_in_a_box {
    ($name:ident, $body:block) => {
        #[observe]
        fn $name() -> std::pin::Pin<Box<dyn std::future::Future<Output = u32>>> {
            Box::pin(async move $body)
        }
    };
}

with_a_body_in_a_box!(body_in_a_box, { 7 });

macro_rules! with_a_body_in_a_sync_tail {
    ($name:ident, $body:block) => {
        #[observe]
        fn $name() -> u32 {
            $body
        }
    };
}

with_a_body_in_a_sync_tail!(body_in_a_sync_tail, { 7 });

pub(crate) fn drive(log: &mut Log) {
    log.shape("body", || wait!(body()));
    log.shape("body_with_a_statement", || wait!(body_with_a_statement()));
    log.shape("body_in_the_tail", || wait!(body_in_the_tail()));
    log.shape("body_with_a_return_in_the_tail", || wait!(body_with_a_return_in_the_tail()));
    log.shape("body_in_a_future", || wait!(body_in_a_future()));
    log.shape("body_in_a_box", || wait!(body_in_a_box()));
    log.shape("body_in_a_sync_tail", body_in_a_sync_tail);
}
