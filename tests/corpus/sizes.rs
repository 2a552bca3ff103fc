//! The size of futures: no value of the user is stored twice.

use std::future::Future;

use crate::log::{Log, note, pause, wait};
use crate::observe;

/// How much an attribute macro may add to a future, in bytes.
const ALLOWANCE: usize = 512;

const LARGE: usize = 4096;

fn note_size<T>(future: T, of: usize) -> T {
    let size = size_of_val(&future);
    note(format_args!("at least {of}: {}", size >= of));
    note(format_args!("at most {of} and an allowance: {}", size <= of + ALLOWANCE));
    future
}

#[observe]
async fn empty() {}

#[observe(skip_all)]
async fn large_local(n: u8) -> u8 {
    let large = [n; LARGE];
    pause().await;
    large[LARGE - 1]
}

#[observe(skip_all)]
fn large_opaque_future(n: u8) -> impl Future<Output = u8> {
    let large = [n; LARGE];
    async move {
        pause().await;
        large[LARGE - 1]
    }
}

#[observe(skip_all)]
fn large_boxed_future(n: u8) -> std::pin::Pin<Box<dyn Future<Output = u8>>> {
    let large = [n; LARGE];
    Box::pin(async move {
        pause().await;
        large[LARGE - 1]
    })
}

/// rustc itself stores an argument twice: as it was passed, and as the body's variable.
#[observe(skip_all)]
async fn large_argument(large: [u8; LARGE]) -> u8 {
    pause().await;
    large[LARGE - 1]
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("empty", || wait!(note_size(empty(), 0)));
    log.shape("large_local", || wait!(note_size(large_local(1), LARGE)));
    log.shape("large_opaque_future", || wait!(note_size(large_opaque_future(1), LARGE)));
    log.shape("large_boxed_future", || wait!(note_size(large_boxed_future(1), 0)));
    log.shape("large_argument", || wait!(note_size(large_argument([1; LARGE]), 2 * LARGE)));
}
