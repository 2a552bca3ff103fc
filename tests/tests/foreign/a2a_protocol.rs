//! Tests the crate `a2a-protocol-server`.

use a2a_otel::chain_span;
use a2a_otel::testing::{Capturing, capture};
use a2a_protocol_server::{EventEmitter, RequestHandlerBuilder, agent_executor};
use a2a_protocol_types::message::Message;
use a2a_protocol_types::params::MessageSendParams;
use a2a_protocol_types::{AgentCard, AgentInterface, AgentSkill, Part, TaskState};

use crate::bridged;

struct Clerk;

agent_executor!(Clerk, |context, queue| async {
    let emit = EventEmitter::new(context, queue);
    look_up();
    emit.artifact("result", vec![Part::text("Two lamps.")], None, Some(true)).await?;
    emit.status(TaskState::Completed).await?;
    Ok(())
});

#[chain_span]
fn look_up() {}

async fn asked() -> Capturing {
    let card = AgentCard::new("clerk", "1.0.0", AgentInterface::jsonrpc("http://localhost:1"))
        .with_description("Knows the shop")
        .with_skill(AgentSkill::new("count", "Count", "Counts").with_tags(["count"]));
    let handler = RequestHandlerBuilder::new(Clerk).with_agent_card(card).with_span_content_capture(true);
    let handler = handler.build().expect("a handler");
    let capturing = capture();
    let params = MessageSendParams::new(Message::user_text("m-1", "How many lamps?"));
    handler.on_send_message(params, false, None).await.expect("an answer");
    capturing
}

#[tokio::test]
async fn an_executor_is_an_agent() {
    bridged();
    let capturing = asked().await;
    assert_eq!(capturing.tree(), "AGENT invoke_agent clerk\n  CHAIN look_up\n");
    let agent = capturing.named("invoke_agent clerk");
    assert_eq!(agent.text("agent.name"), Some("clerk"), "{agent:?}");
    assert!(agent.text("session.id").is_some_and(|session| !session.is_empty()), "{agent:?}");
    assert_eq!(agent.text("input.value"), Some("How many lamps?"), "{agent:?}");
    assert_eq!(agent.text("output.value"), Some("Two lamps."), "{agent:?}");
}
