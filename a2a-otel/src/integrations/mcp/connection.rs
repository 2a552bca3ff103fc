//! What one side of a connection remembers of its own requests: so that what comes back later, or unasked, is recorded
//! below the request that it belongs to.

use std::collections::HashMap;
use std::sync::Mutex;

use opentelemetry::Context;
use rmcp::RoleClient;
use rmcp::model::{
    ClientNotification, ClientRequest, GetMeta as _, JsonRpcMessage, ProgressToken, RequestId,
    RequestMetaObject, RequestParamsMeta as _,
};
use rmcp::service::{InboundStreamOrigin, RxJsonRpcMessage};
use serde_json::{Map, Value};

use crate::integrations::asked::{self, Asked};
use crate::lock::lock;
use crate::propagation::{self, Meta, MetaRef};

/// How many tasks are remembered. A client that never asks for the end of a task leaves it here.
const TASKS: usize = 256;

/// The requests of a client that are not answered yet, by their ids.
#[derive(Default)]
pub(super) struct Requests(Mutex<HashMap<RequestId, Sent>>);

/// A request that was sent.
struct Sent {
    token: Option<ProgressToken>,
    /// Its `_meta`, which names its span, session and user.
    meta: Map<String, Value>,
}

impl Sent {
    fn context(&self) -> Context {
        propagation::extract(&MetaRef(&self.meta))
    }
}

impl Requests {
    pub(super) fn sent(&self, id: &RequestId, request: &ClientRequest) {
        let Some(meta) = params_meta(request) else { return };
        let sent = Sent { token: request.get_meta().get_progress_token(), meta: meta.0.0.clone() };
        lock(&self.0).insert(id.clone(), sent);
    }

    /// Writes into a notification the context of the request that it gives up, which rmcp sends without one.
    pub(super) fn gave_up(&self, notification: &mut ClientNotification) {
        let ClientNotification::CancelledNotification(cancelled) = &*notification else { return };
        let Some(id) = &cancelled.params.request_id else { return };
        let Some(sent) = lock(&self.0).remove(id) else { return };
        let _entered = sent.context().attach();
        propagation::inject(&mut Meta(notification.get_meta_mut()));
    }

    pub(super) fn received(&self, message: &RxJsonRpcMessage<RoleClient>) {
        let id = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        if let Some(id) = id {
            lock(&self.0).remove(id);
        }
    }

    /// The request on whose stream a request of the server came; without streams, the only one that is not answered.
    pub(super) fn of_request(&self, origin: Option<&InboundStreamOrigin>) -> Option<Context> {
        match origin {
            Some(InboundStreamOrigin::OutboundRequest(id)) => lock(&self.0).get(id).map(Sent::context),
            Some(InboundStreamOrigin::Unassociated) => None,
            None => self.only(),
        }
    }

    /// The request whose progress is reported; for other notifications, the only one that is not answered.
    pub(super) fn of_notification(&self, token: Option<&ProgressToken>) -> Option<Context> {
        let Some(token) = token else { return self.only() };
        let requests = lock(&self.0);
        requests.values().find(|sent| sent.token.as_ref() == Some(token)).map(Sent::context)
    }

    fn only(&self) -> Option<Context> {
        let requests = lock(&self.0);
        let mut all = requests.values();
        let first = all.next()?;
        all.next().is_none().then(|| first.context())
    }
}

macro_rules! params_meta {
    ($request:ident; $($with_params:ident)*; $($optional:ident)*) => {
        match $request {
            $(ClientRequest::$with_params(request) => request.params.meta(),)*
            $(ClientRequest::$optional(request) => request.params.as_ref()?.meta(),)*
            // The handshake carries nothing; the rest keeps everything with the message.
            _ => None,
        }
    };
}

/// The `_meta` of a request's parameters, into which a `TracedPeer` writes.
fn params_meta(request: &ClientRequest) -> Option<&RequestMetaObject> {
    params_meta! {
        request;
        CompleteRequest SetLevelRequest GetPromptRequest ReadResourceRequest SubscribeRequest UnsubscribeRequest
        CallToolRequest GetTaskRequest UpdateTaskRequest CancelTaskRequest GetSkillRequest
        ReadResourceDirectoryRequest;
        ListPromptsRequest ListResourcesRequest ListResourceTemplatesRequest ListToolsRequest ListSkillsRequest
    }
}

/// The calls that were answered with a task, by the ids of the tasks.
#[derive(Debug)]
pub(super) struct Tasks(Mutex<Asked>);

impl Default for Tasks {
    fn default() -> Self {
        Self(Mutex::new(Asked::new(TASKS)))
    }
}

impl Tasks {
    /// The current span is of a call that was answered with a task.
    pub(super) fn began(&self, task: Option<&str>) {
        if let Some(task) = task {
            asked::remember(&self.0, task.to_owned());
        }
    }

    /// Links the current span to the call that the task answers.
    pub(super) fn link(&self, task: Option<&str>) {
        if let Some(task) = task {
            asked::link(&self.0, |asked| asked.get(task));
        }
    }
}
