//! Tests that scores, annotations and links are recorded through the public API and found in Phoenix.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use a2a_otel::evaluation::{Annotation, AnnotatorKind, annotate_session, annotate_span, annotate_trace};
use a2a_otel::testing::{ReceivedAnnotation, Receiver, capture};
use a2a_otel::{Privacy, SemConv, Telemetry, agent_span, chain_span, current, phoenix, with_session};
use a2a_otel_tests::phoenix::{Phoenix, Project};
use a2a_otel_tests::screenshot::screenshot;
use a2a_otel_tests::services::{eventually, free_ports, require, unique, workshop};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Phoenix checks every ten seconds whether the span of an annotation has arrived.
const PATIENCE: Duration = Duration::from_secs(150);

/// Telemetry is global, so all tests share it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sending_to(project: &Project<'_>, endpoint: &str) -> Telemetry {
    let builder = Telemetry::builder().endpoint(endpoint).project_name(project.name());
    builder.tracing(false).init().expect("the settings are well-formed")
}

fn received_by(receiver: &Receiver) -> a2a_otel::Builder {
    Telemetry::builder().endpoint(receiver.endpoint()).tracing(false)
}

/// The ids of a call's span, trace and session.
struct Ids {
    span: String,
    trace: String,
    session: String,
}

fn ids() -> Ids {
    let span = current();
    Ids {
        span: span.span_id().expect("a sampled span").to_string(),
        trace: span.trace_id().expect("a sampled span").to_string(),
        session: span.session_id().expect("a session"),
    }
}

/// Waits until Phoenix has this many annotations of a subject, and returns them by name and identifier.
#[track_caller]
fn wait_for(phoenix: &Phoenix, project: &Project<'_>, what: &str, id: &str, count: usize) -> Vec<Value> {
    let mut last = Vec::new();
    let found = eventually(PATIENCE, || {
        last = annotations(phoenix, project, what, id);
        (last.len() == count).then(|| last.clone())
    });
    found.unwrap_or_else(|| panic!("{what} {id} has {last:#?}\n{}", phoenix.last_words()))
}

fn annotations(phoenix: &Phoenix, project: &Project<'_>, what: &str, id: &str) -> Vec<Value> {
    let Some(project) = project.id() else { return Vec::new() };
    let answer = phoenix.get(&format!("/v1/projects/{project}/{what}_annotations?{what}_ids={id}"));
    // Phoenix confirms spans before it stores them, and does not know them until then.
    assert!([200, 404].contains(&answer.status), "{answer:?}");
    let mut found = answer.body["data"].as_array().cloned().unwrap_or_default();
    found.sort_by_key(|one| (one["name"].to_string(), one["identifier"].to_string()));
    found
}

/// The annotation without what Phoenix adds.
fn said(annotation: &Value) -> Value {
    let said = ["name", "annotator_kind", "result", "metadata", "identifier"];
    said.into_iter().map(|key| (key.to_owned(), annotation[key].clone())).collect()
}

#[chain_span]
fn draft(question: &str) -> String {
    current().score("brevity", 1.0, None, None);
    question.to_uppercase()
}

#[agent_span(session = session)]
fn answer(question: &str, session: &str) -> Ids {
    let answer = draft(question);
    let span = current();
    span.score("correctness", 0.9, "correct", format!("{answer} is what was asked."));
    let tone = Annotation::new("tone").label("loud").annotator_kind(AnnotatorKind::Llm);
    span.annotate(tone.metadata(json!({"judge": "model-1", "votes": [1, 2]})).identifier("judge-1"));
    span.annotate_trace(Annotation::new("resolved").score(1.0));
    span.annotate_session(Annotation::new("satisfied").explanation("They came back."));
    ids()
}

#[test]
fn phoenix_shows_annotations_of_spans_traces_and_sessions() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let _alone = alone();
    let project = phoenix.project("annotations");
    let telemetry = sending_to(&project, phoenix.url());
    let ids = answer("lamps", &unique("session"));
    let flushed = telemetry.flush(TIMEOUT);
    assert_eq!((flushed.annotations.generated, flushed.annotations.delivered), (5, 5), "{flushed}");

    let of_span = wait_for(phoenix, &project, "span", &ids.span, 2);
    assert_eq!(
        said(&of_span[0]),
        json!({
            "name": "correctness", "annotator_kind": "CODE", "identifier": "", "metadata": {},
            "result": {"score": 0.9, "label": "correct", "explanation": "LAMPS is what was asked."},
        })
    );
    assert_eq!(
        said(&of_span[1]),
        json!({
            "name": "tone", "annotator_kind": "LLM", "identifier": "judge-1",
            "metadata": {"judge": "model-1", "votes": [1, 2]},
            "result": {"score": null, "label": "loud", "explanation": null},
        })
    );
    let of_trace = wait_for(phoenix, &project, "trace", &ids.trace, 1);
    assert_eq!((&of_trace[0]["name"], &of_trace[0]["result"]["score"]), (&json!("resolved"), &json!(1.0)));
    let of_session = wait_for(phoenix, &project, "session", &ids.session, 1);
    assert_eq!(of_session[0]["result"]["explanation"], "They came back.");
    let draft = project.spans().into_iter().find(|span| span.name == "draft").expect("it was sent");
    let of_draft = wait_for(phoenix, &project, "span", &draft.span_id, 1);
    assert_eq!(of_draft[0]["name"], "brevity");
    assert_eq!(telemetry.shutdown(TIMEOUT).annotations.delivered, 5);
}

#[test]
fn a_later_opinion_replaces_the_one_with_its_name_and_identifier() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let _alone = alone();
    let project = phoenix.project("opinions");
    let telemetry = sending_to(&project, phoenix.url());
    let session = unique("session");
    let ids = with_session(&session).run(|| judged(|| {}));
    telemetry.flush(TIMEOUT);
    assert!(!project.wait_for_spans(|spans| !spans.is_empty()).is_empty());

    let opinion = || Annotation::new("helpful").annotator_kind(AnnotatorKind::Human);
    for (user, label) in [("ada", "no"), ("bob", "no"), ("ada", "yes")] {
        // As a browser may have stored it.
        annotate_span(ids.span.to_uppercase(), opinion().label(label).identifier(user));
        annotate_trace(&ids.trace, opinion().label(label).identifier(user));
        annotate_session(&ids.session, opinion().label(label).identifier(user));
    }
    assert_eq!(telemetry.flush(TIMEOUT).annotations.delivered, 9);
    for (what, id) in [("span", &ids.span), ("trace", &ids.trace), ("session", &ids.session)] {
        let opinions = || {
            let found = wait_for(phoenix, &project, what, id, 2);
            let opinion = |one: &Value| (one["identifier"].to_string(), one["result"]["label"].to_string());
            found.iter().map(opinion).collect::<BTreeMap<_, _>>()
        };
        let is_last = || (opinions()[r#""ada""#] == r#""yes""#).then_some(());
        assert!(eventually(PATIENCE, is_last).is_some(), "{what}: {:?}", opinions());
        assert_eq!(opinions()[r#""bob""#], r#""no""#);
    }
    telemetry.shutdown(TIMEOUT);
}

#[chain_span]
fn judged(judge: impl FnOnce()) -> Ids {
    judge();
    ids()
}

#[test]
fn phoenix_waits_for_a_span_that_comes_after_its_score() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let _alone = alone();
    let project = phoenix.project("early");
    let telemetry = sending_to(&project, phoenix.url());
    let ids = with_session(unique("session")).run(|| {
        judged(|| {
            current().score("early", 0.25, None, None);
            assert_eq!(telemetry.flush(TIMEOUT).annotations.delivered, 1);
            assert_eq!(project.id(), None, "the span has not ended");
        })
    });
    assert_eq!(telemetry.shutdown(TIMEOUT).delivered, 1);
    let found = wait_for(phoenix, &project, "span", &ids.span, 1);
    assert_eq!((&found[0]["name"], &found[0]["result"]["score"]), (&json!("early"), &json!(0.25)));
}

#[test]
fn a_phoenix_with_accounts_takes_scores_with_the_key_of_the_spans() {
    const SECRET: &str = "vutsrqponmlkjihgfedcba9876543210";
    let accounts = [
        ("PHOENIX_ENABLE_AUTH", "true"),
        ("PHOENIX_SECRET", "0123456789abcdefghijklmnopqrstuv"),
        ("PHOENIX_ADMIN_SECRET", SECRET),
    ];
    let Some(phoenix) = require("Phoenix", Phoenix::start_with(&accounts)) else { return };
    let _alone = alone();
    let project = phoenix.project("accounts");
    let telemetry = sending_to(&project, phoenix.url());
    answer("lamps", &unique("session"));
    let refused = telemetry.shutdown(TIMEOUT).annotations;
    assert_eq!((refused.delivered, refused.dropped["refused by the receiver"]), (0, 5), "{refused}");

    let builder = Telemetry::builder().endpoint(phoenix.url()).project_name(project.name());
    let builder = builder.headers([("authorization", format!("Bearer {SECRET}"))]).tracing(false);
    let telemetry = builder.init().expect("the settings are well-formed");
    let ids = answer("lamps", &unique("session"));
    assert_eq!(telemetry.shutdown(TIMEOUT).annotations.delivered, 5);
    assert_eq!(wait_for(&phoenix, &project, "span", &ids.span, 2).len(), 2);
}

/// Forwards all connections to an address.
fn relay(from: SocketAddr, to: &str) {
    let listener = TcpListener::bind(from).expect("the port is free");
    let to = to.trim_start_matches("http://").to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&to) else { continue };
            let both = |stream: &TcpStream| stream.try_clone().expect("a handle can be copied");
            for (mut from, mut to) in [(both(&client), both(&server)), (server, client)] {
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
}

#[test]
fn scores_wait_for_a_phoenix_that_is_not_there_yet() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let _alone = alone();
    let project = phoenix.project("late");
    let [port] = free_ports();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let telemetry = sending_to(&project, &format!("http://{address}"));
    let ids = answer("lamps", &unique("session"));
    let flushed = telemetry.flush(Duration::from_secs(3));
    assert_eq!((flushed.annotations.delivered, flushed.annotations.waiting()), (0, 5), "{flushed}");
    assert!(!telemetry.health().is_good(), "{}", telemetry.health());

    relay(address, phoenix.url());
    let delivered = || (telemetry.flush(TIMEOUT).annotations.delivered == 5).then_some(());
    assert!(eventually(PATIENCE, delivered).is_some(), "{}", telemetry.health());
    assert_eq!(wait_for(phoenix, &project, "span", &ids.span, 2).len(), 2);
    assert!(telemetry.health().is_good(), "{}", telemetry.health());
    telemetry.shutdown(TIMEOUT);
}

#[test]
fn links_lead_to_the_pages_of_spans_traces_and_sessions() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let _alone = alone();
    let project = phoenix.project("links");
    let telemetry = sending_to(&project, phoenix.url());
    let mut url = None;
    let session = unique("session");
    let ids = with_session(&session).run(|| judged(|| url = phoenix::url()));
    assert_eq!(url, phoenix::span_url(&ids.span));
    answer("lamps", &session);
    telemetry.shutdown(TIMEOUT);
    let spans = project.wait_for_spans(|spans| spans.len() == 3);
    let draft = spans.iter().find(|span| span.name == "draft").expect("it was sent");
    let pages = [
        ("span", phoenix::span_url(&draft.span_id)),
        ("trace", phoenix::trace_url(&ids.trace)),
        ("session", phoenix::session_url(&ids.session)),
        ("nothing", phoenix::span_url("0000000000000000")),
    ];
    let mut sizes = BTreeMap::new();
    for (name, url) in pages {
        let png = workshop().expect("a folder for services").join(format!("link-to-{name}.png"));
        let url = url.expect("spans go to a Phoenix");
        let Some(()) = require("Chromium", screenshot(&url, &png)) else { return };
        let picture = fs::read(&png).expect("the picture is there");
        assert!(picture.starts_with(b"\x89PNG"), "{url}");
        sizes.insert(name, picture.len());
    }
    // A page that reports a missing subject is shorter.
    assert!(["span", "trace", "session"].iter().all(|name| sizes[name] > 2 * sizes["nothing"]), "{sizes:?}");
}

/// What a receiver gets from one call of `judge` in a span.
fn received(
    builder: a2a_otel::Builder,
    receiver: &Receiver,
    judge: impl FnOnce(),
) -> Vec<ReceivedAnnotation> {
    let telemetry = builder.init().expect("the settings are well-formed");
    with_session("s-1").run(|| judged(judge));
    telemetry.shutdown(TIMEOUT);
    receiver.annotations()
}

#[test]
fn requests_are_what_phoenix_expects_with_the_headers_of_the_spans() {
    let _alone = alone();
    let receiver = Receiver::start();
    let headers = [("authorization", "Bearer key")];
    let builder = received_by(&receiver).project_name("shop").headers(headers);
    let sent = received(builder, &receiver, || {
        current().score("a", None, "fine\0", None);
        current().annotate_trace(Annotation::new("b").score(1.0));
        current().annotate_session(Annotation::new("c").score(0.0));
    });
    let paths: Vec<_> = sent.iter().map(|annotation| annotation.path.as_str()).collect();
    assert_eq!(paths, ["/v1/span_annotations", "/v1/trace_annotations", "/v1/session_annotations"]);
    assert_eq!(
        sent[0].content["result"],
        json!({"score": null, "label": "fine\u{2400}", "explanation": null})
    );
    assert_eq!(sent[2].content["session_id"], "s-1");
    let posts: Vec<_> = receiver.requests();
    let posts = posts.iter().filter(|request| request.path.ends_with("_annotations"));
    for post in posts {
        let headers = ["content-type", "authorization", "x-project-name", "content-encoding"];
        let headers = headers.map(|name| post.headers.get(name).map(String::as_str));
        assert_eq!(headers, [Some("application/json"), Some("Bearer key"), Some("shop"), None]);
    }
}

#[test]
fn what_is_hidden_is_not_quoted() {
    let _alone = alone();
    let verdict = || {
        let verdict = Annotation::new("tone").score(0.5).label("rude").explanation("It says: secret");
        current().annotate(verdict.metadata(json!({"prompt": "secret"})).identifier("judge"));
    };
    let receiver = Receiver::start();
    let hiding = Privacy::new().hide_outputs(true).hide_inputs(true);
    let sent = received(received_by(&receiver).privacy(hiding), &receiver, verdict);
    let result = json!({"score": 0.5, "label": "rude", "explanation": "__REDACTED__"});
    assert_eq!((&sent[0].content["result"], &sent[0].content["metadata"]), (&result, &Value::Null));

    let receiver = Receiver::start();
    let redactor = Privacy::new().redactor(|key, value| match key {
        "annotation.label" => Some("?".into()),
        "annotation.score" | "annotation.metadata" => None,
        "annotation.explanation" => Some(value.as_str().replace("secret", "****").into()),
        _ => Some(value),
    });
    let sent = received(received_by(&receiver).privacy(redactor), &receiver, verdict);
    let result = json!({"score": null, "label": "?", "explanation": "It says: ****"});
    assert_eq!((&sent[0].content["result"], &sent[0].content["metadata"]), (&result, &Value::Null));

    let receiver = Receiver::start();
    let nothing = Privacy::new().redactor(|key, value| (!key.starts_with("annotation.")).then_some(value));
    assert_eq!(received(received_by(&receiver).privacy(nothing), &receiver, verdict), []);
}

#[test]
fn a_score_is_an_event_in_the_terms_of_gen_ai_and_in_no_other() {
    let _alone = alone();
    for (semconv, has_event) in
        [(SemConv::OpenInference, false), (SemConv::GenAi, true), (SemConv::Both, true)]
    {
        let receiver = Receiver::start();
        let hiding = Privacy::new().hide_output_text(true);
        let builder = received_by(&receiver).semconv(semconv).privacy(hiding);
        let sent = received(builder, &receiver, || current().score("tone", 0.5, "rude", "It says no."));
        assert_eq!(sent.len(), 1, "{semconv:?}");
        let events = receiver.spans()[0].events.clone();
        assert_eq!(events.len(), usize::from(has_event), "{semconv:?}: {events:?}");
        for event in events {
            assert_eq!(event.name, "gen_ai.evaluation.result");
            let attributes: Value = event.attributes.into_iter().collect();
            let expected = json!({
                "gen_ai.evaluation.name": "tone",
                "gen_ai.evaluation.score.value": 0.5,
                "gen_ai.evaluation.score.label": "rude",
                "gen_ai.evaluation.explanation": "__REDACTED__",
            });
            assert_eq!(attributes, expected);
        }
    }
}

#[test]
fn nothing_is_sent_of_what_is_not_sampled_or_goes_elsewhere() {
    let _alone = alone();
    let receiver = Receiver::start();
    let telemetry = received_by(&receiver).sampler(Sampler::AlwaysOff).init().expect("well-formed settings");
    unsampled();
    assert_eq!(phoenix::url(), None);
    current().score("outside", 1.0, None, None);
    let delivery = telemetry.shutdown(TIMEOUT);
    assert_eq!((delivery.annotations.generated, receiver.requests().len()), (0, 0));

    let builder = received_by(&receiver).span_exporter(InMemorySpanExporter::default());
    assert_eq!(received(builder, &receiver, || current().score("a", 1.0, None, None)), []);
    assert_eq!(phoenix::trace_url("1"), None);
}

#[chain_span]
fn unsampled() {
    let span = current();
    assert_eq!((span.span_id(), span.trace_id(), span.session_id()), (None, None, None));
    span.score("a", 1.0, None, None);
    span.annotate_trace(Annotation::new("b").score(1.0));
}

#[test]
fn a_capture_has_the_annotations_of_its_test() {
    let _alone = alone();
    let (capturing, session) = (capture(), "s-1");
    let ids = answer("lamps", session);
    annotate_session("later", Annotation::new("helpful").label("yes"));
    let judged = capturing.annotations();
    let said: Vec<_> =
        judged.iter().map(|one| (one.subject, one.attributes["annotation.name"].as_str())).collect();
    let expected = [
        ("span", "brevity"),
        ("span", "correctness"),
        ("span", "tone"),
        ("trace", "resolved"),
        ("session", "satisfied"),
        ("session", "helpful"),
    ];
    assert_eq!(said, expected.map(|(subject, name)| (subject, name.into())));
    assert_eq!(judged[0].id, capturing.named("draft").span_id.to_string());
    assert_eq!([&judged[1].id, &judged[3].id, &judged[4].id], [&ids.span, &ids.trace, session]);
    assert_eq!(judged[2].attributes["annotation.annotator_kind"], "LLM".into());
}

#[test]
#[ignore = "run by the test below, which reads what it reports"]
fn says_what_is_wrong_with_annotations() {
    let receiver = Receiver::start();
    let telemetry = received_by(&receiver).init().expect("the settings are well-formed");
    // Each fault happens twice, and must be reported once.
    for _ in 0..2 {
        annotate_session("s", Annotation::new("").score(1.0));
        annotate_session("s", Annotation::new("note").score(1.0));
        annotate_session("s", Annotation::new("empty").label("").explanation(None));
        annotate_session("s", Annotation::new("number").score(f64::NAN).label("fine"));
        annotate_session("s", Annotation::new("list").score(1.0).metadata([1, 2]));
        annotate_session("", Annotation::new("fine").score(1.0));
        annotate_span("../../admin", Annotation::new("fine").score(1.0));
    }
    let delivery = telemetry.shutdown(TIMEOUT);
    assert_eq!((delivery.annotations.generated, receiver.requests().len()), (0, 0));
}

#[test]
fn what_is_wrong_with_an_annotation_is_said_once() {
    let mut child = Command::new(env::current_exe().expect("this test has a path"));
    child.args(["says_what_is_wrong_with_annotations", "--exact", "--ignored", "--nocapture"]);
    let output = child.stdin(Stdio::null()).output().expect("this test can be run");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let said: Vec<_> = errors.lines().filter(|line| line.starts_with("a2a-otel: ")).collect();
    let expected = [
        "an annotation without a name is dropped; give it one",
        r#"the annotation "note" is dropped, because Phoenix reserves the name; give it another"#,
        r#"the annotation "empty" is dropped; give it a score, a label or an explanation"#,
        r#"the annotation "number" is dropped, because its score is NaN; give it a finite number"#,
        r#"the annotation "list" is dropped, because its metadata is not a JSON object; give it a struct or a map"#,
        r#"an annotation of "" is dropped; expected a session's id"#,
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}");
    }
}
