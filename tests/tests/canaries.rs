//! Tests that nothing that a variable hides is anywhere, with a canary at every leaf of full requests and answers.
//!
//! The conversations are in `cases/canaries`, one file for each shape. Each text in them is a canary, `canary.KIND.NUMBER.`, or
//! below a name that says how the JSON is built. `PLACES` says where a canary of a kind may be, and which variables hide it
//! there. It must not be in any other attribute, event, status, log line, printed tree or file of the spool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use a2a_otel::opentelemetry::trace::Status;
use a2a_otel::opentelemetry::{KeyValue, Value};
use a2a_otel::settings::ConsoleForm;
use a2a_otel::{Privacy, SemConv, Telemetry, TreePrinter, llm_call};
use a2a_otel_tests::services::unique;
use bytes::Bytes;
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use serde_json::Value as Json;

type Setting = (&'static str, fn(Privacy) -> Privacy);

/// The variables, without `OPENINFERENCE_HIDE_`, and the methods that do the same.
const SETTINGS: &[Setting] = &[
    ("", |privacy| privacy),
    ("INPUTS", |privacy| privacy.hide_inputs(true)),
    ("OUTPUTS", |privacy| privacy.hide_outputs(true)),
    ("INPUT_MESSAGES", |privacy| privacy.hide_input_messages(true)),
    ("OUTPUT_MESSAGES", |privacy| privacy.hide_output_messages(true)),
    ("INPUT_IMAGES", |privacy| privacy.hide_input_images(true)),
    ("INPUT_TEXT", |privacy| privacy.hide_input_text(true)),
    ("OUTPUT_TEXT", |privacy| privacy.hide_output_text(true)),
    ("LLM_INVOCATION_PARAMETERS", |privacy| privacy.hide_llm_invocation_parameters(true)),
    ("LLM_TOOLS", |privacy| privacy.hide_llm_tools(true)),
    ("PROMPTS", |privacy| privacy.hide_prompts(true)),
    ("CHOICES", |privacy| privacy.hide_choices(true)),
    ("EMBEDDINGS_VECTORS", |privacy| privacy.hide_embeddings_vectors(true)),
    ("EMBEDDINGS_TEXT", |privacy| privacy.hide_embeddings_text(true)),
    ("RETRIEVAL_DOCUMENTS", |privacy| privacy.hide_retrieval_documents(true)),
];

/// Where a canary of a kind may be: the keys of attributes, and the variables that hide it there.
type Place = (&'static [&'static str], &'static [&'static str]);

const ALL_IN: &[&str] = &["INPUTS", "INPUT_MESSAGES", "INPUT_TEXT", "PROMPTS"];
const ALL_OUT: &[&str] = &["OUTPUTS", "OUTPUT_MESSAGES", "OUTPUT_TEXT", "CHOICES"];
const ALL: &[&str] = &[
    "OUTPUTS",
    "OUTPUT_MESSAGES",
    "OUTPUT_TEXT",
    "CHOICES",
    "INPUTS",
    "INPUT_MESSAGES",
    "INPUT_TEXT",
    "PROMPTS",
];
const REQUEST: Place = (&["input.value"], ALL_IN);
const ANSWER: Place = (&["output.value"], ALL_OUT);
const ASKED: &[&str] = &["llm.input_messages*", "gen_ai.input.messages", "gen_ai.system_instructions"];
const ANSWERED: &[&str] = &["llm.output_messages*", "gen_ai.output.messages"];
const PARAMETERS: &[&str] =
    &["llm.invocation_parameters", "embedding.invocation_parameters", "gen_ai.request.*"];
const TOOLS: &[&str] = &["llm.tools*", "gen_ai.tool.definitions"];

const PLACES: &[(&str, &[Place])] = &[
    // What people, models and tools say.
    ("text", &[REQUEST, (ASKED, &["INPUTS", "INPUT_MESSAGES", "INPUT_TEXT"])]),
    // The calls of tools in a conversation, names, ids and files that are no image.
    ("call", &[REQUEST, (ASKED, &["INPUTS", "INPUT_MESSAGES"])]),
    (
        "image",
        &[
            (&["input.value"], &["INPUTS", "INPUT_MESSAGES", "INPUT_TEXT", "PROMPTS", "INPUT_IMAGES"]),
            (ASKED, &["INPUTS", "INPUT_MESSAGES", "INPUT_IMAGES"]),
        ],
    ),
    (
        "tool",
        &[
            (&["input.value"], &["INPUTS", "INPUT_MESSAGES", "INPUT_TEXT", "PROMPTS", "LLM_TOOLS"]),
            (TOOLS, &["INPUTS", "LLM_TOOLS"]),
        ],
    ),
    // A list of tools that is a part of the conversation.
    (
        "known_tool",
        &[
            (&["input.value"], &["INPUTS", "INPUT_MESSAGES", "INPUT_TEXT", "PROMPTS", "LLM_TOOLS"]),
            (ASKED, &["INPUTS", "INPUT_MESSAGES", "LLM_TOOLS"]),
        ],
    ),
    (
        "parameter",
        &[
            (
                &["input.value"],
                &["INPUTS", "INPUT_MESSAGES", "INPUT_TEXT", "PROMPTS", "LLM_INVOCATION_PARAMETERS"],
            ),
            (PARAMETERS, &["LLM_INVOCATION_PARAMETERS"]),
        ],
    ),
    // What no attribute has, except the whole request.
    ("elsewhere", &[REQUEST]),
    ("secret", &[]),
    ("prompt_id", &[REQUEST, (&["prompt.id"], &["INPUTS"])]),
    ("variable", &[REQUEST, (&["llm.prompt_template.variables"], ALL_IN)]),
    (
        "prompt",
        &[
            REQUEST,
            (&["llm.prompts*"], &["INPUTS", "PROMPTS"]),
            (&["gen_ai.input.messages"], &["INPUTS", "PROMPTS"]),
        ],
    ),
    (
        "embedded",
        &[
            (&["input.value"], &["INPUTS", "INPUT_MESSAGES", "INPUT_TEXT", "PROMPTS", "EMBEDDINGS_TEXT"]),
            (&["embedding.embeddings*"], &["INPUTS", "EMBEDDINGS_TEXT"]),
        ],
    ),
    ("answer", &[ANSWER, (ANSWERED, &["OUTPUTS", "OUTPUT_MESSAGES", "OUTPUT_TEXT"])]),
    ("answered_call", &[ANSWER, (ANSWERED, &["OUTPUTS", "OUTPUT_MESSAGES"])]),
    (
        "answered_elsewhere",
        &[ANSWER, (&["llm.choices*"], &["OUTPUTS", "CHOICES"]), (ANSWERED, &["OUTPUTS", "OUTPUT_MESSAGES"])],
    ),
    ("choice", &[ANSWER, (&["llm.choices*", "gen_ai.output.messages"], &["OUTPUTS", "CHOICES"])]),
    (
        "made_image",
        &[
            ANSWER,
            (&["output.images*"], &["OUTPUTS", "OUTPUT_MESSAGES"]),
            (ANSWERED, &["OUTPUTS", "OUTPUT_MESSAGES"]),
        ],
    ),
    ("id", &[ANSWER, (&["gen_ai.response.id"], &[])]),
    // What answers repeat of their request.
    ("repeated", &[(&["output.value"], ALL)]),
    (
        "repeated_metadata",
        &[(&["output.value"], &["OUTPUTS", "OUTPUT_MESSAGES", "OUTPUT_TEXT", "CHOICES", "INPUTS"])],
    ),
    (
        "repeated_tool",
        &[
            (&["output.value"], &["OUTPUTS", "OUTPUT_MESSAGES", "OUTPUT_TEXT", "CHOICES", "LLM_TOOLS"]),
            (ANSWERED, &["OUTPUTS", "OUTPUT_MESSAGES", "LLM_TOOLS"]),
        ],
    ),
    (
        "repeated_parameter",
        &[(
            &["output.value"],
            &["OUTPUTS", "OUTPUT_MESSAGES", "OUTPUT_TEXT", "CHOICES", "LLM_INVOCATION_PARAMETERS"],
        )],
    ),
    // What an error quotes.
    (
        "quoted",
        &[(
            &["exception.message", "exception.stacktrace", "status"],
            &[
                "INPUTS",
                "INPUT_MESSAGES",
                "INPUT_TEXT",
                "PROMPTS",
                "OUTPUTS",
                "OUTPUT_MESSAGES",
                "OUTPUT_TEXT",
                "CHOICES",
                "EMBEDDINGS_TEXT",
                "RETRIEVAL_DOCUMENTS",
            ],
        )],
    ),
];

/// The names that say how the JSON is built. Their texts are no canaries.
const STRUCTURE: &[&str] = &[
    "type",
    "role",
    "object",
    "model",
    "status",
    "finish_reason",
    "stop_reason",
    "done_reason",
    "finishReason",
    "modelVersion",
    "mimeType",
    "media_type",
    "content_type",
    "format",
    "output_format",
    "encoding_format",
    "model_name",
    "adapter_kind",
    "Completed",
    "created_at",
    "id",
    "call_id",
];

/// Numbers that say what is hidden: a vector, and the tokens of a conversation.
const NUMBERS: &[(&str, &[Place])] = &[
    (
        "0.8125",
        &[
            (
                &["output.value"],
                &["OUTPUTS", "OUTPUT_MESSAGES", "OUTPUT_TEXT", "CHOICES", "EMBEDDINGS_VECTORS"],
            ),
            (&["embedding.embeddings*"], &["OUTPUTS", "EMBEDDINGS_VECTORS"]),
        ],
    ),
    ("812501", &[(&["input.value"], ALL_IN), (&["output.value"], ALL)]),
];

/// A full request, and its answer, whole and in chunks.
struct Conversation {
    name: String,
    request: Json,
    response: Json,
    chunks: Option<Vec<Json>>,
}

fn conversations() -> Vec<Conversation> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/canaries");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let mut case: Json = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        Conversation {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            request: case["request"].take(),
            response: case["response"].take(),
            chunks: serde_json::from_value(case["chunks"].take()).unwrap(),
        }
    };
    paths.iter().map(read).collect()
}

/// The canaries in a text, with their kinds.
fn canaries(text: &str) -> BTreeSet<(String, String)> {
    let found = text.split("canary.").skip(1).filter_map(|rest| {
        let (kind, rest) = rest.split_once('.')?;
        let (number, _) = rest.split_once('.')?;
        // A value that was cut for the terminal may end within one.
        let is_whole = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        is_whole.then(|| (kind.to_owned(), format!("canary.{kind}.{number}.")))
    });
    found.collect()
}

fn places(kind: &str) -> &'static [Place] {
    PLACES.iter().find(|(of, _)| *of == kind).unwrap_or_else(|| panic!("{kind} has no places")).1
}

fn is_one_of(keys: &[&str], key: &str) -> bool {
    let matches = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => key == *pattern,
    };
    keys.iter().any(matches)
}

fn is_allowed(places: &[Place], key: &str, setting: &str) -> bool {
    let is_allowed =
        |key| places.iter().any(|(keys, hidden_by)| is_one_of(keys, key) && !hidden_by.contains(&setting));
    // In GenAI's terms, an input that is not read is a message.
    is_allowed(key) || key == "gen_ai.input.messages" && is_allowed("input.value")
}

fn is_hidden_everywhere(places: &[Place], setting: &str) -> bool {
    places.iter().all(|(_, hidden_by)| hidden_by.contains(&setting))
}

#[test]
fn each_leaf_of_the_conversations_has_a_canary() {
    fn check(name: &str, key: &str, value: &Json) {
        match value {
            Json::Object(fields) => fields.iter().for_each(|(key, value)| check(name, key, value)),
            Json::Array(items) => items.iter().for_each(|item| check(name, key, item)),
            Json::String(text) if text.is_empty() || STRUCTURE.contains(&key) => {}
            Json::String(text) => assert!(text.contains("canary."), "{name}: {key}: {text}"),
            _ => {}
        }
    }
    let conversations = conversations();
    assert_eq!(conversations.len(), 10);
    let mut all = BTreeSet::new();
    for Conversation { name, request, response, chunks } in &conversations {
        check(name, "", request);
        check(name, "", response);
        for found in canaries(&format!("{request}{response}{chunks:?}")) {
            places(&found.0);
            assert!(all.insert(found.clone()), "{found:?} is there twice");
        }
    }
    assert!(all.len() > 400, "{}", all.len());
}

#[llm_call(request = request)]
fn ask(request: &Json, answer: Json) -> Json {
    tracing::info!("answered");
    answer
}

#[llm_call(request = request)]
fn ask_bytes(request: &[u8], answer: Vec<u8>) -> Vec<u8> {
    answer
}

#[llm_call(request = request)]
fn ask_values(request: &Json, chunks: Vec<Json>) -> impl Stream<Item = Json> {
    stream::iter(chunks)
}

#[llm_call(request = request)]
fn ask_events(request: &Json, pieces: Vec<Bytes>) -> impl Stream<Item = Bytes> {
    stream::iter(pieces)
}

#[a2a_otel::embedding_call(request = request)]
fn embed(request: &Json, answer: Json) -> Json {
    answer
}

#[llm_call(request = request)]
fn fail(request: &Json) -> Result<Json, String> {
    Err("canary.quoted.1. is not allowed".to_owned())
}

/// The request as one of several arguments, as text.
#[llm_call]
fn ask_with_more(client: u32, body: &str) -> u32 {
    client
}

/// The request as one of several in a list.
#[llm_call]
fn ask_many(requests: &[Json]) -> usize {
    requests.len()
}

/// The request in a type that only implements `Debug`.
#[derive(Debug)]
struct Asked {
    request: Json,
}

#[llm_call]
fn ask_by_debug(asked: &Asked) -> bool {
    asked.request.is_object()
}

#[llm_call]
fn ask_more_by_debug(client: u32, asked: Option<&Asked>) -> u32 {
    client + u32::from(asked.is_some())
}

/// Has the conversation in every form.
fn converse(Conversation { request, response, chunks, .. }: &Conversation) {
    ask(request, response.clone());
    ask_bytes(request.to_string().as_bytes(), response.to_string().into_bytes());
    ask_bytes(format!(" \n{request:#}").as_bytes(), format!("{response:#}").into_bytes());
    if request.get("input").is_some() && request.get("instructions").is_none() {
        embed(request, response.clone());
    }
    if let Some(chunks) = chunks {
        let events = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<Vec<_>>().concat();
        let pieces = |size| events.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        block_on(ask_values(request, chunks.clone()).collect::<Vec<_>>());
        block_on(ask_events(request, pieces(events.len())).collect::<Vec<_>>());
        block_on(ask_events(request, pieces(11)).collect::<Vec<_>>());
    }
    fail(request).unwrap_err();
    // Where nothing says that a value is a request, it is not read, so credentials in it are not found.
    let unread = request.to_string().replace("canary.secret", "no secret");
    ask_with_more(1, &unread);
    let request: Json = serde_json::from_str(&unread).unwrap();
    ask_many(std::slice::from_ref(&request));
    let asked = Asked { request };
    ask_by_debug(&asked);
    ask_more_by_debug(1, Some(&asked));
}

/// All texts that leave the process with a span, with the key of each.
fn texts(span: &SpanData) -> Vec<(String, String)> {
    let of = |attributes: &[KeyValue]| {
        let text = |value: &Value| value.to_string();
        attributes.iter().map(|one| (one.key.to_string(), text(&one.value))).collect::<Vec<_>>()
    };
    let mut texts = of(&span.attributes);
    for event in &span.events.events {
        texts.push(("event name".to_owned(), event.name.to_string()));
        texts.extend(of(&event.attributes));
    }
    if let Status::Error { description } = &span.status {
        texts.push(("status".to_owned(), description.to_string()));
    }
    texts.push(("span name".to_owned(), span.name.to_string()));
    texts
}

fn exported(privacy: Privacy, semconv: SemConv, run: impl FnOnce()) -> Vec<SpanData> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let exporter = InMemorySpanExporter::default();
    let builder = Telemetry::builder().privacy(privacy).semconv(semconv).span_exporter(exporter.clone());
    let telemetry = builder.tracing(false).start();
    run();
    telemetry.flush(Duration::from_secs(20));
    exporter.get_finished_spans().unwrap()
}

#[test]
fn no_canary_is_where_it_must_not_be() {
    let mut wrong = BTreeMap::new();
    for semconv in [SemConv::OpenInference, SemConv::GenAi, SemConv::Both] {
        for (setting, set) in SETTINGS {
            for conversation in conversations() {
                let spans = exported(set(Privacy::new()), semconv, || converse(&conversation));
                assert!(spans.len() >= 5, "{}", spans.len());
                let mut found = BTreeSet::new();
                for (key, text) in spans.iter().flat_map(texts) {
                    for (kind, canary) in canaries(&text) {
                        if !is_allowed(places(&kind), &key, setting) {
                            wrong.insert(
                                (setting, kind, key.clone()),
                                conversation.name.clone() + ": " + &canary,
                            );
                        }
                        found.insert(canary);
                    }
                    for (number, places) in NUMBERS.iter().filter(|(number, _)| text.contains(number)) {
                        if !is_allowed(places, &key, setting) {
                            wrong.insert(
                                (setting, (*number).to_owned(), key.clone()),
                                conversation.name.clone(),
                            );
                        }
                    }
                }
                // Otherwise the test would prove nothing.
                if setting.is_empty() && semconv != SemConv::GenAi {
                    let Conversation { request, response, chunks, .. } = &conversation;
                    for (kind, canary) in canaries(&format!("{request}{response}{chunks:?}")) {
                        if found.contains(&canary) != (kind != "secret") {
                            wrong.insert(
                                (setting, kind, "anywhere".to_owned()),
                                format!("{}: {canary}", conversation.name),
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A folder that is deleted after the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(unique("a2a-otel-canaries"));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// All bytes of all files, as text.
    fn text(&self) -> String {
        fn collect(folder: &Path, bytes: &mut Vec<u8>) {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    collect(&path, bytes);
                } else {
                    bytes.extend(fs::read(path).unwrap());
                }
            }
        }
        let mut bytes = Vec::new();
        collect(&self.0, &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn no_canary_is_in_a_file_or_a_log_line() {
    for (setting, _) in SETTINGS {
        let folder = Folder::new();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["child_that_keeps_spans_on_disk", "--exact", "--ignored", "--nocapture"]);
        command.env("A2A_OTEL_SPOOL_DIR", &folder.0).env("OTEL_EXPORTER_OTLP_COMPRESSION", "none");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").env("RUST_LOG", "info");
        if !setting.is_empty() {
            command.env(format!("OPENINFERENCE_HIDE_{setting}"), "true");
        }
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{printed}");
        assert!(printed.contains("answered trace_id="), "a log line of the bridge: {printed}");
        let left = folder.text();
        for (kind, canary) in canaries(&left).union(&canaries(&printed)) {
            assert!(!is_hidden_everywhere(places(kind), setting), "{setting}: {canary}");
        }
        if setting.is_empty() {
            assert!(canaries(&left).len() > 400, "the files can be read: {}", left.len());
        }
    }
}

#[test]
#[ignore = "a child"]
fn child_that_keeps_spans_on_disk() {
    let telemetry =
        Telemetry::builder().span_processor(TreePrinter::stderr().form(ConsoleForm::Full)).start();
    conversations().iter().for_each(converse);
    let delivery = telemetry.shutdown(Duration::from_secs(3));
    assert!(delivery.spooled > 50, "{delivery}");
}
