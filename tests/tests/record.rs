//! Tests that every name of OpenInference is a constant and can be recorded, or is left out on purpose.

use std::collections::BTreeSet;
use std::fs;

use a2a_otel::record::{
    Attributes, Cost, Document, Embedding, Embeddings, Evaluation, Evaluations, Image, Media, Message, Node,
    Part, Prompt, Record, Request, Reranking, Response, Retrieval, Tool, ToolCall, ToolSchema, Usage,
};
use a2a_otel::semconv::openinference as names;
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{chain_span, current};
use serde_json::{Value, json};

/// Names that no record sets, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("decision.", "of a kind of span that no attribute of ours makes"),
    ("annotations", "means the same as `evaluations`, and Phoenix reads neither"),
    ("trace.annotations", "as for `annotations`"),
    ("session.annotations", "as for `annotations`"),
    ("annotation.", "as for `annotations`"),
];

/// Names of objects: the attributes below them are recorded.
const OBJECTS: &[&str] = &[
    "llm.token_count.prompt_details",
    "llm.cost.prompt_details",
    "llm.cost.completion_details",
    "message_content.image",
    "message_content.audio",
    "message_content.video",
    "message_content.document",
];

/// The names of the convention's attributes, from its Python package.
fn convention() -> BTreeSet<String> {
    let path = format!("{}/openinference.json", env!("CARGO_MANIFEST_DIR"));
    let groups: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let groups = groups.as_object().unwrap().iter();
    let attributes = groups.filter(|(group, _)| group.ends_with("Attributes"));
    let names = attributes.flat_map(|(_, names)| names.as_object().unwrap().values());
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_name_is_a_constant() {
    let modules = [
        names::ALL,
        names::resource::ALL,
        names::message::ALL,
        names::message_content::ALL,
        names::tool_call::ALL,
        names::tool::ALL,
        names::prompt::ALL,
        names::completion::ALL,
        names::image::ALL,
        names::audio::ALL,
        names::video::ALL,
        names::document::ALL,
        names::reranker::ALL,
        names::embedding::ALL,
        names::annotation::ALL,
        names::evaluation::ALL,
    ];
    let ours: BTreeSet<_> = modules.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(ours, convention());
}

fn document() -> Document {
    let document = Document::new().id("1").content("A lamp.").score(0.5).metadata(&json!({"shelf": 3}));
    document.url("file:///lamp.md").mime_type("text/markdown").name("lamp")
}

fn evaluation() -> Evaluation {
    let evaluation = Evaluation::new().name("correct").score(1.0).label("yes").explanation("It is a lamp.");
    evaluation.annotator_kind("CODE").identifier("1").metadata(&json!({"by": "test"}))
}

fn message() -> Message {
    let text = Part::new().kind("text").text("Look.").id("p").signature("s").data("d").encrypted_content("e");
    let image = Part::new().kind("image").image_url("https://shop.example/lamp.png");
    let audio = Part::new().kind("audio").audio_url("data:audio/wav;base64,AA==");
    let audio = audio.audio_mime_type("audio/wav").audio_transcript("lamp");
    let video = Part::new().kind("video").video_url("https://shop.example/lamp.mp4");
    let file = Part::new().kind("document").document_url("https://shop.example/lamp.pdf");
    let file = file.document_mime_type("application/pdf").document_name("lamp.pdf");
    let call = ToolCall::new().id("c").name("find").arguments(&json!({"query": "lamp"}));
    let message = Message::of("assistant").content("Look.").name("ada").tool_call_id("c");
    let message = message.parts([text, image, audio, video, file]);
    let message = message.tool_calls([call.reasoning_signature("r")]);
    message.function_call_name("find").function_call_arguments(r#"{"query":"lamp"}"#)
}

#[chain_span(session = "s", user = "u")]
fn everything(question: &str) -> usize {
    let span = current();
    let request = Request::new().model("m").provider("openai").system("openai").messages([message()]);
    let request = request.tools([ToolSchema::new().json_schema(&json!({"name": "find"}))]);
    span.record(&request.parameters(&json!({"temperature": 0})).prompts(["Once upon"]));
    let response = Response::new().request_model("m").response_model("m-1").messages([message()]);
    let response = response.choices([" a time"]).finish_reason("stop");
    span.record(&response.function_call(&json!({"name": "find"})));
    let usage = Usage::new().prompt(3).completion(2).total(5).cache_read(1).cache_write(1).cache_input(2);
    span.record(&usage.prompt_audio(1).completion_audio(1).reasoning(1));
    let cost = Cost::new().prompt(0.3).completion(0.2).total(0.5).input(0.1).cache_read(0.1).cache_write(0.1);
    let cost = cost.cache_input(0.2).prompt_audio(0.1).output(0.1).reasoning(0.1).completion_audio(0.1);
    span.record(&cost);
    let vector = Embedding::new().text("lamp").vector([0.5, 1.0]);
    span.record(&Embeddings::new().model("e").parameters(&json!({"dimensions": 2})).embeddings([vector]));
    span.record(&Retrieval::new().documents([document()]));
    let reranking = Reranking::new().query("lamp").model("r").top_k(1);
    span.record(&reranking.input([document(), document()]).output([document()]));
    let image = || Image::new().url("https://shop.example/lamp.png");
    let media = Media::new().input_images([image()]).output_images([image()]);
    span.record(&media.input_documents([document()]).output_documents([document()]));
    span.record(&Tool::new().name("find").description("Finds").parameters(&json!({})).id("c"));
    let prompt = Prompt::new().template("Find {what}").variables(&json!({"what": "lamp"})).version("1");
    span.record(&prompt.vendor("shop").id("p").url("https://shop.example/prompts/p"));
    span.record(&Node::new().agent("shop").id("n").name("shop").parent("root"));
    let evaluations = Evaluations::new().span([evaluation()]).trace([evaluation()]);
    span.record(&evaluations.session([evaluation()]));
    question.len()
}

fn recorded() -> Captured {
    let capturing = capture();
    let _scope = a2a_otel::with_tags(["t"]).metadata(json!({"k": "v"})).enter();
    everything("Which lamps?");
    capturing.spans().remove(0)
}

/// The parts of a key between the numbers, each of which is a name of the convention.
fn parts(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in key.split('.') {
        let part = parts.last_mut().unwrap();
        match word.parse::<usize>() {
            Ok(_) => parts.push(String::new()),
            Err(_) if part.is_empty() => part.push_str(word),
            Err(_) => part.extend([".", word]),
        }
    }
    parts
}

#[test]
fn every_name_is_recorded_or_left_out_on_purpose() {
    let span = recorded();
    let keys: Vec<_> = span.attributes.keys().flat_map(|key| parts(key)).collect();
    for name in convention() {
        let left_out = LEFT_OUT.iter().any(|(left_out, _)| match left_out.strip_suffix('.') {
            Some(_) => name.starts_with(left_out),
            None => name == *left_out,
        });
        let below = format!("{name}.");
        let is_object = OBJECTS.contains(&&*name);
        let is_it = |key: &str| key == name || key.ends_with(&format!(".{name}"));
        let is_recorded = keys.iter().any(|key| if is_object { key.starts_with(&below) } else { is_it(key) });
        let of_resource = name == names::resource::PROJECT_NAME;
        assert_ne!(is_recorded || of_resource, left_out, "{name}");
    }
}

#[test]
fn values_keep_their_types() {
    let span = recorded();
    let attribute = |key: &str| span.attributes[key].to_string();
    assert_eq!(attribute("llm.token_count.prompt_details.cache_read"), "1");
    assert_eq!(attribute("llm.cost.prompt_details.input"), "0.1");
    assert_eq!(attribute("embedding.embeddings.0.embedding.vector"), "[0.5,1]");
    assert_eq!(attribute("reranker.input_documents.1.document.metadata"), r#"{"shelf":3}"#);
    let call = "llm.input_messages.0.message.tool_calls.0.tool_call.function.arguments";
    assert_eq!(attribute(call), r#"{"query":"lamp"}"#);
    assert_eq!(attribute("llm.input_messages.0.message.function_call_arguments_json"), r#"{"query":"lamp"}"#);
}

struct Bill {
    tokens: u64,
}

impl Record for Bill {
    fn record(&self, attributes: &mut Attributes) {
        Usage::new().total(self.tokens).record(attributes);
        attributes.push("shop.bill", "ada");
    }
}

#[chain_span]
fn pay() {
    current().record(&Bill { tokens: u64::MAX });
    current().record(&Cost::new().total(f64::NAN));
}

#[test]
fn a_type_of_ones_own_is_recorded() {
    let capturing = capture();
    pay();
    let span = capturing.spans().remove(0);
    assert_eq!(span.attributes["shop.bill"].to_string(), "ada");
    assert_eq!(span.attributes["llm.token_count.total"].to_string(), i64::MAX.to_string());
    assert!(!span.attributes.contains_key("llm.cost.total"));
}

struct Never;

impl Record for Never {
    fn record(&self, _: &mut Attributes) {
        unreachable!("nobody sees it")
    }
}

#[test]
fn what_nobody_sees_is_not_made() {
    assert!(!current().is_recording());
    current().record(&Never);
}
