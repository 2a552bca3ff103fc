//! How requests reach the model: over HTTP, or over TLS with `ring`, which the sender of spans uses too.
//!
//! The TLS of `async-openai` would bring a second library for cryptography, in C, which takes longer to compile than all agents.

use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::{Body, Response};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;
use tracing::warn;

/// Sends each request once, to an address that begins with `http` or `https`.
#[derive(Clone)]
pub(crate) struct Https(Client<HttpsConnector<HttpConnector>, Body>);

impl Https {
    pub(crate) fn new() -> Self {
        let mut http = HttpConnector::new();
        // The connector for TLS takes the rest.
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls())
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Self(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
    }
}

/// Trusts the authorities of this machine, or those in the file that `SSL_CERT_FILE` names.
fn tls() -> ClientConfig {
    let config = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the default versions")
    };
    match config().with_native_roots() {
        Ok(config) => config.with_no_client_auth(),
        Err(error) => {
            // A model without TLS can be asked nevertheless.
            warn!(%error, "no model can be asked over TLS");
            config().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    }
}

impl Service<HttpRequestFactory> for Https {
    type Response = Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<Response, OpenAIError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let client = self.0.clone();
        async move {
            let request: http::Request<Body> = request.build().await?.try_into()?;
            let response = client.request(request).await.map_err(|error| OpenAIError::Boxed(error.into()))?;
            Ok(response.map(Body::wrap).into())
        }
        .boxed()
    }
}

/// Whether no connection could be made.
pub(crate) fn is_connect(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<ClientError>().is_some_and(ClientError::is_connect)
}
