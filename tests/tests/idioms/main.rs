//! Tests the ways in which code that knows only `tracing` passes the current span on: inside of an attribute's function,
//! the current span is the function's, over any subscriber that has the bridge.

mod trees;

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use a2a_otel::opentelemetry::trace::TraceContextExt as _;
use a2a_otel::testing::{Capturing, capture};
use a2a_otel::{InCurrentSpan, agent_span, tool_span, tracing_layer, with_session};
use tracing::dispatcher::with_default;
use tracing::{Dispatch, Instrument as _, Span, Subscriber, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

#[tool_span]
async fn tool() {
    tokio::task::yield_now().await;
}

#[tool_span]
fn tool_now() {
    info!("at work");
}

fn printer<S: Subscriber + for<'span> LookupSpan<'span>>() -> impl Layer<S> + Send + Sync {
    tracing_subscriber::fmt::layer().with_writer(std::io::sink)
}

/// Log lines in which every span must have been seen by the layer that prints them.
fn pretty<S: Subscriber + for<'span> LookupSpan<'span>>() -> impl Layer<S> + Send + Sync {
    tracing_subscriber::fmt::layer().with_writer(std::io::sink).pretty()
}

/// A list of layers, which does not tell them what subscriber they are in.
fn list(layers: Vec<Box<dyn Layer<Registry> + Send + Sync>>) -> Dispatch {
    Registry::default().with(layers).into()
}

/// Subscribers of an application, by their names.
fn subscribers() -> Vec<(&'static str, Dispatch)> {
    let registry = Registry::default;
    vec![
        ("the bridge alone", registry().with(tracing_layer()).into()),
        ("with log lines", registry().with(tracing_layer()).with(printer()).into()),
        ("with pretty log lines", registry().with(pretty()).with(tracing_layer()).into()),
        (
            "with a filter of everything",
            registry().with(LevelFilter::INFO).with(tracing_layer()).with(printer()).into(),
        ),
        ("with two bridges", registry().with(tracing_layer()).with(tracing_layer()).into()),
        ("in a list", list(vec![tracing_layer().boxed(), printer().boxed()])),
        ("with a filter of log lines", {
            let filter: Targets = "warn".parse().expect("a filter");
            registry().with(printer().with_filter(filter)).with(tracing_layer()).into()
        }),
    ]
}

/// Subscribers come and go one test at a time: `tracing` keeps what all of them together are interested in.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs a future with every subscriber, and shows what it has recorded.
fn run<F: Future>(work: impl Fn() -> F, check: impl Fn(&str, &Capturing)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, subscriber) in subscribers() {
        let capturing = capture();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        with_default(&subscriber, || runtime.block_on(work()));
        check(name, &capturing);
    }
}

const WHOLE: &str = "AGENT porter\n  TOOL tool\n";

#[agent_span(name = "porter")]
async fn instruments() {
    tokio::spawn(tool().instrument(Span::current())).await.unwrap();
}

#[agent_span(name = "porter")]
async fn in_current_span() {
    tokio::spawn(tracing::Instrument::in_current_span(tool())).await.unwrap();
}

#[agent_span(name = "porter")]
async fn keeps() -> Span {
    Span::current()
}

#[agent_span(name = "porter")]
async fn enters_in_a_thread() {
    let current = Span::current();
    let work = move || {
        let _entered = current.enter();
        tool_now();
    };
    std::thread::spawn(work).join().unwrap();
}

/// A middleware that knows nothing of attributes, as tower's buffer is.
async fn buffered<F: Future + Send + 'static>(work: F)
where
    F::Output: Send,
{
    let (span, (sender, receiver)) = (Span::current(), tokio::sync::oneshot::channel());
    let worker = tokio::spawn(async move {
        let (span, work): (Span, F) = receiver.await.unwrap();
        work.instrument(span).await;
    });
    assert!(sender.send((span, work)).is_ok());
    worker.await.unwrap();
}

#[agent_span(name = "porter")]
async fn passes_on_through_a_middleware() {
    buffered(tool()).await;
}

#[agent_span(name = "porter")]
fn returns_a_future() -> impl Future<Output = ()> {
    async { tokio::spawn(tool().instrument(Span::current())).await.unwrap() }
}

#[test]
fn the_current_span_is_the_functions() {
    let whole = |name: &str, capturing: &Capturing| assert_eq!(capturing.tree(), WHOLE, "{name}");
    run(instruments, whole);
    run(in_current_span, whole);
    run(enters_in_a_thread, |name, capturing| {
        assert_eq!(capturing.tree(), "AGENT porter\n  TOOL tool_now\n", "{name}");
    });
    run(passes_on_through_a_middleware, whole);
    run(returns_a_future, whole);
    let later = || async {
        let kept = keeps().await;
        tool().instrument(kept).await;
    };
    run(later, whole);
}

/// What is new in one subscriber is shown to all, on the thread of that one.
#[test]
fn a_list_keeps_its_spans_while_others_come_and_go() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        for _ in 0..20 {
            let capturing = capture();
            with_default(&list(vec![tracing_layer().boxed()]), || info_span!("app").in_scope(tool_now));
            assert_eq!(capturing.tree(), "CHAIN app\n  TOOL tool_now\n");
            assert_eq!(capturing.named("tool_now").events.len(), 1);
        }
    };
    let beside_another = || with_default(&Registry::default().with(tracing_layer()).into(), work);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(beside_another);
        }
    });
}

#[test]
fn below_a_span_of_tracing_it_is_the_functions_too() {
    let outer = || instruments().instrument(info_span!("app"));
    run(outer, |name, capturing| {
        assert_eq!(capturing.tree(), "CHAIN app\n  AGENT porter\n    TOOL tool\n", "{name}");
    });
}

#[test]
fn what_is_inherited_goes_along() {
    run(
        || with_session("s-1").wrap(instruments()),
        |name, capturing| {
            assert_eq!(capturing.named("tool").text("session.id"), Some("s-1"), "{name}");
        },
    );
    run(
        || with_session("s-1").wrap(returns_a_future()),
        |name, capturing| {
            assert_eq!(capturing.named("tool").text("session.id"), Some("s-1"), "{name}");
        },
    );
    let scoped = || async {
        with_session("s-1").run(|| tokio::spawn(tool().instrument(Span::current()))).await.unwrap();
    };
    run(scoped, |name, capturing| {
        assert_eq!(capturing.named("tool").text("session.id"), Some("s-1"), "{name}");
    });
}

#[agent_span(name = "porter")]
async fn parents() {
    let current = Span::current();
    let child = tokio::spawn(async move { info_span!(parent: &current, "child").in_scope(tool_now) });
    child.await.unwrap();
}

#[agent_span(name = "porter")]
async fn spawns_in_turn() {
    let twice = async { tokio::spawn(tool().instrument(Span::current())).await.unwrap() };
    a2a_otel::spawn(twice).await.unwrap();
    let again = async { tokio::spawn(InCurrentSpan::in_current_span(tool())).await.unwrap() };
    tokio::spawn(again.instrument(Span::current())).await.unwrap();
}

#[agent_span(name = "porter")]
async fn asks() {
    let expected = a2a_otel::current().span_context();
    let current = Span::current();
    assert_eq!(*current.context().span().span_context(), expected);
    current.set_attribute("asked", true);
}

#[test]
fn it_can_be_a_parent_and_has_the_functions_context() {
    run(parents, |name, capturing| {
        assert_eq!(capturing.tree(), "AGENT porter\n  CHAIN child\n    TOOL tool_now\n", "{name}");
    });
    run(spawns_in_turn, |name, capturing| {
        assert_eq!(capturing.tree(), "AGENT porter\n  TOOL tool\n  TOOL tool\n", "{name}");
    });
    run(asks, |name, capturing| {
        assert_eq!(capturing.only().attributes.get("asked"), Some(&true.into()), "{name}");
    });
}
