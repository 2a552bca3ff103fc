//! The called side of A2A.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use ::a2a::{
    A2AError, AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest, GetTaskRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, ListTasksRequest,
    ListTasksResponse, SendMessageRequest, SendMessageResponse, StreamResponse, SubscribeToTaskRequest, Task,
    TaskPushNotificationConfig,
};
use a2a_server::{AgentExecutor, ExecutorContext, RequestHandler, ServiceParams};
use async_trait::async_trait;
use futures_core::Stream;
use opentelemetry::context::FutureExt as _;
use opentelemetry::{Context, KeyValue};
use pin_project_lite::pin_project;

use super::card::Agent;
use super::facts::{Answer, Cancelling, Events, Request, place_in_event};
use super::figures::Counted;
use super::hop::Hop;
use super::methods::{INVOKE_AGENT, for_each_method, server};
use super::outcome::{View, has_session};
use super::passage::{self, Arrival, Passage};
use super::response_trace::Reporter;
use super::work::Tasks;
use crate::capture::Capture;
use crate::context::with_attributes;
use crate::propagation::{InboundPolicy, ServiceParamsRef};
use crate::semconv::openinference::{AGENT_NAME, SESSION_ID};
use crate::span::{CallScope as _, Opening, Site};

/// A request handler that records its requests as spans of kind SERVER, below the caller's.
///
/// Put it around the SDK's handler, and a [`TracedExecutor`] around the executor in that: the SDK runs the executor in
/// another task, to which the handler passes its context. See [the module](super) for what is recorded.
#[derive(Debug)]
pub struct TracedHandler<H> {
    handler: H,
    policy: InboundPolicy,
    reports: bool,
}

impl<H: RequestHandler> TracedHandler<H> {
    /// Records the requests to a handler, and continues the caller's trace.
    pub const fn new(handler: H) -> Self {
        Self { handler, policy: InboundPolicy::Continue, reports: false }
    }

    /// Applies a policy to the caller's trace, unless a layer in front has applied one.
    #[must_use]
    pub const fn policy(mut self, policy: InboundPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Reports the steps behind an answer, with the traceability extension, to callers that ask for it: the spans below
    /// the request, with their names, times, tokens and errors, but not their content. Use it for callers that may know
    /// how the agent works; its card announces it with [`traceability_extension`](super::traceability_extension).
    #[must_use]
    pub const fn traceability(mut self, reports: bool) -> Self {
        self.reports = reports;
        self
    }

    /// Returns the context to work in, and what reports the steps in it.
    fn context(&self, params: &ServiceParams) -> (Context, Option<Reporter>) {
        let context = self.policy.accept(&ServiceParamsRef(params));
        match self.reports.then(|| Reporter::asked(params)).flatten() {
            Some(reporter) => (reporter.watch(&context), Some(reporter)),
            None => (context, None),
        }
    }

    fn open<R: Request>(
        site: &'static Site,
        request: &R,
        params: &ServiceParams,
    ) -> (Hop, ServiceParams, Passage) {
        let hop =
            Hop::open(site, View::Agent, request, |_| ()).calling(None, request).measured(None, request);
        let mut params = params.clone();
        let _entered = hop.enter();
        passage::readdress(&mut params);
        let passage = passage::open(&mut params);
        (hop, params, passage)
    }
}

macro_rules! handler {
    (
        unary { $($unary:ident: $request:ty => $answer:ty, $unary_site:ident = $unary_name:literal;)* }
        streaming { $($stream:ident: $asked:ty, $stream_site:ident = $stream_name:literal;)* }
    ) => {
        #[async_trait]
        impl<H: RequestHandler> RequestHandler for TracedHandler<H> {
            $(async fn $unary(&self, params: &ServiceParams, request: $request) -> Result<$answer, A2AError> {
                let (context, reporter) = self.context(params);
                let work = async {
                    let (hop, params, _passage) = Self::open(&server::$unary_site, &request, params);
                    hop.watch(self.handler.$unary(&params, request)).await
                };
                let mut answer = work.with_context(context).await?;
                if let Some(reporter) = reporter {
                    reporter.report(Answer::place(&mut answer));
                }
                Ok(answer)
            })*

            $(async fn $stream(&self, params: &ServiceParams, request: $asked) -> Result<Events, A2AError> {
                let (context, reporter) = self.context(params);
                let work = async {
                    // The executor may start only when the stream is returned.
                    let (hop, params, passage) = Self::open(&server::$stream_site, &request, params);
                    hop.watch_stream(self.handler.$stream(&params, request), passage).await
                };
                let events = work.with_context(context.clone()).await?;
                let events = events.with_context(context);
                Ok(Box::pin(Reporting { events, reporter }))
            })*
        }
    };
}

for_each_method!(handler);

/// An executor that records its work as a span of kind AGENT, `invoke_agent product-agent`, below the request's.
///
/// Spans that start while the executor's stream is polled are below it. For tasks that it spawns use
/// [`InCurrentSpan`](crate::InCurrentSpan).
///
/// Without a [`TracedHandler`] in front, it starts the span of kind SERVER itself, named `SendMessage` even for a
/// stream, because it cannot tell the two apart. Requests that never reach an executor then have no span.
#[derive(Debug)]
pub struct TracedExecutor<E> {
    executor: E,
    agent: Option<Agent>,
    policy: InboundPolicy,
    tasks: Tasks,
}

impl<E: AgentExecutor> TracedExecutor<E> {
    /// Records the work of the agent that the card describes, and continues the caller's trace.
    pub fn new(executor: E, card: &AgentCard) -> Self {
        let agent = Some(Agent::of(card));
        Self { executor, agent, policy: InboundPolicy::Continue, tasks: Tasks::default() }
    }

    /// Starts no span of kind AGENT. Use this for an executor that already has one from `#[agent_span]`.
    #[must_use]
    pub fn without_agent_span(mut self) -> Self {
        self.agent = None;
        self
    }

    /// Applies a policy to the caller's trace, unless a [`TracedHandler`] in front has applied one.
    #[must_use]
    pub const fn policy(mut self, policy: InboundPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns the context to work in, and whether it has the request's span already.
    fn parent(&self, context: &ExecutorContext) -> (Context, bool) {
        let params = &context.service_params;
        let (parent, is_announced) = match passage::arrive(params) {
            Arrival::Announced(context) => (context, true),
            Arrival::Unannounced => (self.policy.accept(&ServiceParamsRef(params)), false),
        };
        // If the caller sent no context id, the SDK has generated one by now.
        let parent = if has_session(&parent) { parent } else { in_session(&parent, &context.context_id) };
        (parent, is_announced)
    }
}

impl Agent {
    fn open(&self, context: &ExecutorContext) -> Hop {
        Hop::open(&INVOKE_AGENT, View::Agent, context, |opening| self.invoked(opening))
    }

    fn invoked(&self, opening: &mut Opening) {
        opening.name(Some(format!("{} {}", INVOKE_AGENT.name, self.name)));
        opening.fields(&[(AGENT_NAME, shown!(self.name))]);
        self.record(opening);
    }
}

impl<E: AgentExecutor> AgentExecutor for TracedExecutor<E> {
    fn execute(&self, mut context: ExecutorContext) -> Events {
        let (parent, is_announced) = self.parent(&context);
        let work = self.tasks.begin(&context.task_id);
        let _entered = parent.clone().attach();
        let request = (!is_announced).then(|| {
            Hop::open(&server::SEND_MESSAGE, View::Agent, &context, |_| ()).of(&work).measured(None, &context)
        });
        let events = within(request, || {
            let agent = self.agent.as_ref().map(|agent| agent.open(&context).of(&work));
            within(agent, || {
                passage::readdress(&mut context.service_params);
                Box::pin(Counted::begin(self.executor.execute(context), Arc::clone(&work)))
            })
        });
        Box::pin(events.with_context(parent))
    }

    fn cancel(&self, mut context: ExecutorContext) -> Events {
        let (parent, is_announced) = self.parent(&context);
        let work = self.tasks.cancel(&context.task_id);
        let _entered = parent.clone().attach();
        let request = (!is_announced).then(|| {
            Hop::open(&server::CANCEL_TASK, View::Agent, &Cancelling(&context), |_| ())
                .measured(None, &context)
        });
        let events = within(request, || {
            passage::readdress(&mut context.service_params);
            Box::pin(Counted::further(self.executor.cancel(context), work))
        });
        Box::pin(events.with_context(parent))
    }
}

pin_project! {
    /// Returns events, the last of which reports the work behind them if the caller has asked.
    struct Reporting<S> {
        #[pin]
        events: S,
        reporter: Option<Reporter>,
    }
}

impl<S: Stream<Item = Result<StreamResponse, A2AError>>> Stream for Reporting<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let mut event = ready!(this.events.poll_next(task));
        if let Some(reporter) = this.reporter
            && let Some(Ok(event)) = &mut event
        {
            reporter.report(place_in_event(event));
        }
        Poll::Ready(event)
    }
}

fn in_session(context: &Context, id: &str) -> Context {
    with_attributes(context, &[KeyValue::new(SESSION_ID, id.to_owned())], false)
}

fn within(hop: Option<Hop>, open: impl FnOnce() -> Events) -> Events {
    match hop {
        Some(hop) => hop.watch_events(open),
        None => open(),
    }
}
