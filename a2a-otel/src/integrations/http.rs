//! Context in HTTP headers, for everything that uses the crate `http`.
//!
//! These functions and layers carry context and start no spans: HTTP spans between those of agents would only add
//! noise.
//!
//! A server built with axum, or with anything else that takes tower's layers, such as tonic:
//!
//! ```
//! use a2a_otel::http::ExtractLayer;
//! use a2a_otel::propagation::InboundPolicy;
//! use axum::{Router, routing::post};
//!
//! #[a2a_otel::agent_span]
//! async fn answer(question: String) -> String {
//!     question.to_uppercase()
//! }
//!
//! let agent: Router = Router::new().route("/ask", post(answer)).layer(ExtractLayer::new());
//! let public: Router =
//!     Router::new().route("/ask", post(answer)).layer(ExtractLayer::new().policy(InboundPolicy::Restart));
//! ```
//!
//! A reqwest client, request by request:
//!
//! ```
//! # fn ask(client: reqwest::Client) -> reqwest::RequestBuilder {
//! client.post("http://agent/ask").headers(a2a_otel::http::headers())
//! # }
//! ```
//!
//! A tonic client, whose metadata are headers; or use [`InjectLayer`] around its channel:
//!
//! ```
//! fn inject(mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
//!     a2a_otel::http::inject(request.metadata_mut().as_mut());
//!     Ok(request)
//! }
//! // AgentClient::with_interceptor(channel, inject)
//! ```

use std::pin::Pin;
use std::task::{Context as Waking, Poll, ready};

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use opentelemetry::Context;
use opentelemetry::context::{FutureExt as _, WithContext};
use opentelemetry::global::get_text_map_propagator;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

pub use super::health::{Probe, alive, readiness};
#[cfg(feature = "metrics")]
pub use super::scrape::{Metrics, MetricsBody, Scrape, metrics};
#[cfg(feature = "mcp")]
use crate::propagation::Arrival;
use crate::propagation::{self, Headers, HeadersRef, InboundPolicy};

/// Returns the current span, session and user as headers for a request.
///
/// ```
/// # let _capturing = a2a_otel::testing::capture();
/// #[a2a_otel::a2a_call]
/// fn ask() -> http::HeaderMap {
///     a2a_otel::http::headers()
/// }
/// assert!(ask().contains_key("traceparent"));
/// ```
#[must_use]
pub fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    inject(&mut headers);
    headers
}

/// Writes the current span, session and user into the headers of a request.
///
/// ```
/// # fn prepare(request: &mut reqwest::Request) {
/// a2a_otel::http::inject(request.headers_mut());
/// # }
/// ```
pub fn inject(headers: &mut HeaderMap) {
    propagation::inject(&mut Headers(headers));
}

/// Reads the caller's span, session and user from the headers of a request.
///
/// ```
/// use a2a_otel::opentelemetry::trace::FutureExt as _;
///
/// # async fn answer() {}
/// # fn serve(request: http::Request<()>) {
/// let work = answer().with_context(a2a_otel::http::extract(request.headers()));
/// # drop(work);
/// # }
/// ```
#[must_use]
pub fn extract(headers: &HeaderMap) -> Context {
    propagation::extract(&HeadersRef(headers))
}

/// Runs a server below the caller's span, in its session and for its user, including while the body of the answer is
/// sent, so that event streams are covered.
///
/// It starts no span; the spans of attribute macros are below the caller's. See [the module](self) for an example.
///
/// If the current span continues the caller's trace, as that of a middleware around this layer does, it stays the parent.
/// The context also travels with the request, as an extension: `TracedServer` of the feature `mcp` works in another task.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExtractLayer {
    policy: InboundPolicy,
}

impl ExtractLayer {
    /// Continues the caller's trace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies a policy to the caller's trace. Unless it continues the trace, the headers are removed from the request,
    /// so that nothing behind the layer continues it.
    #[must_use]
    pub const fn policy(mut self, policy: InboundPolicy) -> Self {
        self.policy = policy;
        self
    }
}

impl<S> Layer<S> for ExtractLayer {
    type Service = Extract<S>;

    fn layer(&self, inner: S) -> Extract<S> {
        Extract { inner, policy: self.policy }
    }
}

/// A service behind an [`ExtractLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Extract<S> {
    inner: S,
    policy: InboundPolicy,
}

impl<S, B, A> Service<Request<B>> for Extract<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = Response<InContext<A>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, waking: &mut Waking<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(waking)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let context = self.policy.extract_within(&HeadersRef(request.headers()));
        if self.policy != InboundPolicy::Continue {
            remove(request.headers_mut());
        }
        // A server of MCP works on the request in another task.
        #[cfg(feature = "mcp")]
        request.extensions_mut().insert(Arrival(context.clone()));
        let entered = context.clone().attach();
        let answer = self.inner.call(request);
        drop(entered);
        Answering { answer: answer.with_context(context.clone()), context }
    }
}

/// Removes the headers that the propagator reads.
fn remove(headers: &mut HeaderMap) {
    get_text_map_propagator(|propagator| {
        for field in propagator.fields() {
            headers.remove(field);
        }
    });
}

pin_project! {
    /// The future answer of a service behind an [`ExtractLayer`].
    #[must_use = "futures do nothing until they are polled"]
    pub struct Answering<F> {
        #[pin]
        answer: WithContext<F>,
        context: Context,
    }
}

impl<F, A, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<InContext<A>>, E>;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(waking));
        let context = this.context.clone();
        Poll::Ready(answer.map(|answer| answer.map(|body| InContext { body, context })))
    }
}

pin_project! {
    /// A body that is produced in the caller's context.
    #[derive(Debug)]
    pub struct InContext<B> {
        #[pin]
        body: B,
        context: Context,
    }
}

impl<B: Body> Body for InContext<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        waking: &mut Waking<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let _entered = this.context.clone().attach();
        this.body.poll_frame(waking)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Sends the current span, session and user with every request of a tower client.
///
/// ```
/// use a2a_otel::http::InjectLayer;
/// use tower_layer::Layer as _;
///
/// # fn connect(channel: tonic::transport::Channel) {
/// let channel = InjectLayer::new().layer(channel);
/// // AgentClient::new(channel)
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct InjectLayer {}

impl InjectLayer {
    /// Sends what the global propagator writes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for InjectLayer {
    type Service = Inject<S>;

    fn layer(&self, inner: S) -> Inject<S> {
        Inject { inner }
    }
}

/// A client behind an [`InjectLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Inject<S> {
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Inject<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, waking: &mut Waking<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(waking)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        inject(request.headers_mut());
        self.inner.call(request)
    }
}
