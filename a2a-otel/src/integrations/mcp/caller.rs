//! What a server asks of its client.

use std::fmt;
use std::future::Future;

use rmcp::model::{
    ClientResult, CreateMessageRequestParams, CreateMessageResult, ElicitRequest, ElicitRequestParams,
    ElicitResult, GetMeta as _, ListRootsRequest, ListRootsResult, LoggingMessageNotification,
    LoggingMessageNotificationParam, ProgressNotification, ProgressNotificationParam,
    PromptListChangedNotification, ResourceListChangedNotification, ResourceUpdatedNotification,
    ResourceUpdatedNotificationParam, ServerNotification, ServerRequest, ToolListChangedNotification,
};
use rmcp::{Peer, RoleServer, ServiceError};
use serde::Serialize;

use super::message::{Answer, NoParams, Params};
use super::method::{self, Method};
use super::notice;
use crate::capture::Capture;
use crate::span::{Opening, Span};

/// The client as a server's handler sees it: what it sends is recorded below the current span, and carries its
/// context to the client.
///
/// rmcp's own [`Peer`] sends from another task, which does not know what runs in the handler: what a handler sends
/// over it names no span. A [`TracedClient`](super::TracedClient) then records it below its own request.
///
/// ```
/// use a2a_otel::mcp::TracedCaller;
/// use rmcp::service::RequestContext;
/// use rmcp::{RoleServer, ServiceError};
///
/// async fn sell_out(context: &RequestContext<RoleServer>) -> Result<(), ServiceError> {
///     TracedCaller::new(context.peer.clone()).notify_tool_list_changed().await
/// }
/// ```
#[derive(Clone)]
pub struct TracedCaller {
    peer: Peer<RoleServer>,
}

macro_rules! notifications {
    ($($(#[$doc:meta])* $name:ident($($params:ident: $type:ty)?) = $notification:ident;)*) => {
        impl TracedCaller {$(
            #[doc = concat!("As `Peer::", stringify!($name), "` of rmcp, in one span if there is one above.")]
            ///
            /// # Errors
            ///
            /// The errors of rmcp's method.
            pub async fn $name(&self $(, $params: $type)?) -> Result<(), ServiceError> {
                notifications!(@send self $notification $($params)?)
            }
        )*}
    };
    (@send $self:ident $notification:ident $params:ident) => {
        $self.notify(ServerNotification::$notification($notification::new($params))).await
    };
    (@send $self:ident $notification:ident) => {
        $self.notify(ServerNotification::$notification($notification::default())).await
    };
}

notifications! {
    notify_progress(params: ProgressNotificationParam) = ProgressNotification;
    notify_logging_message(params: LoggingMessageNotificationParam) = LoggingMessageNotification;
    notify_resource_updated(params: ResourceUpdatedNotificationParam) = ResourceUpdatedNotification;
    notify_resource_list_changed() = ResourceListChangedNotification;
    notify_tool_list_changed() = ToolListChangedNotification;
    notify_prompt_list_changed() = PromptListChangedNotification;
}

impl TracedCaller {
    /// Wraps the peer of a server, for example of a request's context.
    #[must_use]
    pub const fn new(peer: Peer<RoleServer>) -> Self {
        Self { peer }
    }

    /// Returns rmcp's peer.
    #[must_use]
    pub const fn inner(&self) -> &Peer<RoleServer> {
        &self.peer
    }

    /// As rmcp's `Peer::create_message`, in one span. The client records the call of the model.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn create_message(
        &self,
        params: CreateMessageRequestParams,
    ) -> Result<CreateMessageResult, ServiceError> {
        self.observe(&method::CREATE_MESSAGE, params, as_input, |params| self.peer.create_message(params))
            .await
    }

    /// As rmcp's `Peer::create_elicitation`, in one span.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
    ) -> Result<ElicitResult, ServiceError> {
        let send =
            async |params| match self.ask(ServerRequest::ElicitRequest(ElicitRequest::new(params))).await? {
                ClientResult::ElicitResult(result) => Ok(result),
                _ => Err(ServiceError::UnexpectedResponse),
            };
        self.observe(&method::ELICIT, params, as_input, send).await
    }

    /// As rmcp's `Peer::list_roots`, in one span.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn list_roots(&self) -> Result<ListRootsResult, ServiceError> {
        let send = async |NoParams(meta)| {
            let mut request = ServerRequest::ListRootsRequest(ListRootsRequest::default());
            *request.get_meta_mut() = meta;
            match self.ask(request).await? {
                ClientResult::ListRootsResult(result) => Ok(result),
                _ => Err(ServiceError::UnexpectedResponse),
            }
        };
        self.observe(&method::LIST_ROOTS, NoParams::default(), |_, _| {}, send).await
    }

    /// Sends any notification as rmcp's `Peer::send_notification` does, in one span if there is one above.
    ///
    /// # Errors
    ///
    /// The errors of rmcp's method.
    pub async fn notify(&self, notification: ServerNotification) -> Result<(), ServiceError> {
        notice::send(&self.peer, notification).await
    }

    async fn ask(&self, request: ServerRequest) -> Result<ClientResult, ServiceError> {
        self.peer.send_request(request).await
    }

    async fn observe<P, A, F>(
        &self,
        method: &'static Method,
        params: P,
        record: impl Fn(&P, &mut Opening),
        send: impl FnOnce(P) -> F,
    ) -> Result<A, ServiceError>
    where
        P: Params,
        A: Answer,
        F: Future<Output = Result<A, ServiceError>>,
    {
        let span = Span::open(&method.client, &mut |opening| {
            method.record(opening, &params, []);
            record(&params, opening);
        });
        method::send(span, params, send).await
    }
}

/// Records the parameters as the input.
fn as_input(params: &impl Serialize, opening: &mut Opening) {
    opening.input(Capture::new(params).a2a_otel_value());
}

impl fmt::Debug for TracedCaller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TracedCaller").field("peer", &self.peer).finish()
    }
}
