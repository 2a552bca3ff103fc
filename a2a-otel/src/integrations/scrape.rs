//! Metrics over HTTP, for Prometheus.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Waking, Poll, Waker};
use std::thread;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tower_service::Service;

use crate::lock::lock;
use crate::metrics::prometheus::{Asked, Scraper};
use crate::telemetry::Handle;

/// How many scrapes may wait for a collection at once.
const MOST: usize = 16;

/// Serves the metrics of this process to Prometheus, in its text format or in OpenMetrics, as the request prefers. The
/// latter has exemplars: the trace in which a value was measured.
///
/// Use it for `/metrics`. Metrics are collected for each request, on a thread of their own, so that a callback that hangs
/// does not block the server: after the time-out that Prometheus sends, or 9.5 seconds, the metrics of the last scrape are
/// served.
///
/// ```
/// use axum::Router;
///
/// let router: Router = Router::new().route_service("/metrics", a2a_otel::http::metrics());
/// ```
#[must_use]
pub fn metrics() -> Metrics {
    Scraper::keep_exemplars();
    Metrics { _private: () }
}

/// Answers scrapes; created by [`metrics`].
#[derive(Clone, Copy, Debug)]
pub struct Metrics {
    _private: (),
}

impl<B> Service<Request<B>> for Metrics {
    type Response = Response<MetricsBody>;
    type Error = Infallible;
    type Future = Scrape;

    fn poll_ready(&mut self, _: &mut Waking<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Scrape {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Scrape::ready(answer);
        }
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let asked = Asked::new(header);
        match Handle::installed().and_then(|handle| handle.scraper()) {
            Some(scraper) => Scrape::start(scraper, asked),
            None => Scrape::ready(refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "no metrics are collected: a2a_otel::init() was not called, its guard was dropped, or telemetry is disabled",
            )),
        }
    }
}

fn refusal(status: StatusCode, text: &'static str) -> Response<MetricsBody> {
    let mut answer = Response::new(MetricsBody(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

/// The future answer to a scrape.
#[derive(Debug)]
#[must_use = "futures do nothing until they are polled"]
pub struct Scrape(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    answer: Option<Response<MetricsBody>>,
    waker: Option<Waker>,
}

impl Scrape {
    fn ready(answer: Response<MetricsBody>) -> Self {
        Self(Arc::new(Mutex::new(Waiting { answer: Some(answer), waker: None })))
    }

    /// Collects on another thread: waiting for it must not block the server's.
    fn start(scraper: Scraper, asked: Asked) -> Self {
        let too_many = || Self::ready(refusal(StatusCode::SERVICE_UNAVAILABLE, "too many scrapes at once"));
        let Some(place) = Place::take() else { return too_many() };
        let scrape = Self(Arc::default());
        let waiting = Arc::clone(&scrape.0);
        let work = move || {
            let answer = answer(&scraper, asked);
            drop(place);
            let mut waiting = lock(&waiting);
            waiting.answer = Some(answer);
            let waker = waiting.waker.take();
            drop(waiting);
            waker.into_iter().for_each(Waker::wake);
        };
        match thread::Builder::new().name("a2a-otel metrics".to_owned()).spawn(work) {
            Ok(_) => scrape,
            Err(_) => too_many(),
        }
    }
}

fn answer(scraper: &Scraper, asked: Asked) -> Response<MetricsBody> {
    let Ok(page) = scraper.scrape(asked) else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "no metrics were collected; try again later");
    };
    let (content_type, is_compressed) = (page.format.content_type(), page.is_compressed);
    let mut answer = Response::new(MetricsBody(Bytes::from_owner(page.body)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if is_compressed {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

impl Future for Scrape {
    type Output = Result<Response<MetricsBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Self::Output> {
        let mut waiting = lock(&self.0);
        if let Some(answer) = waiting.answer.take() {
            return Poll::Ready(Ok(answer));
        }
        waiting.waker = Some(waking.waker().clone());
        Poll::Pending
    }
}

/// A place among the scrapes that wait at once.
struct Place;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

impl Place {
    fn take() -> Option<Self> {
        let place = Self;
        (TAKEN.fetch_add(1, Ordering::Relaxed) < MOST).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer to a scrape, which is in memory.
#[derive(Clone, Debug)]
pub struct MetricsBody(Bytes);

impl Body for MetricsBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Waking<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
