#[evaluator_span(evaluation = "brevity", score = output)]
fn brevity(answer: &str) -> f64 {
    1.0 / answer.len() as f64
}

// becomes

fn brevity(answer: &str) -> f64 {
    let scope = ::a2a_otel::__private::Span::open_with(
        &::a2a_otel::__private::Site {
            name: "brevity",
            kind: "EVALUATOR",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Nothing,
            fixed: &[
                (
                    "evaluations.0.evaluation.name",
                    ::a2a_otel::__private::Fixed::Text("brevity"),
                ),
            ],
            arguments: &[""],
            fields: &[],
        },
        &[&{ answer }],
    );
    let ended: (_, f64) = ::a2a_otel::__private::sync_with_scope::<
        f64,
        _,
    >(scope, move || { 1.0 / answer.len() as f64 });
    let mut ending = ::a2a_otel::__private::CallScope::returned(ended.0);
    if ::a2a_otel::__private::Ending::is_seen(&ending) {
        match ::a2a_otel::__private::ReturnType::of(&ended.1)
            .a2a_otel_classify()
            .a2a_otel_outcome(&ended.1)
        {
            ::a2a_otel::__private::Ok(value) => {
                let _ = value;
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
                                    .a2a_otel_required(),
                            ),
                        ],
                    );
                }
            }
            ::a2a_otel::__private::Err(error) => {
                ::a2a_otel::__private::Ending::err(&mut ending, &error, false)
            }
        }
    }
    ended.1
}
