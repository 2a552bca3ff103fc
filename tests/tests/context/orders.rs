//! Whether something is called in a scope or put into one later makes no difference: every order of call, scopes, carrying,
//! tasks, threads and drops gives the spans what the scopes set.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use a2a_otel::context::Scope;
use a2a_otel::opentelemetry::Value;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{
    InCurrentSpan as _, chain_span, in_current_span, suppress, tool_span, with_metadata,
    with_prompt_template, with_session, with_tags, with_user,
};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use proptest::prelude::*;
use serde_json::json;

#[tool_span]
fn tool() -> u32 {
    1
}

#[chain_span]
fn below() -> impl Stream<Item = u32> + Send {
    stream::iter(0..2).map(|_| tool())
}

#[chain_span]
async fn awaited() -> u32 {
    tokio::task::yield_now().await;
    below().collect::<Vec<_>>().await.iter().sum()
}

#[chain_span]
fn returned() -> impl Future<Output = u32> + Send {
    let below = below();
    async move { below.collect::<Vec<_>>().await.iter().sum() }
}

#[chain_span(fields("metadata" = "its own"))]
fn boxed() -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async { below().collect::<Vec<_>>().await.iter().sum() })
}

#[chain_span]
fn streamed() -> impl Stream<Item = u32> + Send {
    let below = below();
    stream::once(async { tool() }).chain(below)
}

#[chain_span(session = "its own")]
fn boxed_stream() -> BoxStream<'static, u32> {
    below().boxed()
}

#[chain_span]
async fn stream_later() -> BoxStream<'static, u32> {
    below().boxed()
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Awaited,
    Returned,
    Boxed,
    Streamed,
    BoxedStream,
    StreamLater,
}

impl Work {
    fn call(self) -> BoxStream<'static, u32> {
        match self {
            Self::Awaited => stream::once(awaited()).boxed(),
            Self::Returned => stream::once(returned()).boxed(),
            Self::Boxed => stream::once(boxed()).boxed(),
            Self::Streamed => streamed().boxed(),
            Self::BoxedStream => boxed_stream(),
            Self::StreamLater => stream::once(stream_later()).flatten().boxed(),
        }
    }

    /// Whether the call begins when the function is called, and not when it is first polled.
    const fn begins_at_once(self) -> bool {
        !matches!(self, Self::Awaited | Self::StreamLater)
    }

    /// What the function itself sets: on its span, and whether the calls below inherit it.
    const fn own(self) -> Option<(Family, &'static str, bool)> {
        match self {
            Self::Boxed => Some((Family::Metadata, "its own", false)),
            Self::BoxedStream => Some((Family::Session, "its own", true)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Session,
    User,
    Tags,
    Metadata,
    Template,
}

const FAMILIES: [(Family, &str); 5] = [
    (Family::Session, "session.id"),
    (Family::User, "user.id"),
    (Family::Tags, "tag.tags"),
    (Family::Metadata, "metadata"),
    (Family::Template, "llm.prompt_template.template"),
];

/// What a scope sets; `None` suppresses.
type Sets = Option<(Family, u8)>;

fn scope(sets: Sets) -> Scope {
    match sets {
        None => suppress(),
        Some((Family::Session, value)) => with_session(value),
        Some((Family::User, value)) => with_user(value),
        Some((Family::Tags, value)) => with_tags([value]),
        Some((Family::Metadata, value)) => with_metadata(json!({"value": value})),
        Some((Family::Template, value)) => with_prompt_template(value, "", ()),
    }
}

fn written(family: Family, value: u8) -> String {
    match family {
        Family::Tags => format!("[\"{value}\"]"),
        Family::Metadata => format!("{{\"value\":{value}}}"),
        _ => value.to_string(),
    }
}

#[derive(Clone, Debug)]
enum Layer {
    Scope(Sets),
    /// `in_current_span`, inside of a scope.
    Carried(Sets),
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Here,
    Task,
    /// The first item on another thread, the rest here.
    Threads,
}

#[derive(Clone, Debug)]
struct Program {
    work: Work,
    /// The scope in which the function is called.
    at_call: Sets,
    /// What is put around what it returned, the innermost first.
    layers: Vec<Layer>,
    place: Place,
    /// After how many items it is dropped.
    items: usize,
}

fn sets() -> impl Strategy<Value = Sets> {
    let family = prop::sample::select(FAMILIES.map(|(family, _)| family).to_vec());
    prop_oneof![9 => (family, 0..3_u8).prop_map(Some), 1 => Just(None)]
}

fn programs() -> impl Strategy<Value = Program> {
    let work = prop::sample::select(vec![
        Work::Awaited,
        Work::Returned,
        Work::Boxed,
        Work::Streamed,
        Work::BoxedStream,
        Work::StreamLater,
    ]);
    let set = (prop::sample::select(FAMILIES.map(|(family, _)| family).to_vec()), 0..3_u8).prop_map(Some);
    let layer = prop_oneof![3 => sets().prop_map(Layer::Scope), 1 => set.clone().prop_map(Layer::Carried)];
    let place = prop::sample::select(vec![Place::Here, Place::Task, Place::Threads]);
    (work, set, prop::collection::vec(layer, 0..4), place, 0..4_usize)
        .prop_map(|(work, at_call, layers, place, items)| Program { work, at_call, layers, place, items })
}

impl Program {
    fn run(&self) {
        let mut made = scope(self.at_call).run(|| self.work.call());
        for layer in &self.layers {
            made = match layer {
                Layer::Scope(sets) => scope(*sets).wrap(made).boxed(),
                Layer::Carried(sets) => scope(*sets).run(|| made.in_current_span().boxed()),
            };
        }
        let items = self.items;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match self.place {
            Place::Here => runtime.block_on(async { drop(made.take(items).collect::<Vec<_>>().await) }),
            Place::Task => runtime.block_on(async {
                let task = async move { drop(made.take(items).collect::<Vec<_>>().await) };
                tokio::spawn(task.in_current_span()).await.unwrap();
            }),
            Place::Threads => {
                let mut rest = made.take(items);
                let first = in_current_span(move || {
                    futures::executor::block_on(rest.next());
                    rest
                });
                let rest = std::thread::spawn(first).join().unwrap();
                runtime.block_on(async { drop(rest.collect::<Vec<_>>().await) });
            }
        }
    }

    /// What is inherited: of each family, what the innermost scope sets. `None` if a scope suppresses the call.
    fn inherited(&self) -> Option<BTreeMap<Family, String>> {
        let mut all = BTreeMap::new();
        let at_call = self.work.begins_at_once().then_some(self.at_call);
        let layers = self.layers.iter().map(|layer| match layer {
            Layer::Scope(sets) | Layer::Carried(sets) => *sets,
        });
        for sets in at_call.into_iter().chain(layers) {
            let (family, value) = sets?;
            all.entry(family).or_insert_with(|| written(family, value));
        }
        Some(all)
    }

    /// Whether anything of the call begins.
    const fn begins(&self) -> bool {
        self.work.begins_at_once() || self.items > 0
    }
}

fn found(span: &Captured) -> BTreeMap<Family, String> {
    let text = |key: &str| {
        let value = span.attributes.get(key)?;
        Some(match value {
            Value::Array(list) => list.to_string(),
            other => other.as_str().into_owned(),
        })
    };
    FAMILIES.iter().filter_map(|(family, key)| Some((*family, text(key)?))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_call_and_scope_makes_no_difference(program in programs()) {
        let capturing = capture();
        program.run();
        let spans = capturing.spans();
        let Some(mut expected) = program.inherited() else {
            prop_assert_eq!(capturing.tree(), "", "a suppressed call is silent");
            return Ok(());
        };
        prop_assert_eq!(spans.is_empty(), !program.begins(), "{}", capturing.tree());
        let own = program.work.own();
        if let Some((family, text, true)) = own {
            expected.insert(family, text.to_owned());
        }
        for (place, span) in spans.iter().enumerate() {
            let mut expected = expected.clone();
            if let (0, Some((family, text, _))) = (place, own) {
                expected.insert(family, text.to_owned());
            }
            prop_assert_eq!(found(span), expected, "{} in\n{}", &span.name, capturing.tree());
            prop_assert_eq!(&span.duplicates, &Vec::<String>::new());
            prop_assert_eq!(span.parent_id.is_none(), place == 0, "{}", capturing.tree());
        }
    }
}
