//! Tests that datasets, spans and prompts are kept in a real Phoenix, and that Python's client reads the same.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, SystemTime};

use a2a_otel::Telemetry;
use a2a_otel::evaluation::{Dataset, Evaluator, Example, Experiment, Run, Verdict};
use a2a_otel::phoenix::{Client, PhoenixError, Prompt, SpanQuery};
use a2a_otel::testing::capture;
use a2a_otel_tests::phoenix::{Phoenix, programs};
use a2a_otel_tests::relay::Relay;
use a2a_otel_tests::services::{eventually, require, unique, workshop};
use serde_json::{Value, json};

/// A client of the Phoenix at this address.
fn client_of(url: &str) -> Client {
    let (_, telemetry) = Telemetry::builder().endpoint(url).processor().expect("an address");
    Client::new(telemetry.settings()).expect("a Phoenix")
}

fn connected() -> Option<(&'static Phoenix, Client)> {
    let phoenix = require("Phoenix", Phoenix::shared())?;
    Some((phoenix, client_of(phoenix.url())))
}

/// Examples of all forms.
fn lamps(name: &str) -> Dataset {
    Dataset::new(name)
        .with_description("What customers ask: \"lamps\", 灯.")
        .with_example(
            Example::new(
                json!({"question": "How tall is it?", "article": 7, "price": 12.5, "tags": ["a", null]}),
            )
            .with_expected(json!({"answer": "40 cm", "sure": true}))
            .with_metadata("level", 1)
            .in_split("train"),
        )
        .with_example(
            Example::new(json!({"question": "灯?\n"})).in_split("hard").in_split("train").with_id("second"),
        )
        .with_example(
            Example::new(json!({"question": "How tall is it?"})).with_expected(json!({"answer": "?"})),
        )
        .with_example(
            Example::new(json!({"question": "How tall is it?"})).with_expected(json!({"answer": "?"})),
        )
}

#[test]
fn a_dataset_is_uploaded_and_read_back_equal() {
    let Some((_, client)) = connected() else { return };
    let dataset = lamps(&unique("lamps / 1"));
    assert_eq!(client.dataset(dataset.name()), Ok(None));
    let stored = client.upload(&dataset).unwrap();
    assert_eq!(stored, dataset);
    assert_eq!(client.dataset(dataset.name()), Ok(Some(dataset.clone())));
    let again = client.upload(&dataset).unwrap();
    assert_eq!((again.version(), &again), (stored.version(), &dataset), "nothing has changed");
    assert_eq!(client.upload(&stored).as_ref(), Ok(&dataset), "what was read can be sent");
    assert_eq!(client.dataset_versions(dataset.name()).unwrap().len(), 1);
    assert!(client.dataset_url(&stored).unwrap().contains("/datasets/"));
    assert_eq!(client.dataset_url(&dataset), None);
}

#[test]
fn inputs_that_are_no_objects_come_back_as_they_were() {
    let Some((_, client)) = connected() else { return };
    let forms = [json!("text"), json!(5), json!([1, {"a": 2}]), json!(null), json!({"input": {"output": 1}})];
    let examples = forms.iter().map(|form| Example::new(form).with_expected(form));
    let dataset = Dataset::new(unique("forms")).with_examples(examples);
    assert_eq!(client.upload(&dataset).as_ref(), Ok(&dataset));
    assert_eq!(client.dataset(dataset.name()), Ok(Some(dataset)));
    let ambiguous = Dataset::new(unique("ambiguous")).with_example(Example::new(json!({"input": "text"})));
    assert_eq!(client.upload(&ambiguous).as_ref(), Ok(&ambiguous), "as it was sent");
    let read = client.dataset(ambiguous.name()).unwrap().unwrap();
    assert_eq!(read.examples()[0].input(), "text");
    assert_eq!(
        read.examples()[0].parse_input::<std::collections::BTreeMap<String, String>>().unwrap()["input"],
        "text"
    );
}

#[test]
fn a_dataset_grows_and_keeps_its_versions() {
    let Some((_, client)) = connected() else { return };
    let first = lamps(&unique("growing"));
    let version = client.upload(&first).unwrap().version().unwrap().to_owned();
    let changed = Example::new(json!({"question": "changed"})).with_id("second");
    let new = Example::new(json!({"question": "new"})).with_id("third");
    let more = Dataset::new(first.name()).with_example(changed.clone()).with_example(new.clone());
    let stored = client.upload(&more).unwrap();
    assert_eq!(stored.len(), first.len() + 1, "what is only there stays");
    assert_eq!(stored.example("third"), Some(&new));
    let kept = changed.in_split("hard").in_split("train");
    let splits = |example: &Example| example.splits().iter().cloned().collect::<BTreeSet<_>>();
    let found = stored.example("second").unwrap();
    assert_eq!(
        (found.input(), splits(found)),
        (kept.input(), splits(&kept)),
        "splits that are not sent stay"
    );
    let versions = client.dataset_versions(first.name()).unwrap();
    assert_eq!(
        versions.iter().map(|version| version.id.as_str()).collect::<Vec<_>>(),
        [stored.version().unwrap(), &version]
    );
    let old = client.dataset_version(first.name(), &version).unwrap().unwrap();
    assert_eq!(
        (old.version(), old.examples()[1].input()),
        (Some(version.as_str()), first.examples()[1].input())
    );
    assert_eq!(client.dataset_version(first.name(), "RGF0YXNldFZlcnNpb246OTk5OTk="), Ok(None));
    assert_eq!(client.dataset_versions("no such dataset"), Ok(Vec::new()));
}

#[test]
fn splits_that_people_have_made_in_phoenix_stay() {
    let Some((phoenix, client)) = connected() else { return };
    let name = unique("split");
    let dataset = |price: u32| {
        Dataset::new(&name)
            .with_example(Example::new(json!({"q": "a"})).with_id("a").in_split(format!("hard-{name}")))
            .with_example(Example::new(json!({"q": "b"})).with_id("b").with_metadata("price", price))
    };
    let id = client.dataset_url(&client.upload(&dataset(1)).unwrap()).unwrap();
    let id = id.rsplit('/').nth(1).unwrap().to_owned();
    let split = format!("train-{name}");
    let made =
        phoenix.post(&format!("/v1/datasets/{id}/splits"), &json!({"name": split, "example_ids": ["b"]}));
    assert!(made.status < 300, "{made:?}");
    let stored = client.upload(&dataset(2)).unwrap();
    assert_eq!(stored.example("b").unwrap().splits(), [split]);
    assert_eq!(stored.example("a").unwrap().splits(), [format!("hard-{name}")]);
}

#[test]
fn other_columns_are_refused_unless_they_are_asked_for() {
    let Some((_, client)) = connected() else { return };
    let name = unique("columns");
    client.upload(&lamps(&name)).unwrap();
    let other = Example::new(json!({"frage": "Wie hoch?"})).with_expected("40 cm");
    let other = Dataset::new(&name).with_example(other);
    let error = client.upload(&other).unwrap_err();
    let expected = format!(
        "the dataset `{name}` in Phoenix has other columns: the input has `frage`, which no example there has, and lacks \
         `question`, which all there have; the expected output has `output`, which no example there has, and lacks \
         `answer`, which all there have; rename the keys, name the dataset differently, or call \
         upload_with_other_columns"
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(client.dataset(&name).unwrap().unwrap().len(), 4, "nothing was added");
    assert_eq!(client.upload_with_other_columns(&other).unwrap().len(), 5);
}

#[test]
fn a_dataset_that_cannot_be_sent_is_refused_before() {
    let Some((_, client)) = connected() else { return };
    let twice =
        Dataset::new(unique("twice")).with_examples([1, 2].map(|input| Example::new(input).with_id("a")));
    assert!(matches!(client.upload(&twice), Err(PhoenixError::Dataset(_))));
    let empty = client.upload(&Dataset::new("empty")).unwrap_err().to_string();
    assert_eq!(empty, "empty has no examples; add one before it is uploaded");
    let nameless = client.upload(&lamps("")).unwrap_err().to_string();
    assert_eq!(
        nameless,
        "Phoenix rejects POST /v1/datasets/upload with status 422: Dataset name is required"
    );
}

/// What a program prints that uses Python's client.
#[track_caller]
fn python(program: &str, arguments: &[&str]) -> Value {
    let python = programs().expect("Phoenix is there").join("python");
    let output = Command::new(python).args(["-c", program]).args(arguments).output().expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn pythons_client_reads_what_was_sent() {
    const PROGRAM: &str = "\
import json, sys
from phoenix.client import Client
dataset = Client(base_url=sys.argv[1]).datasets.get_dataset(dataset=sys.argv[2])
rows = [[dataset.name, dataset.description, dataset.version_id]]
rows += [[example['id'], example['input'], example['output'], example['metadata']] for example in dataset.examples]
print(json.dumps(rows))
";
    let Some((phoenix, client)) = connected() else { return };
    let dataset =
        lamps(&unique("python")).with_example(Example::new("a text").with_expected("40 cm").with_id("text"));
    let stored = client.upload(&dataset).unwrap();
    let mut expected = vec![json!([dataset.name(), dataset.description(), stored.version()])];
    for example in dataset.take(4).examples() {
        let output = Some(example.expected()).filter(|expected| !expected.is_null()).cloned();
        expected.push(json!([
            example.id(),
            example.input(),
            output.unwrap_or(json!({})),
            example.metadata()
        ]));
    }
    expected.push(json!(["text", {"input": "a text"}, {"output": "40 cm"}, {}]));
    assert_eq!(python(PROGRAM, &[phoenix.url(), dataset.name()]), Value::from(expected));
}

/// Answers a question in the words of its customer, and fails for the second.
async fn answer(example: Example) -> Result<Value, std::io::Error> {
    match example.id() {
        "second" => Err(std::io::Error::other("no lamp")),
        _ => Ok(json!({"answer": example.input()["question"], "sure": [0.25, null]})),
    }
}

#[tokio::test]
async fn pythons_client_reads_the_experiment_that_was_run() {
    const PROGRAM: &str = "\
import json, sys
from phoenix.client import Client
ran = Client(base_url=sys.argv[1]).experiments.get_experiment(experiment_id=sys.argv[2])
runs = {run['id']: [run['dataset_example_id'], run['repetition_number'], run['output'], run.get('error')] for run in ran['task_runs']}
print(json.dumps({
    'runs': sorted(runs.values(), key=str),
    'evaluations': sorted(
        ([runs[one.experiment_run_id][:2], one.name, one.annotator_kind, one.result, one.error] for one in ran['evaluation_runs']),
        key=str,
    ),
}))
";
    let Some((phoenix, client)) = connected() else { return };
    let name = unique("judged");
    let dataset = lamps(&name).take(2);
    let folder = workshop().expect("a folder for tests").join("experiments").join(&name);
    let judge = |_: &Run| Verdict::score(0.75).with_label("good").with_explanation("It says \"what\", 灯.");
    let experiment =
        Experiment::new(&name).dataset(dataset.clone()).folder(&folder).progress(false).task(answer);
    let experiment =
        experiment.evaluator(Evaluator::new("judge", judge)).repetitions(2).phoenix(client.clone());
    let report = experiment.run().await.expect("a report");
    assert_eq!((report.runs(), report.unsent()), (4, 0), "{report}");

    let id =
        report.link().and_then(|link| link.split("experimentId=").nth(1)).expect("an experiment").to_owned();
    let read = python(PROGRAM, &[phoenix.url(), &id.replace("%3D", "=")]);
    let nodes = phoenix.get(&format!("/v1/experiments/{id}/json")).body;
    let node = |question: &Value| {
        let rows = nodes.as_array().expect("rows");
        rows.iter().find(|row| row["input"]["question"] == *question).expect("a run")["example_id"].clone()
    };
    let mut runs = Vec::new();
    for example in dataset.examples() {
        let node = node(&example.input()["question"]);
        let (output, error) = match answer(example.clone()).await {
            Ok(output) => (output, Value::Null),
            Err(error) => (Value::Null, json!(error.to_string())),
        };
        runs.extend([1, 2].map(|repetition| json!([node, repetition, output, error])));
    }
    let sorted = |mut values: Vec<Value>| {
        values.sort_by_key(|value| (value[0].to_string(), value[1].to_string()));
        Value::from(values)
    };
    let list = |value: &Value| sorted(value.as_array().cloned().unwrap_or_default());
    assert_eq!(list(&read["runs"]), sorted(runs.clone()));
    let result = json!({"score": 0.75, "label": "good", "explanation": "It says \"what\", 灯."});
    let evaluations = runs.iter().map(|run| json!([[run[0], run[1]], "judge", "CODE", result, null]));
    assert_eq!(list(&read["evaluations"]), sorted(evaluations.collect()));
}

/// A span as Phoenix's REST interface takes it.
fn span(number: u8, name: &str, status: &str, output: &str) -> Value {
    json!({
        "name": name,
        "context": {"trace_id": format!("{number:02x}{}", &unique("")[1..].repeat(2)[2..]), "span_id": format!("{number:02x}{}", &unique("")[3..])},
        "span_kind": if number == 1 { "LLM" } else { "AGENT" },
        "start_time": format!("2026-11-0{number}T00:00:00+00:00"),
        "end_time": format!("2026-11-0{number}T00:00:01+00:00"),
        "status_code": status,
        "status_message": if status == "ERROR" { "no lamp" } else { "" },
        "attributes": {
            "input.value": format!("{{\"question\": {number}}}"), "input.mime_type": "application/json",
            "output.value": output, "output.mime_type": "text/plain",
        },
    })
}

#[test]
fn spans_become_a_dataset_whose_examples_link_to_them() {
    let Some((phoenix, client)) = connected() else { return };
    let project = unique("spans of a week");
    let spans = [span(1, "ask", "OK", "A"), span(2, "answer", "ERROR", "B"), span(3, "answer", "OK", "C")];
    // The test kit's client writes names into paths as they are.
    assert_eq!(phoenix.project_named(&project.replace(' ', "%20")).post_spans(&spans).status, 202);
    let are_stored = || client.spans(&project, &SpanQuery::new()).ok().filter(|stored| stored.len() == 3);
    assert!(eventually(Duration::from_secs(60), are_stored).is_some(), "{}", phoenix.last_words());

    let ids = |dataset: &Dataset| {
        let ids = dataset.examples().iter().map(|example| example.span_id().unwrap().to_owned());
        ids.map(|id| id[..2].to_owned()).collect::<Vec<_>>()
    };
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_577_600);
    let query = SpanQuery::new;
    let trace_id = spans[0]["context"]["trace_id"].as_str().unwrap();
    for (query, expected) in [
        (query(), &["01", "02", "03"][..]),
        (query().limit(2), &["02", "03"]),
        (query().limit(0), &[]),
        (query().failed(), &["02"]),
        (query().name("answer"), &["02", "03"]),
        (query().kind("llm"), &["01"]),
        (query().kind("LLM").kind("AGENT").roots(), &["01", "02", "03"]),
        (query().since(day), &["02", "03"]),
        (query().until(day), &["01"]),
        (query().trace(trace_id), &["01"]),
    ] {
        let dataset = client.spans(&project, &query).unwrap();
        assert_eq!(ids(&dataset), expected, "{query:?}");
    }

    let dataset = client.spans(&project, &query()).unwrap();
    let failed = &dataset.examples()[1];
    let context = &spans[1]["context"];
    let metadata = json!({"span_kind": "AGENT", "span_name": "answer", "trace_id": context["trace_id"], "error": "no lamp"});
    assert_eq!((failed.input(), failed.expected()), (&json!({"question": 2}), &Value::Null));
    assert_eq!(Value::from(failed.metadata().clone()), metadata);
    assert_eq!(dataset.examples()[2].expected(), "C");

    let dataset = dataset.with_name(unique("of spans"));
    assert_eq!(client.upload(&dataset).as_ref(), Ok(&dataset), "Phoenix has the links");
    let error = client.spans("no such / project", &query()).unwrap_err();
    assert!(matches!(error, PhoenixError::Rejected { status: 404, .. }), "{error}");
}

/// Creates a version of a prompt, and returns its id.
fn create(phoenix: &Phoenix, name: &str, text: &str) -> String {
    let answer = phoenix.post(
        "/v1/prompts",
        &json!({
            "prompt": {"name": name},
            "version": {
                "model_provider": "OPENAI", "model_name": "gpt-4o", "template_type": "CHAT", "template_format": "MUSTACHE",
                "template": {"type": "chat", "messages": [
                    {"role": "system", "content": "Answer {{style}}."},
                    {"role": "user", "content": [{"type": "text", "text": text}]},
                ]},
                "invocation_parameters": {"type": "openai", "openai": {"temperature": 0.2}},
            },
        }),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["data"]["id"].as_str().expect("an id").to_owned()
}

fn tag(phoenix: &Phoenix, version: &str, tag: &str) {
    let answer = phoenix
        .post(&format!("/v1/prompt_versions/{}/tags", version.replace('=', "%3D")), &json!({"name": tag}));
    assert_eq!(answer.status, 204, "{answer:?}");
}

#[a2a_otel::llm_call]
fn ask(messages: &[a2a_otel::phoenix::PromptMessage]) -> String {
    let lines = messages.iter().map(|message| format!("{}: {}", message.role(), message.content()));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_prompt_is_loaded_by_its_tag_and_named_on_the_span() {
    let Some((phoenix, client)) = connected() else { return };
    let name = unique("prompt");
    let first = create(phoenix, &name, "{{ question }}");
    tag(phoenix, &first, "production");
    create(phoenix, &name, "Second: {{question}}");
    let query = Prompt::named(&name).client(&client).time_to_live(Duration::from_secs(3600));
    let prompt = query.clone().tag("production").load().unwrap();
    assert_eq!((prompt.version(), prompt.is_fallback()), (first.as_str(), false));
    assert_eq!((prompt.model(), prompt.parameters()), (Some("gpt-4o"), &json!({"temperature": 0.2})));
    assert_eq!(prompt.template(), "system: Answer {{style}}.\nuser: {{ question }}");
    assert_eq!(prompt.variables(), ["style", "question"]);
    assert_eq!(query.load().unwrap().messages()[1].content(), "Second: {{question}}", "the newest");

    let variables = json!({"question": "How tall?", "style": "in a word"});
    let capturing = capture();
    let answer = prompt.scope(&variables).run(|| ask(&prompt.render(&variables).unwrap()));
    assert_eq!(answer, "system: Answer in a word.\nuser: How tall?");
    let span = capturing.only();
    assert_eq!(span.text("llm.prompt_template.version"), Some(first.as_str()));
    assert_eq!(span.text("llm.prompt_template.template"), Some(prompt.template().as_str()));
    let recorded: Value = serde_json::from_str(span.text("llm.prompt_template.variables").unwrap()).unwrap();
    assert_eq!(recorded, variables);
    let error = prompt.render(json!({"style": 1})).unwrap_err().to_string();
    assert_eq!(error, format!("the prompt `{name}` cannot be filled in: there is no value for `question`"));
}

#[test]
fn a_prompt_is_kept_and_phoenix_may_go_away() {
    let Some((phoenix, _)) = connected() else { return };
    let relay = Relay::start();
    let server: SocketAddr = phoenix.url().trim_start_matches("http://").parse().unwrap();
    relay.connect(server);
    let client = client_of(&relay.url());
    let name = unique("kept");
    create(phoenix, &name, "first");
    let query = Prompt::named(&name).client(&client);
    let text = |prompt: Prompt| prompt.messages().last().unwrap().content().to_owned();
    assert_eq!(text(query.load().unwrap()), "first");
    create(phoenix, &name, "second");
    assert_eq!(text(query.load().unwrap()), "first", "it is young");
    let always = query.clone().time_to_live(Duration::ZERO);
    let loaded = eventually(Duration::from_secs(20), || {
        Some(text(always.load().unwrap())).filter(|it| it == "second")
    });
    assert!(loaded.is_some());

    relay.cut();
    assert_eq!(text(always.load().unwrap()), "second", "the last one is still used");
    let other = Prompt::named(unique("other")).client(&client);
    assert!(matches!(other.load(), Err(PhoenixError::Unanswered(_))));
    let fallback = other.fallback("Answer: {{question}}").load();
    assert!(fallback.is_fallback());
    assert_eq!(fallback.render(json!({"question": 1})).unwrap()[0].content(), "Answer: 1");
}

#[test]
fn a_prompt_that_is_not_there_is_an_error_or_the_fallback() {
    let Some((_, client)) = connected() else { return };
    let query = Prompt::named("no-such-prompt").tag("production").client(&client);
    let error = query.load().unwrap_err();
    assert!(matches!(&error, PhoenixError::Rejected { status: 404, .. }), "{error}");
    assert!(query.fallback("x").load().is_fallback());
}
