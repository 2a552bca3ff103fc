//! A provider on its own port, which returns prepared answers, and keeps the requests.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A provider's answer to one request.
pub(crate) struct Answer {
    status: u16,
    content_type: &'static str,
    pieces: Vec<Bytes>,
    is_cut: bool,
}

impl Answer {
    pub(crate) fn json(body: &str) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            pieces: vec![Bytes::copy_from_slice(body.as_bytes())],
            is_cut: false,
        }
    }

    /// Server-sent events, each in a separate piece.
    pub(crate) fn events(body: &str) -> Self {
        let pieces = body.split_inclusive("\n\n").map(|event| event.to_owned().into()).collect();
        Self { content_type: "text/event-stream", pieces, ..Self::json("") }
    }

    /// Lines of JSON, each in a separate piece.
    pub(crate) fn lines(body: &str) -> Self {
        let pieces = body.split_inclusive('\n').map(|line| line.to_owned().into()).collect();
        Self { content_type: "application/x-ndjson", pieces, ..Self::json("") }
    }

    /// OpenAI's answer to too many requests.
    pub(crate) fn busy() -> Self {
        let error =
            json!({"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"});
        Self::refused(429, &json!({ "error": error }))
    }

    pub(crate) fn refused(status: u16, error: &Value) -> Self {
        Self { status, ..Self::json(&error.to_string()) }
    }

    /// Splits the answer into pieces of this many bytes, at any position.
    pub(crate) fn split(self, size: usize) -> Self {
        let pieces = self.pieces.concat().chunks(size).map(Bytes::copy_from_slice).collect();
        Self { pieces, ..self }
    }

    /// Breaks the connection after this many pieces.
    pub(crate) fn cut_after(self, pieces: usize) -> Self {
        Self { pieces: self.pieces.into_iter().take(pieces).collect(), is_cut: true, ..self }
    }

    fn into_response(self) -> Response {
        let end = self.is_cut.then(|| Err(io::Error::other("the cable was pulled")));
        let pieces = stream::iter(self.pieces.into_iter().map(Ok).chain(end)).then(|piece| async {
            // Lets the previous piece be sent, so that the pieces arrive one by one.
            tokio::task::yield_now().await;
            piece
        });
        Response::builder()
            .status(self.status)
            .header("content-type", self.content_type)
            .body(Body::from_stream(pieces))
            .unwrap()
    }
}

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// A running provider, which ends with the test's runtime.
pub(crate) struct Provider {
    url: String,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

impl Provider {
    pub(crate) async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script =
            Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Arc<Script>>, uri: Uri, body: Bytes) -> Result<Response, Infallible> {
    let body = serde_json::from_slice(&body).expect("a provider is asked in JSON");
    script.asked.lock().unwrap().push(Asked { path: uri.path().to_owned(), body });
    let answer = script.answers.lock().unwrap().pop_front();
    Ok(answer.expect("an answer to each request").into_response())
}
