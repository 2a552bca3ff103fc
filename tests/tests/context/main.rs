//! Tests what spans inherit from a scope around them, and how it is passed on.

mod orders;

use std::collections::HashMap;
use std::str::FromStr as _;

use a2a_otel::opentelemetry::propagation::text_map_propagator::FieldIter;
use a2a_otel::opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use a2a_otel::opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};
use a2a_otel::opentelemetry::{Context, Value, global};
use a2a_otel::propagation::{
    Headers, HeadersRef, Meta, MetaRef, ServiceParams, ServiceParamsRef, extract, inject, propagator,
};
use a2a_otel::testing::{Captured, capture};
use a2a_otel::{
    InCurrentSpan as _, agent_span, chain_span, in_current_span, llm_call, prompt_span, suppress, tool_span,
    with_metadata, with_prompt_template, with_session, with_tags, with_user,
};
use a2a_otel_tests::child::{in_own_process, messages};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures::StreamExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde_json::{Value as Json, json};

#[tool_span]
fn tool() {}

#[chain_span]
async fn step(name: &'static str) {
    tokio::task::yield_now().await;
    tool();
    tokio::task::yield_now().await;
    let _ = name;
}

#[agent_span]
async fn agent() {
    step("one").await;
}

#[track_caller]
fn assert_all(spans: &[Captured], count: usize, key: &str, expected: &str) {
    assert_eq!(spans.len(), count);
    for span in spans {
        assert_eq!(span.text(key), Some(expected), "{key} of {}", span.name);
        assert_eq!(span.duplicates, Vec::<String>::new(), "{}", span.name);
    }
}

fn golden(name: &str) -> Json {
    let path = format!("{}/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[llm_call(request = request)]
fn complete(request: &Json) -> Json {
    json!({"model": request["model"], "choices": []})
}

fn chat() -> Json {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]})
}

/// An attribute as JSON; texts that are JSON are parsed.
fn plain(value: &Value) -> Json {
    let json = match value {
        Value::Array(list) => list.to_string(),
        other => other.as_str().into_owned(),
    };
    serde_json::from_str(&json).unwrap_or(Json::String(json))
}

#[test]
fn a_scope_records_what_openinference_records() {
    let capturing = capture();
    with_session("sess-1")
        .user("user-1")
        .metadata(json!({"a": 1, "b": {"c": "d"}}))
        .tags(["t1", "t2"])
        .prompt_template("Hi {name}", "v1", json!({"name": "Bob"}))
        .run(|| complete(&chat()));
    let span = capturing.only();
    assert_eq!(span.duplicates, Vec::<String>::new());
    let golden = golden("openai_chat_using_attributes");
    let inherited = ["session.", "user.", "metadata", "tag.", "llm.prompt_template."];
    let mut compared = 0;
    for (key, expected) in golden["spans"][0]["attributes"].as_object().unwrap() {
        if inherited.iter().any(|prefix| key.starts_with(prefix)) {
            let expected = expected
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or(expected.clone());
            assert_eq!(plain(&span.attributes[key]), expected, "{key}");
            compared += 1;
        }
    }
    assert_eq!(compared, 7);
}

#[test]
fn suppression_records_what_openinference_records() {
    let capturing = capture();
    suppress().session("s").run(|| complete(&chat()));
    assert_eq!(golden("settings/openai_chat_suppressed")["spans"], json!([]));
    assert_eq!(capturing.tree(), "");
    complete(&chat());
    assert_eq!(capturing.spans().len(), 1, "it ends with the scope");
}

#[tokio::test]
async fn every_span_below_inherits_over_awaits() {
    let capturing = capture();
    with_session("s").user("u").wrap(agent()).await;
    let spans = capturing.spans();
    assert_all(&spans, 3, "session.id", "s");
    assert_all(&spans, 3, "user.id", "u");
    agent().await;
    let outside = &capturing.spans()[3];
    assert!(!outside.attributes.contains_key("session.id"), "the scope is over");
}

#[test]
fn an_inner_scope_replaces_what_it_says() {
    let capturing = capture();
    let outer = with_session("outer").user("ada").metadata(json!({"a": 1})).tags(["x"]);
    outer.prompt_template("Hi {name}", "v1", json!({"name": "Bob"})).run(|| {
        let inner = with_session("inner").metadata(json!({"b": 2}));
        inner.prompt_template("Bye", "", ()).run(tool);
        with_session("").tags([""; 0]).metadata(json!({})).user(String::new()).run(step_now);
    });
    let inner = capturing.named("tool");
    assert_eq!(inner.text("session.id"), Some("inner"));
    assert_eq!(inner.text("user.id"), Some("ada"));
    assert_eq!(inner.text("metadata"), Some(r#"{"b":2}"#), "not merged");
    assert_eq!(inner.text("llm.prompt_template.template"), Some("Bye"));
    assert!(!inner.attributes.contains_key("llm.prompt_template.version"), "of another template");
    assert!(!inner.attributes.contains_key("llm.prompt_template.variables"));
    let outer = capturing.named("step_now");
    assert_eq!(outer.text("session.id"), Some("outer"), "empty values are ignored");
    assert_eq!(outer.text("metadata"), Some(r#"{"a":1}"#));
    assert_eq!(plain(&outer.attributes["tag.tags"]), json!(["x"]));
    assert_eq!(outer.text("llm.prompt_template.version"), Some("v1"));
}

#[chain_span]
fn step_now() {}

#[prompt_span(template = "mine", version = 2, session = "of the argument", fields("metadata" = "my own"))]
fn prompt() {
    tool();
}

#[test]
fn what_a_function_says_itself_goes_before() {
    let capturing = capture();
    with_prompt_template("theirs", "1", ()).session("of the scope").metadata(json!({"a": 1})).run(prompt);
    let span = capturing.named("prompt");
    assert_eq!(span.duplicates, Vec::<String>::new());
    assert_eq!(span.text("llm.prompt_template.template"), Some("mine"));
    assert_eq!(span.text("session.id"), Some("of the argument"));
    assert_eq!(span.text("metadata"), Some("my own"));
    let below = capturing.named("tool");
    assert_eq!(below.text("session.id"), Some("of the argument"));
    assert_eq!(below.text("llm.prompt_template.template"), Some("theirs"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_and_threads_take_span_and_scope_along() {
    #[agent_span(name = "root")]
    async fn root() {
        let threads = (
            std::thread::spawn(in_current_span(tool)),
            tokio::task::spawn_blocking(in_current_span(step_now)),
        );
        a2a_otel::spawn(step("one")).await.unwrap();
        tokio::spawn(step("two").in_current_span()).await.unwrap();
        tokio::spawn(with_tags(["own"]).wrap(agent()).in_current_span()).await.unwrap();
        threads.0.join().unwrap();
        threads.1.await.unwrap();
    }
    let capturing = capture();
    with_session("s").wrap(root()).await;
    let spans = capturing.spans();
    assert_all(&spans, 10, "session.id", "s");
    let root = capturing.named("root");
    let below = |name: &str| {
        spans.iter().filter(|span| span.name == name && span.parent_id == Some(root.span_id)).count()
    };
    assert_eq!((below("step"), below("tool"), below("step_now"), below("agent")), (2, 1, 1, 1));
    assert_eq!(plain(&capturing.named("agent").attributes["tag.tags"]), json!(["own"]));
}

#[tokio::test]
async fn scopes_side_by_side_stay_apart() {
    let capturing = capture();
    let session = |id: &'static str| with_session(id).wrap(step(id));
    futures::join!(session("a"), session("b"), step("none"));
    for span in capturing.spans().iter().filter(|span| span.name == "step") {
        let expected = span.text("input.value").filter(|input| *input != "none");
        assert_eq!(span.text("session.id"), expected);
    }
}

#[tokio::test]
async fn a_stream_stays_in_its_scope_and_a_suppressed_future_is_silent() {
    let capturing = capture();
    let stream = futures::stream::iter(1..=3).then(|_| agent());
    assert_eq!(with_session("s").wrap(stream).collect::<Vec<_>>().await.len(), 3);
    suppress().wrap(agent()).await;
    assert_all(&capturing.spans(), 9, "session.id", "s");
}

#[test]
fn a_guard_keeps_the_scope_open_and_closes_it() {
    let capturing = capture();
    let outer = with_user("ada").enter();
    {
        let _inner = with_metadata(HashMap::from([("tier", "gold")])).enter();
        tool();
    }
    step_now();
    drop(outer);
    assert_eq!(capturing.named("tool").text("metadata"), Some(r#"{"tier":"gold"}"#));
    assert_eq!(capturing.named("tool").text("user.id"), Some("ada"));
    assert!(!capturing.named("step_now").attributes.contains_key("metadata"));
}

#[test]
fn what_waits_in_a_scope_may_go_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&with_session("s").wrap(agent()));
    is_send(&agent().in_current_span());
}

/// Attributes of the lengths at which a number of 64 bits ends.
#[tool_span(fields(
    "shop.lamps.of.the.day.by.the.longest.name.that.a.key.can.have.ok" = 64,
    "shop.lamps.of.the.day.by.the.longest.name.that.a.key.can.have.okx" = 65
))]
fn named_at_length() {}

#[test]
fn a_name_may_have_any_length() {
    let capturing = capture();
    with_session("s").run(named_at_length);
    let span = capturing.only();
    assert_eq!(span.text("session.id"), Some("s"));
    assert_eq!(span.attributes.values().filter(|value| matches!(value, Value::I64(64 | 65))).count(), 2);
}

/// The headers that the next process gets.
fn sent() -> HashMap<String, Vec<String>> {
    let mut parameters = HashMap::new();
    inject(&mut ServiceParams(&mut parameters));
    parameters
}

/// The span of the next process that gets these headers.
fn received(sent: &HashMap<String, Vec<String>>) -> Captured {
    let capturing = capture();
    let _context = extract(&ServiceParamsRef(sent)).attach();
    tool();
    capturing.only()
}

#[test]
fn session_and_user_cross_and_the_rest_does_by_choice() {
    let _capturing = capture();
    let scope = || {
        with_session("s 1, 100% \\ ü=\"x\"").user("ada").tags(["a", "b,c"]).metadata(json!({"at": "50%25"}))
    };
    let span = received(&scope().run(sent));
    assert_eq!(span.text("session.id"), Some("s 1, 100% \\ ü=\"x\""));
    assert_eq!(span.text("user.id"), Some("ada"));
    assert!(!span.attributes.contains_key("metadata"));

    let span = received(&scope().propagate().run(sent));
    assert_eq!(span.text("metadata"), Some(r#"{"at":"50%25"}"#));
    assert_eq!(plain(&span.attributes["tag.tags"]), json!(["a", "b,c"]));
    assert_eq!(span.duplicates, Vec::<String>::new());

    let overridden = scope().propagate().run(|| with_metadata(json!({"secret": 1})).run(sent));
    assert!(
        !received(&overridden).attributes.contains_key("metadata"),
        "what is replaced is not sent either"
    );
}

#[test]
fn baggage_has_a_limit_and_what_is_above_stays_here() {
    let _capturing = capture();
    let (long, wide) = ("x".repeat(9000), "ü".repeat(2000));
    for text in [long, wide] {
        let capturing = capture();
        let sent = with_session("s").metadata(json!({"text": text})).propagate().run(|| {
            tool();
            sent()
        });
        let span = capturing.only();
        assert!(
            span.text("metadata").is_some_and(|metadata| metadata.contains(&text)),
            "the span here has it"
        );
        assert_eq!(sent["baggage"], ["session.id=s"]);
    }
}

#[test]
fn baggage_may_be_as_long_as_its_limit() {
    let _capturing = capture();
    let others = "session.id=s,user.id=".len();
    for (length, fits) in [(8192, true), (8193, false)] {
        let sent = with_session("s").user("u".repeat(length - others)).run(sent);
        assert_eq!(sent["baggage"].concat().len() == length, fits, "{:?}", sent["baggage"]);
    }
}

#[test]
fn what_is_too_long_to_be_sent_is_reported() {
    let test = "what_is_too_long_to_be_sent_is_reported";
    if let Some(printed) = in_own_process(test, &[]) {
        let [message] = messages(&printed)[..] else { panic!("{printed}") };
        assert!(message.contains("metadata is too long to be sent"), "{message}");
        return;
    }
    let _capturing = capture();
    for _ in 0..2 {
        with_metadata(json!({"text": "x".repeat(9000)})).propagate().run(sent);
    }
}

#[test]
fn a_parent_is_read_only_as_the_standard_writes_it() {
    let _capturing = capture();
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    for (parent, is_read) in [
        (format!("00-{trace}-{span}-01"), true),
        (format!("00-{}-{span}-01", &trace[1..]), false),
        (format!("00-{trace}-{}-01", &span[1..]), false),
        (format!("00-{trace}-{span}-1"), false),
        (format!("+0-{trace}-{span}-01"), false),
        (format!("00-{trace}-{span}-+1"), false),
    ] {
        let arrived = HashMap::from([("traceparent".to_owned(), vec![parent.clone()])]);
        let _context = extract(&ServiceParamsRef(&arrived)).attach();
        assert_eq!(sent().contains_key("traceparent"), is_read, "{parent}");
    }
}

#[test]
fn carriers_name_what_they_hold() {
    let parameters = HashMap::from([("baggage".to_owned(), vec!["a=1".to_owned()])]);
    assert_eq!(ServiceParamsRef(&parameters).keys(), ["baggage"]);
    let fields = [("baggage".to_owned(), json!("a=1"))].into_iter().collect();
    assert_eq!(MetaRef(&fields).keys(), ["baggage"]);
    let header = (HeaderName::from_static("baggage"), HeaderValue::from_static("a=1"));
    let headers: HeaderMap = [header].into_iter().collect();
    assert_eq!(HeadersRef(&headers).keys(), ["baggage"]);
}

/// A propagator of the application's, which reads all headers.
#[derive(Debug)]
struct Curious;

impl TextMapPropagator for Curious {
    fn inject_context(&self, _context: &Context, _carrier: &mut dyn Injector) {}

    fn extract_with_context(&self, context: &Context, carrier: &dyn Extractor) -> Context {
        eprintln!("it gets {:?}", carrier.keys());
        context.clone()
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

#[test]
fn a_propagator_of_the_applications_gets_the_names_of_all_headers() {
    let test = "a_propagator_of_the_applications_gets_the_names_of_all_headers";
    if let Some(printed) = in_own_process(test, &[]) {
        assert!(printed.contains(r#"it gets ["x-team"]"#), "{printed}");
        return;
    }
    global::set_text_map_propagator(Curious);
    let arrived = HashMap::from([("x-team".to_owned(), vec!["lamps".to_owned()])]);
    let _context = extract(&ServiceParamsRef(&arrived));
}

#[test]
fn foreign_baggage_is_kept_and_read_with_care() {
    let arrived = HashMap::from([(
        "baggage".to_owned(),
        vec!["other=1;p=2,x-!#$&'*+.^_`|~=3,tag.tags=one,metadata=,session.id=%ff,user.id=u%20v".to_owned()],
    )]);
    let span = received(&arrived);
    assert_eq!(span.text("user.id"), Some("u v"));
    assert_eq!(plain(&span.attributes["tag.tags"]), json!(["one"]));
    assert!(!span.attributes.contains_key("metadata"));
    assert!(!span.attributes.contains_key("other"), "it is not ours");
    let _context = extract(&ServiceParamsRef(&arrived)).attach();
    let baggage = with_user("w").run(sent)["baggage"].join(",");
    let mut members: Vec<_> = baggage.split(',').collect();
    members.sort_unstable();
    let expected = ["metadata=", "other=1;p=2", "tag.tags=one", "user.id=w", "x-!#$&'*+.^_`|~=3"];
    assert_eq!(members, expected);
}

/// Ours writes what the SDK's propagator writes.
#[test]
fn the_parent_is_written_as_the_sdk_writes_it() {
    let (written, expected) = (propagator(), TraceContextPropagator::new());
    let ids = [1, u128::MAX, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c];
    for (id, flags) in ids.into_iter().flat_map(|id| (0..=u8::MAX).map(move |flags| (id, flags))) {
        let span = id.to_be_bytes()[8..].try_into().map(u64::from_be_bytes).unwrap();
        for state in ["", "a=b,c=d"] {
            let state = TraceState::from_str(state).unwrap();
            let span = SpanContext::new(id.into(), span.into(), TraceFlags::new(flags), false, state);
            let context = Context::new().with_remote_span_context(span);
            let carriers = [HashMap::new(), HashMap::new()];
            let [mut ours, mut theirs]: [HashMap<String, String>; 2] = carriers;
            written.inject_context(&context, &mut ours);
            expected.inject_context(&context, &mut theirs);
            assert_eq!(ours, theirs);
        }
    }
}

/// What a carrier has of another span goes with it.
#[test]
fn a_trace_state_that_is_empty_is_not_sent() {
    #[chain_span(skip_all)]
    fn send() -> (HashMap<String, Vec<String>>, serde_json::Map<String, Json>, HeaderMap) {
        let mut params = HashMap::from([("tracestate".to_owned(), vec!["a=b".to_owned()])]);
        inject(&mut ServiceParams(&mut params));
        let mut meta = serde_json::Map::from_iter([("tracestate".to_owned(), json!("a=b"))]);
        inject(&mut Meta(&mut meta));
        let mut headers = HeaderMap::from_iter([("tracestate".parse().unwrap(), "a=b".parse().unwrap())]);
        inject(&mut Headers(&mut headers));
        (params, meta, headers)
    }

    let _capturing = capture();
    let (params, meta, headers) = send();
    assert_eq!(params.keys().collect::<Vec<_>>(), ["traceparent"]);
    assert_eq!(meta.keys().collect::<Vec<_>>(), ["traceparent"]);
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["traceparent"]);
}

#[test]
fn a_trace_state_is_passed_on_up_to_the_length_that_all_must_pass_on() {
    let _capturing = capture();
    for (length, is_passed_on) in [(512, true), (513, false)] {
        let state = format!("a={},b={0},c={}", "x".repeat(200), "y".repeat(length - 408));
        assert_eq!(state.len(), length);
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
        let arrived = HashMap::from([
            ("traceparent".to_owned(), vec![parent.clone()]),
            ("tracestate".to_owned(), vec![state.clone()]),
        ]);
        let _context = extract(&ServiceParamsRef(&arrived)).attach();
        let sent = sent();
        assert_eq!(sent["traceparent"], [parent]);
        assert_eq!(sent.get("tracestate").is_some_and(|sent| *sent == [state]), is_passed_on, "{length}");
    }
}

#[chain_span]
fn begun() -> impl Future<Output = ()> {
    async {}
}

#[chain_span(skip_all)]
async fn around(call: impl Future<Output = ()>) {
    call.await;
}

#[tokio::test]
async fn a_scope_is_of_the_call_that_started_in_it() {
    let capturing = capture();
    let call = begun();
    with_session("s-1").wrap(around(call)).await;
    assert_eq!(capturing.named("around").text("session.id"), Some("s-1"));
    assert_eq!(capturing.named("begun").text("session.id"), None);
}
