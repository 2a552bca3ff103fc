//! Answers browsers.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request as HttpRequest, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::Markup;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::ask::{self, Settings};
use super::dashboard::Folder;
use super::host::is_loopback;
use super::html;
use super::request::Request;

/// How many pages are made at once. Others wait.
const PAGES: usize = 4;

/// What browsers may do with a page: nothing but show it, with this server's style and script.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Files of the page: path, type, content.
const FILES: [(&str, &str, &str); 3] = [
    ("/style.css", "text/css; charset=utf-8", include_str!("assets/style.css")),
    ("/refresh.js", "text/javascript; charset=utf-8", include_str!("assets/refresh.js")),
    ("/icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

struct Shared {
    settings: Arc<Settings>,
    pages: Semaphore,
    loopback: bool,
}

/// Serves until the program is asked to end.
pub(crate) async fn run(listen: SocketAddr, settings: Arc<Settings>) -> Result<(), String> {
    let listener = TcpListener::bind(listen);
    let listener = listener.await.map_err(|error| {
        format!("{listen} cannot be listened on: {error}; choose another address with --listen")
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("Dashboards: http://{address}/  (Ctrl+C ends)");
    let shared = Shared { settings, pages: Semaphore::new(PAGES), loopback: address.ip().is_loopback() };
    let served = axum::serve(listener, router(Arc::new(shared)));
    served.with_graceful_shutdown(asked_to_end()).await.map_err(|error| error.to_string())
}

async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without signals, the program is ended in another way.
        std::future::pending::<()>().await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new()
        .route("/", get(index))
        .route("/d/{uid}", get(dashboard))
        // Grafana's addresses have the title there.
        .route("/d/{uid}/{title}", get(dashboard_with_title))
        .fallback(nothing);
    for (path, kind, content) in FILES {
        let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")];
        router = router.route(path, get(move || async move { (headers, content) }));
    }
    router.layer(middleware::from_fn_with_state(shared.clone(), guard)).with_state(shared)
}

/// Adds the headers, and refuses requests that a foreign page makes with a name that leads to this machine.
async fn guard(State(shared): State<Arc<Shared>>, request: HttpRequest, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = if shared.loopback && !is_of_this_machine(host) {
        (StatusCode::MISDIRECTED_REQUEST, "Use the address 127.0.0.1 or localhost.\n").into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn is_of_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|it| it.is_ascii_digit()));
    is_loopback(name.map_or(host, |(name, _)| name))
}

async fn index(State(shared): State<Arc<Shared>>) -> Response {
    page(shared, |settings| (StatusCode::OK, html::index(settings, &Folder::read(&settings.folder)))).await
}

async fn nothing(State(shared): State<Arc<Shared>>) -> Response {
    page(shared, |settings| (StatusCode::NOT_FOUND, html::missing(settings, &Folder::read(&settings.folder))))
        .await
}

async fn dashboard_with_title(
    shared: State<Arc<Shared>>,
    Path((uid, _)): Path<(String, String)>,
    query: RawQuery,
) -> Response {
    dashboard(shared, Path(uid), query).await
}

async fn dashboard(
    State(shared): State<Arc<Shared>>,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    page(shared, move |settings| {
        let folder = Folder::read(&settings.folder);
        let known = folder.as_ref().ok();
        let Some(dashboard) = known.and_then(|it| it.dashboards.iter().find(|one| one.uid == uid)) else {
            return (StatusCode::NOT_FOUND, html::missing(settings, &folder));
        };
        let request = Request::read(query.as_deref().unwrap_or_default(), dashboard, &settings.clock);
        let answers = ask::all(settings, dashboard, &request);
        let others = known.map_or(&[][..], |it| &it.dashboards);
        (StatusCode::OK, html::dashboard(settings, others, dashboard, &request, &answers))
    })
    .await
}

/// Makes a page on a thread that may wait.
async fn page(
    shared: Arc<Shared>,
    make: impl FnOnce(&Settings) -> (StatusCode, Markup) + Send + 'static,
) -> Response {
    let settings = shared.settings.clone();
    // It is never closed.
    let _permit = shared.pages.acquire().await;
    let done = spawn_blocking(move || make(&settings)).await;
    let (status, body) = match done {
        Ok((status, page)) => (status, Body::from(page.into_string())),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Body::from("This page cannot be shown; please report this.\n"),
        ),
    };
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}
