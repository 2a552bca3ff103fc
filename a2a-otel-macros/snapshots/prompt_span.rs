#[prompt_span(template = "Find {what}.", variables = json!({"what": what}), crate = ::other::a2a_otel)]
fn prompt(what: &str) -> String {
    format!("Find {what}.")
}

// becomes

fn prompt(what: &str) -> String {
    let scope = {
        let mut opening = ::other::a2a_otel::__private::Span::open(
            &::other::a2a_otel::__private::Site {
                name: "prompt",
                kind: "PROMPT",
                opentelemetry: ::other::a2a_otel::__private::SpanKind::Internal,
                fixed: &[
                    (
                        "llm.prompt_template.template",
                        ::other::a2a_otel::__private::Fixed::Text("Find {what}."),
                    ),
                ],
                name_keys: &[],
                room: 9usize,
            },
        );
        if ::other::a2a_otel::__private::Opening::is_seen(&opening) {
            ::other::a2a_otel::__private::Opening::input(
                &mut opening,
                ::other::a2a_otel::__private::Capture::new(&what).a2a_otel_value(),
            );
            ::other::a2a_otel::__private::Opening::fields(
                &mut opening,
                &[
                    (
                        &["llm.prompt_template.variables"],
                        ::other::a2a_otel::__private::Capture::new(
                                &(json!({ "what" : what })),
                            )
                            .a2a_otel_asked(),
                    ),
                ],
            );
        }
        ::other::a2a_otel::__private::Opening::start(&mut opening)
    };
    let (scope, result) = ::other::a2a_otel::__private::sync::<
        String,
        _,
    >(scope, move || { format!("Find {what}.") });
    let mut ending = ::other::a2a_otel::__private::returned(scope);
    if ::other::a2a_otel::__private::Ending::is_seen(&ending) {
        match ::other::a2a_otel::__private::Split::new(&result).a2a_otel_result() {
            ::other::a2a_otel::__private::Ok(value) => {
                ::other::a2a_otel::__private::Ending::ok(&mut ending);
                ::other::a2a_otel::__private::Ending::output(
                    &mut ending,
                    ::other::a2a_otel::__private::Capture::new(value).a2a_otel_value(),
                );
            }
            ::other::a2a_otel::__private::Err(value) => {
                ::other::a2a_otel::__private::Ending::err(
                    &mut ending,
                    ::other::a2a_otel::__private::Failure::new(value).a2a_otel_failure(),
                    false,
                )
            }
        }
    }
    result
}
