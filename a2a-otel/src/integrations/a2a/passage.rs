//! The way from a request handler to the executor that it runs in a task of its own, where no context is current.
//!
//! Between the two, the SDK carries nothing of ours but the service parameters. They hold a ticket, and the context waits
//! here for it.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use a2a_server::ServiceParams;
use opentelemetry::Context;

use crate::lock::lock;

/// The parameter that holds the ticket. What a client sends under this name is overwritten.
const TICKET: &str = "a2a-otel-passage";

static WAITING: LazyLock<Mutex<HashMap<String, Context>>> = LazyLock::new(Mutex::default);

/// A context that waits until this is dropped.
pub(super) struct Passage(String);

/// Lets the current context wait, and puts the ticket into the parameters.
pub(super) fn open(params: &mut ServiceParams) -> Passage {
    let ticket = ticket();
    lock(&WAITING).insert(ticket.clone(), Context::current());
    params.insert(TICKET.to_owned(), vec![ticket.clone()]);
    Passage(ticket)
}

/// Nobody can guess it, for who could would have a stranger's context.
fn ticket() -> String {
    static HASHERS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    static ISSUED: AtomicU64 = AtomicU64::new(0);
    let number = ISSUED.fetch_add(1, Ordering::Relaxed);
    let [first, second] = HASHERS.each_ref().map(|hasher| hasher.hash_one(number));
    format!("{first:016x}{second:016x}")
}

/// What a ticket is good for.
pub(super) enum Arrival {
    /// There is none: nobody stands in front of the executor.
    Unannounced,
    Announced(Context),
    /// Whoever let the context wait has gone, with its caller.
    Late,
}

/// Redeems the ticket in the parameters.
pub(super) fn arrive(params: &ServiceParams) -> Arrival {
    let Some(ticket) = params.get(TICKET).and_then(|values| values.first()) else {
        return Arrival::Unannounced;
    };
    lock(&WAITING).get(ticket).cloned().map_or(Arrival::Late, Arrival::Announced)
}

impl Drop for Passage {
    fn drop(&mut self) {
        lock(&WAITING).remove(&self.0);
    }
}
