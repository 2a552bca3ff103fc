//! Notifications, on either side. They are recorded below the span that they name, and are no traces of their own.

use std::future::Future;

use opentelemetry::KeyValue;
use rmcp::model::{
    ClientNotification, CustomNotification, GetMeta, NotificationMetaObject, ProgressToken,
    ServerNotification,
};
use rmcp::service::{NotificationContext, ServiceRole};
use rmcp::{ErrorData, Peer, ServiceError};
use serde::Serialize;
use serde_json::{Map, Value};

use super::method::{self, Method};
use crate::capture::Capture;
use crate::propagation::{self, Meta};
use crate::semconv::mcp;
use crate::span::{self, Opening, Span};

/// The `_meta` of a notification that was received. rmcp up to 3.11 moves the extensions out of the message first, and the
/// `_meta` within them, so that the context's own is empty.
pub(super) fn meta_of<R: ServiceRole>(context: &NotificationContext<R>) -> &Map<String, Value> {
    let moved = context.extensions.get::<NotificationMetaObject>();
    moved.filter(|_| context.meta.is_empty()).unwrap_or(&context.meta)
}

/// What is recorded of a notification.
pub(super) trait Notice {
    /// Its method. It is `None` for what belongs to the connection or to a request whose span says it.
    fn method(&self) -> Option<&'static Method>;

    fn record(&self, method: &'static Method, opening: &mut Opening);

    /// What progress it reports.
    fn progress(&self) -> Option<&ProgressToken>;
}

/// Records a notification with parameters.
pub(super) fn record(method: &'static Method, params: &impl Serialize, opening: &mut Opening) {
    record_bare(method, opening);
    opening.input(Capture::new(params).a2a_otel_value());
}

/// Records a notification without parameters.
pub(super) fn record_bare(method: &'static Method, opening: &mut Opening) {
    opening.attributes([KeyValue::new(mcp::METHOD_NAME, method.name)]);
}

/// Records a notification that is not the protocol's.
pub(super) fn record_custom(notification: &CustomNotification, opening: &mut Opening) {
    let name = notification.method.clone();
    opening.attributes([KeyValue::new(mcp::METHOD_NAME, name.clone())]);
    opening.name(Some(name));
    if let Some(params) = &notification.params {
        opening.input(Capture::new(params).a2a_otel_value());
    }
}

macro_rules! notices {
    ($($notification:ident: $($with:ident = $method:ident)*; $($bare:ident = $bare_method:ident)*;)*) => {$(
        impl Notice for $notification {
            fn method(&self) -> Option<&'static Method> {
                match self {
                    $(Self::$with(_) => Some(&method::$method),)*
                    $(Self::$bare(_) => Some(&method::$bare_method),)*
                    Self::CustomNotification(_) => Some(&method::CUSTOM),
                    _ => None,
                }
            }

            fn record(&self, method: &'static Method, opening: &mut Opening) {
                match self {
                    $(Self::$with(one) => record(method, &one.params, opening),)*
                    Self::CustomNotification(custom) => record_custom(custom, opening),
                    _ => record_bare(method, opening),
                }
            }

            fn progress(&self) -> Option<&ProgressToken> {
                if let Self::ProgressNotification(one) = self { Some(&one.params.progress_token) } else { None }
            }
        }
    )*};
}

notices! {
    ServerNotification:
        ProgressNotification = PROGRESS
        LoggingMessageNotification = MESSAGE
        ResourceUpdatedNotification = RESOURCE_UPDATED
        TaskStatusNotification = TASK_STATUS;
        ResourceListChangedNotification = RESOURCES_CHANGED
        ToolListChangedNotification = TOOLS_CHANGED
        PromptListChangedNotification = PROMPTS_CHANGED;
    ClientNotification:
        ProgressNotification = PROGRESS;
        RootsListChangedNotification = ROOTS_CHANGED;
}

/// Opens the span of a notification below the current one, if there is one.
fn open(
    method: Option<&'static Method>,
    is_sent: bool,
    record: impl Fn(&'static Method, &mut Opening),
) -> Option<Span> {
    let method = method.filter(|_| method::is_below_a_span())?;
    let site = if is_sent { &method.client } else { &method.server };
    Some(Span::open(site, &mut |opening| record(method, opening)))
}

/// Sends a notification below the current span, with its context.
pub(super) async fn send<R>(peer: &Peer<R>, mut notification: R::Not) -> Result<(), ServiceError>
where
    R: ServiceRole,
    R::Not: Notice + GetMeta<Metadata = NotificationMetaObject>,
{
    let span = open(notification.method(), true, |method, opening| notification.record(method, opening));
    let work = async move {
        propagation::inject(&mut Meta(notification.get_meta_mut()));
        peer.send_notification(notification).await
    };
    let Some(span) = span else { return work.await };
    let (span, result) = span::future_with_scope(span, work).await;
    method::conclude(span, &result);
    result
}

/// Opens the span of a notification that was received, below its sender's, which is current.
pub(super) fn received(
    method: &'static Method,
    record: impl Fn(&'static Method, &mut Opening),
) -> Option<Span> {
    open(Some(method), false, record)
}

/// Runs what handles a notification in its span.
pub(super) async fn handle(span: Option<Span>, work: impl Future<Output = ()>) {
    let Some(span) = span else { return work.await };
    let (span, ()) = span::future_with_scope(span, work).await;
    method::conclude(span, &Ok::<_, ErrorData>(()));
}
