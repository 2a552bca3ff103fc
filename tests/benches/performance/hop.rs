//! Measures a call from one agent to another, with SDK and HTTP. Client and server are on one thread, so that the time
//! is CPU time.

use std::rc::Rc;

use a2a::{AgentCard, SendMessageRequest};
use a2a_client::A2AClientFactory;
use a2a_client::factory::A2AClientFactoryBuilder;
use a2a_otel::a2a::client_factory;
use a2a_otel_tests::parrot::{self, Binding, Client, Parrot, observed, serve, unobserved};
use a2a_server::jsonrpc::jsonrpc_router;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::level_filters::LevelFilter;
use tracing::{Level, instrument};
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::call::{sdk_tracer, start_ours};
use crate::measure::Variant;
use crate::rows::{OURS, PLAIN, TOWER_HTTP};

pub(crate) fn variants() -> Vec<Variant> {
    start_ours();
    // The spans of the HTTP stack itself must not be measured.
    let layer = tracing_opentelemetry::layer().with_tracer(sdk_tracer()).with_filter(LevelFilter::INFO);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).expect("the first");
    let runtime = Rc::new(runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));
    let plain = A2AClientFactory::builder;
    let bare = runtime.block_on(serve(Binding::JsonRpc, unobserved(Parrot::default())));
    let ours = runtime.block_on(serve(Binding::JsonRpc, observed(Parrot::default())));
    let traced = runtime.block_on(serve_traced());
    vec![
        variant(PLAIN, &runtime, plain(), &bare, ask),
        variant(OURS, &runtime, client_factory(), &ours, ask),
        variant(TOWER_HTTP, &runtime, plain(), &traced, ask_traced),
    ]
}

fn variant(
    name: &'static str,
    runtime: &Rc<Runtime>,
    factory: A2AClientFactoryBuilder,
    card: &AgentCard,
    ask: impl AsyncFn(&Client, &SendMessageRequest) + 'static,
) -> Variant {
    let client = runtime.block_on(factory.build().create_from_card(card)).expect("a client");
    let request = parrot::request("message");
    let runtime = runtime.clone();
    Variant::of_call(name, move |_| runtime.block_on(ask(&client, &request)))
}

async fn ask(client: &Client, request: &SendMessageRequest) {
    client.send_message(request).await.expect("an answer");
}

#[instrument(skip_all, fields(otel.kind = "client", text = request.message.text()))]
async fn ask_traced(client: &Client, request: &SendMessageRequest) {
    ask(client, request).await;
}

/// With what an axum service usually has: a span for each request that describes the HTTP request.
async fn serve_traced() -> AgentCard {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let layer = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let router = jsonrpc_router(std::sync::Arc::new(unobserved(Parrot::default()))).layer(layer);
    parrot::spawn(listener, router);
    parrot::card(parrot::NAME, Binding::JsonRpc, &url)
}
