//! Records one run of an agent with OpenInference, with OpenTelemetry's GenAI conventions, and with both, and checks
//! how a real Phoenix shows the second.
//!
//! The conventions are a setting of the whole process, so the tests take turns.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_otel::opentelemetry::trace::{Span as _, SpanKind, Tracer as _};
use a2a_otel::opentelemetry::{KeyValue, global};
use a2a_otel::record::{Message, Part, Request, Response, ToolCall, ToolSchema, Usage};
use a2a_otel::semconv::{GenAiVersion, gen_ai, openinference};
use a2a_otel::{
    Builder, Privacy, SemConv, Telemetry, TreePrinter, agent_span, chain_span, current, embedding_call,
    guardrail_span, llm_call, mcp_tool, retriever_span, tool_span,
};
use a2a_otel_tests::parity::{Difference, Said, assert_explained, assert_explained_by, differences, json_of};
use a2a_otel_tests::phoenix::{Phoenix, Span};
use a2a_otel_tests::services::require;
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../docs/semconv.md");
const PARITY: &str = include_str!("../../docs/parity/semconv.md");

const SOON: Duration = Duration::from_secs(30);

fn take_turns() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The spans that are exported with these conventions.
fn exported(semconv: SemConv, privacy: Privacy, run: impl FnOnce()) -> Vec<SpanData> {
    exported_by(Telemetry::builder().semconv(semconv).privacy(privacy), run)
}

fn exported_by(builder: Builder, run: impl FnOnce()) -> Vec<SpanData> {
    let _turn = take_turns();
    let exporter = InMemorySpanExporter::default();
    let telemetry = builder.tracing(false).span_exporter(exporter.clone()).init().unwrap();
    run();
    telemetry.flush(SOON);
    exporter.get_finished_spans().unwrap()
}

fn in_terms_of(semconv: SemConv, run: impl FnOnce()) -> BTreeMap<String, Said> {
    let spans = exported(semconv, Privacy::new(), run);
    let said = spans.iter().map(|span| (span.name.to_string(), said(span)));
    said.collect()
}

fn said(span: &SpanData) -> Said {
    let attributes = span.attributes.iter();
    let said: Said =
        attributes.clone().map(|one| (one.key.to_string(), comparable(json_of(&one.value)))).collect();
    assert_eq!(said.len(), attributes.len(), "something is said twice: {attributes:#?}");
    said
}

/// Parses texts that are JSON, so that they are compared as JSON.
fn comparable(value: Value) -> Value {
    let parsed = value.as_str().filter(|text| text.starts_with(['{', '['])).map(serde_json::from_str);
    parsed.and_then(Result::ok).unwrap_or(value)
}

// The run: an agent embeds a question, looks it up, asks a model, calls the tool that it wants, and asks again.

#[agent_span(session = session, skip(session), id = "asst-1")]
fn shop(session: &str, question: &str) -> String {
    embed(&json!({"model": "text-embedding-3-small", "input": question, "dimensions": 2}));
    let found = search(question);
    plan(&json!({
        "model": "gpt-4o", "temperature": 0.5, "max_completion_tokens": 4711, "seed": 7, "stop": ["\n\n"], "n": 1,
        "response_format": {"type": "json_object"}, "parallel_tool_calls": false,
        "messages": [
            {"role": "system", "content": format!("You sell lamps. {}", found[0].content)},
            {"role": "user", "content": [
                {"type": "text", "text": question},
                {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{IMAGE}")}},
            ]},
        ],
        "tools": [{"type": "function", "function": {
            "name": "stock", "description": "How many there are.",
            "parameters": {"type": "object", "properties": {"lamp": {"type": "string"}}},
        }}],
    }));
    let stock = stock("blue", 3).unwrap_or_default();
    let answered = answer(&json!({
        "model": "claude-sonnet-4-5", "system": "Be brief.", "max_tokens": 50, "top_k": 5, "stream": true,
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "call-1", "name": "stock", "input": {"lamp": "blue"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call-1", "content": stock},
            ]},
        ],
    }));
    check(block_on(answered.count()));
    ANSWER.to_owned()
}

#[embedding_call(request = request, provider = "openai")]
fn embed(request: &Value) -> Value {
    json!({
        "object": "list", "model": request["model"],
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    })
}

#[derive(serde::Serialize)]
struct Found {
    id: &'static str,
    content: &'static str,
    score: f64,
    metadata: Value,
}

#[retriever_span(documents = output)]
fn search(question: &str) -> Vec<Found> {
    let metadata = json!({"letters": question.len()});
    vec![Found { id: "d-1", content: DOCUMENT, score: 0.75, metadata }]
}

#[llm_call(request = request)]
fn plan(request: &Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": format!("{}-2024-08-06", "gpt-4o"),
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": ANSWER, "tool_calls": [{
                "id": "call-1", "type": "function",
                "function": {"name": "stock", "arguments": "{\"lamp\": \"blue\", \"shelf\": 3}"},
            }],
        }}],
        "usage": {
            "prompt_tokens": 31, "completion_tokens": 17, "total_tokens": 48 * u64::from(request.is_object()),
            "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 1},
        },
    })
}

/// How many lamps there are.
#[tool_span(id = "call-1")]
fn stock(lamp: &str, shelf: u32) -> Result<String, String> {
    Ok(format!("{RESULT}: {shelf} {lamp} ones"))
}

#[llm_call(request = request)]
fn answer(request: &Value) -> impl Stream<Item = Value> + use<> {
    let model = format!("{}-20250929", request["model"].as_str().unwrap());
    let usage = json!({
        "input_tokens": 20, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 4, "output_tokens": 1,
    });
    let delta = |index, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start =
        |index, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    stream::iter([
        json!({"type": "message_start", "message": {
            "id": "msg-1", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage,
        }}),
        start(0, json!({"type": "thinking", "thinking": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Count them."})),
        delta(0, json!({"type": "signature_delta", "signature": "sig"})),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "I see: "})),
        delta(1, json!({"type": "text_delta", "text": ANSWER})),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12}}),
        json!({"type": "message_stop"}),
    ])
}

#[guardrail_span(score = 1.0)]
fn check(items: usize) -> bool {
    items > 0
}

const QUESTION: &str = "How many blue lamps?";
const DOCUMENT: &str = "A blue lamp is on the shelf.";
const RESULT: &str = "In stock";
const ANSWER: &str = "There are four.";
const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUg==";

fn run() {
    shop("s-1", QUESTION);
}

/// What each span records with only GenAI's conventions.
fn expected() -> Value {
    let text = |text: &str| json!({"type": "text", "content": text});
    let call = |arguments: Value| json!({"type": "tool_call", "id": "call-1", "name": "stock", "arguments": arguments});
    let arguments = json!({"lamp": "blue", "shelf": 3});
    let stock = format!("{RESULT}: 3 blue ones");
    json!({
        "shop": {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "shop",
            "gen_ai.agent.id": "asst-1",
            "gen_ai.input.messages": [{"role": "user", "parts": [text(QUESTION)]}],
            "gen_ai.output.messages": [{"role": "assistant", "parts": [text(ANSWER)], "finish_reason": ""}],
        },
        "embed": {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "text-embedding-3-small",
            "gen_ai.response.model": "text-embedding-3-small",
            "gen_ai.embeddings.dimension.count": 2,
            "gen_ai.usage.input_tokens": 3,
        },
        "search": {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": QUESTION,
            "gen_ai.retrieval.documents": [
                {"id": "d-1", "content": DOCUMENT, "score": 0.75, "metadata": {"letters": QUESTION.len()}},
            ],
        },
        "plan": {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.max_tokens": 4711,
            "gen_ai.request.seed": 7,
            "gen_ai.request.stop_sequences": ["\n\n"],
            "gen_ai.output.type": "json",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.finish_reasons": ["tool_calls"],
            "gen_ai.usage.input_tokens": 31,
            "gen_ai.usage.output_tokens": 17,
            "gen_ai.usage.cache_read.input_tokens": 8,
            "gen_ai.usage.audio.input_tokens": 2,
            "gen_ai.usage.audio.output_tokens": 1,
            "gen_ai.usage.reasoning.output_tokens": 5,
            "gen_ai.input.messages": [
                {"role": "system", "parts": [text(&format!("You sell lamps. {DOCUMENT}"))]},
                {"role": "user", "parts": [
                    text(QUESTION),
                    {"type": "blob", "mime_type": "image/png", "modality": "image", "content": IMAGE},
                ]},
            ],
            "gen_ai.output.messages": [
                {"role": "assistant", "parts": [text(ANSWER), call(arguments.clone())], "finish_reason": "tool_call"},
            ],
            "gen_ai.tool.definitions": [{
                "type": "function", "name": "stock", "description": "How many there are.",
                "parameters": {"type": "object", "properties": {"lamp": {"type": "string"}}},
            }],
        },
        "stock": {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "stock",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.description": "How many lamps there are.",
            "gen_ai.tool.call.id": "call-1",
            "gen_ai.tool.call.arguments": arguments,
            "gen_ai.tool.call.result": stock,
        },
        "answer": expected_answer(),
        "check": {},
    })
}

fn expected_answer() -> Value {
    let text = |text: &str| json!({"type": "text", "content": text});
    let call = json!({"type": "tool_call", "id": "call-1", "name": "stock", "arguments": {"lamp": "blue"}});
    let stock = format!("{RESULT}: 3 blue ones");
    json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.top_k": 5.0,
        "gen_ai.request.stream": true,
        "gen_ai.response.id": "msg-1",
        "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": 29,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.cache_creation.input_tokens": 4,
        "gen_ai.usage.cache_write.input_tokens": 4,
        "gen_ai.system_instructions": [text("Be brief.")],
        "gen_ai.input.messages": [
            {"role": "user", "parts": [text(QUESTION)]},
            {"role": "assistant", "parts": [call]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-1", "response": stock}]},
        ],
        "gen_ai.output.messages": [{
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Count them.", "signature": "sig"},
                text(&format!("I see: {ANSWER}")),
            ],
            "finish_reason": "stop",
        }],
    })
}

fn is_gen_ai(key: &str) -> bool {
    key.starts_with("gen_ai.")
}

/// A part of the names of attributes that differ in each run: the time to the first item.
const TIME: &str = "time_to_first";

/// The attributes with GenAI's names, or all others.
fn half(said: &Said, gen_ai: bool) -> Said {
    let half = said.iter().filter(|(key, _)| is_gen_ai(key) == gen_ai && !key.contains(TIME));
    half.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[test]
fn gen_ai_alone_says_it_all() {
    let said = in_terms_of(SemConv::GenAi, run);
    let expected = expected();
    for (name, said) in &said {
        let mut expected: Said = expected[name].as_object().unwrap().clone().into_iter().collect();
        expected.insert("gen_ai.conversation.id".into(), "s-1".into());
        assert_eq!(half(said, true), expected, "{name}");
    }
    assert_eq!(said.len(), 7);
    assert!(said["answer"]["gen_ai.response.time_to_first_chunk"].is_f64());
    // GenAI has no names for costs.
    assert!(said["plan"]["llm.cost.total"].is_f64());
    let is_cost = |key: &String| key.starts_with("llm.cost.");
    let rest =
        |name: &str| half(&said[name], false).into_keys().filter(|key| !is_cost(key)).collect::<Vec<_>>();
    for name in ["shop", "search", "plan", "stock"] {
        assert_eq!(rest(name), [""; 0], "{name}");
    }
    assert_eq!(rest("answer"), ["a2a_otel.stream.items"]);
}

#[test]
fn both_say_what_each_says() {
    let [open_inference, gen_ai, both] =
        [SemConv::OpenInference, SemConv::GenAi, SemConv::Both].map(|semconv| in_terms_of(semconv, run));
    for (name, both) in &both {
        assert_eq!(half(both, false), half(&open_inference[name], false), "{name}");
        assert_eq!(half(both, true), half(&gen_ai[name], true), "{name}");
    }
    let beside: BTreeSet<_> =
        open_inference.values().flat_map(Said::keys).filter(|key| is_gen_ai(key)).collect();
    assert_eq!(Vec::from_iter(beside), ["gen_ai.agent.id", "gen_ai.response.time_to_first_chunk"]);
}

/// The run in the terms of a version of GenAI.
fn in_version(semconv: SemConv, version: GenAiVersion) -> Vec<SpanData> {
    exported_by(Telemetry::builder().semconv(semconv).gen_ai_version(version), || {
        run();
        foreign("remote", SpanKind::Client, identified());
        foreign("internal", SpanKind::Internal, identified());
    })
}

/// An agent with everything that 0.1.0 no longer has on internal ones.
fn identified() -> Vec<KeyValue> {
    vec![
        KeyValue::new(openinference::SPAN_KIND, "AGENT"),
        KeyValue::new(openinference::LLM_PROVIDER, "openai"),
        KeyValue::new(openinference::LLM_TOKEN_COUNT_PROMPT, 9),
        KeyValue::new(openinference::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ, 3),
        KeyValue::new(openinference::LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE, 2),
        KeyValue::new(gen_ai::AGENT_ID, "asst-1"),
        KeyValue::new(gen_ai::AGENT_VERSION, "1.0"),
    ]
}

#[test]
fn each_version_differs_as_the_guide_says() {
    for semconv in [SemConv::GenAi, SemConv::Both] {
        let [old, new] =
            [GenAiVersion::V1_41, GenAiVersion::V0_1_0].map(|version| in_version(semconv, version));
        let [old, new] = [&old, &new].map(|spans| {
            let said = spans.iter().map(|span| (span.name.to_string(), half(&said(span), true)));
            said.collect::<BTreeMap<_, _>>()
        });
        assert_eq!(old["answer"]["gen_ai.request.top_k"], json!(5.0));
        assert_eq!(new["answer"]["gen_ai.request.top_k"], json!(5));
        let found = new.iter().flat_map(|(name, said)| differences(name, said, &old[name]));
        assert_explained_by(&found.collect::<Vec<_>>(), GUIDE, "Where the versions differ");
        assert_eq!(new["remote"], old["remote"]);
    }
}

/// What GenAI has no place for in this version is not lost.
#[test]
fn what_an_internal_agent_may_not_say_in_gen_ai_stays_in_openinference() {
    let spans = in_version(SemConv::GenAi, GenAiVersion::V0_1_0);
    let internal = said(spans.iter().find(|span| span.name == "internal").unwrap());
    let expected = json!({
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.usage.input_tokens": 9,
        "llm.provider": "openai",
        "llm.token_count.prompt_details.cache_read": 3,
        "llm.token_count.prompt_details.cache_write": 2,
    });
    assert_eq!(internal, object(expected));
}

#[test]
fn the_scope_says_which_schema_it_follows() {
    let url = |semconv, version| {
        let spans = in_version(semconv, version);
        let ours = spans.iter().filter(|span| span.instrumentation_scope.name() == "a2a-otel");
        let urls: BTreeSet<_> =
            ours.map(|span| span.instrumentation_scope.schema_url().map(str::to_owned)).collect();
        Vec::from_iter(urls)
    };
    for version in GenAiVersion::ALL {
        assert_eq!(url(SemConv::OpenInference, *version), [None]);
        for semconv in [SemConv::GenAi, SemConv::Both] {
            assert_eq!(url(semconv, *version), [Some(version.schema_url().to_owned())]);
        }
    }
    assert_eq!(GenAiVersion::V1_41.schema_url(), "https://opentelemetry.io/schemas/1.41.0");
    assert_eq!(GenAiVersion::V0_1_0.schema_url(), "https://opentelemetry.io/schemas/gen-ai/0.1.0");
}

#[test]
#[ignore = "a child process of the next test"]
fn child_that_has_opted_in() {
    let said = in_terms_of_environment();
    assert_eq!(said["answer"]["gen_ai.request.top_k"], json!(5));
    assert_eq!(said["shop"].get("gen_ai.agent.id"), None);
}

#[test]
fn the_variable_of_the_conventions_chooses_the_latest_version() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["child_that_has_opted_in", "--exact", "--ignored"]).env("A2A_OTEL_SEMCONV", "both");
    child.env("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup, gen_ai_latest_experimental");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Reads back what was written.
#[test]
fn what_is_written_in_gen_ai_can_be_read_back() {
    let open_inference = in_terms_of(SemConv::OpenInference, run);
    for version in GenAiVersion::ALL {
        let written = exported_by(Telemetry::builder().semconv(SemConv::GenAi).gen_ai_version(*version), run);
        let read = in_terms_of(SemConv::OpenInference, || {
            for span in written {
                foreign(span.name.into_owned(), span.span_kind, span.attributes);
            }
        });
        let found = read.iter().flat_map(|(name, said)| {
            differences(name, &half(said, false), &half(&open_inference[name], false))
        });
        assert_explained_by(&found.collect::<Vec<_>>(), GUIDE, "Read back");
    }
}

/// OpenInference's kinds of spans.
const KINDS: [&str; 12] = [
    "AGENT",
    "CHAIN",
    "DECISION",
    "EMBEDDING",
    "EVALUATOR",
    "GUARDRAIL",
    "LLM",
    "PROMPT",
    "RERANKER",
    "RETRIEVER",
    "TOOL",
    "UNKNOWN",
];

/// Every attribute of OpenInference, with one item for each list. The values are JSON instead of plain text.
fn every_attribute() -> Vec<KeyValue> {
    let lists: &[(&str, &[&str])] = &[
        (openinference::LLM_INPUT_MESSAGES, openinference::message::ALL),
        (openinference::LLM_OUTPUT_MESSAGES, openinference::message::ALL),
        (openinference::LLM_PROMPTS, openinference::prompt::ALL),
        (openinference::LLM_CHOICES, openinference::completion::ALL),
        (openinference::LLM_TOOLS, openinference::tool::ALL),
        (openinference::EMBEDDING_EMBEDDINGS, openinference::embedding::ALL),
        (openinference::RETRIEVAL_DOCUMENTS, openinference::document::ALL),
        (openinference::INPUT_IMAGES, openinference::image::ALL),
        (openinference::OUTPUT_IMAGES, openinference::image::ALL),
        (openinference::INPUT_DOCUMENTS, openinference::document::ALL),
        (openinference::OUTPUT_DOCUMENTS, openinference::document::ALL),
        (openinference::ANNOTATIONS, openinference::annotation::ALL),
        (openinference::TRACE_ANNOTATIONS, openinference::annotation::ALL),
        (openinference::SESSION_ANNOTATIONS, openinference::annotation::ALL),
        (openinference::EVALUATIONS, openinference::evaluation::ALL),
        (openinference::TRACE_EVALUATIONS, openinference::evaluation::ALL),
        (openinference::SESSION_EVALUATIONS, openinference::evaluation::ALL),
    ];
    let scalars = [openinference::ALL, openinference::reranker::ALL, &[openinference::tool::JSON_SCHEMA]];
    let items =
        lists.iter().flat_map(|(list, names)| names.iter().map(move |name| format!("{list}.0.{name}")));
    let keys: BTreeSet<_> = scalars.concat().into_iter().map(str::to_owned).chain(items).collect();
    // Lists and objects have no value of their own.
    let is_value = |key: &&String| !keys.iter().any(|other| other.starts_with(&format!("{key}.")));
    let value = |key: &str| if key.ends_with("mime_type") { "application/json" } else { r#"{"name": "n"}"# };
    let keys = keys.iter().filter(is_value).filter(|key| *key != openinference::SPAN_KIND);
    keys.map(|key| KeyValue::new(key.clone(), value(key))).collect()
}

/// A span of another library.
fn foreign(
    name: impl Into<Cow<'static, str>>,
    kind: SpanKind,
    attributes: impl IntoIterator<Item = KeyValue>,
) {
    let builder = global::tracer("another").span_builder(name).with_kind(kind).with_attributes(attributes);
    builder.start(&global::tracer("another")).end();
}

#[test]
fn what_stays_is_what_the_guide_says() {
    let said = in_terms_of(SemConv::GenAi, || {
        for kind in KINDS {
            foreign(
                kind,
                SpanKind::Internal,
                every_attribute().into_iter().chain([KeyValue::new(openinference::SPAN_KIND, kind)]),
            );
        }
        // Here, a count has no equivalent.
        foreign("counts", SpanKind::Internal, [KeyValue::new(openinference::LLM_TOKEN_COUNT_TOTAL, 3)]);
    });
    let stays = said.iter().flat_map(|(kind, said)| {
        half(said, false).into_keys().map(|key| Difference {
            of: kind.clone(),
            key,
            kind: "stays".into(),
            said: String::new(),
        })
    });
    assert_explained_by(&stays.collect::<Vec<_>>(), GUIDE, "What stays");
}

#[test]
fn the_guide_has_every_name() {
    let (_, table) = GUIDE.split_once("## What becomes of each attribute").unwrap();
    for name in gen_ai::ALL {
        assert!(table.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn what_others_say_in_gen_ai_stands() {
    let said = in_terms_of(SemConv::GenAi, || {
        let agent = || KeyValue::new(openinference::SPAN_KIND, "AGENT");
        foreign("plan", SpanKind::Internal, [agent(), KeyValue::new(gen_ai::OPERATION_NAME, "plan")]);
        foreign(
            "create",
            SpanKind::Internal,
            [agent(), KeyValue::new(gen_ai::OPERATION_NAME, "create_agent")],
        );
        foreign(
            "rig",
            SpanKind::Internal,
            [KeyValue::new(gen_ai::INPUT_MESSAGES, "[]"), KeyValue::new(gen_ai::REQUEST_MODEL, "m")],
        );
        foreign("http", SpanKind::Internal, [KeyValue::new("http.request.method", "GET")]);
        fetch("lamp");
    });
    // Without its kind, Phoenix would show it as unknown.
    assert_eq!(
        said["plan"],
        object(json!({"openinference.span.kind": "AGENT", "gen_ai.operation.name": "plan"}))
    );
    assert_eq!(said["create"], object(json!({"gen_ai.operation.name": "create_agent"})));
    assert_eq!(said["rig"], object(json!({"gen_ai.input.messages": [], "gen_ai.request.model": "m"})));
    assert_eq!(said["http"], object(json!({"http.request.method": "GET"})));
    assert_eq!(said["fetch"]["mcp.method.name"], "tools/call");
    assert_eq!(said["fetch"]["gen_ai.tool.call.arguments"], json!({"name": "lamp"}));
    assert_eq!(half(&said["fetch"], false).len(), 1);
}

#[mcp_tool]
fn fetch(name: &str) -> usize {
    name.len()
}

fn object(value: Value) -> Said {
    serde_json::from_value(value).unwrap()
}

#[derive(Debug, thiserror::Error)]
#[error("busy")]
struct Busy;

#[llm_call(request = request, model = "gemini-2.5-pro")]
fn refuse(request: &Value) -> Result<Value, Busy> {
    if request.is_null() { Ok(Value::Null) } else { Err(Busy) }
}

#[llm_call(request = request)]
fn ask_an_alias(request: &Value) -> Value {
    assert_eq!(request["model"], "models/gemini-flash-latest");
    json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Twelve."}]}, "finishReason": "STOP"}],
        "modelVersion": "gemini-2.5-flash",
    })
}

#[llm_call]
fn guess(question: &str, length: usize) -> String {
    question.repeat(length)
}

#[test]
fn calls_that_are_not_as_usual() {
    let said = in_terms_of(SemConv::GenAi, || {
        let contents = json!([{"role": "user", "parts": [{"text": "Lamps?"}]}]);
        let config =
            json!({"maxOutputTokens": 9, "candidateCount": 2, "responseMimeType": "application/json"});
        let instruction = json!({"parts": [{"text": "Be brief."}]});
        drop(refuse(&json!({
            "contents": contents, "systemInstruction": instruction, "generationConfig": config,
            "tools": [{"functionDeclarations": [{"name": "find", "parameters": {"type": "object"}}]}],
        })));
        ask_an_alias(&json!({"model": "models/gemini-flash-latest", "contents": contents}));
        guess("lamp", 1);
        offer(&json!({"model": "gpt-4o", "n": 2, "messages": [{"role": "user", "content": "Lamps?"}]}));
        complete(&json!({"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon", "max_tokens": 3}));
    });
    let refused = &said["refuse"];
    assert_eq!(refused["gen_ai.operation.name"], "generate_content");
    assert_eq!(refused["gen_ai.provider.name"], "gcp.vertex_ai");
    assert_eq!(refused["gen_ai.request.model"], "gemini-2.5-pro");
    assert_eq!(refused["gen_ai.request.choice.count"], 2);
    assert_eq!(refused["gen_ai.request.max_tokens"], 9);
    assert_eq!(refused["gen_ai.output.type"], "json");
    assert_eq!(refused["gen_ai.system_instructions"], json!([{"type": "text", "content": "Be brief."}]));
    assert_eq!(refused["gen_ai.input.messages"][0]["role"], "user");
    let find = json!([{"type": "function", "name": "find", "parameters": {"type": "object"}}]);
    assert_eq!(refused["gen_ai.tool.definitions"], find);
    assert_eq!(refused.get("gen_ai.response.model"), None, "nobody answered");
    assert_eq!(refused["error.type"].as_str().unwrap().rsplit_once("::").unwrap().1, "Busy");

    // An alias is what was requested, and the answer names the model behind it.
    assert_eq!(said["ask_an_alias"]["gen_ai.request.model"], "gemini-flash-latest");
    assert_eq!(said["ask_an_alias"]["gen_ai.response.model"], "gemini-2.5-flash");

    // If a call is not read, the text is the message, and the arguments are unchanged.
    assert_eq!(said["guess"]["input.value"], json!({"question": "lamp", "length": 1}));
    assert_eq!(said["guess"]["gen_ai.output.messages"][0]["parts"][0]["content"], "lamp");

    let offered = &said["offer"];
    assert_eq!(offered["gen_ai.request.choice.count"], 2);
    assert_eq!(offered["gen_ai.response.finish_reasons"], json!(["stop", "content_filter"]));
    let reasons = offered["gen_ai.output.messages"].as_array().unwrap().iter();
    assert_eq!(reasons.map(|one| &one["finish_reason"]).collect::<Vec<_>>(), ["stop", "content_filter"]);

    let completed = &said["complete"];
    assert_eq!(completed["gen_ai.operation.name"], "text_completion");
    assert_eq!(completed["gen_ai.input.messages"][0]["parts"][0]["content"], "Once upon");
    assert_eq!(completed["gen_ai.output.messages"][0]["parts"][0]["content"], " a time");
    assert_eq!(completed["gen_ai.output.messages"][0]["finish_reason"], "length");
}

#[llm_call(request = request)]
fn offer(request: &Value) -> Value {
    let choice = |index: u32, text: &str, reason: &str| json!({"index": index, "finish_reason": reason, "message": {"role": "assistant", "content": text}});
    json!({
        "object": "chat.completion", "model": request["model"],
        "choices": [choice(0, "Blue ones.", "stop"), choice(1, "", "content_filter")],
    })
}

#[llm_call(request = request)]
fn complete(request: &Value) -> Value {
    json!({
        "object": "text_completion", "model": request["model"],
        "choices": [{"index": 0, "text": " a time", "finish_reason": "length"}],
    })
}

#[chain_span]
fn record_all() {
    let span = current();
    let parts = [
        Part::new().kind("text").text("Look."),
        Part::new().kind("image").image_url("https://shop.example/lamp.png"),
        Part::new().kind("audio").audio_url("data:audio/wav;base64,AA==").audio_transcript("lamp"),
        Part::new().kind("video").video_url("https://shop.example/lamp.mp4"),
        Part::new()
            .kind("document")
            .document_url("https://shop.example/a")
            .document_mime_type("application/pdf"),
        Part::new().kind("reasoning").data("sealed"),
        Part::new().kind("search_result").text("{}"),
    ];
    let call = || ToolCall::new().id("c").name("find").arguments("lamp, blue");
    let asked = [
        Message::of("user").name("ada").parts(parts),
        Message::of("assistant")
            .content("Look.")
            .parts([Part::new().kind("text").text("Look.")])
            .tool_calls([call()]),
        Message::of("assistant")
            .function_call_name("find")
            .function_call_arguments(&json!({"query": "lamp"})),
        Message::of("tool")
            .tool_call_id("c")
            .parts([Part::new().kind("text").text("one"), Part::new().text("two")]),
    ];
    let anthropic = json!({"name": "find", "input_schema": {"type": "object"}});
    let server = json!({"type": "web_search_20250305", "name": "web_search"});
    let tools = [anthropic, server, json!("no definition")].map(|tool| ToolSchema::new().json_schema(&tool));
    span.record(&Request::new().model("m").provider("mistralai").messages(asked).tools(tools));
    span.record(&Response::new().response_model("m-1").messages([Message::of("assistant").content("Here.")]));
    span.record(&Usage::new().prompt(3).completion(2).total(5));
}

#[test]
fn what_is_recorded_by_hand_is_said_as_well() {
    let said = in_terms_of(SemConv::GenAi, record_all).remove("record_all").unwrap();
    let text = |text: &str| json!({"type": "text", "content": text});
    let expected = json!({
        "openinference.span.kind": "CHAIN",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m-1",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.input.messages": [
            {"role": "user", "name": "ada", "parts": [
                text("Look."),
                {"type": "uri", "modality": "image", "uri": "https://shop.example/lamp.png"},
                {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "AA==", "transcript": "lamp"},
                {"type": "uri", "modality": "video", "uri": "https://shop.example/lamp.mp4"},
                {"type": "uri", "modality": "document", "mime_type": "application/pdf", "uri": "https://shop.example/a"},
                {"type": "reasoning", "content": "", "data": "sealed"},
                {"type": "search_result", "content": "{}"},
            ]},
            {"role": "assistant", "parts": [
                text("Look."),
                {"type": "tool_call", "id": "c", "name": "find", "arguments": "lamp, blue"},
            ]},
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "find", "arguments": {"query": "lamp"}}]},
            {"role": "tool", "parts": [
                {"type": "tool_call_response", "id": "c", "response": [text("one"), text("two")]},
            ]},
        ],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [text("Here.")], "finish_reason": ""}],
        "gen_ai.tool.definitions": [
            {"type": "function", "name": "find", "parameters": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
    });
    assert_eq!(said, object(expected));
}

type Hide = fn(Privacy) -> Privacy;

/// Each setting applies to all of OpenInference's attributes.
const SETTINGS: &[(&str, Hide)] = &[
    ("nothing", |privacy| privacy),
    ("inputs", |privacy| privacy.hide_inputs(true)),
    ("outputs", |privacy| privacy.hide_outputs(true)),
    ("input messages", |privacy| privacy.hide_input_messages(true)),
    ("output messages", |privacy| privacy.hide_output_messages(true)),
    ("input images", |privacy| privacy.hide_input_images(true)),
    ("input text", |privacy| privacy.hide_input_text(true)),
    ("output text", |privacy| privacy.hide_output_text(true)),
    ("parameters", |privacy| privacy.hide_llm_invocation_parameters(true)),
    ("tools", |privacy| privacy.hide_llm_tools(true)),
    ("embeddings' text", |privacy| privacy.hide_embeddings_text(true)),
    ("documents", |privacy| privacy.hide_retrieval_documents(true)),
    ("long images", |privacy| privacy.base64_image_max_length(10)),
    ("whatever a redactor finds", |privacy| {
        privacy.redactor(|_, value| Some(value.as_str().replace(ANSWER, "***").into()))
    }),
];

/// Fragments of what may have to be hidden.
const SECRETS: [&str; 7] = [QUESTION, DOCUMENT, RESULT, ANSWER, IMAGE, "4711", "How many there are."];

/// Which of the secrets each span contains.
fn told(semconv: SemConv, hide: Hide) -> BTreeSet<(String, &'static str)> {
    let spans = exported(semconv, hide(Privacy::new()), run);
    let tells = |span: &SpanData| {
        let attributes = span.attributes.iter().filter(|one| !one.key.as_str().contains(TIME));
        let values: Vec<_> = attributes.map(|one| one.value.as_str().into_owned()).collect();
        let told = SECRETS.into_iter().filter(|secret| values.iter().any(|value| value.contains(secret)));
        told.map(|secret| (span.name.to_string(), secret)).collect::<Vec<_>>()
    };
    spans.iter().flat_map(tells).collect()
}

#[test]
fn what_is_hidden_is_hidden_in_both() {
    for (what, hide) in SETTINGS {
        let open_inference = told(SemConv::OpenInference, *hide);
        for semconv in [SemConv::GenAi, SemConv::Both] {
            assert_eq!(told(semconv, *hide), open_inference, "{what} in {semconv:?}");
        }
    }
}

/// Spans of other libraries that hold the secrets.
fn record_as_others_do() {
    let request = json!({
        "model": "m", "max_tokens": 4711,
        "tools": [{"name": "stock", "description": "How many there are."}],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": QUESTION},
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{IMAGE}")}},
        ]}],
    });
    let (request, answer) =
        (request.to_string(), json!({"role": "assistant", "content": ANSWER}).to_string());
    let documents = json!([{"content": DOCUMENT}]).to_string();
    let spans: &[(&str, &[(&'static str, &str)])] = &[
        (
            "generation",
            &[
                ("langfuse.observation.type", "generation"),
                ("langfuse.observation.input", &request),
                ("langfuse.observation.output", &answer),
                ("langfuse.observation.model.parameters", "{\"max_tokens\": 4711}"),
                ("langfuse.observation.metadata.question", QUESTION),
                ("langfuse.observation.level", "ERROR"),
                ("langfuse.observation.status_message", QUESTION),
            ],
        ),
        (
            "swiftide",
            &[
                ("langfuse.type", "GENERATION"),
                ("langfuse.input", &request),
                ("langfuse.output", &answer),
                ("langfuse.model_parameters", "{\"max_tokens\": 4711}"),
                ("langfuse.status_message", ANSWER),
            ],
        ),
        (
            "embedding",
            &[
                ("langfuse.observation.type", "embedding"),
                ("langfuse.observation.input", QUESTION),
                ("langfuse.observation.output", RESULT),
            ],
        ),
        (
            "trace",
            &[
                ("langfuse.trace.input", QUESTION),
                ("langfuse.trace.output", ANSWER),
                ("langfuse.trace.metadata", "{\"a\": \"How many blue lamps?\"}"),
            ],
        ),
        (
            "search_memory",
            &[
                ("gen_ai.operation.name", "search_memory"),
                ("gen_ai.memory.query.text", QUESTION),
                ("gen_ai.memory.records", &documents),
            ],
        ),
        (
            "create_memory",
            &[("gen_ai.operation.name", "create_memory"), ("gen_ai.memory.records", &documents)],
        ),
        (
            "call_llm",
            &[
                ("target", "adk_agent::llm_agent"),
                ("gcp.vertex.agent.llm_request", &request),
                ("gcp.vertex.agent.llm_response", &answer),
            ],
        ),
        (
            "gen_ai.generate",
            &[
                ("target", "adk_telemetry::spans"),
                ("gen_ai.content.prompt", QUESTION),
                ("gen_ai.content.completion", ANSWER),
            ],
        ),
        (
            "autoagents.task",
            &[("target", "autoagents_telemetry"), ("task.description", QUESTION), ("task.result", ANSWER)],
        ),
        (
            "autoagents.tool_call",
            &[("target", "autoagents_telemetry"), ("tool.arguments", QUESTION), ("tool.result", RESULT)],
        ),
    ];
    for (name, attributes) in spans {
        let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, (*value).to_owned()));
        foreign((*name).to_owned(), SpanKind::Internal, attributes);
    }
}

/// Whether the key is another library's name for something.
fn is_of_others(key: &str) -> bool {
    ["langfuse.", "gen_ai.", "gcp.", "task.", "tool.arguments", "tool.result"]
        .iter()
        .any(|own| key.starts_with(own))
}

/// An attribute of another library tells nothing that OpenInference's attributes of its span do not.
#[test]
fn what_is_hidden_is_hidden_whatever_others_call_it() {
    for (what, hide) in SETTINGS {
        for span in exported(SemConv::OpenInference, hide(Privacy::new()), record_as_others_do) {
            let tells = |is_of: bool| {
                let attributes = span.attributes.iter().filter(|one| is_of_others(one.key.as_str()) == is_of);
                let values = attributes.map(|one| one.value.as_str().into_owned()).collect::<Vec<_>>();
                let told =
                    SECRETS.into_iter().filter(|secret| values.iter().any(|value| value.contains(secret)));
                told.collect::<BTreeSet<_>>()
            };
            let (theirs, ours) = (tells(true), tells(false));
            assert!(
                theirs.is_subset(&ours),
                "{what} in {}: {theirs:?} beside {ours:?}: {span:#?}",
                span.name
            );
            if *what == "nothing" {
                assert_eq!(theirs, ours, "{}: {span:#?}", span.name);
            }
        }
    }
    let hidden = |privacy: Privacy| {
        let privacy = privacy.hide_inputs(true).hide_outputs(true).hide_llm_invocation_parameters(true);
        format!("{:?}", exported(SemConv::Both, privacy, record_as_others_do))
    };
    let told = hidden(Privacy::new());
    for secret in [QUESTION, ANSWER, DOCUMENT, IMAGE, RESULT, "4711"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[test]
fn a_redactor_sees_what_was_made_of_a_span() {
    let privacy = Privacy::new().redactor(|key, value| match key {
        "gen_ai.input.messages" => None,
        "gen_ai.conversation.id" => Some("hidden".into()),
        _ => Some(value),
    });
    let spans = exported(SemConv::Both, privacy, run);
    for said in spans.iter().map(said) {
        assert_eq!(said.get("gen_ai.input.messages"), None);
        assert_eq!(said["gen_ai.conversation.id"], "hidden");
        assert_eq!(said["session.id"], "s-1");
    }
}

#[test]
fn a_text_that_is_hidden_leaves_its_message() {
    let spans = exported(SemConv::GenAi, Privacy::new().hide_input_text(true), run);
    let said: BTreeMap<_, _> = spans.iter().map(|span| (span.name.to_string(), said(span))).collect();
    let asked = &said["plan"]["gen_ai.input.messages"][1];
    assert_eq!(asked["role"], "user");
    assert_eq!(asked["parts"][0], json!({"type": "text", "content": "__REDACTED__"}));
    assert_eq!(asked["parts"][1]["type"], "blob");
}

#[test]
#[ignore = "a child process of the next test"]
fn child_with_short_values() {
    let said = in_terms_of_environment();
    let messages = said["plan"]["gen_ai.input.messages"].as_array().expect("JSON, though it is short");
    assert_eq!(messages[0]["role"], "system");
    assert!(messages.to_owned().iter().any(|message| message.to_string().contains("[cut at")));
    assert!(Value::from(messages.clone()).to_string().len() <= 400);
}

/// The spans that are exported with the environment's settings.
fn in_terms_of_environment() -> BTreeMap<String, Said> {
    let exporter = InMemorySpanExporter::default();
    let telemetry = Telemetry::builder().span_exporter(exporter.clone()).tracing(false).init().unwrap();
    shop("s-1", &QUESTION.repeat(20));
    telemetry.flush(SOON);
    let spans = exporter.get_finished_spans().unwrap();
    spans.iter().map(|span| (span.name.to_string(), said(span))).collect()
}

#[test]
fn messages_that_are_cut_can_still_be_read() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["child_with_short_values", "--exact", "--ignored"]);
    child.env("A2A_OTEL_SEMCONV", "gen_ai").env("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "400");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A writer whose text can be read afterwards.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_printed_tree_is_the_same() {
    let _turn = take_turns();
    let printed = [SemConv::OpenInference, SemConv::GenAi].map(|semconv| {
        let paper = Paper::default();
        let printer = TreePrinter::new(paper.clone()).colour(false);
        let builder = Telemetry::builder().semconv(semconv).span_processor(printer).tracing(false);
        let telemetry = builder.span_exporter(InMemorySpanExporter::default()).init().unwrap();
        run();
        telemetry.shutdown(SOON);
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    });
    let [open_inference, gen_ai] = printed.map(|text| {
        let kinds = text.lines().skip(2).map(|line| line.split("  ").next().unwrap().to_owned());
        (kinds.collect::<Vec<_>>(), text.contains("31 + 17 tokens"))
    });
    assert_eq!(gen_ai, open_inference);
    assert!(gen_ai.1, "the tokens are printed");
}

#[llm_call(request = request)]
fn replay<'a>(request: &Value, answer: &'a Value) -> &'a Value {
    assert!(request.is_object());
    answer
}

#[test]
fn the_python_package_says_the_same() {
    let recorded: Value =
        serde_json::from_str(include_str!("../golden/settings/openai_cfg_genai.json")).unwrap();
    let theirs = object(recorded["spans"][0]["attributes"].clone());
    let theirs: Said = theirs.into_iter().map(|(key, value)| (key, comparable(value))).collect();
    let ours = in_terms_of(SemConv::Both, || {
        replay(&theirs["input.value"], &theirs["output.value"]);
    });
    let found = differences("gpt-4o", &half(&ours["replay"], true), &half(&theirs, true));
    assert_explained(&found, PARITY);
}

/// What Phoenix shows of a run.
fn shown(phoenix: &Phoenix, semconv: SemConv) -> BTreeMap<String, Said> {
    let _turn = take_turns();
    let project = phoenix.project("semconv");
    let builder = Telemetry::builder().semconv(semconv).endpoint(phoenix.url()).tracing(false);
    let telemetry = builder.project_name(project.name()).init().unwrap();
    // A session belongs to one project forever.
    shop(project.name(), QUESTION);
    telemetry.shutdown(SOON);
    let spans = project.wait_for_spans(|spans| spans.len() == 7);
    let session = project.session(project.name()).expect("the session");
    assert_eq!((session.traces, session.prompt_tokens, session.completion_tokens), (1, 60.0, 29.0));
    spans.iter().map(|span| (span.name.clone(), shown_of(span, project.name()))).collect()
}

fn shown_of(span: &Span, session: &str) -> Said {
    let shown = span.attributes.iter().map(|(key, value)| (key.clone(), comparable(value.clone())));
    let mut shown = half(&shown.collect(), false);
    shown.insert("kind".into(), span.kind.clone().into());
    if let Some(own) = shown.get_mut("session.id").filter(|own| *own == session) {
        *own = "session".into();
    }
    shown
}

#[test]
fn phoenix_shows_gen_ai_alone_as_the_guide_says() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let [open_inference, gen_ai, both] =
        [SemConv::OpenInference, SemConv::GenAi, SemConv::Both].map(|semconv| shown(phoenix, semconv));
    let found = gen_ai.iter().flat_map(|(name, said)| differences(name, said, &open_inference[name]));
    assert_explained(&found.collect::<Vec<_>>(), GUIDE);
    // What Phoenix derives from GenAI never takes precedence over recorded attributes.
    for (name, said) in &open_inference {
        let kept: Said = both[name].clone().into_iter().filter(|(key, _)| said.contains_key(key)).collect();
        assert_eq!(&kept, said, "{name}");
    }
}

/// A call of a model as a library records it for Langfuse, and as 0.1.0 of GenAI has it, sent in every way.
#[test]
fn phoenix_shows_what_other_libraries_record() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    for semconv in [SemConv::OpenInference, SemConv::GenAi, SemConv::Both] {
        let turn = take_turns();
        let project = phoenix.project("foreign");
        let builder = Telemetry::builder().semconv(semconv).gen_ai_version(GenAiVersion::V0_1_0);
        let builder = builder.endpoint(phoenix.url()).project_name(project.name()).tracing(false);
        let telemetry = builder.init().unwrap();
        let usage =
            json!({"input": 8, "input_cache_read": 4, "input_cache_creation": 2, "output": 3}).to_string();
        let langfuse = [
            KeyValue::new("langfuse.observation.type", "generation"),
            KeyValue::new("langfuse.observation.model.name", "gpt-4o-mini"),
            KeyValue::new("langfuse.observation.usage_details", usage),
            KeyValue::new("langfuse.observation.input", "How many lamps?"),
        ];
        foreign("langfuse", SpanKind::Client, langfuse);
        let gen_ai = [
            KeyValue::new("gen_ai.operation.name", "chat"),
            KeyValue::new("gen_ai.provider.name", "openai"),
            KeyValue::new("gen_ai.request.model", "gpt-4o-mini"),
            KeyValue::new("gen_ai.usage.input_tokens", 14),
            KeyValue::new("gen_ai.usage.cache_read.input_tokens", 4),
            KeyValue::new("gen_ai.usage.cache_write.input_tokens", 2),
            KeyValue::new("gen_ai.usage.output_tokens", 3),
        ];
        foreign("gen_ai", SpanKind::Client, gen_ai);
        foreign("search_memory", SpanKind::Client, [KeyValue::new("gen_ai.operation.name", "search_memory")]);
        telemetry.shutdown(SOON);
        drop(turn);
        for span in project.wait_for_spans(|spans| spans.len() == 3) {
            if span.name == "search_memory" {
                assert_eq!(span.kind, "RETRIEVER", "{semconv:?}: {span:#?}");
                continue;
            }
            assert_eq!(span.kind, "LLM", "{semconv:?}: {span:#?}");
            assert_eq!(span.attributes["llm.model_name"], "gpt-4o-mini", "{semconv:?}: {span:#?}");
            let counts = ["prompt", "completion", "prompt_details.cache_read", "prompt_details.cache_write"];
            let counts = counts.map(|count| span.attributes[&format!("llm.token_count.{count}")].as_f64());
            assert_eq!(counts, [Some(14.0), Some(3.0), Some(4.0), Some(2.0)], "{semconv:?}: {span:#?}");
        }
    }
}
