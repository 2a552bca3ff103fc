//! Tests context in HTTP headers, over sockets: with axum, reqwest, and tower's layers.

use std::convert::Infallible;
use std::future::poll_fn;

use a2a_otel::http::{ExtractLayer, InjectLayer};
use a2a_otel::opentelemetry::trace::TraceId;
use a2a_otel::propagation::InboundPolicy;
use a2a_otel::testing::capture;
use a2a_otel::{a2a_call, agent_span, tool_span, with_session};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::routing::post;
use futures::{StreamExt, stream};
use tokio::net::TcpListener;
use tower_layer::Layer as _;
use tower_service::Service as _;

#[agent_span]
async fn answer(question: String) -> String {
    shout(&question)
}

#[tool_span]
fn shout(word: &str) -> String {
    word.to_uppercase()
}

/// The words of the answer are produced while the body is being sent.
async fn answer_word_by_word(question: String) -> Body {
    let words: Vec<_> = question.split(' ').map(str::to_owned).collect();
    Body::from_stream(stream::iter(words).map(|word| Ok::<_, Infallible>(Bytes::from(shout(&word)))))
}

fn agent(layer: ExtractLayer) -> Router {
    Router::new().route("/ask", post(answer)).route("/stream", post(answer_word_by_word)).layer(layer)
}

async fn serve(agent: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, agent).await });
    format!("http://{address}")
}

#[a2a_call(peer = "agent", input = question)]
async fn ask(url: String, question: &str) -> Result<String, reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(url).headers(a2a_otel::http::headers()).body(question.to_owned());
    request.send().await?.text().await
}

#[tokio::test]
async fn a_call_and_its_answer_are_one_trace_in_one_session() {
    let url = serve(agent(ExtractLayer::new())).await;
    let capturing = capture();
    let call = with_session("s-1").user("ada").wrap(ask(format!("{url}/ask"), "which lamp"));
    assert_eq!(call.await.expect("an answer"), "WHICH LAMP");
    assert_eq!(
        capturing.tree(),
        "CHAIN SendMessage agent\n  AGENT answer\n    TOOL shout\n",
        "HTTP itself makes no spans"
    );
    for span in capturing.spans() {
        assert_eq!((span.text("session.id"), span.text("user.id")), (Some("s-1"), Some("ada")), "{span:?}");
    }
}

#[tokio::test]
async fn what_makes_a_body_works_below_the_caller_as_well() {
    let url = serve(agent(ExtractLayer::new())).await;
    let capturing = capture();
    assert_eq!(ask(format!("{url}/stream"), "which lamp").await.expect("an answer"), "WHICHLAMP");
    assert_eq!(capturing.tree(), "CHAIN SendMessage agent\n  TOOL shout\n  TOOL shout\n");
}

#[tokio::test]
async fn a_public_agent_restarts_the_trace_and_notes_where_it_came_from() {
    let url = serve(agent(ExtractLayer::new().policy(InboundPolicy::Restart))).await;
    let capturing = capture();
    let call = with_session("s-1").user("ada").wrap(ask(format!("{url}/ask"), "which lamp"));
    call.await.expect("an answer");
    assert_eq!(capturing.tree(), "CHAIN SendMessage agent\nAGENT answer\n  TOOL shout\n");
    let caller = capturing.named("SendMessage agent");
    for name in ["answer", "shout"] {
        let span = capturing.named(name);
        assert_ne!(span.trace_id, caller.trace_id);
        assert_eq!(span.text("a2a_otel.remote.trace_id"), Some(&*caller.trace_id.to_string()));
        assert_eq!(span.text("a2a_otel.remote.span_id"), Some(&*caller.span_id.to_string()));
        assert_eq!((span.text("session.id"), span.text("user.id")), (None, None), "a stranger's word");
    }
}

#[tokio::test]
async fn a_listener_that_drops_context_knows_nothing_of_the_caller() {
    let url = serve(agent(ExtractLayer::new().policy(InboundPolicy::Drop))).await;
    let capturing = capture();
    let call = with_session("s-1").wrap(ask(format!("{url}/ask"), "which lamp"));
    call.await.expect("an answer");
    assert_eq!(capturing.tree(), "CHAIN SendMessage agent\nAGENT answer\n  TOOL shout\n");
    let span = capturing.named("answer");
    assert!(!span.attributes.keys().any(|key| key.starts_with("a2a_otel.remote") || key == "session.id"));
}

#[tokio::test]
async fn nobody_behind_the_layer_goes_on_with_a_trace_that_it_refused() {
    async fn headers(request: Request<Body>) -> String {
        format!("{:?}", request.headers().keys().collect::<Vec<_>>())
    }
    let agent = Router::new().route("/ask", post(headers));
    let _capturing = capture();
    let seen = async |policy| {
        let url = serve(agent.clone().layer(ExtractLayer::new().policy(policy))).await;
        with_session("s-1").wrap(ask(format!("{url}/ask"), "")).await.expect("an answer")
    };
    let untouched = seen(InboundPolicy::Continue).await;
    assert!(untouched.contains("traceparent") && untouched.contains("baggage"), "{untouched}");
    for policy in [InboundPolicy::Restart, InboundPolicy::Drop] {
        let seen = seen(policy).await;
        assert!(!seen.contains("trace") && !seen.contains("baggage"), "{seen}");
    }
}

#[tokio::test]
async fn an_unsampled_caller_has_no_spans_made_for_it() {
    let mut agent = ExtractLayer::new().layer(agent(ExtractLayer::new()));
    let capturing = capture();
    let request = |flags: &str| {
        let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        Request::post("/ask").header("traceparent", parent).body(Body::from("lamp")).expect("a request")
    };
    agent.call(request("00")).await.expect("an answer");
    assert_eq!(capturing.tree(), "");
    agent.call(request("01")).await.expect("an answer");
    assert_eq!(capturing.tree(), "AGENT answer\n  TOOL shout\n");
}

#[tokio::test]
async fn a_client_of_tower_sends_context_with_every_request() {
    let mut client = InjectLayer::new().layer(agent(ExtractLayer::new()));
    let capturing = capture();
    let request = Request::post("/ask").body(Body::from("lamp")).expect("a request");
    ask_by_tower(&mut client, request).await;
    assert_eq!(capturing.tree(), "CHAIN SendMessage agent\n  AGENT answer\n    TOOL shout\n");
}

#[a2a_call(peer = "agent", skip_all)]
async fn ask_by_tower(client: &mut a2a_otel::http::Inject<Router>, request: Request<Body>) {
    poll_fn(|waking| <_ as tower_service::Service<Request<Body>>>::poll_ready(client, waking))
        .await
        .expect("a ready agent");
    assert!(client.call(request).await.expect("an answer").status().is_success());
}

#[tokio::test]
async fn tonic_carries_context_in_its_metadata() {
    let capturing = capture();
    let metadata = metadata();
    let entered = a2a_otel::http::extract(metadata.as_ref()).attach();
    shout("lamp");
    drop(entered);
    assert_eq!(capturing.tree(), "CHAIN SendMessage agent\n  TOOL shout\n");
    assert_ne!(capturing.named("shout").trace_id, TraceId::INVALID);
}

#[a2a_call(peer = "agent")]
fn metadata() -> tonic::metadata::MetadataMap {
    let mut request = tonic::Request::new(());
    a2a_otel::http::inject(request.metadata_mut().as_mut());
    request.metadata().clone()
}
