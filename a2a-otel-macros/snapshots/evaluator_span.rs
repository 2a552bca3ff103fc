#[evaluator_span(evaluation = "brevity", score = output)]
fn brevity(answer: &str) -> f64 {
    1.0 / answer.len() as f64
}

// becomes

fn brevity(answer: &str) -> f64 {
    let scope = ::a2a_otel::__private::Span::open(
        &::a2a_otel::__private::Site {
            name: "brevity",
            kind: "EVALUATOR",
            opentelemetry: ::a2a_otel::__private::SpanKind::Internal,
            fixed: &[
                (
                    "evaluations.0.evaluation.name",
                    ::a2a_otel::__private::Fixed::Text("brevity"),
                ),
            ],
            name_keys: &[],
            room: 9usize,
        },
        &mut |opening| {
            ::a2a_otel::__private::Opening::input(
                opening,
                ::a2a_otel::__private::Capture::new(&answer).a2a_otel_value(),
            );
        },
    );
    let (scope, result) = ::a2a_otel::__private::sync::<
        f64,
        _,
    >(scope, move || { 1.0 / answer.len() as f64 });
    let mut ending = ::a2a_otel::__private::returned(scope);
    if ::a2a_otel::__private::Ending::is_seen(&ending) {
        match ::a2a_otel::__private::Split::new(&result)
            .a2a_otel_told()
            .a2a_otel_outcome()
        {
            ::a2a_otel::__private::Ok(value) => {
                ::a2a_otel::__private::Ending::ok(&mut ending);
                ::a2a_otel::__private::Ending::output(
                    &mut ending,
                    ::a2a_otel::__private::Capture::new(value).a2a_otel_value(),
                );
                {
                    let output = value;
                    ::a2a_otel::__private::Ending::fields(
                        &mut ending,
                        &[
                            (
                                "evaluations.0.evaluation.score",
                                ::a2a_otel::__private::Capture::new(&(output))
                                    .a2a_otel_asked(),
                            ),
                        ],
                    );
                }
            }
            ::a2a_otel::__private::Err(value) => {
                ::a2a_otel::__private::Ending::err(&mut ending, value, false)
            }
        }
    }
    result
}
