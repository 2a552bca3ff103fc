//! Random programs of attributes' functions, `tracing` spans, tasks and threads: each span has the parent that the program's
//! structure gives it, by whatever idiom the current span is passed on.

use std::pin::Pin;
use std::sync::{Arc, LazyLock, PoisonError};
use std::task::{Context, Wake};
use std::thread::{self, Thread};

use a2a_otel::testing::{Captured, capture};
use a2a_otel::{InCurrentSpan, chain_span, in_current_span, suppress, tracing_layer};
use proptest::prelude::*;
use tokio::runtime::{Handle, Runtime};
use tracing::{Instrument as _, Span, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::ALONE;

#[derive(Clone, Copy, Debug)]
enum Node {
    /// An attribute's async function.
    Call,
    /// An attribute's function that is not async.
    Now,
    /// An attribute's function that returns a future.
    Returns,
    /// A `tracing` span around a future.
    Instrumented,
    /// A `tracing` span that is entered.
    Entered,
    /// A `tracing` span with the current one as its parent, in another task.
    Child,
    /// A scope around it, which no span is made of.
    Scope,
    /// Passed on to a task, which is no span either.
    Spawn(Idiom),
}

#[derive(Clone, Copy, Debug)]
enum Idiom {
    Instrument,
    Theirs,
    Ours,
    Kept,
    Thread,
    OurThread,
}

#[derive(Clone, Debug)]
struct Tree(Node, Vec<Tree>);

fn trees() -> impl Strategy<Value = Tree> {
    let idioms =
        vec![Idiom::Instrument, Idiom::Theirs, Idiom::Ours, Idiom::Kept, Idiom::Thread, Idiom::OurThread];
    let spans = vec![
        Node::Call,
        Node::Now,
        Node::Returns,
        Node::Instrumented,
        Node::Entered,
        Node::Child,
        Node::Scope,
    ];
    let node = prop_oneof![
        3 => prop::sample::select(spans),
        2 => prop::sample::select(idioms).prop_map(Node::Spawn),
    ];
    let leaf = node.clone().prop_map(|node| Tree(node, Vec::new()));
    leaf.prop_recursive(5, 16, 3, move |inner| {
        (node.clone(), prop::collection::vec(inner, 0..3)).prop_map(|(node, below)| Tree(node, below))
    })
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The path from the root tells the spans apart.
#[chain_span(name = path)]
async fn call(path: String, below: Vec<Tree>) {
    tokio::task::yield_now().await;
    all(path, below).await;
}

#[chain_span(name = path)]
fn now(path: String, below: Vec<Tree>) {
    block(all(path, below));
}

#[chain_span(name = path)]
fn returns(path: String, below: Vec<Tree>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    all(path, below)
}

/// Runs a future on this thread. Unlike the executors of libraries, it may be inside of another.
fn block(mut work: Boxed) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    // Other threads then take over the tasks of this one.
    tokio::task::block_in_place(|| {
        while work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            thread::park();
        }
    });
}

fn in_thread(work: impl FnOnce() + Send + 'static) {
    let runtime = Handle::current();
    let inside = move || {
        let _entered = runtime.enter();
        work();
    };
    thread::spawn(inside).join().unwrap();
}

fn all(path: String, below: Vec<Tree>) -> Boxed {
    Box::pin(async move {
        for (place, tree) in below.into_iter().enumerate() {
            tree.run(format!("{path}.{place}")).await;
        }
    })
}

impl Tree {
    fn run(self, path: String) -> Boxed {
        let Self(node, below) = self;
        match node {
            Node::Call => Box::pin(call(path, below)),
            Node::Now => Box::pin(async { now(path, below) }),
            Node::Returns => returns(path, below),
            Node::Instrumented => Box::pin(async {
                let span = info_span!("step", otel.name = path);
                all(path, below).instrument(span).await;
            }),
            Node::Entered => Box::pin(async {
                info_span!("step", otel.name = path).in_scope(|| block(all(path, below)));
            }),
            Node::Child => Box::pin(async {
                let current = Span::current();
                in_thread(move || {
                    let child = info_span!(parent: &current, "step", otel.name = path);
                    child.in_scope(|| block(all(path, below)));
                });
            }),
            Node::Scope => Box::pin(a2a_otel::with_user("ada").wrap(later(path, below))),
            Node::Spawn(idiom) => Box::pin(async move { idiom.run(later(path, below)).await }),
        }
    }

    /// The names of the spans, each with its parent's.
    fn expected(&self, path: &str, parent: Option<&str>, all: &mut Vec<(String, Option<String>)>) {
        let Self(node, below) = self;
        let is_span = !matches!(node, Node::Scope | Node::Spawn(_));
        if is_span {
            all.push((path.to_owned(), parent.map(str::to_owned)));
        }
        let parent = if is_span { Some(path) } else { parent };
        for (place, tree) in below.iter().enumerate() {
            tree.expected(&format!("{path}.{place}"), parent, all);
        }
    }
}

/// Calls nothing before it is polled.
fn later(path: String, below: Vec<Tree>) -> Boxed {
    Box::pin(async move { all(path, below).await })
}

impl Idiom {
    async fn run(self, work: Boxed) {
        let current = Span::current();
        match self {
            Self::Instrument => tokio::spawn(work.instrument(Span::current())).await.unwrap(),
            Self::Theirs => tokio::spawn(tracing::Instrument::in_current_span(work)).await.unwrap(),
            Self::Ours => tokio::spawn(InCurrentSpan::in_current_span(work)).await.unwrap(),
            // Kept while a span that is not recorded comes between.
            Self::Kept => {
                suppress().wrap(async { tokio::spawn(work.instrument(current)).await.unwrap() }).await;
            }
            Self::Thread => in_thread(move || current.in_scope(|| block(work))),
            Self::OurThread => in_thread(in_current_span(move || block(work))),
        }
    }
}

fn found(spans: &[Captured]) -> Vec<(String, Option<String>)> {
    let name = |id| spans.iter().find(|span| span.span_id == id).map(|span| span.name.clone());
    let parent = |span: &Captured| span.parent_id.map(|id| name(id).unwrap_or_else(|| "lost".to_owned()));
    spans.iter().map(|span| (span.name.clone(), parent(span))).collect()
}

/// The runtime has a thread for each block, and the subscriber is the one of all threads.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Registry::default().with(tracing_layer()).init();
    tokio::runtime::Builder::new_multi_thread().worker_threads(16).build().unwrap()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn each_span_has_the_parent_that_the_structure_gives_it(tree in trees()) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = &*RUNTIME;
        let capturing = capture();
        runtime.block_on(call("0".to_owned(), vec![tree.clone()]));
        let mut expected = vec![("0".to_owned(), None)];
        tree.expected("0.0", Some("0"), &mut expected);
        expected.sort();
        let mut found = found(&capturing.spans());
        found.sort();
        prop_assert_eq!(found, expected, "{}", capturing.tree());
    }
}
