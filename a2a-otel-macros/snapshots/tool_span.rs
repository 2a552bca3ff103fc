/// Ends the conversation.
#[tool_span]
fn hang_up(reason: &str) -> ! {
    panic!("{reason}")
}

// becomes

/// Ends the conversation.
fn hang_up(reason: &str) -> ! {
    let scope = ::a2a_otel::__private::Span::open_with(
        &::a2a_otel::__private::Site {
            name: "hang_up",
            kind: "TOOL",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Tool,
            fixed: &[
                (
                    "tool.description",
                    ::a2a_otel::__private::Fixed::Text("Ends the conversation."),
                ),
                ("tool.name", ::a2a_otel::__private::Fixed::Text("hang_up")),
            ],
            arguments: &["reason"],
            fields: &[],
        },
        &[&{ reason }],
    );
    let ended: (_, ::a2a_otel::__private::Never) = ::a2a_otel::__private::sync_with_scope::<
        ::a2a_otel::__private::Never,
        _,
    >(scope, move || -> ::a2a_otel::__private::Never { panic!("{reason}") });
    match ended.1 {}
}
