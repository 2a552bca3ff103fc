#[chain_span(name = format!("step {number}"))]
#[expect(clippy::needless_pass_by_value)]
fn step<T>(number: u32, #[cfg(feature = "memory")] memory: Memory<T>) -> impl Iterator<Item = T> {
    plan(number)
}

// becomes

#[allow(clippy::needless_pass_by_value)]
fn step<T>(
    number: u32,
    #[cfg(feature = "memory")]
    memory: Memory<T>,
) -> impl Iterator<Item = T> {
    let scope = ::a2a_otel::__private::Span::open(
        &::a2a_otel::__private::Site {
            name: "step",
            kind: "CHAIN",
            opentelemetry: ::a2a_otel::__private::Internal,
            measured: ::a2a_otel::__private::Measured::Nothing,
            fixed: &[],
            arguments: &["number", #[cfg(feature = "memory")] "memory"],
            fields: &[],
        },
        &mut |opening| {
            ::a2a_otel::__private::Opening::values(
                opening,
                &[
                    &{ number },
                    #[cfg(feature = "memory")]
                    ::a2a_otel::__private::Capture::new(&memory).a2a_otel_value(),
                ],
            );
            ::a2a_otel::__private::Opening::name(
                opening,
                ::a2a_otel::__private::Capture::new(&(format!("step {number}")))
                    .a2a_otel_text(),
            );
        },
    );
    let started = ::a2a_otel::__private::start_time(&scope);
    let ended: (_, _) = ::a2a_otel::__private::sync_with_scope::<
        _,
        _,
    >(scope, move || { plan(number) });
    let result: _ = ::a2a_otel::__private::iterate(
        ended.0,
        started,
        ended.1,
        move |item, items| {
            match ::a2a_otel::__private::ReturnType::of(item)
                .a2a_otel_classify()
                .a2a_otel_outcome(item)
            {
                ::a2a_otel::__private::Ok(value) => {
                    let _ = value;
                    ::a2a_otel::__private::SpanItems::output(
                        items,
                        ::a2a_otel::__private::Item::new(value).a2a_otel_value(),
                    );
                }
                ::a2a_otel::__private::Err(error) => {
                    ::a2a_otel::__private::SpanItems::err(items, &error, false)
                }
            }
        },
    );
    result
}
