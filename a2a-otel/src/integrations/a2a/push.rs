//! Push notifications, which the SDK sends without a context.

use ::a2a::{A2AError, StreamResponse};
use opentelemetry::trace::SpanKind;

use super::content::{Block, Content};
use super::facts::{Answer, Facts, Purpose, Request};
use super::hop::Hop;
use super::methods::PROTOCOL;
use super::outcome::View;
use crate::semconv;
use crate::span::{Measured, Site};

static PUSH_NOTIFICATION: Site = Site {
    name: "PushNotification",
    kind: semconv::SpanKind::Chain.as_str(),
    opentelemetry: SpanKind::Consumer,
    measured: Measured::Nothing,
    fixed: &[PROTOCOL],
    arguments: &[],
    fields: &[],
};

/// Records a push notification that a webhook has received, as a span of kind CONSUMER below the current one.
///
/// The SDK sends push notifications without a trace, so the span links to the call of this process that asked for the task. If
/// the notification says that the task has failed or was rejected, the span has failed with the task's reason. Check first
/// that the notification comes from the agent, by the token of its configuration: anyone may be able to send one.
///
/// ```
/// use a2a::StreamResponse;
/// use a2a_otel::a2a::record_push;
/// use axum::{Json, Router, routing::post};
///
/// async fn webhook(Json(event): Json<StreamResponse>) {
///     record_push(&event);
/// }
///
/// let router: Router = Router::new().route("/webhook", post(webhook));
/// # drop(router);
/// ```
pub fn record_push(event: &StreamResponse) {
    let push = Push(event);
    let hop = Hop::open(&PUSH_NOTIFICATION, View::Caller, &push, |_| ());
    hop.notified(&push).answered(&Ok::<_, A2AError>(push));
}

/// The event that a notification is about.
pub(super) struct Push<'a>(&'a StreamResponse);

impl Request for Push<'_> {
    const PURPOSE: Purpose = Purpose::State;

    fn facts(&self) -> Facts<'_> {
        let Facts { task, context, .. } = Answer::facts(self);
        Facts { task, context, ..Facts::default() }
    }
}

impl Answer for Push<'_> {
    fn facts(&self) -> Facts<'_> {
        match self.0 {
            StreamResponse::Task(task) => task.facts(),
            StreamResponse::Message(message) => message.facts(),
            StreamResponse::StatusUpdate(update) => Facts {
                task: Some(&update.task_id),
                context: Some(&update.context_id),
                status: Some(&update.status),
                content: update.status.message.as_ref().map(Content::message).unwrap_or_default(),
                ..Facts::default()
            },
            StreamResponse::ArtifactUpdate(update) => Facts {
                task: Some(&update.task_id),
                context: Some(&update.context_id),
                content: Content::Blocks(vec![Block::of_artifact(&update.artifact)]),
                ..Facts::default()
            },
        }
    }
}
