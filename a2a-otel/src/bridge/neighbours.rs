//! Finds out what else a subscriber has: a layer of tracing-opentelemetry that the application has added, or another
//! bridge.
//!
//! Two layers of tracing-opentelemetry that take the same span panic, because both keep their data of it in the same
//! place. So what the application's own layer takes, the bridge leaves to it, and adds only events. Neither the data nor
//! the layer's whole type can be named here, but a span shows whether a layer has put data there. So for each target and
//! level, the bridge creates one span that it does not take itself, and looks. It does so on another thread, because
//! tracing-subscriber keeps for each thread what the filters have decided of the span that is being created.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::callsite::{Callsite, Identifier};
use tracing::dispatcher::{WeakDispatch, get_default};
use tracing::field::{Field, FieldSet, Value};
use tracing::metadata::Kind;
use tracing::span::Attributes;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::layer::{Context as LayerContext, Layer};

thread_local! {
    /// Whether this thread finds out what other layers take, or where a bridge is.
    static IS_LOOKING: Cell<bool> = const { Cell::new(false) };
    /// The bridge that this thread looks for, until that answers: the address of its facts.
    static SOUGHT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The spans of one target and level. A filter takes all of them or none.
type Spans = (Level, &'static str);

/// What is known of the subscriber that the layers of one bridge are in.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    /// The subscriber, and whether the bridge is not the first one in it.
    place: OnceLock<(WeakDispatch, bool)>,
    /// Whether another layer takes these spans.
    taken: RwLock<HashMap<Spans, bool>>,
    /// Whether another layer takes any.
    takes_any: AtomicBool,
    /// The level of proxies, or `None` if there can be none.
    proxies: OnceLock<Option<Level>>,
    /// Whether there is no other layer that makes spans, so that nobody needs to look.
    are_absent: bool,
}

impl Neighbours {
    /// In a subscriber of ours.
    pub(super) fn absent() -> Self {
        Self(Arc::new(Facts { are_absent: true, ..Facts::default() }))
    }

    /// Whether nobody needs to look for them.
    pub(super) fn are_absent(&self) -> bool {
        self.0.are_absent
    }

    /// Whether the span is left to the bridge.
    pub(super) fn leave(&self, span: &Metadata<'_>) -> bool {
        self.are_absent() || (self.is_first(span) && !self.take(span))
    }

    /// The level of proxies in the subscriber whose first bridge this is, found once, on another thread.
    pub(super) fn level_of_proxies(
        &self,
        dispatch: &Dispatch,
        find: impl FnOnce() -> Option<Level> + Send,
    ) -> Option<Level> {
        *self.0.proxies.get_or_init(|| {
            let (_, is_second) = self.0.place.get_or_init(|| self.place_in(dispatch));
            if *is_second { None } else { elsewhere(find).flatten() }
        })
    }

    /// Whether it is the only bridge of its subscriber, or the first one, when it is asked about a span or an event.
    pub(super) fn is_first(&self, asked: &Metadata<'_>) -> bool {
        !IS_LOOKING.get() && self.place(asked).is_none_or(|(_, is_second)| !is_second)
    }

    /// Whether the layer that has made this span of OpenTelemetry adds the event to it.
    pub(super) fn record(&self, event: &Event<'_>, span: &SpanContext) -> bool {
        if !self.0.takes_any.load(Ordering::Relaxed) {
            return false;
        }
        let Some(dispatch) = self.dispatch() else { return false };
        let current = dispatch.current_span();
        let (id, is_taken) = match (event.parent(), current.id(), current.metadata()) {
            (Some(parent), ..) => (parent, true),
            (None, Some(id), Some(metadata)) if event.is_contextual() => (id, self.take(metadata)),
            _ => return false,
        };
        let made = if is_taken { get_otel_context(id, &dispatch) } else { None };
        made.is_some_and(|made| made.span().span_context().span_id() == span.span_id())
    }

    /// Whether another layer takes the span.
    fn take(&self, span: &Metadata<'_>) -> bool {
        let known = self.0.taken.read().unwrap_or_else(PoisonError::into_inner);
        let is_taken = known.get(&(*span.level(), span.target())).copied();
        drop(known);
        is_taken.unwrap_or_else(|| self.look(*span.level(), span.target()))
    }

    fn look(&self, level: Level, target: &str) -> bool {
        let Some(dispatch) = self.dispatch() else { return false };
        let target: &'static str = Box::leak(target.into());
        let looking = || is_taken((level, target), &dispatch);
        let is_taken = elsewhere(looking).unwrap_or(false);
        self.0.taken.write().unwrap_or_else(PoisonError::into_inner).insert((level, target), is_taken);
        self.0.takes_any.fetch_or(is_taken, Ordering::Relaxed);
        is_taken
    }

    fn dispatch(&self) -> Option<Dispatch> {
        self.0.place.get()?.0.upgrade()
    }

    /// The subscriber, and whether another bridge comes first. A list of layers does not tell them, so if nobody has, it can
    /// be the subscriber of this thread. That may have other bridges alone: what is new is shown to all subscribers, on a
    /// thread of any of them.
    fn place(&self, asked: &Metadata<'_>) -> Option<&(WeakDispatch, bool)> {
        self.0.place.get().or_else(|| {
            let current = get_default(Clone::clone);
            let is_here = current.downcast_ref::<Self>()?.is(self) || self.answers(&current, asked);
            is_here.then(|| self.0.place.get_or_init(|| self.place_in(&current)))
        })
    }

    /// Whether it is asked when this subscriber is.
    fn answers(&self, dispatch: &Dispatch, asked: &Metadata<'_>) -> bool {
        let seek = || {
            IS_LOOKING.set(true);
            SOUGHT.set(Some(self.address()));
            dispatch.enabled(asked);
            SOUGHT.get().is_none()
        };
        elsewhere(seek).unwrap_or(false)
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    fn place_in(&self, dispatch: &Dispatch) -> (WeakDispatch, bool) {
        let first = dispatch.downcast_ref::<Self>();
        (dispatch.downgrade(), first.is_some_and(|first| !first.is(self)))
    }
}

/// Learns which subscriber the bridge is in.
impl<S: Subscriber> Layer<S> for Neighbours {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.0.place.get_or_init(|| self.place_in(dispatch));
    }

    fn enabled(&self, _: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        if SOUGHT.get() == Some(self.address()) {
            SOUGHT.set(None);
        }
        true
    }
}

/// Runs code on another thread, because filters keep for each thread what they have decided.
fn elsewhere<R: Send>(code: impl FnOnce() -> R + Send) -> Option<R> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("a2a-otel-bridge".to_owned()).spawn_scoped(scope, code);
        thread.ok().and_then(|thread| thread.join().ok())
    })
}

/// Whether a layer keeps data of such a span, while the bridge does not. The span itself is not recorded.
fn is_taken((level, target): Spans, dispatch: &Dispatch) -> bool {
    IS_LOOKING.set(true);
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    let fields = || FieldSet::new(&[], Identifier(&Look));
    let look: &'static Metadata<'static> =
        Box::leak(Box::new(Metadata::new(NAME, target, level, None, None, None, fields(), Kind::SPAN)));
    // The filters are asked, and each decides of this span alone.
    if !dispatch.enabled(look) {
        return false;
    }
    let none: [(&Field, Option<&dyn Value>); 0] = [];
    let id = dispatch.new_span(&Attributes::new(look, &fields().value_set(&none)));
    let is_taken = get_otel_context(&id, dispatch).is_some();
    dispatch.try_close(id);
    is_taken
}

const NAME: &str = "look for a layer of tracing-opentelemetry";

/// The callsite of such spans.
struct Look;

static LOOK: Metadata<'static> = Metadata::new(
    NAME,
    module_path!(),
    Level::TRACE,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&Look)),
    Kind::SPAN,
);

impl Callsite for Look {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &LOOK
    }
}
