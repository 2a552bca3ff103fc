//! Passes the context from a request handler to the executor, which runs in another task without a context.
//!
//! Between the two, the SDK passes on only the service parameters. They carry a ticket, for which the context is kept
//! here.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use a2a_server::ServiceParams;
use opentelemetry::Context;

use crate::lock::lock;

/// The parameter with the ticket. A value from a client is overwritten.
const TICKET: &str = "a2a-otel-passage";

static WAITING: LazyLock<Mutex<HashMap<String, Context>>> = LazyLock::new(Mutex::default);

/// A context that is kept until this is dropped.
pub(super) struct Passage(String);

/// Keeps the current context, and adds the ticket to the parameters.
pub(super) fn open(params: &mut ServiceParams) -> Passage {
    let ticket = ticket();
    lock(&WAITING).insert(ticket.clone(), Context::current());
    params.insert(TICKET.to_owned(), vec![ticket.clone()]);
    Passage(ticket)
}

/// Returns a ticket that cannot be guessed, because a guessed ticket would give access to another caller's context.
fn ticket() -> String {
    static HASHERS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    static ISSUED: AtomicU64 = AtomicU64::new(0);
    let number = ISSUED.fetch_add(1, Ordering::Relaxed);
    let [first, second] = HASHERS.each_ref().map(|hasher| hasher.hash_one(number));
    format!("{first:016x}{second:016x}")
}

/// The result of redeeming a ticket.
pub(super) enum Arrival {
    /// There is no ticket: no `TracedHandler` is in front of the executor.
    Unannounced,
    Announced(Context),
    /// The handler that kept the context has ended, because its caller went away.
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
