//! Scopes: attributes of all spans below one, or no spans below it.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Waking, Poll};

use futures_core::Stream;
use opentelemetry::{Array, Context, ContextGuard, KeyValue, StringValue, Value};
use pin_project_lite::pin_project;
use serde::Serialize;

use super::adopt::{addition, entered};
use super::crossing::{Families, is_replaced};
use super::{Entered, Proxy, current, with_attributes};
use crate::capture::{Capture, encode};
use crate::privacy;
use crate::semconv::openinference as names;

/// Attributes that all spans below it have.
///
/// It is created by [`with_session`] and the other functions of this module, and applied to code by [`run`](Self::run),
/// to a future or stream by [`wrap`](Self::wrap), or to the rest of a block by [`enter`](Self::enter). Scopes nest:
/// what an inner one sets replaces what the outer one set, metadata as a whole, and a prompt template together with its
/// version and variables. Empty values are ignored. An argument of an attribute macro, such as `session = expr`, and
/// what a function records itself take precedence over what is inherited.
///
/// ```
/// use a2a_otel::{chain_span, with_session};
///
/// #[chain_span]
/// fn step() {}
///
/// # let capturing = a2a_otel::testing::capture();
/// with_session("s-1").user("ada").tags(["beta", "eu"]).run(step);
/// # assert_eq!(capturing.only().text("user.id"), Some("ada"));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a scope does nothing until `run`, `wrap` or `enter`"]
pub struct Scope {
    attributes: Vec<KeyValue>,
    is_propagated: bool,
    is_suppressed: bool,
}

/// Sets the conversation that all spans below belong to: `session.id`, which crosses to the next process as W3C
/// baggage.
///
/// Source: OpenInference, `using_session`. See [`Scope`] for how to apply it.
///
/// ```
/// # async fn answer() {}
/// let work = a2a_otel::with_session("s-1").wrap(answer());
/// # drop(work);
/// ```
pub fn with_session(id: impl Display) -> Scope {
    Scope::default().session(id)
}

/// Sets the user of all spans below: `user.id`, which crosses to the next process as W3C baggage.
///
/// Source: OpenInference, `using_user`. See [`Scope`] for how to apply it.
///
/// ```
/// let sum = a2a_otel::with_user("ada").run(|| 1 + 1);
/// # assert_eq!(sum, 2);
/// ```
pub fn with_user(id: impl Display) -> Scope {
    Scope::default().user(id)
}

/// Sets tags, by which the spans below can be found: `tag.tags`, a list.
///
/// Source: OpenInference, `using_tags`. See [`Scope`] for how to apply it.
///
/// ```
/// let sum = a2a_otel::with_tags(["beta", "eu"]).run(|| 1 + 1);
/// # assert_eq!(sum, 2);
/// ```
pub fn with_tags(tags: impl IntoIterator<Item = impl Display>) -> Scope {
    Scope::default().tags(tags)
}

/// Sets metadata of all spans below: `metadata`, an object as JSON. It is serialised once, when the scope is created.
///
/// Source: OpenInference, `using_metadata`. See [`Scope`] for how to apply it.
///
/// ```
/// let sum = a2a_otel::with_metadata(serde_json::json!({"tier": "gold"})).run(|| 1 + 1);
/// # assert_eq!(sum, 2);
/// ```
pub fn with_metadata(metadata: impl Serialize) -> Scope {
    Scope::default().metadata(metadata)
}

/// Sets the template of the prompts below, its version, and its variables: `llm.prompt_template.template`, `.version`
/// and `.variables`, an object as JSON. `""` and `()` are left out.
///
/// Source: OpenInference, `using_prompt_template`. See [`Scope`] for how to apply it.
///
/// ```
/// use a2a_otel::with_prompt_template;
/// use serde_json::json;
///
/// let sum = with_prompt_template("Add {a} and {b}.", "v2", json!({"a": 1, "b": 1})).run(|| 1 + 1);
/// # assert_eq!(sum, 2);
/// ```
pub fn with_prompt_template(
    template: impl Display,
    version: impl Display,
    variables: impl Serialize,
) -> Scope {
    Scope::default().prompt_template(template, version, variables)
}

/// Records no spans below, neither from attribute macros nor from the bridge to `tracing`, for example around a health
/// check.
///
/// Business metrics are still counted; metrics that are recorded by themselves are not. Source: OpenInference, `suppress_tracing`; OpenTelemetry's suppression
/// implements it.
///
/// ```
/// # #[a2a_otel::tool_span]
/// # fn ping() {}
/// # let capturing = a2a_otel::testing::capture();
/// a2a_otel::suppress().run(ping);
/// # assert!(capturing.spans().is_empty());
/// ```
pub fn suppress() -> Scope {
    Scope { is_suppressed: true, ..Scope::default() }
}

impl Scope {
    /// Sets the session, as [`with_session`] does.
    pub fn session(self, id: impl Display) -> Self {
        self.with([(names::SESSION_ID, text(id))])
    }

    /// Sets the user, as [`with_user`] does.
    pub fn user(self, id: impl Display) -> Self {
        self.with([(names::USER_ID, text(id))])
    }

    /// Sets the tags, as [`with_tags`] does.
    pub fn tags(self, tags: impl IntoIterator<Item = impl Display>) -> Self {
        let tags: Vec<_> = tags.into_iter().filter_map(text).collect();
        let list = (!tags.is_empty()).then_some(Value::Array(Array::String(tags)));
        self.with([(names::TAG_TAGS, list)])
    }

    /// Sets the metadata, as [`with_metadata`] does.
    pub fn metadata(self, metadata: impl Serialize) -> Self {
        self.with([(names::METADATA, json(&metadata))])
    }

    /// Sets the prompt template, as [`with_prompt_template`] does.
    pub fn prompt_template(
        self,
        template: impl Display,
        version: impl Display,
        variables: impl Serialize,
    ) -> Self {
        self.with([
            (names::LLM_PROMPT_TEMPLATE, text(template)),
            (names::LLM_PROMPT_TEMPLATE_VERSION, text(version)),
            (names::LLM_PROMPT_TEMPLATE_VARIABLES, json(&variables)),
        ])
    }

    /// Sends everything that this scope sets to the next process, not only session and user. It is sent to every
    /// service that is called, as a header, so it must not be secret. What does not fit into 8192 bytes, W3C's limit,
    /// stays in this process, and a warning reports it.
    ///
    /// ```
    /// # async fn call_the_other_agent() {}
    /// let call = a2a_otel::with_tags(["beta"]).propagate().wrap(call_the_other_agent());
    /// # drop(call);
    /// ```
    pub const fn propagate(mut self) -> Self {
        self.is_propagated = true;
        self
    }

    /// Records no spans below, as [`suppress`] does.
    pub const fn suppress(mut self) -> Self {
        self.is_suppressed = true;
        self
    }

    /// Runs code inside the scope.
    ///
    /// ```
    /// let sum = a2a_otel::with_session("s-1").run(|| 1 + 1);
    /// # assert_eq!(sum, 2);
    /// ```
    pub fn run<R>(self, code: impl FnOnce() -> R) -> R {
        let proxy = Proxy::none();
        let _entered = proxy.enter(SCOPE, &self.within_current());
        code()
    }

    /// Polls a future or stream inside the scope, and drops it there. The parent span of an `async fn` is the one in which
    /// it is first polled, as for any async code. A function that returns a future or a stream of another type begins
    /// when it is called; it adopts at the first poll what the scope sets, so that the order makes no difference.
    ///
    /// ```
    /// # async fn answer() {}
    /// let work = a2a_otel::with_session("s-1").wrap(answer());
    /// # drop(work);
    /// ```
    pub const fn wrap<T>(self, inner: T) -> InScope<T> {
        InScope { inner: Some(inner), entry: Entry::Pending(self) }
    }

    /// Enters the scope on this thread until the returned guard is dropped. For async code use [`wrap`](Self::wrap)
    /// instead.
    ///
    /// ```
    /// # fn handle(_: &str) {}
    /// for request in ["one", "two"] {
    ///     let _entered = a2a_otel::with_session(request).enter();
    ///     handle(request);
    /// }
    /// ```
    #[must_use = "the scope closes when this guard is dropped"]
    pub fn enter(self) -> ContextGuard {
        self.within_current().attach()
    }

    fn with<V: Into<Value>, const N: usize>(mut self, family: [(&'static str, Option<V>); N]) -> Self {
        let said = family.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?)));
        let mut said: Vec<_> = said.collect();
        privacy::screen("", &mut said);
        self.attributes.retain(|own| said.iter().all(|new| !is_replaced(own.key.as_str(), new.key.as_str())));
        self.attributes.extend(said);
        self
    }

    fn within_current(&self) -> Context {
        let mut context = current();
        if !self.attributes.is_empty() {
            context = with_attributes(&context, &self.attributes, self.is_propagated);
        }
        let context = entered(&context);
        if self.is_suppressed { context.with_telemetry_suppressed() } else { context }
    }
}

/// Returns a text that spans can share, unless it is empty.
fn text(value: impl Display) -> Option<StringValue> {
    let text = value.to_string();
    (!text.is_empty()).then(|| shared(text))
}

/// Returns a value as JSON, unless it is empty.
fn json(value: &impl Serialize) -> Option<StringValue> {
    let text = encode(Capture::new(value).a2a_otel_value())?.text;
    (!matches!(text.as_str(), "" | "{}" | "[]")).then(|| shared(text))
}

fn shared(text: String) -> StringValue {
    std::sync::Arc::<str>::from(text).into()
}

pin_project! {
    /// A future or stream inside a [`Scope`] or a span.
    #[derive(Debug)]
    #[must_use = "futures and streams do nothing until they are polled"]
    pub struct InScope<T> {
        #[pin]
        inner: Option<T>,
        entry: Entry,
    }

    impl<T> PinnedDrop for InScope<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.entry.enter();
            this.inner.set(None);
        }
    }
}

/// The names of the proxies.
const SCOPE: &str = "scope";
pub(super) const CARRIED: &str = "in_current_span";

/// Where a future or stream is polled.
#[derive(Debug)]
enum Entry {
    /// In a scope that has not been entered yet.
    Pending(Scope),
    /// In the context in which it was made, and whatever scope is put around it.
    Carried(Context),
    Entered(&'static str, Context, Proxy),
}

impl Entry {
    fn enter(&mut self) -> Entered {
        let (name, context) = match self {
            Self::Pending(scope) => (SCOPE, scope.within_current()),
            Self::Carried(context) => {
                let added = addition(context, Families::NONE);
                (CARRIED, added.map_or_else(|| context.clone(), |added| added.context))
            }
            Self::Entered(name, context, proxy) => return proxy.enter(name, context),
        };
        let proxy = Proxy::none();
        let entered = proxy.enter(name, &context);
        *self = Self::Entered(name, context, proxy);
        entered
    }
}

impl<T> InScope<T> {
    /// Polls a future or stream in the context that is current now.
    pub(super) fn carrying_current(inner: T) -> Self {
        Self { inner: Some(inner), entry: Entry::Carried(current()) }
    }

    /// Enters the scope, and returns what is inside.
    fn enter(self: Pin<&mut Self>) -> (Entered, Pin<&mut T>) {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { unreachable!("only dropping removes it") };
        (this.entry.enter(), inner)
    }
}

impl<T: Future> Future for InScope<T> {
    type Output = T::Output;

    fn poll(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<T::Output> {
        let (_entered, inner) = self.enter();
        inner.poll(waking)
    }
}

impl<T: Stream> Stream for InScope<T> {
    type Item = T::Item;

    fn poll_next(self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Option<T::Item>> {
        let (_entered, inner) = self.enter();
        inner.poll_next(waking)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}
