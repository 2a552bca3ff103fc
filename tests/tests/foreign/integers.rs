//! Tests that integers of `tracing` spans stay integers, of whatever type and whenever they are recorded.

use a2a_otel::opentelemetry::Value;
use a2a_otel::testing::capture;
use proptest::prelude::*;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::bridged;

/// A value of a field.
#[derive(Clone, Debug)]
enum Recorded {
    U64(u64),
    I64(i64),
    U128(u128),
    I128(i128),
    Usize(usize),
    Bool(bool),
    F64(f64),
    Text(String),
    Debug(String),
}

fn recorded() -> impl Strategy<Value = Recorded> {
    let digits = prop_oneof!["[0-9]{1,3}", "-?[0-9]{1,25}", "[a-z0-9 .+-]{0,8}"];
    prop_oneof![
        prop_oneof![any::<u64>(), 0..1000_u64, Just(u64::MAX), Just(i64::MAX.cast_unsigned())]
            .prop_map(Recorded::U64),
        any::<i64>().prop_map(Recorded::I64),
        prop_oneof![any::<u128>(), 0..1000_u128].prop_map(Recorded::U128),
        prop_oneof![any::<i128>(), -1000..1000_i128].prop_map(Recorded::I128),
        any::<usize>().prop_map(Recorded::Usize),
        any::<bool>().prop_map(Recorded::Bool),
        any::<f64>().prop_map(Recorded::F64),
        digits.clone().prop_map(Recorded::Text),
        digits.prop_map(Recorded::Debug),
    ]
}

impl Recorded {
    fn record(&self, span: &Span, field: &str) {
        match self {
            Self::U64(value) => span.record(field, value),
            Self::I64(value) => span.record(field, value),
            Self::U128(value) => span.record(field, value),
            Self::I128(value) => span.record(field, value),
            Self::Usize(value) => span.record(field, value),
            Self::Bool(value) => span.record(field, value),
            Self::F64(value) => span.record(field, value),
            Self::Text(text) => span.record(field, text.as_str()),
            Self::Debug(text) => span.record(field, tracing::field::display(text)),
        };
    }

    /// What must be exported: an integer if OpenTelemetry's type can hold it, or else all digits.
    fn expected(&self) -> Value {
        let integer = |value: Result<i64, _>, digits: String| value.map_or(Value::from(digits), Value::I64);
        match self {
            Self::U64(value) => integer((*value).try_into(), value.to_string()),
            Self::I64(value) => Value::I64(*value),
            Self::U128(value) => integer((*value).try_into(), value.to_string()),
            Self::I128(value) => integer((*value).try_into(), value.to_string()),
            Self::Usize(value) => integer((*value).try_into(), value.to_string()),
            Self::Bool(value) => Value::Bool(*value),
            Self::F64(value) => Value::F64(*value),
            Self::Text(text) | Self::Debug(text) => text.clone().into(),
        }
    }
}

/// Compares by text as well, because a NaN is not equal to itself.
fn is_same(left: &Value, right: &Value) -> bool {
    left == right || format!("{left:?}") == format!("{right:?}")
}

proptest! {
    #[test]
    fn a_field_keeps_its_type_and_its_digits(
        early in recorded(),
        late in recorded(),
        after in recorded(),
        is_started_by_context in any::<bool>(),
    ) {
        bridged();
        let capturing = capture();
        let span = info_span!("typed", early = Empty, late = Empty, after = Empty);
        early.record(&span, "early");
        if is_started_by_context {
            // This starts OpenTelemetry's span without entering the one of `tracing`.
            drop(span.context());
        }
        span.in_scope(|| late.record(&span, "late"));
        after.record(&span, "after");
        drop(span);
        let captured = capturing.only();
        for (field, value) in [("early", &early), ("late", &late), ("after", &after)] {
            let found = &captured.attributes[field];
            prop_assert!(is_same(found, &value.expected()), "{field}: {found:?} instead of {value:?}");
        }
        prop_assert!(!captured.attributes.contains_key("a2a_otel.tracing_span"));
    }

    #[test]
    fn a_field_keeps_its_type_from_the_start(big in any::<u128>(), small in any::<u64>(), text in "[0-9]{1,19}") {
        bridged();
        let capturing = capture();
        // A child with an explicit parent starts the parent.
        let span = info_span!("typed", big, small, text, same = %small, none = None::<u64>, some = Some(small));
        drop(info_span!(parent: &span, "child", small));
        drop(span);
        for name in ["typed", "child"] {
            let captured = capturing.named(name);
            prop_assert_eq!(&captured.attributes["small"], &Recorded::U64(small).expected());
        }
        let captured = capturing.named("typed");
        prop_assert_eq!(&captured.attributes["big"], &Recorded::U128(big).expected());
        prop_assert_eq!(&captured.attributes["some"], &Recorded::U64(small).expected());
        prop_assert_eq!(&captured.attributes["text"], &Value::from(text));
        prop_assert_eq!(&captured.attributes["same"], &Value::from(small.to_string()));
        prop_assert!(!captured.attributes.contains_key("none"));
    }
}

/// The last value counts, of whatever type the others are.
#[test]
fn a_field_that_is_recorded_again_has_its_last_value() {
    bridged();
    let capturing = capture();
    let span = info_span!(
        target: "langchain_rust::observability",
        "llm.generate",
        prompt_tokens = 1_u64,
        completion_tokens = "2",
    );
    span.record("prompt_tokens", 3_u64);
    span.in_scope(|| {
        span.record("prompt_tokens", 4_u64);
        span.record("completion_tokens", 5_u64);
    });
    drop(span);
    let captured = capturing.only();
    assert_eq!(captured.number("llm.token_count.prompt"), Some(4), "{captured:?}");
    assert_eq!(captured.number("llm.token_count.completion"), Some(5), "{captured:?}");
}
