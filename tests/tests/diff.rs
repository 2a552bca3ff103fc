//! Tests that traces are kept in files and compared.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use a2a_otel::testing::{Captured, Trace, capture, diff};
use a2a_otel::{Telemetry, agent_span, current, llm_call, tool_span};
use a2a_otel_tests::phoenix::Phoenix;
use a2a_otel_tests::services::{require, unique, workshop};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, StringValue, Value};
use proptest::prelude::*;
use serde_json::json;

/// A span of a shop. It starts so many seconds after 1970, and takes one second.
fn span(id: u64, parent: Option<u64>, kind: &str, name: &str) -> Captured {
    let start = UNIX_EPOCH + Duration::from_secs(id);
    let attributes =
        [("openinference.span.kind", kind.to_owned()), ("input.value", json!({ "id": id }).to_string())];
    Captured {
        name: name.to_owned(),
        kind: kind.to_owned(),
        opentelemetry_kind: SpanKind::Internal,
        trace_id: TraceId::from(1),
        span_id: SpanId::from(id),
        parent_id: parent.map(SpanId::from),
        attributes: attributes.map(|(key, value)| (key.to_owned(), value.into())).into(),
        duplicates: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::Ok,
        start,
        end: start + Duration::from_secs(1),
    }
}

/// An agent that asks a model, calls a tool twice, and asks again.
fn shop() -> Vec<Captured> {
    let mut spans = vec![
        span(1, None, "AGENT", "shop"),
        span(2, Some(1), "LLM", "ask"),
        span(3, Some(1), "TOOL", "count"),
        span(4, Some(1), "TOOL", "count"),
        span(5, Some(1), "LLM", "ask"),
    ];
    for (key, number) in [("llm.token_count.prompt", 31), ("llm.token_count.completion", 17)] {
        spans[1].attributes.insert(key.to_owned(), Value::I64(number));
    }
    spans[1].attributes.insert("llm.cost.total".to_owned(), Value::F64(0.25));
    spans[1].attributes.insert("output.value".to_owned(), r#"{"content":"Let me see.","n":1}"#.into());
    spans
}

/// The comparison of the shop with itself after a change, without the times.
fn shown_after(change: impl FnOnce(&mut Vec<Captured>)) -> String {
    let mut spans = shop();
    change(&mut spans);
    let shown = diff(&Trace::new(shop()), &Trace::new(spans)).to_string();
    let lines = shown.lines().map(|line| line.split("  [").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn equal_traces_have_no_differences() {
    let diff = diff(&Trace::new(shop()), &Trace::new(shop()));
    assert!(diff.is_empty());
    assert_eq!((diff.to_string().as_str(), diff.changed_spans()), ("the traces are equal", 0));
}

#[test]
fn what_has_changed_of_a_span_is_named() {
    let shown = shown_after(|spans| {
        let ask = &mut spans[1];
        ask.status = Status::error("no answer");
        ask.attributes.insert("llm.token_count.completion".to_owned(), Value::I64(20));
        ask.attributes.insert("llm.cost.total".to_owned(), Value::F64(0.5));
        // The order of keys does not matter.
        ask.attributes.insert("output.value".to_owned(), r#"{"n": 1, "content": "Let me look."}"#.into());
    });
    assert_eq!(
        shown,
        "1 span differs (- gone, + new, ~ changed):\n  AGENT shop\n~   LLM ask\n\
         ~       status: ok → error, no answer\n\
         ~       output.content: \"Let me see.\" → \"Let me look.\"\n\
         ~       completion tokens: 17 → 20\n\
         ~       cost: 0.25 → 0.5\n\
         \u{20}   … 3 equal spans"
    );
}

#[test]
fn spans_that_are_new_or_gone_are_told_apart_by_their_input() {
    let shown = shown_after(|spans| {
        spans.remove(2);
        spans.push(span(6, Some(1), "TOOL", "sell"));
    });
    assert_eq!(
        shown,
        "2 spans differ (- gone, + new, ~ changed):\n  AGENT shop\n    LLM ask\n-   TOOL count\n\
         \u{20}   TOOL count\n    LLM ask\n+   TOOL sell"
    );
}

#[test]
fn a_span_of_another_name_and_the_same_input_is_renamed() {
    let shown = shown_after(|spans| spans[2].name = "count_stock".to_owned());
    assert!(shown.contains("~   TOOL count_stock\n~       name: count → count_stock\n"), "{shown}");
}

#[test]
fn a_span_that_comes_later_has_moved_unless_it_runs_beside_others() {
    let swap = |spans: &mut Vec<Captured>| {
        let (start, end) = (spans[4].start, spans[4].end);
        spans[2].name = "sell".to_owned();
        (spans[2].start, spans[2].end) = (end, end + (end.duration_since(start).unwrap()));
    };
    let mut before = shop();
    before[2].name = "sell".to_owned();
    let mut after = shop();
    swap(&mut after);
    let moved = diff(&Trace::new(before.clone()), &Trace::new(after.clone()));
    assert_eq!(moved.changed_spans(), 1, "{moved}");
    assert!(moved.to_string().contains("~       its place among its siblings is another"), "{moved}");
    for spans in [&mut before, &mut after] {
        for span in spans.iter_mut() {
            span.end += Duration::from_secs(60);
        }
    }
    let parallel = diff(&Trace::new(before), &Trace::new(after));
    assert!(parallel.is_empty(), "{parallel}");
}

#[test]
fn times_and_ids_do_not_matter() {
    let mut later = shop();
    for span in &mut later {
        span.span_id = SpanId::from(u64::from_be_bytes(span.span_id.to_bytes()) + 100);
        span.parent_id = span.parent_id.map(|id| SpanId::from(u64::from_be_bytes(id.to_bytes()) + 100));
        span.trace_id = TraceId::from(7);
        span.start += Duration::from_secs(1000);
        span.end += Duration::from_secs(2000);
    }
    let diff = diff(&Trace::new(shop()), &Trace::new(later));
    assert!(diff.is_empty(), "{diff}");
}

#[test]
fn a_large_difference_is_cut_to_a_readable_length() {
    let many = (2..5000).map(|id| span(id, Some(1), "TOOL", "count"));
    let many: Vec<_> = [span(1, None, "AGENT", "shop")].into_iter().chain(many).collect();
    let mut other = many.clone();
    other[1].attributes.insert("output.value".to_owned(), "x".repeat(100_000).into());
    other.truncate(3000);
    let diff = diff(&Trace::new(many), &Trace::new(other));
    let shown = diff.to_string();
    assert!(shown.lines().count() < 100 && shown.len() < 10_000, "{shown}");
    assert!(shown.contains("more lines"), "{shown}");
    assert!(format!("{diff:#}").lines().count() > 2000);
    assert_eq!(diff.changed_spans(), 1 + 1999);
}

#[test]
fn colours_come_only_where_they_are_asked_for() {
    let diff = diff(&Trace::new(shop()), &Trace::default());
    assert!(!diff.to_string().contains('\x1b'));
    assert!(diff.colored().to_string().contains("\x1b[31m- AGENT shop"));
}

#[test]
fn spans_whose_parents_form_a_circle_are_compared() {
    let circle = Trace::new(vec![span(1, Some(2), "CHAIN", "one"), span(2, Some(1), "CHAIN", "two")]);
    assert!(diff(&circle, &circle).is_empty());
    assert_eq!(diff(&circle, &Trace::default()).changed_spans(), 2);
}

/// A text that a span may have, with what is special in JSON and in files of lines.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \"\\\\\n\t{}]{0,12}", any::<String>()]
}

fn any_value() -> impl Strategy<Value = Value> {
    let texts = prop::collection::vec(any_text().prop_map(StringValue::from), 0..3);
    let double = || {
        prop_oneof![any::<f64>(), Just(1.0), Just(f64::INFINITY), Just(-0.0)]
            .prop_filter("equal to itself", |number| !number.is_nan())
    };
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        double().prop_map(Value::F64),
        any_text().prop_map(Value::from),
        texts.prop_map(|texts| Value::Array(Array::String(texts))),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(|numbers| Value::Array(Array::I64(numbers))),
        prop::collection::vec(any::<bool>(), 0..3).prop_map(|flags| Value::Array(Array::Bool(flags))),
        prop::collection::vec(double(), 0..3).prop_map(|numbers| Value::Array(Array::F64(numbers))),
    ]
}

fn any_attributes() -> impl Strategy<Value = BTreeMap<String, Value>> {
    prop::collection::btree_map(any_text(), any_value(), 0..4)
}

/// A tree of up to twelve spans, each below one that started earlier.
fn any_tree() -> impl Strategy<Value = Vec<Captured>> {
    let kind = prop::sample::select(vec!["AGENT", "LLM", "TOOL"]);
    let name = prop::sample::select(vec!["ask", "count", "sell"]);
    prop::collection::vec((kind, name, any::<prop::sample::Index>()), 1..12).prop_map(|spans| {
        let spans = spans.into_iter().enumerate().map(|(number, (kind, name, parent))| {
            let parent = (number > 0).then(|| parent.index(number) as u64 + 1);
            span(number as u64 + 1, parent, kind, name)
        });
        spans.collect()
    })
}

/// Changes one span in a way that counts.
fn edit(spans: &mut Vec<Captured>, at: usize, what: usize) {
    let next = spans.len() as u64 + 1;
    let mut set = |key: &str, value: Value| drop(spans[at].attributes.insert(key.to_owned(), value));
    match what {
        0 => spans[at].name.push('!'),
        1 => "CHAIN".clone_into(&mut spans[at].kind),
        2 => spans[at].status = Status::error("it failed"),
        3 => set("input.value", json!({ "id": "other" }).to_string().into()),
        4 => set("output.value", "something".into()),
        5 => set("llm.token_count.prompt", 7.into()),
        6 => set("llm.cost.total", 0.5.into()),
        7 => set("llm.model_name", "gpt".into()),
        8 => drop(spans.remove(at)),
        _ => {
            let parent = spans[at].span_id.to_bytes();
            spans.push(span(next, Some(u64::from_be_bytes(parent)), "TOOL", "new"));
        }
    }
}

proptest! {
    #[test]
    fn a_tree_equals_itself(spans in any_tree()) {
        let trace = Trace::new(spans);
        let diff = diff(&trace, &trace);
        prop_assert!(diff.is_empty(), "{}", diff);
    }

    #[test]
    fn every_edit_is_reported(spans in any_tree(), at in any::<prop::sample::Index>(), what in 0_usize..10) {
        let mut edited = spans.clone();
        edit(&mut edited, at.index(spans.len()), what);
        let diff = diff(&Trace::new(spans), &Trace::new(edited));
        prop_assert!(!diff.is_empty());
        prop_assert!(diff.changed_spans() > 0 && diff.to_string().lines().count() > 1, "{}", diff);
    }

    #[test]
    fn what_is_written_is_read_back(
        texts in prop::array::uniform3(any_text()), attributes in any_attributes(), event in any_attributes(),
        nanoseconds in any::<u64>(), status in 0_usize..3,
    ) {
        let [name, description, duplicate] = texts;
        let written = Captured {
            name,
            opentelemetry_kind: SpanKind::Consumer,
            attributes,
            duplicates: vec![duplicate.clone()],
            events: vec![(duplicate, event)],
            links: vec![SpanContext::new(
                TraceId::from(5), SpanId::from(6), TraceFlags::SAMPLED, true, "a=b".parse::<TraceState>().unwrap(),
            )],
            status: [Status::Unset, Status::Ok, Status::error(description)][status].clone(),
            end: UNIX_EPOCH + Duration::from_nanos(nanoseconds),
            ..span(1, Some(2), "TOOL", "")
        };
        let trace = Trace::new(vec![written, span(3, None, "LLM", "ask")]);
        let path = workshop().unwrap().join(unique("trace")).join("recorded.jsonl");
        trace.write(&path).unwrap();
        prop_assert_eq!(Trace::read(&path).unwrap(), trace);
        prop_assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}

#[test]
fn a_file_is_a_line_for_each_span() {
    let path = workshop().unwrap().join(unique("trace.jsonl"));
    let mut span = span(1, None, "TOOL", "count");
    span.attributes.insert("score".to_owned(), Value::F64(1.0));
    Trace::new(vec![span]).write(&path).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\"attributes\":{\"input.value\":\"{\\\"id\\\":1}\",\"openinference.span.kind\":\"TOOL\",\"score\":1.0},\
         \"duplicates\":[],\"end\":\"1970-01-01T00:00:02.000000000Z\",\"events\":[],\"kind\":\"TOOL\",\"links\":[],\
         \"name\":\"count\",\"opentelemetry_kind\":\"internal\",\"parent_id\":null,\"span_id\":\"0000000000000001\",\
         \"start\":\"1970-01-01T00:00:01.000000000Z\",\"status\":\"OK\",\"status_message\":\"\",\
         \"trace_id\":\"00000000000000000000000000000001\"}\n"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = workshop().unwrap().join(unique("trace.jsonl"));
    let complaint = || Trace::read(&path).unwrap_err().to_string();
    assert!(
        complaint().starts_with(&format!("cannot read the trace {}: ", path.display())),
        "{}",
        complaint()
    );
    Trace::new(shop()).write(&path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    for (broken, problem) in [
        ("{", "it is not JSON: "),
        ("{}", "`opentelemetry_kind` is missing"),
        (
            &good.lines().next().unwrap().replace("\"OK\"", "\"FINE\""),
            "`status` is `FINE`; it should be OK, ERROR or",
        ),
        (&good.lines().next().unwrap().replace("1970-", "MCMLXX-"), "`start` is `MCMLXX-"),
        (&good.lines().next().unwrap().replace("0000000000000001", "1g"), "`trace_id` is `"),
    ] {
        fs::write(&path, format!("{good}\n{broken}\n")).unwrap();
        let place = format!("{}, line 7: {problem}", path.display());
        assert!(complaint().starts_with(&place), "{} should begin with {place}", complaint());
    }
}

#[test]
fn an_answer_of_phoenix_that_is_no_list_of_spans_is_named() {
    let complaint = |answer| Trace::from_phoenix_json(&answer).unwrap_err().to_string();
    assert!(complaint(json!({ "detail": "Not found" })).starts_with("this is no list of spans"));
    assert_eq!(complaint(json!([{ "name": "a" }])), "span 1 of Phoenix's answer: `span_kind` is missing");
}

#[tool_span]
fn count(product: &str) -> Result<u32, String> {
    if product == "lamp" { Ok(3) } else { Err(format!("there is no {product}")) }
}

#[llm_call(request = request)]
fn ask(request: &serde_json::Value) -> serde_json::Value {
    json!({
        "model": "gpt-4o",
        "choices": [{ "message": { "role": "assistant", "content": "Three." }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 },
    })
}

#[agent_span]
fn shop_agent(product: &str) {
    current().attribute("shelf", 1.5);
    let _ = count(product);
    ask(&json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": product }] }));
}

/// Phoenix returns the trace that it was sent.
#[test]
fn a_trace_of_phoenix_equals_the_one_that_was_captured() {
    let Some(phoenix) = require("Phoenix", Phoenix::shared()) else { return };
    let project = phoenix.project("trace");
    let builder = Telemetry::builder().endpoint(phoenix.url()).project_name(project.name()).tracing(false);
    let telemetry = builder.init().unwrap();
    let capturing = capture();
    shop_agent("sofa");
    let captured = capturing.trace();
    let delivery = telemetry.shutdown(Duration::from_secs(20));
    assert_eq!(delivery.delivered, 3, "{delivery}");
    assert_eq!(project.wait_for_spans(|spans| spans.len() == 3).len(), 3);
    let answer = phoenix.get(&format!("/v1/projects/{}/spans?limit=100", project.name()));
    let stored = Trace::from_phoenix_json(&answer.body).unwrap();
    let diff = diff(&captured, &stored);
    assert!(diff.is_empty(), "{diff}");
    assert_eq!(stored.tree(), captured.tree());
    for (captured, stored) in captured.spans().iter().zip(stored.spans()) {
        assert_eq!(stored.attributes, captured.attributes);
        assert!(stored.start.duration_since(captured.start).unwrap_or_default() < Duration::from_millis(1));
    }
    let _: SystemTime = stored.spans()[0].end;
}
