//! Tests that what must not leave the process does not, with every setting, from code and environment, and with the
//! user's redactor.
//!
//! Settings apply to the whole process, so tests that hide something take turns.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_otel::opentelemetry::trace::{Span as _, Status, TraceContextExt as _, Tracer as _};
use a2a_otel::opentelemetry::{Context, KeyValue, Value, global};
use a2a_otel::settings::Explanation;
use a2a_otel::testing::{Receiver, capture};
use a2a_otel::{
    Privacy, Telemetry, agent_span, chain_span, current, embedding_call, llm_call, retriever_span, tool_span,
    with_metadata,
};
use a2a_otel_tests::parrot::{Binding, Parrot, connect, drain, observed, request, serve};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

const REDACTED: &str = "__REDACTED__";

fn golden(name: &str) -> Json {
    let path = format!("{}/golden/settings/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn take_turns() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The spans that are exported with these settings.
fn exported(privacy: Privacy, run: impl FnOnce()) -> Vec<SpanData> {
    let _turn = take_turns();
    let exporter = InMemorySpanExporter::default();
    let telemetry =
        Telemetry::builder().privacy(privacy).span_exporter(exporter.clone()).tracing(false).start();
    run();
    telemetry.flush(Duration::from_secs(5));
    exporter.get_finished_spans().unwrap()
}

fn attributes(span: &SpanData) -> BTreeMap<String, Value> {
    span.attributes.iter().map(|attribute| (attribute.key.to_string(), attribute.value.clone())).collect()
}

/// Runs an ignored test of this file in a separate process.
fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).envs(variables.iter().copied());
    command.output().unwrap()
}

/// Changes a setting by the name that OpenInference's Python package uses.
fn with_setting(privacy: Privacy, setting: &str) -> Privacy {
    match setting {
        "hide_inputs" => privacy.hide_inputs(true),
        "hide_outputs" => privacy.hide_outputs(true),
        "hide_input_messages" => privacy.hide_input_messages(true),
        "hide_output_messages" => privacy.hide_output_messages(true),
        "hide_input_images" => privacy.hide_input_images(true),
        "hide_input_text" => privacy.hide_input_text(true),
        "hide_output_text" => privacy.hide_output_text(true),
        "hide_llm_invocation_parameters" => privacy.hide_llm_invocation_parameters(true),
        "hide_llm_tools" => privacy.hide_llm_tools(true),
        "hide_prompts" => privacy.hide_prompts(true),
        "hide_choices" => privacy.hide_choices(true),
        "hide_embedding_vectors" | "hide_embeddings_vectors" => privacy.hide_embeddings_vectors(true),
        "hide_embeddings_text" => privacy.hide_embeddings_text(true),
        "hide_retrieval_documents" => privacy.hide_retrieval_documents(true),
        "base64_image_max_length" | "base64_image_max_length=10" => privacy.base64_image_max_length(10),
        "(default)" => privacy,
        unknown => panic!("{unknown}"),
    }
}

/// The same in the environment.
fn in_environment(case: &str) -> Option<(String, String)> {
    let (name, value) = case.split_once('=').unwrap_or((case, "TRUE"));
    let variable = golden("traceconfig_env")[name][0].as_str()?.to_owned();
    Some((variable, value.to_owned()))
}

const ALL_IN: &[&str] = &["hide_inputs", "hide_input_messages", "hide_input_text", "hide_prompts"];
const ALL_OUT: &[&str] = &["hide_outputs", "hide_output_messages", "hide_output_text", "hide_choices"];

/// What becomes of attributes that the peer lets through, in addition to those in its matrix: settings, attributes,
/// outcome.
const CLOSED: &[(&[&str], &[&str], &str)] = &[
    (
        ALL_IN,
        &[
            "input.value",
            "llm.prompt_template.variables",
            "smolagents.task",
            "gen_ai.input.messages",
            "gen_ai.system_instructions",
        ],
        "REDACT",
    ),
    (ALL_IN, &["input.mime_type"], "DROP"),
    (ALL_OUT, &["output.value", "gen_ai.output.messages", "a2a.task.status.message"], "REDACT"),
    (ALL_OUT, &["output.mime_type"], "DROP"),
    (ALL_IN, &["evaluations.0.evaluation.explanation"], "REDACT"),
    (ALL_OUT, &["evaluations.0.evaluation.explanation"], "REDACT"),
    (
        &["hide_embeddings_text", "hide_retrieval_documents"],
        &["evaluations.0.evaluation.explanation"],
        "REDACT",
    ),
    (
        &["hide_inputs"],
        &[
            "metadata",
            "tool.parameters",
            "embedding.embeddings.0.embedding.text",
            "gen_ai.tool.call.arguments",
            "gen_ai.retrieval.query.text",
        ],
        "REDACT",
    ),
    (&["hide_inputs"], &["input.documents.0.document.content"], "DROP"),
    (&["hide_input_messages"], &["input.images.0.image.url"], "DROP"),
    (&["hide_output_messages"], &["output.images.0.image.url"], "DROP"),
    (&["hide_outputs"], &["a2a.artifact.name"], "REDACT"),
    (&["hide_llm_invocation_parameters"], &["embedding.invocation_parameters"], "DROP"),
    (&["hide_inputs", "hide_llm_tools"], &["gen_ai.tool.definitions"], "DROP"),
    (&["hide_inputs", "hide_input_messages"], &[INPUT_TRANSCRIPT], "DROP"),
    (&["hide_input_text"], &[INPUT_TRANSCRIPT], "REDACT"),
    (&["hide_outputs", "hide_output_messages"], &["llm.function_call"], "REDACT"),
    (&["hide_outputs"], &["embedding.embeddings.0.embedding.vector", "gen_ai.tool.call.result"], "REDACT"),
    (&["hide_outputs", "hide_retrieval_documents"], &["gen_ai.retrieval.documents"], "REDACT"),
    (&["hide_outputs"], &["output.documents.0.document.content"], "DROP"),
    (&["hide_outputs", "hide_output_messages"], &[OUTPUT_TRANSCRIPT], "DROP"),
    (&["hide_output_text"], &[OUTPUT_TRANSCRIPT], "REDACT"),
    (&["hide_llm_invocation_parameters"], &["gen_ai.request.temperature"], "DROP"),
];

const INPUT_TRANSCRIPT: &str =
    "llm.input_messages.0.message.contents.3.message_content.audio.audio.transcript";
const OUTPUT_TRANSCRIPT: &str =
    "llm.output_messages.0.message.contents.0.message_content.audio.audio.transcript";

/// Never masked.
const OPEN: &[&str] =
    &["llm.model_name", "session.id", "llm.prompt_template.template", "gen_ai.request.model", "my.own"];

fn matrix() -> BTreeMap<String, BTreeMap<String, String>> {
    serde_json::from_value(golden("mask_matrix")).unwrap()
}

fn all_keys() -> BTreeSet<String> {
    let golden = matrix().into_values().flat_map(BTreeMap::into_keys);
    let closed = CLOSED.iter().flat_map(|(_, keys, _)| *keys).chain(OPEN).map(|key| (*key).to_owned());
    golden.chain(closed).collect()
}

/// A value like those with which the peer's matrix was recorded.
fn sample(key: &str) -> String {
    let base64 = |kind: &str, length: usize| format!("data:{kind};base64,{}", "A".repeat(length));
    match key {
        _ if key.ends_with("audio.url") => base64("audio/wav", 40_000),
        _ if key.contains("contents.2") => "http://example.org/image.png".to_owned(),
        _ if key.contains("contents.4") => base64("image/png", 40_000),
        _ if key.ends_with("image.url") => base64("image/png", 100),
        _ => format!("of {key}"),
    }
}

#[chain_span(skip_all)]
fn record_all_keys() {
    for key in all_keys() {
        let value = sample(&key);
        current().attribute(key, value);
    }
}

/// What became of each key that changed.
fn fates(recorded: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let fate = |key: String| match recorded.get(&key) {
        None => Some((key, "DROP".to_owned())),
        Some(value) if value.as_str() == REDACTED => Some((key, "REDACT".to_owned())),
        Some(value) => {
            assert_eq!(value.as_str(), sample(&key), "{key}");
            None
        }
    };
    all_keys().into_iter().filter_map(fate).collect()
}

/// The peer limits the length of images, and this library that of any base64.
const LONG_AUDIO: &str = "llm.input_messages.0.message.contents.3.message_content.audio.audio.url";

fn expected(case: &str) -> BTreeMap<String, String> {
    let mut expected = matrix()[case].clone();
    expected.entry(LONG_AUDIO.to_owned()).or_insert_with(|| "REDACT".to_owned());
    for (cases, keys, fate) in CLOSED {
        if cases.contains(&case) {
            expected.extend(keys.iter().map(|key| ((*key).to_owned(), (*fate).to_owned())));
        }
    }
    expected
}

#[test]
fn every_cell_of_the_matrix_is_as_the_peer_has_it_by_code() {
    for case in matrix().keys() {
        let spans = exported(with_setting(Privacy::new(), case), record_all_keys);
        assert_eq!(fates(&attributes(&spans[0])), expected(case), "{case}");
    }
}

#[test]
fn every_cell_of_the_matrix_is_as_the_peer_has_it_by_environment() {
    for case in matrix().keys() {
        let variable = in_environment(case);
        let variables: Vec<_> =
            variable.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let output = child("child_that_records_all_keys", &variables);
        let printed = String::from_utf8(output.stdout).unwrap();
        let line =
            printed.lines().find_map(|line| line.split_once("fates: ")).expect("the child prints them").1;
        let fates: BTreeMap<String, String> = serde_json::from_str(line).unwrap();
        assert_eq!(fates, expected(case), "{case}");
    }
}

/// Without `init`, the environment also applies.
#[test]
#[ignore = "a child"]
fn child_that_records_all_keys() {
    let capturing = capture();
    record_all_keys();
    println!("fates: {}", serde_json::to_string(&fates(&capturing.only().attributes)).unwrap());
}

#[test]
fn code_goes_before_environment_and_what_is_neither_true_nor_false_hides() {
    for (value, code, hides) in [
        ("true", "", true),
        ("False", "", false),
        ("1", "", true),
        ("yes", "", true),
        ("", "", false),
        ("true", "false", false),
        ("false", "true", true),
    ] {
        let variables = [("OPENINFERENCE_HIDE_INPUTS", value), ("IN_CODE", code)];
        let output = child("child_that_hides_inputs", &variables);
        let (printed, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(printed.contains(&format!("input: {REDACTED}")), hides, "{value} {code}: {printed}");
        assert_eq!(printed.contains("input: lamp"), !hides, "{value} {code}: {printed}");
        let warning = format!("OPENINFERENCE_HIDE_INPUTS={value:?} is read as true: expected true or false");
        assert_eq!(errors.contains(&warning), ["1", "yes"].contains(&value), "{value} {code}: {errors}");
    }
}

#[test]
#[ignore = "a child"]
fn child_that_hides_inputs() {
    let privacy = match std::env::var("IN_CODE").unwrap().parse() {
        Ok(hides) => Privacy::new().hide_inputs(hides),
        Err(_) => Privacy::new(),
    };
    // The strict form: a value that hides is used, and does not prevent the start.
    let exporter = InMemorySpanExporter::default();
    let builder = Telemetry::builder().privacy(privacy).span_exporter(exporter.clone());
    let telemetry = builder.tracing(false).init().unwrap();
    step("lamp");
    telemetry.flush(Duration::from_secs(5));
    println!("input: {}", attributes(&exporter.get_finished_spans().unwrap()[0])["input.value"]);
}

#[chain_span]
fn step(query: &str) {
    let _ = query;
}

/// A value that counts how often it is serialised.
struct Counted<'a>(&'a AtomicUsize);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.collect_seq(["lamp"])
    }
}

#[tool_span(fields("tool.parameters" = query))]
fn counted<'a>(query: Counted<'a>) -> Counted<'a> {
    query
}

#[chain_span(input = 1)]
fn streamed<'a>(item: &'a Counted<'a>) -> impl futures::Stream<Item = &'a Counted<'a>> {
    futures::stream::iter([item, item])
}

#[test]
fn what_will_be_masked_is_not_built() {
    let written = AtomicUsize::new(0);
    let run = || {
        let item = counted(Counted(&written));
        futures::executor::block_on_stream(std::pin::pin!(streamed(&item))).for_each(drop);
    };
    let spans = exported(Privacy::new().hide_inputs(true).hide_outputs(true), run);
    assert_eq!(written.load(Ordering::Relaxed), 0);
    for span in spans {
        assert_eq!(attributes(&span)["output.value"].as_str(), REDACTED);
    }
    exported(Privacy::new(), run);
    assert_ne!(written.load(Ordering::Relaxed), 0);
}

/// A type that implements neither `Serialize` nor `Debug`.
struct Password(&'static str);

#[test]
fn the_debug_form_lists_what_is_hidden_and_nothing_else() {
    let privacy = Privacy::new().hide_outputs(true).hide_llm_tools(true).hide_inputs(false);
    let printed = format!("{privacy:?}");
    let hidden = ["OPENINFERENCE_HIDE_OUTPUTS", "OPENINFERENCE_HIDE_LLM_TOOLS"];
    assert!(hidden.iter().all(|name| printed.contains(name)), "{printed}");
    assert_eq!(printed.matches("OPENINFERENCE_").count(), hidden.len(), "{printed}");
}

/// The settings that each variable changes, as operators see them.
#[test]
fn the_explanation_of_an_environment_says_what_is_hidden() {
    let hidden = |variables: &[(&str, &str)]| -> BTreeSet<_> {
        let explained = Explanation::of("agent", variables.iter().copied()).settings;
        let hides =
            explained.into_iter().filter(|row| row.variables.iter().any(|form| form.name.contains("_HIDE_")));
        let hidden = hides.filter(|row| row.value.as_deref() == Some("true"));
        hidden.flat_map(|row| row.variables).map(|form| form.name).collect()
    };
    assert_eq!(hidden(&[]), BTreeSet::new());
    let longest = Explanation::of("agent", [("OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH", "4711")]).settings;
    assert_eq!(longest.iter().filter(|row| row.value.as_deref() == Some("4711")).count(), 1);
    for case in matrix().keys().filter(|case| case.starts_with("hide_")) {
        let Some((variable, _)) = in_environment(case) else { continue };
        let found = hidden(&[(&variable, "true")]);
        assert!(found.contains(&*variable) && found.len() <= 2, "{variable}: {found:?}");
    }
}

#[tool_span(redact(password))]
fn log_in(user: &str, password: &Password) -> usize {
    user.len() + password.0.len()
}

#[agent_span(redact(r#type))]
async fn answer(r#type: String) -> usize {
    r#type.len()
}

#[test]
fn an_argument_is_redacted_by_name() {
    let spans = exported(Privacy::new(), || {
        log_in("ada", &Password("canary"));
        futures::executor::block_on(answer("canary".to_owned()));
    });
    let [login, answer] = [&spans[0], &spans[1]].map(attributes);
    assert_eq!(login["input.value"].as_str(), r#"{"user":"ada","password":"__REDACTED__"}"#);
    assert_eq!(
        (answer["input.value"].as_str(), answer["output.value"].as_str()),
        (REDACTED.into(), "6".into())
    );
}

// What each setting hides, in any attribute.

/// Distinct texts that can be found in everything that leaves the process.
const CANARIES: [&str; 14] = [
    "Message",
    "Image",
    "Tool",
    "Parameter",
    "Answer",
    "Prompt",
    "Choice",
    "Embedded",
    "0.8125",
    "Document",
    "Metadata",
    "Variable",
    "Argument",
    "Result",
];

/// Which of them must not be found with which setting.
const HIDDEN: &[(&str, &[&str])] = &[
    ("(default)", &[]),
    ("hide_inputs", &["Message", "Image", "Tool", "Prompt", "Embedded", "Metadata", "Variable", "Argument"]),
    ("hide_outputs", &["Answer", "Choice", "0.8125", "Document", "Result"]),
    ("hide_input_messages", &["Message", "Image", "Variable"]),
    ("hide_output_messages", &["Answer", "Result"]),
    ("hide_input_images", &["Image"]),
    ("hide_input_text", &["Message", "Variable"]),
    ("hide_output_text", &["Answer", "Result"]),
    ("hide_llm_invocation_parameters", &["Parameter"]),
    ("hide_llm_tools", &["Tool"]),
    ("hide_prompts", &["Prompt", "Variable"]),
    ("hide_choices", &["Choice", "Result"]),
    ("hide_embeddings_vectors", &["0.8125"]),
    ("hide_embeddings_text", &["Embedded"]),
    ("hide_retrieval_documents", &["Document"]),
];

fn canary(name: &str) -> String {
    if name.starts_with('0') { name.to_owned() } else { format!("canary{name}") }
}

#[agent_span]
fn agent(question: &str) -> String {
    let request = json!({
        "model": "gpt-4o",
        "user": canary("Parameter"),
        "tools": [{"type": "function", "function": {"name": canary("Tool")}}],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": question},
            {"type": "image_url", "image_url": {"url": format!("http://example.org/{}.png", canary("Image"))}},
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{}", canary("Image"))}},
        ]}],
    });
    let answer = complete(&request).unwrap();
    complete(&json!({"model": "gpt-4o", "messages": []})).unwrap_err();
    legacy(&canary("Prompt"));
    tracing::info_span!("query", "input.value" = question).in_scope(|| tracing::info!("asked"));
    embed(&canary("Embedded"));
    search("lamp");
    look_up(&canary("Argument"));
    let panicked = std::panic::catch_unwind(panics);
    assert!(panicked.is_err());
    answer["choices"][0]["message"]["content"].to_string()
}

#[llm_call(request = request)]
fn complete(request: &Json) -> Result<Json, String> {
    if request["messages"][0].is_null() {
        let image = format!("data:image/png;base64,{}", canary("Image"));
        return Err(format!("no {} and no {} of {image}", canary("Message"), canary("Answer")));
    }
    let message = json!({"role": "assistant", "content": canary("Answer")});
    Ok(json!({"model": "gpt-4o", "choices": [{"message": message, "finish_reason": "stop"}]}))
}

#[llm_call]
fn legacy(prompt: &str) -> String {
    current().attribute("llm.prompts.0.prompt.text", prompt.to_owned());
    current().attribute("llm.choices.0.completion.text", canary("Choice"));
    let quoting = std::io::Error::other(format!("{prompt}: {}", canary("Choice")));
    current().error(&quoting);
    canary("Choice")
}

#[embedding_call(model = "embed-3", text = text, vector = output)]
fn embed(text: &str) -> Vec<f64> {
    vec![0.8125; text.len().min(2)]
}

#[retriever_span(documents = output)]
fn search(query: &str) -> Vec<Json> {
    vec![json!({"content": canary("Document"), "metadata": {"of": canary("Document")}, "id": query})]
}

#[tool_span(fields("tool.parameters" = json!({"query": query})))]
fn look_up(query: &str) -> String {
    drop(query.to_owned());
    canary("Result")
}

#[chain_span]
fn panics() {
    panic!("{} {}", canary("Message"), canary("Answer"))
}

#[test]
fn nothing_that_is_hidden_leaves_the_process() {
    for (case, hidden) in HIDDEN {
        let receiver = Receiver::start();
        let (variable, endpoint) = (in_environment(case), receiver.endpoint());
        let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
        variables.extend(variable.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let output = child("child_that_tells_everything", &variables);
        let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{case}: {printed}");
        assert_eq!(receiver.spans().len(), 9, "{case}: {printed}");
        let left = format!("{:?}{printed}", receiver.spans());
        for name in CANARIES {
            let is_hidden = hidden.contains(&name);
            let place = left.find(&canary(name)).map(|place| &left[place.saturating_sub(300)..place + 20]);
            assert_eq!(place.is_none(), is_hidden, "{case}, {name}: {place:?}");
        }
    }
}

fn tell_everything() {
    let scope = with_metadata(json!({"tier": canary("Metadata")}));
    scope.prompt_template("{x}", "", json!({"x": canary("Variable")})).run(|| agent(&canary("Message")));
}

/// Then no code of ours runs before the exporters, so hidden values must not reach the spans.
#[test]
fn nothing_that_is_hidden_reaches_a_provider_of_the_users() {
    for (case, hidden) in HIDDEN {
        let variable = in_environment(case);
        let variables: Vec<_> =
            variable.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let output = child("child_with_a_provider_of_its_own", &variables);
        let printed = String::from_utf8(output.stdout).unwrap();
        for name in CANARIES {
            assert_eq!(printed.contains(&canary(name)), !hidden.contains(&name), "{case}, {name}");
        }
    }
}

#[test]
#[ignore = "a child"]
fn child_with_a_provider_of_its_own() {
    std::panic::set_hook(Box::new(|_| {}));
    let exporter = InMemorySpanExporter::default();
    global::set_tracer_provider(SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build());
    tell_everything();
    println!("{:?}", exporter.get_finished_spans().unwrap());
}

#[test]
#[ignore = "a child"]
fn child_that_tells_everything() {
    std::panic::set_hook(Box::new(|_| {}));
    let telemetry = Telemetry::builder().span_processor(a2a_otel::TreePrinter::stderr()).start();
    tell_everything();
    let delivery = telemetry.shutdown(Duration::from_secs(10));
    assert_eq!(delivery.delivered, 9, "{delivery}");
}

/// Where this library hides more than the peer did in its golden traces.
const HIDES_MORE: &[(&str, &[&str])] = &[
    ("hide_input_messages", &["input.value", "input.mime_type"]),
    ("hide_input_text", &["input.value", "input.mime_type", "output.value", "output.mime_type"]),
    ("hide_llm", &["input.value"]),
];

/// A value as JSON; texts that are JSON are parsed.
fn plain(value: &Json) -> Json {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

/// The attributes that may be masked, by the peer or by this library.
fn maskable(attributes: impl Iterator<Item = (String, Json)>, hides_more: &[&str]) -> BTreeMap<String, Json> {
    let may_be = |key: &str| {
        ["input.", "output.", "llm."].iter().any(|prefix| key.starts_with(prefix))
            && !hides_more.contains(&key)
    };
    let mut attributes: BTreeMap<_, _> =
        attributes.filter(|(key, _)| may_be(key)).map(|(key, value)| (key, plain(&value))).collect();
    if let Some(output) = attributes.get_mut("output.value").and_then(Json::as_object_mut) {
        output.remove("id");
    }
    attributes
}

#[llm_call(request = request)]
fn answered(request: &Json, answer: &Json) -> Json {
    let _ = request;
    answer.clone()
}

#[test]
fn a_conversation_is_masked_as_the_peer_masks_it() {
    let names = [
        "hide_inputs",
        "hide_outputs",
        "hide_input_messages",
        "hide_input_text",
        "hide_images",
        "hide_llm",
        "img_len",
    ];
    let open = golden("openai_cfg_hide_llm");
    let open = &open["spans"][0]["attributes"];
    let (request, answer) = (plain(&open["input.value"]), plain(&open["output.value"]));
    for name in names {
        let golden = golden(&format!("openai_cfg_{name}"));
        let settings = golden["meta"]["config"].as_object().unwrap().keys();
        let privacy = settings.fold(Privacy::new(), |privacy, setting| with_setting(privacy, setting));
        let spans = exported(privacy, || drop(answered(&request, &answer)));
        let hides_more = HIDES_MORE.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, keys)| keys);
        let theirs = golden["spans"][0]["attributes"].as_object().unwrap();
        let theirs = maskable(theirs.iter().map(|(key, value)| (key.clone(), value.clone())), hides_more);
        let recorded = attributes(&spans[0]);
        let number = |value: &Value| match value {
            Value::I64(number) => (*number).into(),
            other => Json::from(other.as_str()),
        };
        // The peer writes no costs.
        let comparable = recorded.iter().filter(|(key, _)| !key.starts_with("llm.cost."));
        let ours = maskable(comparable.map(|(key, value)| (key.clone(), number(value))), hides_more);
        assert_eq!(ours, theirs, "{name}");
        for key in hides_more.iter().filter(|key| recorded.contains_key(**key)) {
            assert!(recorded[*key].as_str().contains(REDACTED), "{name}: {key}");
        }
    }
}

#[test]
fn spans_of_others_are_masked_too() {
    let privacy = Privacy::new().hide_inputs(true);
    let spans = exported(privacy, || {
        let mut span = global::tracer("by hand").start("by hand");
        span.set_attribute(KeyValue::new("input.value", "canary"));
        span.add_event("exception", vec![KeyValue::new("exception.message", "canary")]);
        span.set_status(Status::error("canary"));
        drop(span);
        let cancelled = global::tracer("by hand").start("cancelled");
        let context = Context::current_with_span(cancelled);
        context.span().set_status(Status::error("cancelled"));
    });
    let shown = format!("{spans:?}");
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(spans[0].status, Status::error(REDACTED));
    assert_eq!(spans[1].status, Status::error("cancelled"), "which quotes nothing");
}

/// Older conventions have an event for each message.
#[test]
fn messages_in_events_are_masked_too() {
    let tell = || {
        let mut span = global::tracer("by hand").start("by hand");
        let content =
            |text: &'static str| vec![KeyValue::new("content", text), KeyValue::new("gen_ai.system", "x")];
        span.add_event("gen_ai.user.message", content("canary asked"));
        span.add_event("gen_ai.choice", content("canary answered"));
        span.add_event("gen_ai.other", content("no message"));
    };
    for (privacy, hidden) in [
        (Privacy::new(), [false, false]),
        (Privacy::new().hide_inputs(true), [true, false]),
        (Privacy::new().hide_output_text(true), [false, true]),
    ] {
        let told = format!("{:?}", exported(privacy, tell));
        let is_hidden = ["canary asked", "canary answered"].map(|text| !told.contains(text));
        assert_eq!(is_hidden, hidden, "{told}");
        assert!(told.contains("no message"), "{told}");
    }
}

#[test]
fn images_are_hidden_in_messages_of_other_libraries() {
    let image =
        |part: Json| json!([{"role": "user", "parts": [part, {"type": "text", "content": "What is this?"}]}]);
    let parts = [
        json!({"type": "uri", "modality": "image", "uri": "http://example.org/canary.png"}),
        json!({"type": "blob", "modality": "image", "mime_type": "image/png", "content": "canary"}),
    ];
    for part in parts {
        let messages = image(part).to_string();
        let tell = || {
            let mut span = global::tracer("by hand").start("by hand");
            span.set_attribute(KeyValue::new("gen_ai.operation.name", "chat"));
            span.set_attribute(KeyValue::new("gen_ai.input.messages", messages.clone()));
        };
        let told = format!("{:?}", exported(Privacy::new().hide_input_images(true), tell));
        assert!(!told.contains("canary") && told.contains("What is this?"), "{told}");
        assert!(format!("{:?}", exported(Privacy::new(), tell)).contains("canary"));
    }
}

/// What is hidden inside of a value, and what stays: settings, kind of the span, attribute, value, and what is left of it.
const PARTS: &[(&[&str], &str, &str, &str, &str)] = &[
    (TOOLS, "LLM", "input.value", r#"{"tools":["a"],"user":"u"}"#, r#"{"tools":"__REDACTED__","user":"u"}"#),
    (TOOLS, "LLM", "output.value", r#"{"tools":["a"],"text":"t"}"#, r#"{"tools":"__REDACTED__","text":"t"}"#),
    // The items of a stream. Of what they repeat, only the tools are hidden.
    (
        TOOLS,
        "LLM",
        "output.value",
        r#"[{"tools":["a"],"temperature":1,"prompt":"p"},{"response":{"tools":["a"],"user":"u"}}]"#,
        r#"[{"tools":"__REDACTED__","temperature":1,"prompt":"p"},{"response":{"tools":"__REDACTED__","user":"u"}}]"#,
    ),
    (
        TOOLS,
        "LLM",
        "input.value",
        r#"{"functions":["a"],"images":["i"],"image":{"url":"u","type":"image"},"user":"u"}"#,
        r#"{"functions":"__REDACTED__","images":["i"],"image":{"url":"u","type":"image"},"user":"u"}"#,
    ),
    // A request may be one of the arguments, or a text.
    (
        PARAMETERS,
        "LLM",
        "input.value",
        r#"{"request":{"messages":["m"],"model":"m","top_p":1},"more":[{"prompt":"p","user":"u"}],"count":2}"#,
        r#"{"request":{"messages":["m"],"model":"m","top_p":"__REDACTED__"},"more":[{"prompt":"p","user":"__REDACTED__"}],"count":2}"#,
    ),
    (
        PARAMETERS,
        "LLM",
        "input.value",
        r#"{"body":"{\"messages\":[],\"user\":\"u\"}"}"#,
        r#"{"body":"{\"messages\":[],\"user\":\"__REDACTED__\"}"}"#,
    ),
    (
        EMBEDDED,
        "LLM",
        "input.value",
        r#"{"requests":[{"input":["a"],"model":"m"},"{\"input\":[\"a\"]}"]}"#,
        r#"{"requests":[{"input":"__REDACTED__","model":"m"},"{\"input\":\"__REDACTED__\"}"]}"#,
    ),
    // All texts of an image, but not what says what they are.
    (
        IMAGES,
        "LLM",
        "input.value",
        r#"{"a":{"type":"image","data":["b",{"type":"t","url":"u"}],"title":"t"},"images":["i",["i"],{"url":"u","detail":"d"}]}"#,
        r#"{"a":{"type":"image","data":["__REDACTED__",{"type":"t","url":"__REDACTED__"}],"title":"t"},"images":["__REDACTED__",["__REDACTED__"],{"url":"__REDACTED__","detail":"d"}]}"#,
    ),
    // What an answer repeats of its request is hidden with the request.
    (
        PARAMETERS,
        "LLM",
        "output.value",
        r#"{"temperature":1,"top_p":null,"instructions":"i","id":"r"}"#,
        r#"{"temperature":"__REDACTED__","top_p":null,"instructions":"i","id":"r"}"#,
    ),
    (
        PARAMETERS,
        "LLM",
        "output.value",
        r#"[{"top_p":1,"id":"r"}]"#,
        r#"[{"top_p":"__REDACTED__","id":"r"}]"#,
    ),
    (
        &["hide_input_text"],
        "LLM",
        "output.value",
        r#"{"response":{"temperature":1,"instructions":"i"},"data":[{"prompt":"p","id":"r"}]}"#,
        r#"{"response":{"temperature":1,"instructions":"__REDACTED__"},"data":[{"prompt":"__REDACTED__","id":"r"}]}"#,
    ),
    (
        &["hide_embeddings_vectors"],
        "LLM",
        "output.value",
        r#"{"data":[{"embedding":[0.5],"index":0}]}"#,
        r#"{"data":[{"embedding":"__REDACTED__","index":0}]}"#,
    ),
    // What has another setting stays.
    (
        PARAMETERS,
        "LLM",
        "input.value",
        r#"{"input":["a"],"tools":["a"],"dimensions":3}"#,
        r#"{"input":["a"],"tools":["a"],"dimensions":"__REDACTED__"}"#,
    ),
    (
        PARAMETERS,
        "LLM",
        "output.value",
        r#"{"tools":["a"],"top_p":1}"#,
        r#"{"tools":["a"],"top_p":"__REDACTED__"}"#,
    ),
    // Images without a type that says so, and what is none.
    (
        IMAGES,
        "LLM",
        "input.value",
        r#"{"a":{"type":"document","url":"u"},"b":{"type":"computer_screenshot","url":"u"}}"#,
        r#"{"a":{"type":"document","url":"u"},"b":{"type":"computer_screenshot","url":"__REDACTED__"}}"#,
    ),
    // A message that is JSON is one more place.
    (
        IMAGES,
        "LLM",
        "llm.input_messages.0.message.content",
        r#"[{"type":"image","url":"u"},{"type":"text","text":"t"}]"#,
        r#"[{"type":"image","url":"__REDACTED__"},{"type":"text","text":"t"}]"#,
    ),
    (
        TOOLS,
        "LLM",
        "llm.output_messages.0.message.content",
        r#"{"tools":["a"],"text":"t"}"#,
        r#"{"tools":"__REDACTED__","text":"t"}"#,
    ),
    // A tool's own input may have a field of this name.
    (TOOLS, "TOOL", "input.value", r#"{"tools":["a saw"]}"#, r#"{"tools":["a saw"]}"#),
    (TOOLS, "TOOL", "output.value", r#"{"tools":["a saw"]}"#, r#"{"tools":["a saw"]}"#),
    // In the `Debug` form of a request, parts cannot be told apart. Prose is no such form.
    (TOOLS, "LLM", "input.value", r#"Request { model: "m" }"#, REDACTED),
    (TOOLS, "LLM", "input.value", r#"Some(my::Request { model: "m" })"#, REDACTED),
    (TOOLS, "LLM", "input.value", "call(me: at ten", "call(me: at ten"),
    (TOOLS, "LLM", "input.value", "note: at ten (or later)", "note: at ten (or later)"),
    (TOOLS, "LLM", "input.value", "Request(1, 2)", "Request(1, 2)"),
    // What was cut cannot be read.
    (TOOLS, "LLM", "input.value", r#"{"tools":["a"#, REDACTED),
    (TOOLS, "LLM", "output.value", r#"{"tools":["a"#, REDACTED),
    // A list of texts is embedded; a list of objects is a conversation.
    (EMBEDDED, "LLM", "input.value", r#"{"input":["a"]}"#, r#"{"input":"__REDACTED__"}"#),
    (EMBEDDED, "LLM", "input.value", r#"{"input":[{"content":"a"}]}"#, r#"{"input":[{"content":"a"}]}"#),
    (EMBEDDED, "LLM", "input.value", r#"{"input":"a"}"#, r#"{"input":"a"}"#),
    (EMBEDDED, "LLM", "input.value", r#"{"input":{"Single":"a"}}"#, r#"{"input":"__REDACTED__"}"#),
    (EMBEDDED, "LLM", "input.value", r#"{"input":{"Batch":["a"]}}"#, r#"{"input":"__REDACTED__"}"#),
    (
        EMBEDDED,
        "LLM",
        "input.value",
        r#"{"input":"a","dimensions":3}"#,
        r#"{"input":"__REDACTED__","dimensions":3}"#,
    ),
    // The input of another library is hidden as a whole, if some of it is to be hidden. Its output is not.
    (TOOLS, "LLM", "langfuse.observation.input", "asked", REDACTED),
    (PARAMETERS, "LLM", "langfuse.observation.input", "asked", REDACTED),
    (IMAGES, "LLM", "langfuse.observation.input", "asked", REDACTED),
    (OUTPUTS, "LLM", "langfuse.observation.input", "asked", "asked"),
    (TOOLS, "LLM", "langfuse.observation.output", "answered", "answered"),
    (OUTPUTS, "LLM", "langfuse.observation.output", "answered", REDACTED),
];

const TOOLS: &[&str] = &["hide_llm_tools"];
const EMBEDDED: &[&str] = &["hide_embeddings_text"];
const PARAMETERS: &[&str] = &["hide_llm_invocation_parameters"];
const IMAGES: &[&str] = &["hide_input_images"];
const OUTPUTS: &[&str] = &["hide_outputs"];

#[test]
fn parts_of_a_value_are_hidden_and_the_rest_stays() {
    for (settings, kind, key, value, expected) in PARTS {
        let privacy = settings.iter().fold(Privacy::new(), |privacy, setting| with_setting(privacy, setting));
        let spans = exported(privacy, || {
            let mut span = global::tracer("by hand").start("by hand");
            span.set_attribute(KeyValue::new("openinference.span.kind", *kind));
            span.set_attribute(KeyValue::new(*key, *value));
        });
        let found = attributes(&spans[0]);
        let found = found.get(*key).map(|value| plain(&Json::from(&*value.as_str())));
        assert_eq!(found, Some(plain(&Json::from(*expected))), "{settings:?}: {key} of {kind}: {value}");
    }
}

#[llm_call(request = request)]
fn see(request: &Json) {
    let _ = request;
}

#[test]
fn long_images_are_replaced_wherever_they_stand() {
    let image = |length: usize| format!("data:image/png;base64,{}", "iVBO+/=".repeat(length / 7 + 1));
    let (short, long, longest) = (image(1000), image(40_000), image(2_000_000));
    let part = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let content = [part(&short), part(&long), part(&longest), part(&short)];
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": content}]});
    let spans = exported(Privacy::new(), || {
        see(&request);
        step(&format!("![a lamp]({long}) and ![]({short})"));
    });
    let seen = attributes(&spans[0]);
    let url = |part: usize| {
        seen[&format!("llm.input_messages.0.message.contents.{part}.message_content.image.image.url")]
            .to_string()
    };
    assert_eq!([url(0), url(1), url(2)], [&short, REDACTED, REDACTED]);
    let input: Json = serde_json::from_str(&seen["input.value"].as_str()).unwrap();
    assert_eq!(
        input["messages"][0]["content"],
        json!([part(&short), part(REDACTED), part(REDACTED), part(&short)]),
        "masked before it is cut"
    );
    assert_eq!(
        attributes(&spans[1])["input.value"].as_str(),
        format!("![a lamp]({REDACTED}) and ![]({short})"),
    );
}

#[chain_span]
fn read(query: &str) -> Result<u32, std::num::ParseIntError> {
    query.parse()
}

#[test]
fn a_redactor_has_the_last_word() {
    let privacy = Privacy::new().hide_outputs(true).redactor(|key, value| match key {
        "session.id" => None,
        "output.value" => Some(format!("seen: {value}").into()),
        "input.value" if value.as_str() == "7" => Some(Value::I64(8)),
        "exception.message" => Some("an error".into()),
        "input.mime_type" => panic!("of the redactor"),
        _ => Some(value),
    });
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let spans = exported(privacy.hide_outputs(false), || {
        a2a_otel::with_session("s").run(|| {
            assert_eq!(read("7"), Ok(7), "the agent does not notice");
            assert!(read("x").is_err());
        });
    });
    std::panic::set_hook(hook);
    let found = attributes(&spans[0]);
    assert!(!found.contains_key("session.id"));
    assert_eq!(found["output.value"].as_str(), "seen: 7");
    assert_eq!(found["input.value"], Value::I64(8));
    assert_eq!(found["input.mime_type"].as_str(), REDACTED);
    assert_eq!(found["openinference.span.kind"].as_str(), "CHAIN");
    assert_eq!(spans[1].status, Status::error("an error"));
    let exception = &spans[1].events[0].attributes;
    assert!(exception.contains(&KeyValue::new("exception.message", "an error")), "{exception:?}");
}

#[test]
fn a_redactor_may_run_observed_code_and_touch_the_current_span() {
    let privacy = Privacy::new().redactor(|key, value| {
        step(key);
        current().attribute("touched", true);
        Some(value)
    });
    let spans = exported(privacy, || step("lamp"));
    assert_eq!(spans.len(), 1);
    assert!(!attributes(&spans[0]).contains_key("touched"));
}

#[test]
fn what_agents_say_to_each_other_is_hidden_on_both_sides() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let talk = async {
        let client = connect(&serve(Binding::JsonRpc, observed(Parrot::default())).await).await;
        client.send_message(&request("my password")).await.unwrap();
        client.send_message(&request("fail")).await.unwrap();
        drain(client.send_streaming_message(&request("my password")).await.unwrap()).await;
    };
    let spans = exported(Privacy::new().hide_inputs(true).hide_outputs(true), || runtime.block_on(talk));
    // For each call: the call, the request, the agent, and a tool for every repeated word.
    assert_eq!(spans.len(), 3 * 3 + 4);
    for span in &spans {
        let told = format!("{span:?}").to_lowercase();
        assert!(!told.contains("password") && !told.contains("no seeds left"), "{span:?}");
        assert_eq!(attributes(span)["input.value"].as_str(), REDACTED);
    }
}
