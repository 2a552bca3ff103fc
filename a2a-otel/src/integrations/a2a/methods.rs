//! The methods of A2A 1.0: a table from which both sides are generated.

use opentelemetry::trace::SpanKind;

use crate::capture::Fixed;
use crate::semconv::{self, a2a as names};
use crate::span::{Measured, Site};

/// Passes the table to a macro. A row has the function that both SDK traits have, its argument and answer, the row's
/// name, and the protocol's name for the method.
macro_rules! for_each_method {
    ($then:ident) => {
        $then! {
            unary {
                send_message: SendMessageRequest => SendMessageResponse, SEND_MESSAGE = "SendMessage";
                get_task: GetTaskRequest => Task, GET_TASK = "GetTask";
                list_tasks: ListTasksRequest => ListTasksResponse, LIST_TASKS = "ListTasks";
                cancel_task: CancelTaskRequest => Task, CANCEL_TASK = "CancelTask";
                create_push_config: TaskPushNotificationConfig => TaskPushNotificationConfig,
                    CREATE_PUSH_CONFIG = "CreateTaskPushNotificationConfig";
                get_push_config: GetTaskPushNotificationConfigRequest => TaskPushNotificationConfig,
                    GET_PUSH_CONFIG = "GetTaskPushNotificationConfig";
                list_push_configs: ListTaskPushNotificationConfigsRequest => ListTaskPushNotificationConfigsResponse,
                    LIST_PUSH_CONFIGS = "ListTaskPushNotificationConfigs";
                delete_push_config: DeleteTaskPushNotificationConfigRequest => (),
                    DELETE_PUSH_CONFIG = "DeleteTaskPushNotificationConfig";
                get_extended_agent_card: GetExtendedAgentCardRequest => AgentCard,
                    GET_EXTENDED_AGENT_CARD = "GetExtendedAgentCard";
            }
            streaming {
                send_streaming_message: SendMessageRequest, SEND_STREAMING_MESSAGE = "SendStreamingMessage";
                subscribe_to_task: SubscribeToTaskRequest, SUBSCRIBE_TO_TASK = "SubscribeToTask";
            }
        }
    };
}
pub(super) use for_each_method;

/// What is known about the spans of each method at compile time, on either side.
macro_rules! sites {
    (
        unary { $($unary:ident: $request:ty => $answer:ty, $unary_site:ident = $unary_name:literal;)* }
        streaming { $($stream:ident: $asked:ty, $stream_site:ident = $stream_name:literal;)* }
    ) => {
        pub(super) mod client {
            $(pub(in super::super) static $unary_site: super::Site = super::site($unary_name, &[
                (super::names::METHOD_NAME, super::Fixed::Text($unary_name)),
                super::PROTOCOL,
            ], super::SpanKind::Client);)*
            $(pub(in super::super) static $stream_site: super::Site = super::site($stream_name, &[
                (super::names::METHOD_NAME, super::Fixed::Text($stream_name)),
                super::PROTOCOL,
            ], super::SpanKind::Client);)*
        }

        pub(super) mod server {
            $(pub(in super::super) static $unary_site: super::Site = super::site($unary_name, &[
                (super::names::METHOD_NAME, super::Fixed::Text($unary_name)),
                super::PROTOCOL,
            ], super::SpanKind::Server);)*
            $(pub(in super::super) static $stream_site: super::Site = super::site($stream_name, &[
                (super::names::METHOD_NAME, super::Fixed::Text($stream_name)),
                super::PROTOCOL,
            ], super::SpanKind::Server);)*
        }
    };
}

for_each_method!(sites);

pub(super) const PROTOCOL: (&str, Fixed) = (names::PROTOCOL_VERSION, Fixed::Text(::a2a::VERSION));

const fn site(name: &'static str, fixed: &'static [(&'static str, Fixed)], opentelemetry: SpanKind) -> Site {
    Site {
        name,
        kind: semconv::SpanKind::Chain.as_str(),
        opentelemetry,
        measured: Measured::Nothing,
        fixed,
        arguments: &[],
        fields: &[],
    }
}

/// An agent that works on a message.
pub(super) static INVOKE_AGENT: Site = Site {
    name: names::INVOKE_AGENT,
    kind: semconv::SpanKind::Agent.as_str(),
    opentelemetry: SpanKind::Internal,
    measured: Measured::Agent,
    fixed: &[(names::OPERATION_NAME, Fixed::Text(names::INVOKE_AGENT))],
    arguments: &[],
    fields: &[],
};
