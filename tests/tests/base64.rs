//! Tests that files in base64 that are too long are replaced, wherever a span may hold them, before values are cut.

use std::time::Duration;

use a2a::Part;
use a2a_otel::mcp::{TracedClient, TracedServer};
use a2a_otel::opentelemetry::trace::{Span as _, Status, Tracer as _};
use a2a_otel::opentelemetry::{Array, KeyValue, StringValue, Value, global};
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{Telemetry, agent_span, chain_span, current, llm_call, tool_span, with_metadata};
use a2a_otel_tests::parrot::{Binding, Parrot, connect, observed, request, serve};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use proptest::prelude::*;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ResourceContents, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServiceExt as _};
use serde::Serialize;
use serde_json::{Value as Json, json};

const REDACTED: &str = "__REDACTED__";

/// The longest value that is recorded.
const LIMIT: usize = 1 << 20;

/// A piece of every file below. Nothing else has it.
const PIECE: &str = "iVBORw0KGgoAAAANSUhEUgAA";

fn file(length: usize) -> String {
    PIECE.repeat(length / PIECE.len() + 1)
}

/// All texts of a span.
fn told(span: &Captured) -> String {
    let Captured { name, attributes, events, status, .. } = span;
    format!("{name} {attributes:?} {events:?} {status:?}")
}

fn assert_replaced(span: &Captured) {
    let told = told(span);
    let place = told.find(PIECE).map(|at| &told[at.saturating_sub(300)..(at + 60).min(told.len())]);
    assert_eq!(place, None);
    assert!(told.contains(REDACTED), "{told:.1000}");
}

#[derive(Debug, Serialize)]
struct Drawing {
    title: &'static str,
    image: String,
    question: &'static str,
}

#[tool_span(fields("drawing.image" = &drawing.image, "drawing" = drawing))]
fn describe(drawing: &Drawing) -> Vec<String> {
    vec![drawing.image.clone(), "a pear".to_owned()]
}

/// A type without `Serialize`.
#[derive(Debug)]
#[expect(dead_code, reason = "only its debug form counts")]
struct Sketch {
    image: String,
    question: &'static str,
}

#[tool_span]
fn sketch(sketch: &Sketch, more: u32) -> Result<u32, String> {
    Err(format!("cannot see {}", sketch.image))
}

#[test]
fn a_file_does_not_take_the_space_of_what_follows() {
    for length in [40_000, LIMIT + 1, 5 * LIMIT] {
        let capturing = capture();
        describe(&Drawing { title: "a drawing", image: file(length), question: "What is this?" });
        sketch(&Sketch { image: file(length), question: "What is this?" }, 1).unwrap_err();
        let [described, sketched] = <[Captured; 2]>::try_from(capturing.spans()).unwrap();
        assert_replaced(&described);
        assert_replaced(&sketched);
        let input: Json = serde_json::from_str(described.text("input.value").unwrap()).expect("it is JSON");
        assert_eq!(
            input,
            json!({"drawing": {"title": "a drawing", "image": REDACTED, "question": "What is this?"}})
        );
        assert_eq!(described.text("output.value"), Some(r#"["__REDACTED__","a pear"]"#));
        assert_eq!(described.text("drawing.image"), Some(REDACTED));
        assert!(sketched.text("input.value").unwrap().contains("What is this?"));
    }
}

#[chain_span]
fn step(text: &str) {
    let _ = text;
}

#[test]
fn a_file_that_is_cut_does_not_stay() {
    for before in [LIMIT - 60_000, LIMIT - 31_000, LIMIT - 100, LIMIT - 10, LIMIT] {
        let capturing = capture();
        step(&format!("{}{} behind", "a ".repeat(before / 2), file(100_000)));
        let span = capturing.only();
        let input = span.text("input.value").unwrap();
        assert!(!input.contains(PIECE), "{before}: {:?}", &input[input.len() - 200..]);
        assert!(input.len() < LIMIT + 100);
        if before < LIMIT - 50 {
            assert!(input.contains(REDACTED), "{before}");
        }
    }
}

/// How a character of a file may be written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Plain,
    /// `\u002f`, with digits in upper or lower case.
    Unicode(bool),
    /// `%2F`, with digits in upper or lower case.
    Percent(bool),
    /// `\/`.
    Backslash,
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        8 => Just(Form::Plain),
        1 => any::<bool>().prop_map(Form::Unicode),
        1 => any::<bool>().prop_map(Form::Percent),
        1 => Just(Form::Backslash),
    ]
}

fn written((character, form): (char, &Form)) -> String {
    let code = u32::from(character);
    match form {
        Form::Unicode(true) => format!("\\u{code:04X}"),
        Form::Unicode(false) => format!("\\u{code:04x}"),
        Form::Percent(true) => format!("%{code:02X}"),
        Form::Percent(false) => format!("%{code:02x}"),
        Form::Backslash if character == '/' => "\\/".to_owned(),
        Form::Plain | Form::Backslash => character.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Escapes are base64 too, in JSON of any depth.
    #[test]
    fn a_file_is_replaced_as_a_whole_however_it_is_written(
        piece in "[A-Za-z0-9+/]{40,90}",
        forms in prop::collection::vec(form(), 97),
        depth in 0..3_usize,
    ) {
        let file: String = piece.chars().cycle().take(40_000).zip(forms.iter().cycle()).map(written).collect();
        let quote = |text: String, _| {
            let quoted = serde_json::to_string(&text).expect("a text");
            quoted[1..quoted.len() - 1].to_owned()
        };
        let file = (0..depth).fold(file, quote);
        let capturing = capture();
        step(&format!("before {file} behind"));
        let span = capturing.only();
        prop_assert_eq!(span.text("input.value"), Some("before __REDACTED__ behind"));
    }

    /// Writers of base64 break it into lines.
    #[test]
    fn a_file_in_lines_is_replaced_as_a_whole(
        piece in "[A-Za-z0-9+/]{40,90}",
        width in prop::sample::select(vec![60, 64, 76]),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        is_url in any::<bool>(),
    ) {
        let file: Vec<char> = piece.chars().cycle().take(40_000).collect();
        let lines: Vec<String> = file.chunks(width).map(|line| line.iter().collect()).collect();
        let start = if is_url { "data:image/png;base64," } else { "" };
        let capturing = capture();
        step(&format!("before\n{start}{}\nbehind it", lines.join(end)));
        let span = capturing.only();
        prop_assert_eq!(span.text("input.value"), Some("before\n__REDACTED__\nbehind it"));
    }
}

#[agent_span]
fn tell() {
    current().attribute("my.image", file(40_000));
    let list = vec![StringValue::from("a"), file(40_000).into()];
    current().attribute("my.images", Value::Array(Array::String(list)));
    current().event("seen", vec![KeyValue::new("image", file(40_000))]);
    current().error(&std::io::Error::other(format!("bad image {}", file(40_000))));
}

#[test]
fn what_users_record_is_no_exception() {
    let capturing = capture();
    with_metadata(json!({"image": file(40_000)})).run(tell);
    assert_replaced(&capturing.only());
}

/// Spans of other code pass the pipeline, not this library's functions.
#[test]
fn spans_and_events_of_others_are_no_exception() {
    let exporter = InMemorySpanExporter::default();
    let telemetry = Telemetry::builder().span_exporter(exporter.clone()).start();
    let mut span = global::tracer("by hand").start(format!("span {}", file(40_000)));
    span.set_attribute(KeyValue::new("image", file(40_000)));
    span.add_event(format!("event {}", file(40_000)), vec![KeyValue::new("image", file(40_000))]);
    span.set_status(Status::error(file(40_000)));
    drop(span);
    // Spans that have a file in one place only.
    drop(global::tracer("by hand").start(format!("span {}", file(40_000))));
    let mut told = global::tracer("by hand").start("told");
    told.add_event("seen", vec![KeyValue::new("image", file(40_000))]);
    drop(told);
    let mut linked = global::tracer("by hand").start("linked");
    linked.add_link(linked.span_context().clone(), vec![KeyValue::new("image", file(40_000))]);
    drop(linked);
    let mut failed = global::tracer("by hand").start("failed");
    failed.set_status(Status::error(file(40_000)));
    drop(failed);
    // The application's own log lines are not masked, and not printed here.
    tracing::info_span!("query", image = file(40_000)).in_scope(|| tracing::info!("image {}", file(40_000)));
    telemetry.flush(Duration::from_secs(5));
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 6);
    for span in spans {
        let told = format!("{span:?}");
        assert!(!told.contains(PIECE) && told.contains(REDACTED), "{told:.1000}");
    }
}

#[llm_call(request = request)]
fn ask(request: &Json, chunks: Vec<Json>) -> impl Stream<Item = Json> {
    stream::iter(chunks)
}

#[llm_call(request = request)]
fn ask_whole(request: &Json, answer: Json) -> Json {
    answer
}

fn chunk(delta: &Json) -> Json {
    let choice = json!({"index": 0, "delta": delta});
    json!({"object": "chat.completion.chunk", "model": "gpt-4o", "choices": [choice]})
}

#[test]
fn streamed_files_are_joined_before() {
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Draw a pear."}]});
    let pieces =
        |count: usize| (0..count).map(|_| chunk(&json!({"content": file(1000)}))).collect::<Vec<_>>();
    let words = |count: usize| chunk(&json!({"content": "a ".repeat(count)}));
    let call =
        json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "see"}}]});
    let arguments =
        |text: &str| chunk(&json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}));
    let of_tool =
        [chunk(&call), arguments("{\"image\":\""), arguments(&file(40_000)), arguments("\"}")].to_vec();
    // These are cut within the file, which began just before.
    let cut = [vec![words(LIMIT / 2 - 1000)], pieces(40)].concat();
    let cut_in_call = [vec![words(LIMIT / 2 - 1000)], of_tool.clone()].concat();
    for chunks in [pieces(40), of_tool, cut, cut_in_call] {
        let capturing = capture();
        block_on(ask(&request, chunks).collect::<Vec<_>>());
        assert_replaced(&capturing.only());
    }
}

#[test]
fn the_rest_of_a_request_and_an_answer_stays() {
    let image = file(40_000);
    let request = json!({
        "model": "gemini-2.5-flash",
        "contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": image}}, {"text": "What is this?"}]}],
        "generationConfig": {"stopSequences": [image], "temperature": 0.5},
        "tools": [{"functionDeclarations": [{"name": "see", "description": image}]}],
    });
    let part = json!({"functionCall": {"name": "see", "args": {"image": image, "zoom": 2}}});
    let content = json!({"role": "model", "parts": [{"text": format!("![]({image})")}, part]});
    let capturing = capture();
    ask_whole(&request, json!({"candidates": [{"index": 0, "content": content, "finishReason": "STOP"}]}));
    let span = capturing.only();
    assert_replaced(&span);
    assert!(span.text("input.value").unwrap().contains("What is this?"));
    assert_eq!(
        span.text("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments"),
        Some(r#"{"image":"__REDACTED__","zoom":2}"#)
    );
    assert_eq!(
        span.text("llm.invocation_parameters"),
        Some(r#"{"generationConfig":{"stopSequences":["__REDACTED__"],"temperature":0.5}}"#)
    );
}

/// An MCP server whose tools answer with files.
#[derive(Clone)]
struct Gallery;

impl ServerHandler for Gallery {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::default()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let blob = ResourceContents::blob(file(40_000), "file:///a.pdf");
        let blocks = [
            ContentBlock::image(file(40_000), "image/png"),
            ContentBlock::resource(blob),
            ContentBlock::text("seen"),
        ];
        let result = match &*request.name {
            "structured" => CallToolResult::structured(json!({"image": file(40_000), "title": "seen"})),
            "failed" => CallToolResult::error(vec![ContentBlock::text(format!("not {}", file(40_000)))]),
            _ => CallToolResult::success(blocks.to_vec()),
        };
        Ok(result.into())
    }
}

#[tokio::test]
async fn results_of_mcp_are_no_exception() {
    let (theirs, ours) = tokio::io::duplex(1 << 16);
    tokio::spawn(async {
        let running = TracedServer::new(Gallery).serve(theirs).await.expect("a connection");
        running.waiting().await
    });
    let client = TracedClient::connect((), ours).await.expect("a connection");
    for tool in ["blocks", "structured", "failed"] {
        let capturing = capture();
        let arguments = serde_json::from_value(json!({"image": file(40_000)})).unwrap();
        client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await.unwrap();
        let spans = capturing.spans();
        assert_eq!(spans.len(), 2, "the client's and the server's");
        for span in spans {
            assert_replaced(&span);
            assert!(tool == "failed" || span.text("output.value").unwrap().contains("seen"), "{span:?}");
        }
    }
}

#[tokio::test]
async fn files_between_agents_are_no_exception() {
    for binding in [Binding::JsonRpc, Binding::Grpc] {
        let client = connect(&serve(binding, observed(Parrot::default())).await).await;
        let mut sent = request("look");
        let data = Part::data(json!({"image": file(40_000)}));
        sent.message.parts.extend([Part::raw(vec![7; 40_000]), data]);
        let capturing = capture();
        client.send_message(&sent).await.unwrap();
        let spans = capturing.spans();
        let with_input: Vec<_> =
            spans.iter().filter(|span| span.attributes.contains_key("input.value")).collect();
        assert!(
            with_input.iter().any(|span| span.text("input.value").unwrap().contains(REDACTED)),
            "{spans:?}"
        );
        for span in spans {
            let told = told(&span);
            assert!(!told.contains(PIECE) && !told.contains("BwcHBwcHBwcH"), "{told:.1000}");
        }
    }
}
