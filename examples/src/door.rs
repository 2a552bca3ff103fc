//! What a part answers on its port before it works, and to an orchestrator's probes at any time.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use a2a_otel::http;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::SERVER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_service::Service;

/// The door of a part: closed with a reason, until the part can work.
#[derive(Clone)]
pub struct Door {
    part: Arc<str>,
    stage: Arc<RwLock<Stage>>,
}

enum Stage {
    Closed(String),
    Open(Router),
}

impl Door {
    /// A closed door.
    #[must_use]
    pub fn new(part: &str) -> Self {
        Self { part: part.into(), stage: Arc::new(RwLock::new(Stage::Closed("it is starting".into()))) }
    }

    /// The name of the part behind it.
    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Lets requests in, to these routes.
    pub fn open(&self, router: Router) {
        self.set(Stage::Open(router));
    }

    /// Says why the part does not work.
    pub fn close(&self, reason: String) {
        self.set(Stage::Closed(reason));
    }

    fn set(&self, stage: Stage) {
        *self.stage.write().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// The routes of the part, or why there are none.
    fn inside(&self) -> Result<Router, String> {
        match &*self.stage.read().unwrap_or_else(PoisonError::into_inner) {
            Stage::Closed(reason) => Err(reason.clone()),
            Stage::Open(router) => Ok(router.clone()),
        }
    }

    /// What the port serves: the probes `/healthz`, whether the process is alive, and `/readyz`, whether the part works and
    /// its spans are delivered; the metrics for Prometheus; and what is behind the door.
    pub fn router(&self) -> Router {
        Router::new()
            .route_service("/healthz", http::alive())
            .route("/readyz", get(ready))
            .route_service("/metrics", http::metrics())
            .fallback(enter)
            .with_state(self.clone())
    }
}

/// The header by which the health check recognises the part: another program may have the port.
#[must_use]
pub fn sign(part: &str) -> String {
    format!("marketplace/{part}")
}

async fn ready(State(door): State<Door>, request: Request) -> Response {
    let mut answer = match door.inside() {
        Ok(_) => answered(http::readiness().call(request).await),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    };
    if let Ok(sign) = HeaderValue::try_from(sign(&door.part)) {
        answer.headers_mut().insert(SERVER, sign);
    }
    answer
}

async fn enter(State(door): State<Door>, request: Request) -> Response {
    match door.inside() {
        Ok(mut router) => answered(router.call(request).await),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    }
}

fn answered(answer: Result<impl IntoResponse, Infallible>) -> Response {
    match answer {
        Ok(answer) => answer.into_response(),
        Err(never) => match never {},
    }
}
