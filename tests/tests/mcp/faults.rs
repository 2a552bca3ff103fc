//! Tests failures on a hop: the spans on both sides record what happened, and end.

use std::time::Duration;

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::testing::{Captured, Capturing, capture};
use rmcp::model::{CallToolRequestParams, ReadResourceRequestParams};
use serde_json::json;

use crate::worlds::{self, Client, describe, hop, request};

fn error(span: &Captured) -> &str {
    match &span.status {
        Status::Error { description } => description,
        other => panic!("{other:?} in {span:?}"),
    }
}

/// Waits until this many spans have ended.
async fn ended(capturing: &Capturing, count: usize) {
    for _ in 0..500 {
        if capturing.spans().len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("fewer than {count} spans have ended:\n{capturing:?}");
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_on_both_sides() {
    for client in [worlds::duplex().await, worlds::http().await] {
        let capturing = capture();
        client.call_tool(CallToolRequestParams::new("sell_the_shop")).await.expect_err("there is none");
        let (called, served) = hop(&capturing, "tools/call sell_the_shop");
        for span in [&called, &served] {
            assert_eq!(span.text("error.type"), Some("-32602"));
            assert_eq!(span.text("rpc.response.status_code"), Some("-32602"));
            assert!(error(span).contains("tool not found"), "{span:?}");
        }
        assert_eq!(called.trace_id, served.trace_id);
    }
}

#[tokio::test]
async fn a_refusal_without_attributes_is_an_error_on_both_sides() {
    for client in [worlds::duplex().await, worlds::http().await] {
        let capturing = capture();
        let answer = client.call_tool(CallToolRequestParams::new("refuse_bare")).await.expect("an answer");
        assert_eq!(answer.is_error, Some(true));
        let (called, served) = hop(&capturing, "tools/call refuse_bare");
        for span in [&called, &served] {
            assert_eq!(span.text("error.type"), Some("tool_error"));
            assert_eq!(error(span), "sold out");
            assert_eq!(
                span.event("exception").expect("an exception")["exception.message"].as_str(),
                "sold out"
            );
        }
    }
}

#[tokio::test]
async fn errors_of_resources_and_prompts_show_on_both_sides() {
    let client = worlds::http().await;
    let capturing = capture();
    client.read_resource(ReadResourceRequestParams::new("shop://nowhere")).await.expect_err("there is none");
    let (called, served) = hop(&capturing, "resources/read");
    assert_eq!((error(&called), error(&served)), ("no such resource", "no such resource"));
    let capturing = capture();
    client.get_prompt(describe("none")).await.expect_err("there is none");
    let (called, served) = hop(&capturing, "prompts/get describe");
    assert_eq!((error(&called), error(&served)), ("no such product", "no such product"));
}

async fn give_up(client: &Client, tool: &'static str) {
    let call = client.call_tool(CallToolRequestParams::new(tool));
    tokio::time::timeout(Duration::from_millis(300), call).await.expect_err("it hangs");
}

#[tokio::test]
async fn a_cancelled_request_is_cancelled_on_both_sides() {
    for client in [worlds::duplex().await, worlds::http().await] {
        let capturing = capture();
        give_up(&client, "hang").await;
        ended(&capturing, 4).await;
        let (called, served) = hop(&capturing, "tools/call hang");
        for span in [&called, &served] {
            assert_eq!(error(span), "cancelled");
            assert!(span.event("cancelled").is_some(), "{span:?}");
        }
        // Spans that the handler starts afterwards stay in the trace.
        let looks = capturing.spans().into_iter().filter(|span| span.name == "look_up");
        assert!(looks.map(|look| look.parent_id).eq([Some(served.span_id); 2]), "{capturing:?}");
    }
}

#[tokio::test]
async fn a_handler_that_does_not_listen_is_cancelled_too() {
    let client = worlds::duplex().await;
    let capturing = capture();
    give_up(&client, "hang_on").await;
    ended(&capturing, 3).await;
    let (_, served) = hop(&capturing, "tools/call hang_on");
    assert_eq!(error(&served), "cancelled");
}

/// In this case, rmcp never answers.
#[tokio::test]
async fn a_panic_is_the_server_s_error() {
    let client = worlds::duplex().await;
    let capturing = capture();
    give_up(&client, "panic").await;
    ended(&capturing, 3).await;
    let (called, served) = hop(&capturing, "tools/call panic");
    assert_eq!((error(&called), error(&served)), ("cancelled", "the shelf fell over"));
    assert_eq!(served.text("error.type"), Some("panic"));
    assert_eq!(served.events.len(), 1, "{served:?}");
    assert!(served.duplicates.is_empty(), "{served:?}");
}

/// rmcp treats this as a failure of the tool, which a model can correct.
#[tokio::test]
async fn arguments_that_do_not_fit_are_an_error_on_both_sides() {
    let client = worlds::duplex().await;
    let capturing = capture();
    let answer = client.call_tool(request("bare", json!({ "product": "a lamp" }))).await.expect("an answer");
    assert_eq!(answer.is_error, Some(true));
    let (called, served) = hop(&capturing, "tools/call bare");
    for span in [&called, &served] {
        assert_eq!(span.text("error.type"), Some("tool_error"));
        assert!(error(span).starts_with("failed to deserialize"), "{span:?}");
        assert!(span.text("input.value").is_some_and(|input| input.contains("a lamp")), "{span:?}");
    }
}
