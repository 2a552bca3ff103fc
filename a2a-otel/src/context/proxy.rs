//! Makes a context known to `tracing`.
//!
//! `tracing::Span::current()` knows only spans of `tracing`. So where a context is entered, a `tracing` span that stands
//! for it can be entered with it: its proxy. Whoever keeps the current span, and enters it in another task, enters the
//! context again. Only the bridge can make proxies, so it registers how. A proxy costs as much as a `tracing` span, so
//! there are none before something in the process can be expected to ask for the current span.

#[cfg(feature = "tracing")]
use std::sync::OnceLock;
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::{Context, ContextGuard};

use super::thread::attach;
#[cfg(feature = "tracing")]
use super::thread::has_context;

/// Makes a proxy of this name, if the subscriber of this thread has a bridge.
#[cfg(feature = "tracing")]
type Make = fn(&'static str, &Context) -> Option<tracing::Span>;

#[cfg(feature = "tracing")]
static MAKE: OnceLock<Make> = OnceLock::new();

/// Whether somebody can be expected to ask for the current span.
#[cfg(feature = "tracing")]
static ARE_EXPECTED: AtomicBool = AtomicBool::new(false);

/// Registers how proxies are made. Only the first registration counts.
#[cfg(feature = "tracing")]
pub(crate) fn register_proxies(make: Make) {
    let _ = MAKE.set(make);
}

/// From now on, contexts have proxies.
#[cfg(feature = "tracing")]
pub(crate) fn expect_proxies() {
    if !ARE_EXPECTED.load(Ordering::Relaxed) {
        ARE_EXPECTED.store(true, Ordering::Relaxed);
    }
}

/// The proxy of a context, made when the context is first entered while proxies are expected.
#[cfg(feature = "tracing")]
#[derive(Debug)]
pub(crate) struct Proxy(OnceLock<Option<Box<tracing::Span>>>);

/// Without the bridge, there are no proxies.
#[cfg(not(feature = "tracing"))]
#[derive(Debug)]
pub(crate) struct Proxy;

impl Proxy {
    /// No proxy has been made yet.
    #[cfg(feature = "tracing")]
    pub(crate) const fn none() -> Self {
        Self(OnceLock::new())
    }

    /// There will be none.
    #[cfg(not(feature = "tracing"))]
    pub(crate) const fn none() -> Self {
        Self
    }

    /// Enters the context with its proxy.
    #[inline]
    #[cfg_attr(
        not(feature = "tracing"),
        expect(
            clippy::unused_self,
            unused_variables,
            reason = "without the bridge, there is no proxy to enter"
        )
    )]
    pub(crate) fn enter(&self, name: &'static str, context: &Context) -> Entered {
        #[cfg(feature = "tracing")]
        let proxy = if ARE_EXPECTED.load(Ordering::Relaxed) { self.enter_proxy(name, context) } else { None };
        Entered {
            // The proxy enters a copy of the context, so the context itself comes after it.
            _context: attach(context.clone()),
            #[cfg(feature = "tracing")]
            _proxy: proxy,
        }
    }

    #[cfg(feature = "tracing")]
    #[cold]
    fn enter_proxy(&self, name: &'static str, context: &Context) -> Option<tracing::span::EnteredSpan> {
        // When a thread ends, layers may have lost their storage as well.
        if !has_context() {
            return None;
        }
        let make = || MAKE.get().and_then(|make| make(name, context)).map(Box::new);
        let proxy = self.0.get_or_init(make).as_deref()?;
        Some(proxy.clone().entered())
    }
}

/// A context that is entered, with its proxy. The fields are dropped in order: what was entered last is left first.
#[must_use]
pub struct Entered {
    _context: Option<ContextGuard>,
    #[cfg(feature = "tracing")]
    _proxy: Option<tracing::span::EnteredSpan>,
}
