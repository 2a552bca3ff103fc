#[guardrail_span(skip_all, label = "safe")]
#[track_caller]
fn assert_safe(prompt: &str) {
    assert!(prompt.len() < 100);
}

// becomes

#[track_caller]
fn assert_safe(prompt: &str) {
    let scope = ::a2a_otel::__private::Span::open_bare(
        &::a2a_otel::__private::Site {
            name: "assert_safe",
            kind: "GUARDRAIL",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Nothing,
            fixed: &[
                (
                    "evaluations.0.evaluation.label",
                    ::a2a_otel::__private::Fixed::Text("safe"),
                ),
                (
                    "evaluations.0.evaluation.name",
                    ::a2a_otel::__private::Fixed::Text("assert_safe"),
                ),
            ],
            arguments: &[],
            fields: &[],
        },
    );
    let _guard = ::a2a_otel::__private::guard(scope);
    {
        assert!(prompt.len() < 100);
    }
}
