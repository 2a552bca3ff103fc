//! Passes the context from a request handler to the executor, which runs in another task without a context.
//!
//! Between the two, the SDK passes on only the service parameters. They carry a ticket, for which the context is kept
//! here. An agent may forward the parameters it was called with, so the ticket is made not to leave the process, and not
//! to be believed if it comes from outside:
//!
//! - It is the name of a parameter without values, for which no client writes a header.
//! - Names that come over the wire are in lower case, and the ticket's is not.
//! - The executor's own code never sees it, and our clients remove it.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use a2a_server::ServiceParams;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use crate::lock::lock;
use crate::propagation::{self, InboundPolicy, ServiceParamsRef};

/// What the names of the parameters begin with that are tickets.
const TICKET: &str = "A2A-Otel-Passage-";

/// What is random in a ticket: its number.
type Number = u128;

static WAITING: LazyLock<Mutex<HashMap<Number, Context>>> = LazyLock::new(Mutex::default);

/// A context that is kept until this is dropped.
pub(super) struct Passage(Number);

/// Keeps the current context, and adds the ticket to the parameters.
pub(super) fn open(params: &mut ServiceParams) -> Passage {
    let number = number();
    lock(&WAITING).insert(number, Context::current());
    params.insert(format!("{TICKET}{number:032x}"), Vec::new());
    Passage(number)
}

/// Returns a number that cannot be guessed, because a guessed ticket would give access to another caller's context.
fn number() -> Number {
    static HASHERS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    static ISSUED: AtomicU64 = AtomicU64::new(0);
    let issued = ISSUED.fetch_add(1, Ordering::Relaxed);
    let [first, second] = HASHERS.each_ref().map(|hasher| Number::from(hasher.hash_one(issued)));
    first << u64::BITS | second
}

/// The result of redeeming a ticket.
pub(super) enum Arrival {
    /// There is no ticket: no `TracedHandler` is in front of the executor.
    Unannounced,
    /// The context of the request that a `TracedHandler` records.
    Announced(Context),
}

/// Redeems the ticket in the parameters, which [`readdress`] removes.
pub(super) fn arrive(params: &ServiceParams) -> Arrival {
    let Some(number) = params.keys().find_map(|name| name.strip_prefix(TICKET)) else {
        return Arrival::Unannounced;
    };
    let number = Number::from_str_radix(number, 16);
    let waiting = number.ok().and_then(|number| lock(&WAITING).get(&number).cloned());
    // If the handler has ended already, because its caller went away, the parameters still carry its span, which it
    // wrote there in place of the caller's.
    let context = waiting.unwrap_or_else(|| InboundPolicy::Continue.extract(&ServiceParamsRef(params)));
    Arrival::Announced(context)
}

/// Returns the context that an outgoing call's parameters carry, for calls that are made where there is no span: in a task
/// that an agent has spawned without its context.
pub(super) fn forwarded(params: &ServiceParams) -> Option<Context> {
    let is_lost = !Context::map_current(Context::has_active_span);
    is_lost.then(|| propagation::extract(&ServiceParamsRef(params)))
}

/// Writes the current context into parameters that somebody may forward, and removes what is ours.
pub(super) fn readdress(params: &mut ServiceParams) {
    propagation::replace(params, |name| name.starts_with(TICKET));
}

impl Drop for Passage {
    fn drop(&mut self) {
        lock(&WAITING).remove(&self.0);
    }
}
