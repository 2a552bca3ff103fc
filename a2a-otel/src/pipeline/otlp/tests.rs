//! The encoder writes what OpenTelemetry's own types would write.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
#[cfg(feature = "logs")]
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
#[cfg(feature = "logs")]
use opentelemetry_proto::tonic::common::v1::any_value;
#[cfg(feature = "logs")]
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use prost::Message as _;

use super::cut::MEASURED;
use super::encode::Encoder;
#[cfg(feature = "logs")]
use super::log_record::LogEntry;
use super::sanitise::sanitise;
use super::span_record::SpanRequest;
use crate::pipeline::ledger::Ledger;
use crate::pipeline::signal::{self, Payload as _};
use crate::report::heard;

fn resource() -> Resource {
    Resource::builder_empty()
        .with_schema_url([KeyValue::new("service.name", "shop")], "https://schema")
        .build()
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        ".{0,200}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("equal to itself", |number| !number.is_nan()).prop_map(Value::from),
        prop::collection::vec(".{0,9}", 0..4)
            .prop_map(|list| Value::Array(Array::String(list.into_iter().map(Into::into).collect()))),
        prop::collection::vec(any::<i64>(), 0..4).prop_map(|list| Value::Array(Array::I64(list))),
        prop::collection::vec(any::<bool>(), 0..4).prop_map(|list| Value::Array(Array::Bool(list))),
        prop::collection::vec(0.0..1.0, 0..4).prop_map(|list| Value::Array(Array::F64(list))),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    prop::collection::vec(("[a-z.]{0,20}", value()).prop_map(|(key, value)| KeyValue::new(key, value)), 0..6)
}

fn time() -> impl Strategy<Value = SystemTime> {
    (0..u64::MAX / 2).prop_map(|nanoseconds| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds))
}

fn context() -> impl Strategy<Value = SpanContext> {
    (any::<u128>(), any::<u64>(), any::<u8>(), any::<bool>(), any::<bool>()).prop_map(
        |(trace, span, flags, is_remote, has_state)| {
            let state = if has_state { vec![("vendor", "state")] } else { vec![] };
            SpanContext::new(
                TraceId::from(trace),
                SpanId::from(span),
                TraceFlags::new(flags),
                is_remote,
                TraceState::from_key_value(state).unwrap(),
            )
        },
    )
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Unset), Just(Status::Ok), ".{0,20}".prop_map(Status::error)]
}

fn kind() -> impl Strategy<Value = SpanKind> {
    use SpanKind::{Client, Consumer, Internal, Producer, Server};
    prop::sample::select(vec![Client, Consumer, Internal, Producer, Server])
}

fn scope() -> impl Strategy<Value = InstrumentationScope> {
    (0..3_usize).prop_map(|number| {
        let scope = InstrumentationScope::builder(format!("scope {number}"));
        match number {
            0 => scope.build(),
            _ => scope
                .with_version("1.0")
                .with_schema_url("https://scope")
                .with_attributes([KeyValue::new("number", 7)])
                .build(),
        }
    })
}

prop_compose! {
    fn span()(
        (span_context, parent, parent_span_is_remote) in (context(), any::<u64>(), any::<bool>()),
        (span_kind, status, scope, name) in (kind(), status(), scope(), ".{0,30}"),
        (start_time, end_time) in (time(), time()),
        attributes in attributes(),
        dropped in any::<u32>(),
        event in prop::option::of((".{0,9}", time(), attributes())),
        link in prop::option::of((context(), attributes())),
    ) -> SpanData {
        let mut events = SpanEvents::default();
        events.events.extend(event.map(|(name, time, attributes)| Event::new(name, time, attributes, dropped)));
        events.dropped_count = dropped;
        let mut links = SpanLinks::default();
        links.links.extend(link.map(|(context, attributes)| Link::new(context, attributes, dropped)));
        SpanData {
            span_context,
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote,
            span_kind,
            name: name.into(),
            start_time,
            end_time,
            attributes,
            dropped_attributes_count: dropped,
            events,
            links,
            status,
            instrumentation_scope: scope,
        }
    }
}

fn reference(spans: Vec<SpanData>) -> ExportTraceServiceRequest {
    let resource = ResourceAttributesWithSchema::from(&resource());
    ExportTraceServiceRequest { resource_spans: group_spans_by_resource_and_scope(spans, &resource) }
}

fn encoded(spans: &[SpanData]) -> SpanRequest {
    Encoder::new(&resource()).spans(spans)
}

fn decoded(request: &SpanRequest) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(request.body().as_slice()).unwrap()
}

fn names(requests: &[SpanRequest]) -> Vec<String> {
    let requests = requests.iter().map(decoded).flat_map(|request| request.resource_spans);
    let scopes = requests.flat_map(|part| part.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

/// A span that consists of many pieces of one kind.
fn of_shape(shape: usize, count: usize, length: usize) -> SpanData {
    let text = || "é".repeat(length / 2);
    let texts =
        |prefix: &str| (0..count).map(|number| format!("{prefix}{number}{}", text())).collect::<Vec<_>>();
    let list = |list: Vec<String>| Value::Array(Array::String(list.into_iter().map(Into::into).collect()));
    let event = |name: String, attributes| Event::new(name, SystemTime::UNIX_EPOCH, attributes, 0);
    let mut span = named("span", String::new());
    span.dropped_attributes_count = 0;
    span.events = SpanEvents::default();
    span.attributes = Vec::new();
    match shape {
        0 => span.attributes = texts("key").into_iter().map(|key| KeyValue::new(key, 1)).collect(),
        1 => span.attributes = vec![KeyValue::new("list", list(texts("entry")))],
        2 => span.events.events = texts("event").into_iter().map(|name| event(name, Vec::new())).collect(),
        3 => {
            let attributes = texts("value").into_iter().map(|value| KeyValue::new("key", value)).collect();
            span.events.events = vec![event("event".to_owned(), attributes)];
        }
        4 => {
            let attributes = vec![KeyValue::new("numbers", Value::Array(Array::I64(vec![i64::MAX; 20])))];
            span.events.events = (0..count).map(|_| event("event".to_owned(), attributes.clone())).collect();
        }
        _ => span.attributes = vec![KeyValue::new("numbers", Value::Array(Array::I64(vec![-1; count * 20])))],
    }
    span
}

fn named(name: impl Into<String>, text: String) -> SpanData {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut span = span().new_tree(&mut runner).unwrap().current();
    span.name = name.into().into();
    span.attributes = vec![KeyValue::new("text", text), KeyValue::new("short", "kept")];
    span
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_reads_like_that_of_the_generated_types(spans in prop::collection::vec(span(), 1..6)) {
        prop_assert_eq!(decoded(&encoded(&spans)), reference(spans));
    }

    #[test]
    fn a_request_comes_back_from_its_body(spans in prop::collection::vec(span(), 1..6)) {
        let request = encoded(&spans);
        let (back, _) = SpanRequest::join([(request.body(), spans.len())]).shorten_records(usize::MAX);
        prop_assert!(back.is_unfolded());
        prop_assert_eq!(decoded(&back), decoded(&request));
    }

    #[test]
    fn joined_requests_hold_the_spans_of_both(
        one in prop::collection::vec(span(), 1..4),
        other in prop::collection::vec(span(), 1..4),
    ) {
        let both = [encoded(&one), encoded(&other)];
        let joined = SpanRequest::join(both.iter().map(|request| (request.body(), request.items())));
        prop_assert_eq!(joined.items(), one.len() + other.len());
        prop_assert_eq!(names(std::slice::from_ref(&joined)), names(&both));
        let halves = joined.halve().unwrap();
        prop_assert_eq!(names(&halves).len(), one.len() + other.len());
    }

    #[test]
    fn no_body_makes_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let request = SpanRequest::join([(body.clone(), 2)]);
        if let Err(whole) = request.halve() {
            prop_assert_eq!(whole.body(), body);
        }
    }

    /// Whatever a span consists of: what is said about its size is what is sent, or it is dropped and counted.
    #[test]
    fn no_request_is_larger_than_the_limit(
        shapes in prop::collection::vec((0..6_usize, 0..400_usize, 0..3000_usize), 1..6),
        limit in 0..60_000_usize,
    ) {
        let spans: Vec<_> = shapes.iter().map(|&(shape, count, length)| of_shape(shape, count, length)).collect();
        let ledger = Ledger::new(&signal::SPANS, "the receiver".to_owned());
        ledger.enter(spans.len() as u64);
        let (requests, left_out) = encoded(&spans).fitted(limit, &ledger);
        for request in &requests {
            prop_assert!(request.body().len() <= limit, "{} and not {limit}", request.body().len());
        }
        prop_assert_eq!(names(&requests).len() + left_out.len(), spans.len());
        let lost = ledger.delivery().dropped.get("too large").copied().unwrap_or_default();
        prop_assert_eq!(lost, left_out.len() as u64);
        prop_assert!(left_out.is_empty() || limit < 2000, "a span can be cut to {limit} bytes");
    }

    /// Cutting takes no more away than it has to: pieces are short here, so little room can be left.
    #[test]
    fn a_cut_span_fills_its_room(shape in 0..5_usize, limit in 4000..12_000_usize) {
        let span = of_shape(shape, 300, 100);
        let (cut, _) = encoded(&[span]).shorten_records(limit);
        // The request's head comes on top of the record.
        let expected = limit - 1000..limit + 100;
        prop_assert!(expected.contains(&cut.body().len()), "{} and not {expected:?}", cut.body().len());
    }

    /// A receiver may ask for any size.
    #[test]
    fn a_cut_span_says_what_is_missing(shape in 0..6_usize, count in 1..400_usize, length in 300..3000_usize, limit in 3000..20_000_usize) {
        let span = of_shape(shape, count, length);
        let whole = decoded(&encoded(std::slice::from_ref(&span)));
        let (cut, shortened) = encoded(&[span]).shorten_records(limit);
        let cut = decoded(&cut);
        let (before, after) = (&whole.resource_spans[0].scope_spans[0].spans[0], &cut.resource_spans[0].scope_spans[0].spans[0]);
        prop_assert_eq!(after.attributes.len() + after.dropped_attributes_count as usize, before.attributes.len());
        prop_assert_eq!(after.events.len() + after.dropped_events_count as usize, before.events.len());
        let is_marked = format!("{after:?}").contains("cut by a2a-otel");
        let is_counted = after.dropped_attributes_count + after.dropped_events_count > 0
            || after.events.iter().any(|event| event.dropped_attributes_count > 0);
        prop_assert_eq!(shortened > 0, is_marked || is_counted);
    }

    #[test]
    fn parts_hold_everything_and_keep_the_bound(lengths in prop::collection::vec(0..3000_usize, 1..40)) {
        let spans: Vec<_> =
            lengths.iter().enumerate().map(|(number, length)| named(number.to_string(), "x".repeat(*length))).collect();
        let request = encoded(&spans);
        let whole = names(std::slice::from_ref(&request));
        let parts = request.within(5000);
        prop_assert_eq!(names(&parts), whole);
        prop_assert!(parts.iter().all(|part| part.bytes() <= 5000 && part.body().len() <= 5300));
    }
}

/// What it costs to cut a span grows with its size, and not faster.
#[test]
fn cutting_is_linear() {
    for shape in 0..6 {
        for count in [300, 3000] {
            let request = encoded(&[of_shape(shape, count, 300)]);
            let bytes = request.bytes();
            MEASURED.set(0);
            let _ = request.shorten_records(10_000);
            let measured = MEASURED.get();
            assert!(measured <= 12 * bytes, "{measured} bytes were measured to cut {bytes} of shape {shape}");
        }
    }
}

#[test]
fn a_span_that_is_too_long_is_shortened_where_it_is_longest_and_says_so() {
    let request = encoded(&[named("small", "x".to_owned()), named("large", "é".repeat(50_000))]);
    let (request, shortened) = request.shorten_records(10_000);
    assert_eq!(shortened, 1);
    assert!(request.bytes() < 11_000, "{}", request.bytes());
    let decoded = decoded(&request);
    let span = &decoded.resource_spans[0].scope_spans[0].spans[1];
    let text = |index: usize| format!("{:?}", span.attributes[index]);
    assert!(text(0).contains("é … [100000 bytes, cut by a2a-otel: the span was too large]"), "{}", text(0));
    assert!(text(1).contains("kept"));
    assert_eq!(names(&[request]), ["small", "large"]);
}

#[cfg(feature = "logs")]
prop_compose! {
    fn entry()(
        (time, severity, span) in (time(), 1..24_u8, context()),
        (scope, body, attributes) in (scope(), prop::option::of(".{0,30}"), attributes()),
    ) -> LogEntry {
        LogEntry { time, severity, severity_text: "INFO", scope, body, attributes, span }
    }
}

#[cfg(feature = "logs")]
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn log_records_read_like_what_was_logged(entries in prop::collection::vec(entry(), 1..6)) {
        let request = Encoder::new(&resource()).logs(&entries);
        let decoded = ExportLogsServiceRequest::decode(request.body().as_slice()).unwrap();
        let [resource] = &decoded.resource_logs[..] else { panic!("one resource") };
        let records = |scope: &opentelemetry_proto::tonic::logs::v1::ScopeLogs| scope.log_records.clone();
        let mut found: Vec<_> = resource.scope_logs.iter().flat_map(records).collect();
        prop_assert_eq!(found.len(), entries.len());
        for LogEntry { time, severity, body, attributes, span, .. } in entries {
            let nanoseconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
            let is_it = |record: &LogRecord| {
                u128::from(record.time_unix_nano) == nanoseconds
                    && record.severity_number == i32::from(severity)
                    && record.body.clone().and_then(|body| body.value)
                        == body.clone().map(any_value::Value::StringValue)
                    && record.attributes.len() == attributes.len()
                    && (!span.is_valid() || record.trace_id == span.trace_id().to_bytes())
                    && (!span.is_valid() || record.span_id == span.span_id().to_bytes())
            };
            let place = found.iter().position(is_it);
            prop_assert!(place.is_some());
            found.remove(place.unwrap());
        }
    }
}

#[test]
fn a_long_text_in_a_list_is_cut_and_the_others_stay() {
    let mut span = named("span", String::new());
    let list = vec!["short".into(), "x".repeat(50_000).into()];
    span.attributes = vec![KeyValue::new("list", Value::Array(Array::String(list)))];
    let (request, _) = encoded(&[span]).shorten_records(10_000);
    let printed = format!("{:?}", decoded(&request));
    assert!(printed.contains("short") && printed.contains("[50000 bytes, cut by a2a-otel"), "{printed}");
}

#[test]
fn a_span_is_cut_to_what_its_resource_and_its_scope_leave_and_that_is_told() {
    const LIMIT: usize = 10_000;
    assert!(heard("long.example").is_empty());
    for (of_resource, of_scope) in [(3000, 30), (30, 3000)] {
        let attribute = KeyValue::new("text", "a".repeat(of_resource));
        let resource = Resource::builder_empty().with_attribute(attribute).build();
        let mut span = named("span", "a".repeat(12_000));
        span.instrumentation_scope = InstrumentationScope::builder("a".repeat(of_scope)).build();
        let ledger = Ledger::new(&signal::SPANS, "long.example".to_owned());
        let (requests, _) = Encoder::new(&resource).spans(&[span]).fitted(LIMIT, &ledger);
        let lengths: Vec<_> = requests.iter().map(|request| request.body().len()).collect();
        assert!(matches!(lengths[..], [9900..=LIMIT]), "{lengths:?}");
    }
    assert!(
        heard("long.example").iter().all(|told| told.contains("1 spans for long.example were shortened"))
    );
    assert_eq!(heard("long.example").len(), 2);
}

#[test]
fn what_is_divided_is_not_shortened() {
    assert!(heard("many.example").is_empty());
    let ledger = Ledger::new(&signal::SPANS, "many.example".to_owned());
    let spans = [named("one", "a".repeat(3000)), named("other", "a".repeat(3000))];
    let (requests, _) = encoded(&spans).fitted(5000, &ledger);
    assert_eq!(
        (names(&requests), heard("many.example")),
        (vec!["one".to_owned(), "other".to_owned()], vec![])
    );
}

#[test]
fn a_span_that_cannot_be_cut_is_left_out_and_counted() {
    let ledger = Ledger::new(&signal::SPANS, "the receiver".to_owned());
    ledger.enter(1);
    let (requests, left_out) = encoded(&[named("span", String::new())]).fitted(10, &ledger);
    assert!(requests.is_empty() && left_out == [0], "{left_out:?}");
    assert_eq!(ledger.delivery().dropped["too large"], 1);
}

#[test]
fn a_request_with_another_number_of_spans_than_is_said_is_not_divided() {
    let body = encoded(&["one", "other"].map(|name| named(name, String::new()))).body();
    assert!(SpanRequest::join([(body.clone(), 2)]).halve().is_ok());
    assert!(SpanRequest::join([(body, 3)]).halve().is_err());
}

#[test]
fn all_texts_of_a_span_are_fixed() {
    let mut span = named("a\0", "b\0".to_owned());
    span.status = Status::error("c\0");
    let attributes = vec![KeyValue::new("key", "d\0")];
    span.events.events = vec![Event::new("e\0", SystemTime::UNIX_EPOCH, attributes.clone(), 0)];
    span.links.links = vec![Link::new(SpanContext::NONE, attributes, 0)];
    sanitise(&mut span);
    let printed = format!("{span:?}");
    assert_eq!((printed.matches("\\0").count(), printed.matches('\u{2400}').count()), (0, 6), "{printed}");
}

#[test]
fn a_span_is_named_with_its_ids() {
    let span = named("search", String::new());
    let (trace, id) = (span.span_context.trace_id(), span.span_context.span_id());
    assert_eq!(encoded(&[span]).name_of_first(), format!("\"search\" ({id} in trace {trace})"));
}
