//! The span of one call, on the calling or the called side.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use ::a2a::{A2AError, TaskState};
use opentelemetry::Context;

use super::asked::{self, Owner};
use super::facts::{Answer, Events, Facts, Purpose, Request, name_of};
use super::figures::Figures;
use super::outcome::{Failure, Said, View, has_session, record_update};
use super::progress::Progress;
use super::response_trace;
use super::work::Work;
use crate::capture::Capture;
use crate::semconv::a2a as names;
use crate::semconv::openinference::SESSION_ID;
use crate::semconv::ours::{CANCELLED, PANIC};
use crate::span::{self, CallScope, Describe, Ending, Opening, Site, Span, StreamEnd};

/// The span of a call.
pub(super) struct Hop {
    span: Span,
    said: Said,
    purpose: Purpose,
    view: View,
    /// The called agent, on the calling side.
    agent: Option<Arc<str>>,
    /// The agent's work on the task, if the span records that.
    work: Option<Arc<Work>>,
    site: &'static Site,
    /// What is measured of the call.
    figures: Option<Figures>,
}

impl Hop {
    /// Opens the span below the current one; `more` adds what else is known.
    pub(super) fn open<R: Request>(
        site: &'static Site,
        view: View,
        request: &R,
        more: impl Fn(&mut Opening),
    ) -> Self {
        let mut said = Said::default();
        let span = Span::open(site, &mut |opening| {
            let facts = request.facts();
            said = Said::by(&facts);
            more(opening);
            record(opening, &facts);
        });
        Self { span, said, purpose: R::PURPOSE, view, agent: None, work: None, site, figures: None }
    }

    /// Measures the call too; `peer` is the called agent.
    pub(super) fn measured(mut self, peer: Option<&str>, request: &impl Request) -> Self {
        self.figures = Figures::begin(self.site, self.view, peer, &request.facts());
        self
    }

    /// Sets the called agent, and links the span to the one that has asked for the task which the request is about.
    pub(super) fn calling(mut self, agent: Option<Arc<str>>, request: &impl Request) -> Self {
        self.agent = agent;
        if self.purpose.follows()
            && self.is_recorded()
            && let Some(task) = request.facts().task
        {
            let _entered = self.enter();
            asked::link(self.owner(), task);
        }
        self
    }

    /// Links the span of a notification to the one that has asked for its task, whatever agent that asked.
    pub(super) fn notified(self, notification: &impl Request) -> Self {
        if self.is_recorded()
            && let Some(task) = notification.facts().task
        {
            let _entered = self.enter();
            asked::link_to_caller(task);
        }
        self
    }

    fn owner(&self) -> Owner<'_> {
        Owner { view: self.view, agent: self.agent.as_deref() }
    }

    /// Remembers the span if it has asked for a task that is not over.
    fn asked_for(&self, task: Option<&str>, state: Option<&TaskState>) {
        if self.purpose == Purpose::Work
            && let (Some(task), Some(state)) = (task, state)
            && !state.is_terminal()
        {
            let _entered = self.enter();
            asked::remember(self.owner(), task);
        }
    }

    /// Sets the work, which another request can cancel.
    pub(super) fn of(mut self, work: &Arc<Work>) -> Self {
        self.work = Some(Arc::clone(work));
        self
    }

    /// Runs a call, and ends the span with its answer.
    pub(super) async fn watch<A: Answer>(
        self,
        call: impl Future<Output = Result<A, A2AError>>,
    ) -> Result<A, A2AError> {
        let (hop, result) = span::future_with_scope(self, call).await;
        hop.answered(&result);
        result
    }

    /// Runs a call that returns a stream, and ends the span with the stream; `held` is kept until then.
    pub(super) async fn watch_stream(
        self,
        call: impl Future<Output = Result<Events, A2AError>>,
        held: impl Send + 'static,
    ) -> Result<Events, A2AError> {
        let started = span::start_time(&self);
        let (hop, opened) = span::future_with_scope(self, call).await;
        match opened {
            Ok(events) => {
                Ok(Box::pin(span::stream(hop, started, events, move |event, progress: &mut Progress| {
                    let _ = &held;
                    progress.event(event);
                })))
            }
            Err(error) => {
                hop.answered_without(&Failure::of(&error));
                Err(error)
            }
        }
    }

    /// Opens a stream, and ends the span with it.
    pub(super) fn watch_events(self, open: impl FnOnce() -> Events) -> Events {
        let started = span::start_time(&self);
        let (hop, events) = span::sync_with_scope(self, open);
        Box::pin(span::stream(hop, started, events, |event, progress: &mut Progress| progress.event(event)))
    }

    fn is_cancelled(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.is_cancelled())
    }

    /// Whether what it returns goes to the caller, and not to the SDK's handler.
    fn answers_caller(&self) -> bool {
        self.view == View::Agent && self.purpose != Purpose::Execution
    }

    pub(super) fn answered<A: Answer>(self, result: &Result<A, A2AError>) {
        if !self.is_seen() {
            return;
        }
        match result {
            Ok(answer) => self.answered_with(answer),
            Err(error) => self.answered_without(&Failure::of(error)),
        }
    }

    fn answered_without(mut self, failure: &Failure) {
        if let Some(figures) = self.figures.take() {
            figures.ended(None, Some(failure.kind()));
        }
        let mut ending = self.span.returned();
        if ending.is_recorded() {
            ending.err(failure, false);
        }
    }

    fn answered_with<A: Answer>(mut self, answer: &A) {
        let facts = answer.facts();
        let failure = self.failure(answer, &facts);
        if let Some(figures) = self.figures.take() {
            // A poll has done its work, whatever it finds.
            let is_counted = |failure: &&Failure| self.purpose.wants_work() || !failure.is_of_task();
            figures.passed("receive", &facts.content);
            let error = failure.as_ref().filter(is_counted).map(Failure::kind);
            figures.ended(facts.status.map(|status| &status.state), error);
        }
        if self.is_recorded() {
            self.record_beside(answer, &facts);
        }
        let mut ending = self.span.returned();
        if !ending.is_recorded() {
            return;
        }
        ending.fields(&[
            (names::TASK_ID, shown!(facts.task.filter(|_| !self.said.task))),
            (names::CONVERSATION_ID, shown!(facts.context.filter(|_| !self.said.context))),
            (SESSION_ID, shown!(facts.context.filter(|_| !self.said.session))),
            (names::TASK_STATE, shown!(facts.status.map(|status| name_of(&status.state)))),
        ]);
        if !facts.content.is_nothing() {
            ending.output(shown!(facts.content));
        }
        match failure {
            Some(failure) => ending.err(&failure, false),
            None => ending.ok(),
        }
    }
}

impl Hop {
    /// Returns how an answer fails, although it is one.
    fn failure<A: Answer>(&self, answer: &A, facts: &Facts<'_>) -> Option<Failure> {
        let refusal = if self.answers_caller() { answer.refusal() } else { None };
        let of_task = || Failure::seen(facts.status?, self.purpose);
        refusal.map(Failure::refused).or_else(of_task)
    }

    /// Records what an answer says beside its result: the steps behind it, and what was said of the task.
    fn record_beside<A: Answer>(&self, answer: &A, facts: &Facts<'_>) {
        if self.view == View::Caller {
            let _entered = self.enter();
            response_trace::record(&answer.metadata());
        }
        self.asked_for(facts.task, facts.status.map(|status| &status.state));
        let (before, last) = (answer.said_before(), facts.status.filter(|status| status.message.is_some()));
        if !before.is_empty() || last.is_some() {
            let _entered = self.enter();
            let span = span::current();
            for message in before {
                record_update(&span, None, Some(message));
            }
            if let Some(status) = last {
                record_update(&span, Some(&status.state), status.message.as_ref());
            }
        }
    }
}

impl CallScope for Hop {
    type Entered = <Span as CallScope>::Entered;
    type Ending = Ending;
    type Items = Progress;

    fn is_seen(&self) -> bool {
        self.span.is_seen() || self.figures.is_some()
    }

    fn is_recorded(&self) -> bool {
        self.span.is_recorded()
    }

    fn deferred(&mut self) {
        self.span.deferred();
    }

    fn resumed(&mut self) {
        self.span.resumed();
    }

    fn enter(&self) -> Self::Entered {
        self.span.enter()
    }

    fn returned(self) -> Ending {
        self.span.returned()
    }

    fn panicked(self, payload: &(dyn Any + Send)) {
        if let Some(figures) = self.figures {
            figures.ended(None, Some(PANIC));
        }
        self.span.panicked(payload);
    }

    fn succeeded(self) {
        self.span.succeeded();
    }

    fn failed(self, failure: &dyn Describe, debug: bool) {
        self.span.failed(failure, debug);
    }

    fn items(&self, started: Option<Instant>) -> Progress {
        let _entered = self.enter();
        let items = self.span.items(started);
        Progress::new(items, self.is_recorded(), self.answers_caller(), self.said, self.view)
    }

    fn item(progress: &mut Progress) {
        progress.item();
    }

    fn streamed(mut self, mut progress: Progress, end: StreamEnd<'_>) {
        let end = match end {
            // A caller that has received the last event need not wait for the end of the stream.
            StreamEnd::Dropped if progress.is_settled() => StreamEnd::Complete,
            StreamEnd::Complete if !progress.is_settled() && self.is_cancelled() => StreamEnd::Dropped,
            end => end,
        };
        if self.is_seen() {
            let is_whole = matches!(end, StreamEnd::Complete);
            if is_whole && !progress.is_settled() && self.view == View::Caller {
                progress.failed(&Failure::cut());
            }
            progress.conclude(self.purpose.wants_work());
            if self.is_recorded() {
                self.asked_for(progress.task(), progress.state());
            }
        }
        if let Some(figures) = self.figures.take() {
            let error = match end {
                StreamEnd::Panicked(_) => Some(PANIC),
                StreamEnd::Dropped => progress.error().or(Some(CANCELLED)),
                StreamEnd::Complete => progress.error(),
            };
            figures.streamed(progress.bytes(), progress.state(), error);
        }
        self.span.streamed(progress.into_fold(), end);
    }
}

fn record(opening: &mut Opening, facts: &Facts<'_>) {
    opening.fields(&[
        (names::MESSAGE_ID, shown!(facts.message)),
        (names::MESSAGE_REFERENCE_TASK_IDS, shown!(facts.references)),
        (names::TASK_ID, shown!(facts.task)),
        (names::CONVERSATION_ID, shown!(facts.context)),
        (names::TENANT, shown!(facts.tenant)),
    ]);
    if !facts.content.is_nothing() {
        opening.input(shown!(facts.content));
    }
    if !Context::map_current(has_session) {
        opening.session(facts.context.map(str::to_owned));
    }
    opening.user(facts.user.map(str::to_owned));
}
