#[prompt_span(template = "Find {what}.", variables = json!({"what": what}), crate = ::other::a2a_otel)]
fn prompt(what: &str) -> String {
    format!("Find {what}.")
}

// becomes

fn prompt(what: &str) -> String {
    let scope = ::other::a2a_otel::__private::Span::open(
        &::other::a2a_otel::__private::Site {
            name: "prompt",
            kind: "PROMPT",
            opentelemetry: ::other::a2a_otel::__private::Internal,
            measured: ::other::a2a_otel::__private::Measured::Nothing,
            fixed: &[
                (
                    "llm.prompt_template.template",
                    ::other::a2a_otel::__private::Fixed::Text("Find {what}."),
                ),
            ],
            arguments: &[""],
            fields: &[],
        },
        &mut |opening| {
            ::other::a2a_otel::__private::Opening::values(opening, &[&{ what }]);
            ::other::a2a_otel::__private::Opening::fields(
                opening,
                &[
                    (
                        "llm.prompt_template.variables",
                        ::other::a2a_otel::__private::Capture::new(
                                &(json!({ "what" : what })),
                            )
                            .a2a_otel_required(),
                    ),
                ],
            );
        },
    );
    ::other::a2a_otel::__private::sync::<
        String,
        _,
        _,
    >(
        scope,
        ::other::a2a_otel::__private::ReturnType::<String>::NEW
            .a2a_otel_classify()
            .a2a_otel_output(),
        move || { format!("Find {what}.") },
    )
}
