//! Tests what each side records of tools, resources and prompts, with each transport.

use a2a_otel::mcp::TracedServer;
use a2a_otel::opentelemetry::Context;
use a2a_otel::opentelemetry::trace::{
    FutureExt as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState,
};
use a2a_otel::propagation::InboundPolicy;
use a2a_otel::testing::{Captured, Capturing, capture};
use a2a_otel::{agent_span, with_session};
use a2a_otel_tests::shop::{CATALOGUE, CATALOGUE_TEXT, Shop};
use futures::future::join_all;
use rmcp::model::{CallToolRequestParams, ReadResourceRequestParams};
use serde_json::{Value, json};

use crate::worlds::{self, Client, describe, hop, product, request, text};

/// One visit that uses everything that a shop offers.
#[agent_span(skip_all)]
async fn visit(client: &Client) {
    client.list_all_tools().await.expect("tools");
    let stock = client.call_tool(request("check_stock", product(21))).await.expect("a stock");
    assert_eq!(text(&stock), "42");
    client.call_tool(request("bare", product(4))).await.expect("a stock");
    client.list_all_resources().await.expect("resources");
    client.read_resource(ReadResourceRequestParams::new(CATALOGUE)).await.expect("a catalogue");
    client.list_all_prompts().await.expect("prompts");
    client.get_prompt(describe("1")).await.expect("a prompt");
}

const VISIT: &str = "\
AGENT visit
  CHAIN tools/list
    CHAIN tools/list
  TOOL tools/call check_stock
    TOOL tools/call check_stock
      CHAIN look_up
  TOOL tools/call bare
    TOOL tools/call bare
      CHAIN look_up
  CHAIN resources/list
    CHAIN resources/list
  RETRIEVER resources/read
    RETRIEVER resources/read
      CHAIN look_up
  CHAIN prompts/list
    CHAIN prompts/list
  PROMPT prompts/get describe
    PROMPT prompts/get describe
      CHAIN look_up
";

async fn observe(client: Client) -> Capturing {
    let capturing = capture();
    with_session("s-1").user("ada").wrap(visit(&client)).await;
    capturing
}

fn assert_visit(capturing: &Capturing) {
    assert_eq!(capturing.tree(), VISIT);
    for span in capturing.spans() {
        assert_eq!(span.text("session.id"), Some("s-1"), "{span:?}");
        assert_eq!(span.text("user.id"), Some("ada"), "{span:?}");
        assert_eq!(span.status, Status::Ok, "{span:?}");
        assert!(span.duplicates.is_empty(), "{span:?}");
    }
}

#[tokio::test]
async fn a_visit_is_one_trace_in_process() {
    assert_visit(&observe(worlds::duplex().await).await);
}

#[tokio::test]
async fn a_visit_is_one_trace_over_http() {
    assert_visit(&observe(worlds::http().await).await);
}

#[tokio::test]
async fn strangers_get_no_place_in_a_servers_traces() {
    for policy in [InboundPolicy::Restart, InboundPolicy::Drop] {
        let server = TracedServer::new(Shop::new()).policy(policy);
        let client = worlds::duplex_with(server).await;
        let capturing = capture();
        let call = client.call_tool(request("check_stock", product(21)));
        with_session("s-1").user("ada").wrap(call).await.expect("a stock");
        let tree = "TOOL tools/call check_stock\nTOOL tools/call check_stock\n  CHAIN look_up\n";
        assert_eq!(capturing.tree(), tree, "{policy:?}");
        let spans = capturing.spans();
        let caller = spans.iter().find(|span| span.opentelemetry_kind == SpanKind::Client).expect("a caller");
        for span in spans.iter().filter(|span| span.trace_id != caller.trace_id) {
            assert_eq!((span.text("session.id"), span.text("user.id")), (None, None), "{span:?}");
            let noted = (policy == InboundPolicy::Restart).then(|| caller.trace_id.to_string());
            assert_eq!(span.text("a2a_otel.remote.trace_id"), noted.as_deref(), "{span:?}");
        }
    }
}

fn json_of(span: &Captured, key: &str) -> Value {
    let text = span.text(key).unwrap_or_else(|| panic!("{key} in {span:?}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{key}: {error}: {text}"))
}

#[tokio::test]
async fn a_tool_s_call_says_what_the_conventions_want() {
    let capturing = observe(worlds::duplex().await).await;
    let (client, server) = hop(&capturing, "tools/call bare");
    assert_eq!(
        (&client.opentelemetry_kind, &server.opentelemetry_kind),
        (&SpanKind::Client, &SpanKind::Server)
    );
    for span in [&client, &server] {
        assert_eq!(span.text("mcp.method.name"), Some("tools/call"));
        assert_eq!(span.text("gen_ai.operation.name"), Some("execute_tool"));
        assert_eq!(span.text("gen_ai.tool.name"), Some("bare"));
        assert_eq!(span.text("tool.name"), Some("bare"));
        assert_eq!(span.text("tool.description"), Some("Has no attribute."));
        assert!(span.text("mcp.protocol.version").is_some_and(|version| version.starts_with("20")));
        assert_eq!(json_of(span, "input.value"), product(4));
        assert_eq!(span.text("output.value"), Some("8"));
        assert_eq!(json_of(span, "tool.json_schema")["required"], json!(["product"]));
        assert_eq!(json_of(span, "tool.parameters")["product"]["type"], json!("integer"));
    }
    assert!(server.text("jsonrpc.request.id").is_some_and(|id| id.parse::<u32>().is_ok()), "{server:?}");
    assert_eq!(client.text("a2a_otel.mcp.server.name"), Some("rmcp"));
}

#[tokio::test]
async fn a_resource_is_a_document_and_a_prompt_its_variables() {
    let capturing = observe(worlds::duplex().await).await;
    let (client, server) = hop(&capturing, "resources/read");
    for span in [client, server] {
        assert_eq!(span.text("mcp.resource.uri"), Some(CATALOGUE));
        assert_eq!(span.text("input.value"), Some(CATALOGUE));
        assert_eq!(span.text("retrieval.documents.0.document.content"), Some(CATALOGUE_TEXT));
        assert_eq!(span.text("retrieval.documents.0.document.mime_type"), Some("text/plain"));
    }
    let (client, server) = hop(&capturing, "prompts/get describe");
    for span in [client, server] {
        assert_eq!(span.text("gen_ai.prompt.name"), Some("describe"));
        assert_eq!(span.text("prompt.id"), Some("describe"));
        assert_eq!(json_of(&span, "llm.prompt_template.variables"), json!({ "product": "1" }));
        assert!(
            span.text("output.value").is_some_and(|text| text.contains("Describe product 2")),
            "{span:?}"
        );
        assert_eq!(span.attributes.get("gen_ai.operation.name"), None);
    }
    let (_, listed) = hop(&capturing, "resources/list");
    assert_eq!(json_of(&listed, "output.value"), json!([CATALOGUE]));
}

#[tokio::test]
async fn a_request_without_a_caller_is_a_trace_of_its_own() {
    let client = worlds::duplex().await;
    let capturing = capture();
    client.call_tool(CallToolRequestParams::new("plain_span")).await.expect("an answer");
    assert_eq!(capturing.tree(), "TOOL tools/call plain_span\n  TOOL tools/call plain_span\n");
}

/// The caller's sampling decision also applies to the server.
#[tokio::test]
async fn what_is_not_sampled_is_not_sampled_on_either_side() {
    let client = worlds::duplex().await;
    let capturing = capture();
    let place = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::default(),
        true,
        TraceState::default(),
    );
    let unsampled = Context::current().with_remote_span_context(place);
    let answer = client.call_tool(request("bare", product(4))).with_context(unsampled).await;
    assert_eq!(text(&answer.expect("an answer")), "8");
    assert_eq!(capturing.tree(), "");
}

/// If the caller suppresses telemetry, the server decides whether it records the call.
#[tokio::test]
async fn a_suppressed_call_leaves_nothing_with_the_caller() {
    let client = worlds::duplex().await;
    let capturing = capture();
    let answer = a2a_otel::suppress().wrap(client.call_tool(request("bare", product(4)))).await;
    assert_eq!(text(&answer.expect("an answer")), "8");
    assert_eq!(capturing.tree(), "TOOL tools/call bare\n  CHAIN look_up\n");
}

#[agent_span(skip_all)]
async fn count(client: &Client, number: u32) {
    let stock = client.call_tool(request("check_stock", product(number))).await.expect("a stock");
    assert_eq!(text(&stock), (2 * number).to_string());
}

/// Checks that every span has the trace and the session of its visit.
#[tokio::test]
async fn visits_at_once_do_not_mix() {
    const VISITS: u32 = 200;
    let client = worlds::http().await;
    let capturing = capture();
    let visits = (0..VISITS).map(|number| with_session(number).wrap(count(&client, number)));
    join_all(visits).await;
    let spans = capturing.spans();
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_id.is_none()).collect();
    assert_eq!(roots.len(), VISITS as usize);
    for root in roots {
        let own: Vec<_> = spans.iter().filter(|span| span.trace_id == root.trace_id).collect();
        let names: Vec<_> = own.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["count", "tools/call check_stock", "tools/call check_stock", "look_up"]);
        let session = root.text("session.id");
        assert!(own.iter().all(|span| span.text("session.id") == session), "{own:?}");
        assert!(own[2].text("input.value") == session, "{own:?}");
    }
}
