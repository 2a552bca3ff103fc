//! The health of telemetry over HTTP.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context as Waking, Poll};

use http::{Request, Response, StatusCode};
use tower_service::Service;

use crate::telemetry::Handle;

/// Answers health probes; created by [`alive`] and [`readiness`].
#[derive(Clone, Copy, Debug)]
pub struct Probe(fn() -> (StatusCode, String));

/// Answers 200 while the process runs. Use it for `/healthz`, by which an orchestrator decides whether to restart it.
///
/// ```
/// use axum::Router;
///
/// let router: Router = Router::new()
///     .route_service("/healthz", a2a_otel::http::alive())
///     .route_service("/readyz", a2a_otel::http::readiness());
/// ```
#[must_use]
pub fn alive() -> Probe {
    Probe(|| (StatusCode::OK, "ok".to_owned()))
}

/// Answers 200 while the spans of this process are delivered, or kept in the spool because their receiver is away, and 503
/// with the reason otherwise. Use it for `/readyz`.
///
/// An agent works even if its telemetry fails. Make traffic depend on this probe only if the agent must not work
/// unobserved; otherwise use it for monitoring.
#[must_use]
pub fn readiness() -> Probe {
    Probe(|| match Handle::installed().map(|handle| handle.health()) {
        Some(health) if health.is_good() || health.loses_nothing() => (StatusCode::OK, health.to_string()),
        Some(health) => (StatusCode::SERVICE_UNAVAILABLE, health.to_string()),
        None => {
            (StatusCode::SERVICE_UNAVAILABLE, "telemetry was not started: call a2a_otel::init()".to_owned())
        }
    })
}

impl<B> Service<Request<B>> for Probe {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Waking<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let (status, text) = (self.0)();
        let mut answer = Response::new(text);
        *answer.status_mut() = status;
        ready(Ok(answer))
    }
}
